//! `hlsnap watch` without the command line: passes rounds on to files, events, webhooks, metrics and the wall.

mod channel_metrics;
mod event_printer;
mod large_pictures;
mod session;
mod sink;
mod state_file;

pub(in crate::frontends) use session::WatchSession;
