//! The structure of `src` (docs/architecture.md): which module may import which, where `unsafe` and the network may be used, and the
//! length of files. A room is a module at the top level of the crate.

use std::{
    fs,
    path::{Path, PathBuf},
};

const ROOMS: [&str; 16] = [
    "error",
    "hex",
    "time",
    "request",
    "report",
    "protection",
    "hls",
    "fetch",
    "media",
    "libav",
    "render",
    "read",
    "capture",
    "store",
    "frontends",
    "bin",
];
const LEAVES: [&str; 5] = ["error", "hex", "time", "request", "report"];

/// Whether a room may import another one.
fn may_import(room: &str, other: &str) -> bool {
    if LEAVES.contains(&other) {
        return true;
    }
    match room {
        "libav" => other == "media",
        "render" => other == "libav",
        "protection" => matches!(other, "hls" | "fetch" | "libav"),
        "read" => matches!(other, "hls" | "fetch" | "libav" | "protection"),
        "capture" => matches!(other, "hls" | "fetch" | "libav" | "protection" | "read" | "render"),
        // Frontends own the client, print libav's version, and serialize playlists
        "frontends" => matches!(other, "capture" | "store" | "fetch" | "libav" | "hls"),
        "bin" => other == "frontends",
        _ => false,
    }
}

/// Words that only some rooms, or folders of rooms, may use, and which.
const WORDS: [(&str, &[&str]); 8] = [
    ("unsafe", &["libav", "render/ffi"]),
    ("ffmpeg_", &["libav", "render/ffi"]),
    ("libwebp_sys", &["render/ffi"]),
    ("reqwest", &["fetch"]),
    ("object_store", &["store", "frontends"]),
    ("async fn", &["fetch", "protection", "read", "capture", "store", "frontends"]),
    ("spawn_blocking", &["capture"]),
    ("Instant::now", &["fetch", "read", "capture", "frontends"]),
];

/// All Rust files below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The path, the room and the code without comments of each file in `src`.
fn sources() -> Vec<(PathBuf, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let all = rust_files(&src).into_iter().filter_map(|path| {
        let inner = path.strip_prefix(&src).expect("below src");
        let room = inner.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).expect("readable");
        let code: Vec<_> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        Some((path, room, code.join("\n")))
    });
    all.filter(|(_, room, _)| room != "lib").collect()
}

/// The rooms in paths that begin with `crate::` or `hlsnap::`, also in braces.
fn imported_rooms(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["crate::", "hlsnap::"] {
        for (at, _) in code.match_indices(start) {
            let rest = &code[at + start.len()..];
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => {
                    let mut depth = 1;
                    let end = list.find(|c| {
                        depth += i32::from(c == '{') - i32::from(c == '}');
                        depth == 0
                    });
                    split_list(&list[..end.unwrap_or(list.len())])
                }
                None => vec![rest],
            };
            found.extend(names.into_iter().map(first_word).filter(|name| ROOMS.contains(&name.as_str())));
        }
    }
    found
}

/// Splits a list at the commas outside of inner braces.
fn split_list(list: &str) -> Vec<&str> {
    let mut depth = 0;
    list.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    })
    .collect()
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[test]
fn rooms_import_only_allowed_rooms() {
    let mut imports = 0;
    for (path, room, code) in sources() {
        for other in imported_rooms(&code) {
            imports += 1;
            assert!(other == room || may_import(&room, &other), "{}: {room} may not import {other}", path.display());
        }
    }
    assert!(imports > 50, "only {imports} imports were found, so this test misses most of them");
}

#[test]
fn words_stay_in_their_rooms() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (path, _, code) in sources() {
        for (word, places) in WORDS {
            let tests = path.components().any(|part| part.as_os_str() == "tests");
            let is_allowed = places.iter().any(|place| path.starts_with(src.join(place)));
            assert!(!code.contains(word) || is_allowed || tests, "{}: {word} does not belong here", path.display());
        }
    }
}

#[test]
fn every_file_states_its_purpose_and_is_short() {
    for (path, room, _) in sources() {
        let text = fs::read_to_string(&path).expect("readable");
        let lines = text.lines().count();
        assert!(lines <= 450, "{}: {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{}: the file does not begin with its purpose", path.display());
        assert!(ROOMS.contains(&room.as_str()), "{}: {room} is not in the table of rooms", path.display());
    }
    for main in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin")) {
        assert!(fs::read_to_string(&main).expect("readable").lines().count() < 70, "{}: a binary only calls the library", main.display());
    }
}

#[test]
fn fixtures_stay_small() {
    fn size(folder: &Path) -> u64 {
        fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| {
                let path = entry.expect("an entry").path();
                if path.is_dir() { size(&path) } else { fs::metadata(path).expect("its size").len() }
            })
            .sum()
    }
    let bytes = size(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"));
    assert!(bytes < 4 << 20, "{bytes} bytes of fixtures");
}
