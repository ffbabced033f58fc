"""The frame that a player shows at a moment: the expected answers, from the layout alone.

A segment begins in the playlist with the earliest presentation time of any stream in it. Within one discontinuity sequence number the distance
between media time and playlist time is constant. A frame is shown until the next one begins, also across segments.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from build import spelled_date
from draw import Stream
from layout import HZ, LATE, Layout, Segment

WHOLE, DOUBTFUL, BROKEN = "whole", "doubtful", "broken"
NO_FRAME = frozenset({"not_found", "undecodable"})


@dataclass
class Shown:
    """A frame in playlist time. `state`: WHOLE is decodable; DOUBTFUL may be damaged; BROKEN refers to units that the playlist does not list."""
    number: int
    start: Fraction
    segment: int  # index into the playlist
    msn: int
    domain: int
    access: bool
    state: str
    end: Fraction = Fraction(0)
    place: int = 0


@dataclass
class Expected:
    """The frames and the errors that are right."""
    numbers: set[int] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)

    def text(self) -> str:
        numbers = sorted(self.numbers)
        spelled = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}..{numbers[-1]}" if len(numbers) > 4 else " or ".join(map(str, numbers))
        return " or ".join([f"frame {spelled}"] * bool(numbers) + sorted(self.errors))


class Model:
    """Answers questions about one stream."""

    def __init__(self, stream: Stream, layout: Layout, damaged: set[int]):
        self.stream, self.layout = stream, layout
        self.total, self.drift = self._playlist_times()
        self.frames = self._frames(_states(layout, damaged))
        self.vague = [(low + self.offsets[domain], high + self.offsets[domain]) for domain, low, high in layout.vague if domain in self.offsets]
        # The uncertainty of frames without a time stamp
        self.slack = 0
        if stream.sparse():
            self.slack = 1 + stream.coding.b_frames

    def _playlist_times(self) -> tuple[Fraction, Fraction]:
        """The duration of the playlist, and the largest offset between a segment's media and its time in the playlist."""
        at, exact, drift = Fraction(0), Fraction(0), Fraction(0)
        self.offsets: dict[int, Fraction] = {}
        self.starts: list[Fraction] = []
        for segment in self.layout.segments:
            self.starts.append(at)
            begin = self.offsets.setdefault(segment.domain, at - segment.clock_start())
            drift = max(drift, abs(at - (Fraction(segment.listed_start + segment.shift, HZ) + begin)))
            at += Fraction(segment.listed)
            exact += segment.duration
        if self.stream.delivery == "file":
            return exact, self._reordered(self.layout.segments[0])
        drift = max(drift, abs(at - exact)) + max([Fraction(0)] + [self._reordered(segment) for segment in self.layout.segments])
        # If durations are rounded by more than a frame, tolerate another half frame
        return at, drift + Fraction(self.layout.step, 2 * HZ) if drift > Fraction(self.layout.step, 4 * HZ) else drift

    def _reordered(self, segment: Segment) -> Fraction:
        """The difference between the two possible starts of a segment: its first access unit, or an earlier presentation time."""
        if not segment.places:
            return Fraction(0)
        first = self.layout.pts[segment.places[0]]
        sound = [time for time in segment.sound[:1] if first - time <= LATE]
        return Fraction(first - min([self.layout.pts[place] for place in segment.places] + sound), HZ)

    def _frames(self, states: dict[int, str]) -> list[Shown]:
        frames = []
        for index, segment in enumerate(self.layout.segments):
            for place in segment.places:
                if self.layout.pts[place] < self.layout.hidden_before:
                    continue
                unit = self.layout.units[place]
                start = Fraction(self.layout.pts[place] + segment.shift, HZ) + self.offsets[segment.domain]
                frames.append(Shown(unit.number, start, index, segment.msn, segment.domain, unit.access, states[place], place=place))
        frames.sort(key=lambda frame: (frame.domain, frame.start))
        self._doubt_trimmed_refresh(frames)
        for frame, after in zip(frames, [*frames[1:], None]):
            frame.end = after.start if after else max(self.total, frame.start + Fraction(1, 1000))
        return frames

    def _doubt_trimmed_refresh(self, frames: list[Shown]) -> None:
        """An edit list may begin within a refresh. A reader that starts at the sync sample before it misses the frames until that is complete."""
        if not (self.stream.mp4.trim and self.stream.coding.refresh):
            return
        listed = [place for segment in self.layout.segments for place in segment.places]
        before = [self.layout.units[place] for place in listed if self.layout.units[place].access and self.layout.pts[place] <= self.layout.hidden_before]
        whole_from = before[-1].number + before[-1].recovery if before else 0
        for frame in frames:
            if frame.state == WHOLE and frame.number < whole_from:
                frame.state = DOUBTFUL

    def date(self, moment: Fraction) -> str:
        """A moment as a date and time: the playlist begins at EPOCH."""
        return spelled_date(moment, 4)

    # ---------------------------------------------------------------------------------------------------------- moments

    def index_at(self, moment: Fraction) -> int | None:
        """The index in display order of the frame that is shown, or None before the first one."""
        found = [i for i, frame in enumerate(self.frames) if frame.start <= moment]
        return found[-1] if found else None

    def is_clear(self, moment: Fraction, margin: Fraction = Fraction(3, 10)) -> bool:
        """Whether the moment lies well within the interval of a frame, and away from every ambiguity."""
        if any(low - self.drift <= moment <= high + self.drift for low, high in self.vague):
            return False
        at = self.index_at(moment)
        if at is None:
            return bool(self.frames) and self.frames[0].start - moment > Fraction(1, 10) + self.drift
        frame = self.frames[at]
        length = min(frame.end - frame.start, Fraction(1, 2))
        return moment - frame.start >= margin * length and (frame is self.frames[-1] or frame.end - moment >= margin * length)

    def exactly(self, moment: Fraction) -> Expected:
        """The frame shown at a moment."""
        low, high = self.index_at(moment - self.drift), self.index_at(moment + self.drift)
        expected = Expected()
        if high is None or low is None:
            expected.errors |= {"not_found"}
            expected.numbers |= self._first_whole(Fraction(-1))
        first = 0 if low is None else low
        for frame in self.frames[first:(high + 1 if high is not None else 0)]:
            self._accept(expected, frame)
        if high is not None and self.slack:
            around = self.frames[max(0, first - self.slack):high + 1 + self.slack]
            for frame in around:
                self._accept(expected, frame)
            if self.stream.pts_every == 0:
                expected.numbers |= {frame.number for frame in self.frames[:high + 1] if frame.access and frame.state == WHOLE} & self._last_key(moment)
        if not any(frame.state == WHOLE for frame in self.frames):
            expected.errors |= NO_FRAME
        if high == len(self.frames) - 1 and moment > self._video_end() or moment + self.drift > self.total:
            expected.errors |= {"not_found"}
        return expected

    def _video_end(self) -> Fraction:
        return self.frames[-1].start + Fraction(self.layout.step, HZ) - Fraction(1, 20)

    def _accept(self, expected: Expected, frame: Shown) -> None:
        """Accepts a frame that is shown, or its replacements if it is not decodable."""
        expected.numbers.add(frame.number)
        if frame.state == WHOLE:
            return
        expected.errors |= NO_FRAME
        expected.numbers |= self._first_whole(frame.start)
        if frame.state == DOUBTFUL or any(other.state == WHOLE and other.start < frame.start for other in self.frames):
            before = [other.number for other in self.frames if other.state == WHOLE and other.start < frame.start]
            expected.numbers |= set(before[-1:])
            # Until the next random access point, a player may show any frame that reads complete
        else:
            expected.numbers.discard(frame.number)

    def _first_whole(self, after: Fraction) -> set[int]:
        return set([frame.number for frame in self.frames if frame.state == WHOLE and frame.start >= after][:1])

    # -------------------------------------------------------------------------------------------------------- key frames

    def _last_key(self, moment: Fraction) -> set[int]:
        return set([frame.number for frame in self.frames if frame.access and frame.state == WHOLE and frame.start <= moment][-1:])

    def key_is_clear(self, moment: Fraction) -> bool:
        """Whether no key frame begins close to the moment."""
        margin = Fraction(3, 20) + self.drift + Fraction(self.layout.step * self.slack, HZ)
        return self.is_clear(moment, Fraction(0)) and all(abs(frame.start - moment) > margin for frame in self.frames if frame.access)

    def key_at(self, moment: Fraction) -> Expected:
        """The key frame at or before a moment."""
        expected = Expected(self._last_key(moment))
        doubtful = [frame for frame in self.frames if frame.access and frame.state == DOUBTFUL and frame.start <= moment]
        if doubtful and not any(frame.access and frame.state == WHOLE and doubtful[-1].start < frame.start <= moment for frame in self.frames):
            expected.numbers.add(doubtful[-1].number)
            expected.errors |= NO_FRAME
        if not self._last_key(moment):
            expected.errors |= NO_FRAME
        if expected.errors:
            after = [frame.number for frame in self.frames if frame.access and frame.state == WHOLE and frame.start > moment]
            expected.numbers |= set(after[:1]) | self._first_whole(moment)
        return expected

    def at_start(self) -> Expected:
        """The first decodable frame."""
        expected = Expected(self._first_whole(Fraction(-1)))
        if self.frames and self.frames[0].state == DOUBTFUL or any(frame.access and frame.state == DOUBTFUL for frame in self.frames[:1]):
            expected.numbers.add(self.frames[0].number)
        if not expected.numbers:
            expected.errors |= NO_FRAME
        return expected

    def live_key(self) -> Expected:
        """The first key frame of the newest segment that has one."""
        refresh = self.stream.coding.refresh
        for index in range(len(self.layout.segments) - 1, -1, -1):
            inside = [frame for frame in self.frames if frame.segment == index]
            keys = [frame for frame in inside if frame.access and frame.state == WHOLE]
            if refresh:
                whole = [frame.number for frame in self.frames if frame.state == WHOLE and frame.segment >= max(0, index - 1)]
                if keys and whole:
                    return Expected(set(whole))
            elif keys:
                expected = Expected({keys[0].number})
                if any(frame.access and frame.state == DOUBTFUL for frame in self.frames if frame.segment >= index):
                    expected.numbers |= {frame.number for frame in self.frames if frame.access and frame.segment >= index}
                return expected
        return Expected({frame.number for frame in self.frames if frame.state != BROKEN}, set(NO_FRAME))

    def newest(self) -> Expected:
        """The newest frame."""
        expected = Expected()
        for frame in self.frames[-1 - self.slack:]:
            self._accept(expected, frame)
        if any(frame.state != WHOLE for frame in self.frames[-8:]):
            expected.numbers |= {frame.number for frame in self.frames[-8:]}
        return expected

    # ------------------------------------------------------------------------------------------------------------ report

    def report_fault(self, number: int, presentation: object, msn: object) -> str:
        """The fault of the report about a frame, or an empty text."""
        fault = self.time_fault(number, presentation)
        frame = next((frame for frame in self.frames if frame.number == number), None)
        if not fault and frame and self.stream.delivery != "file" and msn != frame.msn:
            return f"media_sequence_number is {msn}, but frame {number} is in {frame.msn}"
        return fault

    def time_fault(self, number: int, presentation: object) -> str:
        """The fault of the time that is reported for a frame, or an empty text."""
        at = next((i for i, frame in enumerate(self.frames) if frame.number == number), None)
        if at is None:
            return ""
        frame = self.frames[at]
        before = frame.start - self.frames[at - 1].start if at else frame.end - frame.start
        near = min(before, frame.end - frame.start, Fraction(1))
        tolerance = max(near / 2, Fraction(self.layout.step * self.slack * 3, 2 * HZ)) + self.drift + Fraction(2, 1000)
        if not isinstance(presentation, (int, float)) or abs(Fraction(presentation) - frame.start) > tolerance:
            return f"presentation_seconds is {presentation}, but frame {number} is shown from {float(frame.start):.3f} on"
        return ""

    def size_of(self, number: int) -> tuple[int, int]:
        """The width and height of a frame as drawn."""
        then = self.stream.then
        coding = then if then and number >= then.first else self.stream.coding
        return coding.width, coding.height


def _states(layout: Layout, damaged: set[int]) -> dict[int, str]:
    """The state of each unit that the playlist lists."""
    states: dict[int, str] = {}
    domain = None
    begun, lost, since, whole_from = False, False, 0, 0
    for segment in layout.segments:
        if segment.domain != domain:
            domain, begun, lost = segment.domain, False, False
        for place in segment.places:
            unit = layout.units[place]
            if unit.access and (not begun or lost):
                # Leading pictures refer to units before the random access point
                begun, since, whole_from, lost_before = True, place, unit.number + unit.recovery, lost
                lost = False
            if place in damaged:
                lost = True
            if not begun:
                states[place] = BROKEN
            elif lost:
                states[place] = DOUBTFUL
            elif unit.number < whole_from:
                states[place] = DOUBTFUL if lost_before else BROKEN
            else:
                states[place] = WHOLE
    return states
