"""The manifest: names of columns, words of cells, purity, and how completely vesicles are characterised."""

import pytest

from exodx.panel.manifest import characterise, fold, manifest_columns, manifest_fields, purity_class

FIELDS = {field.name: field for field in manifest_fields()}
COMPLETE = {
    "start_volume_ml": "1",
    "particles_per_ml": "1e10",
    "protein_ug_ml": "2",
    "positive_markers": "CD9; CD63; TSG101",
    "negative_markers": "calnexin; ApoA1",
    "imaging": "cryo-EM",
    "single_particle_method": "NTA",
}


def test_no_name_of_a_column_means_two_fields():
    names = [fold(name) for field in FIELDS.values() for name in (field.name, *field.synonyms)]
    assert len(names) == len(set(names))


def test_every_spelling_leads_to_a_word_of_its_field():
    for field in FIELDS.values():
        assert set(field.spellings.values()) <= set(field.vocabulary)
        assert all(fold(spelling) == spelling for spelling in field.spellings)
        for word in (*field.vocabulary, *field.spellings):
            assert field.read(word)[1] == ""


def test_what_training_should_state_is_there():
    required = {name for name, field in FIELDS.items() if field.required}
    assert required == {"subject", "site", "plate", "specimen_type", "anticoagulant", "isolation_method", "platform"}
    asked = "freeze_thaw_n storage_temp_c time_to_processing_h heparin_hours_since antiplatelet statin fasting control_type"
    assert set(asked.split()) <= set(FIELDS)


def test_columns_are_found_by_name_or_synonym_and_never_taken_from_something_else():
    headers = ["EV isolated method", "Tube type", "freeze_thaw", "lot", "own"]
    found = manifest_columns(headers, taken=["lot"], extra=["own", "absent"])
    assert found == {
        "isolation_method": "EV isolated method",
        "anticoagulant": "Tube type",
        "freeze_thaw_n": "freeze_thaw",
        "own": "own",
    }
    assert manifest_columns(["disease", "Source", "tube"]) == {}


@pytest.mark.parametrize(
    ("field", "cell", "words"),
    [
        ("anticoagulant", "Li-Heparin", ("heparin",)),
        ("anticoagulant", "K2-EDTA", ("edta",)),
        ("consent_for_use", "YES", ("yes",)),
        ("consent_for_use", "0", ("no",)),
        ("control_type", "healthy volunteer", ("healthy",)),
        ("antiplatelet", "aspirin", ("yes",)),
        ("infection_screen", "HBV: neg; HIV: positive; CMV: not done", ("negative", "positive", "not_done")),
        ("infection_screen", "negative", ("negative",)),
        ("positive_markers", "CD9, CD63", ("CD9", "CD63")),
        ("isolation_method", "SEC, then ultracentrifugation", ("SEC, then ultracentrifugation",)),
    ],
)
def test_cells_are_read_in_the_words_of_the_field(field, cell, words):
    assert FIELDS[field].read(cell) == (words, "")


def test_an_unknown_word_is_told_with_the_nearest_and_never_guessed():
    words, why = FIELDS["anticoagulant"].read("heprin")
    assert words == ()
    assert "Did you mean 'heparin'?" in why
    for cell in ("no heparin", "heparin-free", "EDTA/heparin"):
        assert FIELDS["anticoagulant"].read(cell)[1]
    assert FIELDS["infection_screen"].read("HBV: neg; HIV: maybe")[1]


@pytest.mark.parametrize(
    ("ratio", "name"),
    [
        (3.1e10, "high"),
        (3e10, "borderline"),
        (2e10, "low"),
        (2e9, "low"),
        (1.9e9, "borderline"),
        (1.5e9, "borderline"),
        (1.4e9, "unpure"),
    ],
)
def test_purity_classes_have_the_gaps_of_the_source(ratio, name):
    assert purity_class(ratio) == name


def test_a_complete_characterisation_has_nothing_unmet():
    score = characterise(COMPLETE)
    assert (score.stated, score.required, score.missing, score.unmet) == (7, 7, (), ())


@pytest.mark.parametrize(
    ("change", "unmet"),
    [
        ({"positive_markers": "TSG101; ALIX"}, "transmembrane"),
        ({"positive_markers": "CD9; CD63; CD81"}, "cytosolic"),
        ({"positive_markers": "CD90; Rab27a"}, "transmembrane"),
        ({"negative_markers": "GAPDH"}, "contaminants"),
        ({"protein_ug_ml": ""}, "two global quantities"),
        ({"start_volume_ml": " "}, "starting volume"),
        ({"imaging": ""}, "image"),
    ],
)
def test_each_rule_of_misev_can_be_unmet(change, unmet):
    score = characterise({**COMPLETE, **change})
    assert any(unmet in name for name in score.unmet)
    assert score.stated == 7 - sum(not cell.strip() for cell in change.values())


def test_nothing_stated_scores_nothing():
    score = characterise({})
    assert (score.stated, len(score.missing), len(score.unmet)) == (0, 7, 6)
