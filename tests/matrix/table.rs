//! The table of expected outcomes, one for each cell.
//!
//! The picture comes from the newest complete segment, or from the first one of a recording. An error has the kind of the fault.

use std::ops::RangeInclusive;

use crate::{
    matrix::cell::{Cell, Entry, Location, StreamKind},
    matrix::fault::{Fault, Resource},
    matrix::stream::{LIVE_OLDEST, LOW_LATENCY_NEWEST, OLD_WINDOW, SEGMENTS},
};

/// The expected outcome.
#[derive(Debug, Clone)]
pub enum Expected {
    Picture(ExpectedPicture),
    /// An error of one of these kinds.
    Error(&'static [&'static str]),
}

/// The expected picture.
#[derive(Debug, Clone)]
pub struct ExpectedPicture {
    /// The Media Sequence Number of its segment; `None` for a media file.
    pub segment: Option<u64>,
    pub frames: RangeInclusive<u16>,
    /// The resource that a note of the report must name.
    pub noted: Option<&'static str>,
}

fn picture(segment: u64, frames: RangeInclusive<u16>) -> ExpectedPicture {
    ExpectedPicture { segment: Some(segment), frames, noted: None }
}

impl ExpectedPicture {
    fn with_note(self, noted: &'static str) -> Expected {
        Expected::Picture(Self { noted: Some(noted), ..self })
    }
}

/// The expected outcome of a cell.
pub fn expected(cell: Cell) -> Expected {
    let Cell { kind, entry, location, fault } = cell;
    let faultless = faultless(kind, location);
    // With another Variant as an alternative, the reload gets less time
    if location == Location::Reload && fault == Fault::Slow && entry == Entry::MediaPlaylist {
        return faultless.with_note("reloaded");
    }
    // A hinted Part is only used complete
    if fault == Fault::Slow || (fault.spares_the_key_frame() && location != Location::HintedPart) {
        return Expected::Picture(faultless);
    }
    let is_source = location == Location::Multivariant || (location == Location::Media && entry == Entry::MediaPlaylist);
    match location {
        // A source URL that answers with media is read as a media file
        _ if is_source && fault == Fault::WrongType => Expected::Picture(ExpectedPicture { segment: None, frames: 0..=0, noted: None }),
        // A live playlist whose init is gone looks expired, so the program waits for the next one
        Location::Init if entry == Entry::MediaPlaylist && kind.is_live() && fault.is_gone() => Expected::Error(&["timeout"]),
        Location::Reload if entry == Entry::MediaPlaylist => remaining(kind).with_note("Media Sequence Number"),
        Location::IFramePlaylist | Location::IFrameSegment => faultless.with_note("I-frame Playlist"),
        // The hinted Part need not exist yet, so no note names it
        Location::HintedPart => Expected::Picture(picture(LOW_LATENCY_NEWEST, 263..=265)),
        Location::Key | Location::Newest | Location::Part if kind.is_live() => one_before(kind, location),
        Location::Newest if fault.is_gone() || has_no_picture(fault) => picture(1, 50..=50).with_note("Media Sequence Number 0"),
        _ if is_source || entry == Entry::MediaPlaylist => Expected::Error(error(fault, location.resource())),
        _ => other_variant(kind, location).with_note("Variant 0"),
    }
}

/// Whether the segment arrives, but without a picture.
fn has_no_picture(fault: Fault) -> bool {
    matches!(fault, Fault::Empty | Fault::Html | Fault::WrongType | Fault::Status(204))
}

/// The picture without a fault.
fn faultless(kind: StreamKind, location: Location) -> ExpectedPicture {
    let newest = LIVE_OLDEST + SEGMENTS - 1;
    match (location, kind) {
        (Location::Middle, StreamKind::LowLatency) => picture(1, 48..=95),
        (Location::Middle, _) if kind.is_live() => picture(LIVE_OLDEST + 1, 50..=99),
        (Location::Middle, _) => picture(1, 50..=99),
        // With the hinted Part in time, or without
        (Location::HintedPart, _) => picture(LOW_LATENCY_NEWEST, 263..=273),
        // The newest segment of the reloaded window
        (Location::Reload, StreamKind::LowLatency) => picture(LOW_LATENCY_NEWEST + 1, 16..=16),
        (_, StreamKind::LowLatency) => picture(LOW_LATENCY_NEWEST, 256..=256),
        _ if kind.is_live() => picture(newest, 100..=100),
        _ => picture(0, 0..=0),
    }
}

/// The picture of the next best Variant: of its newest segment, its first one, or that of the explicit time.
fn other_variant(kind: StreamKind, location: Location) -> ExpectedPicture {
    match kind {
        StreamKind::LowLatency => faultless(StreamKind::Live, if location == Location::Middle { location } else { Location::Newest }),
        _ => faultless(kind, location),
    }
}

/// The picture of the segment of an expired playlist that is still available.
fn remaining(kind: StreamKind) -> ExpectedPicture {
    match kind {
        StreamKind::LowLatency => picture(LOW_LATENCY_NEWEST - 1, 192..=192),
        _ => picture(OLD_WINDOW, 0..=0),
    }
}

/// The picture one step before the newest.
fn one_before(kind: StreamKind, location: Location) -> Expected {
    match (kind, location) {
        (StreamKind::LowLatency, Location::Part) => picture(LOW_LATENCY_NEWEST, 240..=240).with_note("Media Sequence Number 5"),
        (StreamKind::LowLatency, _) => picture(LOW_LATENCY_NEWEST - 1, 224..=224).with_note("Media Sequence Number 5"),
        _ => picture(LIVE_OLDEST + SEGMENTS - 2, 50..=50).with_note("Media Sequence Number 10"),
    }
}

/// The kinds of error that a fault may cause.
fn error(fault: Fault, resource: Resource) -> &'static [&'static str] {
    match fault {
        Fault::Status(204) | Fault::Empty | Fault::Html | Fault::WrongType => match resource {
            Resource::Playlist => &["bad_playlist"],
            Resource::Key => &["encrypted"],
            Resource::Init | Resource::Media => &["undecodable", "no_video"],
        },
        Fault::Status(_) | Fault::Endless if resource == Resource::Key => &["encrypted"],
        Fault::Status(_) => &["http_status"],
        Fault::Reset | Fault::Truncated => &["unreachable"],
        Fault::StallInHeaders | Fault::StallInBody => &["timeout"],
        // Whichever comes first
        Fault::Endless => &["too_large", "timeout"],
        Fault::RedirectLoop => &["too_large"],
        Fault::NoSegments | Fault::OnlyGaps => &["not_found"],
        Fault::Slow | Fault::StallAtEnd | Fault::TruncatedAtEnd => &[],
    }
}
