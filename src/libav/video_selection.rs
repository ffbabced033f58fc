//! Selects the video stream to read: the largest one that has packets, because tables may list streams that carry none.
//!
//! Packets of all video streams are held until the selection, so none is lost.

use std::collections::VecDeque;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{container, demuxer::Demuxer, size, stream::video_pixels};
use crate::error::Error;

/// After this many packets of one video stream, others without packets are dead.
const MAX_PACKETS_OF_ONE: usize = 30;
/// Bytes of packets that are held at most before the selection.
const MAX_HELD_BYTES: usize = 8 << 20;
/// Programs are expected to send their tables within this many bytes.
const PROGRAM_TABLE_BYTES: usize = 32 << 10;

/// The state of the selection.
#[derive(Default)]
pub(super) struct VideoSelection {
    /// The index of the selected stream.
    pub chosen: Option<usize>,
    /// Packets of all video streams from before the selection.
    held: VecDeque<ff::Packet>,
    live: Vec<LiveStream>,
}

/// A video stream that has packets.
struct LiveStream {
    index: usize,
    packets: usize,
    /// The size of its frames, 0 until it is known.
    pixels: u64,
}

impl VideoSelection {
    /// The next held packet of the selected stream.
    pub fn next_held(&mut self) -> Option<ff::Packet> {
        let chosen = self.chosen?;
        std::iter::from_fn(|| self.held.pop_front()).find(|packet| packet.stream() == chosen)
    }

    fn live(&self, index: usize) -> Option<&LiveStream> {
        self.live.iter().find(|stream| stream.index == index)
    }
}

impl Demuxer {
    /// Holds a packet, and selects a stream as soon as the largest one is known. A single one is selected at once.
    pub(super) fn hold(&mut self, packet: ff::Packet) -> Result<(), Error> {
        let index = packet.stream();
        let has_one_video = self.has_one_video()?;
        let is_measured = self.selection.live(index).map_or(has_one_video, |stream| stream.pixels > 0);
        let stream = self.streams().get(index).filter(|_| !is_measured);
        let pixels = stream.map_or(0, |stream| size::told(&packet, *stream));
        match self.selection.live.iter_mut().find(|stream| stream.index == index) {
            Some(stream) => (stream.packets, stream.pixels) = (stream.packets + 1, pixels.max(stream.pixels)),
            None => self.selection.live.push(LiveStream { index, packets: 1, pixels }),
        }
        self.selection.held.push_back(packet);
        let is_known = |index: usize| self.selection.live(index).is_some_and(|stream| stream.pixels > 0);
        let bytes: usize = self.selection.held.iter().map(ff::Packet::size).sum();
        let all_known = (0..self.streams().len()).filter(|index| self.is_video(*index)).all(is_known);
        let is_clear = has_one_video || all_known && !self.expects_more_programs()?;
        let is_overdue =
            bytes > MAX_HELD_BYTES || self.selection.live.iter().any(|stream| stream.packets > MAX_PACKETS_OF_ONE && stream.pixels > 0);
        if is_clear || is_overdue {
            self.select_video();
        }
        Ok(())
    }

    /// Whether there is exactly one video stream, and no program that may add another.
    fn has_one_video(&self) -> Result<bool, Error> {
        Ok((0..self.streams().len()).filter(|index| self.is_video(*index)).count() == 1 && !self.expects_more_programs()?)
    }

    /// Whether there are programs in the stream whose tables libavformat has not read yet.
    fn expects_more_programs(&self) -> Result<bool, Error> {
        let (tables, read) = self.program_tables();
        Ok(tables.len() > 1 && container::count_present_tables(&self.source.peek(PROGRAM_TABLE_BYTES)?, &tables) > read)
    }

    /// The PIDs of the program map tables (ISO/IEC 13818-1, 2.4.4.8), and how many of them libavformat has read.
    fn program_tables(&self) -> (Vec<u16>, usize) {
        // SAFETY: `programs` points to `nb_programs` pointers to programs while the context is open.
        let programs: Vec<(i32, bool)> = unsafe {
            let (programs, count) = ((*self.context).programs, (*self.context).nb_programs as usize);
            let programs = if programs.is_null() || count == 0 { &[] } else { std::slice::from_raw_parts(programs, count) };
            programs.iter().map(|program| ((**program).pmt_pid, (**program).nb_stream_indexes > 0)).collect()
        };
        let read = programs.iter().filter(|(_, has_streams)| *has_streams).count();
        (programs.into_iter().filter_map(|(pid, _)| pid.try_into().ok()).collect(), read)
    }

    pub(super) fn is_video(&self, index: usize) -> bool {
        self.streams().get(index).is_some_and(|stream| video_pixels(*stream).is_some())
    }

    /// Selects the largest live video stream and has libavformat discard all others.
    pub(super) fn select_video(&mut self) {
        let candidates = self.streams().iter().enumerate().filter_map(|(index, stream)| {
            let stated = u64::try_from(video_pixels(*stream)?).unwrap_or(0);
            match self.selection.live(index) {
                Some(live) => Some((index, stated.max(live.pixels).max(1))),
                None => self.selection.held.is_empty().then_some((index, stated)),
            }
        });
        let best = candidates.reduce(|best, other| if other.1 > best.1 { other } else { best });
        let Some((chosen, _)) = best else { return };
        self.selection.chosen = Some(chosen);
        for (index, stream) in self.streams().iter().enumerate() {
            if index != chosen {
                // SAFETY: each is a stream of the open context; `discard` may be set at any time.
                unsafe { (**stream).discard = ffi::AVDiscard::AVDISCARD_ALL };
            }
        }
    }
}
