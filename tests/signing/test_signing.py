"""Signatures: of every byte of the model, readable by minisign and readable when minisign made them; nothing else passes."""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused, ModelRefused
from exodx.frozen import load_bundle
from exodx.frozen.folder import SIGNATURE
from exodx.shelf import keep_bundle, kept_bundle
from exodx.signing.bundle import read_signature, signed_comment, verify_bundle, write_signature
from exodx.signing.ed25519 import check_signature, make_key, sign
from exodx.signing.minisign import (
    UNTRUSTED,
    PublicKey,
    SecretKey,
    parse_public_key,
    parse_secret_key,
    parse_signature,
    prehash,
    shown,
)

ARCHIVE = Path(__file__).parents[1] / "data" / "bundles"
RFC_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
RFC_POINT = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
RFC_OF_NOTHING = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
KEY = SecretKey(b"lab-test", RFC_SEED, RFC_POINT)
BY_MINISIGN = """\
untrusted comment: signature from minisign secret key
RURsYWItdGVzdDRt6ZfpuFcbpBfJiZHUxl/FfmUuYyfrs3YNk6e5Fy+rUN1k+IMU6KpYMeAf22KiEmWyEW3Jcy+r48Z4JV3KAgs=
trusted comment: a golden signature
PU4EooTm2HDoC/N1rTKryPabbcW/EcaZnr4dBiym3lJhe0tDJXv7hFuibLoI1lKkpcHWvE3YfLcql4ShlgKTBw==
"""
"""Of the text ``exodx`` and a line feed, by minisign 0.11 with KEY's file."""


@pytest.fixture
def bundle(tmp_path):
    return Path(shutil.copytree(ARCHIVE / "format-3" / "bundle", tmp_path / "bundle"))


@pytest.fixture
def signed(bundle):
    found = verify_bundle(bundle)
    write_signature(bundle, sign(found.manifest, signed_comment(found), KEY))
    return bundle


def code(call, *arguments):
    with pytest.raises((ModelRefused, InputRefused)) as caught:
        call(*arguments)
    (problem,) = caught.value.problems
    return problem.code


def check(folder, key=KEY.public):
    found = verify_bundle(folder)
    check_signature(found.manifest, found.signature, key, str(folder))


