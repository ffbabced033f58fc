"""Muxes PES packets into transport streams, in the variants that ISO/IEC 13818-1 allows and some that it forbids."""
from __future__ import annotations

import random
from dataclasses import dataclass, field

WRAP = 1 << 33
PACKET, PAYLOAD = 188, 184
PMT_PID, VIDEO_PID, AUDIO_PID, PCR_PID, NULL_PID = 0x1000, 0x100, 0x101, 0x1FE, 0x1FFF
STREAM_TYPES = {"h264": 0x1B, "hevc": 0x24, "mpeg2": 0x02, "aac": 0x0F}
PCR_EVERY = 7200  # ticks of 90 kHz: 80 ms
PCR_DELAY = 36000  # a decoder gets a frame this long before it decodes it


@dataclass(frozen=True)
class TsShape:
    """The muxing parameters of a stream."""
    packet_size: int = 188  # 192 with four bytes before each packet, 204 with sixteen after it
    bounded: bool = False  # PES packets of video have lengths
    dts: str = "needed"  # needed: if it differs from the PTS; always
    pcr: str = "video"  # video, audio, own
    null_share: float = 0.0
    stuffing: float = 0.0  # share of packets with an empty adaptation field
    duplicates: float = 0.0
    zero_counters: bool = False
    fresh_counters: bool = False  # each segment counts from 0
    tables_every: int = 0  # packets between repeated tables; 0: once a segment
    junk: int = 0  # bytes before the first packet
    junk_each: bool = True  # of each segment
    tables_in_map: bool = False  # in EXT-X-MAP instead of the segments
    audio_frames: int = 6  # in a PES packet
    interleave: str = "time"  # time, video_first, audio_first


@dataclass
class Pes:
    """A PES packet. `units` are the positions in decode order of its access units; empty for audio."""
    pid: int
    data: bytes
    pts: int | None
    dts: int | None
    time: int  # when it is sent, in ticks
    access: bool = False
    units: tuple[int, ...] = ()


