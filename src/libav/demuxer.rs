//! Packets of the one video stream that is looked at.

use std::{
    collections::VecDeque,
    ffi::{CStr, CString},
    ptr,
};

use ffmpeg_next::{self as ff, format::context::StreamIo};
use ffmpeg_sys_next as ffi;

use super::{
    byte_source::ByteSource,
    container::{self, Container},
    decrypt_samples::systems,
    error::{check, failure, no_memory, set_up},
    size,
};
use crate::{
    error::{Error, ErrorKind},
    time::{TimeBase, Timestamp},
};

/// How much libavformat may do besides taking the container apart. It never derives times: that is the timeline's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DemuxMode {
    /// Packets as they are in the container: nothing is read ahead, nothing is guessed.
    Packets,
    /// Packets are cut to one frame each by a parser, which sets key flags.
    Parsed,
    /// As `Parsed`, after `avformat_find_stream_info` has looked at what the container does not tell.
    Probed,
}

/// What a quick look may read before the first packet (`AVFormatContext.probesize`).
const QUICK_PROBE: i64 = 32 << 10;
const LONG_PROBE: i64 = 4 << 20;
/// libavformat cuts larger PES packets in two, and its default of 2 MB is less than some key frames.
const LARGEST_PES: &CStr = c"16777216";
const IO_BUFFER: usize = 32 << 10;
/// A stream without video among so many packets has none.
const PACKETS_WITHOUT_VIDEO: usize = 4000;
/// Of several video streams, one that has no packet among so many of another's is dead.
const PACKETS_OF_ANOTHER: usize = 30;
/// Bytes that are held until the largest of several video streams is known.
const LARGEST_HELD: usize = 8 << 20;
/// Programmes whose tables come within so many bytes are seen.
const PROGRAMMES: usize = 32 << 10;

/// A container being taken apart.
pub(super) struct Demuxer {
    context: *mut ffi::AVFormatContext,
    /// Freed after `context`, which points to it.
    _io: StreamIo,
    pub(super) source: ByteSource,
    chosen: Option<usize>,
    pub(super) container: Container,
    /// Packets of all video streams that came before one of them was chosen.
    held: VecDeque<ff::Packet>,
    /// Of each video stream that has had packets: how many, and the pixels of its frames once they are known.
    seen: Vec<(usize, usize, u64)>,
}

impl Demuxer {
    /// Opens what `source` holds, from its start. Probing decodes frames of at most `most_pixels`.
    pub fn open(source: &ByteSource, container: Container, mode: DemuxMode, most_pixels: u64) -> Result<Self, Error> {
        set_up();
        let mut io = StreamIo::from_read_seek_with_capacity(source.from_start(), IO_BUFFER).map_err(|e| failure("opening", e))?;
        // SAFETY: returns null or a context that `avformat_free_context` or `avformat_close_input` frees.
        let mut context = unsafe { ffi::avformat_alloc_context() };
        if context.is_null() {
            return Err(no_memory());
        }
        let mut flags = ffi::AVFMT_FLAG_CUSTOM_IO | ffi::AVFMT_FLAG_IGNIDX | ffi::AVFMT_FLAG_NOFILLIN;
        flags |= match mode {
            DemuxMode::Packets => ffi::AVFMT_FLAG_NOPARSE | ffi::AVFMT_FLAG_NOBUFFER,
            DemuxMode::Parsed => ffi::AVFMT_FLAG_NOBUFFER,
            // Without a buffer find_stream_info would drop the packets that it has read
            DemuxMode::Probed => 0,
        };
        let mut options: *mut ffi::AVDictionary = ptr::null_mut();
        // SAFETY: `context` is ours and not open yet, which is when its fields may be set; `pb` lives as long as `io`, which outlives
        // `context`. `av_dict_set` copies its strings. `avformat_open_input` frees `context` and nulls it where it fails.
        let opened = unsafe {
            (*context).pb = io.as_mut_ptr();
            (*context).flags |= flags;
            // Timestamps stay as they are: the timeline knows when the clock wraps
            (*context).correct_ts_overflow = 0;
            (*context).probesize = if mode == DemuxMode::Probed { LONG_PROBE } else { QUICK_PROBE };
            if container == Container::Ts {
                ffi::av_dict_set(&raw mut options, c"max_packet_size".as_ptr(), LARGEST_PES.as_ptr(), 0);
            }
            let demuxer = ffi::av_find_input_format(container.demuxer().as_ptr());
            let opened = ffi::avformat_open_input(&raw mut context, ptr::null(), demuxer, &raw mut options);
            ffi::av_dict_free(&raw mut options);
            opened
        };
        if let Err(e) = check(opened) {
            return Err(source.take_error().unwrap_or_else(|| failure("the segment cannot be opened", e)));
        }
        let (held, seen) = (VecDeque::new(), Vec::new());
        let mut demuxer = Self { context, _io: io, source: source.clone(), chosen: None, container, held, seen };
        if mode == DemuxMode::Probed {
            let probed = demuxer.probe(most_pixels);
            demuxer.raise(probed, "the segment cannot be probed")?;
        }
        if container == Container::Mp4 {
            demuxer.choose();
        }
        Ok(demuxer)
    }

