"""Makes the resources of one stream from its layout: segments, init segments, playlists, each with its path."""
from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import aac
import bitstream
import fmp4
import ts
from draw import Stream
from encode import Unit
from layout import HZ, Layout, Segment

EPOCH = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@dataclass
class Built:
    """The resources by path, the one to ask for, and the units (by place in decode order) that a lost packet may have damaged."""
    resources: dict[str, bytes]
    entry: str
    damaged: set[int] = field(default_factory=set)


def build(stream: Stream, layout: Layout, rng: random.Random) -> Built:
    """All resources. Only segments that the playlist lists are made."""
    damaged: set[int] = set()
    if stream.container == "ts":
        bodies, damaged = _transport(stream, layout, rng)
        head = b""
    else:
        head, bodies = _fragments(stream, layout)
    name = "ts" if stream.container == "ts" else "m4s"
    if stream.delivery == "file":
        entry = "film.ts" if stream.container == "ts" else "film.mp4"
        return Built({entry: head + b"".join(bodies)}, entry, damaged)
    if stream.delivery == "ranges":
        whole = "all.ts" if stream.container == "ts" else "all.mp4"
        return Built({whole: head + b"".join(bodies), "index.m3u8": _playlist(stream, layout, bodies, whole, len(head))}, "index.m3u8", damaged)
    resources = {f"{segment.msn}.{name}": body for segment, body in zip(layout.segments, bodies)}
    if head:
        resources["init.mp4"] = head
    resources["index.m3u8"] = _playlist(stream, layout, bodies, None, len(head))
    return Built(resources, "index.m3u8", damaged)


def spelled_date(moment: Fraction, digits: int) -> str:
    """The date and time of a moment of the playlist, which begins at EPOCH."""
    parts = round(moment * 10**digits)
    return f"{EPOCH + timedelta(seconds=parts // 10**digits):%Y-%m-%dT%H:%M:%S}.{parts % 10**digits:0{digits}}Z"


def _playlist(stream: Stream, layout: Layout, bodies: list[bytes], whole: str | None, head: int) -> bytes:
    longest = max(float(segment.listed) for segment in layout.segments)
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{7 if head else 4}", f"#EXT-X-TARGETDURATION:{math.ceil(longest)}",
             f"#EXT-X-MEDIA-SEQUENCE:{layout.segments[0].msn}"]
    if not stream.live:
        lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
    if head:
        lines.append(f'#EXT-X-MAP:URI="{whole}",BYTERANGE="{head}@0"' if whole else '#EXT-X-MAP:URI="init.mp4"')
    at, domain, begin = head, layout.segments[0].domain, Fraction(0)
    for segment, body in zip(layout.segments, bodies):
        if segment.domain != domain:
            lines.append("#EXT-X-DISCONTINUITY")
            domain = segment.domain
        if stream.dates == "each" or stream.dates == "first" and segment is layout.segments[0]:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{spelled_date(begin, 3)}")
        begin += Fraction(segment.listed)
        lines.append(f"#EXTINF:{segment.listed},")
        if whole:
            lines.append(f"#EXT-X-BYTERANGE:{len(body)}@{at}")
            at += len(body)
        lines.append(whole or f"{segment.msn}.{'m4s' if head else 'ts'}")
    if not stream.live:
        lines.append("#EXT-X-ENDLIST")
    return ("\n".join(lines) + "\n").encode()


# ---------------------------------------------------------------------------------------------------------------- bitstream


def decorated(stream: Stream, layout: Layout) -> dict[int, list[bytes]]:
    """The NAL units (or for MPEG-2 the sections) of each listed unit: parameter sets, delimiters and recovery points as the stream has them."""
    codec, result, domains = stream.coding.codec, {}, set()
    for segment in layout.segments:
        for place in segment.places:
            unit = layout.units[place]
            keep = stream.sets == "every" or unit.access and segment.domain not in domains
            if unit.access:
                domains.add(segment.domain)
            result[place] = _mpeg2_parts(unit, keep) if codec == "mpeg2" else _nal_parts(stream, unit, keep)
    return result


def _nal_parts(stream: Stream, unit: Unit, keep: bool) -> list[bytes]:
    codec = stream.coding.codec
    nals = [nal for nal in bitstream.nal_units(unit.data) if keep or not bitstream.is_parameter_set(codec, nal)]
    if codec == "h264" and not stream.recovery_points:
        nals = [nal for nal in nals if bitstream.nal_type(codec, nal) != bitstream.H264_SEI]
    if stream.delimiters:
        nals.insert(0, b"\x09\xF0" if codec == "h264" else b"\x46\x01\x50")
    return nals


def _mpeg2_parts(unit: Unit, keep: bool) -> list[bytes]:
    parts, out, in_sequence = bitstream.mpeg2_sections(unit.data), [], False
    for code, data in parts:
        if code == bitstream.MPEG2_SEQUENCE:
            in_sequence = True
        elif code in (bitstream.MPEG2_GROUP, bitstream.MPEG2_PICTURE):
            in_sequence = False
        if keep or not in_sequence:
            out.append(data)
    return out


def _bytes(codec: str, parts: list[bytes]) -> bytes:
    return b"".join(parts) if codec == "mpeg2" else bitstream.annex_b(parts)


# ---------------------------------------------------------------------------------------------------------- transport stream


