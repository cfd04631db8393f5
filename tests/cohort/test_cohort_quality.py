"""The QC report: every finding with its number and limit, a flow that adds up, and what to mind about the cohort."""

import json

import numpy as np
import pandas as pd
import pytest

from exodx.assay import LearnQuality, learn_transform
from exodx.cohort import Intake, frame_cohort, quality_report, read_cohort
from exodx.cohort.quality import FlowStep
from exodx.panel import Analyte, Panel, QualityRule

TARGET = Analyte("miR-1290", "mirna", "Ct")
HAEMOLYSIS = (Analyte("miR-23a-3p", "mirna", "Ct", "haemolysis"), Analyte("miR-451a", "mirna", "Ct", "haemolysis"))


def panel(*analytes, **head):
    return Panel("p", "1", "t", (TARGET, *analytes), **{"normalisation": "none", **head})


def cohort_of(panel_, label="group", **columns):
    n = max(map(len, columns.values()))
    blanks = {a.name: ["30"] * n for a in panel_.analytes}
    frame = pd.DataFrame({"specimen_id": [f"S{i}" for i in range(n)], **blanks, **columns})
    return frame_cohort(frame, Intake(panel_, label, "case" if label else None))


def report_of(cohort, **options):
    return quality_report(cohort, LearnQuality(cohort.panel).fit(cohort.measurements).state_, **options)


def codes(report):
    return [finding.code for finding in report.cohort_findings]


GROUPS = {"group": ["case", "control", "case", "control", "case", ""]}
CT = {"miR-23a-3p": ["26", "28", "30", "26", "26", "26"], "miR-451a": ["22"] * 6}


def test_findings_carry_the_number_the_limit_and_the_action():
    cohort = cohort_of(panel(*HAEMOLYSIS), **GROUPS, **CT, anticoagulant=["EDTA"] * 4 + ["heparin", "EDTA"])
    report = report_of(cohort)
    assert [(f.specimen, f.rule, f.observed, f.limit, f.action) for f in report.findings] == [
        ("S1", "haemolysis_ct", 6.0, "> 5", "flag"),
        ("S2", "haemolysis_ct", 8.0, "> 7", "refuse"),
        ("S4", "heparin_tube", "anticoagulant 'heparin'", "refused: heparin", "refuse"),
    ]
    assert report.of("S1") == report.findings[:1]
    assert "EV-isolated RNA" in report.sources["haemolysis_ct"]
    assert "depth" in report.not_applied


def test_the_flow_adds_up_by_class():
    cohort = cohort_of(panel(*HAEMOLYSIS), **GROUPS, **CT, anticoagulant=["EDTA"] * 4 + ["heparin", "EDTA"])
    assert report_of(cohort).flow == (
        FlowStep("rows read", 6),
        FlowStep("left out without reference standard", 1),
        FlowStep("refused: haemolysis_ct", 1, 1, 0, 1),
        FlowStep("refused: heparin_tube", 1, 1, 0, 1),
        FlowStep("analysed", 3, 1, 2, 3),
    )


def test_a_specimen_refused_by_two_rules_is_counted_once_and_both_are_told():
    cohort = cohort_of(panel(*HAEMOLYSIS), label=None, **CT, anticoagulant=["EDTA", "EDTA", "heparin"] + ["EDTA"] * 3)
    report = report_of(cohort)
    assert [f.rule for f in report.of("S2")] == ["haemolysis_ct", "heparin_tube"]
    assert report.flow[-2:] == (FlowStep("refused: haemolysis_ct", 1, subjects=1), FlowStep("analysed", 5, subjects=5))


