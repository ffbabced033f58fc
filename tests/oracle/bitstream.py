"""Reads the structure of coded pictures: NAL units, picture types, recovery points; OBUs and frame headers of AV1 and VP9."""
from __future__ import annotations

import re
from dataclasses import dataclass

START_CODE = re.compile(rb"\x00\x00\x01")

H264_SLICE, H264_IDR, H264_SEI, H264_SPS, H264_PPS, H264_AUD = 1, 5, 6, 7, 8, 9
HEVC_VPS, HEVC_SPS, HEVC_PPS, HEVC_AUD, HEVC_SEI = 32, 33, 34, 35, 39
HEVC_CRA = 21
HEVC_IRAP = range(16, 24)
SEI_RECOVERY_POINT = 6
MPEG2_PICTURE, MPEG2_SEQUENCE, MPEG2_GROUP = 0x00, 0xB3, 0xB8


def nal_units(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, without start codes and trailing zero bytes."""
    starts = [match.start() for match in START_CODE.finditer(data)]
    units = []
    for i, start in enumerate(starts):
        end = starts[i + 1] if i + 1 < len(starts) else len(data)
        units.append(data[start + 3:end].rstrip(b"\0"))
    return [unit for unit in units if unit]


def annex_b(units: list[bytes]) -> bytes:
    """NAL units with start codes. The first start code has four bytes, as at the start of an access unit."""
    return b"".join((b"\0\0\0\1" if i == 0 else b"\0\0\1") + unit for i, unit in enumerate(units))


def length_prefixed(units: list[bytes]) -> bytes:
    """NAL units as MP4 stores them, with lengths of four bytes."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def nal_type(codec: str, unit: bytes) -> int:
    return unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def is_parameter_set(codec: str, unit: bytes) -> bool:
    kind = nal_type(codec, unit)
    return kind in ((H264_SPS, H264_PPS) if codec == "h264" else (HEVC_VPS, HEVC_SPS, HEVC_PPS))


def is_slice(codec: str, unit: bytes) -> bool:
    kind = nal_type(codec, unit)
    return kind in (H264_SLICE, H264_IDR) if codec == "h264" else kind < 32


def unescaped(unit: bytes) -> bytes:
    """A NAL unit without its emulation prevention bytes."""
    return unit.replace(b"\0\0\3", b"\0\0")


class Bits:
    """Reads bits, most significant first."""

    def __init__(self, data: bytes):
        self.data, self.position = data, 0

    def read(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self.data[self.position >> 3] >> (7 - (self.position & 7)) & 1
            self.position += 1
        return value

    def ue(self) -> int:
        zeros = 0
        while not self.read(1):
            zeros += 1
        return (1 << zeros) - 1 + self.read(zeros)


def sei_messages(unit: bytes, header: int) -> list[tuple[int, bytes]]:
    """Types and payloads of the messages in an SEI NAL unit."""
    data, messages, at = unescaped(unit), [], header
    while at + 2 < len(data):
        numbers = []
        for _ in range(2):
            number = 0
            while data[at] == 255:
                number, at = number + 255, at + 1
            numbers.append(number + data[at])
            at += 1
        messages.append((numbers[0], data[at:at + numbers[1]]))
        at += numbers[1]
    return messages


def recovery_frames(units: list[bytes]) -> int | None:
    """recovery_frame_cnt of the H.264 recovery point in an access unit, or None."""
    for unit in units:
        if nal_type("h264", unit) == H264_SEI:
            for kind, payload in sei_messages(unit, 1):
                if kind == SEI_RECOVERY_POINT:
                    return Bits(payload).ue()
    return None


@dataclass
class MpegPicture:
    """The headers of an MPEG-2 picture: its type (1 is I) and whether its group of pictures is closed."""
    type: int
    closed: bool


def mpeg2_picture(data: bytes) -> MpegPicture:
    closed, kind = False, 0
    for match in START_CODE.finditer(data):
        at = match.end()
        code = data[at]
        if code == MPEG2_GROUP:
            closed = bool(data[at + 4] >> 6 & 1)
        elif code == MPEG2_PICTURE:
            kind = data[at + 2] >> 3 & 7
            break
    return MpegPicture(kind, closed)


def mpeg2_sections(data: bytes) -> list[tuple[int, bytes]]:
    """Start codes with all bytes up to the next one."""
    starts = [match.start() for match in START_CODE.finditer(data)]
    ends = starts[1:] + [len(data)]
    return [(data[start + 3], data[start:end]) for start, end in zip(starts, ends)]


def ivf_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Time and bytes of each frame of an IVF file."""
    frames, at = [], int.from_bytes(data[6:8], "little")
    while at + 12 <= len(data):
        size = int.from_bytes(data[at:at + 4], "little")
        frames.append((int.from_bytes(data[at + 4:at + 12], "little"), data[at + 12:at + 12 + size]))
        at += 12 + size
    return frames


def obus(data: bytes) -> list[tuple[int, bytes]]:
    """Type and bytes (with header) of each OBU of an AV1 temporal unit. Each OBU must have its size."""
    found, at = [], 0
    while at < len(data):
        start, header = at, data[at]
        at += 2 if header & 4 else 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        at += size
        found.append((header >> 3 & 15, data[start:at]))
    return found


def vp9_is_key(frame: bytes) -> bool:
    """frame_type of the uncompressed header, for profile 0: show_existing_frame and frame_type are both 0."""
    return frame[0] >> 6 == 2 and not frame[0] & 0b1100