def crc32(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value


def _section(table: int, number: int, body: bytes) -> bytes:
    """A PSI section, with the pointer field before it."""
    head = bytes([table]) + (0xB000 | len(body) + 9).to_bytes(2, "big") + number.to_bytes(2, "big") + b"\xC1\0\0"
    return b"\0" + head + body + crc32(head + body).to_bytes(4, "big")


def _stamp(prefix: int, value: int) -> bytes:
    value %= WRAP
    return bytes([prefix << 4 | (value >> 30 & 7) << 1 | 1, value >> 22 & 255, (value >> 15 & 127) << 1 | 1, value >> 7 & 255, (value & 127) << 1 | 1])


def pes_bytes(pes: Pes, shape: TsShape) -> bytes:
    stamps = b""
    flags = 0
    if pes.pts is not None:
        with_dts = pes.dts is not None and (pes.dts != pes.pts or shape.dts == "always") and pes.pid == VIDEO_PID
        flags = 0xC0 if with_dts else 0x80
        stamps = _stamp(3 if with_dts else 2, pes.pts) + (_stamp(1, pes.dts) if with_dts else b"")
    length = 3 + len(stamps) + len(pes.data)
    if pes.pid == VIDEO_PID and (not shape.bounded or length > 0xFFFF):
        length = 0
    stream = 0xE0 if pes.pid == VIDEO_PID else 0xC0
    return b"\0\0\1" + bytes([stream]) + length.to_bytes(2, "big") + bytes([0x80, flags, len(stamps)]) + stamps + pes.data


@dataclass
class Muxer:
    """Writes the segments of a stream. Continuity counters continue from segment to segment."""
    shape: TsShape
    video: str | None
    audio: bool
    random: random.Random
    counters: dict[int, int] = field(default_factory=dict)
    written: int = 0

    def segment(self, packets: list[Pes], lost: tuple[int, int] | None = None) -> bytes:
        """One segment. `lost` is the position of a unit in decode order, and a number that selects the lost TS packet of its PES packet."""
        shape = self.shape
        if shape.fresh_counters:
            self.counters.clear()
        order = {"time": lambda p: p.time, "video_first": lambda p: (p.pid, p.time), "audio_first": lambda p: (-p.pid, p.time)}[shape.interleave]
        out: list[bytes] = []
        if not shape.tables_in_map:
            self._tables(out)
        clock, since_tables = None, 0
        for pes in sorted(packets, key=order):
            clock_pid = {"video": VIDEO_PID, "audio": AUDIO_PID if self.audio else VIDEO_PID, "own": PCR_PID}[shape.pcr]
            due = clock is None or abs(pes.time - clock) >= PCR_EVERY
            if due and clock_pid == PCR_PID:
                out.append(self._packet(PCR_PID, b"", False, self._adaptation(pes.time, False)))
                clock = pes.time
            wants_clock = due and clock_pid == pes.pid
            if wants_clock:
                clock = pes.time
            made = self._pes(pes, pes.time if wants_clock else None)
            if lost and lost[0] in pes.units:
                del made[lost[1] % len(made)]
            for packet in made:
                out.append(packet)
                since_tables += 1
                if shape.duplicates and self.random.random() < shape.duplicates:
                    out.append(packet)
                while shape.null_share and self.random.random() < shape.null_share:
                    out.append(b"\x47\x1F\xFF\x10" + b"\xFF" * PAYLOAD)
                if shape.tables_every and since_tables >= shape.tables_every:
                    self._tables(out)
                    since_tables = 0
        junk = bytes(self.random.choice((0, 1, 32, 255, 72)) for _ in range(shape.junk if not self.written or shape.junk_each else 0))
        self.written += 1
        return junk + b"".join(self._framed(packet, i) for i, packet in enumerate(out))

    def tables(self) -> bytes:
        """PAT and PMT alone."""
        out: list[bytes] = []
        self._tables(out)
        return b"".join(self._framed(packet, i) for i, packet in enumerate(out))

    def _framed(self, packet: bytes, place: int) -> bytes:
        if self.shape.packet_size == 192:
            return (place * 300 & 0x3FFFFFFF).to_bytes(4, "big") + packet
        return packet + bytes(range(16)) if self.shape.packet_size == 204 else packet

    def _tables(self, out: list[bytes]) -> None:
        program = b"\0\1" + (0xE000 | PMT_PID).to_bytes(2, "big")
        clock = {"video": VIDEO_PID, "audio": AUDIO_PID if self.audio else VIDEO_PID, "own": PCR_PID}[self.shape.pcr]
        streams = [(STREAM_TYPES[self.video], VIDEO_PID)] if self.video else []
        streams += [(STREAM_TYPES["aac"], AUDIO_PID)] if self.audio else []
        listed = b"".join(bytes([kind]) + (0xE000 | pid).to_bytes(2, "big") + b"\xF0\0" for kind, pid in streams)
        for pid, section in ((0, _section(0, 1, program)), (PMT_PID, _section(2, 1, (0xE000 | clock).to_bytes(2, "big") + b"\xF0\0" + listed))):
            out.append(self._packet(pid, section + b"\xFF" * (PAYLOAD - len(section)), True, None))

    def _adaptation(self, clock: int | None, access: bool) -> bytes:
        """The adaptation field after its length byte."""
        if clock is None and not access:
            return b""
        flags = (0x10 if clock is not None else 0) | (0x40 if access else 0)
        base = ((clock or 0) - PCR_DELAY) % WRAP
        return bytes([flags]) + ((base << 15 | 0x7E00).to_bytes(6, "big") if clock is not None else b"")

    def _pes(self, pes: Pes, clock: int | None) -> list[bytes]:
        data, at, packets = pes_bytes(pes, self.shape), 0, []
        while at < len(data):
            first = at == 0
            field = self._adaptation(clock, pes.access and pes.pid == VIDEO_PID) if first else b""
            room = PAYLOAD - (len(field) + 1 if field else 0)
            if not first and self.shape.stuffing and self.random.random() < self.shape.stuffing:
                field = b"\0" + b"\xFF" * self.random.randrange(0, 100)
                room = PAYLOAD - len(field) - 1
            chunk = data[at:at + room]
            at += len(chunk)
            packets.append(self._packet(pes.pid, chunk, first, field or None))
        return packets

    def _packet(self, pid: int, payload: bytes, start: bool, field: bytes | None) -> bytes:
        """One packet. The adaptation field fills the rest of the payload."""
        spare = PAYLOAD - len(payload)
        head = bytes([0x47, (0x40 if start else 0) | pid >> 8, pid & 255])
        counter = self.counters.get(pid, 0)
        if payload:
            self.counters[pid] = counter + 1 & 15
        else:
            counter = counter - 1 & 15
        if self.shape.zero_counters and pid in (VIDEO_PID, AUDIO_PID):
            counter = 0
        control = 0x10 if spare == 0 else 0x30 if payload else 0x20
        adaptation = b""
        if spare:
            body = field or b""
            if spare == 1:
                adaptation = b"\0"
            else:
                body = body or b"\0"
                adaptation = bytes([spare - 1]) + body + b"\xFF" * (spare - 1 - len(body))
        return head + bytes([control | counter]) + adaptation + payload
