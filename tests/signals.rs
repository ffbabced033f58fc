//! Signals: the program ends in every phase, and the picture that it was to replace is old and complete, new and complete, or absent.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::origin::{Origin, Rule};
use crate::support::{file_names, isolated_network::run_program, print_fault, start_hlsnap, wait_for};

/// The number of moments to end the program at, unless `HLSNAP_TEST_MOMENTS` sets it.
const MOMENTS: u32 = 60;

#[test]
fn a_signal_in_any_phase_ends_the_program_and_leaves_no_file() {
    let origin = Origin::start();
    origin.rule("/silent.m3u8", Rule::Delay(Duration::from_secs(60)));
    origin.rule("/ladder-ts/v0-1.ts", Rule::StallAt(1000));
    let (silent, stalled, complete) = (origin.url("/silent.m3u8"), origin.url("/ladder-ts/v0.m3u8"), origin.url("/ladder-ts/v1.m3u8"));
    // Too large for the buffer of a pipe
    let large = ["-f", "png", "-w", "4000", "--height", "2000", "--fit", "fill", "--enlarge", "-o"];
    let phases: [(&str, Vec<&str>); 4] = [
        ("during the playlist's request", vec![&silent]),
        ("during a segment's download", vec![&stalled, "--at", "3"]),
        ("while stdout blocks", [&[complete.as_str()][..], &large, &["-"]].concat()),
        ("while a FIFO is opened", [&[complete.as_str()][..], &large, &["fifo"]].concat()),
    ];
    for (phase, arguments) in phases {
        for (signal, number) in [("TERM", 15), ("INT", 2)] {
            let folder = tempfile::tempdir().expect("a folder");
            run_program("mkfifo", &[folder.path().join("fifo").to_str().expect("UTF-8")]);
            let before = origin.requests().len();
            let mut child = start_hlsnap(&arguments, folder.path(), Stdio::piped());
            let requests = if arguments[0] == silent { 1 } else { 2 };
            wait_for(|| origin.requests().len() >= before + requests);
            std::thread::sleep(Duration::from_millis(700));
            assert!(child.try_wait().expect("a child").is_none(), "{phase}: the program still runs");
            let began = Instant::now();
            send_signal(&child, signal);
            let status = child.wait().expect("the program ends");
            print_fault(&format!("SIG{signal} {phase}"), &format!("{status}"), began.elapsed(), "");
            assert_eq!(status.signal(), Some(number), "{phase}");
            assert_eq!(file_names(folder.path()), ["fifo"], "{phase}");
        }
    }
}

#[test]
fn a_signal_at_any_moment_leaves_the_picture_old_or_new_and_never_partial() {
    let moments = std::env::var("HLSNAP_TEST_MOMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(MOMENTS);
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    let folder = tempfile::tempdir().expect("a folder");
    let picture = folder.path().join("out.jpg");
    let began = Instant::now();
    assert!(start(&url, folder.path()).wait().expect("the program ends").success());
    let duration = began.elapsed();
    let (new, old) = (fs::read(&picture).expect("a picture"), vec![b'o'; 100_000]);
    let mut outcomes = BTreeMap::new();
    for moment in 0..moments {
        for signal in ["KILL", "TERM"] {
            fs::write(&picture, &old).expect("written");
            let mut child = start(&url, folder.path());
            // Spread the moments evenly in a scrambled order; half of them over the whole run, half around the time of writing
            let part = f64::from(moment.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
            std::thread::sleep(duration.mul_f64(if moment % 2 == 0 { 1.2 * part } else { 0.7 + 0.4 * part }));
            let has_ended = child.try_wait().expect("a child").is_some();
            if !has_ended {
                send_signal(&child, signal);
            }
            child.wait().expect("the program ends");
            let found = match fs::read(&picture) {
                Ok(bytes) if bytes == old => "old",
                Ok(bytes) if bytes == new => "new",
                Ok(bytes) => panic!("SIG{signal} after {part:.3} of a run: {} bytes of neither picture", bytes.len()),
                Err(_) => "absent",
            };
            let other_files = fs::read_dir(folder.path()).expect("the folder").count() - 1;
            assert!(other_files == 0 || signal == "KILL", "SIG{signal} after {part:.3} of a run leaves other files");
            *outcomes.entry((signal, found, has_ended, other_files)).or_insert(0) += 1;
            for entry in fs::read_dir(folder.path()).expect("the folder") {
                fs::remove_file(entry.expect("an entry").path()).expect("removed");
            }
        }
    }
    println!("signal, picture, ended before the signal, other files: {outcomes:?}");
    for signal in ["KILL", "TERM"] {
        let has = |wanted: &str| outcomes.keys().any(|(one, found, ..)| *one == signal && *found == wanted);
        assert!(has("old") && has("new"), "the moments lie before and after the picture: {outcomes:?}");
    }
}

fn send_signal(child: &Child, signal: &str) {
    run_program("kill", &[&format!("-{signal}"), &child.id().to_string()]);
}

fn start(url: &str, folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hlsnap"));
    command.args([url, "-o", "out.jpg", "--quiet"]).current_dir(folder).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the program starts")
}
