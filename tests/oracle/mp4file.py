"""Muxes a progressive MP4 file: one moov with sample tables, before the media or after it."""
from __future__ import annotations

from itertools import groupby

import aac
import fmp4
from fmp4 import AUDIO, VIDEO, Mp4Shape, Track, box, full, u16, u32

CHUNK = 10  # samples of a track in a row


def write(shape: Mp4Shape, entry: bytes, size: tuple[int, int], video: Track, audio: Track, waits: tuple[int, int], media_time: int) -> bytes:
    """`waits` are the empty edits of video and audio in movie time, `media_time` is where the video's edit begins."""
    tracks = [(VIDEO, shape.timescale, entry, size, video, waits[0], media_time)]
    if audio.samples:
        tracks.append((AUDIO, aac.RATE, fmp4.audio_entry(), (0, 0), audio, waits[1], 0))
    chunks = sorted((samples[0].dts / scale, number, samples) for number, scale, _, _, track, _, _ in tracks
                    for samples in (track.samples[at:at + CHUNK] for at in range(0, len(track.samples), CHUNK)))
    head = box("ftyp", b"isom", u32(512), b"isomiso2mp41")

    def moov(start: int) -> bytes:
        offsets: dict[int, list[int]] = {VIDEO: [], AUDIO: []}
        for _, number, samples in chunks:
            offsets[number].append(start)
            start += sum(len(sample.data) for sample in samples)
        longest = max(_movie_length(shape, track[1], *track[4:]) for track in tracks)
        header = full("mvhd", 0, 0, u32(0), u32(0), u32(shape.timescale), u32(longest), u32(0x10000), u16(0x100), bytes(10), fmp4.MATRIX, bytes(24), u32(3))
        return box("moov", header, *(_trak(shape, *track, offsets[track[0]]) for track in tracks))

    media = box("mdat", *(sample.data for _, _, samples in chunks for sample in samples))
    if shape.moov_last:
        return head + media + moov(len(head) + 8)
    return head + moov(len(head) + len(moov(0)) + 8) + media


def _movie_length(shape: Mp4Shape, scale: int, track: Track, wait: int, media_time: int) -> int:
    """The length in movie time: the empty edit and the rest of the track."""
    return wait + max(1, (_last(track) - media_time) * shape.timescale // scale)


def _last(track: Track) -> int:
    """When the last sample's presentation ends."""
    step = track.end - track.samples[-1].dts
    return max(sample.pts for sample in track.samples) + step - track.samples[0].dts


def _trak(shape: Mp4Shape, number: int, scale: int, entry: bytes, size: tuple[int, int], track: Track, wait: int, media_time: int,
          offsets: list[int]) -> bytes:
    video = number == VIDEO
    length = _movie_length(shape, scale, track, wait, media_time)
    header = full("tkhd", 0, 3, u32(0), u32(0), u32(number), u32(0), u32(length), bytes(8), u16(0), u16(0), u16(0 if video else 0x100), u16(0),
                  fmp4.MATRIX, u32(size[0] << 16), u32(size[1] << 16))
    entries = ([u32(wait) + u32(0xFFFFFFFF) + u32(0x10000)] if wait else []) + [u32(length - wait) + u32(media_time) + u32(0x10000)]
    edits = box("edts", full("elst", 0, 0, u32(len(entries)), *entries))
    mdhd = full("mdhd", 0, 0, u32(0), u32(0), u32(scale), u32(track.end - track.samples[0].dts), u16(0x55C4), u16(0))
    handler = full("hdlr", 0, 0, u32(0), b"vide" if video else b"soun", bytes(12), b"\0")
    media = full("vmhd", 0, 1, bytes(8)) if video else full("smhd", 0, 0, bytes(4))
    data = box("dinf", full("dref", 0, 0, u32(1), full("url ", 0, 1)))
    return box("trak", header, edits, box("mdia", mdhd, handler, box("minf", media, data, _tables(entry, track, offsets))))


def _tables(entry: bytes, track: Track, offsets: list[int]) -> bytes:
    samples = track.samples
    ends = [sample.dts for sample in samples[1:]] + [track.end]
    parts = [full("stsd", 0, 0, u32(1), entry), _runs("stts", [end - sample.dts for sample, end in zip(samples, ends)])]
    if any(sample.pts != sample.dts for sample in samples):
        parts.append(_runs("ctts", [sample.pts - sample.dts for sample in samples]))
    if not all(sample.sync for sample in samples):
        numbers = [i + 1 for i, sample in enumerate(samples) if sample.sync]
        parts.append(full("stss", 0, 0, u32(len(numbers)), *map(u32, numbers)))
    full_chunks, rest = divmod(len(samples), CHUNK)
    rows = [(1, CHUNK)] * bool(full_chunks) + [(full_chunks + 1, rest)] * bool(rest)
    parts.append(full("stsc", 0, 0, u32(len(rows)), *(u32(first) + u32(count) + u32(1) for first, count in rows)))
    parts.append(full("stsz", 0, 0, u32(0), u32(len(samples)), *(u32(len(sample.data)) for sample in samples)))
    parts.append(full("stco", 0, 0, u32(len(offsets)), *map(u32, offsets)))
    return box("stbl", *parts)


def _runs(kind: str, values: list[int]) -> bytes:
    """Equal values in a row as one entry."""
    rows = [(len(list(group)), value) for value, group in groupby(values)]
    return full(kind, 0, 0, u32(len(rows)), *(u32(count) + u32(value) for count, value in rows))

