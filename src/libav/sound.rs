//! Reads the sound of a segment: whether its tables list audio, whether there are audio packets, and how loud they are.
//!
//! It demuxes the bytes on its own, so that it does not change the search for a picture.

use std::ffi::CStr;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    byte_source::ByteSource,
    container::{self, Container},
    decrypt_samples::{CommonEncryption, DecryptSamples},
    demuxer::{DemuxMode, open_format},
    error::{check, failure},
    format_context::FormatContext,
    sound_decoder::{SoundDecoder, SoundLevel},
    stream::{codec_name, video_pixels},
};
use crate::{
    error::Error,
    time::{TimeBase, Timestamp},
};

/// The facts about the sound of a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SoundFacts {
    /// Whether the program's tables, or the tracks, list audio; `None` if they were not read.
    pub lists_audio: Option<bool>,
    /// The number of audio packets that were read, or that a movie fragment lists.
    pub packets: usize,
    /// libavcodec's name of the codec of the first audio stream.
    pub codec: Option<&'static str>,
    /// Seconds of video that were read.
    pub video_seconds: f64,
    /// Whether the segment was read to its end.
    pub is_whole: bool,
    /// Whether its samples are encrypted, so that they are not decoded.
    pub is_encrypted: bool,
    /// The level of the loudest audio stream; `None` if no audio was decoded.
    pub level: Option<SoundLevel>,
}

/// [`read_sound`] as a value, so that only programs that name it link the audio decoders.
pub type SoundReader = fn(&ByteSource, &dyn DecryptSamples) -> Result<SoundFacts, Error>;

/// How many seconds of each audio stream are decoded at most.
const DECODED_SECONDS: f64 = 1.0;
/// Reading ends after this many seconds of video. Muxers keep audio within a second of it.
const MAX_VIDEO_SECONDS: f64 = 2.0;
/// The limits for audio streams, and for packets of all streams.
const MAX_AUDIO_STREAMS: usize = 8;
const MAX_PACKETS: usize = 4000;
/// A longer time between two packets is a jump of the clock.
const LONGEST_GAP: f64 = 10.0;

/// Reads `source` from its start until it knows the level of each audio stream, or has read enough video without audio.
///
/// Fails with `no_video` or `undecodable` if the bytes are no media, and with the upstream's error.
pub fn read_sound(source: &ByteSource, decryptor: &dyn DecryptSamples) -> Result<SoundFacts, Error> {
    let head = source.peek(container::PROBE_BYTES)?;
    let demuxer = demuxer_of(&head)?;
    if container::is_scrambled_ts(&head) {
        return Ok(SoundFacts { is_encrypted: true, ..SoundFacts::default() });
    }
    let mut context = open_format(source, demuxer, DemuxMode::Parsed)?;
    let (context, mut pass) = (&mut context.0, SoundPass { decryptor, streams: Vec::new(), facts: SoundFacts::default(), clock: None });
    for _ in 0..MAX_PACKETS {
        discard_unused(context, demuxer);
        let Some(packet) = read_packet(context, source)? else {
            pass.facts.is_whole = true;
            break;
        };
        pass.add(context, &packet);
        if pass.has_enough(context) {
            break;
        }
    }
    Ok(pass.finish(context, demuxer == Container::Ts.demuxer()))
}

/// The demuxer of media by its first bytes, including packed audio, which a Rendition may have.
fn demuxer_of(head: &[u8]) -> Result<&'static CStr, Error> {
    // An ID3 tag with a timestamp precedes packed audio (RFC 8216bis, 3.4)
    let tag_bytes = if head.starts_with(b"ID3") { id3_bytes(head) } else { 0 };
    match head.get(tag_bytes..).unwrap_or_default() {
        [0xff, second, ..] if second & 0xf6 == 0xf0 => Ok(c"aac"),
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => Ok(c"mp3"),
        [0x0b, 0x77, _, _, _, sixth, ..] => Ok(if sixth >> 3 > 10 { c"eac3" } else { c"ac3" }),
        _ => container::detect_container(head).map(Container::demuxer),
    }
}

/// The size of an ID3 tag in bytes: its header of 10 bytes holds the rest in 7 bits of each of 4 bytes.
fn id3_bytes(head: &[u8]) -> usize {
    let size = head.get(6..10).unwrap_or_default();
    10 + size.iter().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f))
}

/// Lets libavformat skip all streams but audio and, in a transport stream, video, whose timestamps show how much was read.
fn discard_unused(context: &FormatContext, demuxer: &CStr) {
    let is_transport_stream = demuxer == Container::Ts.demuxer();
    for stream in context.streams() {
        let is_used = is_audio(*stream) || is_transport_stream && video_pixels(*stream).is_some();
        let discard = if is_used { ffi::AVDiscard::AVDISCARD_DEFAULT } else { ffi::AVDiscard::AVDISCARD_ALL };
        // A stream whose codec is not known yet must be read to know it
        let is_unknown = codec_id(*stream) == ffi::AVCodecID::AV_CODEC_ID_NONE;
        // SAFETY: each is a stream of the open context; `discard` may be set at any time.
        unsafe { (**stream).discard = if is_unknown { ffi::AVDiscard::AVDISCARD_DEFAULT } else { discard } };
    }
}

