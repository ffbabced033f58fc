//! What a segment is, by its bytes: names and content types lie.

use std::io::{Read, Seek, SeekFrom};

use crate::{
    error::{Error, ErrorKind},
    media::find_transport_stream,
};

/// The demuxer that is forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MPEG-2 Transport Stream (ISO/IEC 13818-1), libavformat's `mpegts`.
    Ts,
    /// ISO base media file format (ISO/IEC 14496-12), libavformat's `mov`.
    Mp4,
}

impl Container {
    /// libavformat's short name.
    pub fn demuxer(self) -> &'static std::ffi::CStr {
        match self {
            Self::Ts => c"mpegts",
            Self::Mp4 => c"mov",
        }
    }
}

/// The size of a packet of a transport stream (ISO/IEC 13818-1, 2.4.3.2).
pub const TS_PACKET: usize = 188;
/// Size and type of a box.
pub const BOX_HEADER: usize = 8;
/// So much is looked at.
pub const PROBE_BYTES: usize = 4 * TS_PACKET + 1024;

/// Tells the container by the first bytes of a resource. What holds no video gives `no_video`, what is no media `undecodable`, and what
/// this program does not demux `unsupported`.
pub fn detect_container(bytes: &[u8]) -> Result<Container, Error> {
    let starts = |with: &[u8]| bytes.starts_with(with);
    let no_video = |what: &str| Err(Error::new(ErrorKind::NoVideo, format!("the segment is {what}: there is no video in it")));
    if is_mp4(bytes) {
        return Ok(Container::Mp4);
    }
    if is_ts(bytes) {
        return Ok(Container::Ts);
    }
    match bytes {
        [] => Err(Error::new(ErrorKind::Undecodable, "the segment is empty")),
        _ if starts(b"ID3") => no_video("packed audio"),
        [0xff, second, ..] if second & 0xf6 == 0xf0 => no_video("packed AAC audio"),
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => no_video("packed MPEG audio"),
        [0x0b, 0x77, ..] => no_video("packed AC-3 audio"),
        _ if starts(b"WEBVTT") || starts(b"\xef\xbb\xbfWEBVTT") => no_video("WebVTT subtitles"),
        _ if is_markup(bytes) => Err(Error::new(ErrorKind::Undecodable, "the segment is a page of text, not media")
            .with_hint("the origin may want a login or a token")),
        [0, 0, 1, ..] | [0, 0, 0, 1, ..] => {
            Err(Error::new(ErrorKind::Unsupported, "the segment is a bare elementary stream, which HLS does not have"))
        }
        _ => Err(Error::new(ErrorKind::Undecodable, "the segment is neither MPEG-TS nor MP4")
            .with_hint("it may be encrypted without saying so, or damaged")),
    }
}

/// Whether it is a JPEG picture (ITU-T T.81, annex B): a segment of an image playlist.
pub fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}

/// Whether a resource that begins so is media with video, or a picture; else why not, as `container` tells it.
pub fn require_media(bytes: &[u8]) -> Result<(), Error> {
    if is_jpeg(bytes) {
        return Ok(());
    }
    detect_container(bytes.get(..bytes.len().min(PROBE_BYTES)).unwrap_or_default()).map(|_| ())
}

/// Fails with `undecodable` if a resource is empty or begins as a page of text: then it is no media at all.
pub fn reject_text(bytes: &[u8]) -> Result<(), Error> {
    match detect_container(bytes) {
        Err(error) if error.kind() == ErrorKind::Undecodable && (bytes.is_empty() || is_markup(bytes)) => Err(error),
        _ => Ok(()),
    }
}

/// A box of a known type at the start (ISO/IEC 14496-12, 4.2).
pub fn is_mp4(bytes: &[u8]) -> bool {
    const TYPES: [&[u8; 4]; 14] =
        [b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"emsg", b"prft", b"mdat", b"free", b"skip", b"wide", b"pdin", b"uuid", b"ssix"];
    bytes.get(4..8).is_some_and(|name| TYPES.iter().any(|known| *known == name))
}

