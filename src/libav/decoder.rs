//! Decodes packets to frames.

use std::ptr;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    byte_source::ByteSource,
    demuxer::Demuxer,
    error::{check, failure, no_memory},
    frame::Frame,
    size,
    stream::codec_name,
};
use crate::error::{Error, ErrorKind};

/// The use of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecodeMode {
    /// One key frame, without reordering delay.
    KeyFrame,
    /// Every frame, in presentation order.
    EveryFrame,
    /// As `EveryFrame`, strictly by the standard if the decoder supports that: to verify a key.
    Verification,
    /// As `Verification`, of data that is expected to be damaged: without error concealment, which takes longer than decoding.
    Corrupted,
}

/// The largest reordering delay of H.264, in frames. If the bitstream has no bound, libavcodec assumes a low one and drops late frames.
const MAX_REORDERED_FRAMES: i32 = 16;

/// `err_recognition`: report wrong checksums, and in H.264 data after the end of a slice. Broadcasters zero-pad MPEG-2 slices.
fn strictness(codec: ffi::AVCodecID) -> i32 {
    ffi::AV_EF_CRCCHECK | if codec == ffi::AVCodecID::AV_CODEC_ID_H264 { ffi::AV_EF_AGGRESSIVE } else { 0 }
}

/// After this many errors in a row, the decoder has no more frames.
const MAX_ERRORS_IN_A_ROW: usize = 16;

/// A decoder of one stream.
pub(super) struct Decoder {
    context: *mut ffi::AVCodecContext,
    stream: *mut ffi::AVStream,
    source: ByteSource,
    max_pixels: u64,
    has_failed: bool,
}

impl Decoder {
    /// Opens a decoder for `demuxer`'s video stream, which it must not outlive.
    ///
    /// Fails with `unsupported` if this build cannot decode the codec, and with `too_large` if the container states more than `max_pixels`.
    /// If it states no size, larger frames are errors of [`send`](Self::send).
    pub fn new(demuxer: &Demuxer, mode: DecodeMode, max_pixels: u64) -> Result<Self, Error> {
        let stream = demuxer.stream().ok_or_else(|| demuxer.no_video_error())?;
        // SAFETY: `stream` is one of the open demuxer and its `codecpar` is never null. The context is freed by `Drop` from here on.
        // All fields are set before `avcodec_open2`, as avcodec.h requires.
        unsafe {
            let parameters = (*stream).codecpar;
            if (*parameters).codec_id == ffi::AVCodecID::AV_CODEC_ID_VVC {
                // libavcodec does not flag pictures whose references are missing
                return Err(Error::new(ErrorKind::Unsupported, "VVC is not supported yet, because its decoder does not report damage")
                    .with_hint("choose a Variant with another codec"));
            }
            let codec = ffi::avcodec_find_decoder((*parameters).codec_id);
            if codec.is_null() {
                return Err(Error::new(ErrorKind::Unsupported, format!("this build has no decoder for {}", codec_name(stream)))
                    .with_hint("see `hlsnap --version` for the decoders of this build"));
            }
            size::check(u64::from((*parameters).width.unsigned_abs()) * u64::from((*parameters).height.unsigned_abs()), max_pixels)?;
            let context = ffi::avcodec_alloc_context3(codec);
            if context.is_null() {
                return Err(no_memory());
            }
            let decoder = Self { context, stream, source: demuxer.source.clone(), max_pixels, has_failed: false };
            check(ffi::avcodec_parameters_to_context(context, parameters)).map_err(|e| failure("the decoder cannot be set up", e))?;
            (*context).pkt_timebase = (*stream).time_base;
            (*context).thread_count = 1;
            (*context).err_recognition |= strictness((*parameters).codec_id);
            (*context).max_pixels = i64::try_from(max_pixels).unwrap_or(i64::MAX);
            match mode {
                DecodeMode::KeyFrame => {
                    (*context).flags |= (ffi::AV_CODEC_FLAG_LOW_DELAY | ffi::AV_CODEC_FLAG_OUTPUT_CORRUPT).cast_signed();
                }
                DecodeMode::EveryFrame => {
                    if (*parameters).codec_id == ffi::AVCodecID::AV_CODEC_ID_H264 {
                        (*context).has_b_frames = MAX_REORDERED_FRAMES;
                    }
                    // The entry point decides which frames are whole, not the decoder
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

    /// Sends a packet, once the decode permit is acquired. Invalid packets are skipped; [`take_failure`](Self::take_failure) reports them.
    ///
    /// Fails with `too_large` if an invalid packet's frame exceeds the pixel limit, or with the permit's error.
    pub fn send(&mut self, packet: &ff::Packet) -> Result<(), Error> {
        self.source.acquire_permit()?;
        // SAFETY: `context` is open; the packet is valid and stays ours.
        let sent = unsafe { ffi::avcodec_send_packet(self.context, ff::packet::Ref::as_ptr(packet)) };
        if self.record(sent) && !packet.is_corrupt() {
            // A transport stream states no size in advance, and to the decoder this is an error like any other
            return size::check(size::coded_pixels(packet, self.stream), self.max_pixels);
        }
        Ok(())
    }

    /// The next frame, clean or not; see [`Frame::is_clean`].
    pub fn receive(&mut self) -> Option<Frame> {
        // More frames may be ready after an error
        for _ in 0..MAX_ERRORS_IN_A_ROW {
            let mut frame = ff::frame::Video::empty();
            // SAFETY: `context` is open; the frame is blank and gets its own references.
            let received = unsafe { ffi::avcodec_receive_frame(self.context, frame.as_mut_ptr()) };
            if received == 0 {
                return Some(Frame::new(frame, self.stream, self.context));
            }
            if !self.record(received) {
                break;
            }
        }
        None
    }

    /// Whether the decoder has failed since the last call. Frames decoded since then, and frames that refer to them, may be damaged without
    /// a flag.
    pub fn take_failure(&mut self) -> bool {
        std::mem::take(&mut self.has_failed)
    }

    fn record(&mut self, result: i32) -> bool {
        let again = ffi::AVERROR(ffi::EAGAIN);
        let is_failure = result < 0 && result != again && result != ffi::AVERROR_EOF;
        self.has_failed |= is_failure;
        is_failure
    }

    /// Ends the input, so that the decoder returns its delayed frames.
    pub fn drain(&mut self) {
        // SAFETY: a null packet starts draining (avcodec.h).
        unsafe { ffi::avcodec_send_packet(self.context, ptr::null()) };
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: allocated by `avcodec_alloc_context3`, freed once.
        unsafe { ffi::avcodec_free_context(&raw mut self.context) };
    }
}
