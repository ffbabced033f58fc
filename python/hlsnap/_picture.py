"""A picture: its file, its report and its pixels."""

from __future__ import annotations

import base64
import builtins
import contextlib
import io
import json
import os
import secrets
from typing import TYPE_CHECKING, Any, Optional, Union

from . import _native
from ._errors import OutputError, UnsupportedError, UsageError

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    import PIL.Image

_FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp", ".avif": "avif"}


class Picture:
    """A picture of a stream. It holds the file, and the decoded frame for :meth:`array`, as long as it lives."""

    __slots__ = ("_bytes", "_json", "_media_type", "_native", "_place", "_report")

    def __init__(self, native: _native.Picture) -> None:
        self._native: Optional[_native.Picture] = native
        self._bytes = native.data
        self._json = native.report
        self._media_type = native.media_type
        self._place = native.place
        self._report: Optional[dict[str, Any]] = None

    @property
    def bytes(self) -> builtins.bytes:
        """The encoded file."""
        return self._bytes

    @property
    def report(self) -> dict[str, Any]:
        """The report, as the command line prints it with ``--json``."""
        report = self._report
        if report is None:
            report = self._report = json.loads(self._json)
        return report

    @property
    def format(self) -> str:
        """``jpeg``, ``png``, ``webp`` or ``avif``."""
        return self._media_type.partition("/")[2]

    @property
    def media_type(self) -> str:
        """The media type, such as ``image/jpeg``."""
        return self._media_type

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.report["width"])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.report["height"])

    @property
    def index(self) -> Optional[int]:
        """The number of its moment among :func:`hlsnap.pictures`, from 0."""
        return None if self._place is None else self._place[0]

    @property
    def seconds(self) -> Optional[float]:
        """Its moment among :func:`hlsnap.pictures`, in seconds from the start of the playlist."""
        return None if self._place is None else self._place[1]

    def array(self) -> numpy.typing.NDArray[numpy.uint8]:
        """The pixels as a numpy array of height, width and R, G, B. They are those of a PNG, whatever the format is.

        They are rendered from the decoded frame, each time anew; the array is the caller's own.
        """
        try:
            import numpy
        except ImportError as error:
            raise ImportError("hlsnap: array() needs numpy: pip install 'hlsnap[array]'") from error
        if self._native is None:
            raise UnsupportedError(
                "a picture that came from another process has no frame", hint="call array() there, or use image()"
            )
        width, height, rgb = self._native.rgb()
        pixels: numpy.typing.NDArray[numpy.uint8] = numpy.ndarray((height, width, 3), dtype=numpy.uint8, buffer=rgb)
        return pixels

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Any:
        if copy is False:
            raise ValueError("hlsnap: the pixels are rendered, so they cannot be had without a copy")
        array = self.array()
        return array if dtype is None else array.astype(dtype, copy=False)

    def image(self) -> PIL.Image.Image:
        """The file, opened by Pillow."""
        try:
            import PIL.Image
        except ImportError as error:
            raise ImportError("hlsnap: image() needs Pillow: pip install 'hlsnap[image]'") from error
        image = PIL.Image.open(io.BytesIO(self._bytes))
        image.load()
        return image

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes the file, whole or not at all."""
        target = os.fspath(path)
        other = _FORMATS.get(os.path.splitext(target)[1].lower(), self.format)
        if other != self.format:
            message = f"{target!r} is the name of a {other}, but the picture is a {self.format}"
            raise UsageError(message, hint=f"take it with format={other!r}")
        folder, name = os.path.split(target)
        # A whole name could be too long with an addition
        temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(8)}")
        try:
            with open(temporary, "xb") as file:
                file.write(self._bytes)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            if isinstance(error, OSError):
                raise OutputError(f"{target} cannot be written: {error.strerror}", hint="check the folder") from error
            raise

    def __repr__(self) -> str:
        return f"<hlsnap.Picture {self.format} {self.width}x{self.height}, {len(self._bytes)} bytes>"

    def __reduce__(self) -> tuple[object, ...]:
        return (_without_frame, (self._bytes, self._json, self._media_type, self._place))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """How notebooks show it."""
        data = base64.b64encode(self._bytes).decode()
        bundle = {"text/plain": repr(self)}
        if self.format in ("jpeg", "png"):
            bundle[self._media_type] = data
        else:
            # Not every notebook knows the other types
            bundle["text/html"] = f'<img src="data:{self._media_type};base64,{data}" width="{self.width}" height="{self.height}">'
        return bundle

    def _repr_jpeg_(self) -> Optional[builtins.bytes]:
        return self._bytes if self.format == "jpeg" else None

    def _repr_png_(self) -> Optional[builtins.bytes]:
        return self._bytes if self.format == "png" else None


def _without_frame(data: bytes, report: str, media_type: str, place: Optional[tuple[int, float]]) -> Picture:
    """A picture from another process."""
    picture = Picture.__new__(Picture)
    picture._native, picture._bytes, picture._json = None, data, report
    picture._media_type, picture._place, picture._report = media_type, place, None
    return picture
