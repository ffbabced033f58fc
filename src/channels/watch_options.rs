//! The options of `watch` for one channel: one table for the command line and the list.

use std::time::Duration;

use crate::request::options::{
    Commands,
    OptionKind::{Integer, Value},
    OptionSpec, Section,
};

const WATCHING: Section = Section { heading: Some("Watching"), commands: Commands::WATCH, is_in_queries: false };
const MAX_FAILURES: u32 = 1000;

/// The given options of one channel. The command line, and then `watch`'s defaults, fill in the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WatchOptions {
    /// The time between two pictures.
    pub every: Option<Duration>,
    /// How long the picture must be black.
    pub black_for: Option<Duration>,
    /// How long the picture must not change.
    pub frozen_for: Option<Duration>,
    /// How long the picture must have a single color.
    pub flat_for: Option<Duration>,
    /// How long the sound must be missing or silent; `Duration::MAX` ignores it.
    pub silent_for: Option<Duration>,
    /// How long the playlist must not advance.
    pub stale_after: Option<Duration>,
    /// How many rounds in a row must fail.
    pub down_after: Option<u32>,
}

/// The options of a watched channel, in the order of the help. In each setter `o` is the [`WatchOptions`] and `v` the value.
pub static WATCH_OPTIONS: &[OptionSpec<WatchOptions>] = &[
    OptionSpec::new(WATCHING, "every", Value, "TIME", "The time between two pictures of a channel [default: 10s]", |o, v| {
        v.timeout().map(|time| o.every = Some(time))
    }),
    OptionSpec::new(WATCHING, "black-for", Value, "TIME", "How long the picture must be black [default: 10s]", |o, v| {
        v.duration().map(|time| o.black_for = Some(time))
    }),
    OptionSpec::new(WATCHING, "frozen-for", Value, "TIME", "How long the picture must not change, for `frozen` [default: 20s]", |o, v| {
        v.duration().map(|time| o.frozen_for = Some(time))
    }),
    OptionSpec::new(WATCHING, "flat-for", Value, "TIME", "How long the picture must have one color, for `flat` [default: 10s]", |o, v| {
        v.duration().map(|time| o.flat_for = Some(time))
    }),
    OptionSpec::new(
        WATCHING,
        "silent-for",
        Value,
        "TIME",
        "How long sound must be missing or silent; off: never [default: 20s]",
        |o, v| {
            let is_off = v.text()? == "off";
            o.silent_for = Some(if is_off { Duration::MAX } else { v.duration()? });
            Ok(())
        },
    ),
    OptionSpec::new(
        WATCHING,
        "stale-after",
        Value,
        "TIME",
        "How long the playlist must not advance, for `stale` [default: 3 target durations]",
        |o, v| v.timeout().map(|time| o.stale_after = Some(time)),
    ),
    OptionSpec::new(
        WATCHING,
        "down-after",
        Integer(1, MAX_FAILURES),
        "N",
        "How many rounds in a row must fail, for `down` [default: 3]",
        |o, v| v.integer().map(|count| o.down_after = Some(count)),
    ),
];
