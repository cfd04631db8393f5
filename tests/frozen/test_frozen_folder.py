"""A bundle's folder is hostile until shown otherwise: no changed byte, foreign name, link, pipe or double key is ever a model."""

import io
import json
import os
import re
import shutil
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import ModelRefused
from exodx.frozen import InputContract, load_bundle, save_bundle
from exodx.frozen.bundle import COMPILED, FILES
from exodx.frozen.folder import COMPANIONS, FILE_MANAGERS, MANIFEST, canonical, strict_json
from tests.studies.bundle_bytes import LOADED, added, answer, copy_of, removed, turned_bits

ARCHIVE = Path(__file__).parents[1] / "data" / "bundles"
STRIDES = {"format-3": 997, "multiclass-1": 7919}
"""Every so many bytes; all of them: python -m tests.studies.bundle_bytes BUNDLE."""
JSONS = [name for name in FILES if name.endswith(".json")]


@pytest.fixture(params=["format-3", "multiclass-1"])
def either(request, tmp_path):
    return Path(shutil.copytree(ARCHIVE / request.param / "bundle", tmp_path / "bundle"))


@pytest.fixture
def bundle(tmp_path):
    return Path(shutil.copytree(ARCHIVE / "format-3" / "bundle", tmp_path / "bundle"))


