//! EXT-X-DEFINE: names, imports, and query parameters.

use super::{base, multivariant};
use crate::{
    error::ErrorKind,
    hls::{Playlist, Variables, parse},
    request::Limits,
};

const LADDER: &str = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"host\",VALUE=\"https://cdn.test\"\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.{$host}\"\n{$host}/a.m3u8?t={$token}\n";

fn first_url(text: &str, imported: &Variables) -> Result<String, ErrorKind> {
    match parse(text.as_bytes(), &base(), imported, &Limits::default()) {
        Ok(Playlist::Media(media)) => Ok(media.segments[0].url.to_string()),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.kind()),
    }
}

#[test]
fn references_in_uris_and_attributes_are_substituted() {
    let playlist = multivariant(LADDER);
    assert_eq!(playlist.variants[0].url.as_str(), "https://cdn.test/a.m3u8?t=1");
    assert_eq!(playlist.variants[0].codecs.as_deref(), Some("avc1.https://cdn.test"));
}

#[test]
fn a_media_playlist_imports_variables_of_the_multivariant_one() {
    let variables = multivariant(LADDER).variables;
    let text = "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"host\"\n#EXTINF:1,\n{$host}/{$host\n";
    assert_eq!(first_url(text, &variables), Ok("https://cdn.test/%7B$host".to_owned()));
    // A variable that is not imported is undefined, and the reference stays
    assert_eq!(first_url(text, &Variables::default()), Ok("https://origin.test/live/%7B$host%7D/%7B$host".to_owned()));
    assert_eq!(
        first_url(&text.replace("{$host}/", "{$token}"), &variables),
        Ok("https://origin.test/live/%7B$token%7D%7B$host".to_owned())
    );
}

#[test]
fn without_a_definition_braces_are_text() {
    assert_eq!(first_url("#EXTM3U\n#EXTINF:1,\na{$b}.ts\n", &Variables::default()), Ok("https://origin.test/live/a%7B$b%7D.ts".to_owned()));
    let missing = "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"none\"\n#EXTINF:1,\na.ts\n";
    assert_eq!(first_url(missing, &Variables::default()), Ok("https://origin.test/live/a.ts".to_owned()));
}

#[test]
fn references_that_add_too_many_bytes_are_refused() {
    let value = "x".repeat(100_000);
    let text = format!("#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{value}\"\n#EXTINF:1,\n{}\n", "{$a}".repeat(1000));
    assert_eq!(first_url(&text, &Variables::default()), Err(ErrorKind::TooLarge));
}
