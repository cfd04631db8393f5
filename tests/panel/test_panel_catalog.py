"""The built-in panels: each is a hypothesis that names its sources and its weakest point, and every accession is its name's."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest
import tomli_w

from exodx.cohort import Intake, read_cohort
from exodx.errors import InputRefused
from exodx.panel import Scale, builtin_names, load_panel, name_warnings, resolve_names
from exodx.panel.markers import read_markers
from exodx.panel.names import builtin_tables, look_up, parse_release
from exodx.panel.quality import haemolysis_markers

NAMES = builtin_names()
DISEASES = (
    "Alzheimer",
    "Atherosclerosis",
    "Breast",
    "Colorectal",
    "coronary",
    "Glioblastoma",
    "Hepatocellular",
    "Lung adenocarcinoma",
    "Non-small-cell lung",
    "Ovarian",
    "Pancreatic",
    "Parkinson",
    "prostate",
    "Tuberculosis",
)
SOURCE = re.compile(r"\b10\.\d{4,9}/[^\s;,)]+|\bPMC\d{5,8}\b|\bPMID \d{6,8}\b")
CLAIMS = re.compile(
    r"\bvalidated\b|diagnostic for|\bproves?\b|\bproven\b|\bdetects\b|\breliabl|\baccurate\b|\bdiagnos(?:es|ed)\b|\bpromising\b",
    re.IGNORECASE,
)
"""What no hypothesis may say of itself."""


def text(name: str) -> str:
    return (resources.files("exodx.panel.catalog") / f"{name}.toml").read_text(encoding="utf-8")


def test_there_is_a_panel_for_every_disease_of_the_evidence():
    titles = " ".join(load_panel(name).title for name in NAMES)
    assert [disease for disease in DISEASES if disease.casefold() not in titles.casefold()] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_panel_says_that_it_is_a_hypothesis_where_it_comes_from_and_where_it_is_weakest(name):
    panel = load_panel(name)
    assert panel.name == name
    assert panel.evidence.startswith("Hypothesis. ")
    assert SOURCE.findall(panel.evidence), "no DOI, PMID or PMC number"
    assert panel.weakness is not None
    assert 40 < len(panel.weakness) < 200
    assert panel.intended_use.startswith("Research on ")
    assert panel.intended_use.endswith("not for use in diagnostic procedures.")
    assert panel.prevalence is None  # a case-control share is no prevalence


@pytest.mark.parametrize("name", NAMES)
def test_no_panel_claims_anything(name):
    said = text(name).replace("not a validated test", "")
    assert CLAIMS.findall(said) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_accession_is_written_in_the_file_and_is_what_the_names_table_says(name):
    """By the shipped tables alone: nothing that a user imported is asked."""
    tables, document = builtin_tables(), tomllib.loads(text(name))
    assert name_warnings(load_panel(name), tables) == ()  # no old name, no removed one, none in no table
    for analyte in document["analyte"]:
        if analyte["kind"] == "mirna":
            found = look_up(analyte["name"], tables, parse_release("22"))
            assert found.accessions == (analyte["accession"],), analyte["name"]
            assert not found.removed
        elif analyte["kind"] == "protein":
            assert analyte["accession"] in tables.proteins
        else:
            assert "accession" not in analyte  # there is no table to check one against
    assert resolve_names(load_panel(name), tables) == load_panel(name)


def test_a_wrong_accession_in_a_built_in_panel_would_be_refused():
    document = tomllib.loads(text("hcc-ev-3"))
    document["analyte"][0]["accession"] = "MIMAT0004494"  # miR-21-3p
    from exodx.panel import parse_panel

    with pytest.raises(InputRefused, match="ACCESSION_MISMATCH"):
        resolve_names(parse_panel(document, "hcc"), builtin_tables())


@pytest.mark.parametrize("name", NAMES)
def test_ct_panels_of_mirna_have_two_references_that_are_no_haemolysis_markers_and_the_pair_of_the_haemolysis_rule(name):
    panel, markers = load_panel(name), read_markers()
    if not any(a.kind == "mirna" and a.scale is Scale.CT for a in panel.with_role("target")):
        return
    references = panel.with_role("reference")
    assert len(references) == 2
    assert not any(tag.kind in ("haemolysis", "small_nuclear") for a in references for tag in markers.tags(a))
    found = haemolysis_markers()
    assert {found.numerator[0], found.denominator[0]} <= set(panel.names)


@pytest.mark.parametrize("name", NAMES)
def test_a_target_that_is_a_red_cells_marker_is_named_as_such(name):
    """Of blood panels: whoever reads the panel must not have to know which miRNAs rise with haemolysis."""
    panel, markers = load_panel(name), read_markers()
    said = f"{panel.evidence} {panel.weakness}"
    for analyte in panel.with_role("target"):
        if any(tag.kind == "haemolysis" for tag in markers.tags(analyte)) and name not in ("breast-ev-5", "crc-ev-7"):
            bare = analyte.name.removeprefix("miR-").split("-")[0]
            assert re.search(rf"{bare}\b.*haemolysis|red cell", said), analyte.name


def test_conflicts_are_shown_and_what_is_not_of_vesicles_is_kept_apart():
    panels = {name: load_panel(name) for name in NAMES}
    assert "contested" in panels["athero-3"].evidence
    assert "GPC1" not in panels["pdac-ev-5"].names
    assert "let-7a is reported down" in panels["crc-ev-7"].evidence  # and is up here
    assert [a.direction for a in panels["crc-ev-7"].analytes if a.name == "let-7a-5p"] == ["up"]
    assert [a.direction for a in panels["pdac-ev-5"].analytes if a.name == "let-7a-5p"] == ["down"]
    for name, panel in panels.items():
        is_ev = "-ev-" in name or "-nev-" in name or name == "athero-3"
        assert is_ev or panel.isolation.startswith("none"), name
        assert {a.fraction for a in panel.analytes if a.kind == "protein"} <= ({"ev"} if is_ev else {"total", "soluble"})


def test_an_auc_stands_beside_the_two_groups_that_it_tells_apart():
    """10.1186/s13195-022-01010-x: each group against amyloid-negative controls; 10.1186/s13048-018-0458-0: the serous type."""
    neuronal = load_panel("alzheimer-nev-3").evidence
    assert re.search(r"against the same 84 .*0\.957.* dementia, 0\.857 in 45 with amnestic .*0\.663 in 72", neuronal)
    assert "0.71 against the healthy" in load_panel("ovarian-serum-1").evidence


def test_what_is_no_mirna_is_in_no_panel():
    targets = {a.name for name in NAMES for a in load_panel(name).analytes}
    assert not {"miR-720", "RNU6-1", "U6"} & targets
    assert "no miRNA any more" in load_panel("hcc-ev-3").evidence
    assert "no miRNA" in load_panel("gbm-ev-7").evidence


def test_the_numbers_of_the_evidence_stand_in_the_table_they_come_from():
    """Each AUC that a panel quotes is in the project's table, or in the abstract that the panel names (listed here)."""
    table = Path(__file__).parents[3] / "shared" / "reference" / "evidence_table.csv"
    if not table.is_file():
        pytest.skip(f"the table of evidence is not here: {table}")
    with table.open() as file:
        rows = " ".join(" ".join(row) for row in csv.reader(file)) + (table.parent / "domain.md").read_text()
    elsewhere = {"0.71", "0.63", "0.85", "0.76", "0.47"}  # 10.1186/s13048-018-0458-0, abstract
    elsewhere |= {"0.97", "0.80", "0.99"}  # 10.1016/j.ebiom.2019.01.023, abstract
    for name in NAMES:
        for number in re.findall(r"\b0\.\d{2,4}\b", load_panel(name).evidence):
            plain = number.removeprefix("0").rstrip("0")
            assert re.search(rf"(?<!\d)0?{re.escape(plain)}0*(?!\d)", rows) or number in elsewhere, f"{name}: {number}"


