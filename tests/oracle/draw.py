"""Draws the parameters of one stream from a seeded generator."""
from __future__ import annotations

import random
from dataclasses import dataclass, field, fields, replace

from encode import Coding
from fmp4 import Mp4Shape
from ts import TsShape

WRAP = 1 << 33
FRAMES = 300
RATES = {"25": 5, "30": 2, "50": 2, "30000/1001": 2, "25/2": 2, "5": 2}


@dataclass
class Stream:
    """All parameters of a stream."""
    coding: Coding
    container: str  # ts, fmp4
    then: Coding | None = None  # the film that follows a discontinuity
    delivery: str = "segments"  # segments, ranges, file
    live: bool = False
    skipped: float = 0.0  # share of the segments that have left the window
    most_segments: int = 60
    first_msn: int = 0
    segment_seconds: float = 2.0
    cut: str = "keys"  # keys, anywhere
    extinf: str = "exact"  # exact, ms, integer
    starts: str = "earliest"  # a segment's duration counts from its earliest presentation time, or from that of its first access unit
    dates: str = "none"  # EXT-X-PROGRAM-DATE-TIME: none, first, each
    timing: str = "cfr"  # cfr, vfr, pause, slides
    fps: str = "25"
    frames: int = 0  # of the film, 0: all
    offset: int = 0  # ticks
    sets: str = "every"  # every, once
    delimiters: bool = False
    recovery_points: bool = True
    packing: str = "frame"  # frame, slice, pieces, group
    group: int = 1
    piece: int = 1000  # bytes in a PES packet, where frames come in pieces
    pts_every: int = 1  # 0: on key frames only
    audio: bool = False
    audio_lead: float = 0.0
    audio_tail: float = 0.0
    discontinuities: int = 0
    steps: int = 0
    step_ticks: int = 0
    loss: bool = False
    ts: TsShape = field(default_factory=TsShape)
    mp4: Mp4Shape = field(default_factory=Mp4Shape)

    def sparse(self) -> bool:
        """Whether some frames have no time stamp of their own."""
        return self.container == "ts" and (self.group > 1 or self.pts_every != 1)

    def text(self) -> str:
        """The parameters that differ from their defaults, in one line."""
        return " ".join(part for part in (_differing(self.coding), f"container={self.container}", _differing(self, ("coding", "then", "container", "ts", "mp4")),
                                          _differing(self.then, prefix="then.") if self.then else "",
                                          _differing(self.ts, prefix="ts.") if self.container == "ts" else _differing(self.mp4, prefix="mp4.")) if part)


def _differing(thing: object, without: tuple[str, ...] = (), prefix: str = "") -> str:
    shown = []
    for entry in fields(thing):
        value = getattr(thing, entry.name)
        if entry.name not in without and value != entry.default:
            shown.append(f"{prefix}{entry.name}={value:.3f}" if isinstance(value, float) else f"{prefix}{entry.name}={value}")
    return " ".join(shown)


def pick(rng: random.Random, weights: dict) -> object:
    return rng.choices(list(weights), list(weights.values()))[0]


def stream(rng: random.Random) -> Stream:
    container = pick(rng, {"ts": 6, "fmp4": 4})
    timing = pick(rng, {"cfr": 12, "vfr": 3, "pause": 2, "slides": 1})
    codec = pick(rng, {"h264": 5, "hevc": 3, "mpeg2": 2} if container == "ts" else {"h264": 5, "hevc": 3, "vp9": 1, "av1": 1})
    fps = pick(rng, RATES if codec != "mpeg2" else {rate: weight for rate, weight in RATES.items() if rate not in ("25/2", "5")})
    drawn = Stream(_coding(rng, codec, timing, fps), container, timing=timing, fps=fps)
    _time(rng, drawn)
    _cuts(rng, drawn)
    if drawn.discontinuities and timing != "slides" and rng.random() < 0.5:
        drawn.then = _following(rng, drawn.coding)
    _bitstream(rng, drawn)
    if container == "ts":
        _ts(rng, drawn)
    else:
        drawn.mp4 = _mp4(rng, drawn)
    return drawn


