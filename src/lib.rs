//! hlsnap takes a still picture out of an HLS stream, live or recorded, in-process, with the fewest bytes and round trips.
//!
//! The data flows one way, and so do the rooms of this house:
//!
//! ```text
//! request -> playlist -> plan -> bytes -> packets -> frame -> picture -> file | stdout
//!            [hls]       [hls]   [fetch]  [libav]    [libav]  [picture]  [store, faces]
//! ```
//!
//! [`snapshot`] conducts them: the only place where rooms meet. [`request`], [`report`], [`error`] and [`time`] are the leaves that
//! every room may use. The faces turn their own kind of question into a [`request::SnapshotRequest`] and its answer into theirs.

#![allow(clippy::doc_markdown, reason = "the field's names are not code: WebP, HEVC, AVIOContext")]

pub mod capture;
pub mod error;
pub mod fetch;
pub mod frontends;
pub mod hls;
pub mod libav;
pub mod media;
pub mod protection;
mod read;
pub mod render;
pub mod report;
pub mod request;
pub mod store;
pub mod time;

pub use error::{Error, ErrorKind};
pub use report::Report;
pub use request::SnapshotRequest;
