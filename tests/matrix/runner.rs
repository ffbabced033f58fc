//! Runs cells in parallel and compares the outcomes with the table.

#![allow(clippy::indexing_slicing, reason = "a missing field of a report is null")]

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    matrix::cell::{Cell, Location, StreamKind, cells},
    matrix::stream::serve,
    matrix::table::{Expected, ExpectedPicture, expected},
    origin::Origin,
    support::frame_number,
};

/// Cells run at the same time. They mostly wait.
const THREADS: usize = 6;
/// The job's deadline in seconds.
const TIMEOUT: &str = "3";
/// Far beyond the deadline: a program that still runs hangs.
const HUNG: Duration = Duration::from_secs(12);
/// The exit code of each kind of error.
const CODES: [(&str, i32); 9] = [
    ("unreachable", 11),
    ("http_status", 12),
    ("timeout", 13),
    ("too_large", 14),
    ("bad_playlist", 20),
    ("no_video", 21),
    ("not_found", 22),
    ("encrypted", 23),
    ("undecodable", 24),
];

/// Asserts the outcome of every cell of these locations.
pub fn assert_cells(kind: StreamKind, locations: &[Location]) {
    let cells = cells(kind, locations);
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));

    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, SeqCst)) {
                    if let Err(outcome) = check(*cell) {
                        let Cell { kind, entry, location, fault } = cell;
                        let line = format!("{kind:?} | {entry:?} | {location:?} | {fault:?} | {:?} | {outcome}", expected(*cell));
                        wrong.lock().expect("no panic").push(line);
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().expect("no panic");
    wrong.sort();
    for line in &wrong {
        println!("wrong: {line}");
    }
    println!("{kind:?}: {} cells, {} right", cells.len(), cells.len() - wrong.len());
    assert!(wrong.is_empty(), "{} of {} cells are wrong", wrong.len(), cells.len());
}

/// Runs one cell. Fails with the actual outcome if it is wrong.
fn check(cell: Cell) -> Result<(), String> {
    let origin = Origin::start();
    let invocation = serve(&origin, cell);
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [&[invocation.url.as_str(), "-o", "out.png", "--json", "--timeout", TIMEOUT], invocation.options].concat();
    let (code, stdout) = run(&arguments, folder.path())?;
    let json: Value = serde_json::from_slice(&stdout).map_err(|e| format!("exit code {code}, no JSON: {e}"))?;
    let files = std::fs::read_dir(folder.path()).expect("the folder").count();
    match expected(cell) {
        Expected::Picture(picture) if code == 0 => check_picture(&picture, &json, &folder.path().join("out.png")),
        Expected::Error(kinds) if code != 0 => check_error(kinds, &json, code, files),
        _ => Err(summary(&json, code)),
    }
}

fn run(arguments: &[&str], folder: &Path) -> Result<(i32, Vec<u8>), String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hlsnap"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    wait(&mut child)?;
    let output = child.wait_with_output().expect("it has ended");
    let code = output.status.code().ok_or_else(|| format!("it crashed: {}", output.status))?;
    Ok((code, output.stdout))
}

/// Waits for the program and kills it if it hangs. A report fits into the pipe, so reading it can wait.
fn wait(child: &mut Child) -> Result<(), String> {
    let began = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if began.elapsed() > HUNG {
            child.kill().and_then(|()| child.wait()).expect("it ends");
            return Err(format!("still running after {HUNG:?}"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn check_picture(picture: &ExpectedPicture, report: &Value, path: &Path) -> Result<(), String> {
    let image = image::open(path).map_err(|e| format!("no picture: {e}"))?;
    let frame = std::panic::catch_unwind(|| frame_number(&image)).map_err(|_| "a damaged picture".to_owned())?;
    if !picture.frames.contains(&frame) {
        return Err(format!("frame {frame}; {}", summary(report, 0)));
    }
    if report["segment"]["media_sequence_number"].as_u64() != picture.segment {
        return Err(summary(report, 0));
    }
    let notes = report["notes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut skips = notes.filter(|note| note.contains("skipped") || note.contains("reloaded"));
    match picture.noted {
        Some(name) if !skips.any(|note| note.contains(name)) => Err(format!("no note names {name}; {}", summary(report, 0))),
        _ => Ok(()),
    }
}

fn check_error(kinds: &[&str], json: &Value, code: i32, files: usize) -> Result<(), String> {
    let kind = json["error"]["kind"].as_str().unwrap_or_default();
    let is_right = kinds.contains(&kind) && CODES.contains(&(kind, code)) && files == 0;
    if is_right { Ok(()) } else { Err(format!("{}; {files} files", summary(json, code))) }
}

fn summary(json: &Value, code: i32) -> String {
    if code == 0 {
        return format!("a picture of segment {}, notes {}", json["segment"]["media_sequence_number"], json["notes"]);
    }
    format!("exit code {code}, {}: {}", json["error"]["kind"], json["error"]["message"])
}
