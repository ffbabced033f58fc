"""The package itself: types, options, what it exports."""

from __future__ import annotations

import subprocess
import sys
import typing
from importlib import metadata
from pathlib import Path

import hlsnap
from hlsnap import _native, options

TESTS = Path(__file__).resolve().parent


def test_the_types_list_the_options_of_the_table() -> None:
    subprocess.run([sys.executable, TESTS / "generate_options.py", "--check"], check=True)
    keys = {key.rstrip("_") for key in options.SnapshotOptions.__annotations__}
    assert keys == {name for name, _, _, calls, _ in _native.options() if calls[0]}
    assert {"at", "width", "format", "header", "timeout"} <= keys
    assert "proxy" in options.ClientOptions.__annotations__ and "proxy" not in keys


def test_libav_stays_inside_the_module() -> None:
    names = subprocess.run(["nm", "--dynamic", "--defined-only", _native.__file__], check=True, capture_output=True, text=True).stdout
    defined = {line.split()[-1] for line in names.splitlines()}
    assert defined == {"PyInit__native"}


def test_the_distribution_has_types_licenses_and_a_bill_of_materials() -> None:
    files = [str(file) for file in metadata.files("hlsnap") or []]
    for wanted in ("hlsnap/py.typed", "hlsnap/_native.abi3.so", "hlsnap/_native.pyi", "scripts/hlsnap", "bin/hlsnap"):
        assert wanted == "scripts/hlsnap" or any(file.endswith(wanted) for file in files), (wanted, files)
    assert sum("/licenses/" in file for file in files) >= 5
    assert any(file.endswith("sboms/hlsnap.cdx.json") for file in files)
    assert set(metadata.metadata("hlsnap").get_all("Provides-Extra") or []) == {"array", "image"}


def test_everything_public_is_documented() -> None:
    for name in hlsnap.__all__:
        assert getattr(hlsnap, name).__doc__, name
    assert typing.get_type_hints(hlsnap.Picture.save)