    /// libavformat's own look at what the streams hold.
    fn probe(&mut self, most_pixels: u64) -> i32 {
        let mut options = vec![ptr::null_mut(); self.streams().len()];
        let most = CString::new(most_pixels.to_string()).unwrap_or_default();
        // SAFETY: `context` is open; the array has a dictionary for each of its streams, which the call may change and we free.
        // `av_dict_set` copies its strings.
        unsafe {
            for one in &mut options {
                ffi::av_dict_set(one, c"max_pixels".as_ptr(), most.as_ptr(), 0);
            }
            let probed = ffi::avformat_find_stream_info(self.context, options.as_mut_ptr());
            for one in &mut options {
                ffi::av_dict_free(one);
            }
            probed
        }
    }

    /// The next packet of the video stream; `None` at the end. A packet that libavformat marks as corrupt is given with its mark.
    pub fn next_packet(&mut self) -> Result<Option<ff::Packet>, Error> {
        let mut passed_over = 0;
        loop {
            if self.chosen.is_some() {
                while let Some(packet) = self.held.pop_front() {
                    if self.chosen == Some(packet.stream()) {
                        return Ok(Some(packet));
                    }
                }
            }
            let Some(packet) = self.read()? else {
                if self.chosen.is_none() {
                    self.choose();
                }
                if self.chosen.is_none() || self.held.is_empty() {
                    return Ok(None);
                }
                continue;
            };
            if self.chosen == Some(packet.stream()) {
                return Ok(Some(packet));
            }
            if self.chosen.is_none() && self.is_video(packet.stream()) {
                self.hold(packet)?;
                continue;
            }
            passed_over += 1;
            if self.chosen.is_none() && passed_over > PACKETS_WITHOUT_VIDEO {
                return Ok(None);
            }
        }
    }

    /// The next packet of any stream.
    fn read(&mut self) -> Result<Option<ff::Packet>, Error> {
        self.check_deadline()?;
        let mut packet = ff::Packet::empty();
        // SAFETY: `context` is open and the packet is blank.
        let read = unsafe { ffi::av_read_frame(self.context, ff::packet::Mut::as_mut_ptr(&mut packet)) };
        if read == ffi::AVERROR_EOF {
            return match self.source.take_error() {
                Some(error) => Err(error),
                None => Ok(None),
            };
        }
        self.raise(read, "the segment cannot be read")?;
        Ok(Some(packet))
    }

    /// Keeps a packet until it is clear which video stream is the largest. A single one is chosen at once.
    fn hold(&mut self, packet: ff::Packet) -> Result<(), Error> {
        let index = packet.stream();
        let size = || self.streams().get(index).map_or(0, |stream| size::told(&packet, *stream));
        match self.seen.iter().position(|(stream, ..)| *stream == index) {
            Some(at) => {
                let size = if self.seen.get(at).is_some_and(|(.., size)| *size == 0) { size() } else { 0 };
                if let Some((_, count, known)) = self.seen.get_mut(at) {
                    (*count, *known) = (*count + 1, size.max(*known));
                }
            }
            None if self.has_one_video()? => self.seen.push((index, 1, 0)),
            None => {
                let size = size();
                self.seen.push((index, 1, size));
            }
        }
        self.held.push_back(packet);
        let is_known = |index: usize| self.seen.iter().any(|(stream, _, size)| *stream == index && *size > 0);
        let bytes: usize = self.held.iter().map(ff::Packet::size).sum();
        let videos = (0..self.streams().len()).filter(|index| self.is_video(*index));
        let is_clear = self.has_one_video()? || videos.into_iter().all(is_known) && !self.has_more_programmes()?;
        let is_long = bytes > LARGEST_HELD || self.seen.iter().any(|(_, count, size)| *count > PACKETS_OF_ANOTHER && *size > 0);
        if is_clear || is_long {
            self.choose();
        }
        Ok(())
    }

    /// Whether there is one video stream, and no other may come.
    fn has_one_video(&self) -> Result<bool, Error> {
        Ok((0..self.streams().len()).filter(|index| self.is_video(*index)).count() == 1 && !self.has_more_programmes()?)
    }

