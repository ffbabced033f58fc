#!/usr/bin/env python3
"""Compares filters for downscaling, in gamma and in linear light; docs/scaling.md has the results.

    benches/scaling.py [PICTURE.png …]     each 1920 pixels wide; a zone plate, thin lines and text are always included

Needs numpy and Pillow. For each filter, in gamma and in linear light, at 640 and at 320 pixels:

    back   SSIM of luma between the original and the small picture upscaled again
    eye    root mean square difference of L*, seen from where a small pixel is just invisible (a Gaussian of 0.6 small pixels, in light)
    halo   overshoot and undershoot in levels at a hard edge from 18 to 235, the worst of six positions
"""

import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LUMA = np.array([0.2126, 0.7152, 0.0722])


def to_light(levels):
    part = np.clip(levels, 0, 255) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def to_levels(light):
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def cubic(b, c):
    """The Mitchell-Netravali family."""

    def kernel(x):
        x = abs(x)
        near = ((12 - 9 * b - 6 * c) * x**3 + (12 * b + 6 * c - 18) * x**2 + 6 - 2 * b) / 6
        far = ((-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 - (12 * b + 48 * c) * x + 8 * b + 24 * c) / 6
        return np.where(x < 1, near, np.where(x < 2, far, 0))

    return kernel


def lanczos(x):
    return np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


FILTERS = {"cubic 0.6": cubic(0, 0.6), "cubic 0.3": cubic(0, 0.3), "cubic 0": cubic(0, 0), "lanczos": lanczos, "area": None}


def weights(size, to, kernel):
    """The weight of each of `size` samples in each of `to` samples."""
    ratio = size / to
    if kernel:
        wide = max(ratio, 1)
        table = kernel((np.arange(size) - ((np.arange(to) + 0.5) * ratio - 0.5)[:, None]) / wide)
    else:
        starts = np.arange(to)[:, None] * ratio
        table = np.clip(np.minimum(starts + ratio, np.arange(size) + 1) - np.maximum(starts, np.arange(size)), 0, 1)
    return table / table.sum(1, keepdims=True)


def scaled(picture, width, height, kernel):
    down, across = weights(picture.shape[0], height, kernel), weights(picture.shape[1], width, kernel)
    return np.stack([down @ picture[..., part] @ across.T for part in range(picture.shape[2])], -1)


def means(plane, side=8):
    sums = np.pad(plane, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return (sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]) / side**2


def ssim(one, other):
    a, b = means(one), means(other)
    spread_a, spread_b, both = means(one * one) - a * a, means(other * other) - b * b, means(one * other) - a * b
    return np.mean((2 * a * b + 6.5) * (2 * both + 58.5) / ((a * a + b * b + 6.5) * (spread_a + spread_b + 58.5)))


def seen(light, sigma):
    """L* of luminance at a distance."""
    reach = int(4 * sigma) + 1
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    for axis in (0, 1):
        pad = [(reach, reach) if axis == one else (0, 0) for one in (0, 1)]
        light = np.apply_along_axis(np.convolve, axis, np.pad(light, pad, "edge"), bell / bell.sum(), "valid")
    return np.where(light > 0.008856, 116 * np.cbrt(light) - 16, 903.3 * light)


def synthetic():
    height, width = 1080, 1920
    y, x = np.mgrid[:height, :width]
    zone = 127.5 + 127.5 * np.cos(((x - width / 2) ** 2 + (y - height / 2) ** 2) * np.pi / (1.8 * width))
    lines = np.full((height, width), 18.0)
    for place in range(40):
        lines[:, 30 + place * 47 : 31 + place * 47 + place % 3] = 235
    text = Image.new("L", (width, height), 30)
    draw = ImageDraw.Draw(text)
    draw.rectangle((0, 540, width, height), fill=225)
    for place in range(60):
        at = (20 + place % 3 * 640, 10 + place // 3 * 54)
        draw.text(at, f"Sphinx of black quartz {place}", fill=235 if at[1] < 530 else 20, font=ImageFont.load_default(size=28))
    return {"zone": zone, "lines": lines, "text": np.asarray(text, float)}


def halo(kernel, light):
    worst = [0.0, 0.0]
    for place in range(6):
        row = np.where(np.arange(1200) < 600 + place, 18.0, 235.0)
        table = weights(1200, 400, kernel)
        small = to_levels(table @ to_light(row)) if light else table @ row
        worst = [max(worst[0], small.max() - 235), max(worst[1], 18 - small.min())]
    return "{:.0f} over, {:.0f} under".format(*worst)


def main(files):
    for name, kernel in FILTERS.items():
        print(f"{name:9} halo: gamma {halo(kernel, False)}; linear {halo(kernel, True)}")
    pictures = {file: np.asarray(Image.open(file).convert("RGB"), float) for file in files}
    pictures |= {name: np.repeat(plane[..., None], 3, 2) for name, plane in synthetic().items()}
    for name, picture in pictures.items():
        light, (height, width) = to_light(picture), picture.shape[:2]
        for across in (640, 320):
            ratio, down = width // across, round(height * across / width)
            afar = seen(light @ LUMA, 0.6 * ratio)
            back_down, back_across = weights(down, height, lanczos), weights(across, width, lanczos)
            for kernel_name, kernel in FILTERS.items():
                line = f"{name} {across} {kernel_name:9}"
                for word in ("gamma", "linear"):
                    small = scaled(picture, across, down, kernel) if word == "gamma" else to_levels(scaled(light, across, down, kernel))
                    small = np.clip(np.round(small), 0, 255)
                    back = np.clip(back_down @ (small @ LUMA) @ back_across.T, 0, 255)
                    shown = np.kron(to_light(small) @ LUMA, np.ones((ratio, ratio)))[:height, :width]
                    off = np.sqrt(np.mean((seen(shown, 0.6 * ratio) - afar) ** 2))
                    line += f"  {word}: back {ssim(back, picture @ LUMA):.4f} eye {off:.2f}"
                print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
