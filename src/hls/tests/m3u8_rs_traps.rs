//! The traps of m3u8-rs 6, as `m3u8/mod.rs` lists them: none changes a playlist.

use super::{base, file_names, media, multivariant, read};
use crate::{
    error::ErrorKind,
    hls::{Method, Playlist, Variables, looks_like_playlist},
    request::Limits,
};

const TWO: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n#EXTINF:6,\nb.ts\n";

#[test]
fn keys_and_inits_apply_to_all_later_segments() {
    let text = "#EXTM3U\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\na\n#EXTINF:1,\nb\n#EXTINF:1,\nc\n";
    let playlist = media(text);
    assert_eq!(playlist.segments.len(), 3);
    for segment in &playlist.segments {
        assert_eq!(segment.key.as_ref().unwrap().method, Method::Aes128);
        assert_eq!(segment.init.as_ref().unwrap().url.path(), "/live/i.mp4");
        assert!(std::sync::Arc::ptr_eq(segment.key.as_ref().unwrap(), playlist.segments[0].key.as_ref().unwrap()));
    }
}

#[test]
fn keys_of_several_drm_systems_apply_together() {
    let text = "#EXTM3U\n\
        #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n\
        #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:,b\",KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"\n\
        #EXTINF:1,\na\n\
        #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://c\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n\
        #EXTINF:1,\nb\n";
    let playlist = media(text);
    let keys: Vec<_> = playlist.segments.iter().map(|segment| segment.key.as_deref().unwrap()).collect();
    assert_eq!(keys[0].formats.len(), 2);
    assert_eq!(keys[0].protection_name(), "SAMPLE-AES with FairPlay, Widevine");
    assert_eq!(keys[1].formats.len(), 2);
    assert!(keys[1].formats.iter().any(|format| format.url.as_ref().unwrap().as_str() == "skd://c"));
}

#[test]
fn method_none_without_an_iv_ends_the_key() {
    let text = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\na\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\nb\n#EXTINF:1,\nc\n";
    let clear: Vec<_> = media(text).segments.iter().map(|segment| segment.key.is_none()).collect();
    assert_eq!(clear, [false, true, true]);
}

#[test]
fn a_key_after_the_init_does_not_encrypt_it() {
    let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n";
    let init = "#EXT-X-MAP:URI=\"i\"\n";
    for (tags, encrypted) in [(format!("{init}{key}"), false), (format!("{key}{init}"), true)] {
        let playlist = media(format!("#EXTM3U\n{tags}#EXTINF:1,\na\n"));
        assert!(playlist.segments[0].key.is_some());
        assert_eq!(playlist.segments[0].init.as_ref().unwrap().key.is_some(), encrypted, "{tags}");
    }
}

#[test]
fn tags_after_the_last_uri_are_read() {
    let text = format!("{TWO}#EXT-X-PART:DURATION=0.3,URI=\"c.1.ts\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"c.2.ts\"\n#EXT-X-ENDLIST");
    let playlist = media(text);
    assert_eq!(file_names(&playlist), ["a.ts", "b.ts", "c.1.ts"]);
    assert_eq!(playlist.complete_segments().len(), 2);
    assert_eq!(playlist.hint.as_ref().unwrap().url.path(), "/live/c.2.ts");
    assert!(playlist.ended);
}

#[test]
fn parts_alone_make_a_media_playlist_without_complete_segments() {
    let playlist = media("#EXTM3U\n#EXT-X-PART:DURATION=0.3,URI=\"c.1.ts\"\n");
    assert!(playlist.complete_segments().is_empty() && playlist.segments.len() == 1 && playlist.is_live());
}

#[test]
fn a_gap_applies_to_one_segment() {
    let playlist = media("#EXTM3U\n#EXT-X-GAP\n#EXTINF:1,\na\n#EXTINF:1,\nb\n#EXTINF:1,\n#EXT-X-GAP\nc\n");
    let gaps: Vec<_> = playlist.segments.iter().map(|segment| segment.gap).collect();
    assert_eq!(gaps, [true, false, true]);
}

#[test]
fn skipped_segments_are_counted() {
    let playlist = media("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:1,\na\n#EXTINF:1,\nb\n");
    let numbers: Vec<_> = playlist.segments.iter().map(|segment| segment.media_sequence_number).collect();
    assert_eq!(numbers, [13, 14]);
}