def test_with_the_flags_of_the_whole_transform_other_refusals_count_too(athero, cohort):
    lost = cohort.measurements.states.copy()
    lost[0] = 2
    m = type(cohort.measurements)(athero.names, cohort.measurements.values, lost)
    damaged = type(cohort)(athero, m, cohort.specimens, cohort.reference_standard)
    flags = learn_transform(athero, m).apply(m).flags
    steps = {step.step: step.n for step in report_of(damaged, flags=flags).flow}
    assert steps["refused: no reference analyte was detected"] == 1
    assert sum(steps.values()) == 2 * len(cohort)
    assert "refused: no reference analyte was detected" not in {s.step for s in report_of(damaged).flow}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("miR-16-5p", "reference_haemolysis_marker"),
        ("miR-191-5p", "reference_haemolysis_marker"),
        ("U6", "reference_small_nuclear"),
        ("RNU6", "reference_small_nuclear"),
        ("miR-423-3p", "reference_disease_marker"),
        ("miR-425-5p", "reference_disease_marker"),
    ],
)
def test_a_doubtful_reference_is_named(name, code):
    doubtful = Analyte(name, "mirna", "Ct", "reference")
    good = Analyte("miR-103a-3p", "mirna", "Ct", "reference")
    report = report_of(cohort_of(panel(doubtful, good, normalisation="references"), **GROUPS))
    (finding,) = [f for f in report.cohort_findings if f.code == code]
    assert name in finding.message
    assert "(" in finding.message  # the source
    assert code not in codes(report_of(cohort_of(panel(good, normalisation="references"), **GROUPS)))
    assert code not in codes(report_of(cohort_of(panel(doubtful, good), **GROUPS)))  # not subtracted, no harm


def test_a_single_reference_and_targets_that_tell_of_haemolysis_are_named():
    one = Analyte("miR-103a-3p", "mirna", "Ct", "reference")
    assert "reference_single" in codes(report_of(cohort_of(panel(one, normalisation="references"), **GROUPS)))
    as_target = Analyte("hsa-miR-451a", "mirna", "Ct")
    assert "target_haemolysis_marker" in codes(report_of(cohort_of(panel(as_target), **GROUPS)))
    assert "target_haemolysis_marker" not in codes(report_of(cohort_of(panel(*HAEMOLYSIS), **GROUPS)))


def test_what_the_manifest_does_not_state_is_a_finding_and_never_a_refusal():
    bare = {f.code: f for f in report_of(cohort_of(panel(), **GROUPS)).cohort_findings}
    for name in ("subject", "site", "anticoagulant", "isolation_method", "specimen_type", "platform"):
        assert name in bare["manifest_incomplete"].message
    assert "0/7 in every specimen" in bare["ev_characterisation"].message
    full = panel(specimen_type="plasma", isolation="SEC", platform="RT-qPCR")
    stated = cohort_of(full, **GROUPS, subject=list("abcdef"), site=["A"] * 6, plate=["1"] * 6, anticoagulant=["EDTA"] * 6)
    assert "manifest_incomplete" not in codes(report_of(stated))


def test_characterisation_purity_and_controls_are_told():
    columns = {
        "start_volume_ml": ["1"] * 6,
        "particles_per_ml": ["1e12", "5e10", "1e9", "", "1e12", "1"],
        "protein_ug_ml": ["10"] * 6,
        "positive_markers": ["CD9; CD63; TSG101"] * 6,
        "negative_markers": ["calnexin"] * 6,
        "imaging": ["TEM"] * 6,
        "single_particle_method": ["NTA"] * 6,
        "control_type": ["", "healthy", "", "healthy", "", ""],
    }
    found = {f.code: f for f in report_of(cohort_of(panel(), **GROUPS, **columns)).cohort_findings}
    assert "2 high, 1 low, 1 unpure" in found["purity"].message  # the unlabelled sixth is not in the cohort
    assert found["purity"].severity == "warning"
    assert "6/7 in 1 of 5 specimens; not stated: particles_per_ml" in found["ev_characterisation"].message
    assert "2 specimens are of healthy controls" in found["spectrum_bias"].message
    complete = columns | {"particles_per_ml": ["1e12"] * 6, "control_type": ["benign"] * 6}
    again = report_of(cohort_of(panel(), **GROUPS, **complete))
    assert not {"ev_characterisation", "spectrum_bias"} & set(codes(again))


def test_an_undetected_spike_has_no_number_and_the_report_is_plain_json():
    spiked = panel(Analyte("cel-miR-39-3p", "mirna", "Ct", "spike_in"))
    cohort = cohort_of(spiked, label=None, **{"cel-miR-39-3p": ["21", "21.1", "21.2", "20.9", "21", "Undetermined", "24"]})
    report = report_of(cohort)
    first = report.findings[0]
    assert (first.specimen, first.rule, first.observed) == ("S5", "spike cel-miR-39-3p", None)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["findings"][1]["observed"] == pytest.approx(2.95)