/// A transport stream, not always from the first byte: some origins put a picture or a tag before it, or cut it in mid-packet.
fn is_ts(bytes: &[u8]) -> bool {
    find_transport_stream(bytes, 1024).is_some()
}

/// Whether a transport stream may follow: behind what looks like sound, text or a bare stream, none is looked for.
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

/// Whether every packet with a payload among these is scrambled (`transport_scrambling_control`, ISO/IEC 13818-1, 2.4.3.3): then a
/// conditional access system holds the key.
pub fn is_scrambled_ts(bytes: &[u8]) -> bool {
    let (mut scrambled, mut clear) = (0_u32, 0_u32);
    for (pid, control, is_clear) in packets(bytes) {
        // Tables and null packets are never scrambled
        if control & 0x10 != 0 && pid > 0x1f && pid != 0x1fff {
            // Scrambling would hide the start code of a PES packet: some multiplexers set the bits and scramble nothing
            *if control & 0xc0 == 0 || is_clear { &mut clear } else { &mut scrambled } += 1;
        }
    }
    scrambled > 0 && clear == 0
}

/// How many of the programmes whose tables have these PIDs are really there: a table of programmes outlives those that were left out.
pub fn count_present_tables(bytes: &[u8], tables: &[u16]) -> usize {
    tables.iter().filter(|table| packets(bytes).any(|(pid, ..)| pid == **table)).count()
}

/// PID and fourth byte of the packets of a transport stream (ISO/IEC 13818-1, 2.4.3.2), and whether a PES packet's start code is in the clear.
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

/// Whether the last box of a file says that it goes on behind the file's end.
pub fn is_truncated_mp4(mut file: impl Read + Seek, end: u64) -> bool {
    const MOST_BOXES: usize = 10_000;
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        let mut head = [0; 16];
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.by_ref().take(16).read(&mut head)).unwrap_or(0);
        let [s0, s1, s2, s3, _, _, _, _, large @ ..] = head;
        let size = match u32::from_be_bytes([s0, s1, s2, s3]) {
            // To the file's end
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
    fn containers_are_told_by_their_bytes() {
        assert_eq!(kind(&ts(5)), Ok(Container::Ts));
        assert_eq!(kind(&ts(1)), Ok(Container::Ts));
        assert_eq!(kind(&[vec![1; 100], ts(5)].concat()), Ok(Container::Ts));
        assert_eq!(kind(b"\0\0\0\x18ftypiso5"), Ok(Container::Mp4));
        assert_eq!(kind(b"\0\0\0\x18moofxxxx"), Ok(Container::Mp4));
    }

    #[test]
    fn what_is_no_video_is_named() {
        assert_eq!(kind(b"ID3\x04\0\0\0\0\0\0"), Err(ErrorKind::NoVideo));
        assert_eq!(kind(&[0xff, 0xf1, 0x50, 0x80]), Err(ErrorKind::NoVideo));
        assert_eq!(kind(b"WEBVTT\n"), Err(ErrorKind::NoVideo));
        assert_eq!(kind(b"\n<html>"), Err(ErrorKind::Undecodable));
        assert_eq!(kind(b""), Err(ErrorKind::Undecodable));
        assert_eq!(kind(&[0, 0, 0, 1, 0x67, 1]), Err(ErrorKind::Unsupported));
        assert_eq!(kind(&[7; 4000]), Err(ErrorKind::Undecodable));
    }

    #[test]
    fn text_is_refused_and_whatever_may_hide_media_is_not() {
        for text in [&b""[..], b"<!DOCTYPE html>", b" \n<html>", b"#EXTM3U\n", b"{\"error\": 1}"] {
            assert!(reject_text(text).is_err_and(|e| e.kind() == ErrorKind::Undecodable), "{text:?}");
        }
        for media in [ts(1), [b"<".to_vec(), ts(5)].concat(), vec![7; 4000], b"WEBVTT\n".to_vec(), b"\xff\xd8\xff".to_vec()] {
            assert!(reject_text(&media).is_ok(), "{media:?}");
        }
    }
}
