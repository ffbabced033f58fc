"""Builds the resources of a stream from its layout: segments, init segments and playlists, by path."""
from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import aac
import bitstream
import fmp4
import mp4file
import ts
from draw import Stream
from encode import Film, Unit
from layout import HZ, Layout, Segment

EPOCH = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@dataclass
class Built:
    """The resources by path, the path of the source, and the units (by position in decode order) that a lost packet may have damaged."""
    resources: dict[str, bytes]
    entry: str
    damaged: set[int] = field(default_factory=set)


def build(stream: Stream, layout: Layout, rng: random.Random) -> Built:
    """All resources, with only the segments that the playlist lists."""
    damaged: set[int] = set()
    if stream.container == "ts":
        heads, needed, name = [], [], "ts"
        bodies, damaged, tables = _transport(stream, layout, rng)
        if tables:
            heads, needed = [tables], [0] * len(bodies)
    else:
        heads, needed, bodies = _fragments(stream, layout)
        name = "m4s"
    if stream.mp4.progressive:
        return Built({"film.mp4": _progressive(stream, layout)}, "film.mp4")
    if stream.delivery == "file":
        entry = "film.ts" if stream.container == "ts" else "film.mp4"
        return Built({entry: b"".join(heads + bodies)}, entry, damaged)
    whole = ("all.ts" if stream.container == "ts" else "all.mp4") if stream.delivery == "ranges" else None
    resources = {whole: b"".join(heads + bodies)} if whole else {f"{segment.msn}.{name}": body for segment, body in zip(layout.segments, bodies)}
    if not whole:
        resources.update({f"init{i}.mp4" if name == "m4s" else "tables.ts": head for i, head in enumerate(heads)})
    maps = _maps(heads, whole, name)
    resources["index.m3u8"] = _playlist(stream, layout, bodies, whole, [maps[i] for i in needed], sum(map(len, heads)), name)
    return Built(resources, "index.m3u8", damaged)


def _maps(heads: list[bytes], whole: str | None, name: str) -> list[str]:
    """An EXT-X-MAP for each init segment."""
    lines, at = [], 0
    for i, head in enumerate(heads):
        uri = f"init{i}.mp4" if name == "m4s" else "tables.ts"
        lines.append(f'#EXT-X-MAP:URI="{whole}",BYTERANGE="{len(head)}@{at}"' if whole else f'#EXT-X-MAP:URI="{uri}"')
        at += len(head)
    return lines


def _playlist(stream: Stream, layout: Layout, bodies: list[bytes], whole: str | None, maps: list[str], at: int, name: str) -> bytes:
    longest = max(float(segment.listed) for segment in layout.segments)
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{7 if maps else 4}", f"#EXT-X-TARGETDURATION:{math.ceil(longest)}",
             f"#EXT-X-MEDIA-SEQUENCE:{layout.segments[0].msn}"]
    if not stream.live:
        lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
    domain, begin, current = layout.segments[0].domain, Fraction(0), None
    for i, (segment, body) in enumerate(zip(layout.segments, bodies)):
        if segment.domain != domain:
            lines.append("#EXT-X-DISCONTINUITY")
            domain = segment.domain
        if maps and maps[i] != current:
            current = maps[i]
            lines.append(current)
        if stream.dates == "each" or stream.dates == "first" and i == 0:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{spelled_date(begin, 3)}")
        begin += Fraction(segment.listed)
        lines.append(f"#EXTINF:{segment.listed},")
        if whole:
            lines.append(f"#EXT-X-BYTERANGE:{len(body)}@{at}")
            at += len(body)
        lines.append(whole or f"{segment.msn}.{name}")
    if not stream.live:
        lines.append("#EXT-X-ENDLIST")
    return ("\n".join(lines) + "\n").encode()


def spelled_date(moment: Fraction, digits: int) -> str:
    """The date and time of a moment of the playlist, which begins at EPOCH."""
    parts = round(moment * 10**digits)
    return f"{EPOCH + timedelta(seconds=parts // 10**digits):%Y-%m-%dT%H:%M:%S}.{parts % 10**digits:0{digits}}Z"


# ---------------------------------------------------------------------------------------------------------------- bitstream


def decorated(stream: Stream, layout: Layout) -> dict[int, list[bytes]]:
    """The NAL units (or for MPEG-2 the sections) of each listed unit: with the parameter sets, delimiters and recovery points of the stream."""
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


def _transport(stream: Stream, layout: Layout, rng: random.Random) -> tuple[list[bytes], set[int], bytes]:
    """The segments, the units that a lost packet may have damaged, and the tables if they are in EXT-X-MAP only."""
    parts = decorated(stream, layout)
    muxer = ts.Muxer(stream.ts, stream.coding.codec, stream.audio, rng)
    lost, damaged = _loss(stream, layout, rng)
    bodies = []
    for segment in layout.segments:
        packets = _video(stream, layout, segment, parts) + _sound(stream, segment)
        bodies.append(muxer.segment(packets, lost if lost and lost[0] in segment.places else None))
    return bodies, damaged, muxer.tables() if stream.ts.tables_in_map else b""


