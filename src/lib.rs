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
//! # Build
//!
//! A library needs none of the default features, which build the programs: `cli`, `http`, `lambda`, `stores` and `fleet`.
//!
//! ```toml
//! hlsnap = { version = "0.2", default-features = false }
//! ```
//!
//! This links the system's FFmpeg libraries, 5.1 or newer, as pkg-config finds them. On Debian and Ubuntu, install `gcc`, `pkg-config`,
//! `libclang-dev`, `libavcodec-dev`, `libavformat-dev` and `libswscale-dev`.
//!
//! The feature `vendored` links the static libraries that the script `vendor/build` of this package builds. They notice more kinds of
//! damage, and the program needs no FFmpeg where it runs. Run the script once, and set `PKG_CONFIG_PATH` to `vendor/prefix/lib/pkgconfig`.
//! In a clone of the repository, `script/setup` does both. `vendor/README.md` says more.
//!
//! # Stability
//!
//! The interface is what this documentation shows. Hidden modules serve the programs and the tests; they change in any release.
//!
//! # Foreign types
//!
//! [`chrono::DateTime`] is part of the interface on purpose ([`Position::ProgramDateTime`]), and so is [`serde::Serialize`] for reports.
//!
//! How it works: `docs/architecture.md`. The words: `docs/glossary.md`.

#![cfg_attr(
    not(all(feature = "cli", feature = "http", feature = "lambda", feature = "stores", feature = "fleet")),
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
