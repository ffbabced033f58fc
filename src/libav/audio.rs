//! Finds the start of audio streams: a segment starts with the earliest of its streams.

use ffmpeg_sys_next as ffi;

use super::{container::Container, demuxer::Demuxer};
use crate::time::{TimeBase, Timestamp};

impl Demuxer {
    /// Whether there is an audio stream without a known sample.
    pub fn has_audio_without_index(&self) -> bool {
        // SAFETY: each is a stream of the open context, its `codecpar` never null.
        self.streams().iter().any(|stream| unsafe {
            (*(**stream).codecpar).codec_type == ffi::AVMediaType::AVMEDIA_TYPE_AUDIO && ffi::avformat_index_get_entries_count(*stream) == 0
        })
    }

    /// The start of each audio stream, if it is known: seconds of the media's clock, and the offset in the source.
    pub fn audio_starts(&self) -> Vec<(f64, u64)> {
        let starts = self.source.stream_starts();
        let of_stream = |stream: &*mut ffi::AVStream| {
            // SAFETY: each is a stream of the open context, its `codecpar` never null; an index entry is valid until the next call that
            // takes `&mut self`.
            unsafe {
                if (*(**stream).codecpar).codec_type != ffi::AVMediaType::AVMEDIA_TYPE_AUDIO {
                    return None;
                }
                if self.container == Container::Ts {
                    let pid = (**stream).id;
                    let start = starts.iter().find(|start| i32::from(start.pid) == pid)?;
                    return Some((start.pts as f64 / 90_000.0, start.position));
                }
                let entry = ffi::avformat_index_get_entry(*stream, 0).as_ref()?;
                let base = TimeBase::new((**stream).time_base.num, (**stream).time_base.den)?;
                Some((Timestamp::new(entry.timestamp, base).seconds(), u64::try_from(entry.pos).ok()?))
            }
        };
        self.streams().iter().filter_map(of_stream).collect()
    }
}
