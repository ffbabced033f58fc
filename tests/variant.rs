//! The choice of a Variant. The ladder lists the middle one, the large one and the small one; the middle one has the highest bit rate.

use crate::origin::{Origin, Rule};
use crate::support::hlsnap;
use image::GenericImageView;

/// The height of the chosen Variant. Asserts that no other one is read.
#[track_caller]
fn chosen(options: &[&str]) -> u64 {
    let origin = Origin::start();
    let run = hlsnap(&[&[&origin.url("/ladder-ts/master.m3u8"), "-o", "out.png", "--json"], options].concat());
    run.succeeds();
    assert_eq!(origin.requests().len(), 3, "{:?}", origin.paths());
    run.json().pointer("/variant/height").and_then(serde_json::Value::as_u64).expect("a height")
}

#[test]
fn every_form_of_choice_selects_its_variant() {
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
fn a_size_selects_the_smallest_variant_that_is_large_enough() {
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
fn an_unavailable_choice_lists_the_variants() {
    let origin = Origin::start();
    for (index, choice) in ["720p", "#7", "nobody", "<=10k"].into_iter().enumerate() {
        let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "--variant", choice]);
        assert!(run.fails(22, "not_found").stderr.contains("640x360"), "{}", run.stderr);
        assert_eq!(origin.requests().len(), 1 + index, "only the Multivariant Playlist is requested");
    }
}

#[test]
fn a_missing_variant_falls_back_to_the_next_one() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0.m3u8", Rule::Status(404, None));
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(run.picture("out.png").dimensions(), (426, 240));
    assert!(run.json()["notes"][0].as_str().is_some_and(|note| note.contains("404")));
}

#[test]
fn redundant_variants_and_other_pathways_come_before_the_next_best() {
    let origin = Origin::start();
    let variant = |url: &str, size: &str, pathway: &str| {
        format!("#EXT-X-STREAM-INF:BANDWIDTH=600000,RESOLUTION={size},PATHWAY-ID=\"{pathway}\"\n{url}\n")
    };
    let noise = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n/broken/noise.ts\n#EXT-X-ENDLIST\n";
    origin.rule("/noise.m3u8", Rule::Body(noise.into(), "text/plain"));
    let ladder = [
        "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"/none\",PATHWAY-ID=\"a\"\n".to_owned(),
        variant("/ladder-ts/v1.m3u8", "426x240", "a"),
        variant("/noise.m3u8", "640x360", "a"),
        variant("/none.m3u8", "640x360", "a"),
        variant("/ladder-ts/v0.m3u8", "640x360", "b"),
    ];
    origin.rule("/steered.m3u8", Rule::Body(ladder.concat().into(), "text/plain"));
    let run = hlsnap(&[&origin.url("/steered.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(run.picture("out.png").dimensions(), (640, 360));
    let report = run.json();
    assert_eq!(report["variant"]["index"], 3);
    let notes: Vec<_> = report["notes"].as_array().expect("notes").iter().map(|note| note.as_str().expect("text").to_owned()).collect();
    assert!(matches!(&notes[..], [one, two] if one.contains("undecodable") && two.contains("404")), "{notes:?}");
}

#[test]
fn an_unreachable_host_is_not_tried_for_its_other_variants() {
    let origin = Origin::start();
    let dead = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let ladder = format!(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=640x360\nhttp://{dead}/a.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=8,RESOLUTION=640x360\nhttp://{dead}/b.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=7,RESOLUTION=426x240\n/ladder-ts/v1.m3u8\n"
    );
    origin.rule("/half-dead.m3u8", Rule::Body(ladder.into(), "text/plain"));
    let run = hlsnap(&[&origin.url("/half-dead.m3u8"), "--retries", "0", "-o", "out.png", "--json"]);
    assert_eq!(run.picture("out.png").dimensions(), (426, 240));
    assert_eq!(run.json()["notes"].as_array().map(Vec::len), Some(1));
}