def test_a_plate_effect_is_named_with_its_share():
    rng = np.random.default_rng(3)
    plates = np.repeat(["p1", "p2", "p3"], 12)
    shifted = 30 + np.repeat([0.0, 2.0, 4.0], 12) + rng.normal(0, 0.5, 36)
    level = 28 + rng.normal(0, 0.5, 36)
    p = panel(Analyte("even", "mirna", "Ct"))
    columns = {"plate": plates, "miR-1290": shifted.round(3).astype(str), "even": level.round(3).astype(str)}
    groups = {"group": ["case", "control"] * 18}
    (finding,) = [f for f in report_of(cohort_of(p, **groups, **columns)).cohort_findings if f.code == "plate_effect"]
    assert "miR-1290 lies between 3 plates" in finding.message
    mixed = {**columns, "plate": rng.permutation(plates)}
    assert "plate_effect" not in codes(report_of(cohort_of(p, **groups, **mixed)))
    unstated = {**columns, "plate": [""] * 36}
    assert "plate_effect" not in codes(report_of(cohort_of(p, **groups, **unstated)))


@pytest.mark.parametrize("seed", range(4))
def test_reads_that_few_specimens_have_are_no_plate_effect(seed):
    """Of an analyte with a read in a handful of specimens, two on one plate have the same count by chance: no variance is left."""
    rng = np.random.default_rng(seed)
    names = [f"a{i}" for i in range(150)]
    reads = rng.poisson(rng.gamma(0.3, 0.6, 150), (60, 150))
    p = panel(*(Analyte(name, "mirna", "CPM") for name in names))
    columns = {name: column.astype(float).astype(str) for name, column in zip(names, reads.T, strict=True)}
    cohort = cohort_of(p, group=["case", "control"] * 30, plate=rng.choice([f"p{i}" for i in range(6)], 60), **columns)
    assert "plate_effect" not in codes(report_of(cohort))


@pytest.mark.cohorts
def test_the_shallow_libraries_of_a_real_cohort_are_named(cohorts_folder):
    file = cohorts_folder / "ev-mirna-counts" / "PRJNA904396_expression_count.csv"
    intake = Intake(label="disease", positive="Systemic lupus erythematosus", specimens=file.with_name("PRJNA904396_metadata.csv"))
    cohort = read_cohort(file, intake)
    strict = QualityRule("depth", "depth", flag=1e6, refuse=1e4, above=False)
    ruled = read_cohort(file, Intake(_with_rule(cohort.panel, strict), intake.label, intake.positive, specimens=intake.specimens))
    report = report_of(ruled)
    raw = pd.read_csv(file, index_col=0).sum()
    assert {f.specimen for f in report.findings if f.action == "refuse"} == set(raw.index[raw < 1e4])
    assert len({f.specimen for f in report.findings if f.action == "refuse"}) == 45  # SOURCE.md
    depths = {f.specimen: f.observed for f in report.findings if f.rule == "depth"}
    assert depths == raw[list(depths)].to_dict()
    assert [(s.step, s.n) for s in report.flow] == [("rows read", 128), ("refused: depth", 45), ("analysed", 83)]
    assert {f.action for f in report_of(cohort).findings} == {"flag"}  # no refusal by default


def _with_rule(panel_, rule):
    return type(panel_)(**{f: getattr(panel_, f) for f in panel_.__dataclass_fields__ if f != "qc"}, qc=(rule,))


@pytest.mark.cohorts
def test_the_references_of_real_cohorts_are_named(cohorts_folder):
    lung = read_cohort(cohorts_folder / "lung-ffpe-mirna-ct-triplicates" / "real_dataset_1_training.dat")
    found = {f.code: f.message for f in report_of(lung).cohort_findings}
    assert "U6" in found["reference_small_nuclear"]
    assert "U6" in found["reference_single"]
    aneurysm = read_cohort(cohorts_folder / "aaa-pbmc-taqman-ct" / "data_Ct_long.txt")
    found = {f.code: f.message for f in report_of(aneurysm).cohort_findings}
    assert "GAPDH" in found["reference_single"]
    assert "reference_small_nuclear" not in found
    for report in (report_of(lung), report_of(aneurysm)):
        assert not [f for f in report.findings if f.action == "refuse"]
