//! Random text: it is refused or read, and nothing panics.

use super::{RandomNumbers, base};
use crate::{
    hls::{Playlist, Variables, parse},
    request::Limits,
};

#[test]
fn no_text_panics() {
    let pieces = [
        "#EXTM3U",
        "#EXT-X-KEY:",
        "#EXT-X-MAP:",
        "#EXTINF:",
        "METHOD=",
        "URI=",
        "\"",
        ",",
        "=",
        "\n",
        "\r",
        "9",
        "1e9",
        ".",
        "-",
        "@",
        "x",
        "0x",
        "#EXT-X-STREAM-INF:",
        "RESOLUTION=",
        "BANDWIDTH=",
        "#EXT-X-BYTERANGE:",
        "#EXT-X-PROGRAM-DATE-TIME:",
        "2026-01-31T",
        "+",
        "\u{feff}",
        "é",
        "\0",
        " ",
        "\t",
        "#",
        "#EXT",
        ":",
        "18446744073709551615",
        "#EXT-X-START:TIME-OFFSET=",
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=",
        "//",
        "http://",
        "[",
        "%",
    ];
    let mut numbers = RandomNumbers::new(7);
    for _ in 0..20_000 {
        let length = numbers.below(30);
        let text: String = (0..length).map(|_| numbers.one_of(&pieces)).collect();
        if let Ok(Playlist::Media(media)) = parse(text.as_bytes(), &base(), &Variables::default(), &Limits::default()) {
            assert!(media.segments.iter().all(|segment| segment.duration >= 0.0 && segment.end().is_finite()), "{text:?}");
        }
        let bytes: Vec<u8> = text.bytes().map(|byte| if numbers.below(40) == 0 { byte ^ 0x80 } else { byte }).collect();
        let _ = parse(&bytes, &base(), &Variables::default(), &Limits::default());
    }
}
