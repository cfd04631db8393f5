"""``exodx send``: what waits is listed, sent and told; what does not is said."""

from __future__ import annotations

import json

import pytest

from exodx.tracking import RunRecord, open_store
from exodx.tracking.parcel import make_parcel

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")  # mlflow 3.17 with pandas 3


@pytest.fixture
def parcel():
    store = open_store("sent")
    return make_parcel(RunRecord("sent", "a finished run", "d", {}, {}, {"m": 1.0}, {"a.txt": b"a"}), None, store.shown)


def test_what_waits_is_listed_and_then_sent(cli, parcel):
    listed = cli("send", "--list", "--json")
    assert listed.code == 0
    (waiting,) = json.loads(listed.out)
    assert (waiting["folder"], waiting["name"]) == (str(parcel.folder), "a finished run")
    assert parcel.folder.is_dir()
    sent = cli("send", "--json")
    assert sent.code == 0, sent.err
    (answer,) = json.loads(sent.out)
    assert answer["run_id"] in sent.err
    assert not parcel.folder.exists()
    again = cli("send", "--json")
    assert (again.code, json.loads(again.out)) == (0, [])
    assert "no run waits" in again.err


def test_what_cannot_be_sent_is_left_with_its_exit_code(cli, parcel, monkeypatch):
    monkeypatch.setattr("exodx.tracking.delivery.log_evaluation", lambda record: (_ for _ in ()).throw(ConnectionError("gone")))
    left = cli("send")
    assert left.code == 6
    assert "not sent (ConnectionError: gone)" in left.err
    assert parcel.folder.is_dir()
    monkeypatch.undo()
    assert cli("send").code == 0
    assert not parcel.folder.exists()


def test_a_folder_without_a_run_is_refused(cli, tmp_path):
    done = cli("send", tmp_path)
    assert done.code == 4
    assert "PARCEL_INVALID" in done.err
