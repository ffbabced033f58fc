//! Whole lists, as people and tools write them.

use std::{fmt::Write as _, time::Duration};

use url::Url;

use super::{BadLine, Channel, ListReader, parse};
use crate::{
    error::ErrorKind,
    request::{Limits, Options},
};

/// The channels and the bad lines of a list in pieces of `size` bytes.
fn read(list: &[u8], size: usize) -> Vec<Result<Channel, BadLine>> {
    let mut reader = ListReader::new(&Options::default(), None);
    let mut items = Vec::new();
    for piece in list.chunks(size) {
        reader.push(piece);
        items.extend(std::iter::from_fn(|| reader.next()));
    }
    reader.end();
    items.extend(std::iter::from_fn(|| reader.next()));
    items
}

/// `line|id|name|group|url` of each channel, and `line|kind` of each bad line.
fn rows(list: &[u8]) -> Vec<String> {
    let row = |item: Result<Channel, BadLine>| match item {
        Ok(Channel { line, id, name, group, options, .. }) => {
            [line.to_string(), id, name.unwrap_or_default(), group.unwrap_or_default(), options.url.unwrap_or_default()].join("|")
        }
        Err(BadLine { line, id, error }) => format!("{line}|{}{}", id.map(|id| format!("{id}|")).unwrap_or_default(), error.kind()),
    };
    let rows = |size| read(list, size).into_iter().map(row).collect::<Vec<_>>();
    let whole = rows(usize::MAX);
    assert_eq!(rows(1), whole, "the pieces make no difference");
    whole
}

const M3U: &str = "\u{feff}#EXTM3U x-tvg-url=\"http://guide/epg.xml.gz\"\r\n\
    #EXTINF:-1 tvg-id=\"One.uk\" tvg-name=\"ONE HD\" tvg-logo=\"http://l/1.png?a=b,c\" group-title=\"UK; News, Weather\",One HD (1080p) [Geo-blocked]\r\n\
    #EXTVLCOPT:http-user-agent=Mozilla/5.0 (Windows NT 10.0; Win64; x64)\r\n\
    http://h/one/index.m3u8?token=a%20b\r\n\
    \r\n\
    #EXTINF:-1 tvg-id=\"\" tvg-name=\"\" group-title=\"\",Two, the second\r\n\
    http://h/two.m3u8|User-Agent=VLC&Referer=http://r/\r\n\
    #KODIPROP:inputstream=inputstream.adaptive\r\n\
    #EXTINF:-1,\r\n\
    #EXTGRP:Music\r\n\
    https://h/three.m3u8\r\n";

#[test]
fn m3u_lists_of_iptv_tools_are_read() {
    let expected = [
        "4|One.uk|One HD (1080p) [Geo-blocked]|UK; News, Weather|http://h/one/index.m3u8?token=a%20b",
        "7|http://h/two.m3u8|Two, the second||http://h/two.m3u8",
        "11|https://h/three.m3u8||Music|https://h/three.m3u8",
    ];
    assert_eq!(rows(M3U.as_bytes()), expected);
    let without_head = M3U.split_once("\r\n").map(|(_, rest)| rest).unwrap_or_default();
    assert_eq!(rows(without_head.as_bytes()).len(), 3);
}

#[test]
fn names_in_latin_1_are_read() {
    let list = b"#EXTM3U\n#EXTINF:-1 group-title=\"T\xe9l\xe9\",Fran\xe7e\nhttp://h/a\n#EXTINF:-1,\xc3\x89t\xc3\xa9\nhttp://h/b\n";
    assert_eq!(rows(list), ["3|http://h/a|France|Télé|http://h/a".replace("nce", "n\u{e7}e").as_str(), "5|http://h/b|Été||http://h/b"]);
}

#[test]
fn urls_and_json_objects_share_a_list_and_a_bad_line_is_only_its_own_error() {
    let list = "# channels\n\nhttp://h/a.m3u8\n  https://h/b.m3u8?x=y  \r\n{\"url\": \"http://h/c\", \"id\": \"c\", \"name\": \"C\", \"at\": 5}\n\
                {\"id\": \"d\", \"url\": \"http://h/d\", \"widht\": 5}\n{\"id\": \"e\", \nftp://h/x\n# end\n{\"id\":5,\"url\":\"folder/x.m3u8\"}";
    let expected = [
        "3|http://h/a.m3u8|||http://h/a.m3u8",
        "4|https://h/b.m3u8?x=y|||https://h/b.m3u8?x=y",
        "5|c|C||http://h/c",
        "6|d|usage",
        "7|usage",
        "8|usage",
        "10|5|||folder/x.m3u8",
    ];
    assert_eq!(rows(list.as_bytes()), expected);
}

#[test]
fn a_line_that_is_too_long_is_only_its_own_error() {
    let list = format!("http://h/a\nhttp://h/{}\nhttp://h/b\n", "x".repeat(100_000));
    assert_eq!(rows(list.as_bytes()), ["1|http://h/a|||http://h/a", "2|too_large", "3|http://h/b|||http://h/b"]);
}

