//! The library's `Presentation`. The ladder's frames are numbered from 0, 25 a second; every 25th is a key frame.

use std::pin::pin;

use crate::origin::Origin;
use crate::support::frame_number;
use futures_util::StreamExt;
use hlsnap::{Client, Format, NetworkPolicy, Presentation, SnapshotRequest};

/// The numbers of the frames at moments.
fn frames(is_exact: bool, moments: &[f64]) -> Vec<u16> {
    let origin = Origin::start();
    let request = SnapshotRequest::builder(origin.url("/ladder-ts/v0.m3u8")).format(Format::Png);
    let request = if is_exact { request.exact() } else { request }.build().expect("a request");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = Client::new(&NetworkPolicy::default()).expect("a client");
        let presentation = Presentation::open(&request, &client).await.expect("a stream");
        assert_eq!(presentation.duration().await.expect("a playlist"), Some(6.0));
        let snapshots = pin!(presentation.snapshots(moments, 2));
        let numbers = snapshots.map(|snapshot| {
            let picture = snapshot.expect("a picture").picture;
            frame_number(&image::load_from_memory(&picture).expect("a PNG"))
        });
        numbers.collect().await
    })
}

#[test]
fn key_frames_are_the_default_for_one_moment_of_a_segment_and_for_several() {
    // 0.5 s is alone in its segment, 2.5 s and 3.5 s share the next one
    assert_eq!(frames(false, &[0.5, 2.5, 3.5]), [0, 50, 75]);
    assert_eq!(frames(true, &[0.52, 2.52, 3.52]), [13, 63, 88]);
}
