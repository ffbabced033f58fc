"""Tests of the oracle: reading frames, the muxers, the layout and the model. They run with the Python of script/oracle, without the program."""
from __future__ import annotations

import random
import unittest
from fractions import Fraction

import numpy as np
from PIL import Image

import bitstream
import boards
import fmp4
import picture
import ts
from draw import Stream
from encode import Coding, Film, Unit
from layout import HZ, lay_out
from model import BROKEN, DOUBTFUL, WHOLE, Model


def film(order: list[int], access: dict[int, bool], **coding) -> Film:
    """A film without pictures. `order` has the numbers in decode order; `access` maps random access points to whether they are IDR pictures."""
    units = [Unit(number, b"\0\0\0\1\x65" + bytes([number % 200 + 1]) * 50, number in access, access.get(number, False)) for number in order]
    return Film(Coding("h264", len(order), **coding), units, [b"\x67\x64\0\x1f", b"\x68\1"])


def answers(stream: Stream, made: Film, damaged: frozenset[int] = frozenset()) -> Model:
    return Model(stream, lay_out(stream, made, random.Random(1)), set(damaged))


def stream(made: Film, **fields) -> Stream:
    return Stream(made.coding, "ts", **fields)


class Pictures(unittest.TestCase):
    def test_a_drawn_frame_reads_as_its_number(self):
        for number in (0, 1, 299, 65535):
            self.assertEqual(picture.read(picture.draw(number, 256, 144)), (number, ""))

    def test_a_frame_with_a_region_of_another_frame_is_not_whole(self):
        frame = picture.draw(100, 256, 144)
        frame[48:96, :64] = picture.draw(99, 256, 144)[48:96, :64]
        self.assertIsNone(picture.read(frame)[0])

    def test_a_frame_with_a_gray_region_is_not_whole(self):
        frame = picture.draw(100, 256, 144)
        frame[80:, 128:] = 128
        self.assertIsNone(picture.read(frame)[0])

    def test_a_mean_of_two_frames_is_not_whole(self):
        mixed = (picture.draw(100, 256, 144).astype(int) + picture.draw(101, 256, 144)) // 2
        self.assertIsNone(picture.read(mixed.astype(np.uint8))[0])

    def test_a_wrong_parity_is_found(self):
        frame = picture.draw(100, 256, 144)
        frame[:24, :15] = 255 - frame[:24, :15]
        self.assertEqual(picture.read(frame), (None, "the parity of the number is wrong"))


    def test_a_frame_that_was_scaled_reads_as_its_number(self):
        scaled = Image.fromarray(picture.draw(1007, 320, 180)).resize((256, 144), Image.Resampling.LANCZOS)
        self.assertEqual(picture.read(scaled, lambda _: (320, 180)), (1007, ""))
        self.assertIsNone(picture.read(scaled)[0])