def _transport(stream: Stream, layout: Layout, rng: random.Random) -> tuple[list[bytes], set[int]]:
    parts = decorated(stream, layout)
    muxer = ts.Muxer(stream.ts, stream.coding.codec, stream.audio, rng)
    lost, damaged = _loss(stream, layout, rng)
    bodies = []
    for segment in layout.segments:
        packets = _video(stream, layout, segment, parts) + _sound(stream, segment)
        bodies.append(muxer.segment(packets, lost if lost and lost[0] in segment.places else None))
    return bodies, damaged


def _loss(stream: Stream, layout: Layout, rng: random.Random) -> tuple[tuple[int, int] | None, set[int]]:
    """One lost packet, in a unit somewhere. Where the unit's first packet is lost, the rest may be taken for the end of the one before."""
    places = [place for segment in layout.segments for place in segment.places]
    if not stream.loss or len(places) < 2:
        return None, set()
    at = rng.randrange(1, len(places))
    return (places[at], rng.randrange(1 << 16)), {places[at - 1], places[at]}


def _video(stream: Stream, layout: Layout, segment: Segment, parts: dict[int, list[bytes]]) -> list[ts.Pes]:
    packets: list[ts.Pes] = []
    codec = stream.coding.codec
    for index in range(0, len(segment.places), stream.group):
        places = segment.places[index:index + stream.group]
        first = places[0]
        access = layout.units[first].access
        stamped = access if stream.pts_every == 0 else index // stream.group % stream.pts_every == 0
        pts, dts = layout.pts[first] + segment.shift, layout.dts[first] + segment.shift
        stamps = (pts, dts) if stamped else (None, None)
        if stream.packing == "slice":
            pieces = _slices(codec, parts[first])
            packets.append(ts.Pes(ts.VIDEO_PID, _bytes(codec, pieces[0]), *stamps, dts, access, (first,)))
            packets += [ts.Pes(ts.VIDEO_PID, bitstream.annex_b(piece), None, None, dts, False, (first,)) for piece in pieces[1:]]
        else:
            data = b"".join(_bytes(codec, parts[place]) for place in places)
            packets.append(ts.Pes(ts.VIDEO_PID, data, *stamps, dts, access, tuple(places)))
    return packets


def _slices(codec: str, nals: list[bytes]) -> list[list[bytes]]:
    """The access unit cut before each slice but the first."""
    pieces: list[list[bytes]] = [[]]
    seen = False
    for nal in nals:
        is_slice = bitstream.is_slice(codec, nal)
        if is_slice and seen:
            pieces.append([])
        seen = seen or is_slice
        pieces[-1].append(nal)
    return pieces


def _sound(stream: Stream, segment: Segment) -> list[ts.Pes]:
    frame, each = aac.adts_frame(), stream.ts.audio_frames
    packets = []
    for index in range(0, len(segment.sound), each):
        group = segment.sound[index:index + each]
        time = group[0] + segment.shift
        packets.append(ts.Pes(ts.AUDIO_PID, frame * len(group), time, time, time - HZ // 50))
    return packets


# ------------------------------------------------------------------------------------------------------------ movie fragments


def _fragments(stream: Stream, layout: Layout) -> tuple[bytes, list[bytes]]:
    shape, film = stream.mp4, layout.film
    parts = decorated(stream, layout) if stream.coding.codec in ("h264", "hevc") else {}
    delay = layout.pts[0] - layout.dts[0]
    # What the edit list adds to or takes from the video's media times, in ticks
    late = {"none": 0, "media_time": -delay, "empty": HZ if stream.audio else 0}[shape.edit]
    edit = {"none": None, "media_time": (0, _scaled(delay, shape)), "empty": (_scaled(late, shape), 0) if late else None}[shape.edit]
    head = fmp4.init(shape, stream.coding.codec, film.sets, stream.coding.width, stream.coding.height, stream.audio, edit)
    bodies = []
    for number, segment in enumerate(layout.segments):
        video, audio = fmp4.Track(), fmp4.Track()
        move = segment.shift - late
        for place in segment.places:
            unit = layout.units[place]
            dts = layout.dts[place] + (delay if shape.negative and shape.edit == "none" else 0)
            video.samples.append(fmp4.Sample(_sample(stream, unit, parts.get(place)), _scaled(dts + move, shape), _scaled(layout.pts[place] + move, shape),
                                             unit.access))
        if segment.places:
            last = segment.places[-1]
            ahead = layout.dts[last + 1] if last + 1 < len(layout.dts) else layout.dts[last] + layout.step
            video.end = _scaled(ahead + (delay if shape.negative and shape.edit == "none" else 0) + move, shape)
        for time in segment.sound:
            at = round((time + segment.shift) * aac.RATE / HZ)
            audio.samples.append(fmp4.Sample(aac.raw_frame(), at, at))
            audio.end = at + aac.SAMPLES
        each = any(sample.sync for sample in video.samples[1:]) or shape.fragments > 1
        used = fmp4.Mp4Shape(**{**shape.__dict__, "flags": "each" if each else shape.flags})
        bodies.append(fmp4.segment(used, number + 1, video, audio))
    return head, bodies


def _scaled(ticks: int, shape: fmp4.Mp4Shape) -> int:
    return (ticks * shape.timescale * 2 + HZ) // (2 * HZ)


def _sample(stream: Stream, unit: Unit, nals: list[bytes] | None) -> bytes:
    if nals is None:
        return unit.data
    codec = stream.coding.codec
    return bitstream.length_prefixed([nal for nal in nals if stream.mp4.in_band or not bitstream.is_parameter_set(codec, nal)])
