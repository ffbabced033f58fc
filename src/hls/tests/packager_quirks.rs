//! Playlists in `tests/playlists` with the quirks of real packagers, after which they are named.

use super::{file_names, media, multivariant};
use crate::hls::{ByteRange, Method, PlaylistType};

macro_rules! playlist {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/playlists/", $name, ".m3u8"))
    };
}

#[test]
fn gaps_at_the_start_of_a_gohlslib_window_are_read() {
    let playlist = media(playlist!("gohlslib-gap-first"));
    assert_eq!(playlist.complete_segments().iter().map(|segment| segment.gap).collect::<Vec<_>>(), [true, true, false, false]);
    assert!(!playlist.segments[4].complete && playlist.hint.is_some());
    assert_eq!(playlist.segments[2].media_sequence_number, 2);
    assert!(playlist.is_live());
}

#[test]
fn rotated_keys_of_nginx_rtmp_apply_to_their_segments() {
    let playlist = media(playlist!("nginx-rtmp-aes-rotate"));
    let keys: Vec<_> = playlist.segments.iter().map(|segment| segment.key.as_deref().unwrap()).collect();
    assert!(keys.iter().all(|key| key.method == Method::Aes128 && key.formats.len() == 1));
    let paths: Vec<_> = keys.iter().map(|key| key.formats[0].url.as_ref().unwrap().path()).collect();
    assert_eq!(paths, ["/keys/416.key", "/keys/416.key", "/keys/418.key"]);
    assert_eq!(keys[2].formats[0].iv, Some(418u128.to_be_bytes()));
}

#[test]
fn ranges_of_a_single_shaka_file_follow_each_other() {
    let playlist = media(playlist!("shaka-single-file"));
    let range = |offset, length| Some(ByteRange { offset, length });
    assert_eq!(
        playlist.segments.iter().map(|segment| segment.byte_range).collect::<Vec<_>>(),
        [range(1129, 5000), range(6129, 4000), range(90_000, 10)]
    );
    assert_eq!(playlist.segments[1].init.as_ref().unwrap().byte_range, range(0, 1041));
    assert_eq!((playlist.playlist_type, playlist.is_live(), playlist.ended), (Some(PlaylistType::Vod), false, false));
}

#[test]
fn dates_of_ffmpeg_without_a_colon_are_read() {
    let playlist = media(playlist!("ffmpeg-program-date-time"));
    let dates: Vec<_> = playlist.segments.iter().map(|segment| segment.program_date_time.unwrap().timestamp_millis() % 60_000).collect();
    assert_eq!(dates, [3000, 7004, 20_000]);
    assert_eq!(playlist.segments.iter().map(|segment| segment.discontinuity_sequence_number).collect::<Vec<_>>(), [4, 4, 5]);
}

#[test]
fn variants_of_twitch_have_the_names_of_their_renditions() {
    let playlist = multivariant(playlist!("twitch-video-groups"));
    let variants: Vec<_> = playlist.variants.iter().map(|variant| (variant.name.as_deref().unwrap(), variant.has_video())).collect();
    assert_eq!(variants, [("1080p60 (source)", true), ("720p60", true), ("audio_only", false)]);
}

#[test]
fn text_of_windows_editors_is_read() {
    let playlist = media(playlist!("notepad-bom-crlf-latin1"));
    assert_eq!(file_names(&playlist), ["erster%20Teil.ts", "zweiter%20Teil.ts"]);
    assert_eq!(playlist.segments[1].start, 9.6);
    assert!(playlist.ended);
}