#[test]
fn a_variant_with_an_invalid_attribute_is_kept() {
    for odd in [
        "BANDWIDTH=800000,RESOLUTION=640X360",
        "BANDWIDTH=800000.7,RESOLUTION=640x360",
        "BANDWIDTH=\"800000\",RESOLUTION=\"640x360\"",
        "BANDWIDTH=800000,RESOLUTION=640x360,AVERAGE-BANDWIDTH=none,FRAME-RATE=\"25\"",
        "bandwidth = 800000 , resolution = 640x360",
        "BANDWIDTH=800000,RESOLUTION=640x360,HDCP-LEVEL=\"NONE\",CLOSED-CAPTIONS=,NAME=,AUDIO=\"\"",
        "PROGRAM-ID=1,\tBANDWIDTH=800000,\tRESOLUTION=640x360,CODECS=avc1.4d401e",
        "BANDWIDTH=800000,RESOLUTION=640x360,NAME=a\"b\"c,AUDIO=\"\"\"",
    ] {
        let text = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nbefore.m3u8\n#EXT-X-STREAM-INF:{odd}\nodd.m3u8\n");
        let playlist = multivariant(text);
        assert_eq!(playlist.variants.len(), 2, "{odd}");
        let [before, variant] = &playlist.variants[..] else { panic!() };
        assert_eq!(before.url.path(), "/live/before.m3u8", "{odd}");
        assert_eq!(variant.url.path(), "/live/odd.m3u8", "{odd}");
        assert_eq!((variant.bandwidth, variant.resolution), (Some(800_000), Some((640, 360))), "{odd}");
    }
}

#[test]
fn a_variant_without_bandwidth_or_attributes_is_kept() {
    let playlist = multivariant("#EXTM3U\n#EXT-X-STREAM-INF:\na.m3u8\n#EXT-X-STREAM-INF:RESOLUTION=axb,BANDWIDTH=-5\nb.m3u8\n");
    assert_eq!(playlist.variants.len(), 2);
    assert!(playlist.variants.iter().all(|variant| variant.bandwidth.is_none() && variant.resolution.is_none()));
}

#[test]
fn a_stray_uri_does_not_replace_the_uri_of_a_variant() {
    let playlist = multivariant("#EXTM3U\nstray\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\nstray.m3u8\n");
    assert_eq!(playlist.variants.len(), 1);
    assert_eq!(playlist.variants[0].url.path(), "/live/a.m3u8");
}

#[test]
fn a_rendition_without_name_and_group_is_kept() {
    let playlist = multivariant("#EXTM3U\n#EXT-X-MEDIA:TYPE=audio,URI=\"a.m3u8\",FORCED=YES\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n");
    assert_eq!(playlist.renditions.len(), 1);
    assert_eq!((playlist.renditions[0].name.as_str(), playlist.renditions[0].group_id.as_str()), ("", ""));
    assert_eq!(playlist.renditions[0].url.as_ref().unwrap().path(), "/live/a.m3u8");
}

#[test]
fn a_comma_in_a_title_makes_no_segment() {
    let playlist = media("#EXTM3U\n#EXTINF:6,Tom, Dick, and Harry\na.ts\n#EXTINF:6,,\nb.ts\n#EXTINF:6,\n,c.ts\n");
    assert_eq!(file_names(&playlist), ["a.ts", "b.ts", ",c.ts"]);
}

#[test]
fn an_invalid_target_duration_makes_no_segment() {
    for (text, seconds) in [("4.5", Some(5.0)), ("-1", None), ("", None), ("4,", Some(4.0)), ("\t6 ", Some(6.0)), ("x", None)] {
        let playlist = media(format!("#EXTM3U\n#EXT-X-TARGETDURATION:{text}\n#EXTINF:4.5,\na.ts\n"));
        assert_eq!(file_names(&playlist), ["a.ts"], "{text}");
        assert_eq!(playlist.target_duration, seconds, "{text}");
    }
}

