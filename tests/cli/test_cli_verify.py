"""``exodx keygen``, ``sign`` and ``verify``: what is said, and the exit codes."""

import json
import shutil
import stat
import sys
from pathlib import Path

import pytest

from exodx.errors import RUO

ARCHIVE = Path(__file__).parents[1] / "data" / "bundles"


@pytest.fixture
def bundle(tmp_path):
    return Path(shutil.copytree(ARCHIVE / "format-3" / "bundle", tmp_path / "bundle"))


def test_a_key_signs_and_verifies_and_nobody_else_reads_it(cli, bundle, tmp_path):
    made = cli("keygen", tmp_path / "keys" / "lab")
    secret, public = tmp_path / "keys" / "lab.key", tmp_path / "keys" / "lab.pub"
    assert made.code == 0, made.err
    assert made.out.strip() == public.read_text().splitlines()[1]
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text().splitlines()[1] not in made.out + made.err
    before = secret.read_bytes()
    again = cli("keygen", tmp_path / "keys" / "lab")
    assert (again.code, secret.read_bytes()) == (2, before)

    assert cli("sign", bundle, "--key", secret).code == 0
    for key in (public, made.out.strip()):
        found = cli("verify", bundle, "--key", key)
        assert found.code == 0, found.err
        assert "valid, by key" in found.out
        assert RUO in found.out
    answer = json.loads(cli("verify", bundle, "--key", public, "--json").out)
    assert (answer["signature"], answer["self_test"], answer["format_version"]) == ("valid", "passed", 3)
    assert answer["model_hash"] in answer["signed_comment"]


def test_without_a_key_hashes_and_self_test_are_checked_and_that_is_said(cli, bundle, tmp_path):
    plain = cli("verify", bundle)
    assert plain.code == 0
    assert "not signed" in plain.out
    cli("keygen", tmp_path / "lab")
    cli("sign", bundle, "--key", tmp_path / "lab.key")
    (bundle / "report.html").write_text("a report")
    unchecked = cli("verify", bundle)
    assert unchecked.code == 0
    assert "NOT CHECKED" in unchecked.out
    assert "not verified: report.html" in unchecked.out
    assert json.loads(cli("verify", bundle, "--json").out)["signed_comment"] is None


def test_what_does_not_hold_is_refused_with_exit_code_4(cli, bundle, tmp_path):
    for name in ("lab", "other"):
        cli("keygen", tmp_path / name)
    unsigned = cli("verify", bundle, "--key", tmp_path / "lab.pub")
    assert (unsigned.code, "SIGNATURE_MISSING" in unsigned.err, unsigned.out) == (4, True, "")
    cli("sign", bundle, "--key", tmp_path / "lab.key")
    other = cli("verify", bundle, "--key", tmp_path / "other.pub")
    assert (other.code, "SIGNED_BY_ANOTHER" in other.err, other.out) == (4, True, "")
    shutil.copy(ARCHIVE / "format-2" / "bundle" / "manifest.json", bundle)
    assert cli("verify", bundle).code == 4
    content = bytearray((ARCHIVE / "format-3" / "bundle" / "forest.ubj").read_bytes())
    content[1000] ^= 1
    shutil.copy(ARCHIVE / "format-3" / "bundle" / "manifest.json", bundle)
    (bundle / "forest.ubj").write_bytes(content)
    for command in (("verify", bundle), ("sign", bundle, "--key", tmp_path / "lab.key")):
        assert (found := cli(*command)).code == 4
        assert "FILE_CHANGED" in found.err


def test_keys_that_are_none_are_refused(cli, bundle, tmp_path):
    cli("keygen", tmp_path / "lab")
    junk = tmp_path / "junk.pub"
    junk.write_bytes(b"\xff\xfe")
    assert cli("verify", bundle, "--key", junk).code == 2
    assert cli("verify", bundle, "--key", tmp_path / "nothing.pub").code == 2
    assert cli("verify", bundle, "--key", "not a key").code == 3
    assert cli("verify", bundle, "--key", tmp_path / "lab.key").code == 3
    swapped = cli("sign", bundle, "--key", tmp_path / "lab.pub")
    assert (swapped.code, "KEY_INVALID" in swapped.err) == (3, True)
    assert cli("sign", bundle, "--key", tmp_path / "none.key").code == 2
    assert not (bundle / "manifest.json.minisig").exists()
    assert cli("verify", tmp_path / "nowhere").code == 4


def test_where_the_extra_is_missing_it_is_said_and_hashes_are_verified_all_the_same(cli, bundle, tmp_path, monkeypatch):
    cli("keygen", tmp_path / "lab")
    cli("sign", bundle, "--key", tmp_path / "lab.key")
    monkeypatch.delitem(sys.modules, "exodx.signing.ed25519", raising=False)
    monkeypatch.delattr("exodx.signing.ed25519", raising=False)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    assert cli("verify", bundle).code == 0
    for command in (
        ("verify", bundle, "--key", tmp_path / "lab.pub"),
        ("keygen", tmp_path / "b"),
        ("sign", bundle, "--key", tmp_path / "lab.key"),
    ):
        found = cli(*command)
        assert (found.code, "exodx[sign]" in found.err) == (2, True)


def test_a_signed_bundle_scores_and_takes_a_new_model(cli, bundle, tmp_path):
    from tests.cli.calls import DATA

    plain = cli("predict", DATA / "new.csv", "--model", bundle)
    cli("keygen", tmp_path / "lab")
    cli("sign", bundle, "--key", tmp_path / "lab.key")
    assert cli("predict", DATA / "new.csv", "--model", bundle).out == plain.out
