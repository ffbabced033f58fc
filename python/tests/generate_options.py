"""Writes hlsnap/options.py, the types of the options, from hlsnap's own table: generate_options.py [--check].

Needs the installed package.
"""

import sys
from pathlib import Path

from hlsnap import _native

TARGET = Path(__file__).resolve().parents[1] / "hlsnap" / "options.py"
TYPES = {
    "bool": "bool",
    "value": "Union[str, float]",
    "moment": "Moment",
    "optional": "Union[bool, str, float, datetime.timedelta]",
    "integer": "int",
    "path": "Union[str, os.PathLike[str]]",
    "list": "Union[str, Sequence[str]]",
    "fields": "Union[str, Sequence[str], Mapping[str, str]]",
}
# What Python code may give instead of text
OWN = {
    "compare": "Union[str, bytes, os.PathLike[str], Picture]",
    "every": "Duration",
    "for": "Duration",
    "timeout": "Duration",
}
KEYWORDS = {"from", "for"}
CLASSES = [
    ("ClientOptions", "Options of :class:`hlsnap.Client`. Those of requests are defaults for each.", 3),
    ("SnapshotOptions", "Options of :func:`hlsnap.snapshot`.", 0),
    ("PicturesOptions", "Options of :func:`hlsnap.pictures`.", 1),
    ("InspectOptions", "Options of :func:`hlsnap.inspect`.", 2),
]
HEAD = '''"""The options and the types of their values. ``None`` leaves an option as it is.

python/tests/generate_options.py writes this file from the table of the command line.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Optional, TypedDict, Union

if TYPE_CHECKING:
    from ._picture import Picture

#: A moment: ``live``, ``start``, ``"1:30"``, ``"50%"``, seconds from the start or, if negative, back from the end, or an aware date and time.
Moment = Union[str, float, datetime.timedelta, datetime.datetime]
#: A time: seconds, or text such as ``"1m30s"``.
Duration = Union[str, float, datetime.timedelta]
'''


def text():
    rows = _native.options()
    parts = [HEAD]
    for name, summary, place in CLASSES:
        parts.append(f'\n\nclass {name}(TypedDict, total=False):\n    """{summary}"""\n')
        for option, kind, meaning, calls, is_of_client in rows:
            if (*calls, is_of_client)[place]:
                key = f"{option}_" if option in KEYWORDS else option
                parts.append(f"\n    #: {meaning}\n    {key}: Optional[{OWN.get(option, TYPES[kind])}]\n")
    return "".join(parts)


def main():
    wanted = text()
    if "--check" not in sys.argv:
        TARGET.write_text(wanted)
    elif TARGET.read_text() != wanted:
        sys.exit("hlsnap/options.py is not what the table of options says: run python/tests/generate_options.py")


if __name__ == "__main__":
    main()
