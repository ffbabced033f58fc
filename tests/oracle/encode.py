"""Encodes numbered frames with Debian's ffmpeg, and finds the frame of each access unit and the random access points.

The time stamps of the encoder give the frame of each packet, so the answers do not depend on a decoder. Before a film is cached, it is
decoded once to verify that each number is readable and that the order matches the time stamps.
"""
from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pickle
import re
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

import bitstream
import picture

CACHE_VERSION = 4  # increment it with every change to films, to encode them again
COLOUR = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv".split()


@dataclass(frozen=True)
class Coding:
    """All parameters of a film."""
    codec: str  # h264, hevc, mpeg2, vp9, av1
    frames: int = 300
    first: int = 0  # the number of the first frame
    rate: str = "25"  # what the bitstream declares
    gop: int = 25
    b_frames: int = 0
    pyramid: bool = False
    open_gop: bool = False
    refresh: bool = False  # intra refresh instead of key frames
    slices: int = 1
    interlaced: bool = False
    width: int = 256
    height: int = 144

    def name(self) -> str:
        return hashlib.sha256(json.dumps([CACHE_VERSION, asdict(self)], sort_keys=True).encode()).hexdigest()[:20]


@dataclass
class Unit:
    """An access unit. `access` marks a random access point; `recovery` is the number of frames until the first complete one."""
    number: int
    data: bytes
    access: bool = False
    idr: bool = False  # no later unit refers to anything before this one
    recovery: int = 0
    type: str = ""  # i, p or b, if known


@dataclass
class Film:
    """The access units of one encoding, in decode order."""
    coding: Coding
    units: list[Unit]
    # Parameter sets (H.264, HEVC), or the sequence header OBU of AV1, for the init segment
    sets: list[bytes] = field(default_factory=list)
    then: Film | None = None  # the film that follows this one


class EncodingFailed(Exception):
    """ffmpeg failed, or its output differs from the order."""


def film(coding: Coding, cache: Path) -> Film:
    """The film from the cache, or a new encoding."""
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{coding.codec}-{coding.name()}.film"
    with open(cache / f"{coding.codec}-{coding.name()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return pickle.loads(path.read_bytes())
        made = _parse(coding, *_encode(coding))
        _verify(made)
        with tempfile.NamedTemporaryFile(dir=cache, delete=False) as file:
            file.write(pickle.dumps(made))
        os.replace(file.name, path)
        return made


def _options(coding: Coding) -> list[str]:
    gop = ["-g", str(coding.gop), "-keyint_min", str(coding.gop)]
    if coding.codec == "h264":
        parameters = ["threads=1", "scenecut=0", f"slices={coding.slices}", f"b-pyramid={'normal' if coding.pyramid else 'none'}",
                      f"open-gop={int(coding.open_gop)}", f"intra-refresh={int(coding.refresh)}", "b-adapt=0"]
        parameters += ["tff=1"] if coding.interlaced else []
        return ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", *gop, "-bf", str(coding.b_frames), "-x264-params", ":".join(parameters)]
    if coding.codec == "hevc":
        parameters = ["log-level=none", "pools=1", "frame-threads=1", "scenecut=0", f"keyint={coding.gop}", f"min-keyint={coding.gop}",
                      f"bframes={coding.b_frames}", f"b-pyramid={int(coding.pyramid)}", f"open-gop={int(coding.open_gop)}", "b-adapt=0",
                      f"slices={coding.slices}", "repeat-headers=1", "rc-lookahead=10", "ctu=32"]
        return ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "20", "-x265-params", ":".join(parameters)]
    if coding.codec == "mpeg2":
        flags = ([] if coding.open_gop else ["+cgop"]) + (["+ildct+ilme"] if coding.interlaced else [])
        # A closed group may not end with B frames that need the next one, which the encoder only keeps with strict thresholds
        return ["-c:v", "mpeg2video", "-threads", "1", "-q:v", "3", "-g", str(coding.gop), "-bf", str(coding.b_frames), "-sc_threshold",
                "1000000000", *(["-flags", "".join(flags)] if flags else [])]
    if coding.codec == "vp9":
        return ["-c:v", "libvpx-vp9", "-deadline", "good" if coding.pyramid else "realtime", "-cpu-used", "8", "-threads", "1", "-crf", "20", "-b:v", "0", *gop,
                "-lag-in-frames", "12" if coding.pyramid else "0", "-auto-alt-ref", str(int(coding.pyramid))]
    return ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-threads", "1", "-crf", "24", "-b:v", "0", *gop, "-lag-in-frames", "0"]