    /// Whether there are programmes whose tables did not come yet.
    fn has_more_programmes(&self) -> Result<bool, Error> {
        let tables = self.programme_tables();
        Ok(tables.len() > 1 && {
            let present = container::count_present_tables(&self.source.peek(PROGRAMMES)?, &tables);
            // SAFETY: `programs` points to `nb_programs` pointers to programmes while the context is open.
            let read = unsafe {
                let programmes = std::slice::from_raw_parts((*self.context).programs, (*self.context).nb_programs as usize);
                programmes.iter().filter(|programme| (***programme).nb_stream_indexes > 0).count()
            };
            present > read
        })
    }

    fn is_video(&self, index: usize) -> bool {
        self.streams().get(index).is_some_and(|stream| picture_size(stream).is_some())
    }

    /// Seconds of the media's clock, of ticks of the video stream's time base.
    pub fn seconds(&self, ticks: i64) -> Option<f64> {
        self.time_base().map(|base| Timestamp::new(ticks, base).seconds())
    }

    /// What it reads.
    pub fn source(&self) -> ByteSource {
        self.source.clone()
    }

    /// Fails once nothing more is wanted: asked between packets, also by who decodes them.
    pub fn check_deadline(&self) -> Result<(), Error> {
        self.source.check_deadline()
    }

    /// Goes to the key frame at or before `moment` by the container's own index; `false` where there is none.
    pub fn seek(&mut self, moment: f64) -> bool {
        let Some(stream) = self.stream() else { return false };
        #[expect(clippy::cast_possible_truncation, reason = "microseconds of ten years fit into 53 bits")]
        let microseconds = (moment * 1e6) as i64;
        // SAFETY: `context` is open and `stream` is one of its own; the call reads through `pb` alone.
        unsafe {
            let ticks = ffi::av_rescale_q(microseconds, ffi::AVRational { num: 1, den: 1_000_000 }, (*stream).time_base);
            ffi::av_seek_frame(self.context, (*stream).index, ticks, ffi::AVSEEK_FLAG_BACKWARD) >= 0
        }
    }

    /// Seconds that the container says it lasts: its longest stream of video or sound.
    pub fn duration(&self) -> Option<f64> {
        let of_stream = |stream: &*mut ffi::AVStream| {
            // SAFETY: each is a stream of the open context, its `codecpar` never null.
            let (kind, base, ticks, start) =
                unsafe { ((*(**stream).codecpar).codec_type, (**stream).time_base, (**stream).duration, (**stream).start_time) };
            let is_shown = matches!(kind, ffi::AVMediaType::AVMEDIA_TYPE_VIDEO | ffi::AVMediaType::AVMEDIA_TYPE_AUDIO);
            let start = if start == ffi::AV_NOPTS_VALUE { 0 } else { start };
            let base = TimeBase::new(base.num, base.den).filter(|_| is_shown && ticks > 0)?;
            Some((Timestamp::new(start, base).seconds(), Timestamp::new(start.saturating_add(ticks), base).seconds()))
        };
        let spans = self.streams().iter().filter_map(of_stream);
        spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).map(|(start, end)| end - start)
    }

    /// Whether the container tells every frame's place: then it can be seeked in.
    pub fn has_index(&self) -> bool {
        // SAFETY: the stream is one of the open `context`.
        self.container == Container::Mp4 && self.stream().is_some_and(|stream| unsafe { ffi::avformat_index_get_entries_count(stream) > 1 })
    }

    /// The video stream, once it is known.
    pub fn stream(&self) -> Option<*mut ffi::AVStream> {
        self.streams().get(self.chosen?).copied()
    }

    /// The video stream's extradata; empty where there is none.
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

    /// The DRM systems that the container names, by their IDs.
    pub fn drm_systems(&self) -> Vec<Vec<u8>> {
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_ENCRYPTION_INIT_INFO;
        self.streams().iter().filter_map(|stream| stream_side_data(*stream, kind)).flat_map(systems).collect()
    }

    /// The PIDs of the tables that tell what the programmes of a transport stream hold.
    pub fn programme_tables(&self) -> Vec<u16> {
        // SAFETY: `programs` points to `nb_programs` pointers to programmes while the context is open.
        let tables = unsafe {
            let (programmes, count) = ((*self.context).programs, (*self.context).nb_programs as usize);
            let programmes = if programmes.is_null() || count == 0 { &[] } else { std::slice::from_raw_parts(programmes, count) };
            programmes.iter().map(|programme| (**programme).pmt_pid).collect::<Vec<_>>()
        };
        tables.into_iter().filter_map(|pid| pid.try_into().ok()).collect()
    }

    /// libavcodec's name of the video stream's codec.
    pub fn codec(&self) -> &'static str {
        self.stream().map_or("unknown", codec_name)
    }

    /// The unit of the video stream's times.
    pub fn time_base(&self) -> Option<TimeBase> {
        // SAFETY: the stream is one of the open `context`.
        let base = unsafe { (*self.stream()?).time_base };
        TimeBase::new(base.num, base.den)
    }

    /// Whether there may be video that no table tells.
    pub fn has_unknown_streams(&self) -> bool {
        // SAFETY: each is a stream of the open context, its `codecpar` never null.
        let is_unknown = |stream: &*mut ffi::AVStream| unsafe { (*(**stream).codecpar).codec_id == ffi::AVCodecID::AV_CODEC_ID_NONE };
        self.streams().is_empty() || self.streams().iter().any(is_unknown)
    }

    /// Why there is no video: what is there instead.
    pub fn without_video(&self) -> Error {
        let names: Vec<_> = self.streams().iter().map(|stream| codec_name(*stream)).collect();
        if names.is_empty() {
            Error::new(ErrorKind::Undecodable, "no stream was found in the segment")
        } else {
            Error::new(ErrorKind::NoVideo, format!("the segment holds no video, only {}", names.join(", ")))
        }
    }

    pub(super) fn streams(&self) -> &[*mut ffi::AVStream] {
        // SAFETY: `streams` points to `nb_streams` pointers while the context is open; both change only in calls that take `&mut self`.
        unsafe {
            let (streams, count) = ((*self.context).streams, (*self.context).nb_streams as usize);
            if streams.is_null() || count == 0 { &[] } else { std::slice::from_raw_parts(streams, count) }
        }
    }

    /// Takes the largest video stream that is alive, and has the demuxer throw the others away.
    fn choose(&mut self) {
        // Of those that have packets: tables may list dead ones
        let alive = |index: usize| self.seen.iter().find(|(stream, ..)| *stream == index);
        let candidates = self.streams().iter().enumerate().filter_map(|(index, stream)| {
            let told = u64::try_from(picture_size(stream)?).unwrap_or(0);
            match alive(index) {
                Some((_, _, size)) => Some((index, told.max(*size).max(1))),
                None => self.held.is_empty().then_some((index, told)),
            }
        });
        let best = candidates.reduce(|best, other| if other.1 > best.1 { other } else { best });
        let Some((chosen, _)) = best else { return };
        self.chosen = Some(chosen);
        for (index, stream) in self.streams().iter().enumerate() {
            if index != chosen {
                // SAFETY: each is a stream of the open context; `discard` may be set at any time.
                unsafe { (**stream).discard = ffi::AVDiscard::AVDISCARD_ALL };
            }
        }
    }

    /// The upstream's own error where there was one, else libav's.
    fn raise(&self, result: i32, doing: &str) -> Result<(), Error> {
        check(result).map(|_| ()).map_err(|e| self.source.take_error().unwrap_or_else(|| failure(doing, e)))
    }
}

