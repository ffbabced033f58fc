"""The channels of a fleet: the script of each, and its true states, which do not come from hlsnap."""

import random
from dataclasses import dataclass, field

# Clips in which nothing is wrong. Heads, streets at night, credits and slow dissolves hardly move.
HEALTHY = ["moving", "studio", "life", "head", "night", "credits", "dissolve"]
SEGMENTS = 23


@dataclass
class Trouble:
    """A state that holds from a second to another."""

    state: str
    at: float
    until: float


@dataclass
class Channel:
    id: str
    kind: str
    shows: list
    faults: list = field(default_factory=list)
    troubles: list = field(default_factory=list)
    static: bool = False
    phase: float = 0.0

    def script(self):
        return {"id": self.id, "phase": self.phase, "shows": self.shows, "faults": self.faults}

    def line(self, port):
        """Its line in the list that `hlsnap watch` reads."""
        line = {"id": self.id, "name": f"{self.kind} {self.id}", "url": f"http://127.0.0.1:{port}/{self.id}/master.m3u8"}
        return line | ({"static": True} if self.static else {})


@dataclass
class Thresholds:
    """The thresholds of `hlsnap watch` in seconds, and its pace."""

    every: float
    black: float
    flat: float
    frozen: float
    silent: float
    stale: float
    down_after: int = 3

    def need(self, state):
        return self.every * self.down_after if state == "down" else getattr(self, state)

    def arguments(self):
        seconds = {"every": self.every, "black-for": self.black, "flat-for": self.flat, "frozen-for": self.frozen, "stale-after": self.stale}
        return [text for name, value in seconds.items() for text in (f"--{name}", f"{value:g}s")] + ["--down-after", str(self.down_after)]


# (kind, how many of 200, clip or fault, state, how long in thresholds: from, to)
LONG, SHORT = (3, 6), (0.2, 0.5)
SPANS = [
    ("black", 8, "clip:black", "black", LONG),
    ("dark", 4, "clip:dark", "black", LONG),
    ("short black", 6, "clip:black", "black", SHORT),
    ("flat", 8, "clip:flat", "flat", LONG),
    ("short flat", 4, "clip:flat", "flat", SHORT),
    ("bars", 6, "clip:bars", "frozen", LONG),
    ("frozen", 12, "clip:frozen", "frozen", LONG),
    ("short freeze", 6, "clip:frozen", "frozen", SHORT),
    ("loop of a segment", 6, "repeat", "frozen", LONG),
    ("static loop", 4, "static-repeat", "frozen", LONG),
    ("no sound", 8, "clip:soundless", "silent", LONG),
    ("silence", 8, "clip:mute", "silent", LONG),
    ("dead encoder", 8, "fault:stop", "stale", LONG),
    ("short stall", 4, "fault:stop", "stale", SHORT),
    ("ended", 4, "fault:end", "stale", LONG),
    ("dates stand", 4, "fault:dates", "stale", (6, 9)),
    ("404", 4, "fault:not_found", "down", LONG),
    ("segments 404", 3, "fault:segments_not_found", "down", LONG),
    ("500", 3, "fault:server_error", "down", LONG),
    ("garbage", 3, "fault:garbage", "down", LONG),
    ("hang", 3, "fault:hang", "down", LONG),
    ("reset", 3, "fault:reset", "down", LONG),
    ("refused", 3, "fault:refuse", "down", LONG),
]
# (kind, how many, clip, static): nothing is ever wrong
QUIET = [(clip, 8, clip, False) for clip in HEALTHY] + [("static slate", 6, "slate", True), ("static radio", 6, "radio", True)]


def show(clip, at=0.0, repeat=None, offset=0):
    return {"clip": clip, "at": at, "offset": offset} | ({} if repeat is None else {"repeat": repeat})


def with_trouble(channel, what, state, at, until, base, offset):
    """Puts a span of trouble into a channel that shows `base`."""
    kind, _, name = what.partition(":")
    if kind == "clip":
        channel.shows += [show(name, at), show(base, until, offset=offset)]
    elif kind.endswith("repeat"):
        channel.shows += [show(base, at, repeat=offset % SEGMENTS), show(base, until, offset=offset)]
    else:
        channel.faults.append({"kind": name, "at": at, "until": until})
    channel.troubles.append(Trouble(state, at, until))


def accuracy_fleet(thresholds, seconds, count=200, seed=1):
    """Channels with known faults, of every kind in the same proportions."""
    numbers = random.Random(seed)
    channels = []

    def add(kind, clip, offset, static=False):
        channels.append(Channel(f"c{len(channels):03}", kind, [show(clip, offset=offset)], static=static, phase=numbers.uniform(0, 2)))
        return channels[-1]

    share = count / 200
    warm_up = 4 * thresholds.every
    for kind, many, what, state, (shortest, longest) in SPANS:
        for _ in range(max(1, round(many * share))):
            offset = numbers.randrange(SEGMENTS)
            static = what == "static-repeat"
            base = "radio" if static else numbers.choice(HEALTHY)
            channel = add(kind, base, offset, static)
            need = thresholds.need(state)
            # A short trouble is shorter than the threshold, but has at least a segment
            length = max(2.0, numbers.uniform(shortest, longest) * need)
            latest = max(warm_up + 1, seconds - length - need - 4 * thresholds.every)
            at = numbers.uniform(warm_up, latest)
            with_trouble(channel, what, state, at, at + length, base, offset)
    for kind, many, clip, static in QUIET:
        for _ in range(max(1, round(many * share))):
            add(kind, clip, numbers.randrange(SEGMENTS), static)
    for kind in ("restart", "restart_silently"):
        for _ in range(max(1, round(4 * share))):
            at = numbers.uniform(warm_up, seconds - warm_up)
            add(kind, numbers.choice(HEALTHY), 0).faults.append({"kind": kind, "at": at})
    while len(channels) < count:
        # Fades through black, shorter than the threshold
        channel = add("fades", "moving", numbers.randrange(SEGMENTS))
        for at in range(int(warm_up), int(seconds), 30):
            with_trouble(channel, "clip:black", "black", at, at + numbers.choice((2, 4)), "moving", 0)
        channel.troubles.clear()
    return channels


BROKEN = ["clip:black", "clip:flat", "clip:frozen", "clip:soundless", "fault:stop", "fault:end", "fault:not_found", "fault:hang", "fault:refuse", "fault:garbage"]
STATES = {"clip:black": "black", "clip:flat": "flat", "clip:frozen": "frozen", "clip:soundless": "silent", "fault:stop": "stale", "fault:end": "stale"}


def load_fleet(count, broken_at, seed=1):
    """Healthy channels, and ten that break in ten ways at the same second."""
    numbers = random.Random(seed)
    channels = []
    for n in range(count):
        clip, offset = HEALTHY[n % len(HEALTHY)], numbers.randrange(SEGMENTS)
        channels.append(Channel(f"c{n:04}", clip, [show(clip, offset=offset)], phase=numbers.uniform(0, 2)))
    for n, what in enumerate(BROKEN[:count]):
        channel = channels[n * (count // len(BROKEN))]
        channel.kind = what
        with_trouble(channel, what, STATES.get(what, "down"), broken_at, 1e9, channel.shows[0]["clip"], 0)
    return channels
