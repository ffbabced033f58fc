"""Silence as AAC: one valid frame, encoded once by ffmpeg, that repeats."""
from __future__ import annotations

import subprocess
from functools import lru_cache

RATE, SAMPLES = 48000, 1024
# AudioSpecificConfig of AAC-LC, 48 kHz, mono
CONFIG = bytes([0x11, 0x88])


@lru_cache(maxsize=1)
def adts_frame() -> bytes:
    command = "ffmpeg -v error -nostdin -f lavfi -i anullsrc=r=48000:cl=mono -t 0.5 -c:a aac -b:a 32k -flags +bitexact -f adts pipe:1".split()
    data = subprocess.run(command, capture_output=True, check=True).stdout
    frames, at = [], 0
    while at + 7 <= len(data):
        size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        frames.append(data[at:at + size])
        at += size
    return frames[5]


def raw_frame() -> bytes:
    """The frame without its ADTS header, as MP4 stores it."""
    return adts_frame()[7:]