def _coding(rng: random.Random, codec: str, timing: str, fps: str) -> Coding:
    # The declared rate never contradicts the time stamps. Decoders only need it if time stamps are sparse
    if timing == "slides":
        return Coding(codec, frames=30, rate="25", gop=rng.choice((1, 5)))
    gop = pick(rng, {5: 2, 12: 4, 25: 4, 50: 4, 100: 3, 250: 2})
    if codec in ("vp9", "av1"):
        return Coding(codec, FRAMES, rate=fps, gop=gop, pyramid=codec == "vp9" and rng.random() < 0.5)
    if codec == "h264" and rng.random() < 0.12:
        return Coding(codec, FRAMES, rate=fps, gop=rng.choice((25, 50)), refresh=True)
    most = {"h264": {0: 4, 1: 1, 2: 2, 3: 3}, "hevc": {0: 3, 2: 1, 3: 2, 8: 2}, "mpeg2": {0: 2, 1: 1, 2: 3}}[codec]
    b_frames = pick(rng, most) if gop > 5 else pick(rng, {0: 2, 2: 1})
    interlaced = codec in ("h264", "mpeg2") and rng.random() < 0.12
    return Coding(codec, FRAMES, rate=fps, gop=gop, b_frames=b_frames, pyramid=codec != "mpeg2" and b_frames > 1 and rng.random() < 0.6,
                  open_gop=b_frames > 0 and rng.random() < 0.5, slices=rng.choice((1, 1, 1, 4)) if codec != "mpeg2" else 1, interlaced=interlaced)


def _following(rng: random.Random, coding: Coding) -> Coding:
    """Another film of the same codec, as after an advertisement, with another size and other groups of pictures."""
    b_frames = rng.choice((0, 2))
    return Coding(coding.codec, 120, first=1000, rate=coding.rate, gop=rng.choice((12, 50)), b_frames=0 if coding.codec in ("vp9", "av1") else b_frames,
                  width=320, height=180)


def _time(rng: random.Random, drawn: Stream) -> None:
    drawn.offset = pick(rng, {"zero": 2, "usual": 4, "far": 2, "wrap": 2})
    drawn.offset = {"zero": 0, "usual": 126000, "far": rng.randrange(1 << 32), "wrap": WRAP - rng.randrange(0, 90000 * 12)}[drawn.offset]
    drawn.audio = drawn.timing in ("slides", "pause") or rng.random() < 0.5
    if drawn.audio:
        drawn.audio_lead = pick(rng, {"with": 6, "before": 2, "late": 2, "long before": 1})
        drawn.audio_lead = {"with": 0.0, "before": rng.uniform(0.2, 3), "late": -rng.uniform(0.1, 4), "long before": rng.uniform(3, 12)}[drawn.audio_lead]
        drawn.audio_tail = pick(rng, {0.0: 6, rng.uniform(0.5, 8): 2, -rng.uniform(0.5, 3): 1})


def _cuts(rng: random.Random, drawn: Stream) -> None:
    drawn.delivery = pick(rng, {"segments": 6, "ranges": 1, "file": 1})
    drawn.live = drawn.delivery == "segments" and rng.random() < 0.35
    drawn.segment_seconds = rng.choice((1.0, 1.4, 2.0, 2.0, 3.0, 4.0, 6.0))
    drawn.cut = pick(rng, {"keys": 3, "anywhere": 2})
    drawn.extinf = pick(rng, {"exact": 3, "ms": 3, "integer": 1})
    drawn.starts = "first" if drawn.coding.b_frames and rng.random() < 0.4 else "earliest"
    drawn.dates = pick(rng, {"none": 4, "first": 1, "each": 1}) if drawn.delivery != "file" else "none"
    drawn.skipped = rng.uniform(0, 0.6) if drawn.live or rng.random() < 0.25 else 0.0
    drawn.most_segments = rng.choice((3, 6, 12)) if drawn.live else 60
    drawn.first_msn = rng.choice((0, 0, 1, 1000))
    if drawn.delivery != "file":
        drawn.discontinuities = pick(rng, {0: 6, 1: 1, 2: 1})
        if rng.random() < 0.15:
            drawn.steps = 1
            drawn.step_ticks = rng.choice((-1, 1)) * rng.randrange(900, 9000) if rng.random() < 0.5 else rng.randrange(9000, 72000)


