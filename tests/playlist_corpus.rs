//! Playlists of many packagers and projects, from the corpus: every valid one is read with all of its segments.

use std::{collections::BTreeMap, fs, path::Path};

use crate::support::corpus_folder;
use hlsnap::internals::{
    hls::{self, MediaPlaylist, MultivariantPlaylist, Playlist, Variables},
    request::{Limits, Position, Precision, Size, VariantChoice},
};
use url::Url;

/// Playlists that playlists.tsv counts by lines, with their actual meaning.
const MISCOUNTED: [(&str, &str); 6] = [
    // A line break is missing before EXTINF
    ("ExoPlayer__HlsMediaPlaylistParserTest.java_playlistString~15.m3u8", "media live 4"),
    ("ExoPlayer__HlsMediaPlaylistParserTest.java_playlistString~16.m3u8", "media live 2"),
    // The last EXTINF has no URI
    ("ExoPlayer__HlsMediaSourceTest.java_playlist4.m3u8", "media live 4"),
    ("hls.js__m3u8-parser.ts_019.m3u8", "media end 5"),
    ("m3u8__playlists.py_085.m3u8", "media live 3"),
    // One text with every tag there is
    ("mamba__hls_writer_parser_roundtrip_tester.txt.m3u8", "media end 3"),
];

fn read(path: &Path) -> Result<Playlist, hlsnap::Error> {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let url: Url = "https://origin.test/a/b/index.m3u8".parse().expect("a URL");
    hls::parse(&bytes, &url, &Variables::default(), &Limits::default())
}

/// Asserts what holds for every valid Media Playlist.
fn assert_plausible(name: &str, playlist: &MediaPlaylist) {
    let mut end = 0.0;
    for (index, segment) in (0..).zip(&playlist.segments) {
        assert!((segment.start - end).abs() < 1e-6, "{name}: segment {index} starts at {} after {end}", segment.start);
        assert!((0.0..1e8).contains(&segment.duration), "{name}: segment {index} lasts {}", segment.duration);
        assert!(segment.media_sequence_number >= playlist.media_sequence + index, "{name}: segment {index}");
        assert!(segment.key.as_ref().is_none_or(|key| !key.formats.is_empty()), "{name}: segment {index}");
        end = segment.end();
    }
    for at in [None, Some(Position::Start), Some(Position::Live), Some(Position::Percent(50.0)), Some(Position::Percent(100.0))] {
        for precision in [None, Some(Precision::Exact), Some(Precision::KeyFrame)] {
            match hls::plan(playlist, at, precision, None) {
                Ok(plan) => {
                    let first = plan.candidates.first().unwrap_or_else(|| panic!("{name}: {at:?} has no candidates"));
                    assert!(playlist.segments.get(first.segment).is_some_and(|segment| !segment.gap), "{name}: {at:?}");
                }
                Err(error) => {
                    let has_only_gaps = playlist.segments.iter().all(|segment| segment.gap);
                    assert!(has_only_gaps, "{name}: {at:?}: {error}");
                }
            }
        }
    }
}

/// Asserts what holds for every valid Multivariant Playlist.
fn assert_plausible_variants(name: &str, playlist: &MultivariantPlaylist) {
    assert!(playlist.variants.iter().all(|variant| variant.url != playlist.url), "{name}");
    for size in [Size::default(), Size { width: Some(320), ..Size::default() }] {
        if let Ok(chosen) = hls::select_variants(playlist, &VariantChoice::Auto, &size) {
            let fits = |variant: &hls::Variant| variant.has_video() && variant.is_decodable();
            // CODECS may be wrong, so if no Variant is decodable by them, one is tried nevertheless
            assert!(chosen.first().is_some_and(|variant| fits(variant)) || !playlist.variants.iter().any(fits), "{name}");
        }
    }
}

#[test]
fn every_valid_playlist_is_read_with_all_of_its_segments() {
    let folder = corpus_folder().join("_playlists");
    let table = fs::read_to_string(folder.join("playlists.tsv")).expect("playlists.tsv");
    let mut wrong = BTreeMap::new();
    let mut checked = 0;
    for row in table.lines().skip(1) {
        let [name, kind, end, segments, _, suspect, ..] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("a row of playlists.tsv: {row}")
        };
        let found = read(&folder.join(name));
        match &found {
            Ok(Playlist::Media(media)) => assert_plausible(name, media),
            Ok(Playlist::Multivariant(multivariant)) => assert_plausible_variants(name, multivariant),
            Err(_) => {}
        }
        if !suspect.is_empty() {
            continue;
        }
        checked += 1;
        let actual = match found {
            Ok(Playlist::Media(media)) => {
                format!("media {} {}", if media.ended { "end" } else { "live" }, media.complete_segments().len())
            }
            Ok(Playlist::Multivariant(_)) => "master - 0".to_owned(),
            Err(error) => error.to_string(),
        };
        let expected = MISCOUNTED.iter().find(|known| known.0 == name).map(|known| known.1.to_owned());
        let expected = expected.unwrap_or_else(|| format!("{kind} {end} {segments}"));
        if actual != expected && kind != "other" {
            wrong.insert(name.to_owned(), format!("{actual} instead of {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {checked}: {wrong:#?}", wrong.len());
    assert!(checked > 200, "{checked} playlists only");
}

#[test]
fn every_playlist_of_every_presentation_is_read() {
    let mut checked = 0;
    for case in fs::read_dir(corpus_folder()).expect("the corpus").flatten().filter(|entry| entry.path().is_dir()) {
        let case_name = case.file_name().to_string_lossy().into_owned();
        if case_name == "_playlists" || case_name.starts_with("bad-") {
            continue;
        }
        let mut folders = vec![case.path()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let is_playlist = path.extension().is_some_and(|ending| ending == "m3u8");
                if !is_playlist {
                    continue;
                }
                let name = path.display().to_string();
                let text = fs::read(&path).expect("a playlist");
                assert!(hls::looks_like_playlist(&text), "{name}");
                match read(&path) {
                    Ok(Playlist::Media(media)) => {
                        let text = String::from_utf8_lossy(&text);
                        assert_eq!(media.complete_segments().len(), text.matches("#EXTINF").count(), "{name}");
                        assert_plausible(&name, &media);
                    }
                    Ok(Playlist::Multivariant(multivariant)) => assert_plausible_variants(&name, &multivariant),
                    Err(error) => panic!("{name}: {error}"),
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 80, "{checked} playlists only");
}
