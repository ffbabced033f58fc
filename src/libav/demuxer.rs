//! Demuxes one container: returns the packets of one video stream.

use std::{
    ffi::{CStr, CString},
    ptr,
};

use ffmpeg_next::{self as ff, format::context::StreamIo};
use ffmpeg_sys_next as ffi;

use super::{
    byte_source::ByteSource,
    container::Container,
    decrypt_samples::parse_drm_systems,
    error::{check, failure, no_memory},
    format_context::FormatContext,
    process::limit_allocations,
    stream::{codec_name, side_data},
    video_selection::VideoSelection,
};
use crate::{
    error::{Error, ErrorKind},
    time::{TimeBase, Timestamp},
};

/// How much libavformat does besides demuxing. It never derives timestamps: the timeline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DemuxMode {
    /// Packets as the container has them, without reading ahead.
    Packets,
    /// A parser cuts packets to one frame each and sets key flags.
    Parsed,
    /// As `Parsed`, after `avformat_find_stream_info` has probed what the container does not state.
    Probed,
}

/// Bytes that libavformat may read before the first packet (`AVFormatContext.probesize`), unless probing.
const QUICK_PROBE_BYTES: i64 = 32 << 10;
/// The same for probing.
const LONG_PROBE_BYTES: i64 = 4 << 20;
/// libavformat splits larger PES packets. Its default of 2 MB is smaller than some key frames.
const MAX_PES_BYTES: &CStr = c"16777216";
const IO_BUFFER_BYTES: usize = 32 << 10;
/// Without any video among this many packets, the stream has none.
const MAX_PACKETS_WITHOUT_VIDEO: usize = 4000;

/// An open container.
pub(super) struct Demuxer {
    context: FormatContext,
    /// Freed after `context`, which points to it.
    _io: StreamIo,
    pub(super) source: ByteSource,
    pub(super) container: Container,
    selection: VideoSelection,
}

impl Demuxer {
    /// Opens `source` at its start. Probing decodes frames of at most `max_pixels`.
    pub fn open(source: &ByteSource, container: Container, mode: DemuxMode, max_pixels: u64) -> Result<Self, Error> {
        let (context, io) = open_format(source, container.demuxer(), mode)?;
        let mut demuxer = Self { context, _io: io, source: source.clone(), container, selection: VideoSelection::default() };
        if mode == DemuxMode::Probed {
            let probed = demuxer.probe(max_pixels);
            demuxer.check(probed, "the segment cannot be probed")?;
        }
        if container == Container::Mp4 {
            demuxer.selection.select(&demuxer.context);
        }
        Ok(demuxer)
    }

    /// Has libavformat probe the streams.
    fn probe(&mut self, max_pixels: u64) -> i32 {
        let mut options = vec![ptr::null_mut(); self.streams().len()];
        let value = CString::new(max_pixels.to_string()).unwrap_or_default();
        // SAFETY: `context` is open; the array has a dictionary for each of its streams, which the call may change and we free.
        // `av_dict_set` copies its strings.
        unsafe {
            for one in &mut options {
                ffi::av_dict_set(one, c"max_pixels".as_ptr(), value.as_ptr(), 0);
            }
            let probed = ffi::avformat_find_stream_info(self.context.as_mut_ptr(), options.as_mut_ptr());
            for one in &mut options {
                ffi::av_dict_free(one);
            }
            probed
        }
    }

    /// The next packet of the video stream; `None` at the end. Corrupt packets are included, with libavformat's flag.
    pub fn next_packet(&mut self) -> Result<Option<ff::Packet>, Error> {
        let mut skipped = 0;
        loop {
            if let Some(packet) = self.selection.next_held() {
                return Ok(Some(packet));
            }
            let Some(packet) = self.read()? else {
                if self.selection.chosen.is_some() {
                    return Ok(None);
                }
                self.selection.select(&self.context);
                return Ok(self.selection.next_held());
            };
            if self.selection.chosen == Some(packet.stream()) {
                return Ok(Some(packet));
            }
            if self.selection.chosen.is_none() && self.context.is_video(packet.stream()) {
                self.selection.hold(packet, &self.context, &self.source)?;
                continue;
            }
            skipped += 1;
            if self.selection.chosen.is_none() && skipped > MAX_PACKETS_WITHOUT_VIDEO {
                return Ok(None);
            }
        }
    }

