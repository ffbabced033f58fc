//! Detects a segment's container by its first bytes. File names and content types are often wrong.

use std::io::{Read, Seek, SeekFrom};

use crate::{
    error::{Error, ErrorKind},
    media::find_transport_stream,
};

/// A container that this program demuxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MPEG-2 Transport Stream (ISO/IEC 13818-1), libavformat's `mpegts`.
    Ts,
    /// ISO base media file format (ISO/IEC 14496-12), libavformat's `mov`.
    Mp4,
}

impl Container {
    /// libavformat's name of the demuxer.
    pub fn demuxer(self) -> &'static std::ffi::CStr {
        match self {
            Self::Ts => c"mpegts",
            Self::Mp4 => c"mov",
        }
    }
}

/// The size of a transport stream's packet in bytes (ISO/IEC 13818-1, 2.4.3.2).
pub const TS_PACKET: usize = 188;
/// The bytes of a box's size and type.
pub const BOX_HEADER_BYTES: usize = 8;
/// The first bytes of a resource that suffice to detect its container.
pub const PROBE_BYTES: usize = 4 * TS_PACKET + 1024;

/// Detects the container by the first bytes of a resource, of which [`PROBE_BYTES`] always suffice.
///
/// Fails with `no_video` for formats without video, with `unsupported` for video that is not demuxed, else with `undecodable`.
pub fn detect_container(bytes: &[u8]) -> Result<Container, Error> {
    let starts_with = |signature: &[u8]| bytes.starts_with(signature);
    let no_video = |what: &str| Err(Error::new(ErrorKind::NoVideo, format!("the segment is {what}, without video")));
    if is_mp4(bytes) {
        return Ok(Container::Mp4);
    }
    if is_ts(bytes) {
        return Ok(Container::Ts);
    }
    match bytes {
        [] => Err(Error::new(ErrorKind::Undecodable, "the segment is empty")),
        _ if starts_with(b"ID3") => no_video("packed audio"),
        [0xff, second, ..] if second & 0xf6 == 0xf0 => no_video("packed AAC audio"),
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => no_video("packed MPEG audio"),
        [0x0b, 0x77, ..] => no_video("packed AC-3 audio"),
        _ if starts_with(b"WEBVTT") || starts_with(b"\xef\xbb\xbfWEBVTT") => no_video("WebVTT subtitles"),
        _ if is_markup(bytes) => Err(Error::new(ErrorKind::Undecodable, "the segment is a page of text, not media")
            .with_hint("the origin may require a login or a token")),
        [0, 0, 1, ..] | [0, 0, 0, 1, ..] => {
            Err(Error::new(ErrorKind::Unsupported, "the segment is an elementary stream without a container, which HLS does not allow"))
        }
        _ => Err(Error::new(ErrorKind::Undecodable, "the segment is neither MPEG-TS nor MP4")
            .with_hint("it may be damaged, or encrypted although the playlist has no EXT-X-KEY")),
    }
}

/// Whether a resource is a JPEG image (ITU-T T.81, annex B), as the segments of an image playlist are.
pub fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}

/// Fails unless a resource with these first bytes is media or a JPEG image: with `no_video`, `unsupported` or `undecodable`.
pub fn require_media(bytes: &[u8]) -> Result<(), Error> {
    if is_jpeg(bytes) {
        return Ok(());
    }
    detect_container(bytes.get(..bytes.len().min(PROBE_BYTES)).unwrap_or_default()).map(|_| ())
}

/// Fails with `undecodable` if a resource is empty or text, by its first bytes.
pub fn reject_text(bytes: &[u8]) -> Result<(), Error> {
    match detect_container(bytes) {
        Err(error) if error.kind() == ErrorKind::Undecodable && (bytes.is_empty() || is_markup(bytes)) => Err(error),
        _ => Ok(()),
    }
}

/// Whether a resource starts with a box of a known type (ISO/IEC 14496-12, 4.2).
pub fn is_mp4(bytes: &[u8]) -> bool {
    const TYPES: [&[u8; 4]; 14] =
        [b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"emsg", b"prft", b"mdat", b"free", b"skip", b"wide", b"pdin", b"uuid", b"ssix"];
    bytes.get(4..8).is_some_and(|name| TYPES.iter().any(|known| *known == name))
}

/// Whether a transport stream starts here or a little later: some origins put an image or a tag before it, or start within a packet.
fn is_ts(bytes: &[u8]) -> bool {
    find_transport_stream(bytes, 1024).is_some()
}

/// Whether a transport stream may follow these bytes. None is expected after audio, text or an elementary stream.
pub fn may_precede_transport_stream(bytes: &[u8]) -> bool {
    match detect_container(bytes) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::Undecodable && !is_markup(bytes) && !bytes.is_empty() || bytes.starts_with(&[0, 0, 0]),
    }
}

fn is_markup(bytes: &[u8]) -> bool {
    let text = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).and_then(|at| bytes.get(at..)).unwrap_or_default();
    text.starts_with(b"<") || text.starts_with(b"{") || text.starts_with(b"#EXT")
}

