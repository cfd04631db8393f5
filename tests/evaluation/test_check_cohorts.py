"""Every trap that the SOURCE.md of a real cohort tells of is named by its code."""

import pytest

from exodx.cohort import Intake, read_cohort
from exodx.evaluation.check import check_cohort
from exodx.evaluation.check_text import check_text

pytestmark = pytest.mark.cohorts

AAA, EV, GSE = "aaa-pbmc-taqman-ct", "ev-mirna-counts", "pancancer-plasma-exosome-mirna-gse71008"
AD, TB, LUNG = "ad-csf-proteome-multisite", "tb-exosome-mirna-qpcr-zscored", "lung-ffpe-mirna-ct-triplicates"
STANDARD = "_primary biochemical AD classification"
SLE = "Systemic lupus erythematosus"

TRAPS = {
    "aneurysm, long": (
        (AAA, "data_Ct_long.txt", {"label": "Group", "positive": "AAA"}, None),
        {
            "missingness_confounded": "FGF23",  # run in controls only
            "wells_confounded": "19.0 wells on average, negative ones in 22.0",  # GAPDH and FGF23 twice for controls
            "flag_contradicts": "'FLAG' says 'Undetermined' (209)",
            "analyte_never_measured": "FGF23",
            "cells_undetected": "looked for and not found",
        },
    ),
    "lupus": (
        (
            EV,
            "PRJNA904396_expression_count.csv",
            {"label": "disease", "positive": SLE, "columns": {"specimen": "Run"}},
            "PRJNA904396_metadata.csv",
        ),
        {
            "depth_low": "45 of 128 specimens",
            "low_depth": "128 of 128",
            "fractions_mixed": "plasma or plasma exosomal",
            "subjects_not_stated": "whose specimens",
            "label_duplicated": "Disease_stage/treatment",
            "few_subjects": "28 subjects",
        },
    ),
    "pre-eclampsia": (
        (
            EV,
            "PRJNA1036697_expression_count.csv",
            {"label": "disease", "positive": "Preeclampsia", "columns": {"specimen": "Run"}},
            "PRJNA1036697_metadata.csv",
        ),
        {"subjects_not_stated": "whose specimens", "haemolysis_suspected": "of 79"},
    ),
    "pan-cancer": (
        (GSE, "PRJNA290097_expression.csv", {"label": "disease", "positive": "Pancreatic cancer"}, "PRJNA290097_metadata.csv"),
        {
            "counts_normalised_upstream": "not whole",
            "few_subjects": "Only 6 subjects",
            "age_sex_not_stated": "Age and sex",
            "subjects_not_stated": "whose specimens",
        },
    ),
    "Alzheimer, sites": (
        (AD, "Alzheimer.xlsx", {"label": STANDARD, "positive": "biochemical AD", "columns": {"site": "_collection site"}}, None),
        {
            "reference_standard_blank": "13 specimens",
            "site_one_class": "Kiel (16, all negative)",
            "missingness": "21.2 %",
            "columns_not_used": "_t-tau",
        },
    ),
    "tuberculosis": (
        (f"{TB}/ptb-vs-dc", "train_df.csv", {"label": "group property", "positive": "PTB"}, None),
        {
            "standardised_upstream": "mean 0 and SD 1",
            "binary_standardised": "cough",
            "label_duplicated": "group",
            "age_not_years": "ages are below 0",
        },
    ),
    "meningitis, a tiny test set": (
        (f"{TB}/tbm-vs-dc", "test_df.csv", {"label": "group property", "positive": "TBM"}, None),
        {"few_subjects": "Only 7 subjects", "binary_standardised": "fever", "label_duplicated": "group"},
    ),
    "lung": (
        (LUNG, "real_dataset_1_training.dat", {"label": "class", "positive": "SQC"}, None),
        {
            "reference_small_nuclear": "U6",
            "reference_single": "U6",
            "replicates_summarised": "6 to 9",  # mostly three a value, a few two or one
            "replicates_disagree": "5 of 43",
        },
    ),
    "lung, nine specimens": (
        (LUNG, "real_dataset_1_testing.dat", {"label": "class", "positive": "SQC"}, None),
        {"few_subjects": "Only 4 subjects", "reference_single": "U6"},
    ),
}


@pytest.mark.parametrize("name", TRAPS)
def test_every_trap_of_the_source_is_named(cohorts_folder, name):
    (folder, file, options, specimens), expected = TRAPS[name]
    second = None if specimens is None else cohorts_folder / folder / specimens
    check = check_cohort(read_cohort(cohorts_folder / folder / file, Intake(**options, specimens=second)))
    said = {}
    for finding in check.findings:
        said[finding.code] = said.get(finding.code, "") + finding.message
    assert {code: text in said.get(code, "") for code, text in expected.items()} == dict.fromkeys(expected, True)
    text = check_text(check)
    assert max(map(len, text.splitlines())) <= 105
    assert all(f"[{code}]" in text for code in expected)


def test_a_wide_table_of_the_same_specimens_has_no_trap_of_the_long_one(cohorts_folder):
    folder = cohorts_folder / AAA
    intake = Intake(label="Group", positive="AAA", specimens=folder / "data_design.txt")
    found = {f.code for f in check_cohort(read_cohort(folder / "data_Ct_wide.txt", intake)).findings}
    assert not found & {"missingness_confounded", "wells_confounded", "flag_contradicts", "label_duplicated"}


def test_a_cohort_of_years_and_words_is_not_called_standardised(cohorts_folder):
    table = cohorts_folder / "ad-csf-protein-rbm" / "ad_data.csv"
    found = {f.code for f in check_cohort(read_cohort(table, Intake(label="Class", positive="Impaired"))).findings}
    assert not found & {"binary_standardised", "standardised_upstream", "label_duplicated", "missingness"}