def _bitstream(rng: random.Random, drawn: Stream) -> None:
    codec = drawn.coding.codec
    drawn.sets = pick(rng, {"every": 3, "once": 1}) if codec in ("h264", "hevc", "mpeg2") and drawn.container == "ts" else "every"
    drawn.delimiters = rng.random() < 0.6
    drawn.recovery_points = not (codec == "h264" and drawn.coding.open_gop and rng.random() < 0.4)


def _ts(rng: random.Random, drawn: Stream) -> None:
    slices = drawn.coding.slices > 1
    drawn.packing = pick(rng, {"frame": 8, "group": 2, "pieces": 1, **({"slice": 6} if slices else {})})
    drawn.group = rng.randrange(2, 6) if drawn.packing == "group" else 1
    if drawn.packing == "pieces":
        drawn.piece = rng.choice((500, 2000))
    if drawn.timing != "cfr" and drawn.packing == "group":
        drawn.packing, drawn.group = "frame", 1
    elif drawn.packing == "frame" and drawn.timing == "cfr" and rng.random() < 0.15:
        drawn.pts_every = 0 if drawn.cut == "keys" and rng.random() < 0.4 and not drawn.coding.refresh else rng.randrange(2, 8)
    drawn.ts = TsShape(packet_size=pick(rng, {188: 8, 192: 1, 204: 1}), bounded=rng.random() < 0.4, dts=rng.choice(("needed", "always")),
                       pcr=pick(rng, {"video": 4, "own": 1, "audio": 1}), null_share=rng.choice((0.0, 0.0, 0.0, 0.05, 0.5)),
                       stuffing=rng.choice((0.0, 0.0, 0.1)), duplicates=rng.choice((0.0,) * 7 + (0.02,)),
                       zero_counters=rng.random() < 0.06, fresh_counters=rng.random() < 0.3 and drawn.delivery != "file", tables_every=rng.choice((0, 0, 20, 200)),
                       junk=rng.choice((0,) * 8 + (1, 100, 1000)), junk_each=drawn.delivery != "file", audio_frames=rng.choice((1, 6, 16)),
                       interleave=pick(rng, {"time": 6, "video_first": 1, "audio_first": 1}))
    if drawn.ts.interleave == "video_first" and drawn.audio_lead > 0:  # no multiplexer sends audio that late
        drawn.ts = replace(drawn.ts, interleave="time")
    if drawn.ts.zero_counters:  # a duplicate would be indistinguishable from a packet of equal content
        drawn.ts = replace(drawn.ts, duplicates=0.0)
    if drawn.delivery != "file" and rng.random() < 0.05:
        drawn.ts = replace(drawn.ts, tables_in_map=True, tables_every=0, fresh_counters=False)
    drawn.loss = rng.random() < 0.15 and not drawn.ts.zero_counters and drawn.sets == "every" and not drawn.sparse()


def _mp4(rng: random.Random, drawn: Stream) -> Mp4Shape:
    if drawn.delivery == "file" and rng.random() < 0.6:
        # Every muxer starts such a file with a key frame
        drawn.skipped, drawn.cut = (drawn.skipped, "keys")
        return Mp4Shape(timescale=rng.choice((90000, 12800, 1000)), progressive=True, moov_last=rng.random() < 0.3,
                        trim=rng.uniform(0.05, 0.5) if rng.random() < 0.3 and not drawn.audio else 0.0)
    return Mp4Shape(timescale=rng.choice((90000, 90000, 12800, 1000, 30000)), fragments=rng.choice((1, 1, 1, 2, 5)), wide=rng.random() < 0.5,
                    negative=rng.random() < 0.3, edit=pick(rng, {"none": 4, "media_time": 2, "empty": 1}), in_band=rng.random() < 0.3,
                    styp=rng.random() < 0.5, sidx=rng.random() < 0.2, one_moof=rng.random() < 0.7, flags=rng.choice(("each", "first")))
