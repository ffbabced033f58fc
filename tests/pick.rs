//! A better picture than the first: past black and one colour, or the most telling of some.

mod origin;
mod support;

use origin::Origin;
use support::{hlsnap, number};

#[test]
fn black_and_grey_are_passed() {
    let origin = Origin::start();
    let url = origin.url("/dull/index.m3u8");
    let report = |options: &[&str]| {
        let run = hlsnap(&[&[&url, "-o", "out.png", "--json"], options].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        (run.json(), run)
    };
    let (black, _) = report(&[]);
    assert_eq!((&black["verdict"]["black"], &black["cost"]["requests"]), (&true.into(), &2.into()));
    let (film, run) = report(&["--skip-black"]);
    assert_eq!((number(&run.picture("out.png")), &film["segment"]["media_sequence_number"]), (50, &2.into()));
    assert_eq!(film["frame"]["presentation_seconds"], 4.0);
    // Each segment's first portion, and the rest, in which there may be more key frames
    assert_eq!(film["cost"]["requests"], 7);
    let (near, _) = report(&["--skip-black=2"]);
    assert_eq!((&near["verdict"]["black"], near["notes"].as_array().map(Vec::len)), (&true.into(), Some(1)));
    let (off, _) = report(&["--skip-black=no"]);
    assert_eq!(off["verdict"]["black"], true);
    hlsnap(&[&url, "--skip-black=soon"]).fails(2, "usage");
}

#[test]
fn the_most_telling_of_some() {
    let origin = Origin::start();
    let url = origin.url("/dull/index.m3u8");
    // The black and the grey segment have two key frames each
    let run = hlsnap(&[&url, "-o", "out.png", "--json", "--best=6"]);
    assert!(number(&run.picture("out.png")) >= 50);
    assert_eq!(run.json()["cost"]["requests"], 7);
    let run = hlsnap(&[&url, "-o", "out.png", "--json", "--best=2"]);
    assert_eq!((&run.json()["verdict"]["flat"], &run.json()["cost"]["requests"]), (&true.into(), &3.into()));
    hlsnap(&[&url, "--best=0"]).fails(2, "usage");
}
