//! The only room that touches the network.
//!
//! A [`Client`] holds connections and lives as long as the process. A [`Job`] is one picture's way through it: its deadline, its
//! byte budget, its meter, and the origin that the caller's headers belong to. [`Job::open`] answers with a [`Body`] that
//! arrives in pieces; a cut body is continued where it ended, and dropping it ends the download.

mod address;
mod body;
mod client;
mod content_coding;
mod data;
mod header_rules;
mod job;
mod local;
mod meter;
mod policy;
mod range_response;
mod retry;
mod tls;
mod validators;

pub use body::{Body, may_refuse_ranges};
pub use client::Client;
pub use data::data_url;
pub use job::{Job, Range};
pub use meter::Meter;
pub use validators::Validators;