fn read_packet(context: &mut FormatContext, source: &ByteSource) -> Result<Option<ff::Packet>, Error> {
    source.check_deadline()?;
    let mut packet = ff::Packet::empty();
    // SAFETY: `context` is open and the packet is blank.
    let read = unsafe { ffi::av_read_frame(context.as_mut_ptr(), ff::packet::Mut::as_mut_ptr(&mut packet)) };
    match check(read) {
        Ok(_) => Ok(Some(packet)),
        Err(error) => match source.take_error() {
            Some(error) => Err(error),
            None if error == ff::Error::Eof => Ok(None),
            None => Err(failure("the segment cannot be read", error)),
        },
    }
}

fn codec_id(stream: *mut ffi::AVStream) -> ffi::AVCodecID {
    // SAFETY: callers pass a stream of an open context, whose `codecpar` is never null.
    unsafe { (*(*stream).codecpar).codec_id }
}

fn is_audio(stream: *mut ffi::AVStream) -> bool {
    // SAFETY: callers pass a stream of an open context, whose `codecpar` is never null.
    unsafe { (*(*stream).codecpar).codec_type == ffi::AVMediaType::AVMEDIA_TYPE_AUDIO }
}

/// One pass over the packets.
struct SoundPass<'a> {
    decryptor: &'a dyn DecryptSamples,
    streams: Vec<AudioStream>,
    facts: SoundFacts,
    /// The time of the last video packet, in seconds.
    clock: Option<f64>,
}

/// An audio stream that has packets.
struct AudioStream {
    index: usize,
    /// `None` if this build cannot decode its codec.
    decoder: Option<SoundDecoder>,
}

impl SoundPass<'_> {
    fn add(&mut self, context: &FormatContext, packet: &ff::Packet) {
        let Some(stream) = context.streams().get(packet.stream()).copied() else { return };
        if !is_audio(stream) {
            self.add_video_time(stream, packet);
            return;
        }
        self.facts.packets += 1;
        let position = u64::try_from(packet.position()).ok();
        if CommonEncryption::of_packet(packet).is_some() || self.decryptor.has_key(position) {
            self.facts.is_encrypted = true;
            return;
        }
        let index = packet.stream();
        let known = self.streams.iter().position(|stream| stream.index == index);
        let at = known.unwrap_or(self.streams.len());
        if known.is_none() && at < MAX_AUDIO_STREAMS {
            self.streams.push(AudioStream { index, decoder: SoundDecoder::new(stream) });
        }
        let decoder = self.streams.get_mut(at).and_then(|stream| stream.decoder.as_mut());
        if let Some(decoder) = decoder.filter(|decoder| decoder.seconds() < DECODED_SECONDS && !packet.is_corrupt()) {
            decoder.decode(packet);
        }
    }

    fn add_video_time(&mut self, stream: *mut ffi::AVStream, packet: &ff::Packet) {
        // SAFETY: the stream is one of the open context.
        let base = unsafe { (*stream).time_base };
        let time = packet.dts().or(packet.pts()).zip(TimeBase::new(base.num, base.den));
        let Some(time) = time.map(|(ticks, base)| Timestamp::new(ticks, base).seconds()) else { return };
        let step = self.clock.map_or(0.0, |clock| time - clock);
        if (0.0..LONGEST_GAP).contains(&step) {
            self.facts.video_seconds += step;
        }
        self.clock = Some(time);
    }

    /// Whether all audio streams are known well enough, or more packets would not help.
    fn has_enough(&self, context: &FormatContext) -> bool {
        let is_decoded = |stream: &AudioStream| stream.decoder.as_ref().is_none_or(|decoder| decoder.seconds() >= DECODED_SECONDS);
        let audio_streams = context.streams().iter().filter(|stream| is_audio(**stream)).count().min(MAX_AUDIO_STREAMS);
        let all_decoded = self.streams.len() == audio_streams && audio_streams > 0 && self.streams.iter().all(is_decoded);
        all_decoded || self.facts.is_encrypted || self.facts.video_seconds >= MAX_VIDEO_SECONDS
    }

    fn finish(mut self, context: &FormatContext, is_transport_stream: bool) -> SoundFacts {
        let audio = || context.streams().iter().filter(|stream| is_audio(**stream));
        // SAFETY: each is a stream of the open context.
        let listed: i32 = audio().map(|stream| unsafe { ffi::avformat_index_get_entries_count(*stream) }).sum();
        // Without a program's table, libavformat knows only the streams whose packets it has seen
        let has_tables = !context.streams().is_empty() && (!is_transport_stream || context.program_tables().1 > 0);
        let lists_audio = audio().next().is_some();
        let levels = self.streams.iter().filter_map(|stream| stream.decoder.as_ref()?.level());
        SoundFacts {
            lists_audio: (has_tables || lists_audio).then_some(lists_audio),
            packets: self.facts.packets.max(usize::try_from(listed).unwrap_or(0)),
            codec: audio().next().map(|stream| codec_name(*stream)),
            level: levels.reduce(SoundLevel::louder).filter(|_| !self.facts.is_encrypted),
            ..std::mem::take(&mut self.facts)
        }
    }
}
