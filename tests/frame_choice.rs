//! `--skip-black` and `--best`: a better frame than the first one.

use crate::origin::Origin;
use crate::support::{frame_number, hlsnap};

#[test]
fn skip_black_passes_over_black_and_uniform_frames() {
    let origin = Origin::start();
    let url = origin.url("/dull/index.m3u8");
    let report = |options: &[&str]| {
        let run = hlsnap(&[&[&url, "-o", "out.png", "--json"], options].concat());
        (run.succeeds().json(), run)
    };
    let (black, _) = report(&[]);
    assert_eq!((&black["verdict"]["black"], &black["cost"]["requests"]), (&true.into(), &2.into()));
    let (film, run) = report(&["--skip-black"]);
    assert_eq!((frame_number(&run.picture("out.png")), &film["segment"]["media_sequence_number"]), (50, &2.into()));
    assert_eq!(film["frame"]["presentation_seconds"], 4.0);
    // The first portion of each segment, and its rest, which may have further key frames, unless it has arrived too
    assert!(film["cost"]["requests"].as_u64().is_some_and(|requests| requests <= 7), "{film}");
    let (near, _) = report(&["--skip-black=2"]);
    assert_eq!((&near["verdict"]["black"], near["notes"].as_array().map(Vec::len)), (&true.into(), Some(1)));
    let (off, _) = report(&["--skip-black=no"]);
    assert_eq!(off["verdict"]["black"], true);
    hlsnap(&[&url, "--skip-black=soon"]).fails(2, "usage");
}

#[test]
fn best_chooses_the_most_detailed_of_some_key_frames() {
    let origin = Origin::start();
    let url = origin.url("/dull/index.m3u8");
    // The black and the gray segment have two key frames each
    let run = hlsnap(&[&url, "-o", "out.png", "--json", "--best=6"]);
    assert!(frame_number(&run.picture("out.png")) >= 50);
    assert!(run.json()["cost"]["requests"].as_u64().is_some_and(|requests| requests <= 7), "{}", run.json());
    let run = hlsnap(&[&url, "-o", "out.png", "--json", "--best=2"]);
    assert_eq!(run.json()["verdict"]["flat"], true);
    assert!(run.json()["cost"]["requests"].as_u64().is_some_and(|requests| requests <= 3), "{}", run.json());
    hlsnap(&[&url, "--best=0"]).fails(2, "usage");
}
