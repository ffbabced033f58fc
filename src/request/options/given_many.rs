//! The options of many pictures that a frontend was given.

use std::time::Duration;

use super::super::{
    background::BackgroundColor,
    many::{GridChoice, Moments},
};

/// The options of many pictures that are given.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct GivenMany {
    /// Without a pace, which follows from the next two.
    pub(super) moments: Moments,
    pub(super) every: Option<Duration>,
    pub(super) count: Option<usize>,
    pub(super) parallel: Option<usize>,
    pub(super) strict: bool,
    pub(super) follow: bool,
    pub(super) grid: GridChoice,
    pub(super) gap: Option<u32>,
    pub(super) background: BackgroundColor,
    pub(super) labels: Option<bool>,
    pub(super) header: bool,
    pub(super) base: Option<String>,
    pub(super) query: Option<String>,
    pub(super) only_changed: bool,
    pub(super) frames_per_second: Option<f64>,
    pub(super) highlights: Option<usize>,
}