/// A video stream's pixels, 0 where they are not known; `None` for any other.
fn picture_size(stream: &*mut ffi::AVStream) -> Option<i64> {
    // SAFETY: callers pass a stream of an open context, whose `codecpar` is never null.
    unsafe {
        let (parameters, disposition) = ((**stream).codecpar, (**stream).disposition);
        let is_video = (*parameters).codec_type == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
        let is_cover = disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0;
        (is_video && !is_cover).then(|| i64::from((*parameters).width) * i64::from((*parameters).height))
    }
}

/// Side data that belongs to a whole stream.
fn stream_side_data<'a>(stream: *mut ffi::AVStream, kind: ffi::AVPacketSideDataType) -> Option<&'a [u8]> {
    // SAFETY: the callers pass a stream of an open demuxer and drop the data before it; the side data of its parameters are
    // `nb_coded_side_data` entries, each with `size` bytes.
    #[cfg(libav_coded_side_data)]
    unsafe {
        let parameters = (*stream).codecpar;
        let found = ffi::av_packet_side_data_get((*parameters).coded_side_data, (*parameters).nb_coded_side_data, kind);
        (!found.is_null()).then(|| std::slice::from_raw_parts((*found).data, (*found).size))
    }
    // SAFETY: as above; the call returns null or `size` bytes that live as long as the stream.
    #[cfg(not(libav_coded_side_data))]
    unsafe {
        let mut size = 0;
        let data = ffi::av_stream_get_side_data(stream, kind, &raw mut size);
        (!data.is_null()).then(|| std::slice::from_raw_parts(data, size))
    }
}

impl Drop for Demuxer {
    fn drop(&mut self) {
        // SAFETY: `context` was opened by `avformat_open_input` and is closed once; with AVFMT_FLAG_CUSTOM_IO `pb` stays for `_io` to free.
        unsafe { ffi::avformat_close_input(&raw mut self.context) };
    }
}

/// libavcodec's name of what a stream holds.
pub(super) fn codec_name(stream: *mut ffi::AVStream) -> &'static str {
    // SAFETY: callers pass a stream of an open context; `avcodec_get_name` never returns null and its strings are static.
    unsafe { CStr::from_ptr(ffi::avcodec_get_name((*(*stream).codecpar).codec_id)) }.to_str().unwrap_or("unknown")
}
