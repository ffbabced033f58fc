//! Takes still pictures out of HLS streams, live or recorded, in-process, with the fewest bytes and round trips.
//!
//! A [`Client`] holds the connections, a [`SnapshotRequest`] says which picture, [`snapshot`] takes it:
//!
//! ```standalone_crate
//! # #[path = "../tests/origin/mod.rs"]
//! # mod origin;
//! use hlsnap::{Client, Format, NetworkPolicy, SnapshotRequest, snapshot};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let origin = origin::Origin::start();
//! # let url = origin.url("/ladder-ts/master.m3u8");
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let client = Client::new(&NetworkPolicy::default())?;
//! // For example https://example.com/master.m3u8
//! let request = SnapshotRequest::builder(url).width(320).format(Format::Png).build()?;
//! let snapshot = snapshot(&request, &client).await?;
//!
//! assert!(snapshot.picture.starts_with(b"\x89PNG"));
//! assert_eq!(snapshot.report.width, 320);
//! println!("{} bytes, {} requests", snapshot.picture.len(), snapshot.report.cost.requests);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! [`Presentation`] opens a stream once, and takes pictures of any number of moments. [`inspect`] reads the playlists alone. Every failure
//! is an [`Error`] with an [`ErrorKind`], which has a name, an exit code and an HTTP status.
//!
//! All of them need a tokio runtime with I/O and time enabled. They decode on its blocking threads, one picture per processor at a time.
//!
//! # Features
//!
//! `cli`, `server`, `lambda`, `stores` and `fleet` build the programs; a library user needs none of them:
//! `hlsnap = { version = "0.1", default-features = false, features = ["vendored"] }`. `vendored` links the static FFmpeg libraries that
//! `script/setup` builds; without it, the crate links those of the system.
//!
//! # Foreign types
//!
//! [`chrono::DateTime`] is part of the interface on purpose ([`Position::ProgramDateTime`]), and so is [`serde::Serialize`] for reports.
//!
//! How it works: `docs/architecture.md`. The words: `docs/glossary.md`.

#![cfg_attr(
    not(all(feature = "cli", feature = "server", feature = "lambda", feature = "stores", feature = "fleet")),
    allow(dead_code, unused_imports, reason = "the frontends use parts of the crate that others do not")
)]
#![allow(clippy::doc_markdown, reason = "the field's names are not code: WebP, HEVC, AVIOContext")]

mod capture;
#[cfg(feature = "fleet")]
mod channels;
#[cfg(feature = "frontends")]
mod compose;
mod error;
mod fetch;
#[cfg(feature = "frontends")]
#[doc(hidden)]
pub mod frontends;
mod hex;
mod hls;
#[doc(hidden)]
pub mod internals;
mod libav;
mod media;
mod protection;
mod read;
mod render;
pub mod report;
mod request;
#[cfg(feature = "frontends")]
mod store;
#[cfg(feature = "frontends")]
mod storyboard;
mod time;
#[cfg(feature = "fleet")]
mod watch;

pub use capture::{Presentation, Snapshot, inspect, inspection_report as inspection, inspection_report::Inspection, snapshot};
pub use chrono;
pub use error::{Error, ErrorKind};
pub use fetch::Client;
pub use render::reference_picture;
pub use report::Report;
pub use request::{
    Crop, Finding, Fit, Format, HostPattern, Limits, NetworkPolicy, Position, ReferencePicture, SnapshotRequest, SnapshotRequestBuilder,
    ToneMap, VariantChoice,
};