def _loss(stream: Stream, layout: Layout, rng: random.Random) -> tuple[tuple[int, int] | None, set[int]]:
    """One lost packet in a random unit. If it is the first one of the unit, the rest may look like the end of the unit before."""
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
        elif stream.packing == "pieces":
            data = _bytes(codec, parts[first])
            packets.append(ts.Pes(ts.VIDEO_PID, data[:stream.piece], *stamps, dts, access, (first,)))
            packets += [ts.Pes(ts.VIDEO_PID, data[at:at + stream.piece], None, None, dts, False, (first,)) for at in range(stream.piece, len(data), stream.piece)]
        else:
            data = b"".join(_bytes(codec, parts[place]) for place in places)
            packets.append(ts.Pes(ts.VIDEO_PID, data, *stamps, dts, access, tuple(places)))
    return packets


def _slices(codec: str, nals: list[bytes]) -> list[list[bytes]]:
    """The access unit, split before each slice except the first."""
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


def _fragments(stream: Stream, layout: Layout) -> tuple[list[bytes], list[int], list[bytes]]:
    """The init segments, the index of the init for each segment, and the segments."""
    parts = decorated(stream, layout) if stream.coding.codec in ("h264", "hevc") else {}
    films = [layout.film, layout.film.then] if layout.film.then else [layout.film]
    heads = [_init(stream, layout, film, 0 if i == 0 else layout.splice) for i, film in enumerate(films)]
    needed = [films.index(layout.domain_film(segment)) for segment in layout.segments]
    return heads, needed, [_segment(stream, layout, segment, number + 1, parts) for number, segment in enumerate(layout.segments)]


def _late(stream: Stream, layout: Layout, place: int) -> int:
    """The offset of the edit list to the media times of the video, in ticks."""
    return {"none": 0, "media_time": -layout.delay(place), "empty": HZ if stream.audio else 0}[stream.mp4.edit]


def _init(stream: Stream, layout: Layout, film: Film, place: int) -> bytes:
    shape, late = stream.mp4, _late(stream, layout, place)
    edit = {"none": None, "media_time": (0, _scaled(-late, shape)), "empty": (_scaled(late, shape), 0) if late else None}[shape.edit]
    return fmp4.init(shape, film.coding.codec, film.sets, film.coding.width, film.coding.height, stream.audio, edit)


def _progressive(stream: Stream, layout: Layout) -> bytes:
    """All listed segments as one MP4 file. Its video begins with decode time 0; edit lists align video and audio."""
    shape, film, origin = stream.mp4, layout.film, layout.segments[0].start
    parts = decorated(stream, layout) if stream.coding.codec in ("h264", "hevc") else {}
    places = [place for segment in layout.segments for place in segment.places]
    sound = [time for segment in layout.segments for time in segment.sound]
    video, audio = fmp4.Track(), fmp4.Track()
    base = layout.dts[places[0]]
    for place in places:
        unit = layout.units[place]
        video.samples.append(fmp4.Sample(_sample(stream, unit, parts.get(place)), _scaled(layout.dts[place] - base, shape),
                                         _scaled(layout.pts[place] - base, shape), unit.access))
    last = places[-1]
    video.end = _scaled((layout.dts[last + 1] if last + 1 < len(layout.dts) else layout.dts[last] + layout.step) - base, shape)
    audio.samples = [fmp4.Sample(aac.raw_frame(), i * aac.SAMPLES, i * aac.SAMPLES) for i in range(len(sound))]
    audio.end = len(sound) * aac.SAMPLES
    begin = max(layout.hidden_before, min(layout.pts[place] for place in places))
    waits = (_scaled(begin - origin, shape), _scaled(sound[0] - origin, shape) if sound else 0)
    entry = fmp4.video_entry(shape, film.coding.codec, film.sets, film.coding.width, film.coding.height)
    return mp4file.write(shape, entry, (film.coding.width, film.coding.height), video, audio, waits, _scaled(begin - base, shape))


def _segment(stream: Stream, layout: Layout, segment: Segment, number: int, parts: dict[int, list[bytes]]) -> bytes:
    shape, video, audio = stream.mp4, fmp4.Track(), fmp4.Track()
    if segment.places:
        first, last = segment.places[0], segment.places[-1]
        move = segment.shift - _late(stream, layout, first)
        ahead = layout.delay(first) if shape.negative and shape.edit == "none" else 0
        for place in segment.places:
            unit = layout.units[place]
            dts, pts = layout.dts[place] + ahead + move, layout.pts[place] + move
            video.samples.append(fmp4.Sample(_sample(stream, unit, parts.get(place)), _scaled(dts, shape), _scaled(pts, shape), unit.access))
        after = layout.dts[last + 1] if last + 1 < len(layout.dts) else layout.dts[last] + layout.step
        video.end = _scaled(max(after, layout.dts[last] + 1) + ahead + move, shape)
    for time in segment.sound:
        at = round((time + segment.shift) * aac.RATE / HZ)
        audio.samples.append(fmp4.Sample(aac.raw_frame(), at, at))
        audio.end = at + aac.SAMPLES
    each = any(sample.sync for sample in video.samples[1:]) or shape.fragments > 1
    return fmp4.segment(replace(shape, flags="each" if each else shape.flags), number, video, audio)


def _scaled(ticks: int, shape: fmp4.Mp4Shape) -> int:
    return (ticks * shape.timescale * 2 + HZ) // (2 * HZ)


def _sample(stream: Stream, unit: Unit, nals: list[bytes] | None) -> bytes:
    if nals is None:
        return unit.data
    codec = stream.coding.codec
    return bitstream.length_prefixed([nal for nal in nals if stream.mp4.in_band or not bitstream.is_parameter_set(codec, nal)])
