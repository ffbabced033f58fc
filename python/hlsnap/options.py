"""The options and the types of their values. ``None`` leaves an option as it is.

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


class ClientOptions(TypedDict, total=False):
    """Options of :class:`hlsnap.Client`. Those of requests are defaults for each."""

    #: A proxy, http:// or socks5:// [default: from the usual environment variables]
    proxy: Optional[Union[str, float]]

    #: A PEM file with additional root certificates
    cacert: Optional[Union[str, os.PathLike[str]]]

    #: Do not verify certificates
    insecure: Optional[bool]

    #: Allow private, loopback and link-local addresses [default: true]
    allow_private: Optional[bool]

    #: Follow redirects from https: to http:
    allow_downgrade: Optional[bool]

    #: A host that may be contacted, such as *.example.com, for playlists, segments and redirects alike (repeatable)
    allow_host: Optional[Union[str, Sequence[str]]]

    #: A header for the playlist's own origin, 'Name: value' (repeatable)
    header: Optional[Union[str, Sequence[str], Mapping[str, str]]]

    #: Send --header, --cookie and --referer to other origins too
    header_everywhere: Optional[bool]

    #: The User-Agent, instead of hlsnap's own
    user_agent: Optional[Union[str, float]]

    #: The Referer
    referer: Optional[Union[str, float]]

    #: Cookies: 'name=value; name=value'
    cookie: Optional[Union[str, float]]

    #: A key in hexadecimal digits, instead of fetching one; KID=KEY for Common Encryption (repeatable)
    decryption_key: Optional[Union[str, Sequence[str]]]

    #: The time limit of the whole job, in seconds or as 1m30s [default: 20]
    timeout: Optional[Duration]

    #: The maximum download for one picture [default: 64M]
    max_bytes: Optional[Union[str, float]]

    #: The maximum size of one playlist, after decompression [default: 16M]
    max_playlist_bytes: Optional[Union[str, float]]

    #: Retries of transient failures, within the deadline [default: 2]
    retries: Optional[int]


class SnapshotOptions(TypedDict, total=False):
    """Options of :func:`hlsnap.snapshot`."""

    #: The moment: live, start, 90, 1:30, 1m30s, -10s, 50%, or a date and time
    at: Optional[Moment]

    #: Take the key frame at or before WHEN: the fewest bytes [default for live and start]
    key_frame: Optional[bool]

    #: Take the frame that is shown at WHEN [default if WHEN is a time]
    exact: Optional[bool]

    #: How to fit the picture if both sides are given: contain, cover, fill, pad [default: contain]
    fit: Optional[Union[str, float]]

    #: Allow a picture that is larger than the stream's
    enlarge: Optional[bool]

    #: How to convert HDR: auto, clip, none [default: auto]
    tone_map: Optional[Union[str, float]]

    #: jpeg, png, webp, or avif for AV1 streams at full size [default: by the output's extension, else jpeg]
    format: Optional[Union[str, float]]

    #: Quality of a JPEG or a WebP, 1 to 100 [default: 85]
    quality: Optional[int]

    #: Crop to a part of the picture: X,Y,W,H in fractions of its width and height
    crop: Optional[Union[str, float]]

    #: Make a lossless WebP; a PNG is always lossless
    lossless: Optional[bool]

    #: Chroma subsampling of a JPEG: 420, or 444 for sharp colors [default: 420]
    subsampling: Optional[Union[str, float]]

    #: Make a progressive JPEG
    progressive: Optional[bool]

    #: The maximum size of the file, such as 200k: the quality is lowered until it fits
    max_size: Optional[Union[str, float]]

    #: Write no time, software and color tags into the file
    strip: Optional[bool]

    #: Put the stream's URL (redacted) into the picture's Exif
    describe: Optional[bool]

    #: Skip key frames that are black or a single color, for up to this many seconds of video [default: 30]
    skip_black: Optional[Union[bool, str, float, datetime.timedelta]]

    #: Take the sharpest and best exposed of up to N key frames, at the cost of their bytes [default: 5]
    best: Optional[Union[bool, str, float, datetime.timedelta]]

    #: Count color bars as flat
    detect_bars: Optional[bool]

    #: An earlier picture or its hash: the report says whether they are the same, as `frozen`
    compare: Optional[Union[str, bytes, os.PathLike[str], Picture]]

    #: Exit with 40, after writing the picture, if it is one of these: black,flat,frozen
    fail_on: Optional[Union[str, float]]

    #: auto, best, worst, 720p, <=720p, >=720p, <=2M, #2 or a NAME [default: auto]
    variant: Optional[Union[str, float]]

    #: Width of the picture; alone, the height follows [default: the display size]
    width: Optional[int]

    #: Height of the picture; alone, the width follows
    height: Optional[int]

    #: A header for the playlist's own origin, 'Name: value' (repeatable)
    header: Optional[Union[str, Sequence[str], Mapping[str, str]]]

    #: Send --header, --cookie and --referer to other origins too
    header_everywhere: Optional[bool]

    #: The User-Agent, instead of hlsnap's own
    user_agent: Optional[Union[str, float]]

    #: The Referer
    referer: Optional[Union[str, float]]

    #: Cookies: 'name=value; name=value'
    cookie: Optional[Union[str, float]]

    #: A key in hexadecimal digits, instead of fetching one; KID=KEY for Common Encryption (repeatable)
    decryption_key: Optional[Union[str, Sequence[str]]]

    #: The time limit of the whole job, in seconds or as 1m30s [default: 20]
    timeout: Optional[Duration]

    #: The maximum download for one picture [default: 64M]
    max_bytes: Optional[Union[str, float]]

    #: The maximum size of one playlist, after decompression [default: 16M]
    max_playlist_bytes: Optional[Union[str, float]]

    #: Retries of transient failures, within the deadline [default: 2]
    retries: Optional[int]


class PicturesOptions(TypedDict, total=False):
    """Options of :func:`hlsnap.pictures`."""

    #: The interval between pictures, such as 10s or 1m [default: 10s]
    every: Optional[Duration]

    #: The number of pictures, spread evenly; with --every, the most pictures of a series
    count: Optional[int]

    #: The first moment, in any form of --at [default: the start]
    from_: Optional[Moment]

    #: The end, in any form of --at [default: the end, or the live edge]
    to: Optional[Moment]

    #: The length of the range, such as 30s or 1h
    for_: Optional[Duration]

    #: Leave out what looks like the picture before
    only_changed: Optional[bool]

    #: Requests to one origin at a time [default: 6]
    parallel: Optional[int]

    #: Fail if one picture cannot be had
    strict: Optional[bool]

    #: Take the key frame at or before WHEN: the fewest bytes [default for live and start]
    key_frame: Optional[bool]

    #: Take the frame that is shown at WHEN [default if WHEN is a time]
    exact: Optional[bool]

    #: How to fit the picture if both sides are given: contain, cover, fill, pad [default: contain]
    fit: Optional[Union[str, float]]

    #: Allow a picture that is larger than the stream's
    enlarge: Optional[bool]

    #: How to convert HDR: auto, clip, none [default: auto]
    tone_map: Optional[Union[str, float]]

    #: jpeg, png, webp, or avif for AV1 streams at full size [default: by the output's extension, else jpeg]
    format: Optional[Union[str, float]]

    #: Quality of a JPEG or a WebP, 1 to 100 [default: 85]
    quality: Optional[int]

    #: Crop to a part of the picture: X,Y,W,H in fractions of its width and height
    crop: Optional[Union[str, float]]

    #: Make a lossless WebP; a PNG is always lossless
    lossless: Optional[bool]

    #: Chroma subsampling of a JPEG: 420, or 444 for sharp colors [default: 420]
    subsampling: Optional[Union[str, float]]

    #: Make a progressive JPEG
    progressive: Optional[bool]

    #: The maximum size of the file, such as 200k: the quality is lowered until it fits
    max_size: Optional[Union[str, float]]

    #: Write no time, software and color tags into the file
    strip: Optional[bool]

    #: Put the stream's URL (redacted) into the picture's Exif
    describe: Optional[bool]

    #: Skip key frames that are black or a single color, for up to this many seconds of video [default: 30]
    skip_black: Optional[Union[bool, str, float, datetime.timedelta]]

    #: Take the sharpest and best exposed of up to N key frames, at the cost of their bytes [default: 5]
    best: Optional[Union[bool, str, float, datetime.timedelta]]

    #: Count color bars as flat
    detect_bars: Optional[bool]

    #: An earlier picture or its hash: the report says whether they are the same, as `frozen`
    compare: Optional[Union[str, bytes, os.PathLike[str], Picture]]

    #: Exit with 40, after writing the picture, if it is one of these: black,flat,frozen
    fail_on: Optional[Union[str, float]]

    #: auto, best, worst, 720p, <=720p, >=720p, <=2M, #2 or a NAME [default: auto]
    variant: Optional[Union[str, float]]

    #: Width of the picture; alone, the height follows [default: the display size]
    width: Optional[int]

    #: Height of the picture; alone, the width follows
    height: Optional[int]

    #: A header for the playlist's own origin, 'Name: value' (repeatable)
    header: Optional[Union[str, Sequence[str], Mapping[str, str]]]

    #: Send --header, --cookie and --referer to other origins too
    header_everywhere: Optional[bool]

    #: The User-Agent, instead of hlsnap's own
    user_agent: Optional[Union[str, float]]

    #: The Referer
    referer: Optional[Union[str, float]]

    #: Cookies: 'name=value; name=value'
    cookie: Optional[Union[str, float]]

    #: A key in hexadecimal digits, instead of fetching one; KID=KEY for Common Encryption (repeatable)
    decryption_key: Optional[Union[str, Sequence[str]]]

    #: The time limit of the whole job, in seconds or as 1m30s [default: 20]
    timeout: Optional[Duration]

    #: The maximum download for one picture [default: 64M]
    max_bytes: Optional[Union[str, float]]

    #: The maximum size of one playlist, after decompression [default: 16M]
    max_playlist_bytes: Optional[Union[str, float]]

    #: Retries of transient failures, within the deadline [default: 2]
    retries: Optional[int]


class InspectOptions(TypedDict, total=False):
    """Options of :func:`hlsnap.inspect`."""

    #: auto, best, worst, 720p, <=720p, >=720p, <=2M, #2 or a NAME [default: auto]
    variant: Optional[Union[str, float]]

    #: Width of the picture; alone, the height follows [default: the display size]
    width: Optional[int]

    #: Height of the picture; alone, the width follows
    height: Optional[int]

    #: A header for the playlist's own origin, 'Name: value' (repeatable)
    header: Optional[Union[str, Sequence[str], Mapping[str, str]]]

    #: Send --header, --cookie and --referer to other origins too
    header_everywhere: Optional[bool]

    #: The User-Agent, instead of hlsnap's own
    user_agent: Optional[Union[str, float]]

    #: The Referer
    referer: Optional[Union[str, float]]

    #: Cookies: 'name=value; name=value'
    cookie: Optional[Union[str, float]]

    #: A key in hexadecimal digits, instead of fetching one; KID=KEY for Common Encryption (repeatable)
    decryption_key: Optional[Union[str, Sequence[str]]]

    #: The time limit of the whole job, in seconds or as 1m30s [default: 20]
    timeout: Optional[Duration]

    #: The maximum download for one picture [default: 64M]
    max_bytes: Optional[Union[str, float]]

    #: The maximum size of one playlist, after decompression [default: 16M]
    max_playlist_bytes: Optional[Union[str, float]]

    #: Retries of transient failures, within the deadline [default: 2]
    retries: Optional[int]
