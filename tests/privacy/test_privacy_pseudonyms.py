"""Pseudonyms: the same id and key, the same pseudonym; without the key nothing of the id."""

import hashlib
import hmac
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort.pseudonyms import under_pseudonyms
from exodx.errors import InputRefused, UsageError
from exodx.evaluation.check import check_cohort
from exodx.privacy.pseudonyms import pseudonym, read_key

KEY = b"0123456789abcdef0123456789abcdef"


def test_it_is_the_hmac_of_rfc_4231():
    """Its section 4.3, test case 2 (the key there is shorter than ours may be; the function is the same)."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert pseudonym("what do ya want for nothing?", b"Jefe") == expected


@given(st.text(max_size=20), st.text(max_size=20), st.binary(min_size=16, max_size=40))
def test_ids_differ_as_their_pseudonyms_do(one, other, key):
    assert (pseudonym(one, key) == pseudonym(other, key)) == (one == other)
    assert len(pseudonym(one, key)) == 64
    if max(one, default="") < "\ud800":
        assert pseudonym(one, key) == hmac.new(key, one.encode(), hashlib.sha256).hexdigest()


def test_a_key_is_a_file_of_sixteen_bytes_or_more(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    assert read_key(path) == KEY
    path.write_bytes(b"short\n")
    with pytest.raises(InputRefused, match="KEY_SHORT") as caught:
        read_key(path)
    assert "short" not in str(caught.value).replace("KEY_SHORT", "")
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="FILE_UNREADABLE"):
            read_key(missing)


def test_a_cohort_under_pseudonyms_is_the_same_but_for_its_ids(cohort):
    hidden = under_pseudonyms(cohort, KEY)
    assert under_pseudonyms(cohort, None) is cohort
    assert hidden.fingerprint == cohort.fingerprint
    assert hidden.ids == tuple(pseudonym(name, KEY) for name in cohort.ids)
    np.testing.assert_array_equal(
        np.equal.outer(hidden.subjects, hidden.subjects), np.equal.outer(cohort.subjects, cohort.subjects)
    )
    assert hidden[np.array([3])].ids == (hidden.ids[3],)
    one, other = (check_cohort(c).to_dict() for c in (cohort, hidden))
    text = json.dumps(other)
    assert not [name for name in {*cohort.ids, *map(str, cohort.specimens["subject"])} if name in text]
    assert [f["code"] for f in one["findings"]] == [f["code"] for f in other["findings"]]
    assert one["status"] == other["status"]
