//! What tests share: running the program, and reading the number that each frame carries.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::indexing_slicing, reason = "a test that is wrong about what is there should fail loudly")]

pub mod alone;
pub mod common_encryption;
pub mod lambda;
pub mod raw;
pub mod sealing;
pub mod server;

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use image::{DynamicImage, GenericImageView};
use serde_json::Value;
use tempfile::TempDir;

/// How a run of the program ended.
pub struct Run {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// The folder that it ran in, and goes with this.
    pub folder: TempDir,
}

/// Runs the program in an empty folder.
pub fn hlsnap(arguments: &[&str]) -> Run {
    hlsnap_with(arguments, b"", tempfile::tempdir().expect("a folder"))
}

/// Runs the program in a folder, with something on its stdin.
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
    // The program need not read it
    let _ = pipe.write_all(stdin);
    drop(pipe);
    let output = child.wait_with_output().expect("the program ends");
    Run {
        code: output.status.code().expect("no signal"),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("text on stderr"),
        folder,
    }
}

impl Run {
    /// The names of the files that it left.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The one JSON object on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|e| panic!("one JSON object on stdout: {e}: {:?}", String::from_utf8_lossy(&self.stdout)))
    }

    pub fn last_line(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// The picture that it wrote.
    pub fn picture(&self, name: &str) -> DynamicImage {
        assert_eq!(self.code, 0, "{}", self.stderr);
        image::open(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Asserts a failure of the contract: the exit code, the line, and that nothing is left.
    #[track_caller]
    pub fn fails(&self, code: i32, kind: &str) -> &Self {
        assert_eq!(self.code, code, "{}", self.stderr);
        let start = format!("hlsnap: {kind}: ");
        assert!(self.last_line().starts_with(&start), "the last line is {:?}", self.last_line());
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert_eq!(self.files(), [""; 0], "nothing is left");
        self
    }
}

/// Takes a PNG with these options and gives the number of its frame.
#[track_caller]
pub fn frame(url: &str, options: &[&str]) -> u16 {
    let run = hlsnap(&[&[url, "-o", "out.png"], options].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    number(&run.picture("out.png"))
}

/// The number in the blocks at the top of a frame (see tests/fixtures/frames.py).
#[track_caller]
pub fn number(picture: &DynamicImage) -> u16 {
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

/// The colours in the middle of the six patches at the bottom of a frame: red, green, blue, grey, white, black.
pub fn patches(picture: &DynamicImage) -> Vec<[u8; 3]> {
    let (width, height) = picture.dimensions();
    (0..6)
        .map(|patch| {
            let [r, g, b, _] = picture.get_pixel((2 * patch + 1) * width / 12, height - height / 12).0;
            [r, g, b]
        })
        .collect()
}

pub const PATCHES: [[u8; 3]; 6] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128], [255, 255, 255], [0, 0, 0]];

/// Asserts that the patches have their colours.
#[track_caller]
pub fn assert_colours(picture: &DynamicImage, most: u8) {
    for (given, wanted) in patches(picture).into_iter().zip(PATCHES) {
        let off = given.iter().zip(wanted).map(|(given, wanted)| given.abs_diff(wanted)).max().unwrap_or(0);
        assert!(off <= most, "{given:?} is not {wanted:?}: {:?}", patches(picture));
    }
}
