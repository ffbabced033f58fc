"""From Python values to the JSON that hlsnap's table of options reads."""

from __future__ import annotations

import datetime
import json
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union, cast

from ._errors import UsageError
from ._picture import Picture


def url_text(url: object) -> str:
    """The text of a URL or path."""
    if isinstance(url, str):
        return url
    if isinstance(url, os.PathLike):
        return os.fsdecode(cast("os.PathLike[str]", url))
    raise UsageError("the URL is neither text nor a path", hint="give an http:// or https:// URL, or a path")


def to_json(options: Mapping[str, Any]) -> str:
    """The options as a JSON object."""
    # Names that are keywords of Python end with _: from_, for_
    return json.dumps({name.rstrip("_"): _value(name, value) for name, value in options.items()})


def split_compare(options: dict[str, Any]) -> Optional[bytes]:
    """Takes the earlier picture out of ``compare``, unless it is a hash, which the table reads."""
    value = options.get("compare")
    if isinstance(value, Picture):
        file = value.bytes
    elif isinstance(value, (bytes, bytearray)):
        file = bytes(value)
    elif isinstance(value, os.PathLike):
        file = _read(cast("os.PathLike[str]", value))
    elif isinstance(value, str) and os.path.exists(value):
        file = _read(value)
    else:
        return None
    del options["compare"]
    return file


def _read(path: Union[str, os.PathLike[str]]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"compare {os.fspath(path)!r} cannot be read: {error.strerror}", hint="check the path") from error


def _value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise UsageError(f"{name} has no time zone", hint="give an aware datetime, such as datetime.now(timezone.utc)")
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, os.PathLike):
        return os.fsdecode(cast("os.PathLike[str]", value))
    if isinstance(value, Mapping):
        fields = cast("Mapping[object, Any]", value)
        return {str(key): _value(name, one) for key, one in fields.items()}
    # Other numbers too, such as those of numpy
    if hasattr(value, "__index__"):
        return operator.index(value)
    if hasattr(value, "__float__"):
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise UsageError(f"{name} is {number}", hint="give a finite number")
        return number
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [_value(name, one) for one in cast("Iterable[Any]", cast("object", value))]
    raise UsageError(
        f"{name} is a {type(value).__name__}", hint="give text, a number, a bool, a timedelta, a datetime, a list or a dict"
    )