def _encode(coding: Coding) -> tuple[bytes, str]:
    """The elementary stream, and ffmpeg's list of its packets."""
    raw = {"h264": "h264", "hevc": "hevc", "mpeg2": "mpeg2video", "vp9": "ivf", "av1": "ivf"}[coding.codec]
    frames = b"".join(picture.yuv420(picture.draw(coding.first + n, coding.width, coding.height)) for n in range(coding.frames))
    with tempfile.TemporaryDirectory() as folder:
        command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", f"{coding.width}x{coding.height}",
                   "-framerate", coding.rate, "-i", "pipe:0", *_options(coding), *COLOUR, "-flags:v:0", "+bitexact", "-map", "0:v", "-f", "tee",
                   f"[f={raw}]{folder}/stream|[f=framecrc]{folder}/list"]
        # A second `-flags` would override the first one, so remove it if the codec needs its own
        if "-flags" in command:
            at = command.index("-flags:v:0")
            del command[at:at + 2]
        done = subprocess.run(command, input=frames, capture_output=True, check=False)
        if done.returncode:
            raise EncodingFailed(f"{coding}: {done.stderr.decode(errors='replace')[-400:]}")
        return Path(folder, "stream").read_bytes(), Path(folder, "list").read_text()


def _parse(coding: Coding, stream: bytes, packets: str) -> Film:
    rows = [re.split(r",\s*", line.strip()) for line in packets.splitlines() if line and not line.startswith("#")]
    times = [int(row[2]) for row in rows]
    if len(times) != coding.frames:
        raise EncodingFailed(f"{coding}: {len(times)} packets")
    step, start = _step(times), min(times)
    numbers = [coding.first + (time - start) // step for time in times]
    if sorted(numbers) != list(range(coding.first, coding.first + coding.frames)):
        raise EncodingFailed(f"{coding}: times are not one step apart")
    if coding.codec in ("vp9", "av1"):
        chunks = [data for _, data in bitstream.ivf_frames(stream)]
    else:
        sizes, at, chunks = [int(row[4]) for row in rows], 0, []
        for size in sizes:
            chunks.append(stream[at:at + size])
            at += size
        if at != len(stream):
            raise EncodingFailed(f"{coding}: packets have {at} bytes, the stream {len(stream)}")
    return {"h264": _h264, "hevc": _hevc, "mpeg2": _mpeg2, "vp9": _vp9, "av1": _av1}[coding.codec](coding, numbers, chunks)


def _step(times: list[int]) -> int:
    ordered = sorted(times)
    return min(b - a for a, b in zip(ordered, ordered[1:]))


def _h264(coding: Coding, numbers: list[int], chunks: list[bytes]) -> Film:
    film = Film(coding, [])
    for number, chunk in zip(numbers, chunks):
        nals = bitstream.nal_units(chunk)
        film.sets = film.sets or [nal for nal in nals if bitstream.is_parameter_set("h264", nal)]
        types = {bitstream.nal_type("h264", nal) for nal in nals}
        recovery = bitstream.recovery_frames(nals)
        idr = bitstream.H264_IDR in types
        film.units.append(Unit(number, bitstream.annex_b(nals), idr or recovery is not None, idr, 0 if idr else recovery or 0))
    return film


def _hevc(coding: Coding, numbers: list[int], chunks: list[bytes]) -> Film:
    film = Film(coding, [])
    for number, chunk in zip(numbers, chunks):
        nals = bitstream.nal_units(chunk)
        film.sets = film.sets or [nal for nal in nals if bitstream.is_parameter_set("hevc", nal)]
        types = {bitstream.nal_type("hevc", nal) for nal in nals}
        access = any(kind in bitstream.HEVC_IRAP for kind in types)
        film.units.append(Unit(number, bitstream.annex_b(nals), access, access and bitstream.HEVC_CRA not in types))
    return film


def _mpeg2(coding: Coding, numbers: list[int], chunks: list[bytes]) -> Film:
    film = Film(coding, [])
    for number, chunk in zip(numbers, chunks):
        info = bitstream.mpeg2_picture(chunk)
        film.units.append(Unit(number, chunk, info.type == 1, info.type == 1 and info.closed, type="ipb"[info.type - 1]))
    return film


def _vp9(coding: Coding, numbers: list[int], chunks: list[bytes]) -> Film:
    keys = [bitstream.vp9_is_key(chunk) for chunk in chunks]
    return Film(coding, [Unit(number, chunk, key, key) for number, chunk, key in zip(numbers, chunks, keys)])


def _av1(coding: Coding, numbers: list[int], chunks: list[bytes]) -> Film:
    film = Film(coding, [])
    for number, chunk in zip(numbers, chunks):
        parts = bitstream.obus(chunk)
        header = [data for kind, data in parts if kind == 1]
        film.sets = film.sets or header
        film.units.append(Unit(number, b"".join(data for kind, data in parts if kind != 2), bool(header), bool(header)))
    return film


def joined(first: Film, second: Film, share: float) -> tuple[Film, int]:
    """The first film up to the IDR picture nearest to a share of it, followed by the second one; and the position of the change."""
    able = [place for place, unit in enumerate(first.units) if unit.idr and place] or [len(first.units)]
    place = min(able, key=lambda at: abs(at - share * len(first.units)))
    return Film(first.coding, first.units[:place] + second.units, first.sets, second), place


def elementary(film: Film) -> bytes:
    """The film as a file that ffmpeg reads without a container of its own."""
    if film.coding.codec not in ("vp9", "av1"):
        return b"".join(unit.data for unit in film.units)
    header = b"DKIF" + (0).to_bytes(2, "little") + (32).to_bytes(2, "little") + {"vp9": b"VP90", "av1": b"AV01"}[film.coding.codec]
    header += film.coding.width.to_bytes(2, "little") + film.coding.height.to_bytes(2, "little")
    header += (25).to_bytes(4, "little") + (1).to_bytes(4, "little") + len(film.units).to_bytes(4, "little") + bytes(4)
    delimiter = b"\x12\x00" if film.coding.codec == "av1" else b""
    frames = ((unit.number, delimiter + unit.data) for unit in film.units)
    return header + b"".join(len(data).to_bytes(4, "little") + number.to_bytes(8, "little") + data for number, data in frames)


def decode_all(data: bytes, coding: Coding, form: str, path: str = "pipe:0") -> list[tuple[int | None, str]]:
    """The result of `picture.read` for every frame that ffmpeg decodes. It only validates the generated streams."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", form, "-i", path, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    size = coding.width * coding.height * 3
    frames = [done.stdout[at:at + size] for at in range(0, len(done.stdout) - size + 1, size)]
    return [picture.read(np.frombuffer(frame, dtype=np.uint8).reshape(coding.height, coding.width, 3)) for frame in frames]


def _verify(made: Film) -> None:
    form = {"h264": "h264", "hevc": "hevc", "mpeg2": "mpegvideo", "vp9": "ivf", "av1": "ivf"}[made.coding.codec]
    read = decode_all(elementary(made), made.coding, form)
    wanted = list(range(made.coding.first, made.coding.first + made.coding.frames))
    if [number for number, _ in read] != wanted:
        at = next((i for i, (number, _) in enumerate(read) if i >= len(wanted) or number != wanted[i]), len(read))
        raise EncodingFailed(f"{made.coding}: frame {at} of {len(read)} reads {read[at] if at < len(read) else 'nothing'}")


def without_recovery_points(film: Film) -> Film:
    """H.264 without SEI, as some encoders write it: I pictures that are not IDR are then nothing but I pictures."""
    return Film(film.coding, [replace(unit, data=bitstream.annex_b([nal for nal in bitstream.nal_units(unit.data) if bitstream.nal_type("h264", nal) != bitstream.H264_SEI]))
                              for unit in film.units], film.sets)
