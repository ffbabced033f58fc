//! The network, and local files.
//!
//! A [`Client`] owns the connections and lives as long as the process. A [`Job`] belongs to one picture: its deadline, byte budget,
//! [`Meter`], headers and cookies. [`Job::open`] sends the request and returns a [`Body`], which arrives in chunks. A body that breaks off
//! is resumed at the same byte. Dropping it ends the download.

mod address;
mod attempt_error;
mod body;
mod client;
mod connector;
mod content_coding;
mod data;
mod failure;
mod header_rules;
mod host_facts;
#[cfg(feature = "fleet")]
mod host_permits;
mod job;
mod lane_use;
mod lanes;
mod local;
mod meter;
mod open;
mod policy;
#[cfg(feature = "fleet")]
mod post;
mod range;
mod range_response;
mod response_body;
mod retry;
mod send;
mod tls;
mod traffic;
mod validators;

pub use body::Body;
pub use client::Client;
pub use data::data_url;
pub use failure::may_refuse_ranges;
#[cfg(feature = "fleet")]
pub use host_permits::HostPermits;
pub use job::Job;
pub use lanes::{MAX_ROUTES, Route};
#[cfg(feature = "fleet")]
pub use post::{PostFailure, Poster};
pub use range::Range;
pub use traffic::Traffic;
pub use validators::Validators;