def test_the_list_tells_name_disease_analytes_specimen_and_the_weakest_point():
    def listed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "exodx", "panel", "list", *words], capture_output=True, text=True, check=True)

    shown, answer = listed(), json.loads(listed("--json", "-q").stdout)
    assert [each["name"] for each in answer] == NAMES
    assert "hypotheses from the literature" in shown.stderr
    joined = " ".join(shown.stdout.split())
    for each in answer:
        panel = load_panel(each["name"])
        assert each["weakness"] == panel.weakness
        assert each["targets"] == [a.name for a in panel.with_role("target")]
        assert f"{panel.name} {panel.title} {', '.join(each['targets'])} · " in joined
        assert f"weakest point: {panel.weakness}" in joined
    assert max(map(len, shown.stdout.splitlines())) <= 100


def test_real_tuberculosis_columns_are_found_by_their_old_names_and_z_scores_are_not_taken_for_ct(cohorts_folder, tmp_path):
    table = cohorts_folder / "tb-exosome-mirna-qpcr-zscored" / "ptb-vs-dc" / "train_df.csv"
    intake = {"label": "group property", "positive": "PTB"}
    with pytest.raises(InputRefused) as refused:
        read_cohort(table, Intake("tb-ev-6", **intake))
    codes = [(p.code, p.where.partition("column ")[2]) for p in refused.value.problems]
    assert [where for code, where in codes if code == "SCALE_SUSPECT"] == [
        f"'miR-{n}'" for n in ("20a", "20b", "26a", "106a", "191", "486")
    ]
    document = tomllib.loads(text("tb-ev-6"))
    document["panel"] |= {"normalisation": "none", "platform": "RT-qPCR, z-scored by the source"}
    document["analyte"] = [a | {"unit": "z-score"} for a in document["analyte"] if a.get("role", "target") == "target"]
    (tmp_path / "tb.toml").write_text(tomli_w.dumps(document))
    cohort = read_cohort(table, Intake(str(tmp_path / "tb.toml"), **intake))
    assert (len(cohort), int(cohort.y.sum())) == (103, 62)
    assert any("'miR-486' read as miR-486-5p" in note for note in cohort.notes)
