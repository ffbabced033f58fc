"""Checks the Lambda packages as released: `package.py FOLDER-OF-THE-BINARIES FOLDER-OF-THE-TOOLS ZIP…`. Started by script/lambda-parts."""

import base64
import io
import os
import platform
import shutil
import struct
import sys
import tempfile
import zipfile
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace

from PIL import Image, ImageChops, ImageStat

from programs import Emulator, Function, Origin
from store import Hlsnap
from tally import Tally

# Lambda allows 50 MB, but a cold start loads the package
MAX_BYTES = 7_300_000
MACHINES = {"x86_64": 62, "arm64": 183}
LOADER = 3  # PT_INTERP


def is_static(binary):
    """Whether no program header names a loader (ELF-64, little endian)."""
    at, size, count = struct.unpack_from("<Q", binary, 32)[0], *struct.unpack_from("<HH", binary, 54)
    return all(struct.unpack_from("<I", binary, at + size * place)[0] != LOADER for place in range(count))


def content(tally, zip_file, arch):
    tally.check(f"{arch}: at most {MAX_BYTES} bytes", zip_file.stat().st_size <= MAX_BYTES, zip_file.stat().st_size)
    with zipfile.ZipFile(zip_file) as package:
        names = package.namelist()
        tally.check(f"{arch}: the function and its licenses", names[0] == "bootstrap" and len(names) >= 4, names)
        tally.equal(f"{arch}: the function is executable", package.getinfo("bootstrap").external_attr >> 16 & 0o777, 0o755)
        binary = package.read("bootstrap")
    tally.equal(f"{arch}: for its processor", struct.unpack_from("<H", binary, 18)[0], MACHINES[arch])
    tally.check(f"{arch}: static", is_static(binary))
    here = [str(Path.home() / ".cargo"), str(Path.cwd())]
    tally.check(f"{arch}: no path of this machine", not any(path.encode() in binary for path in here), here)
    return binary


def command(folder, arch):
    """The command that starts the function: in a root folder of its own on its processor, or else in an emulator of it."""
    if arch == {"aarch64": "arm64"}.get(platform.machine(), platform.machine()):
        own = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]
        return [*own, "chroot", str(folder), "/bootstrap"]
    return [shutil.which(f"qemu-{'aarch64' if arch == 'arm64' else arch}") or "no-emulator", str(folder / "bootstrap")]


def distance(one, other):
    """The mean difference of two pictures from 0 to 255; 255 if their sizes differ."""
    one, other = (Image.open(io.BytesIO(data)).convert("RGB") for data in (one, other))
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3 if one.size == other.size else 255


def runs(tally, parts, arch, binary):
    folder = parts.folder / arch
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    (folder / "bootstrap").write_bytes(binary)
    (folder / "bootstrap").chmod(0o755)
    settings = {"HLSNAP_ALLOW_PRIVATE": "true", "HLSNAP_ALLOW_HOST": "127.0.0.1"}
    with closing(Function(command(folder, arch), parts.emulator, settings)) as one:
        for name in ("ladder-ts/master.m3u8", "codecs/hevc.m3u8", "codecs/av1.m3u8", "codecs/vp9.m3u8"):
            url = parts.origin.url(f"/{name}")
            status, answer = one.invoke({"url": url, "format": "png"})
            given = base64.b64decode(answer.get("image_base64", ""))
            off = distance(given, parts.hlsnap.picture(url, "png")) if status == 200 else answer
            tally.check(f"{arch}: the picture of {name}", status == 200 and off < 0.5, off)
        status, answer = one.invoke({"url": parts.origin.url("/none.m3u8")})
        tally.equal(f"{arch}: an error", answer.get("errorType"), "http_status")
        status, headers, body = one.get(f"/snapshot.jpg?url={parts.origin.url('/ladder-ts/master.m3u8')}&width=320")
        tally.check(f"{arch}: over HTTP", (status, headers["content-type"], body[:3]) == (200, "image/jpeg", b"\xff\xd8\xff"), (status, body[:300]))


def main(binaries, tools, *packages):
    tally = Tally()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        origin = stack.enter_context(closing(Origin(binaries)))
        emulator = stack.enter_context(closing(Emulator(tools, folder / "project")))
        for program in (origin, emulator):
            program.wait()
        parts = SimpleNamespace(folder=folder, origin=origin, emulator=emulator, hlsnap=Hlsnap(binaries))
        for package in packages:
            arch = package.stem.removeprefix("hlsnap-")
            binary = content(tally, package, arch)
            tally.group(runs, parts, arch, binary)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main(*(Path(place).resolve() for place in sys.argv[1:])))
