"""Looks into the container image, and runs it: `image.py ARCHIVE VERSION ORIGIN BUILDAH...`. script/image --check runs it."""

import json
import struct
import subprocess
import sys
import tarfile

# Seconds
PATIENCE = 60
FAULTS = []


def check(holds, fault):
    if not holds:
        FAULTS.append(fault)


def contents(archive):
    """The names of the files of an image, and its configuration."""
    with tarfile.open(archive) as outer:
        (image,) = json.load(outer.extractfile("manifest.json"))
        config = json.load(outer.extractfile(image["Config"]))
        files = {}
        for layer in image["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                files |= {entry.name: entry for entry in inner if not entry.isdir()}
    return files, config["config"]


def is_static(program):
    """Whether an ELF file names no interpreter: no program header of the type PT_INTERP (3)."""
    offset, size, count = (struct.unpack_from(form, program, at)[0] for form, at in (("<Q", 32), ("<H", 54), ("<H", 56)))
    return program[:4] == b"\x7fELF" and 3 not in {struct.unpack_from("<I", program, offset + size * place)[0] for place in range(count)}


def looks_right(archive, version):
    files, config = contents(archive)
    licenses = {name for name in files if name.startswith("licenses/")}
    check(set(files) - licenses == {"hlsnap"}, f"the image has other files too: {sorted(set(files) - licenses)}")
    check(len(licenses) > 3 and "licenses/hlsnap-LICENSE" in licenses, f"licenses are missing: {sorted(licenses)}")
    modes = {name: oct(entry.mode) for name, entry in files.items() if entry.mode & 0o7022}
    check(not modes, f"files that others may write, or with special bits: {modes}")
    check(config["User"] == "65532:65532", f"the user is {config.get('User')!r}")
    check(list(config["ExposedPorts"]) == ["8080/tcp"], f"ports: {config.get('ExposedPorts')}")
    check(config["Entrypoint"] == ["/hlsnap"], f"the entry point is {config.get('Entrypoint')}")
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in config["Labels"].items()}
    check((labels.get("title"), labels.get("version"), labels.get("licenses")) == ("hlsnap", version, "MIT"), f"labels: {labels}")
    with tarfile.open(archive) as outer:
        for layer in json.load(outer.extractfile("manifest.json"))[0]["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                if "hlsnap" in inner.getnames():
                    check(is_static(inner.extractfile("hlsnap").read()), "the binary is not static: the image has no libraries")
    return len(licenses)


def runs(buildah, version, origin):
    def image(*command):
        arguments = [*buildah, "run", "--isolation", "chroot", container, "--", *command]
        return subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)

    made = subprocess.run([*buildah, "from", f"localhost/hlsnap:{version}"], capture_output=True, text=True, check=True)
    container = made.stdout.strip()
    # The origin ends with its standard input
    server = subprocess.Popen([origin], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        base = server.stdout.readline().strip().removeprefix("listening ").rstrip("/")
        said = image("/hlsnap", "--version")
        check(said.returncode == 0 and version in said.stdout.decode(), f"hlsnap --version: {said}")
        picture = image("/hlsnap", f"{base}/vod-ts/master.m3u8", "-o", "-")
        whole = picture.stdout[:3] == b"\xff\xd8\xff" and picture.stdout[-2:] == b"\xff\xd9"
        check(picture.returncode == 0 and whole, f"a snapshot: {picture.returncode}, {picture.stderr[:500]}")
        unwritable = image("/hlsnap", f"{base}/vod-ts/master.m3u8", "-o", "/picture.jpg")
        check(unwritable.returncode == 30, f"the user of the image may write into it: {unwritable.returncode}")
        check(image("/bin/sh", "-c", "true").returncode != 0, "the image has a shell")
    finally:
        server.stdin.close()
        server.wait(PATIENCE)
        subprocess.run([*buildah, "rm", container], capture_output=True)
    return said.stdout.decode().splitlines()[0], len(picture.stdout)


def main(archive, version, origin, *buildah):
    licenses = looks_right(archive, version)
    said, size = runs(buildah, version, origin)
    for fault in FAULTS:
        print(f"image: {fault}")
    if not FAULTS:
        print(f"image: hlsnap and {licenses} licenses; runs as {said}, and takes a snapshot of {size} bytes")
    return 1 if FAULTS else 0


sys.exit(main(*sys.argv[1:]))
