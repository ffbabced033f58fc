//! How hlsnap is asked: each face turns its own kind of question into a [`crate::SnapshotRequest`], and what comes back into its own
//! kind of answer. Faces know [`crate::snapshot`], [`crate::store`] and the leaves; nothing knows them.

pub mod cli;
mod deliver;
mod facts;
mod error_report;
mod http;
pub mod lambda;
#[doc(hidden)]
pub mod probe;
mod sandbox;
mod settings;

use std::panic::PanicHookInfo;

use object_store::client::HttpClient;

use crate::{fetch::Client, request::Reach, store::Stores};

/// Object stores, reached as `reach` says.
fn stores(reach: &Reach) -> Stores {
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
