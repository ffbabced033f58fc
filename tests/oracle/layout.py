"""Assigns the time stamps of a film and cuts it into segments, before it is muxed.

Times are integers in ticks of 90 kHz. `rel` counts from the film's first frame; the clock of a segment is `rel` plus the segment's shift.
"""
from __future__ import annotations

import random
from dataclasses import dataclass, field
from fractions import Fraction

from draw import Stream
from encode import Film, Unit

HZ = 90000
# Audio that starts this much earlier than the video did not start with it
LATE = 45_000
AUDIO_STEP = 1920  # 1024 samples at 48 kHz
SMALL_OFFSET = 20 * HZ  # leaves room for decode times and audio before the first frame


@dataclass
class Segment:
    """A segment. `places` are positions in the film in decode order, `sound` the times of audio frames."""
    places: list[int]
    sound: list[int]
    boundary: int  # rel
    domain: int = 0
    shift: int = 0
    start: int = 0  # rel, the earliest presentation time
    listed_start: int = 0  # rel, the start for the listed duration
    duration: Fraction = Fraction(0)  # seconds
    listed: str = ""  # EXTINF
    msn: int = 0

    def clock_start(self) -> Fraction:
        return Fraction(self.start + self.shift, HZ)


@dataclass
class Layout:
    film: Film
    splice: int  # the position at which another film begins, or 0
    units: list[Unit]  # in decode order
    pts: list[int]  # rel, by position in decode order
    dts: list[int]
    step: int  # nominal duration of a frame
    segments: list[Segment]  # those that the playlist lists
    hidden_before: int  # rel: frames before this time are cut off by an edit list
    end: int  # rel: the end of the last frame or audio
    vague: list[tuple[int, Fraction, Fraction]] = field(default_factory=list)  # domain, and intervals of its clock without questions

    def film_of(self, place: int) -> Film:
        return self.film.then if self.film.then and place >= self.splice else self.film

    def delay(self, place: int) -> int:
        """The time between decoding and presentation at the start of the unit's film."""
        first = self.splice if self.film.then and place >= self.splice else 0
        return self.pts[first] - self.dts[first]

    def domain_film(self, segment: Segment) -> Film:
        """The film of a segment, which may have no frames of its own."""
        first = next((other for other in self.segments if other.domain == segment.domain and other.places), None)
        return self.film_of(first.places[0]) if first else self.film


def lay_out(stream: Stream, film: Film, rng: random.Random) -> Layout:
    units = film.units[:stream.frames] if stream.frames else film.units
    splice = len(units) - len(film.then.units) if film.then else 0
    shown = _display_times(stream, len(units), rng)
    rank = {number: i for i, number in enumerate(sorted(unit.number for unit in units))}
    pts = [shown[rank[unit.number]] for unit in units]
    step = _step(stream)
    dts = _decode_times(pts, step)
    end = max(shown) + step
    sound = _sound(stream, end)
    segments = _cut(stream, units, pts, dts, sound, splice)
    _clocks(stream, units, segments, splice, rng)
    layout = Layout(film, splice, units, pts, dts, step, segments, -HZ * 3600, max([end] + [time + AUDIO_STEP for time in sound]))
    _durations(stream, layout)
    _window(stream, layout, rng)
    _trim(stream, layout)
    return layout


def _step(stream: Stream) -> int:
    return round(HZ / Fraction(stream.fps))


