//! CODECS (RFC 6381, section 4.4.6.2): which names are video, and which of them this build decodes.

/// How hlsnap can use a codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodecKind {
    /// Video that this build decodes.
    Decodable,
    /// Video that this build does not decode, or an unknown name.
    OtherVideo,
    /// Video that decodes cleanly to wrong colors.
    WrongColors,
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

fn kind(codec: &str) -> CodecKind {
    let mut fields = codec.trim().split('.');
    let name = fields.next().unwrap_or_default().to_ascii_lowercase();
    if matches!(name.as_str(), "dvh1" | "dvhe") && fields.next() == Some("05") {
        // Dolby Vision profile 5 has no base layer for other decoders
        CodecKind::WrongColors
    } else if DECODABLE.contains(&name.as_str()) {
        CodecKind::Decodable
    } else if NO_VIDEO.contains(&name.as_str()) || name.is_empty() {
        CodecKind::NoVideo
    } else {
        CodecKind::OtherVideo
    }
}

/// The codecs of a list, each with its kind.
pub(super) fn kinds(codecs: &str) -> impl Iterator<Item = (&str, CodecKind)> {
    codecs.split(',').map(str::trim).filter(|codec| !codec.is_empty()).map(|codec| (codec, kind(codec)))
}

/// Whether all codecs of a list are JPEG.
pub(super) fn is_jpeg(codecs: &str) -> bool {
    let mut names = codecs.split(',').map(str::trim).filter(|name| !name.is_empty()).peekable();
    names.peek().is_some() && names.all(|name| ["jpeg", "mjpg", "jpg"].iter().any(|known| name.to_ascii_lowercase().starts_with(known)))
}
