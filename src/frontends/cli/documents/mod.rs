//! Keeps `docs/` true. Parts of it are generated from the tables that the program itself uses: `script/schema` writes them, and these tests
//! fail if they differ. The rest is compared with the tables.

mod command_lines;
mod errors;
mod options;
mod schema;

use std::{fs, path::PathBuf};

/// Set by `script/schema`.
const WRITE: &str = "HLSNAP_WRITE_DOCUMENTS";

/// A file of the repository.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The text of a file of the repository.
fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Fails if a generated file is not `wanted`, or writes it if `script/schema` says so.
fn compare_or_write(name: &str, wanted: &str) {
    if std::env::var_os(WRITE).is_some() {
        fs::write(path(name), wanted).expect("the file can be written");
    }
    let is_same = fs::read_to_string(path(name)).is_ok_and(|text| text == wanted);
    assert!(is_same, "{name} is not what the program's tables say: run script/schema, and commit the result");
}
