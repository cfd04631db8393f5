"""Columns that name persons are found in many tongues, and columns of a study are not taken for them."""

import random
import re
from pathlib import Path

import numpy as np
import pytest

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.errors import ExodxError
from exodx.evaluation.identifier_audits import audit_identifiers
from exodx.privacy.identifiers import direct_identifiers
from exodx.privacy.numbers import PERSONAL_NUMBERS
from exodx.tables.reader import read_table

VALID = {  # published examples, of no living person's
    "NHS numbers": ("943 476 5919", "9434765870", "401 023 2137"),
    "burgerservicenummers": ("111222333", "123456782"),
    "numéros de sécurité sociale": ("2 55 08 14 168 025 38", "1 84 12 76 451 089 46"),
    "DNI or NIE": ("12345678Z", "X1234567L", "00000001R"),
    "codici fiscali": ("RSSMRA85T10A562S", "MRTMTT91D08F205J"),
    "PESEL numbers": ("44051401359", "02070803628"),
    "fødselsnummer": ("01010750160",),
    "personnummer": ("811218-9876", "19811218-9876", "670919-9530"),
    "henkilötunnus": ("131052-308T", "010594Y9032"),
    "rijksregisternummers": ("93.05.18-223.61", "17.07.30-033.84"),
    "CPF numbers": ("529.982.247-25", "111.444.777-35"),
    "resident identity numbers": ("11010519491231002X", "440524188001010014"),
    "social security numbers": ("219-09-9998", "078-05-1120"),
}


@pytest.mark.parametrize("what", PERSONAL_NUMBERS)
def test_published_numbers_prove_themselves_and_a_wrong_digit_does_not(what):
    proves = PERSONAL_NUMBERS[what]
    assert VALID[what]
    for text in VALID[what]:
        assert proves(text), text
        if what == "social security numbers":
            continue  # they have no check
        places = [i for i, letter in enumerate(text) if letter.isdecimal()]
        wrong = [text[:i] + str((int(text[i]) + 1) % 10) + text[i + 1 :] for i in places]
        assert sum(map(proves, wrong)) <= 1, text  # modulus 11 and 97 see every single digit; a century may be another
    for junk in ("", "x", "1" * 400, "１２３４５６７８９０", "0000000000", "-", "9434765919.0", "é" * 16):
        assert not proves(junk)


@pytest.mark.parametrize("what", PERSONAL_NUMBERS)
def test_numbers_drawn_at_random_hardly_ever_fill_a_column(what):
    rng = random.Random(7)
    for digits in (8, 9, 10, 11, 12, 13, 15, 18):
        column = [str(rng.randrange(10 ** (digits - 1), 10**digits)) for _ in range(12)]
        assert not direct_identifiers({"count": column}), (what, column)


@pytest.mark.parametrize(
    ("heading", "cells", "what"),
    [
        ("Patient Name", ["Ada Lovelace", "Ohm, Georg", ""], "names"),
        ("lastName", ["Curie", "Skłodowska-Curie"], "names"),
        ("NACHNAME", ["Müller", "von der Tann"], "names"),
        ("Prénom", ["Aimée", "Jean-Luc"], "names"),
        ("Förnamn", ["Åsa", "Örjan"], "names"),
        ("Nazwisko", ["Łukasiewicz", "Ćwik"], "names"),
        ("姓名", ["王小明", "李雷"], "names"),
        ("Фамилия", ["Иванова", "Петров"], "names"),
        ("DOB", ["1961-02-03", "12/11/1958"], "birth"),
        ("Geburtsdatum", ["03.02.1961", "12.11.58"], "birth"),
        ("date_of_birth", ["3 Feb 1961", "19610203"], "birth"),
        ("生年月日", ["1961年2月3日", "1958年11月12日"], "birth"),
        ("MRN", ["00123456", "A-99812"], "record"),
        ("nhs_number", ["123 456 7890", "n/k 12"], "record"),
        ("Numéro de sécurité sociale", ["1234 5678", "9999 1111"], "record"),
        ("Telefon", ["+49 30 1234567", "030/7654321"], "telephone"),
        ("contact", ["ada@example.org", "none"], "e-mail"),
        ("Home address", ["12 Elm Street", "Flat 3, 9 High Road"], "postal"),
        ("PLZ", ["10115", "80331"], "postal"),
        ("Remarks", ["seen with her brother at noon", "asked to call him back soon", "he moved to Leeds last spring"], "free text"),
        ("id", [*VALID["NHS numbers"], "450 557 7104", "987 654 3210"], "NHS"),
        ("x", [*VALID["PESEL numbers"], "90090515836", "92071314764", "81100216357"], "PESEL"),
    ],
)
def test_a_column_that_names_persons_is_found(heading, cells, what):
    (found,) = direct_identifiers({"site": ["A", "B"], heading: cells})
    assert (found.column, found.what.startswith(what) or what in found.what) == (heading, True)
    assert found.cells >= 1


