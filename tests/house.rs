//! The structure of `src` (docs/architecture.md): which module may import which, where `unsafe` and the network may be used, and the
//! length of files. A room is a module at the top level of the crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const ROOMS: [&str; 20] = [
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
    "compose",
    "storyboard",
    "store",
    "channels",
    "watch",
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
        "compose" => matches!(other, "capture" | "render" | "storyboard" | "fetch"),
        "watch" => matches!(other, "capture" | "channels" | "fetch" | "hls" | "render"),
        // Frontends own the client, print libav's version, and serialize playlists
        "frontends" => matches!(other, "capture" | "channels" | "compose" | "watch" | "store" | "fetch" | "libav" | "hls"),
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
    ("async fn", &["fetch", "protection", "read", "capture", "compose", "watch", "store", "frontends"]),
    ("spawn_blocking", &["capture"]),
    ("Instant::now", &["fetch", "read", "capture", "compose", "watch", "frontends"]),
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

/// The path, the room and the code without comments of each file in `src`. `lib.rs` and `internals.rs` only re-export.
fn sources() -> Vec<(PathBuf, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let all = rust_files(&src).into_iter().filter_map(|path| {
        let inner = path.strip_prefix(&src).expect("below src");
        let room = inner.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).expect("readable");
        let code: Vec<_> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        Some((path, room, code.join("\n")))
    });
    all.filter(|(_, room, _)| !matches!(room.as_str(), "lib" | "internals")).collect()
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
fn every_test_file_is_part_of_the_test_program() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let program = fs::read_to_string(tests.join("integration.rs")).expect("readable");
    for entry in fs::read_dir(&tests).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let is_test = path.extension().is_some_and(|ending| ending == "rs") && name != "integration";
        assert!(!is_test || program.lines().any(|line| line == format!("mod {name};")), "tests/integration.rs does not declare {name}");
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

/// The files of `src` as modules, and what the names in them mean. `crate` is `lib.rs`.
struct Modules {
    /// The code of each module without its `use` lines.
    code: BTreeMap<String, String>,
    /// The imports of each module: the name in the module, and the absolute path.
    imports: BTreeMap<String, BTreeMap<String, String>>,
}

impl Modules {
    /// Reads `src` without binaries, comments and tests.
    fn of_src() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let module = |path: PathBuf| {
            let inner = path.strip_prefix(&src).expect("below src").with_extension("");
            let names: Vec<_> = inner.iter().filter_map(|name| name.to_str()).filter(|name| !matches!(*name, "mod" | "lib")).collect();
            let text = fs::read_to_string(&path).expect("readable");
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().lines();
            let code: Vec<_> = code.map(|line| line.split("//").next().unwrap_or_default()).collect();
            let belongs = names.first() != Some(&"bin") && !names.contains(&"tests");
            belongs.then(|| ([&["crate"], names.as_slice()].concat().join("::"), code.join("\n")))
        };
        Self::new(rust_files(&src).into_iter().filter_map(module).collect())
    }

    fn new(files: BTreeMap<String, String>) -> Self {
        let mut modules = Self { code: files.clone(), imports: BTreeMap::new() };
        for (module, file) in files {
            let (trees, code) = split_uses(&file);
            let mut imports = BTreeMap::new();
            for path in trees.iter().flat_map(|tree| paths_of_tree(tree)) {
                let (path, alias) = path.split_once(" as ").map_or((path.as_str(), None), |(path, alias)| (path, Some(alias)));
                let name = alias.or(path.rsplit("::").next()).unwrap_or_default();
                imports.extend(modules.absolute(&module, path).map(|path| (name.to_owned(), path)));
            }
            modules.imports.insert(module.clone(), imports);
            modules.code.insert(module, code);
        }
        modules
    }

    /// The path from the crate's root, if `path` begins with `crate`, `self`, `super` or a child module.
    fn absolute(&self, module: &str, path: &str) -> Option<String> {
        let first = path.split("::").next()?;
        let is_relative = matches!(first, "self" | "super") || self.code.contains_key(&format!("{module}::{first}"));
        let mut absolute: Vec<_> = if is_relative { module.split("::").collect() } else { Vec::new() };
        for name in path.split("::") {
            match name {
                "self" => {}
                "super" => _ = absolute.pop(),
                name => absolute.push(name),
            }
        }
        (is_relative || first == "crate").then(|| absolute.join("::"))
    }

    /// The module that defines what an absolute path names. Follows re-exports.
    fn definition(&self, path: &str) -> String {
        let mut module = "crate".to_owned();
        let mut names = path.split("::").skip(1);
        while let Some(name) = names.next() {
            let child = format!("{module}::{name}");
            if self.code.contains_key(&child) {
                module = child;
            } else if let Some(import) = self.import(&module, name) {
                return self.definition(&[import].into_iter().chain(names).collect::<Vec<_>>().join("::"));
            } else {
                break;
            }
        }
        module
    }

    /// What a module imports by a name, as an absolute path.
    fn import(&self, module: &str, name: &str) -> Option<&str> {
        self.imports.get(module)?.get(name).map(String::as_str)
    }

    /// The modules that define what the code of a module names. A name that is only re-exported does not count.
    fn used_by(&self, module: &str, code: &str) -> BTreeSet<String> {
        let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let words = code.split(|c| !is_path(c)).map(|word| word.trim_matches(':'));
        let definition = |word: &str| {
            let (first, rest) = word.split_once("::").map_or((word, None), |(first, rest)| (first, Some(rest)));
            let path = match (self.import(module, first), rest) {
                (Some(import), None) => import.to_owned(),
                (Some(import), Some(rest)) => format!("{import}::{rest}"),
                (None, None) => return None,
                (None, Some(_)) => self.absolute(module, word)?,
            };
            Some(self.definition(&path)).filter(|other| other != module)
        };
        words.filter_map(definition).collect()
    }

    /// Some modules of which each uses the next one, and the last one the first.
    fn circle(&self) -> Option<Vec<String>> {
        let mut left: BTreeMap<_, _> = self.code.iter().map(|(module, code)| (module.clone(), self.used_by(module, code))).collect();
        // A module that uses none of those left is in no circle
        while let Some(module) =
            left.iter().find(|(_, used)| !used.iter().any(|other| left.contains_key(other))).map(|(module, _)| module.clone())
        {
            left.remove(&module);
        }
        let mut path = vec![left.keys().next()?.clone()];
        loop {
            let next = left.get(path.last()?)?.iter().find(|other| left.contains_key(*other))?;
            if let Some(start) = path.iter().position(|module| module == next) {
                return Some(path.split_off(start));
            }
            path.push(next.clone());
        }
    }
}