#[test]
fn extinf_is_read_in_every_spelling() {
    for (text, seconds) in [
        ("#EXTINF:10", 10.0),
        ("#EXTINF:10.", 10.0),
        ("#EXTINF: 10 , x", 10.0),
        ("#extinf:10,", 10.0),
        ("#EXTINF:\t10", 10.0),
        ("#EXTINF :10", 10.0),
        ("#EXTINF:10;", 10.0),
        ("#EXTINF:", 0.0),
        ("#EXTINF:nan,", 0.0),
        ("#EXTINF:-3,", 0.0),
    ] {
        let playlist = media(format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n{text}\na.ts\n"));
        assert_eq!(file_names(&playlist), ["a.ts"], "{text}");
        assert_eq!(playlist.segments[0].duration, seconds, "{text}");
    }
}

#[test]
fn text_that_is_not_utf8_is_read() {
    let playlist = media(b"#EXTM3U\n#EXTINF:6,caf\xe9\ncaf\xe9.ts\n#EXTINF:6,\n\xc3\xa9.ts\n");
    assert_eq!(file_names(&playlist), ["caf%E9.ts", "%C3%A9.ts"]);
    let playlist = multivariant(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,NAME=\"fran\xe7ais\"\na.m3u8\n");
    assert_eq!(playlist.variants[0].name.as_deref(), Some("français"));
}

#[test]
fn a_byte_order_mark_is_accepted() {
    for text in [format!("\u{feff}{TWO}"), format!("\u{feff}\r\n\r\n{TWO}"), format!("\n\u{feff}{TWO}")] {
        assert_eq!(media(&text).segments.len(), 2);
    }
    assert!(looks_like_playlist(b"\xef\xbb\xbf#EXTM3U"));
}

#[test]
fn dates_without_a_colon_or_zone_are_read() {
    for text in ["2026-01-31T12:00:00.500+0000", "2026-01-31T12:00:00.5", "2026-01-31 12:00:00.5Z", "2026-01-31T13:00:00.5+01:00"] {
        let playlist = media(format!("#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:{text}\n#EXTINF:1,\na.ts\n"));
        let date = playlist.segments[0].program_date_time.unwrap();
        assert_eq!(date.timestamp_millis(), 1_769_860_800_500, "{text}");
    }
    let playlist = media("#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:yesterday\n#EXTINF:1,\na.ts\n");
    assert_eq!(playlist.segments[0].program_date_time, None);
}

#[test]
fn durations_keep_all_their_digits() {
    let playlist = media("#EXTM3U\n#EXTINF:9.123456789,\na\n#EXTINF:33554433.5,\nb\n");
    assert_eq!(playlist.segments[0].duration, 9.123_456_789);
    assert_eq!(playlist.segments[1].duration, 33_554_433.5);
}

#[test]
fn every_kind_of_line_end_and_blank_is_accepted() {
    for text in [
        TWO.replace('\n', "\r\n"),
        TWO.replace('\n', "\r"),
        TWO.replace('\n', " \t\n\n  "),
        TWO.trim_end().to_owned(),
        format!("  \r\n\t{TWO}"),
        TWO.replace("a.ts", "\0a.ts\0").replace("#EXT-X", "#E\0XT-X"),
        format!("{TWO}\0\0\0"),
        TWO.to_lowercase(),
        TWO.replace("#EXTM3U\n", "#EXTM3U   \n# a comment, with #EXTINF:5,\n#\n"),
        TWO.replace(":6", ": 6"),
        TWO.replace("#EXT-X", "#EXT-X-VERSION: 10\n#EXT-X"),
    ] {
        let playlist = media(&text);
        assert_eq!(file_names(&playlist), ["a.ts", "b.ts"], "{text:?}");
        assert_eq!(playlist.target_duration, Some(6.0), "{text:?}");
        assert_eq!(playlist.duration(), 12.0, "{text:?}");
        assert!(looks_like_playlist(text.as_bytes()) || text.contains("E\0XT"), "{text:?}");
    }
}

#[test]
fn tags_without_a_line_break_between_them_are_read() {
    let playlist =
        media("#EXTM3U\n#EXT-X-TARGETDURATION:5#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i.mp4\"#EXTINF:5,\na\n#EXT-X-ENDLIST#EXTM3U");
    assert_eq!((playlist.media_sequence, playlist.ended), (7, true));
    assert_eq!(playlist.segments[0].duration, 5.0);
    assert!(playlist.segments[0].init.is_some());
}

#[test]
fn extm3u_may_be_missing() {
    let text = TWO.trim_start_matches("#EXTM3U\n");
    assert_eq!(file_names(&media(text)), ["a.ts", "b.ts"]);
    for text in [text, "# made by hand\n\n#EXTINF:6,\na.ts\n", "#extm3u"] {
        assert!(looks_like_playlist(text.as_bytes()), "{text}");
    }
    for text in ["", "G@", "<html>", "hello", "# heading\ntext\n", "\u{feff}"] {
        assert!(!looks_like_playlist(text.as_bytes()), "{text}");
    }
}

#[test]
fn text_that_is_not_hls_is_refused_with_its_kind() {
    for (text, what) in [
        ("", "empty"),
        (" \n", "empty"),
        ("<!DOCTYPE html><html>#EXTM3U\n#EXTINF:5,\nx</html>", "HTML"),
        ("{\"error\": 404}", "JSON"),
        ("not found", "#EXTM3U is missing"),
        ("#EXTM3U\n", "neither segments nor Variants"),
        ("#EXTM3U\n#EXT-X-VERSION:3\n", "neither segments nor Variants"),
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", "names no Media Playlist"),
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nindex.m3u8?token=1\n", "itself"),
        ("#EXTM3U\n#EXTINF:-1 tvg-id=\"x\",One\nhttp://a/1\n#EXTINF:-1,Two\nhttp://a/2\n", "list of channels"),
    ] {
        let error = read(text).err().unwrap_or_else(|| panic!("{text:?} was read"));
        assert_eq!(error.kind(), ErrorKind::BadPlaylist, "{text:?}");
        assert!(error.message().contains(what), "{text:?}: {error}");
    }
}

#[test]
fn media_tags_alone_make_a_media_playlist_without_segments() {
    assert!(media("#EXTM3U\n#EXT-X-TARGETDURATION:4\n").segments.is_empty());
}

#[test]
fn a_line_without_extinf_is_no_segment_if_others_have_one() {
    let playlist = media("#EXTM3U\n{{#if x}}\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\nstray\n#EXTINF:1,\na\nupstream timed out\n");
    assert_eq!(file_names(&playlist), ["a"]);
    assert!(playlist.segments[0].key.is_some());
    assert_eq!(file_names(&media("#EXTM3U\na.ts\nb.ts\n")), ["a.ts", "b.ts"]);
}

#[test]
fn channel_names_before_variants_make_no_media_playlist() {
    let playlist = multivariant("#EXTM3U\n#EXTINF:-1,One\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n");
    assert_eq!(playlist.variants.len(), 1);
}

#[test]
fn stray_media_tags_make_no_media_playlist_of_variants() {
    let variants = "#EXT-X-STREAM-INF:BANDWIDTH=2\nhi.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlo.m3u8\n";
    for text in [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:15\n#EXT-X-MEDIA-SEQUENCE:0\n{variants}#EXT-X-ENDLIST\n"),
        format!("#EXTM3U\n{}", variants.replace("#EXT-X-STREAM-INF", "#EXTINF:10,\n#EXT-X-STREAM-INF")),
        format!("#EXTM3U\n{}", variants.replace("hi.m3u8", "#EXTINF:10,\nhi.m3u8")),
        format!("#EXTM3U\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXT-X-KEY:METHOD=NONE\n{variants}"),
    ] {
        let playlist = multivariant(&text);
        let urls: Vec<_> = playlist.variants.iter().map(|variant| variant.url.path().rsplit('/').next()).collect();
        assert_eq!(urls, [Some("hi.m3u8"), Some("lo.m3u8")], "{text}");
    }
    // Nor does a stray EXT-X-STREAM-INF make a Multivariant Playlist of segments
    assert_eq!(media(format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}", TWO.trim_start_matches("#EXTM3U\n"))).segments.len(), 2);
}

#[test]
fn an_unreadable_date_is_noted() {
    let notes = |date: &str| media(format!("#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:{date}\n#EXTINF:1,\na.ts\n")).notes().count();
    assert_eq!((notes("yesterday"), notes("2026-01-31T12:00:00Z")), (1, 0));
}

#[test]
fn a_single_channel_is_refused_as_a_list_of_channels() {
    for extinf in ["-1 tvg-id=\"x\"", "0 group-title=\"News\"", "-1 catchup=\"default\""] {
        let text = format!("#EXTM3U x-tvg-url=\"http://a\"\n#EXTINF:{extinf},One\n#EXTVLCOPT:x\nhttp://a/1.m3u8\n");
        assert!(read(text).err().unwrap().message().contains("list of channels"), "{extinf}");
    }
}

#[test]
fn too_many_entries_are_refused() {
    let limits = Limits { max_playlist_entries: 2, ..Limits::default() };
    let parse = |text: &str| crate::hls::parse(text.as_bytes(), &base(), &Variables::default(), &limits);
    assert!(matches!(parse(TWO), Ok(Playlist::Media(_))));
    for text in [
        format!("{TWO}#EXTINF:1,\nc.ts\n"),
        format!("#EXTM3U\n{}", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"b\"\n".repeat(3)),
        format!("#EXTM3U\n{}", "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"a\"\n".repeat(3)),
    ] {
        assert_eq!(parse(&text).err().map(|error| error.kind()), Some(ErrorKind::TooLarge));
    }
}

#[test]
fn a_million_lines_are_read_or_refused() {
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{}", "#EXTINF:1,\na.ts\n".repeat(400_000));
    assert_eq!(media(text).segments.len(), 400_000);
    let text = format!("#EXTM3U\n{}#EXTINF:1,\na.ts\n", "# nothing\n".repeat(990_000));
    assert_eq!(media(text).segments.len(), 1);
    for text in ["#EXTINF:1,\na.ts\n".repeat(600_000), "# nothing\n".repeat(1_100_000)] {
        assert_eq!(read(format!("#EXTM3U\n{text}")).err().map(|error| error.kind()), Some(ErrorKind::TooLarge));
    }
}

#[test]
fn several_date_ranges_before_one_segment_are_read() {
    let range = |id: u8| format!("#EXT-X-DATERANGE:ID=\"{id}\",START-DATE=\"2026-01-31T12:00:00Z\"\n");
    let playlist = media(format!("#EXTM3U\n{}{}#EXTINF:1,\na\n", range(1), range(2)));
    assert_eq!(playlist.date_ranges.iter().map(|range| range.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
}

/// If this fails after an update of m3u8-rs, a workaround may be obsolete.
#[test]
fn m3u8_rs_still_has_these_traps() {
    let media = |text: &[u8]| m3u8_rs::parse_media_playlist_res(text).unwrap();
    let uris = |text: &[u8]| media(text).segments.into_iter().map(|segment| segment.uri).collect::<Vec<_>>();
    assert_eq!(uris(b"#EXTM3U\n#EXT-X-TARGETDURATION:4.5\n#EXTINF:1,\na\n"), [".5", "a"]);
    assert_eq!(uris(b"#EXTM3U\n#EXTINF:1,x,y\na\n"), ["y", "a"]);
    assert_eq!(uris(b"#EXTM3U\n#EXTINF:1,\n,a\n"), ["a"]);
    assert_eq!(uris(b"#EXTM3U\na\n\xff\nb\n"), ["a"]);
    assert_eq!(uris(b"#EXTM3U\na\n#EXT-X-PART:URI=\"p\"\n"), ["a"]);
    assert!(m3u8_rs::parse_media_playlist_res(b"\xef\xbb\xbf#EXTM3U\na\n").is_err());
    let keyed = media(b"#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\na\n#EXTINF:1,\nb\n");
    assert!(keyed.segments[0].key.is_some() && keyed.segments[1].key.is_none() && keyed.segments[1].map.is_none());
    assert!(media(b"#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\na\n").segments[0].key.is_none());
    let variants = |text: &str| m3u8_rs::parse_master_playlist_res(text.as_bytes()).unwrap().variants;
    let good = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n";
    let lost = variants(&format!("{good}#EXT-X-STREAM-INF:BANDWIDTH=1.5\nb\n"));
    assert_eq!(lost.iter().map(|variant| variant.uri.as_str()).collect::<Vec<_>>(), ["b"]);
}
