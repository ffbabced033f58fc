//! The programs in `examples/`, against the local origin. `cargo test` and `cargo nextest run` build them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::origin::Origin;

fn example(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_hlsnap")).parent().expect("a folder").join("examples");
    let program = folder.join(name);
    assert!(program.exists(), "{} is missing: run `cargo build --examples`", program.display());
    program
}

fn run(name: &str, arguments: &[&str]) -> Output {
    Command::new(example(name)).args(arguments).output().expect("the example starts")
}

fn dimensions(path: &Path) -> (u32, u32) {
    let picture = image::open(path).expect("a picture");
    (picture.width(), picture.height())
}

#[test]
fn snapshot_writes_one_picture() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("picture.jpg");
    let output = run("snapshot", &[&origin.url("/ladder-ts/master.m3u8"), path.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(dimensions(&path), (640, 360));
}

#[test]
fn moments_writes_four_pictures() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let output = run("moments", &[&origin.url("/ladder-ts/master.m3u8"), folder.path().to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for index in 0..4 {
        assert_eq!(dimensions(&folder.path().join(format!("{index}.jpg"))), (320, 180));
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 4);
}

#[test]
fn channel_check_exits_with_the_code_of_the_error() {
    let origin = Origin::start();
    let up = run("channel_check", &[&origin.url("/live/master.m3u8")]);
    assert_eq!(up.status.code(), Some(0), "{}", String::from_utf8_lossy(&up.stderr));
    let down = run("channel_check", &[&origin.url("/none.m3u8")]);
    assert_eq!(down.status.code(), Some(12));
}

#[test]
fn many_streams_writes_a_picture_of_each_stream_that_has_one() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let urls = ["/ladder-ts/master.m3u8", "/none.m3u8", "/live/master.m3u8"].map(|path| origin.url(path));
    let [first, missing, last] = urls.each_ref().map(String::as_str);
    let output = run("many_streams", &[folder.path().to_str().expect("UTF-8"), first, missing, last]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(errors.starts_with(&format!("{missing}: http_status: ")) && errors.lines().count() == 1, "{errors}");
    for index in [0, 2] {
        assert_eq!(dimensions(&folder.path().join(format!("{index}.jpg"))).0, 320);
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 2);
}
