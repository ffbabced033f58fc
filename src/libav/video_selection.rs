//! Selects the video stream to read: the largest one that has packets, because tables may list streams that carry none.
//!
//! Packets of all video streams are held until the selection, so none is lost.

use std::collections::VecDeque;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{byte_source::ByteSource, container, format_context::FormatContext, size, stream::video_pixels};
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

    /// Holds a packet, and selects a stream as soon as the largest one is known. A single one is selected at once.
    pub fn hold(&mut self, packet: ff::Packet, context: &FormatContext, source: &ByteSource) -> Result<(), Error> {
        let index = packet.stream();
        let has_one_video = has_one_video(context, source)?;
        let is_measured = self.live(index).map_or(has_one_video, |stream| stream.pixels > 0);
        let stream = context.streams().get(index).filter(|_| !is_measured);
        let pixels = stream.map_or(0, |stream| size::coded_pixels(&packet, *stream));
        match self.live.iter_mut().find(|stream| stream.index == index) {
            Some(stream) => (stream.packets, stream.pixels) = (stream.packets + 1, pixels.max(stream.pixels)),
            None => self.live.push(LiveStream { index, packets: 1, pixels }),
        }
        self.held.push_back(packet);
        let is_known = |index: usize| self.live(index).is_some_and(|stream| stream.pixels > 0);
        let bytes: usize = self.held.iter().map(ff::Packet::size).sum();
        let all_known = (0..context.streams().len()).filter(|index| context.is_video(*index)).all(is_known);
        let is_clear = has_one_video || all_known && !expects_more_programs(context, source)?;
        let is_overdue = bytes > MAX_HELD_BYTES || self.live.iter().any(|stream| stream.packets > MAX_PACKETS_OF_ONE && stream.pixels > 0);
        if is_clear || is_overdue {
            self.select(context);
        }
        Ok(())
    }

    /// Selects the largest live video stream and has libavformat discard all others.
    pub fn select(&mut self, context: &FormatContext) {
        let candidates = context.streams().iter().enumerate().filter_map(|(index, stream)| {
            let stated = u64::try_from(video_pixels(*stream)?).unwrap_or(0);
            match self.live(index) {
                Some(live) => Some((index, stated.max(live.pixels).max(1))),
                None => self.held.is_empty().then_some((index, stated)),
            }
        });
        let best = candidates.reduce(|best, other| if other.1 > best.1 { other } else { best });
        let Some((chosen, _)) = best else { return };
        self.chosen = Some(chosen);
        for (index, stream) in context.streams().iter().enumerate() {
            if index != chosen {
                // SAFETY: each is a stream of the open context; `discard` may be set at any time.
                unsafe { (**stream).discard = ffi::AVDiscard::AVDISCARD_ALL };
            }
        }
    }
}

/// Whether there is exactly one video stream, and no program that may add another.
fn has_one_video(context: &FormatContext, source: &ByteSource) -> Result<bool, Error> {
    Ok((0..context.streams().len()).filter(|index| context.is_video(*index)).count() == 1 && !expects_more_programs(context, source)?)
}

/// Whether there are programs in the stream whose tables libavformat has not read yet.
fn expects_more_programs(context: &FormatContext, source: &ByteSource) -> Result<bool, Error> {
    let (tables, read) = context.program_tables();
    Ok(tables.len() > 1 && container::count_present_tables(&source.peek(PROGRAM_TABLE_BYTES)?, &tables) > read)
}
