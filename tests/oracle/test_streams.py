"""Validates the generated streams with ffmpeg: they are valid and have the frames and times of the layout.

The expected answers never depend on ffmpeg.
"""
from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import encode
from build import build
from draw import Stream
from encode import Coding
from fmp4 import Mp4Shape
from layout import HZ, Layout, lay_out
from ts import WRAP, TsShape

CACHE = Path(os.environ.get("CARGO_TARGET_DIR") or Path(__file__).resolve().parents[2] / "target") / "oracle"
H264 = Coding("h264", 100, gop=25, b_frames=2, open_gop=True)


def made(stream: Stream) -> tuple[Layout, bytes]:
    """The layout, and all segments as one file."""
    rng = random.Random(5)
    layout = lay_out(stream, encode.film(stream.coding, CACHE), rng)
    built = build(replace(stream, delivery="file"), layout, rng)
    return layout, built.resources[built.entry]


def decoded(data: bytes, stream: Stream) -> list[tuple[int | None, str]]:
    """The frames that ffmpeg decodes, from a file, since one whose moov comes last cannot be read from a pipe."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film")
        path.write_bytes(data)
        return encode.decode_all(b"", stream.coding, "mpegts" if stream.container == "ts" else "mov", str(path))


def times(data: bytes, name: str, which: str) -> list[tuple[float, float]]:
    """Presentation and decode times of the packets, as ffprobe reads them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        command = ["ffprobe", "-v", "error", "-select_streams", which, "-show_entries", "packet=pts,dts", "-of", "json", str(path)]
        packets = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["packets"]
    return [(packet["pts"], packet["dts"]) for packet in packets]


class Streams(unittest.TestCase):
    def assert_whole(self, stream: Stream) -> None:
        layout, data = made(stream)
        read = decoded(data, stream)
        self.assertEqual([number for number, _ in read], sorted(unit.number for unit in layout.units), stream.text())

    def test_transport_streams_decode_whole(self):
        shapes = (TsShape(), TsShape(bounded=True, stuffing=0.1, pcr="own"), TsShape(packet_size=192, null_share=0.5), TsShape(packet_size=204, dts="always"),
                  TsShape(tables_every=20, pcr="audio", interleave="audio_first"))
        for shape in shapes:
            self.assert_whole(Stream(H264, "ts", cut="anywhere", audio=True, offset=WRAP - HZ, delimiters=True, ts=shape))

    def test_every_coding_decodes_whole_in_a_transport_stream(self):
        for coding in (H264, Coding("hevc", 100, b_frames=8, pyramid=True, open_gop=True, gop=50), Coding("mpeg2", 100, gop=12, b_frames=2),
                       Coding("h264", 100, refresh=True), Coding("h264", 100, interlaced=True, slices=4)):
            self.assert_whole(Stream(coding, "ts", sets="once", packing="slice" if coding.slices > 1 else "frame"))

    def test_every_coding_decodes_whole_in_movie_fragments(self):
        for coding in (H264, Coding("hevc", 100, b_frames=8, pyramid=True, open_gop=True, gop=50), Coding("vp9", 100), Coding("av1", 100)):
            for shape in (Mp4Shape(), Mp4Shape(fragments=3, negative=True, in_band=True, flags="first", sidx=True), Mp4Shape(edit="media_time", one_moof=False)):
                self.assert_whole(Stream(coding, "fmp4", cut="anywhere", audio=True, mp4=shape))

    def test_progressive_files_decode_whole_at_the_times_of_the_layout(self):
        for shape, tail in ((Mp4Shape(progressive=True), 0.0), (Mp4Shape(progressive=True, moov_last=True), 1.0)):
            for coding in (H264, Coding("vp9", 100)):
                stream = Stream(coding, "fmp4", delivery="file", audio=True, audio_lead=0.5, audio_tail=tail, mp4=shape)
                self.assert_whole(stream)
                layout, data = made(stream)
                origin = layout.segments[0].start
                self.assertEqual([pts for pts, _ in times(data, "film.mp4", "v")], [pts - origin for pts in layout.pts])

    def test_from_each_random_access_point_on_frames_are_whole_as_the_film_says(self):
        codings = (H264, Coding("hevc", 100, b_frames=8, pyramid=True, open_gop=True, gop=50), Coding("mpeg2", 100, gop=12, b_frames=2, open_gop=True),
                   Coding("h264", 100, refresh=True))
        for coding in codings:
            film = encode.film(coding, CACHE)
            for place, unit in enumerate(film.units):
                if unit.access:
                    form = {"h264": "h264", "hevc": "hevc", "mpeg2": "mpegvideo"}[coding.codec]
                    read = encode.decode_all(b"".join(other.data for other in film.units[place:]), coding, form)
                    first = unit.number + unit.recovery
                    self.assertEqual([number for number, _ in read if number is not None and number >= first], list(range(first, 100)), coding)

    def test_transport_streams_have_the_times_of_the_layout(self):
        layout, data = made(Stream(H264, "ts", cut="anywhere", audio=True, offset=126000))
        shift = layout.segments[0].shift
        self.assertEqual(times(data, "film.ts", "v"), [(pts + shift, dts + shift) for pts, dts in zip(layout.pts, layout.dts)])

    def test_movie_fragments_have_the_times_of_the_layout(self):
        layout, data = made(Stream(H264, "fmp4", cut="anywhere", audio=True))
        shift = layout.segments[0].shift
        self.assertEqual(times(data, "film.mp4", "v"), [(pts + shift, dts + shift) for pts, dts in zip(layout.pts, layout.dts)])

    def test_sound_has_the_times_of_the_layout(self):
        layout, data = made(Stream(H264, "fmp4", cut="anywhere", audio=True, audio_lead=1.0))
        wanted = [(time + segment.shift) * 48000 // HZ for segment in layout.segments for time in segment.sound]
        self.assertEqual([pts for pts, _ in times(data, "film.mp4", "a")], wanted)


if __name__ == "__main__":
    unittest.main()
