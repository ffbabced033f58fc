"""What iterators of pictures share: the next job, and what is reported beside the pictures."""

from __future__ import annotations

import json
import logging
from collections import deque
from dataclasses import dataclass
from typing import Any, Optional, Union, cast

from . import _native
from ._errors import Error
from ._picture import Picture

_logger = logging.getLogger("hlsnap")

#: How many missing pictures are remembered.
MAX_MISSING = 1000


@dataclass(frozen=True)
class MissingPicture:
    """A moment without a picture."""

    #: The number of the moment, from 0.
    index: int
    #: The moment, in seconds from the start of the playlist.
    seconds: float
    #: Why.
    error: Error


class SeriesState:
    """A series in progress."""

    def __init__(self, native: _native.Series) -> None:
        self.native = native
        #: The last moments without a picture.
        self.missing: deque[MissingPicture] = deque(maxlen=MAX_MISSING)
        self.report: Optional[dict[str, Any]] = None
        self.is_closed = False

    def accept(self, result: Union[_native.Picture, str, None]) -> Optional[Picture]:
        """The picture, or ``None`` at the end, which has the report."""
        self.read_messages()
        if isinstance(result, _native.Picture):
            return Picture(result)
        if result is not None:
            self.report = json.loads(result)
        self.close()
        return None

    def read_messages(self) -> None:
        for missed, text in self.native.messages():
            if missed is None:
                _logger.warning("%s", text)
                continue
            index, seconds, error = missed
            self.missing.append(MissingPicture(index, seconds, cast(Error, error)))
            _logger.warning("no picture at %s s: %s", seconds, error)

    def close(self) -> None:
        self.is_closed = True
        self.native.close()
