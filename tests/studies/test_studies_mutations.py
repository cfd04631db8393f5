"""The study of mutations, run small: outcomes are what they are called, and nothing is called so by itself."""

from __future__ import annotations

import numpy as np
import pytest

from tests.studies.false_alarms import CODES, alarms, together
from tests.studies.false_alarms import table as alarm_table
from tests.studies.mutation_files import LABEL, Source, simulated
from tests.studies.mutation_kinds import KINDS
from tests.studies.mutations import MOMENTS, Bench, Outcome, Seen, best, judged, run, table

BY_NAME = {kind.name: kind for kind in KINDS}
SMALL = (
    *("unit ×1000, one column", "two columns' names exchanged", "transposed"),
    *("labels inverted", "two ids exchanged within a class"),
)
WITHOUT_TRAIN = tuple(m for m in MOMENTS if m != "train")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return run(None, tmp_path_factory.mktemp("study"), "simulated", [BY_NAME[name] for name in SMALL], WITHOUT_TRAIN)["simulated"]


def test_the_simulated_cohort_in_small(found):
    at = {name: {m: o.outcome for m, o in outcomes.items()} for name, outcomes in found.items()}
    assert at["unit ×1000, one column"]["evaluate"] == at["unit ×1000, one column"]["predict"] == "caught"
    assert set(at["transposed"].values()) <= {"same", "–"}
    assert at["labels inverted"]["evaluate"] == "caught"
    assert at["labels inverted"]["predict"] == "same"
    assert at["two columns' names exchanged"]["evaluate"] == "warned"
    assert "analytes_exchanged" in found["two columns' names exchanged"]["model"].codes
    assert "columns_exchanged" in found["two columns' names exchanged"]["predict"].codes
    assert best(at["two ids exchanged within a class"].values()) == "silent"


def test_the_table_counts_cohorts_and_results_are_resumed(found, tmp_path):
    text = table({"simulated": found})
    assert "| unit ×1000, one column |" in text
    assert "of 1 cohorts" in text
    assert set(next(iter(found.values()))) == set(WITHOUT_TRAIN)


def test_every_mutation_alters_the_file_or_says_that_it_cannot():
    source, rng = simulated(0, n=80), np.random.default_rng(0)
    changed = set()
    for kind in KINDS:
        mutated = kind.mutate(source, source.frame.copy(), rng)
        if mutated is not None and not mutated[0].equals(source.frame):
            changed.add(kind.name)
    without = {"2^x of log values", "CPM for counts", "-3p and -5p exchanged"}
    assert {k.name for k in KINDS} - changed <= without | {k.name for k in KINDS if k.group == "cells"}


def test_what_the_clean_file_is_told_too_counts_for_nothing():
    told = (("plate_effect", "warning", "a"), ("near_duplicates", "warning", "two pairs"))
    clean = Seen(findings=told, same_as="1")
    assert judged(clean, Seen(findings=told, same_as="2"), ["x"]) == Outcome("silent")
    assert judged(clean, Seen(same_as="1"), []) == Outcome("same")
    assert judged(clean, Seen(refused=("UNIT_SUSPECT",)), []).outcome == "caught"
    more = (*told, ("labels_inverted", "blocking", "b"))
    assert judged(clean, Seen(findings=more, same_as="2"), []) == Outcome("caught", ("labels_inverted",))
    named = (("plate_effect", "warning", "x lies off"),)
    assert judged(clean, Seen(findings=named, same_as="2"), ["x"]) == Outcome("warned", ("plate_effect",))


def test_flags_count_beyond_chance_and_withhold_where_no_call_is_made():
    clean = Seen(same_as="1", reasons={"OUT_OF_DOMAIN": 2, "FAR_OUT_OF_DOMAIN": 0}, n=100)
    few = Seen(same_as="2", reasons={"OUT_OF_DOMAIN": 5, "FAR_OUT_OF_DOMAIN": 0}, n=100)
    many = Seen(same_as="2", reasons={"OUT_OF_DOMAIN": 30, "FAR_OUT_OF_DOMAIN": 0}, n=100)
    withheld = Seen(same_as="2", reasons={"OUT_OF_DOMAIN": 2, "FAR_OUT_OF_DOMAIN": 50}, n=100)
    outcomes = [judged(clean, s, []).outcome for s in (few, many, withheld)]
    assert outcomes == ["silent", "warned", "caught"]


def test_false_alarms_in_small(tmp_path):
    """Two cohorts that nobody altered: with a rate of a few in a hundred none is named."""
    told = alarms([together(0), together(1)], tmp_path)
    assert not any(codes for of in told.values() for codes in of.values())
    assert alarm_table(told).count("0 (0 to") == 4 * len(CODES)


def test_a_model_is_trained_once_and_kept(tmp_path):
    source = together(0)
    small = Source("small", source.frame, source.held, source.panel, has_test=False)
    assert Bench(small, tmp_path).model.name == "together"
    kept = (tmp_path / "models" / "small" / "manifest.json").stat().st_mtime_ns
    assert Bench(small, tmp_path).model.provenance.n_specimens == len(small.learned)
    assert (tmp_path / "models" / "small" / "manifest.json").stat().st_mtime_ns == kept
    assert set(small.learned[LABEL]) == {"case", "control"}