/// Whether every packet with a payload is scrambled by a conditional access system (`transport_scrambling_control`, ISO/IEC 13818-1, 2.4.3.3).
pub fn is_scrambled_ts(bytes: &[u8]) -> bool {
    let (mut scrambled, mut clear) = (0_u32, 0_u32);
    for (pid, control, is_clear) in packets(bytes) {
        // Tables and null packets are never scrambled
        if control & 0x10 != 0 && pid > 0x1f && pid != 0x1fff {
            // A visible PES start code proves that nothing is scrambled: some multiplexers set the bits wrongly
            *if control & 0xc0 == 0 || is_clear { &mut clear } else { &mut scrambled } += 1;
        }
    }
    scrambled > 0 && clear == 0
}

/// How many of these PIDs have packets. A program association table may list programs that are not in the stream.
pub fn count_present_tables(bytes: &[u8], tables: &[u16]) -> usize {
    tables.iter().filter(|table| packets(bytes).any(|(pid, ..)| pid == **table)).count()
}

/// The PID and the fourth byte of each packet of a transport stream (ISO/IEC 13818-1, 2.4.3.2), and whether a PES start code is visible in it.
fn packets(bytes: &[u8]) -> impl Iterator<Item = (u16, u8, bool)> {
    let (at, stride) = find_transport_stream(bytes, bytes.len()).unwrap_or((bytes.len(), TS_PACKET));
    bytes.get(at..).unwrap_or_default().chunks(stride).filter_map(|packet| match packet {
        [0x47, b1, b2, control, rest @ ..] => {
            let skipped = if control & 0x20 == 0 { 0 } else { rest.first().map_or(0, |length| 1 + usize::from(*length)) };
            let is_clear = b1 & 0x40 != 0 && rest.get(skipped..).is_some_and(|payload| payload.starts_with(&[0, 0, 1]));
            Some((u16::from_be_bytes([b1 & 0x1f, *b2]), *control, is_clear))
        }
        _ => None,
    })
}

/// Whether the last box of a file of `end` bytes is truncated.
pub fn is_truncated_mp4(mut file: impl Read + Seek, end: u64) -> bool {
    const MAX_BOXES: usize = 10_000;
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        let mut header = [0; 16];
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.by_ref().take(16).read(&mut header)).unwrap_or(0);
        let [s0, s1, s2, s3, _, _, _, _, large @ ..] = header;
        let size = match u32::from_be_bytes([s0, s1, s2, s3]) {
            // The box extends to the end of the file
            0 => return false,
            1 => u64::from_be_bytes(large),
            size => size.into(),
        };
        at = at.saturating_add(size);
        if read < 8 || size < 8 || at >= end {
            break;
        }
    }
    at > end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: &[u8]) -> Result<Container, ErrorKind> {
        detect_container(bytes).map_err(|e| e.kind())
    }

    fn ts(packets: usize) -> Vec<u8> {
        let mut packet = [0; TS_PACKET];
        packet[0] = 0x47;
        packet.repeat(packets)
    }

    #[test]
    fn containers_are_detected_by_their_first_bytes() {
        assert_eq!(kind(&ts(5)), Ok(Container::Ts));
        assert_eq!(kind(&ts(1)), Ok(Container::Ts));
        assert_eq!(kind(&[vec![1; 100], ts(5)].concat()), Ok(Container::Ts));
        assert_eq!(kind(b"\0\0\0\x18ftypiso5"), Ok(Container::Mp4));
        assert_eq!(kind(b"\0\0\0\x18moofxxxx"), Ok(Container::Mp4));
    }

    #[test]
    fn a_segment_without_video_is_named() {
        assert_eq!(kind(b"ID3\x04\0\0\0\0\0\0"), Err(ErrorKind::NoVideo));
        assert_eq!(kind(&[0xff, 0xf1, 0x50, 0x80]), Err(ErrorKind::NoVideo));
        assert_eq!(kind(b"WEBVTT\n"), Err(ErrorKind::NoVideo));
        assert_eq!(kind(b"\n<html>"), Err(ErrorKind::Undecodable));
        assert_eq!(kind(b""), Err(ErrorKind::Undecodable));
        assert_eq!(kind(&[0, 0, 0, 1, 0x67, 1]), Err(ErrorKind::Unsupported));
        assert_eq!(kind(&[7; 4000]), Err(ErrorKind::Undecodable));
    }

    #[test]
    fn text_is_rejected_and_bytes_that_may_precede_media_are_not() {
        for text in [&b""[..], b"<!DOCTYPE html>", b" \n<html>", b"#EXTM3U\n", b"{\"error\": 1}"] {
            assert!(reject_text(text).is_err_and(|e| e.kind() == ErrorKind::Undecodable), "{text:?}");
        }
        for media in [ts(1), [b"<".to_vec(), ts(5)].concat(), vec![7; 4000], b"WEBVTT\n".to_vec(), b"\xff\xd8\xff".to_vec()] {
            assert!(reject_text(&media).is_ok(), "{media:?}");
        }
    }
}
