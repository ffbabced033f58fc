//! The choice of a Variant. The ladder's order is middle, large, small, and the middle one has the highest bit rate.

mod origin;
mod support;

use image::GenericImageView;
use origin::Origin;
use support::hlsnap;

/// The height of the Variant that was read, and that no other was.
#[track_caller]
fn chosen(options: &[&str]) -> u64 {
    let origin = Origin::start();
    let run = hlsnap(&[&[&origin.url("/ladder-ts/master.m3u8"), "-o", "out.png", "--json"], options].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(origin.hits().len(), 3, "{:?}", origin.paths());
    run.json().pointer("/variant/height").and_then(serde_json::Value::as_u64).expect("a height")
}

#[test]
fn every_form_of_choice() {
    for (choice, height) in [
        ("auto", 360),
        ("best", 360),
        ("worst", 144),
        ("240p", 240),
        ("<=240p", 240),
        (">=200p", 240),
        ("<=700k", 360),
        ("<=0.3M", 144),
        ("#0", 240),
        ("#2", 144),
        ("middle", 240),
    ] {
        assert_eq!(chosen(&["--variant", choice]), height, "{choice}");
    }
}

#[test]
fn a_size_takes_the_smallest_that_is_large_enough() {
    for (options, height) in [
        (&["-w", "256"][..], 144),
        (&["-w", "257"], 240),
        (&["-w", "426"], 240),
        (&["-w", "427"], 360),
        (&["-w", "5000"], 360),
        (&["--height", "100"], 144),
        (&["-w", "200", "--height", "200", "--fit", "cover"], 240),
        (&["-w", "200", "--variant", "best"], 360),
    ] {
        assert_eq!(chosen(options), height, "{options:?}");
    }
}

#[test]
fn a_choice_that_is_not_there_names_those_that_are() {
    let origin = Origin::start();
    for choice in ["720p", "#7", "nobody", "<=10k"] {
        let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "--variant", choice]);
        assert!(run.fails(22, "not_found").stderr.contains("640x360"), "{}", run.stderr);
        assert_eq!(origin.hits().len(), 1 + ["720p", "#7", "nobody", "<=10k"].iter().position(|c| *c == choice).expect("one of them"));
    }
}

#[test]
fn a_variant_that_is_gone_gives_way_to_the_next() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0.m3u8", origin::Rule::Status(404, None));
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(run.picture("out.png").dimensions(), (426, 240));
    assert!(run.json()["notes"][0].as_str().is_some_and(|note| note.contains("404")));
}
