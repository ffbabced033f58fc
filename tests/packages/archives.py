"""Reads every kind of package into one list of members, also the packages inside packages."""

import gzip
import io
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Member:
    """A file or folder in a package. A zip knows no owner: `owner` is None."""

    name: str
    mode: int
    owner: tuple[int, int, str, str] | None
    mtime: object
    is_file: bool
    data: bytes


def tar_members(data: bytes) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            content = archive.extractfile(entry).read() if entry.isfile() else entry.linkname.encode()
            owner = (entry.uid, entry.gid, entry.uname, entry.gname)
            yield Member(entry.name.removeprefix("./"), entry.mode, owner, entry.mtime, entry.isfile(), content)


def zip_members(data: bytes) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16 & 0o7777
            yield Member(entry.filename, mode, None, entry.date_time, not entry.is_dir(), archive.read(entry))


def deb_part(path: Path, option: str) -> bytes:
    return subprocess.run(["dpkg-deb", option, str(path)], check=True, capture_output=True).stdout


def image_config(data: bytes) -> tuple[list[str], dict]:
    """The tags and the configuration of a container image."""
    files = {one.name: one.data for one in tar_members(data)}
    (image,) = json.loads(files["manifest.json"])
    return image["RepoTags"], json.loads(files[image["Config"]])


def image_members(data: bytes) -> Iterator[Member]:
    files = {one.name: one.data for one in tar_members(data)}
    (image,) = json.loads(files["manifest.json"])
    for layer in image["Layers"]:
        yield from tar_members(files[layer])


def members(path: Path) -> list[Member]:
    """What a package contains. A file of another kind has one member: itself."""
    data = path.read_bytes()
    if path.suffix == ".deb":
        return [*tar_members(deb_part(path, "--ctrl-tarfile")), *tar_members(deb_part(path, "--fsys-tarfile"))]
    if path.suffix in (".whl", ".zip"):
        return list(zip_members(data))
    if "-image-" in path.name:
        return list(image_members(gzip.decompress(data)))
    if path.suffix in (".crate", ".gz"):
        return list(tar_members(data))
    return [Member(path.name, 0o644, None, None, True, data)]


def differences(first: Path, second: Path) -> list[str]:
    """Which members of two packages differ, one line each; or that only the packing does."""
    ones, others = ({one.name: one for one in members(path)} for path in (first, second))
    lines = [f"only in {first.parent}: {name}" for name in sorted(ones.keys() - others.keys())]
    lines += [f"only in {second.parent}: {name}" for name in sorted(others.keys() - ones.keys())]
    for name in sorted(ones.keys() & others.keys()):
        one, other = ones[name], others[name]
        if one.data != other.data:
            at = next((at for at, (a, b) in enumerate(zip(one.data, other.data)) if a != b), min(len(one.data), len(other.data)))
            lines.append(f"{name}: {len(one.data)} and {len(other.data)} bytes, first difference at byte {at}")
        elif one != other:
            lines.append(f"{name}: the same bytes, but mode, owner or time differ")
    return lines or ["the same members: order or compression differs"]
