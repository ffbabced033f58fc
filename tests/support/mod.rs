//! Helpers that tests share: running the program, and reading the number in a frame.

#![allow(clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

pub mod common_encryption;
pub mod encryption;
pub mod far_server;
pub mod http_server;
pub mod isolated_network;
pub mod lambda_runtime;
pub mod raw_server;
pub mod tls_server;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use image::{DynamicImage, GenericImageView};
use serde_json::Value;
use tempfile::TempDir;

/// The result of a run of the program.
pub struct Run {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// The working directory, which is deleted with this.
    pub folder: TempDir,
}

/// Runs the program in an empty folder.
pub fn hlsnap(arguments: &[&str]) -> Run {
    hlsnap_with(arguments, b"", tempfile::tempdir().expect("a folder"))
}

/// Runs the program in a folder, with this standard input.
pub fn hlsnap_with(arguments: &[&str], stdin: &[u8], folder: TempDir) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hlsnap"))
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // The program may end without reading it
    let _ = pipe.write_all(stdin);
    drop(pipe);
    let output = child.wait_with_output().expect("the program ends");
    Run {
        code: output.status.code().expect("no signal"),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        folder,
    }
}

/// Starts the program in a folder, without input and with its error output piped.
pub fn start_hlsnap(arguments: &[&str], folder: &Path, stdout: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hlsnap"));
    command.args(arguments).args(["--timeout", "30"]).current_dir(folder).env_clear().stdin(Stdio::null()).stdout(stdout);
    command.stderr(Stdio::piped()).spawn().expect("the program starts")
}

impl Run {
    /// The names of the files in its folder.
    pub fn files(&self) -> Vec<String> {
        file_names(self.folder.path())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The bytes of a file that it wrote.
    #[track_caller]
    pub fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}; {}", self.stderr))
    }

    /// The one JSON object on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|e| panic!("stdout is not one JSON object: {e}: {:?}", String::from_utf8_lossy(&self.stdout)))
    }

    pub fn last_line(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// The picture that it wrote.
    #[track_caller]
    pub fn picture(&self, name: &str) -> DynamicImage {
        self.succeeds();
        image::open(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Asserts a failure: the exit code, a single line that names the kind, and no file.
    #[track_caller]
    pub fn fails(&self, code: i32, kind: &str) -> &Self {
        assert_eq!(self.code, code, "{}", self.stderr);
        let start = format!("hlsnap: {kind}: ");
        assert!(self.last_line().starts_with(&start), "the last line is {:?}", self.last_line());
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert_eq!(self.files(), [""; 0], "no file is left");
        self
    }
}

/// The sorted names of the entries of a folder.
pub fn file_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Waits until a condition holds; fails after 15 seconds.
#[track_caller]
pub fn wait_for(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(15), "the condition never held");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Prints a row of the table of faults: the fault, the outcome without URLs, the time, and the files that are left.
pub fn print_fault(fault: &str, outcome: &str, elapsed: Duration, files: &str) {
    let outcome = outcome.trim_start_matches("hlsnap: ").split(", http").next().unwrap_or_default();
    println!("| {fault} | {outcome} | {:.2} s | {} |", elapsed.as_secs_f64(), if files.is_empty() { "nothing" } else { files });
}

/// Takes a PNG with these options and reads the number of its frame.
#[track_caller]
pub fn captured_frame(url: &str, options: &[&str]) -> u16 {
    frame_number(&hlsnap(&[&[url, "-o", "out.png"], options].concat()).picture("out.png"))
}

/// The number in the blocks at the top of a frame (see tests/fixtures/frames.py).
#[track_caller]
pub fn frame_number(picture: &DynamicImage) -> u16 {
    let (width, height) = picture.dimensions();
    let bits: Vec<u16> = (0..17)
        .map(|block| {
            let pixel = picture.get_pixel((2 * block + 1) * width / 34, height / 12).0;
            let luma = u16::from(pixel[1]);
            assert!(!(64..192).contains(&luma), "block {block} is neither black nor white: {pixel:?}");
            u16::from(luma >= 128)
        })
        .collect();
    assert_eq!(bits.iter().sum::<u16>() % 2, 0, "parity of {bits:?}");
    bits[..16].iter().fold(0, |number, bit| number << 1 | bit)
}

/// The colors in the middle of the six patches at the bottom of a frame: red, green, blue, gray, white, black.
pub fn patches(picture: &DynamicImage) -> Vec<[u8; 3]> {
    let (width, height) = picture.dimensions();
    (0..6)
        .map(|patch| {
            let [r, g, b, _] = picture.get_pixel((2 * patch + 1) * width / 12, height - height / 12).0;
            [r, g, b]
        })
        .collect()
}

const PATCHES: [[u8; 3]; 6] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128], [255, 255, 255], [0, 0, 0]];

/// Asserts the colors of the patches at the bottom of a frame.
#[track_caller]
pub fn assert_patches(picture: &DynamicImage, tolerance: u8) {
    assert_colors(&patches(picture), &PATCHES, tolerance, "the patches");
}

/// Asserts that each channel of each color is within a tolerance.
#[track_caller]
pub fn assert_colors(actual: &[[u8; 3]], expected: &[[u8; 3]], tolerance: u8, what: &str) {
    for (color, wanted) in actual.iter().zip(expected) {
        let difference = color.iter().zip(wanted).map(|(one, other)| one.abs_diff(*other)).max().unwrap_or(0);
        assert!(difference <= tolerance, "{what}: {color:?} is not {wanted:?}, in {actual:?}");
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// The folder of the corpus: `$HLSNAP_CORPUS`, or else `../shared/corpus`. It is never copied into this repository.
pub fn corpus_folder() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("HLSNAP_CORPUS").map_or_else(default, PathBuf::from);
    assert!(folder.is_dir(), "no corpus at {}: set HLSNAP_CORPUS to its folder", folder.display());
    folder
}
