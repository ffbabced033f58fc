"""Looks into a package, without installing it: contents, control file, lintian, manual, units."""

import json
import re
import tomllib
from pathlib import Path

from checks import check, fields, must, run, without

SHARE = "usr/share"
EXPECTED = [
    "usr/bin/hlsnap",
    "etc/hlsnap/serve.env",
    "etc/hlsnap/watch.env",
    "etc/hlsnap/channels.toml",
    "lib/systemd/system/hlsnap-serve.service",
    "lib/systemd/system/hlsnap-watch.service",
    "usr/lib/sysusers.d/hlsnap.conf",
    f"{SHARE}/bash-completion/completions/hlsnap",
    f"{SHARE}/zsh/vendor-completions/_hlsnap",
    f"{SHARE}/fish/vendor_completions.d/hlsnap.fish",
    f"{SHARE}/doc/hlsnap/copyright",
    f"{SHARE}/doc/hlsnap/README.md",
    f"{SHARE}/doc/hlsnap/docs/serve.md",
    f"{SHARE}/doc/hlsnap/hlsnap.cdx.json.gz",
    f"{SHARE}/doc/hlsnap/changelog.gz",
    f"{SHARE}/doc/hlsnap/changelog.Debian.gz",
    f"{SHARE}/doc/hlsnap/examples/observability/hlsnap.rules.yml",
]
COMMANDS = ["snap", "sheet", "storyboard", "series", "animate", "inspect", "batch", "watch", "serve", "sign", "completions"]
UNITS = ["hlsnap-serve.service", "hlsnap-watch.service"]
# Of systemd-analyze security, from 0 to 10. What remains is the network, a static user, and the root folder of the system.
MAX_EXPOSURE = 1.5


def check_contents(package: Path, root: Path, version: str) -> str:
    """Unpacks the package into `root`. Returns its architecture."""
    must(run("dpkg-deb", "--extract", package, root))
    control = fields(must(run("dpkg-deb", "--field", package)))
    check((control["Package"], control["Version"]) == ("hlsnap", version), f"the package is hlsnap {version}", control)
    check("libc" not in control["Depends"] and "systemd-standalone-sysusers" in control["Depends"], "no library is needed", control["Depends"])
    pages = [f"{SHARE}/man/man1/{page}.1.gz" for page in ["hlsnap", *(f"hlsnap-{command}" for command in COMMANDS)]]
    missing = [path for path in [*EXPECTED, *pages] if not (root / path).is_file()]
    check(not missing, "all files are there", missing)
    listed = must(run("dpkg-deb", "--contents", package)).splitlines()
    check(all(" root/root " in line for line in listed), "all files belong to root", listed[:5])
    modes = {line.split()[-1]: line[:10] for line in listed}
    check(modes["./etc/hlsnap/serve.env"] == modes["./etc/hlsnap/watch.env"] == "-rw-r-----", "only root may read settings", modes)
    others = [path for path, mode in modes.items() if mode[8] == "w" and mode[0] != "l" or "s" in mode]
    check(not others, "no file is writable by all or setuid", others)
    conffiles = must(run("dpkg-deb", "--info", package, "conffiles")).split()
    wanted = [f"/etc/hlsnap/{name}" for name in ("channels.toml", "serve.env", "watch.env")]
    check(sorted(conffiles) == wanted, "settings are conffiles", conffiles)
    headers = must(run("readelf", "--program-headers", "--dynamic", root / "usr/bin/hlsnap"))
    check("INTERP" not in headers and "(NEEDED)" not in headers, "the program is static", headers[:500])
    bill = json.loads(must(run("zcat", root / f"{SHARE}/doc/hlsnap/hlsnap.cdx.json.gz")))
    check({"ffmpeg", "dav1d", "libwebp-sys"} < {one["name"] for one in bill["components"]}, "the bill of materials names the libraries")
    allowed = tomllib.loads(Path("deny.toml").read_text())["licenses"]["allow"]
    text = " ".join((root / f"{SHARE}/doc/hlsnap/copyright").read_text().split())
    named = text.partition("used under one of these: ")[2].partition(". ")[0].split(", ")
    check(sorted(named) == sorted(allowed), "the copyright names the licenses that deny.toml allows", named)
    return control["Architecture"]


def check_with_lintian(package: Path):
    done = run("lintian", "--allow-root", "--info", "--display-info", "--pedantic", "--fail-on", "error,warning,info,pedantic", package)
    # lintian says so as root
    check(done.returncode == 0 and not without(done.stdout.splitlines(), "running with root privileges"), "lintian finds nothing", done.stdout)
    unused = run("lintian", "--allow-root", "--tags", "unused-override,mismatched-override,malformed-override", package)
    check(not without(unused.stdout.splitlines(), "running with root privileges"), "every override is needed", unused.stdout)


def check_manual(root: Path):
    for page in sorted((root / SHARE / "man/man1").iterdir()):
        shown = run("man", "--warnings", "--local-file", page, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}, stderr=-1)
        check(shown.returncode == 0 and not shown.stderr, f"man shows {page.name} without warnings", shown.stderr)
        headings = [line for line in shown.stdout.splitlines() if re.fullmatch(r"[A-Z ]+", line) and line[:1] != " "]
        check({"EXIT STATUS", "EXAMPLES", "SEE ALSO"} <= set(headings), f"{page.name} has its sections", headings)
        text = must(run("zcat", page))
        lint = run("mandoc", "-T", "lint", "-W", "style", input=text, stdin=None)
        check(lint.returncode == 0 and not lint.stdout.strip(), f"mandoc finds nothing in {page.name}", lint.stdout)


def check_units(root: Path):
    folder = root / "lib/systemd/system"
    texts = [(folder / unit).read_text() for unit in UNITS]
    # They differ in the one that has a StateDirectory
    hardening = [text[text.index("# No privileges") :].replace(" but the StateDirectory", "") for text in texts]
    check(hardening[0] == hardening[1], "both units have the same restrictions")
    for unit, text in zip(UNITS, texts):
        done = run("systemd-analyze", "security", "--no-pager", "--offline=yes", "--json=short", folder / unit)
        table = run("systemd-analyze", "security", "--no-pager", "--offline=yes", folder / unit).stdout
        found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", table)
        exposure = float(found[1]) if found else 10.0
        print(f"deb: systemd-analyze security {unit}: {exposure}")
        check(exposure <= MAX_EXPOSURE, f"the exposure of {unit} is at most {MAX_EXPOSURE}", done.stdout)
        pages = re.findall(r"man:([\w-]+)\(1\)", text)
        documents = re.findall(r"file:///(\S+)", text)
        there = [root / SHARE / f"man/man1/{page}.1.gz" for page in pages] + [root / path for path in documents]
        check(len(there) == 2 and all(path.is_file() for path in there), f"the documentation of {unit} is there", there)