@pytest.mark.parametrize(
    ("heading", "cells"),
    [
        ("sample_name", ["S1", "S2", "S3"]),
        ("name", ["hsa-miR-21-5p", "hsa-miR-126-3p"]),
        ("Patient name", ["P-001", "P-002"]),
        ("date", ["2024-01-02", "2024-03-04"]),
        ("birth_year", ["1961", "1958"]),
        ("dob", ["", ""]),
        ("age at birth date", ["34", "28"]),
        ("notes", ["haemolysed", "ok", "repeat"]),
        ("comment", ["passed QC at first try on Monday"]),
        ("address", ["", "NA"]),
        ("phone", ["yes", "no"]),
        ("zipcode region", ["north", "south"]),
        ("ssn", ["", ""]),
        ("count", [str(n) for n in range(100_000_000, 100_000_060)]),
        ("barcode", ["TCGA-A1-A0SB-01", "TCGA-A1-A0SD-01"]),
        ("geo", ["GSM1829645", "GSM1829646"]),
        ("CNP", ["476.5", "1310.1", "9415.6"]),  # the gene, among proteins; with 13 digits it is Romania's number of a person
    ],
)
def test_what_only_looks_like_it_is_left_in_peace(heading, cells):
    assert direct_identifiers({heading: cells}) == []


def test_one_column_is_told_once_and_no_cell_is_repeated(athero):
    frame = simulate(athero, SimulatedStudy(n=30, seed=3))
    frame["Vorname"] = [f"Erika{'abcdefghij'[i % 10]}" for i in range(30)]
    frame["Mail"] = [f"person{i}@clinic.example" for i in range(30)]
    (finding,) = audit_identifiers(frame_cohort(frame, Intake(athero, "group", "case")))
    assert (finding.code, finding.severity) == ("direct_identifier", "warning")
    assert "'Vorname' holds names of persons" in finding.message
    assert "'Mail' holds e-mail addresses" in finding.message
    assert not re.search(r"Erika|person\d|clinic", finding.message)


def test_numbers_among_the_ids_themselves_are_seen(athero):
    frame = simulate(athero, SimulatedStudy(n=24, seed=3))
    base = np.arange(24) + 710_101_100
    checks = [(11 - sum(int(d) * w for d, w in zip(str(b), range(10, 1, -1), strict=True)) % 11) % 11 for b in base]
    frame["subject_id"] = [f"{b}{c}" if c < 10 else "943 476 5919" for b, c in zip(base, checks, strict=True)]
    (finding,) = audit_identifiers(frame_cohort(frame, Intake(athero, "group", "case")))
    assert "'subject' holds NHS numbers" in finding.message


def test_a_simulated_cohort_and_the_tests_own_cohort_are_clean(cohort, athero):
    assert list(audit_identifiers(cohort)) == []


@pytest.mark.cohorts
def test_no_false_alarm_in_the_real_cohorts(cohorts_folder):
    """Public cohorts hold no direct identifier: every alarm would be false."""
    seen = 0
    for path in sorted(cohorts_folder.rglob("*")):
        if path.suffix not in (".csv", ".tsv", ".txt") or path.stat().st_size > 300_000 or path.parent.name == "instrument-exports":
            continue
        try:
            table = read_table(path)
        except ExodxError:
            continue
        seen += len(table.columns)
        assert direct_identifiers(table.columns) == [], path.relative_to(cohorts_folder)
    assert seen > 100, f"{seen} columns in {Path(cohorts_folder)}"
