//! Warnings about specification violations.

use super::{media, multivariant};

#[track_caller]
fn assert_one_warning(warnings: &[String], wanted: &str) {
    assert!(matches!(warnings, [one] if one.contains(wanted)), "{wanted}: {warnings:?}");
}

const MEDIA: &str =
    "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:6.4,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n";

#[test]
fn a_valid_playlist_gives_no_warning() {
    assert_eq!(media(MEDIA).warnings(), [""; 0]);
    let ladder = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,URI=\"a\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=2,AVERAGE-BANDWIDTH=1,RESOLUTION=640x360,CODECS=\"avc1.4d401e\",AUDIO=\"a\"\nv\n";
    assert_eq!(multivariant(ladder).warnings(), [""; 0]);
}

#[test]
fn each_violation_in_a_media_playlist_gives_one_warning() {
    for (from, to, wanted) in [
        ("#EXTM3U\n", "", "#EXTM3U is missing"),
        ("#EXTM3U", "\u{feff}#EXTM3U", "byte order mark"),
        ("#EXT-X-TARGETDURATION:6\n", "", "TARGETDURATION is missing"),
        ("#EXTINF:6.4", "#EXTINF:6.5", "longer than the target duration, 6 s: 0"),
        ("VERSION:7", "VERSION:3", "EXT-X-VERSION is 3, but EXT-X-MAP without EXT-X-I-FRAMES-ONLY needs 6"),
        ("#EXT-X-VERSION:7\n", "", "EXT-X-VERSION is missing"),
        ("#EXT-X-MAP", "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP", "no EXT-X-ENDLIST"),
        ("#EXT-X-MAP", "#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"2026-01-31T12:00:00Z\"\n#EXT-X-MAP", "EXT-X-DATERANGE without"),
        ("#EXT-X-MAP", "#EXT-X-SERVER-CONTROL:HOLD-BACK=12\n#EXT-X-MAP", "HOLD-BACK"),
        ("#EXTINF:6,\nb\n", "#EXTINF:0,\nb\n", "no duration: 1"),
        ("#EXT-X-MAP", "#EXT-X-PART:DURATION=1,URI=\"p\"\n#EXT-X-MAP", "without EXT-X-PART-INF"),
        ("a\n#EXTINF:6,\nb", "a{$x}\n#EXTINF:6,\nb", "a variable is used but not defined"),
        ("#EXTINF:6.4", "#extinf:6.4", "upper case"),
    ] {
        let text = MEDIA.replacen(from, to, 1);
        assert_one_warning(&media(text).warnings(), wanted);
    }
    let short = MEDIA.replace("#EXT-X-MAP", "#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-MAP").replace("#EXTINF:6,\nc\n", "");
    assert_one_warning(&media(short).warnings(), "shorter than three target durations");
}

#[test]
fn each_violation_in_a_multivariant_playlist_gives_one_warning() {
    let good = "BANDWIDTH=2,RESOLUTION=640x360,CODECS=\"avc1.4d401e\"";
    for (attributes, wanted) in [
        ("RESOLUTION=640x360,CODECS=\"avc1.4d401e\"", "no BANDWIDTH: #1"),
        ("BANDWIDTH=2,RESOLUTION=640x360", "no CODECS"),
        ("BANDWIDTH=2,CODECS=\"avc1.4d401e\"", "video has no RESOLUTION"),
        (&format!("{good},AVERAGE-BANDWIDTH=3"), "exceeds BANDWIDTH"),
        (&format!("{good},SCORE=3"), "SCORE"),
        (&format!("{good},AUDIO=\"none\""), "AUDIO names a group"),
        (&format!("{good},VIDEO=\"none\""), "VIDEO names a group"),
    ] {
        let text = format!("#EXTM3U\n#EXT-X-STREAM-INF:{good}\na\n#EXT-X-STREAM-INF:{attributes}\nb\n");
        assert_one_warning(&multivariant(text).warnings(), wanted);
    }
    let rendition = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,URI=\"a\"\n";
    let twice = format!("#EXTM3U\n{rendition}{rendition}#EXT-X-STREAM-INF:{good}\na\n");
    assert_eq!(multivariant(twice).warnings().len(), 2);
}
