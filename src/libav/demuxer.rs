//! Packets of the one video stream that is looked at.

use std::{
    ffi::{CStr, CString},
    ptr,
};

use ffmpeg_next::{self as ff, format::context::StreamIo};
use ffmpeg_sys_next as ffi;

use super::{
    fault::{check, failure, no_memory, set_up},
    sniff::Container,
    source::Source,
    unlock::systems,
};
use crate::{
    error::{Error, ErrorKind},
    time::{TimeBase, Timestamp},
};

/// How much libavformat may do besides taking the container apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Packets as they are in the container: nothing is read ahead, nothing is guessed.
    Quick,
    /// Packets are cut to one frame each by a parser, and have times and key flags.
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

/// A container being taken apart.
pub(super) struct Demuxer {
    context: *mut ffi::AVFormatContext,
    /// Freed after `context`, which points to it.
    _io: StreamIo,
    source: Source,
    chosen: Option<usize>,
    container: Container,
}

impl Demuxer {
    /// Opens what `source` holds, from its start. Probing decodes frames of at most `most_pixels`.
    pub fn open(source: &Source, container: Container, mode: Mode, most_pixels: u64) -> Result<Self, Error> {
        set_up();
        let mut io = StreamIo::from_read_seek_with_capacity(source.from_start(), IO_BUFFER).map_err(|e| failure("opening", e))?;
        // SAFETY: returns null or a context that `avformat_free_context` or `avformat_close_input` frees.
        let mut context = unsafe { ffi::avformat_alloc_context() };
        if context.is_null() {
            return Err(no_memory());
        }
        let mut flags = ffi::AVFMT_FLAG_CUSTOM_IO | ffi::AVFMT_FLAG_NOBUFFER | ffi::AVFMT_FLAG_IGNIDX;
        if mode == Mode::Quick {
            flags |= ffi::AVFMT_FLAG_NOPARSE | ffi::AVFMT_FLAG_NOFILLIN;
        }
        let mut options: *mut ffi::AVDictionary = ptr::null_mut();
        // SAFETY: `context` is ours and not open yet, which is when its fields may be set; `pb` lives as long as `io`, which outlives
        // `context`. `av_dict_set` copies its strings. `avformat_open_input` frees `context` and nulls it where it fails.
        let opened = unsafe {
            (*context).pb = io.as_mut_ptr();
            (*context).flags |= flags;
            (*context).probesize = if mode == Mode::Probed { LONG_PROBE } else { QUICK_PROBE };
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
        let mut demuxer = Self { context, _io: io, source: source.clone(), chosen: None, container };
        if mode == Mode::Probed {
            let probed = demuxer.probe(most_pixels);
            demuxer.raise(probed, "the segment cannot be probed")?;
        }
        demuxer.choose();
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
    pub fn packet(&mut self) -> Result<Option<ff::Packet>, Error> {
        let mut packet = ff::Packet::empty();
        let mut passed_over = 0;
        loop {
            self.check()?;
            // SAFETY: `context` is open and the packet is blank or was filled by the last call, which unreferences nothing: so it is
            // unreferenced first.
            let read = unsafe {
                ffi::av_packet_unref(ff::packet::Mut::as_mut_ptr(&mut packet));
                ffi::av_read_frame(self.context, ff::packet::Mut::as_mut_ptr(&mut packet))
            };
            if read == ffi::AVERROR_EOF {
                return match self.source.take_error() {
                    Some(error) => Err(error),
                    None => Ok(None),
                };
            }
            self.raise(read, "the segment cannot be read")?;
            if self.chosen.is_none() {
                self.choose();
            }
            if self.chosen == Some(packet.stream()) {
                return Ok(Some(packet));
            }
            passed_over += 1;
            if self.chosen.is_none() && passed_over > PACKETS_WITHOUT_VIDEO {
                return Ok(None);
            }
        }
    }

    /// What it reads.
    pub fn source(&self) -> Source {
        self.source.clone()
    }

    /// Fails once nothing more is wanted: asked between packets, also by who decodes them.
    pub fn check(&self) -> Result<(), Error> {
        self.source.check()
    }

    /// Goes to the key frame at or before `moment` by the container's own index; `false` where there is none.
    pub fn seek(&mut self, moment: Timestamp) -> bool {
        let Some(stream) = self.stream() else { return false };
        #[expect(clippy::cast_possible_truncation, reason = "microseconds of ten years fit into 53 bits")]
        let microseconds = (moment.seconds() * 1e6) as i64;
        // SAFETY: `context` is open and `stream` is one of its own; the call reads through `pb` alone.
        unsafe {
            let ticks = ffi::av_rescale_q(microseconds, ffi::AVRational { num: 1, den: 1_000_000 }, (*stream).time_base);
            ffi::av_seek_frame(self.context, (*stream).index, ticks, ffi::AVSEEK_FLAG_BACKWARD) >= 0
        }
    }

    /// Seconds that the container says its video lasts.
    pub fn duration(&self) -> Option<f64> {
        // SAFETY: the stream is one of the open `context`.
        let ticks = unsafe { (*self.stream()?).duration };
        self.time_base().filter(|_| ticks > 0).map(|base| Timestamp::new(ticks, base).seconds())
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

    /// A packet's presentation time on the stream's clock.
    pub fn pts(&self, packet: &ff::Packet) -> Option<Timestamp> {
        Some(Timestamp::new(packet.pts().or(packet.dts())?, self.time_base()?))
    }

    /// A packet's decoding time on the stream's clock.
    pub fn dts(&self, packet: &ff::Packet) -> Option<Timestamp> {
        Some(Timestamp::new(packet.dts().or(packet.pts())?, self.time_base()?))
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

    fn streams(&self) -> &[*mut ffi::AVStream] {
        // SAFETY: `streams` points to `nb_streams` pointers while the context is open; both change only in calls that take `&mut self`.
        unsafe {
            let (streams, count) = ((*self.context).streams, (*self.context).nb_streams as usize);
            if streams.is_null() || count == 0 { &[] } else { std::slice::from_raw_parts(streams, count) }
        }
    }

    /// Takes the largest video stream among those that are known, and has the demuxer throw the others away.
    fn choose(&mut self) {
        let candidates = self.streams().iter().enumerate().filter_map(|(index, stream)| Some((index, picture_size(stream)?)));
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
