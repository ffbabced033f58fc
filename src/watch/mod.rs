//! Watches channels: samples each at its own even pace, decides on its state, and reports changes.
//!
//! ```text
//! schedule -> sample (capture) -> state -> event -> stdout | webhook | board (the wall)
//! ```

mod sample;

pub use sample::{PictureSample, PlaylistSample, Sample, SampleFailure, Sound};
