"""Checks a finished release, or compares two.

    dist.py FOLDER [--only MACHINE]... [--artifact KIND]...    script/release calls it; without options the release is complete
    dist.py --compare FOLDER FOLDER                            script/reproduce calls it

Prints one line for each fault, and fails if there is any.
"""

import argparse
import gzip
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from archives import Member, deb_part, differences, image_config, members

ROOT = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
MACHINES = ("x86_64", "arm64")
# A placeholder stands for the machine type as the kind of package spells it.
NAMES = {
    "tarball": ("hlsnap-{version}-{gnu}-linux.tar.gz", "hlsnap-{version}-{gnu}-linux.sbom.json"),
    "deb": ("hlsnap_{version}-1_{debian}.deb",),
    "wheel": ("hlsnap-{version}-cp3*-abi3-manylinux*_{gnu}.whl",),
    "lambda": ("hlsnap-{version}-lambda-{machine}.zip",),
    "image": ("hlsnap-{version}-image-{machine}.tar.gz",),
    "crate": ("hlsnap-{version}.crate",),
    "schema": ("hlsnap-{version}-report.schema.json",),
}
# A sentence of the license of each work in the binary
LICENSES = {
    "hlsnap": (b"the hlsnap authors",),
    "FFmpeg": (b"GNU LESSER GENERAL PUBLIC LICENSE", b"/usr/share/common-licenses/LGPL-2.1"),
    "dav1d": (b"VideoLAN and dav1d authors",),
    "libwebp": (b"Neither the name of Google",),
    "Open Sans": (b"Apache License", b"/usr/share/common-licenses/Apache-2.0"),
}
# What a Python extension may load: parts of glibc, which every manylinux has.
GLIBC = re.compile(r"lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d+|ld-linux-.*\.so\.\d+")
ELF_MACHINES = {"x86_64": "Advanced Micro Devices X86-64", "arm64": "AArch64"}
# Seconds
PATIENCE = 60


