//! A program that is ended at any moment: the picture that it was to replace is old and whole, new and whole, or not there; never in part.

mod origin;
mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use origin::Origin;
use support::alone::run;

/// Moments that are tried; `HLSNAP_TEST_MOMENTS` says otherwise.
const MOMENTS: u32 = 60;

#[test]
fn ended_at_any_moment() {
    let moments = std::env::var("HLSNAP_TEST_MOMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(MOMENTS);
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    let folder = tempfile::tempdir().expect("a folder");
    let picture = folder.path().join("out.jpg");
    let began = Instant::now();
    assert!(start(&url, folder.path()).wait().expect("it ends").success());
    let usual = began.elapsed();
    let (new, old) = (fs::read(&picture).expect("a picture"), vec![b'o'; 100_000]);
    let mut seen = BTreeMap::new();
    for moment in 0..moments {
        for signal in ["KILL", "TERM"] {
            fs::write(&picture, &old).expect("written");
            let mut child = start(&url, folder.path());
            // Spread over a run and a little more, in no order that the program's phases have
            let part = f64::from(moment.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
            // Every other one about the time when the picture is written
            std::thread::sleep(usual.mul_f64(if moment % 2 == 0 { 1.2 * part } else { 0.7 + 0.4 * part }));
            let ended = child.try_wait().expect("a child").is_some();
            if !ended {
                run("kill", &[&format!("-{signal}"), &child.id().to_string()]);
            }
            child.wait().expect("it ends");
            let found = match fs::read(&picture) {
                Ok(bytes) if bytes == old => "old",
                Ok(bytes) if bytes == new => "new",
                Ok(bytes) => panic!("SIG{signal} after {part:.3} of a run: {} bytes that are neither", bytes.len()),
                Err(_) => "absent",
            };
            let others = fs::read_dir(folder.path()).expect("the folder").count() - 1;
            assert!(others == 0 || signal == "KILL", "SIG{signal} after {part:.3} of a run leaves other files");
            *seen.entry((signal, found, ended, others)).or_insert(0) += 1;
            for entry in fs::read_dir(folder.path()).expect("the folder") {
                fs::remove_file(entry.expect("an entry").path()).expect("removed");
            }
        }
    }
    println!("signal, picture, ended by itself before, other files: {seen:?}");
    for signal in ["KILL", "TERM"] {
        let of = |wanted: &str| seen.iter().any(|((one, found, ..), _)| *one == signal && *found == wanted);
        assert!(of("old") && of("new"), "the moments lie before and after the picture: {seen:?}");
    }
}

fn start(url: &str, folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hlsnap"));
    command.args([url, "-o", "out.jpg", "--quiet"]).current_dir(folder).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the program starts")
}
