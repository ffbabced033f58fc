"""Shows that dist.py finds each kind of fault: makes small releases of a C program, and damages them one by one. CI runs it."""

import hashlib
import io
import json
import os
import platform
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

import dist

MACHINE = platform.machine().replace("aarch64", "arm64")
TOP = f"hlsnap-{dist.VERSION}-{MACHINE.replace('arm64', 'aarch64')}-linux"
BILL = {
    "metadata": {"component": {"name": "hlsnap", "version": dist.VERSION}},
    "components": [{"name": name} for name in ("ffmpeg", "dav1d", "libwebp-sys")],
}


def compile_program(text: str, *options: str) -> bytes:
    with tempfile.NamedTemporaryFile() as out:
        source = f'#include <stdio.h>\nint main(void) {{ puts("{text}"); return 0; }}\n'
        subprocess.run(["gcc", *options, "-x", "c", "-", "-o", out.name], input=source.encode(), check=True)
        return Path(out.name).read_bytes()


class Faults(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        licenses = b"\n".join(sentences[0] for sentences in dist.LICENSES.values())
        program = compile_program(f"hlsnap {dist.VERSION}", "-static", "-s")
        self.files = {"hlsnap": program, "licenses/all": licenses, "sbom.json": json.dumps(BILL).encode()}
        names = [f"completions/{name}" for name in ("hlsnap.bash", "_hlsnap", "hlsnap.fish")]
        names += ["README.md", "CHANGELOG.md", "LICENSE", "man/hlsnap.1"]
        self.files |= {name: name.encode() for name in names}

    def faults(self, change=lambda entry: None, after=lambda: None) -> list[str]:
        """What dist.py says about a tarball of `files`; `change` edits each entry, `after` the folder before the checksums."""
        folders = {TOP, *(f"{TOP}/{Path(name).parent}" for name in self.files if "/" in name)}
        entries = sorted([*folders, *(f"{TOP}/{name}" for name in self.files)])
        with tarfile.open(self.folder / f"{TOP}.tar.gz", "w:gz") as archive:
            for name in entries:
                entry = tarfile.TarInfo(name)
                data = self.files.get(name.removeprefix(f"{TOP}/"), b"")
                entry.type = tarfile.DIRTYPE if name in folders else tarfile.REGTYPE
                entry.size, entry.mtime, entry.uname, entry.gname = len(data), 946684800, "root", "root"
                entry.mode = 0o755 if name in folders or name == f"{TOP}/hlsnap" else 0o644
                change(entry)
                archive.addfile(entry, io.BytesIO(data))
        (self.folder / f"{TOP}.sbom.json").write_bytes(json.dumps(BILL).encode())
        lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(self.folder.iterdir())]
        (self.folder / "SHA256SUMS").write_text("".join(lines))
        after()
        release = dist.Release(self.folder, [MACHINE], ["tarball"])
        release.run()
        return release.faults

    def assert_fault(self, words: str, faults: list[str]) -> None:
        self.assertTrue(any(words in fault for fault in faults), f"no fault says {words!r}: {faults}")

    def test_a_good_release_has_no_fault(self) -> None:
        self.assertEqual(self.faults(), [])

    def test_a_changed_file_is_found(self) -> None:
        bill = self.folder / f"{TOP}.sbom.json"
        self.assert_fault("another digest", self.faults(after=lambda: bill.write_text(json.dumps(BILL, indent=1))))

    def test_an_extra_file_is_found(self) -> None:
        (self.folder / "notes.txt").write_text("")
        self.assert_fault("not a part of the release", self.faults())

    def test_a_missing_file_is_found(self) -> None:
        self.assert_fault("0 files have such a name", self.faults(after=lambda: (self.folder / f"{TOP}.tar.gz").unlink()))

    def test_a_dynamic_program_is_found(self) -> None:
        self.files["hlsnap"] = compile_program(f"hlsnap {dist.VERSION}", "-s")
        self.assert_fault("not static", self.faults())

    def test_a_program_with_symbols_is_found(self) -> None:
        self.files["hlsnap"] = compile_program(f"hlsnap {dist.VERSION}", "-static")
        self.assert_fault("not stripped", self.faults())

    def test_a_program_of_another_version_is_found(self) -> None:
        self.files["hlsnap"] = compile_program("hlsnap 9.9.9", "-static", "-s")
        self.assert_fault("--version says 'hlsnap 9.9.9'", self.faults())

    def test_a_program_for_another_machine_is_found(self) -> None:
        program = bytearray(self.files["hlsnap"])
        program[18:20] = b"\x28\x00"  # e_machine: 32-bit ARM
        self.files["hlsnap"] = bytes(program)
        self.assert_fault(f"not for {MACHINE}", self.faults())

    def test_a_path_of_the_building_machine_is_found(self) -> None:
        self.files["README.md"] = f"built in {os.path.realpath(dist.ROOT)}/src".encode()
        self.assert_fault("of the building machine", self.faults())

    def test_a_missing_license_is_found(self) -> None:
        self.files["licenses/all"] = self.files["licenses/all"].replace(dist.LICENSES["dav1d"][0], b"")
        self.assert_fault("the license of dav1d is missing", self.faults())

    def test_another_owner_is_found(self) -> None:
        self.assert_fault("owner", self.faults(change=lambda entry: setattr(entry, "uid", 1000)))

    def test_a_file_that_others_may_write_is_found(self) -> None:
        self.assert_fault("mode 666", self.faults(change=lambda entry: setattr(entry, "mode", 0o666 if entry.isfile() else 0o755)))

    def test_different_times_are_found(self) -> None:
        self.assert_fault("different times", self.faults(change=lambda entry: setattr(entry, "mtime", len(entry.name))))

    def test_a_difference_between_two_releases_names_the_member(self) -> None:
        self.faults()
        with tempfile.TemporaryDirectory() as other:
            for path in self.folder.iterdir():
                (Path(other) / path.name).write_bytes(path.read_bytes())
            self.assertEqual(dist.compare(self.folder, Path(other)), [])
            self.files["README.md"] = b"another"
            self.faults()
            self.assert_fault(f"{TOP}/README.md: 7 and 9 bytes", dist.compare(self.folder, Path(other)))


if __name__ == "__main__":
    unittest.main()