/// The trees of the `use` lines of a file, and the rest of its code.
fn split_uses(code: &str) -> (Vec<String>, String) {
    let (mut trees, mut rest) = (Vec::new(), String::new());
    for statement in code.split_inclusive(';') {
        let is_tree = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_:{},*;".contains(c));
        match statement.rsplit_once("use ").filter(|(before, tree)| is_tree(tree) && before.chars().last().is_none_or(char::is_whitespace))
        {
            Some((before, tree)) => {
                trees.push(tree.trim_end_matches(';').to_owned());
                rest.push_str(before);
            }
            None => rest.push_str(statement),
        }
    }
    (trees, rest)
}

/// The paths of a `use` tree: `a::{self, b::c as d}` has `a` and `a::b::c as d`.
fn paths_of_tree(tree: &str) -> Vec<String> {
    let Some((start, list)) = tree.split_once('{') else { return vec![tree.trim().trim_end_matches("::self").to_owned()] };
    let list = list.rsplit_once('}').map_or(list, |(list, _)| list);
    let items = split_list(list).into_iter().filter(|item| !item.trim().is_empty());
    items.flat_map(|item| paths_of_tree(&format!("{}{}", start.trim(), item.trim()))).collect()
}

#[test]
fn source_files_form_no_circle_of_imports() {
    assert_eq!(Modules::of_src().circle(), None);
}

#[test]
fn circles_are_found_through_reexports_and_paths() {
    let circle = |parent: &str, child: &str, leaf: &str| {
        let files = [("crate", ""), ("crate::a", parent), ("crate::a::b", child), ("crate::a::c", leaf)];
        let files = files.map(|(module, code)| (module.to_owned(), code.to_owned()));
        Modules::new(files.into()).circle().unwrap_or_default().len()
    };
    assert_eq!(circle("mod b;\npub use b::B;\npub use c::C;", "use super::C;\nstruct B(C);", "struct C;"), 0);
    assert_eq!(circle("pub use b::B;\nstruct A;", "use super::A;\nstruct B(A);", ""), 0);
    assert_eq!(circle("pub use b::B;\nstruct A(B);", "use super::{A, c::*};\nstruct B(A);", ""), 2);
    assert_eq!(circle("fn a() { b::b() }", "pub fn b() { crate::a::a() }", ""), 2);
    assert_eq!(circle("pub use b::B;", "use super::c;\nstruct B(c::C);", "use crate::{a as up};\nstruct C(up::B);"), 2);
}
