"""The review log as data: whatever is changed, taken out or put in is seen, and where."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused
from exodx.tracking.review.chain import GENESIS, LONGEST, Entry, Holder, check_length, holder_of, read_chain

ACTIONS = ("checked", "refused", "promoted", "demoted", "rolled back")


def chained(*entries):
    placed = []
    for entry in entries:
        placed.append(entry.after(placed[-1] if placed else None))
    return placed


def entry(action="promoted", version="1", **more):
    return Entry(0, "", "2026-01-01T00:00:00+00:00", action, "m", version, **{"alias": "champion", "reason": "µ “x”", **more})


def lines(entries):
    return {e.n: e.text for e in entries}


def test_each_entry_holds_the_sha256_of_the_line_before():
    first, second = chained(entry(), entry(version="2"))
    assert (first.n, first.before, second.n) == (1, GENESIS, 2)
    assert second.before == hashlib.sha256(first.text.encode("utf-8")).hexdigest() == first.sha256
    assert Entry(**json.loads(second.text)) == second
    assert "\n" not in first.text


def test_a_whole_chain_has_no_problem_and_an_empty_one_neither():
    chain = chained(entry(), entry("demoted"), entry(version="2"))
    assert read_chain(lines(chain), chain[1].sha256) == (tuple(chain), [])
    assert read_chain({}) == ((), [])


@given(st.integers(2, 6), st.data())
def test_a_change_of_any_entry_is_seen_at_the_next(n, data):
    chain = chained(*(entry(version=str(i)) for i in range(n)))
    k = data.draw(st.integers(0, n - 1))
    field = data.draw(st.sampled_from(["reason", "by", "version", "at", "model_hash"]))
    kept = lines(chain) | {k + 1: replace(chain[k], **{field: "changed"}).text}
    entries, problems = read_chain(kept, chain[-1].sha256)
    assert [p.code for p in problems] == ["LOG_BROKEN"]
    if k < n - 1:
        assert problems[0].where == f"entry {k + 2}"
        assert len(entries) == k + 1
    else:  # the last entry is told by the hash that the registered model keeps
        assert problems[0].where == f"after entry {n}"


@given(st.integers(2, 6), st.data())
def test_an_entry_taken_out_is_missed(n, data):
    chain = chained(*(entry(version=str(i)) for i in range(n)))
    k = data.draw(st.integers(0, n - 1))
    kept = {place: line for place, line in lines(chain).items() if place != k + 1}
    entries, problems = read_chain(kept, chain[-1].sha256)
    assert problems
    assert len(entries) == k
    assert problems[0].where == (f"entry {k + 1}" if k < n - 1 else f"after entry {k}")


@pytest.mark.parametrize(
    ("line", "said"), [("{", "cannot be read"), ("[1]", "cannot be read"), ('{"n": 2}', "cannot be read"), (None, "missing")]
)
def test_what_is_no_entry_is_told(line, said):
    chain = chained(entry(), entry(), entry())
    kept = lines(chain) | {2: line}
    if line is None:
        del kept[2]
    entries, problems = read_chain(kept)
    assert said in problems[0].found
    assert len(entries) == 1


def test_an_entry_moved_to_another_place_is_told():
    chain = chained(entry(), entry(version="2"), entry(version="3"))
    swapped = {1: chain[0].text, 2: chain[2].text, 3: chain[1].text}
    assert [p.where for p in read_chain(swapped)[1]] == ["entry 2", "entry 3"]


def test_who_holds_the_alias():
    def after(*what):
        return holder_of([entry(action, version) for action, version in what], "champion")

    assert after() == Holder("", ())
    assert after(("promoted", "1"), ("refused", "2"), ("checked", "2")) == Holder("1", ())
    assert after(("promoted", "1"), ("promoted", "2")) == Holder("2", ("1",))
    assert after(("promoted", "1"), ("promoted", "1")) == Holder("1", ())
    assert after(("promoted", "1"), ("promoted", "2"), ("rolled back", "1")) == Holder("1", ())
    assert after(("promoted", "1"), ("promoted", "2"), ("demoted", "2")) == Holder("", ("1",))
    assert after(("promoted", "1"), ("promoted", "2"), ("demoted", "2"), ("rolled back", "1")) == Holder("1", ())
    assert after(("promoted", "1"), ("demoted", "1"), ("promoted", "2")) == Holder("2", ())
    assert after(("promoted", "1"), ("promoted", "2"), ("promoted", "1"), ("demoted", "1")) == Holder("", ("2",))
    assert holder_of([entry(alias="other")], "champion") == Holder("", ())


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from("123")), max_size=14))
def test_a_demoted_version_is_never_what_a_rollback_gives_back_until_it_is_promoted_again(steps):
    said, withdrawn = [], set()
    for action, version in steps:
        holder = holder_of(said, "champion")
        if action == "demoted":
            if not holder.version:
                continue
            version = holder.version
            withdrawn.add(version)
        if action == "rolled back":
            if not holder.past:
                continue
            version = holder.past[-1]
            assert version not in withdrawn
        if action == "promoted":
            withdrawn.discard(version)
        said.append(entry(action, version))
        if action in ("demoted", "rolled back", "promoted"):
            assert holder_of(said, "champion").version == ("" if action == "demoted" else version)


def test_too_long_a_reason_is_refused_instead_of_cut_off():
    check_length(entry(reason="x" * 1000))
    with pytest.raises(InputRefused, match="REASON_TOO_LONG"):
        check_length(entry(reason="x" * LONGEST))