const TOML: &str = r#"
# Channels
[defaults]
width = 320
every = "5s"
group = "All"
headers = { "X-Token" = "1" }

[[channel]]
id = "one"
name = "One"
url = "http://h/1.m3u8"
static = true
at = 2026-01-31T12:00:00Z

[[channel]]
url = "http://h/2.m3u8"
width = 640
every = 1.5
group = "News"
"#;

#[test]
fn toml_has_defaults_and_channels() {
    assert_eq!(rows(TOML.as_bytes()), ["9|one|One|All|http://h/1.m3u8", "16|http://h/2.m3u8||News|http://h/2.m3u8"]);
    let channels = parse(TOML.as_bytes(), &Options::default(), None).expect("a list");
    let requests: Vec<_> = channels.iter().filter_map(|c| Some(c.options.request(c.options.source().ok()?, None))).collect();
    assert_eq!(requests.iter().map(|request| request.size.width).collect::<Vec<_>>(), [Some(320), Some(640)]);
    assert!(requests.iter().all(|request| request.headers.custom == [("X-Token".to_owned(), "1".to_owned())]));
    assert!(requests[0].at.is_some() && channels[0].is_static);
    let paces: Vec<_> = channels.iter().map(|channel| channel.watch.every).collect();
    assert_eq!(paces, [Some(Duration::from_secs(5)), Some(Duration::from_millis(1500))]);
}

#[test]
fn errors_of_toml_name_the_line() {
    for (list, line) in [
        ("[[channel]]\nurl = \n", "2|usage"),
        ("# a\n\n[defaults]\nwidth = 0\n[[channel]]\nurl = \"a\"\n", "3|usage"),
        ("[[channel]]\nurl = \"a\"\n[[channels]]\nurl = \"b\"\n", "3|usage"),
        ("# a\n[[channel]]\nurl = \"a\"\n\n[[channel]]\nname = \"b\"\n", "5|usage"),
    ] {
        assert_eq!(rows(list.as_bytes()).last().map(String::as_str), Some(line), "{list}");
    }
}

#[test]
fn a_whole_list_has_unique_ids_and_fails_by_line() {
    let message = |list: &str| {
        let error = parse(list.as_bytes(), &Options::default(), None).err();
        error.map(|error| format!("{}: {}", error.kind(), error.message())).unwrap_or_default()
    };
    assert_eq!(message("http://h/a\n\nhttp://h/a\n"), "usage: line 3 of the list: the id \"http://h/a\" is that of line 1 too");
    let twice = message("http://h/a?t=secret\nhttp://h/a?t=secret\n");
    assert!(twice.contains("line 2") && !twice.contains("secret"), "{twice}");
    assert!(message("http://h/a\nhttp://\n").starts_with("usage: line 2 of the list: "));
    let many = (0..=100_000).fold(String::new(), |mut list, number| {
        let _ = writeln!(list, "{number}");
        list
    });
    assert!(message(&many).starts_with("too_large: line 100001 of the list: "), "{}", message(&many));
}

#[test]
fn channels_of_an_m3u_list_that_share_a_tvg_id_get_other_ids() {
    let list = "#EXTM3U\n#EXTINF:-1 tvg-id=\"a\",HD\nhttp://h/hd\n#EXTINF:-1 tvg-id=\"a\",SD\nhttp://h/sd\n";
    let ids = |list: &str| parse(list.as_bytes(), &Options::default(), None).map(|all| all.into_iter().map(|c| c.id).collect::<Vec<_>>());
    assert_eq!(ids(list).ok(), Some(vec!["a".to_owned(), "http://h/sd".to_owned()]));
    assert!(ids(&format!("{list}#EXTINF:-1 tvg-id=\"a\",SD\nhttp://h/sd\n")).is_err());
}

#[test]
fn options_of_the_command_line_are_defaults_except_for_its_url() {
    let mut defaults = Options::default();
    let given = serde_json::json!({"width": 100, "timeout": 5, "url": "list.txt"});
    defaults.set_all(given.as_object().expect("an object")).expect("options");
    let channels = parse(b"{\"url\": \"a\", \"width\": 7}\nb\n", &defaults, Url::parse("http://h/").ok().as_ref()).expect("a list");
    let limits: Vec<Limits> = channels.iter().map(|channel| channel.options.limits()).collect();
    assert!(limits.iter().all(|limits| limits.timeout == Duration::from_secs(5)));
    assert_eq!(channels.iter().map(|c| c.options.url.as_deref()).collect::<Vec<_>>(), [Some("a"), Some("b")]);
    assert_eq!(parse(b"", &defaults, None).map(|channels| channels.len()).map_err(|e| e.kind()), Ok::<_, ErrorKind>(0));
}
