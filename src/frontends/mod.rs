//! How hlsnap is asked: each face turns its own kind of question into a [`crate::SnapshotRequest`], and what comes back into its own
//! kind of answer. Faces know [`crate::snapshot`], [`crate::store`] and the leaves; nothing knows them.

pub mod cli;
mod deliver;
mod error_report;
#[doc(hidden)]
pub mod fuzz_entry;
mod http;
mod inspection_report;
pub mod lambda;
mod sandbox;
mod settings;

use std::panic::PanicHookInfo;

use object_store::client::HttpClient;

use crate::{fetch::Client, request::NetworkPolicy, store::Stores};

/// Object stores, reached as `reach` says.
fn stores(reach: &NetworkPolicy) -> Stores {
    let reach = reach.clone();
    Stores::new(move || Client::for_stores(&reach).map(HttpClient::new))
}

/// Where and why it panicked.
fn panic_text(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    let said = text.unwrap_or("no message");
    match panic.location() {
        Some(place) => format!("it panicked at {}:{}: {said}", place.file(), place.line()),
        None => format!("it panicked: {said}"),
    }
}
