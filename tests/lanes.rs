//! Ranges over several connections: only to hosts that are far away, and never at the price of the picture.

#![allow(clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

use std::{collections::HashSet, time::Duration};

use crate::support::{
    captured_frame,
    far_server::{FarServer, Fault, Ranges, padded_segment},
};

/// Captures the first frame, which the fixture numbers 0.
#[track_caller]
fn capture(server: &FarServer) {
    assert_eq!(captured_frame(&server.url(), &["--cacert", server.certificate(), "--variant", "large", "--timeout", "15"]), 0);
}

fn connections(server: &FarServer) -> usize {
    server.segment_requests().iter().map(|request| request.connection).collect::<HashSet<_>>().len()
}

#[test]
fn a_key_frame_comes_from_far_away_over_several_connections() {
    let server = FarServer::far(Ranges::Announced);
    capture(&server);
    let requests = server.segment_requests();
    assert!(connections(&server) >= 3, "{requests:?}");
    let mut ranges: Vec<_> = requests.iter().map(|request| request.range.expect("a range")).collect();
    ranges.sort_unstable();
    assert_eq!(ranges[0].0, 0);
    assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "no byte twice, none left out: {ranges:?}");
    assert!(ranges.last().is_some_and(|last| last.1 < padded_segment().len() + (14 << 10)), "{ranges:?}");
}

#[test]
fn one_connection_is_enough_for_a_host_nearby() {
    let server = FarServer::start(Duration::ZERO, Ranges::Announced);
    capture(&server);
    assert_eq!((server.segment_requests().len(), connections(&server)), (1, 1), "{:?}", server.segment_requests());
}

#[test]
fn ranges_that_are_not_announced_are_tried_by_one_request_first() {
    let server = FarServer::far(Ranges::Served);
    capture(&server);
    let requests = server.segment_requests();
    assert_eq!(requests[0].range.map(|(first, _)| first), Some(0), "{requests:?}");
    assert_eq!(requests[0].connection, 0, "{requests:?}");
    assert!(connections(&server) >= 3, "{requests:?}");
}

#[test]
fn an_origin_that_ignores_ranges_sends_the_segment_over_the_main_connection() {
    let server = FarServer::far(Ranges::Ignored);
    capture(&server);
    assert!(server.segment_requests().len() <= 4, "one request for each connection: {:?}", server.segment_requests());
}

#[test]
fn a_fault_of_a_lane_does_not_cost_the_picture() {
    for fault in [Fault::Unavailable, Fault::CutOff, Fault::OtherVersion, Fault::Hang] {
        let server = FarServer::far(Ranges::Faulty(fault));
        capture(&server);
        assert!(connections(&server) >= 2, "{fault:?}: {:?}", server.segment_requests());
    }
}