def rehash(folder):
    """Make the manifest agree with the files, as whoever forges a bundle would."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["files"] = {name: sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]}
    (folder / MANIFEST).write_bytes(canonical(manifest))


def refused(folder):
    with pytest.raises(ModelRefused) as caught:
        load_bundle(folder)
    assert all(problem.found and problem.fix for problem in caught.value.problems)
    return [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize("archived", STRIDES)
def test_no_turned_bit_is_loaded(archived):
    with copy_of(ARCHIVE / archived / "bundle") as spoilt:
        tried = turned_bits(spoilt, STRIDES[archived])
        assert tried.total() > 100
        assert tried[LOADED] == 0, tried
        assert answer(spoilt) == LOADED


def test_every_bit_of_the_manifest_matters(bundle):
    manifest = bundle / MANIFEST
    whole = manifest.read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        manifest.write_bytes(changed)
        assert answer(bundle) != LOADED, (at, bytes(changed[max(0, at - 20) : at + 20]))


def test_no_bundle_loads_with_a_file_less_or_more(either):
    for tried in (removed(either), added(either)):
        assert tried.total() >= 10
        assert tried[LOADED] == 0, tried


def test_what_file_managers_leave_behind_and_the_companions_do_no_harm_as_files(bundle):
    for name in (*FILE_MANAGERS, *COMPANIONS):
        if name != "sheets":
            (bundle / name).write_bytes(b"\x80\x04N.")
    (bundle / "sheets").mkdir()
    (bundle / "sheets" / "stard.html").write_text("items")
    load_bundle(bundle)
    (bundle / ".DS_Store").unlink()
    (bundle / ".DS_Store").mkdir()
    assert refused(bundle) == ["FILE_FOREIGN"]


@pytest.mark.parametrize("name", ["forest.ubj", MANIFEST, "report.html", "sheets/stard.html"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "loop", "pipe", "device"])
def test_links_pipes_and_devices_are_refused_at_once(bundle, tmp_path, name, kind):
    path = bundle / name
    path.parent.mkdir(exist_ok=True)
    aside = tmp_path / "aside"
    if path.exists():
        path.rename(aside)
    else:
        aside.write_bytes(b"anything")
    make = {
        "link": lambda: path.symlink_to(aside),
        "dangling link": lambda: path.symlink_to(tmp_path / "nothing"),
        "loop": lambda: path.symlink_to(path),
        "pipe": lambda: os.mkfifo(path),
        "device": lambda: os.mknod(path, 0o020600, os.makedev(1, 5)),  # /dev/zero: it would never end
    }[kind]
    try:
        make()
    except (OSError, AttributeError) as error:
        pytest.skip(f"no {kind} can be made here: {error}")
    start = time.monotonic()
    assert refused(bundle) == ["FILE_IRREGULAR"]
    assert time.monotonic() - start < 5


def test_a_folder_in_the_place_of_a_file_and_links_to_folders_are_refused(either, tmp_path):
    (either / "provenance.json").unlink()
    (either / "provenance.json").mkdir()
    assert refused(either) == ["FILE_IRREGULAR"]
    (either / "provenance.json").rmdir()
    (either / "sheets").symlink_to(tmp_path)
    assert sorted(refused(either)) == ["FILE_IRREGULAR", "FILE_MISSING"]


def test_a_class_that_is_a_link_is_refused_though_its_bytes_are_right(tmp_path):
    folder = Path(shutil.copytree(ARCHIVE / "multiclass-1" / "bundle", tmp_path / "bundle"))
    (folder / "class-02").rename(tmp_path / "elsewhere")
    (folder / "class-02").symlink_to(tmp_path / "elsewhere")
    assert refused(folder) == ["FILE_IRREGULAR"]


def test_the_folder_itself_may_be_a_link_and_files_may_have_other_names_on_the_disk(bundle, tmp_path):
    (tmp_path / "current").symlink_to(bundle)
    os.link(bundle / "forest.ubj", tmp_path / "the same file.ubj")
    assert load_bundle(tmp_path / "current")[1] == load_bundle(bundle)[1]


def test_a_file_that_becomes_a_pipe_while_it_is_opened_does_not_make_us_wait(bundle, monkeypatch):
    """The names are looked at first; what is opened is looked at again."""
    original = os.open

    def swapping(path, *args, **more):
        if Path(path).name == "forest.ubj":
            Path(path).unlink()
            os.mkfifo(path)
        return original(path, *args, **more)

    monkeypatch.setattr(os, "open", swapping)
    assert refused(bundle) == ["FILE_IRREGULAR"]


def test_a_file_is_read_once_so_that_what_was_verified_is_what_is_used(bundle, monkeypatch):
    original, opened = os.open, []
    monkeypatch.setattr(os, "open", lambda path, *args, **more: opened.append(Path(path).name) or original(path, *args, **more))
    load_bundle(bundle)
    assert sorted(opened) == sorted([MANIFEST, MANIFEST, *FILES])  # of either kind: the one reader looks, the other reads


def test_a_file_beyond_all_sizes_is_refused_without_being_read(bundle):
    with (bundle / "forest.ubj").open("r+b") as file:
        file.truncate((1 << 30) + 1)  # a hole: it takes no room
    start = time.monotonic()
    assert refused(bundle) == ["FILE_TOO_LARGE"]
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("name", JSONS)
@pytest.mark.parametrize(
    "forge",
    [
        lambda raw: raw.replace(b"{", b"{" + re.search(rb'"\w+":', raw)[0] + b"1,", 1),
        lambda raw: raw.replace(b"{", b'{"zzz": NaN,', 1).replace(b",}", b"}"),
        lambda raw: b'{"a":' * 100_000 + raw,
        lambda raw: raw[:-3],
        lambda raw: b'{"x": 1e999999}',
    ],
    ids=["twice", "nan", "deep", "cut", "huge"],
)
def test_forged_json_with_double_keys_or_no_numbers_is_refused(bundle, name, forge):
    (bundle / name).write_bytes(forge((bundle / name).read_bytes()))
    rehash(bundle)
    assert len(refused(bundle)) == 1


def test_a_key_that_stands_twice_is_refused_where_the_last_one_would_have_been_right():
    with pytest.raises(ValueError, match="key 'a' twice"):
        strict_json(b'{"x": {"a": 1, "b": 2, "a": 1}}')
    for text in (b"NaN", b"[Infinity]", b'{"a": -Infinity}'):
        with pytest.raises(ValueError, match="no number"):
            strict_json(text)
    with pytest.raises(ValueError, match="too deep"):
        strict_json(b"[" * 100_000)


@pytest.mark.parametrize(
    "change", [{"format_version": True}, {"format_version": 3.0}, {"name": "athero-4"}, {"extra": 1}, {"notice": ""}]
)
def test_a_manifest_says_what_exodx_writes_and_nothing_else(bundle, change):
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    (bundle / MANIFEST).write_bytes(canonical(manifest | change))
    assert refused(bundle) == ["BUNDLE_INVALID" if "name" in change else "MANIFEST_DAMAGED"]


def test_a_manifest_with_a_key_twice_or_other_blanks_is_refused(bundle):
    raw = (bundle / MANIFEST).read_bytes()
    for changed in (
        raw.replace(b'"name"', b'"name": "x", "name"'),
        raw.replace(b"\n", b"\r\n"),
        raw.rstrip(),
        raw + b" ",
        b"\xef\xbb\xbf" + raw,
        raw.replace(b'"forest', b'"huge": 1e999, "forest', 1),
    ):
        (bundle / MANIFEST).write_bytes(changed)
        assert refused(bundle) == ["MANIFEST_DAMAGED"]


def npz_of(arrays, compression):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in arrays.items():
            file.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def test_tables_that_would_unpack_to_more_than_there_is_are_refused(bundle):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 45,)})
    with np.load(bundle / COMPILED) as file:
        names = list(file.files)
    bomb = npz_of({name: bytes(10_000_000) for name in names}, zipfile.ZIP_DEFLATED)
    endless = npz_of(dict.fromkeys(names, header.getvalue()), zipfile.ZIP_STORED)
    assert len(bomb) < 500_000
    for content in (bomb, endless, b"\x80\x04N.", b"PK\x05\x06" + bytes(18)):
        (bundle / COMPILED).write_bytes(content)
        rehash(bundle)
        assert refused(bundle) == ["FOREST_DAMAGED"]


@given(st.sampled_from([name for name in FILES if name != COMPILED]), st.integers(0, 10**6), st.integers(1, 255), st.integers(0, 3))
def test_a_forged_byte_with_the_right_hash_gives_a_model_or_a_refusal_never_an_error(tmp_path_factory, name, at, by, cut):
    folder = tmp_path_factory.mktemp("forged") / "bundle"
    shutil.copytree(ARCHIVE / "format-3" / "bundle", folder)
    content = bytearray((folder / name).read_bytes())
    content[at % len(content)] ^= by
    (folder / name).write_bytes(content[: len(content) - cut])
    rehash(folder)
    assert answer(folder)
    shutil.rmtree(folder)


def test_a_model_of_several_classes_keeps_its_archived_answers(tmp_path):
    folder = ARCHIVE / "multiclass-1"
    model, model_hash = load_bundle(folder / "bundle")
    expected = json.loads((folder / "expected.json").read_text())
    measurements, unreadable = InputContract(model.panel).read(expected["rows"], ".")
    prediction = model.predict(measurements, expected["rows"]["specimen_id"])
    assert (unreadable, model_hash) == ({}, expected["model_hash"])
    assert [list(prediction.status), list(prediction.call)] == [expected["status"], expected["call"]]
    np.testing.assert_allclose(prediction.probabilities, np.array(expected["probabilities"], float), rtol=1e-6, atol=1e-6)
    for found, kept in zip(model.explain(measurements), expected["shap"], strict=True):
        np.testing.assert_allclose(found.values, np.array(kept, float), atol=1e-6)
    assert save_bundle(model, tmp_path / "again") == model_hash