def _display_times(stream: Stream, count: int, rng: random.Random) -> list[int]:
    """The presentation time of each frame, in display order."""
    exact = HZ / Fraction(stream.fps)
    if stream.timing == "slides":
        times = [0]
        for _ in range(count - 1):
            times.append(times[-1] + rng.randrange(2 * HZ, 9 * HZ))
        return times
    if stream.timing == "vfr":
        times = [0]
        for _ in range(count - 1):
            times.append(times[-1] + round(exact * rng.choice((1, 1, 1, 1, 2, 3, Fraction(1, 2), Fraction(5, 4)))))
        return times
    times = [round(exact * n) for n in range(count)]
    if stream.timing == "pause":
        at = rng.randrange(count // 4, count * 3 // 4)
        wait = rng.randrange(HZ, 8 * HZ)
        times = times[:at] + [time + wait for time in times[at:]]
    return times


def _decode_times(pts: list[int], step: int) -> list[int]:
    """The decode times, like those of encoders: the sorted presentation times, delayed by the reordering depth."""
    ordered = sorted(pts)
    rank = {time: i for i, time in enumerate(ordered)}
    delay = max(i - rank[time] for i, time in enumerate(pts))
    return [ordered[i - delay] if i >= delay else ordered[0] - (delay - i) * step for i in range(len(pts))]


def _sound(stream: Stream, end: int) -> list[int]:
    if not stream.audio:
        return []
    begin, stop = -round(stream.audio_lead * HZ), end + round(stream.audio_tail * HZ)
    return list(range(begin, stop, AUDIO_STEP))


def _cut(stream: Stream, units: list[Unit], pts: list[int], dts: list[int], sound: list[int], splice: int) -> list[Segment]:
    target = round(stream.segment_seconds * HZ)
    cuts = [0]  # positions
    if stream.cut == "keys":
        last = pts[0]
        for place, unit in enumerate(units):
            if place and (unit.access and pts[place] - last >= target * 0.95 or place == splice):
                cuts.append(place)
                last = pts[place]
    else:
        index = 0
        for place in range(1, len(units)):
            if (dts[place] - dts[0]) // target > index or place == splice:
                index = (dts[place] - dts[0]) // target
                cuts.append(place)
    segments = []
    for cut, until in zip(cuts, cuts[1:] + [len(units)]):
        places = list(range(cut, until))
        segments.append(Segment(places, [], min(pts[place] for place in places)))
    if sound:
        segments = _with_sound_alone(segments, pts, sound, target)
    _spread_sound(segments, sound)
    return segments


def _with_sound_alone(segments: list[Segment], pts: list[int], sound: list[int], target: int) -> list[Segment]:
    """Adds segments of audio only before the first frame, in long pauses and after the last frame."""
    out = []
    time = sound[0]
    while time + target <= segments[0].boundary:
        out.append(Segment([], [], time))
        time += target
    for segment, after in zip(segments, [*segments[1:], None]):
        out.append(segment)
        last = max(pts[place] for place in segment.places)
        until = after.boundary if after else sound[-1]
        time = max(segment.boundary + target, last + target // 2)
        while time + target // 2 < until and time < sound[-1] - AUDIO_STEP:
            out.append(Segment([], [], time))
            time += target
    return out


def _spread_sound(segments: list[Segment], sound: list[int]) -> None:
    """Assigns each audio frame to the segment with the last boundary before it."""
    at = 0
    for segment, after in zip(segments, [*segments[1:], None]):
        while at < len(sound) and (after is None or sound[at] < after.boundary):
            segment.sound.append(sound[at])
            at += 1
    segments[:] = [segment for segment in segments if segment.places or segment.sound]


def _clocks(stream: Stream, units: list[Unit], segments: list[Segment], splice: int, rng: random.Random) -> None:
    """Assigns domains, their clocks, and small steps within a domain. Both only start at a segment with an IDR picture."""
    able = [i for i, segment in enumerate(segments) if i and segment.places and units[segment.places[0]].idr]
    breaks = set(rng.sample(able, min(stream.discontinuities, len(able))))
    breaks |= {i for i in able if splice and segments[i].places[0] == splice}
    steps = set(rng.sample(sorted(set(able) - breaks), min(stream.steps, len(set(able) - breaks))))
    domain, shift = 0, stream.offset if stream.container == "ts" else max(stream.offset, SMALL_OFFSET)
    for i, segment in enumerate(segments):
        if i in breaks:
            domain += 1
            shift = rng.randrange(SMALL_OFFSET, 1 << 32) - segment.boundary
        if i in steps:
            shift += stream.step_ticks
        segment.domain, segment.shift = domain, shift


def _durations(stream: Stream, layout: Layout) -> None:
    segments = layout.segments
    for segment in segments:
        segment.start = min([layout.pts[place] for place in segment.places] + segment.sound[:1])
        segment.listed_start = _first_unit(layout, segment) if stream.starts == "first" and segment.places else segment.start
    for segment, after in zip(segments, [*segments[1:], None]):
        ticks = (after.listed_start if after else layout.end) - segment.listed_start
        if after and after.domain == segment.domain:
            ticks += after.shift - segment.shift
            if after.shift != segment.shift:
                border = Fraction(after.start + after.shift, HZ)
                layout.vague.append((segment.domain, border - 1, border + 1))
        segment.duration = Fraction(ticks, HZ)
        segment.listed = {"exact": f"{float(segment.duration):.6f}", "ms": f"{float(segment.duration):.3f}",
                          "integer": str(max(1, int(segment.duration + Fraction(1, 2))))}[stream.extinf]


def _first_unit(layout: Layout, segment: Segment) -> int:
    """The presentation time of the first access unit, or of the audio if the video starts later."""
    first = layout.pts[segment.places[0]]
    return segment.sound[0] if segment.sound and first - segment.sound[0] > LATE else first


def _trim(stream: Stream, layout: Layout) -> None:
    """Hides the first frames of a file by an edit list, so that the first visible frame refers to hidden ones."""
    shown = sorted(layout.pts[place] for segment in layout.segments for place in segment.places)
    if stream.mp4.trim and shown and not stream.audio:
        layout.hidden_before = shown[int(stream.mp4.trim * len(shown))]
        layout.segments[0].start = layout.hidden_before
        layout.segments[0].duration -= Fraction(layout.hidden_before - shown[0], HZ)


def _window(stream: Stream, layout: Layout, rng: random.Random) -> None:
    """Keeps the segments that the playlist lists. A live playlist has dropped its first ones."""
    count = len(layout.segments)
    first = min(count - 1, int(stream.skipped * count))
    layout.segments = layout.segments[first:first + max(1, stream.most_segments)]
    for i, segment in enumerate(layout.segments):
        segment.msn = stream.first_msn + first + i
