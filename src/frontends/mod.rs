//! The frontends: `cli`, `http` and `lambda`, each with a Cargo feature of its own. Each turns its own kind of request into a
//! [`crate::SnapshotRequest`] and the result into its own kind of response. They use `capture` and `store`; nothing uses them.

#[cfg(feature = "fleet")]
mod batch;
pub mod bindings;
#[cfg(feature = "fleet")]
mod channel_list;
#[cfg(feature = "cli")]
pub mod cli;
mod deliver;
mod deliver_many;
mod error_report;
#[cfg(all(feature = "http", feature = "lambda"))]
pub mod fuzz_entry;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "fleet")]
mod metrics;
mod one_file;
mod remote_limits;
mod report_facts;
mod sandbox;
mod series_output;
#[cfg(feature = "fleet")]
mod server;
#[cfg(feature = "cli")]
mod service_manager;
mod settings;
#[cfg(feature = "fleet")]
mod watch;

#[cfg(feature = "fleet")]
pub use http::wall;

use std::panic::PanicHookInfo;

use crate::{
    error::{Error, ErrorKind},
    request::{Options, Source},
};

/// The playlist of a request over the network. Fails with `not_allowed` for files of this machine.
fn remote_source(options: &Options) -> Result<Source, Error> {
    match options.source()? {
        Source::Url(url) => Ok(Source::Url(url)),
        Source::File(_) | Source::Text { .. } => {
            Err(Error::new(ErrorKind::NotAllowed, "the url is not an http:// or https:// URL").with_hint("give the playlist's whole URL"))
        }
    }
}

/// The location and the message of a panic.
fn panic_text(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    let message = text.unwrap_or("no message");
    match panic.location() {
        Some(location) => format!("hlsnap panicked at {}:{}: {message}", location.file(), location.line()),
        None => format!("hlsnap panicked: {message}"),
    }
}
