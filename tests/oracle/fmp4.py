"""Muxes fragmented MP4: init segments and movie fragments, in the variants that ISO/IEC 14496-12 allows."""
from __future__ import annotations

from dataclasses import dataclass, field

import aac
import bitstream

VIDEO, AUDIO = 1, 2
SYNC, NON_SYNC = 0x02000000, 0x01010000
MATRIX = b"".join(value.to_bytes(4, "big") for value in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))


@dataclass(frozen=True)
class Mp4Shape:
    """The muxing parameters of a stream."""
    timescale: int = 90000
    fragments: int = 1  # in each segment
    wide: bool = True  # tfdt of 64 bits
    negative: bool = False  # composition offsets are signed, and the first one is zero
    edit: str = "none"  # none; media_time: cancels the composition offset; empty: the video is late by an empty edit
    in_band: bool = False  # avc3, hev1: parameter sets in the samples
    styp: bool = True
    sidx: bool = False
    one_moof: bool = True  # both tracks in one fragment
    progressive: bool = False  # a file with sample tables, not fragments
    moov_last: bool = False
    trim: float = 0.0  # share of the frames that the edit list of such a file leaves out at its beginning
    flags: str = "each"  # sample flags: each, or first: one for the first sample and a default for the others


@dataclass
class Sample:
    data: bytes
    dts: int  # in the track's timescale
    pts: int
    sync: bool = True


@dataclass
class Track:
    samples: list[Sample] = field(default_factory=list)
    end: int = 0  # decode time after the last sample