class Release:
    def __init__(self, folder: Path, machines: list[str], kinds: list[str]):
        self.folder = folder
        self.machines = machines
        self.kinds = kinds
        self.faults: list[str] = []
        self.paths = [path.encode() for path in building_paths()]
        # The digests of each machine type's `hlsnap`, and the packages that contain it
        self.binaries: dict[str, dict[str, list[str]]] = {machine: {} for machine in machines}

    def check(self, holds: object, fault: str) -> None:
        if not holds:
            self.faults.append(fault)

    def expected(self) -> list[tuple[str, str, str]]:
        """The pattern of each file's name, its kind, and its machine type or `any`."""
        found = []
        for kind in self.kinds:
            for machine in self.machines if kind not in ("crate", "schema") else ["any"]:
                spelled = {"gnu": machine.replace("arm64", "aarch64"), "debian": machine.replace("x86_64", "amd64"), "machine": machine}
                found += [(name.format(version=VERSION, **spelled), kind, machine) for name in NAMES[kind]]
        return found

    def run(self) -> int:
        present = sorted(path.name for path in self.folder.iterdir())
        self.checksums(present)
        wanted = self.expected()
        for pattern, kind, machine in wanted:
            names = [name for name in present if fnmatchcase(name, pattern)]
            self.check(len(names) == 1, f"{pattern}: {len(names)} files have such a name")
            for name in names:
                self.package(self.folder / name, kind, machine)
        known = [pattern for pattern, _, _ in wanted] + ["SHA256SUMS"]
        for name in present:
            self.check(any(fnmatchcase(name, pattern) for pattern in known), f"{name}: not a part of the release")
        for machine, digests in self.binaries.items():
            self.check(len(digests) <= 1, f"{machine}: the packages contain different builds of hlsnap: {list(digests.values())}")
        return len(wanted)

    def checksums(self, present: list[str]) -> None:
        sums = self.folder / "SHA256SUMS"
        if not sums.is_file():
            self.check(False, "SHA256SUMS is missing")
            return
        listed = {}
        for line in sums.read_text().splitlines():
            digest, _, name = line.partition("  ")
            listed[name] = digest
        self.check(list(listed) == sorted(listed), "SHA256SUMS is not sorted")
        self.check(sorted([*listed, "SHA256SUMS"]) == present, f"SHA256SUMS lists {sorted(listed)}, the folder has {present}")
        for name in set(listed) & set(present):
            found = hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
            self.check(found == listed[name], f"{name}: SHA256SUMS has another digest")

    def package(self, path: Path, kind: str, machine: str) -> None:
        inside = members(path)
        for one in inside:
            self.member(path.name, one, kind, machine)
        if kind in ("tarball", "lambda", "image", "deb", "wheel") and path.suffix != ".json":
            text = b"\n".join(one.data for one in inside if not one.data.startswith(b"\x7fELF"))
            for work, sentences in LICENSES.items():
                self.check(any(sentence in text for sentence in sentences), f"{path.name}: the license of {work} is missing")
        getattr(self, f"check_{kind}")(path, inside, machine)

    def member(self, package: str, one: Member, kind: str, machine: str) -> None:
        where = f"{package}: {one.name}"
        self.check(not one.mode & 0o7022, f"{where}: mode {one.mode:o}")
        # The settings of the services hold tokens
        is_secret = kind == "deb" and re.fullmatch(r"(\./)?etc/hlsnap/\w+\.env", one.name) is not None
        expected = 0o440 if is_secret else 0o444
        self.check(not one.is_file or one.mode & 0o444 == expected, f"{where}: mode {one.mode:o}: expected {expected:o} to be readable")
        self.check(one.owner is None or kind == "crate" or one.owner[:2] == (0, 0), f"{where}: owner {one.owner}")
        for path in self.paths:
            self.check(path not in one.data, f"{where}: contains the path {path.decode()} of the building machine")
        if one.data.startswith(b"\x7fELF"):
            self.elf(where, one, kind, machine)

    def elf(self, where: str, one: Member, kind: str, machine: str) -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(one.data)
            file.flush()
            command = ["readelf", "--wide", "--file-header", "--program-headers", "--dynamic", "--sections", file.name]
            text = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
        self.check(re.search(r"Machine: +" + re.escape(ELF_MACHINES.get(machine, "none")), text), f"{where}: not for {machine}")
        self.check(".symtab" not in text and ".debug_info" not in text, f"{where}: not stripped")
        needed = re.findall(r"Shared library: \[(.*?)\]", text)
        if one.name.endswith(".so"):
            strange = [name for name in needed if not GLIBC.fullmatch(name)]
            self.check(not strange, f"{where}: needs {strange}")
            return
        self.check(not needed and "Requesting program interpreter" not in text, f"{where}: not static, needs {needed}")
        self.check(one.mode & 0o111, f"{where}: not executable")
        if Path(one.name).name == "hlsnap":
            self.binaries[machine].setdefault(hashlib.sha256(one.data).hexdigest(), []).append(where)

    def check_tarball(self, path: Path, inside: list[Member], machine: str) -> None:
        if path.suffix == ".json":
            self.sbom(path.name, path.read_bytes())
            return
        top = path.name.removesuffix(".tar.gz")
        names = [one.name for one in inside]
        self.check(names == sorted(names) and names[0] == top, f"{path.name}: the files are not sorted, or not below {top}/")
        self.check(all(one.owner == (0, 0, "root", "root") for one in inside), f"{path.name}: an owner is not root")
        self.times(path.name, inside)
        modes = {(one.name == f"{top}/hlsnap" or not one.is_file, one.mode) for one in inside}
        self.check(modes == {(True, 0o755), (False, 0o644)}, f"{path.name}: modes are {sorted(modes)}")
        files = {one.name.removeprefix(f"{top}/"): one.data for one in inside if one.is_file}
        wanted = {"hlsnap", "README.md", "CHANGELOG.md", "LICENSE", "sbom.json", "man/hlsnap.1"}
        wanted |= {f"completions/{name}" for name in ("hlsnap.bash", "_hlsnap", "hlsnap.fish")}
        self.check(wanted <= files.keys(), f"{path.name}: misses {sorted(wanted - files.keys())}")
        if "sbom.json" in files:
            self.sbom(path.name, files["sbom.json"])
            beside = path.with_name(f"{top}.sbom.json")
            self.check(beside.is_file() and beside.read_bytes() == files["sbom.json"], f"{path.name}: its sbom.json is not {beside.name}")
        if "hlsnap" in files:
            self.version(path.name, files["hlsnap"], machine)

    def version(self, package: str, binary: bytes, machine: str) -> None:
        emulator = [] if platform.machine().replace("aarch64", "arm64") == machine else [f"qemu-{machine.replace('arm64', 'aarch64')}"]
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "hlsnap"
            program.write_bytes(binary)
            program.chmod(0o755)
            try:
                done = subprocess.run([*emulator, str(program), "--version"], capture_output=True, text=True, timeout=PATIENCE, check=False)
            except OSError as error:
                self.check(False, f"{package}: cannot run hlsnap: {error}; run script/setup --package --arm64")
                return
        first = (done.stdout.splitlines() or [""])[0]
        self.check(done.returncode == 0 and VERSION in first.split(), f"{package}: hlsnap --version says {first or done.stderr!r}")

    def sbom(self, package: str, data: bytes) -> None:
        bill = json.loads(data)
        own = bill["metadata"]["component"]
        found = f"{own['name']} {own['version']}"
        self.check(found == f"hlsnap {VERSION}", f"{package}: the bill of materials is of {found}")
        names = {one["name"] for one in bill["components"]}
        self.check({"ffmpeg", "dav1d", "libwebp-sys"} <= names, f"{package}: the bill of materials lacks native libraries")

    def times(self, package: str, inside: list[Member]) -> None:
        times = {one.mtime for one in inside}
        self.check(len(times) == 1, f"{package}: files have different times: {sorted(times)[:3]}")

    def check_lambda(self, path: Path, inside: list[Member], machine: str) -> None:
        self.times(path.name, inside)
        files = {one.name: one for one in inside}
        self.check("bootstrap" in files and files["bootstrap"].mode == 0o755, f"{path.name}: no executable bootstrap")
        self.check("sbom.json" in files, f"{path.name}: no sbom.json")
        if "sbom.json" in files:
            self.sbom(path.name, files["sbom.json"].data)

    def check_image(self, path: Path, inside: list[Member], machine: str) -> None:
        self.times(path.name, inside)
        tags, config = image_config(gzip.decompress(path.read_bytes()))
        self.check({tag.split("/")[-1] for tag in tags} == {f"hlsnap:{VERSION}"}, f"{path.name}: tags are {tags}")
        wanted = machine.replace("x86_64", "amd64")
        self.check(config["architecture"] == wanted, f"{path.name}: the architecture is {config['architecture']}")
        label = config["config"]["Labels"].get("org.opencontainers.image.version")
        self.check(label == VERSION, f"{path.name}: the version label is {label}")

    def check_deb(self, path: Path, inside: list[Member], machine: str) -> None:
        fields = deb_part(path, "--field").decode()
        for field in ("Package: hlsnap", f"Version: {VERSION}-1", f"Architecture: {machine.replace('x86_64', 'amd64')}"):
            self.check(f"{field}\n" in fields, f"{path.name}: the control file lacks {field!r}")

    def check_wheel(self, path: Path, inside: list[Member], machine: str) -> None:
        self.times(path.name, inside)
        metadata = next((one.data.decode() for one in inside if one.name.endswith(".dist-info/METADATA")), "")
        self.check(f"\nVersion: {VERSION}\n" in metadata, f"{path.name}: METADATA has another version")
        self.check(any(one.name.endswith(".so") for one in inside), f"{path.name}: no extension module")

    def check_crate(self, path: Path, inside: list[Member], machine: str) -> None:
        manifest = next((one.data.decode() for one in inside if one.name == f"hlsnap-{VERSION}/Cargo.toml"), "")
        self.check(manifest and tomllib.loads(manifest)["package"]["version"] == VERSION, f"{path.name}: Cargo.toml has another version")
        self.check(any(one.name.endswith("/LICENSE") for one in inside), f"{path.name}: no LICENSE")

    def check_schema(self, path: Path, inside: list[Member], machine: str) -> None:
        self.check("$schema" in json.loads(path.read_bytes()), f"{path.name}: not a JSON Schema")


