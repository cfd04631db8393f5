"""A specimen's card: nothing about a person but age and sex, an identity only the key can tell, a hash that follows the content."""

import hashlib
import hmac
import json

import pytest

from exodx.assay import LearnQuality
from exodx.cohort import quality_report, specimen_card
from exodx.errors import RUO, InputRefused

KEY = b"0123456789abcdef-of-the-laboratory"


@pytest.fixture(scope="module")
def report(cohort):
    return quality_report(cohort, LearnQuality(cohort.panel).fit(cohort.measurements).state_)


def test_the_card_holds_the_manifest_and_quality_and_no_identity(cohort, report):
    specimen = cohort.ids[0]
    card = specimen_card(cohort, report, specimen, KEY)
    text = json.dumps(card)
    assert specimen not in text
    assert str(cohort.specimens.loc[specimen, "subject"]) not in text
    assert set(card["content"]["manifest"]) == {"site", "plate", "date", "age", "sex"}
    assert "anticoagulant" in card["content"]["not_stated"]
    assert card["content"]["synthetic"] is True
    assert card["notice"] == RUO


def test_the_opaque_id_is_keyed_and_the_code_holds_it_and_the_hash_alone(cohort, report):
    specimen = cohort.ids[0]
    card = specimen_card(cohort, report, specimen, KEY)
    assert card["opaque_id"] == hmac.new(KEY, specimen.encode(), hashlib.sha256).hexdigest()
    assert card["qr"] == f"exodx:{card['opaque_id']}:{card['content_hash']}"
    other = specimen_card(cohort, report, specimen, KEY[::-1])
    assert other["opaque_id"] != card["opaque_id"]
    assert other["content_hash"] == card["content_hash"]
    canonical = json.dumps(card["content"], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert card["content_hash"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert specimen_card(cohort, report, cohort.ids[1], KEY)["opaque_id"] != card["opaque_id"]


def test_quality_control_stands_on_the_card(cohort, report):
    worst = next(f for f in report.findings if f.action == "refuse")
    card = specimen_card(cohort, report, worst.specimen, KEY)
    assert card["content"]["quality"]["status"] == "refused"
    assert card["content"]["quality"]["findings"][0] == {
        "rule": worst.rule,
        "observed": worst.observed,
        "limit": worst.limit,
        "action": "refuse",
    }
    clean = next(i for i in cohort.ids if not report.of(i))
    assert specimen_card(cohort, report, clean, KEY)["content"]["quality"] == {"status": "passed", "findings": []}


def test_an_unknown_specimen_and_a_short_key_are_refused_together(cohort, report):
    with pytest.raises(InputRefused) as caught:
        specimen_card(cohort, report, "nobody", b"short")
    assert [p.code for p in caught.value.problems] == ["SPECIMEN_UNKNOWN", "KEY_SHORT"]