def test_the_curve_is_that_of_rfc_8032():
    """Its section 7.1, test 1: the key of this seed; and an empty message, signed as it stands."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = Ed25519PrivateKey.from_private_bytes(RFC_SEED)
    assert secret.public_key().public_bytes_raw() == RFC_POINT
    assert secret.sign(b"") == RFC_OF_NOTHING
    assert prehash(b"abc").hex().startswith("ba80a53f981c4d0d6a2797b69f12f6e9")  # RFC 7693, appendix A
    check_signature(b"x", sign(b"x", "y", KEY), KEY.public, "")


def test_a_signature_that_minisign_made_is_the_one_that_is_made_here():
    """Ed25519 draws nothing at random: the same key and text give the same signature."""
    theirs = parse_signature(BY_MINISIGN, "")
    check_signature(b"exodx\n", theirs, KEY.public, "")
    assert sign(b"exodx\n", theirs.comment, KEY) == theirs


def test_a_signed_bundle_verifies_and_still_loads_to_the_same_hash(signed):
    check(signed)
    assert load_bundle(signed)[1] == json.loads((ARCHIVE / "format-3" / "expected.json").read_text())["model_hash"]
    found = verify_bundle(signed)
    assert (found.kind, found.format_version, len(found.files), found.beside) == ("binary", 3, 9, ())
    assert found.signature is not None
    assert found.model_hash in found.signature.comment


def test_several_classes_are_signed_as_one(tmp_path):
    folder = Path(shutil.copytree(ARCHIVE / "multiclass-1" / "bundle", tmp_path / "bundle"))
    found = verify_bundle(folder)
    write_signature(folder, sign(found.manifest, signed_comment(found), KEY))
    check(folder)
    assert found.kind == "multiclass"
    (folder / "class-01" / "report.html").write_text("beside, and not vouched for")
    check(folder)


def test_another_model_another_key_or_no_signature_is_refused(signed, tmp_path):
    other = Path(shutil.copytree(ARCHIVE / "format-2" / "bundle", tmp_path / "other"))
    assert read_signature(other) is None
    shutil.copy(signed / SIGNATURE, other)
    assert code(check, other) == "SIGNATURE_INVALID"
    assert code(check, signed, make_key().public) == "SIGNED_BY_ANOTHER"
    assert code(check, signed, PublicKey(KEY.number, make_key().point)) == "SIGNATURE_INVALID"
    assert code(check, signed, PublicKey(KEY.number, bytes(32))) == "SIGNATURE_INVALID"


@given(st.data())
def test_no_changed_signature_passes(data):
    found = sign(b"the manifest", "a comment", KEY)
    text = found.file.encode()
    start = text.index(b"\n") + 1  # the first line is a remark that nobody trusts
    at, by = data.draw(st.integers(start, len(text) - 2)), data.draw(st.integers(1, 255))
    changed = text[:at] + bytes([text[at] ^ by]) + text[at + 1 :]
    with pytest.raises(ModelRefused):
        check_signature(b"the manifest", parse_signature(changed.decode("latin-1"), ""), KEY.public, "")


@pytest.mark.parametrize("text", ["", "x", "\n\n\n\n", UNTRUSTED, "\x00" * 500, "é" * 100, SIGNATURE * 9])
def test_junk_is_no_key_and_no_signature(text, signed):
    assert code(parse_public_key, text, "") == "KEY_INVALID"
    assert code(parse_secret_key, text, "") == "KEY_INVALID"
    (signed / SIGNATURE).write_text(text)
    assert code(verify_bundle, signed) == "SIGNATURE_DAMAGED"


def test_a_signature_that_is_no_text_or_a_link_is_refused(signed, tmp_path):
    (signed / SIGNATURE).write_bytes(b"\xff\xfe")
    assert code(verify_bundle, signed) == "SIGNATURE_DAMAGED"
    (signed / SIGNATURE).unlink()
    (signed / SIGNATURE).symlink_to(tmp_path)
    assert code(verify_bundle, signed) == "FILE_IRREGULAR"


def test_keys_are_read_as_they_were_written_and_a_secret_one_does_not_print():
    key = make_key()
    assert parse_secret_key(key.file, "") == key
    assert parse_public_key(key.public.file, "") == parse_public_key(key.public.text, "") == key.public
    assert key.seed.hex() not in repr(key)
    assert base64.b64encode(key.seed).decode()[:20] not in f"{key!r} {key}"
    assert make_key().number != key.number
    whole = bytearray(base64.b64decode(key.file.splitlines()[1]))
    whole[70] ^= 1
    damaged = f"{UNTRUSTED}x\n{base64.b64encode(bytes(whole)).decode()}\n"
    assert code(parse_secret_key, damaged, "") == "KEY_INVALID"
    whole[2:4] = b"Sc"
    locked = f"{UNTRUSTED}x\n{base64.b64encode(bytes(whole)).decode()}\n"
    assert code(parse_secret_key, locked, "") == "KEY_HAS_PASSWORD"
    assert hashlib.blake2b(b"Ed" + key.number + key.seed + key.point, digest_size=32).digest() in base64.b64decode(
        key.file.splitlines()[1]
    )


def test_the_shelf_keeps_the_signature(signed, tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))
    model_hash = load_bundle(signed)[1]
    keep_bundle(signed, model_hash)
    kept = kept_bundle(model_hash)
    assert kept is not None
    check(kept)


@pytest.fixture
def minisign():
    if shutil.which("minisign") is None:
        pytest.skip("Debian's minisign is not installed")

    def call(*arguments):
        done = subprocess.run(
            ["minisign", *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return call


def test_minisign_verifies_what_exodx_signed(signed, tmp_path, minisign):
    (tmp_path / "lab.pub").write_text(KEY.public.file)
    answer, text = minisign("-V", "-m", signed / "manifest.json", "-p", tmp_path / "lab.pub")
    assert answer == 0, text
    assert load_bundle(signed)[1] in text
    assert minisign("-V", "-m", signed / "manifest.json", "-P", KEY.public.text)[0] == 0
    (signed / "manifest.json").write_bytes((signed / "manifest.json").read_bytes() + b" ")
    assert minisign("-V", "-m", signed / "manifest.json", "-p", tmp_path / "lab.pub")[0] != 0


def test_exodx_verifies_what_minisign_signed_with_its_own_key_or_ours(bundle, tmp_path, minisign):
    (tmp_path / "ours.key").write_text(KEY.file)
    answer, text = minisign("-G", "-W", "-p", tmp_path / "theirs.pub", "-s", tmp_path / "theirs.key")
    if answer != 0:
        pytest.skip(f"this minisign makes no key without a password: {text}")
    theirs = parse_public_key((tmp_path / "theirs.pub").read_text(), "")
    for secret, public in (("ours.key", KEY.public), ("theirs.key", theirs)):
        answer, text = minisign("-S", "-s", tmp_path / secret, "-m", bundle / "manifest.json")
        assert answer == 0, text
        check(bundle, public)
    key = parse_secret_key((tmp_path / "theirs.key").read_text(), "")
    assert key.public == theirs
    assert shown(theirs.number) in (tmp_path / "theirs.pub").read_text()
    check_signature(b"x", sign(b"x", "y", key), theirs, "")


def test_who_scores_or_verifies_without_a_key_imports_no_cryptography(signed):
    script = (
        "import sys; from pathlib import Path; from exodx.signing.bundle import verify_bundle; "
        "from exodx.frozen import load_bundle; import exodx.scoring; "
        "folder = Path(sys.argv[1]); load_bundle(folder); verify_bundle(folder); "
        "print([m for m in sys.modules if m.split('.')[0] in ('cryptography', 'mlflow', 'pandas', 'xgboost', 'sklearn')])"
    )
    done = subprocess.run([sys.executable, "-c", script, signed], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