def box(kind: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return (len(body) + 8).to_bytes(4, "big") + kind.encode() + body


def full(kind: str, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, bytes([version]) + flags.to_bytes(3, "big"), *parts)


def u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    return (value & 0xFFFFFFFF).to_bytes(4, "big")


def u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def init(shape: Mp4Shape, codec: str, sets: list[bytes], width: int, height: int, audio: bool, edit: tuple[int, int] | None) -> bytes:
    """`edit` is the duration of an empty edit in movie time, and the media time at which the video begins."""
    tracks = [_trak(VIDEO, shape.timescale, video_entry(shape, codec, sets, width, height), width, height, edit)]
    extends = [full("trex", 0, 0, u32(VIDEO), u32(1), u32(0), u32(0), u32(NON_SYNC if shape.flags == "first" else 0))]
    if audio:
        tracks.append(_trak(AUDIO, aac.RATE, audio_entry(), 0, 0, None))
        extends.append(full("trex", 0, 0, u32(AUDIO), u32(1), u32(aac.SAMPLES), u32(0), u32(SYNC)))
    header = full("mvhd", 0, 0, u32(0), u32(0), u32(shape.timescale), u32(0), u32(0x10000), u16(0x100), bytes(10), MATRIX, bytes(24), u32(3))
    return box("ftyp", b"iso5", u32(512), b"iso5iso6mp41") + box("moov", header, *tracks, box("mvex", *extends))


def _trak(number: int, timescale: int, entry: bytes, width: int, height: int, edit: tuple[int, int] | None) -> bytes:
    video = number == VIDEO
    header = full("tkhd", 0, 3, u32(0), u32(0), u32(number), u32(0), u32(0), bytes(8), u16(0), u16(0), u16(0 if video else 0x100), u16(0), MATRIX,
                  u32(width << 16), u32(height << 16))
    handler = full("hdlr", 0, 0, u32(0), b"vide" if video else b"soun", bytes(12), b"\0")
    media = full("vmhd", 0, 1, bytes(8)) if video else full("smhd", 0, 0, bytes(4))
    data = box("dinf", full("dref", 0, 0, u32(1), full("url ", 0, 1)))
    tables = box("stbl", full("stsd", 0, 0, u32(1), entry), full("stts", 0, 0, u32(0)), full("stsc", 0, 0, u32(0)),
                 full("stsz", 0, 0, u32(0), u32(0)), full("stco", 0, 0, u32(0)))
    edits = b""
    if edit:
        wait, media_time = edit
        entries = ([u32(wait) + u32(0xFFFFFFFF) + u32(0x10000)] if wait else []) + [u32(0) + u32(media_time) + u32(0x10000)]
        edits = box("edts", full("elst", 0, 0, u32(len(entries)), *entries))
    mdhd = full("mdhd", 0, 0, u32(0), u32(0), u32(timescale), u32(0), u16(0x55C4), u16(0))
    return box("trak", header, edits, box("mdia", mdhd, handler, box("minf", media, data, tables)))


def video_entry(shape: Mp4Shape, codec: str, sets: list[bytes], width: int, height: int) -> bytes:
    name, configuration = {"h264": ("avc3" if shape.in_band else "avc1", _avcc), "hevc": ("hev1" if shape.in_band else "hvc1", _hvcc),
                           "vp9": ("vp09", _vpcc), "av1": ("av01", _av1c)}[codec]
    return box(name, bytes(6), u16(1), bytes(16), u16(width), u16(height), u32(0x480000), u32(0x480000), u32(0), u16(1), bytes(32), u16(24),
               u16(0xFFFF), configuration(sets))


def _avcc(sets: list[bytes]) -> bytes:
    sps = [unit for unit in sets if bitstream.nal_type("h264", unit) == bitstream.H264_SPS]
    pps = [unit for unit in sets if bitstream.nal_type("h264", unit) == bitstream.H264_PPS]
    body = bytes([1, *sps[0][1:4], 0xFF, 0xE0 | len(sps)]) + b"".join(u16(len(unit)) + unit for unit in sps)
    body += bytes([len(pps)]) + b"".join(u16(len(unit)) + unit for unit in pps)
    return box("avcC", body + (b"\xFD\xF8\xF8\0" if sps[0][1] in (100, 110, 122, 144) else b""))


def _hvcc(sets: list[bytes]) -> bytes:
    sps = next(unit for unit in sets if bitstream.nal_type("hevc", unit) == bitstream.HEVC_SPS)
    profile = bitstream.unescaped(sps)[3:15]
    body = bytes([1]) + profile + b"\xF0\0\xFC\xFD\xF8\xF8\0\0\x0F"
    kinds = [bitstream.HEVC_VPS, bitstream.HEVC_SPS, bitstream.HEVC_PPS]
    body += bytes([len(kinds)])
    for kind in kinds:
        units = [unit for unit in sets if bitstream.nal_type("hevc", unit) == kind]
        body += bytes([0x80 | kind]) + u16(len(units)) + b"".join(u16(len(unit)) + unit for unit in units)
    return box("hvcC", body)


def _vpcc(_: list[bytes]) -> bytes:
    return full("vpcC", 1, 0, bytes([0, 11, 0x82, 1, 1, 1, 0, 0]))


def _av1c(sets: list[bytes]) -> bytes:
    return box("av1C", b"\x81\x00\x0C\x00" + sets[0])


def audio_entry() -> bytes:
    config = bytes([0x05, len(aac.CONFIG)]) + aac.CONFIG
    decoder = bytes([0x04, 13 + len(config), 0x40, 0x15, 0, 0, 0]) + u32(32000) + u32(32000) + config
    es = bytes([0x03, 3 + len(decoder) + 3]) + u16(AUDIO) + b"\0" + decoder + b"\x06\x01\x02"
    return box("mp4a", bytes(6), u16(1), bytes(8), u16(1), u16(16), u32(0), u32(aac.RATE << 16), full("esds", 0, 0, es))


def segment(shape: Mp4Shape, number: int, video: Track, audio: Track) -> bytes:
    """One segment: its samples in as many fragments as the shape has."""
    fragments = b""
    count = max(1, min(shape.fragments, len(video.samples) or len(audio.samples)))
    for i in range(count):
        pieces = [(track_id, *_piece(track, i, count)) for track_id, track in ((VIDEO, video), (AUDIO, audio)) if track.samples]
        pieces = [piece for piece in pieces if piece[1]]
        groups = [pieces] if shape.one_moof else [[piece] for piece in pieces]
        for group in groups:
            if group:
                fragments += _fragment(shape, number * 100 + i, group)
    head = box("styp", b"msdh", u32(0), b"msdhmsix") if shape.styp else b""
    if shape.sidx and video.samples:
        duration = video.end - video.samples[0].dts
        head += full("sidx", 1, 0, u32(VIDEO), u32(shape.timescale), u64(max(0, min(sample.pts for sample in video.samples))), u64(0), u16(0), u16(1),
                     u32(len(fragments)), u32(duration), u32(0x90000000))
    return head + fragments


def _piece(track: Track, index: int, count: int) -> tuple[list[Sample], int]:
    """The samples of one fragment, and the decode time after them."""
    size = len(track.samples)
    first, after = index * size // count, (index + 1) * size // count
    return track.samples[first:after], track.samples[after].dts if after < size else track.end


def _fragment(shape: Mp4Shape, number: int, pieces: list[tuple[int, list[Sample], int]]) -> bytes:
    def moof(offsets: list[int]) -> bytes:
        return box("moof", full("mfhd", 0, 0, u32(number)), *(_traf(shape, *piece, offset) for piece, offset in zip(pieces, offsets)))

    bodies = [b"".join(sample.data for sample in samples) for _, samples, _ in pieces]
    at, offsets = len(moof([0] * len(pieces))) + 8, []
    for body in bodies:
        offsets.append(at)
        at += len(body)
    return moof(offsets) + box("mdat", *bodies)


def _traf(shape: Mp4Shape, track: int, samples: list[Sample], end: int, offset: int) -> bytes:
    start = samples[0].dts
    wide = shape.wide or start > 0xFFFFFFFF
    time = full("tfdt", int(wide), 0, u64(start) if wide else u32(start))
    flags, rows = 0x000301, []
    video = track == VIDEO
    first_flags = video and shape.flags == "first"
    each_flags = video and not first_flags
    flags |= (0x4 if first_flags else 0) | (0x400 if each_flags else 0)
    composed = any(sample.pts != sample.dts for sample in samples)
    flags |= 0x800 if composed else 0
    version = int(any(sample.pts < sample.dts for sample in samples))
    for sample, after in zip(samples, [sample.dts for sample in samples[1:]] + [end]):
        sample_flags = u32(SYNC if sample.sync else NON_SYNC) if each_flags else b""
        rows.append(u32(after - sample.dts) + u32(len(sample.data)) + sample_flags + (u32(sample.pts - sample.dts) if composed else b""))
    head = u32(len(samples)) + u32(offset) + (u32(SYNC if samples[0].sync else NON_SYNC) if first_flags else b"")
    return box("traf", full("tfhd", 0, 0x020000, u32(track)), time, full("trun", version, flags, head, *rows))
