//! Packets in, clean frames out.

use std::ptr;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    byte_source::ByteSource,
    demuxer::{Demuxer, codec_name},
    error::{check, failure, no_memory},
    frame::Frame,
    size,
};
use crate::error::{Error, ErrorKind};

/// What is wanted of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecodeMode {
    /// One key frame: nothing is held back.
    KeyFrame,
    /// Every frame, in the order of presentation.
    EveryFrame,
    /// As every frame, and strictly by the standard where the decoder can be told: for the proof of a key.
    Verification,
    /// As the proof, of data that is expected to be damaged: errors are told, and the picture not mended, which takes longer than decoding.
    Corrupted,
}

/// Frames that H.264 may hold back before it knows the order of presentation. Without a bound from the bitstream libavcodec guesses
/// low, and drops what then comes late.
const MOST_REORDERED: i32 = 16;

/// Damage that can be seen is to be told: wrong checksums, and of H.264 what is left over behind a slice. Behind those of MPEG-2 broadcasts
/// put zeros.
fn strictness(codec: ffi::AVCodecID) -> i32 {
    ffi::AV_EF_CRCCHECK | if codec == ffi::AVCodecID::AV_CODEC_ID_H264 { ffi::AV_EF_AGGRESSIVE } else { 0 }
}

/// A decoder that complains so often in a row has nothing to give.
const MOST_COMPLAINTS: usize = 16;

/// A decoder of one stream.
pub(super) struct Decoder {
    context: *mut ffi::AVCodecContext,
    stream: *mut ffi::AVStream,
    source: ByteSource,
    most_pixels: u64,
    complained: bool,
}

impl Decoder {
    /// A decoder for the stream that `demuxer` has chosen. Fails with `unsupported` where this build has none for its codec,
    /// and with `too_large` where the container tells of more than `most_pixels`; where it does not, the decoder gives no such frame.
    /// It must not outlive `demuxer`, whose stream it looks at.
    pub fn new(demuxer: &Demuxer, aim: DecodeMode, most_pixels: u64) -> Result<Self, Error> {
        let stream = demuxer.stream().ok_or_else(|| demuxer.without_video())?;
        // SAFETY: `stream` is one of the open demuxer and its `codecpar` is never null. The context is freed by `Drop` from here on.
        // All fields are set before `avcodec_open2`, as avcodec.h asks.
        unsafe {
            let parameters = (*stream).codecpar;
            if (*parameters).codec_id == ffi::AVCodecID::AV_CODEC_ID_VVC {
                // libavcodec decodes pictures whose references are missing, and calls them clean
                return Err(Error::new(ErrorKind::Unsupported, "VVC is not supported yet: its clean pictures cannot be told from others")
                    .with_hint("choose a Variant with another codec"));
            }
            let codec = ffi::avcodec_find_decoder((*parameters).codec_id);
            if codec.is_null() {
                return Err(Error::new(ErrorKind::Unsupported, format!("this build has no decoder for {}", codec_name(stream)))
                    .with_hint("see `hlsnap --version` for those it has"));
            }
            size::check(u64::from((*parameters).width.unsigned_abs()) * u64::from((*parameters).height.unsigned_abs()), most_pixels)?;
            let context = ffi::avcodec_alloc_context3(codec);
            if context.is_null() {
                return Err(no_memory());
            }
            let decoder = Self { context, stream, source: demuxer.source(), most_pixels, complained: false };
            check(ffi::avcodec_parameters_to_context(context, parameters)).map_err(|e| failure("the decoder cannot be set up", e))?;
            (*context).pkt_timebase = (*stream).time_base;
            (*context).thread_count = 1;
            (*context).err_recognition |= strictness((*parameters).codec_id);
            (*context).max_pixels = i64::try_from(most_pixels).unwrap_or(i64::MAX);
            match aim {
                DecodeMode::KeyFrame => {
                    (*context).flags |= (ffi::AV_CODEC_FLAG_LOW_DELAY | ffi::AV_CODEC_FLAG_OUTPUT_CORRUPT).cast_signed();
                }
                DecodeMode::EveryFrame => {
                    if (*parameters).codec_id == ffi::AVCodecID::AV_CODEC_ID_H264 {
                        (*context).has_b_frames = MOST_REORDERED;
                    }
                    // Which frames are whole is known from where decoding began, not from what the decoder guesses
                    (*context).flags |= ffi::AV_CODEC_FLAG_OUTPUT_CORRUPT.cast_signed();
                }
                DecodeMode::Verification => (*context).strict_std_compliance = ffi::FF_COMPLIANCE_STRICT,
                DecodeMode::Corrupted => {
                    (*context).strict_std_compliance = ffi::FF_COMPLIANCE_STRICT;
                    (*context).error_concealment = 0;
                }
            }
            check(ffi::avcodec_open2(context, codec, ptr::null_mut())).map_err(|e| failure("the decoder cannot be opened", e))?;
            Ok(decoder)
        }
    }

    /// Gives the decoder a packet, when it is its turn. One that it cannot read is passed over, and told of by [`complained`](Self::complained). Fails with
    /// `too_large` where what it cannot read is a whole frame of more pixels than may be decoded, and as waiting for the turn does.
    pub fn send(&mut self, packet: &ff::Packet) -> Result<(), Error> {
        self.source.acquire_permit()?;
        // SAFETY: `context` is open; the packet is valid and stays ours.
        let sent = unsafe { ffi::avcodec_send_packet(self.context, ff::packet::Ref::as_ptr(packet)) };
        if self.note(sent) && !packet.is_corrupt() {
            // A transport stream tells of no size before, and to the decoder it is an error as any other
            return size::check(size::told(packet, self.stream), self.most_pixels);
        }
        Ok(())
    }

    /// The next frame that is ready, clean or not; see [`Frame::is_clean`].
    pub fn receive(&mut self) -> Option<Frame> {
        // Behind a packet that could not be read others may be ready
        for _ in 0..MOST_COMPLAINTS {
            let mut frame = ff::frame::Video::empty();
            // SAFETY: `context` is open; the frame is blank and gets its own references.
            let received = unsafe { ffi::avcodec_receive_frame(self.context, frame.as_mut_ptr()) };
            if received == 0 {
                return Some(Frame::new(frame, self.stream, self.context));
            }
            if !self.note(received) {
                break;
            }
        }
        None
    }

    /// Whether a packet could not be read since this was asked last. Frames that were decoded since, and those that lean on them, may
    /// be damaged without a mark.
    pub fn has_complained(&mut self) -> bool {
        std::mem::take(&mut self.complained)
    }

    fn note(&mut self, result: i32) -> bool {
        let again = ffi::AVERROR(ffi::EAGAIN);
        let bad = result < 0 && result != again && result != ffi::AVERROR_EOF;
        self.complained |= bad;
        bad
    }

    /// Says that no more packets come, so that frames held back come out.
    pub fn drain(&mut self) {
        // SAFETY: a null packet begins draining (avcodec.h).
        unsafe { ffi::avcodec_send_packet(self.context, ptr::null()) };
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: allocated by `avcodec_alloc_context3`, freed once.
        unsafe { ffi::avcodec_free_context(&raw mut self.context) };
    }
}