    /// The next packet of any stream.
    fn read(&mut self) -> Result<Option<ff::Packet>, Error> {
        self.check_deadline()?;
        let mut packet = ff::Packet::empty();
        // SAFETY: `context` is open and the packet is blank.
        let read = unsafe { ffi::av_read_frame(self.context.as_mut_ptr(), ff::packet::Mut::as_mut_ptr(&mut packet)) };
        if read == ffi::AVERROR_EOF {
            return match self.source.take_error() {
                Some(error) => Err(error),
                None => Ok(None),
            };
        }
        self.check(read, "the segment cannot be read")?;
        Ok(Some(packet))
    }

    /// Converts ticks of the video stream's time base to seconds.
    pub fn seconds(&self, ticks: i64) -> Option<f64> {
        self.time_base().map(|base| Timestamp::new(ticks, base).seconds())
    }

    /// See [`ByteSource::check_deadline`]. Check it between packets, also while decoding.
    pub fn check_deadline(&self) -> Result<(), Error> {
        self.source.check_deadline()
    }

    /// Seeks to the last key frame at or before `seconds` by the container's index. Returns whether that succeeded.
    pub fn seek(&mut self, seconds: f64) -> bool {
        let Some(stream) = self.stream() else { return false };
        #[expect(clippy::cast_possible_truncation, reason = "microseconds of ten years fit into 53 bits")]
        let microseconds = (seconds * 1e6) as i64;
        // SAFETY: `context` is open and `stream` is one of its own; the call reads through `pb` alone.
        unsafe {
            let ticks = ffi::av_rescale_q(microseconds, ffi::AVRational { num: 1, den: 1_000_000 }, (*stream).time_base);
            ffi::av_seek_frame(self.context.as_mut_ptr(), (*stream).index, ticks, ffi::AVSEEK_FLAG_BACKWARD) >= 0
        }
    }

    /// The duration that the container states, in seconds: from the first start to the last end of its video and audio streams.
    pub fn duration(&self) -> Option<f64> {
        let span_of = |stream: &*mut ffi::AVStream| {
            // SAFETY: each is a stream of the open context, its `codecpar` never null.
            let (kind, base, ticks, start) =
                unsafe { ((*(**stream).codecpar).codec_type, (**stream).time_base, (**stream).duration, (**stream).start_time) };
            let is_played = matches!(kind, ffi::AVMediaType::AVMEDIA_TYPE_VIDEO | ffi::AVMediaType::AVMEDIA_TYPE_AUDIO);
            let start = if start == ffi::AV_NOPTS_VALUE { 0 } else { start };
            let base = TimeBase::new(base.num, base.den).filter(|_| is_played && ticks > 0)?;
            Some((Timestamp::new(start, base).seconds(), Timestamp::new(start.saturating_add(ticks), base).seconds()))
        };
        let spans = self.streams().iter().filter_map(span_of);
        spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).map(|(start, end)| end - start)
    }

    /// Whether the container lists every frame's position, so that [`seek`](Self::seek) works.
    pub fn has_index(&self) -> bool {
        // SAFETY: the stream is one of the open `context`.
        self.container == Container::Mp4 && self.stream().is_some_and(|stream| unsafe { ffi::avformat_index_get_entries_count(stream) > 1 })
    }

    /// The video stream, once it is selected.
    pub fn stream(&self) -> Option<*mut ffi::AVStream> {
        self.streams().get(self.selection.chosen?).copied()
    }

    /// The video stream's extradata, or nothing.
    pub fn extradata(&self) -> &[u8] {
        let Some(stream) = self.stream() else { return &[] };
        // SAFETY: the stream is one of the open `context`, its `codecpar` never null, and `extradata` null or `extradata_size` bytes
        // that change only in calls that take `&mut self`.
        unsafe {
            let parameters = (*stream).codecpar;
            match usize::try_from((*parameters).extradata_size) {
                Ok(size) if size > 0 && !(*parameters).extradata.is_null() => std::slice::from_raw_parts((*parameters).extradata, size),
                _ => &[],
            }
        }
    }

    /// The system IDs of the DRM systems that the container names.
    pub fn drm_systems(&self) -> Vec<Vec<u8>> {
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_ENCRYPTION_INIT_INFO;
        self.streams().iter().filter_map(|stream| side_data(*stream, kind)).flat_map(parse_drm_systems).collect()
    }

    /// libavcodec's name of the video stream's codec.
    pub fn codec(&self) -> &'static str {
        self.stream().map_or("unknown", codec_name)
    }

    /// The video stream's time base.
    pub fn time_base(&self) -> Option<TimeBase> {
        // SAFETY: the stream is one of the open `context`.
        let base = unsafe { (*self.stream()?).time_base };
        TimeBase::new(base.num, base.den)
    }

    /// Whether some stream's codec is unknown, so that there may be video that no table lists.
    pub fn has_unknown_streams(&self) -> bool {
        // SAFETY: each is a stream of the open context, its `codecpar` never null.
        let is_unknown = |stream: &*mut ffi::AVStream| unsafe { (*(**stream).codecpar).codec_id == ffi::AVCodecID::AV_CODEC_ID_NONE };
        self.streams().is_empty() || self.streams().iter().any(is_unknown)
    }

    /// The error for a container without video. It names the streams that are there.
    pub fn no_video_error(&self) -> Error {
        let names: Vec<_> = self.streams().iter().map(|stream| codec_name(*stream)).collect();
        if names.is_empty() {
            Error::new(ErrorKind::Undecodable, "the segment contains no stream")
        } else {
            Error::new(ErrorKind::NoVideo, format!("the segment contains no video, only {}", names.join(", ")))
        }
    }

    /// The streams that libavformat knows.
    pub(super) fn streams(&self) -> &[*mut ffi::AVStream] {
        self.context.streams()
    }

    /// Checks a result of libavformat. The upstream's own error wins over libav's.
    fn check(&self, result: i32, context: &str) -> Result<(), Error> {
        check(result).map(|_| ()).map_err(|e| self.source.take_error().unwrap_or_else(|| failure(context, e)))
    }
}