class Boards(unittest.TestCase):
    """Questions about many pictures."""

    def ask(self, **fields) -> list[boards.Board]:
        made = film(list(range(200)), {number: True for number in range(0, 200, 50)})
        model = answers(stream(made, **fields), made)
        return [board for seed in range(60) if (board := boards.draw(model, random.Random(seed)))]

    def test_moments_follow_from_the_options_and_stay_in_the_range(self):
        for board in self.ask():
            value = dict(zip(board.options, board.options[1:]))
            begin, until = Fraction(value.get("--from", "0")), Fraction(value.get("--to", "8"))
            moments = [moment for moment, _ in board.tiles]
            self.assertEqual(moments, [begin + Fraction(value["--every"]) * i for i in range(len(moments))])
            self.assertLess(moments[-1], until)
            self.assertLessEqual(until - moments[-1], Fraction(value["--every"]) + boards.ROUNDING)
            self.assertLessEqual(len(moments), 101)

    def test_each_form_and_precision_is_drawn(self):
        drawn = self.ask()
        self.assertEqual({board.form for board in drawn}, {"sheet", "storyboard"})
        self.assertEqual({"--exact" in board.options for board in drawn}, {True, False})

    def test_a_tile_expects_the_frame_of_its_moment(self):
        for board in self.ask():
            for moment, expected in board.tiles:
                exact = int(moment * 25)
                if expected:
                    self.assertEqual(expected.numbers, {exact if "--exact" in board.options else exact // 50 * 50})

    def test_files_are_not_asked_for_many_pictures(self):
        self.assertEqual(self.ask(delivery="file"), [])


class Bitstreams(unittest.TestCase):
    def test_nal_units_are_split_and_joined(self):
        units = [b"\x67abc", b"\x68d", b"\x65" + bytes(range(1, 100))]
        self.assertEqual(bitstream.nal_units(bitstream.annex_b(units)), units)

    def test_a_recovery_point_is_read(self):
        # Payload type 6, size 1, recovery_frame_cnt 14 as 0001111, exact_match_flag 1
        self.assertEqual(bitstream.recovery_frames([bytes([6, 6, 1, 0b00011111, 0x80])]), 14)


def packets_of(data: bytes, size: int = 188, skip: int = 0) -> list[bytes]:
    return [data[at + skip:at + skip + 188] for at in range(0, len(data), size)]


def payload(packet: bytes) -> bytes:
    control = packet[3] >> 4 & 3
    if control == 2:
        return b""
    return packet[5 + packet[4]:] if control == 3 else packet[4:]


def of_pid(packets: list[bytes], pid: int) -> list[bytes]:
    return [packet for packet in packets if (packet[1] & 31) << 8 | packet[2] == pid]


class TransportStreams(unittest.TestCase):
    def mux(self, **shape) -> bytes:
        muxer = ts.Muxer(ts.TsShape(**shape), "h264", False, random.Random(3))
        return muxer.segment([ts.Pes(ts.VIDEO_PID, bytes([n + 1]) * size, 9000 + n * 3600, 5400 + n * 3600, 5400 + n * 3600)
                              for n, size in enumerate((1, 170, 171, 184, 500, 5000))])

    def test_every_payload_comes_out_whole(self):
        for shape in ({}, {"stuffing": 0.5}, {"null_share": 0.3}, {"pcr": "own"}, {"tables_every": 3}, {"bounded": True}):
            carried = b"".join(payload(packet) for packet in of_pid(packets_of(self.mux(**shape)), ts.VIDEO_PID))
            for n, size in enumerate((1, 170, 171, 184, 500, 5000)):
                self.assertIn(bytes([n + 1]) * size, carried, shape)

    def test_packets_are_188_bytes_and_begin_with_the_sync_byte(self):
        for size, skip in ((188, 0), (192, 4), (204, 0)):
            data = self.mux(packet_size=size)
            self.assertEqual(len(data) % size, 0)
            self.assertTrue(all(packet[0] == 0x47 for packet in packets_of(data, size, skip)))

    def test_continuity_counters_count_packets_with_payload(self):
        counters = [packet[3] & 15 for packet in of_pid(packets_of(self.mux()), ts.VIDEO_PID)]
        self.assertEqual(counters, [n % 16 for n in range(len(counters))])

    def test_a_duplicate_repeats_its_packet(self):
        video = of_pid(packets_of(self.mux(duplicates=0.5)), ts.VIDEO_PID)
        self.assertTrue(any(a == b for a, b in zip(video, video[1:])))

    def test_tables_have_a_right_checksum(self):
        table = payload(of_pid(packets_of(self.mux()), 0)[0])
        self.assertEqual(ts.crc32(table[1:4 + (table[2] & 15) * 256 + table[3]]), 0)

    def test_a_time_stamp_wraps_at_33_bits(self):
        self.assertEqual(ts._stamp(2, ts.WRAP + 5), ts._stamp(2, 5))
        self.assertEqual(ts._stamp(2, ts.WRAP - 1), bytes([0x2F, 0xFF, 0xFF, 0xFF, 0xFF]))


class MovieFragments(unittest.TestCase):
    def test_a_fragment_points_at_its_samples(self):
        track = fmp4.Track([fmp4.Sample(b"first", 0, 3600), fmp4.Sample(b"second", 3600, 3600, False)], 7200)
        body = fmp4.segment(fmp4.Mp4Shape(styp=False), 1, track, fmp4.Track())
        at = body.index(b"trun")
        offset = int.from_bytes(body[at + 12:at + 16], "big")
        self.assertEqual(body[offset:], b"firstsecond")

    def test_boxes_fill_the_segment(self):
        track = fmp4.Track([fmp4.Sample(b"x" * 9, n * 3600, n * 3600, n == 0) for n in range(10)], 36000)
        body = fmp4.segment(fmp4.Mp4Shape(fragments=3, sidx=True), 1, track, fmp4.Track())
        kinds, at = [], 0
        while at < len(body):
            kinds.append(body[at + 4:at + 8])
            at += int.from_bytes(body[at:at + 4], "big")
        self.assertEqual(kinds, [b"styp", b"sidx"] + [b"moof", b"mdat"] * 3)


class Models(unittest.TestCase):
    def test_the_frame_shown_is_the_last_one_that_has_begun(self):
        made = film(list(range(100)), {0: True, 50: True})
        model = answers(stream(made), made)
        self.assertEqual(model.exactly(Fraction("1.99")).numbers, {49})
        self.assertEqual(model.exactly(Fraction("2.01")).numbers, {50})

    def test_time_counts_from_sound_that_begins_before_the_video(self):
        made = film(list(range(100)), {0: True, 50: True})
        model = answers(stream(made, audio=True, audio_lead=1.0), made)
        self.assertEqual(model.exactly(Fraction("1.02")).numbers, {0})
        self.assertEqual(model.exactly(Fraction("0.5")).errors, {"not_found"})

    def test_a_pause_holds_its_frame(self):
        made = film(list(range(100)), {0: True, 50: True})
        model = answers(stream(made, timing="pause", audio=True), made)
        longest = max(model.frames[:-1], key=lambda frame: frame.end - frame.start)
        self.assertGreater(longest.end - longest.start, 1)
        self.assertEqual(model.exactly(longest.end - Fraction(1, 50)).numbers, {longest.number})

    def test_leading_pictures_of_the_first_open_group_are_broken(self):
        made = film([0, 1, 4, 2, 3, 5, 6, 9, 7, 8], {4: False, 9: False})
        model = answers(stream(made), made)
        self.assertEqual([frame.state for frame in model.frames], [BROKEN] * 4 + [WHOLE] * 6)

    def test_damage_lasts_until_the_next_random_access_point(self):
        made = film([0, 1, 2, 3, 6, 4, 5, 7], {0: True, 6: False})
        model = answers(stream(made), made, frozenset({2}))
        states = {frame.number: frame.state for frame in model.frames}
        self.assertEqual([states[n] for n in range(8)], [WHOLE, WHOLE] + [DOUBTFUL] * 4 + [WHOLE] * 2)
        self.assertEqual(model.exactly(Fraction("0.13")).numbers, {1, 3, 6})

    def test_a_key_frame_is_the_last_one_at_or_before(self):
        made = film(list(range(100)), {0: True, 50: True})
        self.assertEqual(answers(stream(made), made).key_at(Fraction("3")).numbers, {50})

    def test_durations_count_from_the_earliest_presentation(self):
        order = [0, 3, 1, 2] + [n for at in range(6, 99, 3) for n in (at, at - 2, at - 1)]
        made = film(order, {0: True, 51: False})
        for starts, first in (("earliest", "1.960000"), ("first", "2.040000")):
            layout = lay_out(stream(made, starts=starts), made, random.Random(1))
            self.assertEqual(layout.segments[0].listed, first)

    def test_a_decode_time_is_never_after_its_presentation(self):
        made = film([0, 8, 4, 2, 1, 3, 6, 5, 7, 9], {0: True})
        layout = lay_out(stream(made), made, random.Random(1))
        self.assertTrue(all(dts <= pts for dts, pts in zip(layout.dts, layout.pts)))
        self.assertEqual(layout.dts, sorted(layout.dts))
        self.assertEqual(layout.step, HZ // 25)


if __name__ == "__main__":
    unittest.main()
