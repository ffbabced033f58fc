//! Decodes audio packets to measure their level. The samples are not used otherwise.

use std::ptr;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::error::check;

/// The level of decoded audio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundLevel {
    /// Seconds that were decoded.
    pub seconds: f64,
    /// Root mean square of the loudest channel in dBFS: 0 is a square wave at full scale, negative infinity is digital silence.
    pub rms_dbfs: f64,
}

impl SoundLevel {
    /// The louder one of two.
    pub(super) fn louder(self, other: Self) -> Self {
        if other.rms_dbfs > self.rms_dbfs { other } else { self }
    }
}

/// A decoder of one audio stream, and the level of what it has decoded.
pub(super) struct SoundDecoder {
    context: *mut ffi::AVCodecContext,
    /// The sum of squares of each channel.
    squares: Vec<f64>,
    samples: usize,
    seconds: f64,
}

impl SoundDecoder {
    /// Opens a decoder for a stream of an open context; `None` if this build has no decoder for its codec.
    pub fn new(stream: *mut ffi::AVStream) -> Option<Self> {
        // SAFETY: callers pass a stream of an open context, whose `codecpar` is never null. The context is freed by `Drop` from here on.
        unsafe {
            let parameters = (*stream).codecpar;
            let codec = decoder_of((*parameters).codec_id)?;
            let context = ffi::avcodec_alloc_context3(codec);
            if context.is_null() {
                return None;
            }
            let decoder = Self { context, squares: Vec::new(), samples: 0, seconds: 0.0 };
            check(ffi::avcodec_parameters_to_context(context, parameters)).ok()?;
            (*context).pkt_timebase = (*stream).time_base;
            (*context).thread_count = 1;
            (*context).err_recognition |= ffi::AV_EF_CRCCHECK;
            check(ffi::avcodec_open2(context, codec, ptr::null_mut())).ok()?;
            Some(decoder)
        }
    }

    /// Decodes a packet. A damaged one adds nothing.
    pub fn decode(&mut self, packet: &ff::Packet) {
        // SAFETY: `context` is open; the packet is valid and stays ours.
        let sent = unsafe { ffi::avcodec_send_packet(self.context, ff::packet::Ref::as_ptr(packet)) };
        let mut frame = ff::frame::Audio::empty();
        // SAFETY: `context` is open; the call frees what the frame held before.
        while sent >= 0 && unsafe { ffi::avcodec_receive_frame(self.context, frame.as_mut_ptr()) } >= 0 {
            self.add(&frame);
        }
    }

    fn add(&mut self, frame: &ff::frame::Audio) {
        // All decoders of `decoder_of` return planar floats
        let is_planar = frame.format() == ff::format::Sample::F32(ff::format::sample::Type::Planar);
        if !is_planar || frame.rate() == 0 || frame.samples() == 0 {
            return;
        }
        let count = frame.planes();
        self.squares.resize(self.squares.len().max(count), 0.0);
        for (channel, sum) in self.squares.iter_mut().enumerate().take(count) {
            let samples: &[f32] = frame.plane(channel);
            *sum += samples.iter().filter(|sample| sample.is_finite()).map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        }
        self.samples += frame.samples();
        self.seconds += frame.samples() as f64 / f64::from(frame.rate());
    }

    /// Seconds that were decoded.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// The level of all decoded audio; `None` before any was decoded.
    pub fn level(&self) -> Option<SoundLevel> {
        let loudest = self.squares.iter().copied().fold(0.0, f64::max);
        (self.samples > 0).then(|| SoundLevel { seconds: self.seconds, rms_dbfs: 10.0 * (loudest / self.samples as f64).log10() })
    }
}

impl Drop for SoundDecoder {
    fn drop(&mut self) {
        // SAFETY: allocated by `avcodec_alloc_context3`, freed once.
        unsafe { ffi::avcodec_free_context(&raw mut self.context) };
    }
}

/// The decoder of a codec whose silence is recognized.
fn decoder_of(codec: ffi::AVCodecID) -> Option<*const ffi::AVCodec> {
    use ffi::AVCodecID as Id;
    #[cfg(feature = "vendored")]
    {
        Some(match codec {
            Id::AV_CODEC_ID_AAC => &raw const unlisted::ff_aac_decoder,
            Id::AV_CODEC_ID_AAC_LATM => &raw const unlisted::ff_aac_latm_decoder,
            Id::AV_CODEC_ID_MP2 => &raw const unlisted::ff_mp2float_decoder,
            Id::AV_CODEC_ID_MP3 => &raw const unlisted::ff_mp3float_decoder,
            Id::AV_CODEC_ID_AC3 => &raw const unlisted::ff_ac3_decoder,
            Id::AV_CODEC_ID_EAC3 => &raw const unlisted::ff_eac3_decoder,
            _ => return None,
        })
    }
    #[cfg(not(feature = "vendored"))]
    {
        let name = match codec {
            Id::AV_CODEC_ID_AAC => c"aac",
            Id::AV_CODEC_ID_AAC_LATM => c"aac_latm",
            Id::AV_CODEC_ID_MP2 => c"mp2float",
            Id::AV_CODEC_ID_MP3 => c"mp3float",
            Id::AV_CODEC_ID_AC3 => c"ac3",
            Id::AV_CODEC_ID_EAC3 => c"eac3",
            _ => return None,
        };
        // SAFETY: the name is a C string. The result is null or a constant of libavcodec.
        let decoder = unsafe { ffi::avcodec_find_decoder_by_name(name.as_ptr()) };
        (!decoder.is_null()).then_some(decoder)
    }
}

/// Decoders that `vendor/build` leaves out of libavcodec's list, so that only programs that name them contain them. Each is an `FFCodec`,
/// whose first field is its `AVCodec`.
#[cfg(feature = "vendored")]
mod unlisted {
    use ffmpeg_sys_next::AVCodec;

    unsafe extern "C" {
        pub static ff_aac_decoder: AVCodec;
        pub static ff_aac_latm_decoder: AVCodec;
        pub static ff_mp2float_decoder: AVCodec;
        pub static ff_mp3float_decoder: AVCodec;
        pub static ff_ac3_decoder: AVCodec;
        pub static ff_eac3_decoder: AVCodec;
    }
}