/// Opens `source` at its start with the libavformat demuxer of this name. The context points into the I/O context, which must outlive it.
pub(super) fn open_format(source: &ByteSource, demuxer: &CStr, mode: DemuxMode) -> Result<(FormatContext, StreamIo), Error> {
    limit_allocations();
    let mut io = StreamIo::from_read_seek_with_capacity(source.from_start(), IO_BUFFER_BYTES)
        .map_err(|e| failure("the segment cannot be opened", e))?;
    // SAFETY: returns null or a context that `avformat_free_context` or `avformat_close_input` frees.
    let mut context = unsafe { ffi::avformat_alloc_context() };
    if context.is_null() {
        return Err(no_memory());
    }
    let mut flags = ffi::AVFMT_FLAG_CUSTOM_IO | ffi::AVFMT_FLAG_IGNIDX | ffi::AVFMT_FLAG_NOFILLIN;
    flags |= match mode {
        DemuxMode::Packets => ffi::AVFMT_FLAG_NOPARSE | ffi::AVFMT_FLAG_NOBUFFER,
        DemuxMode::Parsed => ffi::AVFMT_FLAG_NOBUFFER,
        // Without a buffer avformat_find_stream_info would drop the packets that it reads
        DemuxMode::Probed => 0,
    };
    let mut options: *mut ffi::AVDictionary = ptr::null_mut();
    // SAFETY: `context` is ours and not open yet, which is when its fields may be set; `pb` lives as long as `io`, which outlives
    // `context`. `av_dict_set` copies its strings. `avformat_open_input` frees `context` and nulls it if it fails.
    let opened = unsafe {
        (*context).pb = io.as_mut_ptr();
        (*context).flags |= flags;
        // Timestamps stay as they are: the timeline handles wraps
        (*context).correct_ts_overflow = 0;
        (*context).probesize = if mode == DemuxMode::Probed { LONG_PROBE_BYTES } else { QUICK_PROBE_BYTES };
        if demuxer == Container::Ts.demuxer() {
            ffi::av_dict_set(&raw mut options, c"max_packet_size".as_ptr(), MAX_PES_BYTES.as_ptr(), 0);
        }
        let format = ffi::av_find_input_format(demuxer.as_ptr());
        let opened = ffi::avformat_open_input(&raw mut context, ptr::null(), format, &raw mut options);
        ffi::av_dict_free(&raw mut options);
        opened
    };
    if let Err(e) = check(opened) {
        return Err(source.take_error().unwrap_or_else(|| failure("the segment cannot be opened", e)));
    }
    // SAFETY: `context` is open, and there is no other reference to it.
    Ok((unsafe { FormatContext::from_open(context) }, io))
}
