"""Runs with nothing but the wheel installed: bare.py PLAYLIST."""

import sys

import hlsnap

picture = hlsnap.snapshot(sys.argv[1], width=64)
assert picture.bytes[:3] == b"\xff\xd8\xff" and picture.report["width"] == 64
for call, extra in ((picture.array, "hlsnap[array]"), (picture.image, "hlsnap[image]")):
    try:
        call()
        sys.exit(f"{extra} is installed")
    except ImportError as error:
        assert extra in str(error), error
print(f"bare: Python {sys.version.split()[0]}, {picture}")
