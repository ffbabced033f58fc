//! What CODECS tell (RFC 6381), as far as a picture is concerned.

/// What a codec of the list is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodecKind {
    /// Video that this build decodes.
    Decodable,
    /// Video that it does not, as far as the name tells.
    OtherVideo,
    /// Video that it would decode to wrong colours.
    Misleading,
    /// Audio or text.
    NoVideo,
}

const DECODABLE: [&str; 20] = [
    "avc1", "avc2", "avc3", "avc4", "dva1", "dvav", "hvc1", "hev1", "dvh1", "dvhe", "av01", "dav1", "vp09", "vp9", "mp4v", "mp2v", "mpeg2",
    "mjpg", "jpeg", "h264",
];
const NO_VIDEO: [&str; 32] = [
    "mp4a", "ac-3", "ec-3", "ec+3", "ac-4", "opus", "flac", "alac", "mp3", "dtsc", "dtse", "dtsh", "dtsl", "dtsx", "mha1", "mha2", "mhm1",
    "mhm2", "iamf", "apac", "lpcm", "vorbis", "samr", "sawb", "sevc", "wvtt", "stpp", "tx3g", "c608", "c708", "ttml", "mp4s",
];

pub(super) fn kind(codec: &str) -> CodecKind {
    let mut words = codec.trim().split('.');
    let name = words.next().unwrap_or_default().to_ascii_lowercase();
    if matches!(name.as_str(), "dvh1" | "dvhe") && words.next() == Some("05") {
        // Dolby Vision without a base layer that others can show
        CodecKind::Misleading
    } else if DECODABLE.contains(&name.as_str()) {
        CodecKind::Decodable
    } else if NO_VIDEO.contains(&name.as_str()) || name.is_empty() {
        CodecKind::NoVideo
    } else {
        CodecKind::OtherVideo
    }
}

pub(super) fn kinds(codecs: &str) -> impl Iterator<Item = (&str, CodecKind)> {
    codecs.split(',').map(str::trim).filter(|codec| !codec.is_empty()).map(|codec| (codec, kind(codec)))
}

/// Whether all that the list names is JPEG.
pub(super) fn is_jpeg(codecs: &str) -> bool {
    let mut names = codecs.split(',').map(str::trim).filter(|name| !name.is_empty()).peekable();
    names.peek().is_some() && names.all(|name| ["jpeg", "mjpg", "jpg"].iter().any(|known| name.to_ascii_lowercase().starts_with(known)))
}
