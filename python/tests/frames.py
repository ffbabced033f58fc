"""Reads the number and the colors that tests/fixtures/frames.py paints into each frame."""

from __future__ import annotations

import io

import numpy
import PIL.Image

PATCHES = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (255, 255, 255), (0, 0, 0)]


def decoded(file: bytes) -> "numpy.ndarray":
    """The pixels of a file, by Pillow."""
    return numpy.asarray(PIL.Image.open(io.BytesIO(file)).convert("RGB"))


def number(pixels: "numpy.ndarray") -> int:
    """The frame's number: 16 blocks in the top sixth, most significant first, and even parity."""
    height, width = pixels.shape[:2]
    row = pixels[height // 12]
    bits = [int(row[int((place + 0.5) * width / 17)].mean() > 127) for place in range(17)]
    assert sum(bits) % 2 == 0, bits
    return sum(bit << (15 - place) for place, bit in enumerate(bits[:16]))


def largest_error(pixels: "numpy.ndarray") -> int:
    """The largest difference between the patches in the bottom sixth and the colors that were painted."""
    height, width = pixels.shape[:2]
    row = pixels[height - height // 12].astype(int)
    found = [row[int((place + 0.5) * width / 6)] for place in range(6)]
    return max(abs(int(value) - wanted) for color, patch in zip(found, PATCHES) for value, wanted in zip(color, patch))