def building_paths() -> list[str]:
    """The folders of this machine that no package may name."""
    home = os.environ.get("HOME", "")
    caches = [os.environ.get(name, "") for name in ("CARGO_HOME", "CARGO_TARGET_DIR", "HLSNAP_CACHE", "RUSTUP_HOME", "GITHUB_WORKSPACE")]
    return [f"{os.path.realpath(path).rstrip('/')}/" for path in [str(ROOT), home, *caches] if path and os.path.realpath(path) != "/"]


def compare(first: Path, second: Path) -> list[str]:
    names = sorted({path.name for folder in (first, second) for path in folder.iterdir()})
    faults = []
    for name in names:
        ones = [folder / name for folder in (first, second)]
        if not all(path.is_file() for path in ones):
            faults.append(f"{name}: only in {next(path.parent for path in ones if path.is_file())}")
        elif ones[0].read_bytes() != ones[1].read_bytes():
            faults += [f"{name} differs: {line}" for line in differences(*ones)]
    if not names:
        faults.append("both folders are empty")
    if not faults:
        print(f"dist: {len(names)} files are the same in both releases")
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("other", type=Path, nargs="?")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--only", action="append", choices=MACHINES)
    parser.add_argument("--artifact", action="append", choices=list(NAMES))
    options = parser.parse_args()
    for folder in (options.folder, options.other):
        if folder and not folder.is_dir():
            sys.exit(f"dist: {folder} is not a folder: run script/release")
    if options.compare:
        if not options.other:
            parser.error("--compare needs two folders")
        faults = compare(options.folder, options.other)
    else:
        release = Release(options.folder, options.only or list(MACHINES), options.artifact or list(NAMES))
        count = release.run()
        faults = release.faults
        if not faults:
            print(f"dist: {count} files checked: names, checksums, contents, binaries, versions, licenses, paths")
    for fault in faults:
        print(f"dist: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)


if __name__ == "__main__":
    main()
