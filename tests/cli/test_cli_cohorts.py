"""The whole way on real cohorts, with commands only; skipped where the cohorts are not there."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.cohorts

SMALL = ("--no-track", "--json", "--jobs", 2)
PLAN = 'budget = "minimal"\nrepeats = 1\nouter_folds = 3\ninner_folds = 3\n'


@pytest.fixture
def plan(tmp_path) -> Path:
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path / "plan.toml"


def evaluated(cli, train, test, plan, tmp_path, options) -> tuple[dict, dict]:
    """Train on one file, score and evaluate on the other."""
    trained = cli("train", train, "--panel", "auto", "--plan", plan, *options, *SMALL, "-o", tmp_path / "m")
    assert trained.code == 0, trained.err
    scored = cli("predict", test, "--model", tmp_path / "m", "-o", tmp_path / "scores.csv")
    assert scored.code == 0, scored.err
    outside = cli("evaluate", test, "--model", tmp_path / "m", *options, "--json")
    assert outside.code == 0, outside.err
    return json.loads(trained.out), json.loads(outside.out)


def test_tuberculosis_six_mirna_train_file_to_test_file(cli, cohorts_folder, plan, tmp_path):
    folder = cohorts_folder / "tb-exosome-mirna-qpcr-zscored" / "ptb-vs-dc"
    options = ("--label", "group property", "--positive", "PTB")
    inside, outside = evaluated(cli, folder / "train_df.csv", folder / "test_df.csv", plan, tmp_path, options)
    assert len(list(csv.reader((tmp_path / "scores.csv").read_text().splitlines()))) == 45
    # published baselines inside .81–.84, outside .87–.91 (SOURCE.md); the honest inside estimate lies in the outside interval
    assert 0.75 < inside["headline"]["value"] < 0.92
    assert outside["headline"]["lower"] < inside["headline"]["value"] < outside["headline"]["upper"]
    assert "age_confounded" in [f["code"] for f in inside["findings"]]


def test_lupus_ev_counts_with_analytes_in_rows_and_labels_in_a_second_file(cli, cohorts_folder, plan, tmp_path):
    folder = cohorts_folder / "ev-mirna-counts"
    options = ("--specimens", folder / "PRJNA904396_metadata.csv", "--specimen", "Run", "--label", "disease")
    counts = folder / "PRJNA904396_expression_count.csv"
    lupus = (*options, "--positive", "Systemic lupus erythematosus")
    inside, _ = evaluated(cli, counts, counts, plan, tmp_path, lupus)
    assert inside["flow"]["specimens"] == 128
    assert inside["headline"]["value"] > 0.7


def test_csf_proteins_without_specimen_ids(cli, cohorts_folder, plan, tmp_path):
    table = cohorts_folder / "ad-csf-protein-rbm" / "ad_data.csv"
    inside, outside = evaluated(cli, table, table, plan, tmp_path, ("--label", "Class", "--positive", "Impaired"))
    assert inside["headline"]["value"] > 0.8
    assert "training_cohort" in [f["code"] for f in outside["findings"]]


def test_lung_ct_triplicates_train_file_to_test_file(cli, cohorts_folder, plan, tmp_path):
    folder = cohorts_folder / "lung-ffpe-mirna-ct-triplicates"
    train, test = (folder / f"real_dataset_1_{part}.dat" for part in ("training", "testing"))
    inside, outside = evaluated(cli, train, test, plan, tmp_path, ("--label", "class", "--positive", "SQC"))
    assert (inside["flow"]["specimens"], outside["flow"]["specimens"]) == (43, 9)
    assert inside["headline"]["value"] > 0.85  # published .95–.98 (SOURCE.md); minimal search here


RPPA = ("Annexin_I", "EGFR", "HER2", "HER3", "GATA3", "ER-alpha", "INPP4B", "Cyclin_B1")


def breast_panel(folder: Path, tmp_path: Path) -> Path:
    """Write a panel of every miRNA column and some proteins of the breast cohort, as a user would."""
    mirnas, proteins = (
        next(csv.reader((folder / f"data.train_{block}.csv").read_text().splitlines()))[1:] for block in ("mirna", "protein")
    )
    proteins = [name for name in proteins if name in RPPA]
    head = '[panel]\nname = "breast"\nversion = "1"\ntitle = "miRNA and protein, tissue"\nnormalisation = "none"\n'
    tables = [f'[[analyte]]\nname = "{name}"\nkind = "mirna"\nunit = "log2"\n' for name in mirnas]
    tables += [f'[[analyte]]\nname = "{name}"\nkind = "protein"\nunit = "log2"\nfraction = "total"\n' for name in proteins]
    (tmp_path / "breast.toml").write_text(head + "".join(tables))
    return tmp_path / "breast.toml"


@pytest.mark.parametrize("panel", ["auto", "file"])
def test_breast_blocks_in_three_files_and_a_test_set_without_the_proteins(cli, cohorts_folder, plan, tmp_path, panel):
    folder = cohorts_folder / "breast-tcga-mirna-protein"
    chosen = panel if panel == "auto" else breast_panel(folder, tmp_path)
    files = ("--specimens", folder / "data.train_protein.csv", "--specimens", folder / "data.train_subtype.csv")
    label = ("--label", "subtype", "--positive", "Basal")
    done = cli(
        "train", folder / "data.train_mirna.csv", *files, *label, "--panel", chosen, "--plan", plan, *SMALL, "-o", tmp_path / "m"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["headline"]["value"] > 0.93
    test = folder / "data.test_mirna.csv"
    refused = cli("predict", test, "--model", tmp_path / "m")
    assert (refused.code, "ANALYTE_MISSING" in refused.err) == (3, True)
    allow = ("--allow", "ANALYTE_MISSING", "--because", "the test set has no proteins")
    scored = cli("predict", test, "--model", tmp_path / "m", *allow, "-o", tmp_path / "scores.csv")
    assert scored.code == 0, scored.err
    assert f"every target of kind {'other' if panel == 'auto' else 'protein'}" in scored.err
    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert (len(rows), {row["status"] for row in rows}) == (70, {"WARN"})
    outside = cli(
        "evaluate", test, "--specimens", folder / "data.test_subtype.csv", *label, "--model", tmp_path / "m", *allow, "--json"
    )
    assert outside.code == 0, outside.err
    assert json.loads(outside.out)["headline"]["value"] > 0.93  # published .977 with miRNA alone (SOURCE.md)
