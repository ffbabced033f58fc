//! Faults of the output: a full disk, a folder that disappears, a standard output that nobody reads. `--nocapture` prints a table.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::origin::{Origin, Rule};
use crate::support::{
    file_names, hlsnap_with,
    isolated_network::{in_isolated_network, run_program},
    print_fault, start_hlsnap, wait_for,
};

const SEGMENT: &str = "/ladder-ts/v0-0.ts";
const MEDIA: &str = "/ladder-ts/v0.m3u8";

#[test]
fn a_full_disk_keeps_the_older_picture() {
    in_isolated_network("output_faults::a_full_disk_keeps_the_older_picture", || {
        let origin = Origin::start();
        let folder = tempfile::tempdir().expect("a folder");
        let disk = folder.path().join("disk");
        std::fs::create_dir(&disk).expect("created");
        run_program("mount", &["-t", "tmpfs", "-o", "size=8k", "none", disk.to_str().expect("UTF-8")]);
        std::fs::write(disk.join("out.jpg"), "old").expect("written");
        let began = Instant::now();
        let run = hlsnap_with(&[&origin.url(MEDIA), "-o", "disk/out.jpg"], b"", folder);
        print_fault("a full disk", run.last_line(), began.elapsed(), "the older picture");
        assert!(run.code == 30 && run.stderr.contains("hlsnap: output: "), "{}", run.stderr);
        assert_eq!(file_names(&disk), ["out.jpg"]);
        assert_eq!(std::fs::read(disk.join("out.jpg")).expect("the older picture"), b"old");
        run_program("umount", &[disk.to_str().expect("UTF-8")]);
    });
}

#[test]
fn a_folder_removed_during_the_run_is_an_output_error() {
    let origin = Origin::start();
    origin.rule(SEGMENT, Rule::Delay(Duration::from_secs(1)));
    let folder = tempfile::tempdir().expect("a folder");
    let removed = folder.path().join("removed");
    std::fs::create_dir(&removed).expect("created");
    let began = Instant::now();
    let child = start_hlsnap(&[&origin.url(MEDIA), "-o", "removed/out.jpg"], folder.path(), Stdio::null());
    wait_for(|| origin.requests().len() == 2);
    std::fs::remove_dir(&removed).expect("removed");
    let output = child.wait_with_output().expect("the program ends");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    print_fault("an output folder removed during the run", stderr.trim(), began.elapsed(), &file_names(folder.path()).join(" "));
    assert!(output.status.code() == Some(30) && stderr.starts_with("hlsnap: output: "), "{stderr}");
    assert_eq!(file_names(folder.path()), [""; 0]);
}

#[test]
fn an_unread_stdout_is_an_output_error_of_one_line() {
    let origin = Origin::start();
    origin.rule(SEGMENT, Rule::Delay(Duration::from_millis(300)));
    let media = origin.url(MEDIA);
    // The picture is written before its report is printed
    let cases: [(&str, &[&str], &[&str]); 4] = [
        ("a picture", &[&media, "-o", "-"], &[]),
        ("a report", &[&media, "--json"], &["snapshot.jpg"]),
        ("an inspection", &["inspect", &media, "--json"], &[]),
        ("an error", &[&media, "--json", "--variant", "#9", "-q", "0"], &[]),
    ];
    for (content, arguments, files) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let began = Instant::now();
        let mut child = start_hlsnap(arguments, folder.path(), Stdio::piped());
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the program ends");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        print_fault(&format!("an unread pipe for {content}"), stderr.trim(), began.elapsed(), &file_names(folder.path()).join(" "));
        let (code, kind) = if content == "an error" { (2, "usage") } else { (30, "output") };
        assert!(output.status.code() == Some(code) && stderr.starts_with(&format!("hlsnap: {kind}: ")), "{content}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{content}: {stderr}");
        assert_eq!(file_names(folder.path()), files, "{content}");
    }
}

#[test]
fn a_closed_stdout_is_no_error() {
    let origin = Origin::start();
    let media = origin.url(MEDIA);
    // The runtime opens /dev/null for a closed stdout before main begins, as some parents intend it
    for (content, options) in [("a picture", "-o -"), ("a report", "--json")] {
        let folder = tempfile::tempdir().expect("a folder");
        let shell = format!("exec {} {media} {options} >&-", env!("CARGO_BIN_EXE_hlsnap"));
        let began = Instant::now();
        let output = Command::new("sh").args(["-c", &shell]).current_dir(folder.path()).output().expect("a shell");
        print_fault(&format!("a closed stdout for {content}"), "exit code 0", began.elapsed(), &file_names(folder.path()).join(" "));
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{content}");
    }
}
