"""Draws numbered frames, and reads the number of complete frames.

A frame has 17 black or white blocks in its top sixth: 16 bits of its number, most significant first, and even parity. Its bottom sixth has
six patches: red, green, blue, gray, white, black. Between them are gray cells that move by one cell a frame, and a bright bar. Every region
differs from frame to frame, so a region that a decoder concealed or copied from another frame is detectable.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image

BITS = 16
PATCHES = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (255, 255, 255), (0, 0, 0))
CELL = 8
BAR = 8
CYCLE = 1024
DARK, LIGHT, BRIGHT, GRAIN = 88, 136, 220, 10
# The tolerated mean difference of a block of 8 by 8 pixels. Compression stays far below it; a cell of another frame differs by 48.
BLOCK_TOLERANCE = 26.0
# Chroma is blurred at the edges of patches, which do not match blocks. Pixels this close to an edge are not compared.
SOFT = 5
# One block in this many may exceed the tolerance.
OUTLIERS = 500


@lru_cache(maxsize=4)
def _strip(height: int, width: int) -> np.ndarray:
    """The strip of gray cells that frames show a window of. It repeats after CYCLE cells. Grain gives frames realistic sizes."""
    random = np.random.default_rng(7)
    cells = random.integers(0, 2, size=(-(-height // CELL), CYCLE)) * (LIGHT - DARK) + DARK
    grain = random.integers(-GRAIN, GRAIN + 1, size=(-(-height // 2), CYCLE * CELL // 2))
    strip = (np.kron(cells, np.ones((CELL, CELL), dtype=np.int64))[:height] + np.kron(grain, np.ones((2, 2), dtype=np.int64))[:height]).astype(np.uint8)
    return np.concatenate([strip, strip[:, :width]], axis=1)


def draw(number: int, width: int, height: int) -> np.ndarray:
    """The frame as RGB, uint8, of shape (height, width, 3)."""
    sixth = height // 6
    first = number % CYCLE * CELL
    luma = _strip(height, width)[:, first:first + width].copy()
    left = number * 2 * CELL % (width - BAR)
    luma[:, left:left + BAR] = BRIGHT
    frame = np.repeat(luma[:, :, None], 3, axis=2)
    bits = [number >> (BITS - 1 - i) & 1 for i in range(BITS)]
    bits.append(sum(bits) % 2)
    for i, bit in enumerate(bits):
        frame[:sixth, i * width // 17:(i + 1) * width // 17] = 255 * bit
    for i, color in enumerate(PATCHES):
        frame[height - sixth:, i * width // 6:(i + 1) * width // 6] = color
    return frame


def yuv420(frame: np.ndarray) -> bytes:
    """The frame in planes of BT.709 in the limited range."""
    rgb = frame.astype(np.float64) / 255
    luma = rgb @ np.array([0.2126, 0.7152, 0.0722])
    blue = (rgb[:, :, 2] - luma) / 1.8556
    red = (rgb[:, :, 0] - luma) / 1.5748

    def plane(values: np.ndarray, scale: float, offset: float) -> bytes:
        return np.clip(np.rint(values * scale + offset), 0, 255).astype(np.uint8).tobytes()

    def halved(values: np.ndarray) -> np.ndarray:
        return values.reshape(values.shape[0] // 2, 2, values.shape[1] // 2, 2).mean(axis=(1, 3))

    return plane(luma, 219, 16) + plane(halved(blue), 224, 128) + plane(halved(red), 224, 128)


def read(image: Image.Image | np.ndarray, size_of: Callable[[int], tuple[int, int]] | None = None) -> tuple[int | None, str]:
    """The number and an empty text, or None and a description of the fault. `size_of` gives the size in which a frame was drawn, if the image
    may have another one."""
    pixels = np.asarray(image.convert("RGB") if isinstance(image, Image.Image) else image, dtype=np.int16)
    height, width = pixels.shape[:2]
    if width < 34 or height < 24:
        return None, f"{width}x{height} is too small to read"
    sixth = height // 6
    bits = []
    for i in range(BITS + 1):
        left, right = i * width // 17, (i + 1) * width // 17
        edge = (right - left) // 4
        block = pixels[sixth // 4:sixth - sixth // 4, left + edge:right - edge].mean()
        if 70 < block < 185:
            return None, "a block of the number is gray"
        bits.append(int(block >= 128))
    if sum(bits[:BITS]) % 2 != bits[BITS]:
        return None, "the parity of the number is wrong"
    number = sum(bit << (BITS - 1 - i) for i, bit in enumerate(bits[:BITS]))
    fault = _unlike(pixels, number, size_of(number) if size_of else (width, height))
    return (None, f"number {number}, but {fault}") if fault else (number, "")


def _unlike(pixels: np.ndarray, number: int, drawn_size: tuple[int, int]) -> str:
    """The difference between the frame and the drawn one, or an empty text."""
    height, width = pixels.shape[:2]
    drawn = draw(number, *drawn_size)
    if drawn_size != (width, height):
        drawn = np.asarray(Image.fromarray(drawn).resize((width, height), Image.Resampling.BICUBIC))
    difference = np.abs(pixels - drawn.astype(np.int16)).mean(axis=2)
    for i in range(1, 6):
        difference[height - height // 6:, i * width // 6 - SOFT:i * width // 6 + SOFT] = 0
    rows, columns = height // CELL, width // CELL
    blocks = difference[:rows * CELL, :columns * CELL].reshape(rows, CELL, columns, CELL).mean(axis=(1, 3))
    bad = np.argwhere(blocks > BLOCK_TOLERANCE)
    if len(bad) * OUTLIERS <= blocks.size:
        return ""
    y, x = bad[0]
    return f"{len(bad)} of {blocks.size} blocks differ, the first at {x * CELL},{y * CELL}"
