//! The table: the right answer for each cell.
//!
//! The picture is of the newest segment that is whole, or of the first one of a recording. An error has the kind of the fault.

use std::ops::RangeInclusive;

use crate::{
    cell::{Cell, Kind, Place, Way},
    fault::{Fault, Resource},
    stream::{LIVE_OLDEST, LOW_LATENCY_NEWEST, OLD_WINDOW, SEGMENTS},
};

/// The right answer.
#[derive(Debug, Clone)]
pub enum Answer {
    Picture(Shown),
    /// One of these kinds.
    Error(&'static [&'static str]),
}

/// The right picture.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The Media Sequence Number of its segment; `None` is a media file.
    pub segment: Option<u64>,
    pub frames: RangeInclusive<u16>,
    /// What a note must name.
    pub passed_over: Option<&'static str>,
}

fn picture(segment: u64, frames: RangeInclusive<u16>) -> Shown {
    Shown { segment: Some(segment), frames, passed_over: None }
}

impl Shown {
    fn after(self, passed_over: &'static str) -> Answer {
        Answer::Picture(Self { passed_over: Some(passed_over), ..self })
    }
}

pub fn answer(cell: Cell) -> Answer {
    let Cell { kind, way, place, fault } = cell;
    let usual = usual(kind, place);
    // With another Variant to go on to, the reload has less time
    if place == Place::Reload && fault == Fault::Slow && way == Way::Direct {
        return usual.after("reloaded");
    }
    // A hinted Part is taken whole
    if fault == Fault::Slow || (fault.spares_the_key_frame() && place != Place::HintedPart) {
        return Answer::Picture(usual);
    }
    let is_asked_url = place == Place::Multivariant || (place == Place::Media && way == Way::Direct);
    match place {
        // A URL that answers with media is that one segment
        _ if is_asked_url && fault == Fault::WrongType => Answer::Picture(Shown { segment: None, frames: 0..=0, passed_over: None }),
        // To a client, a live playlist whose init is gone is an old one, and it waits for the next
        Place::Init if way == Way::Direct && kind.is_live() && fault.is_gone() => Answer::Error(&["timeout"]),
        Place::Reload if way == Way::Direct => remaining(kind).after("Media Sequence Number"),
        Place::IFramePlaylist | Place::IFrameSegment => usual.after("I-frame Playlist"),
        // The origin does not have the hinted Part yet: nothing is passed over
        Place::HintedPart => Answer::Picture(picture(LOW_LATENCY_NEWEST, 263..=265)),
        Place::Key | Place::Newest | Place::Part if kind.is_live() => one_before(kind, place),
        Place::Newest if fault.is_gone() || shows_nothing(fault) => picture(1, 50..=50).after("Media Sequence Number 0"),
        _ if is_asked_url || way == Way::Direct => Answer::Error(error(fault, place.resource())),
        _ => other_variant(kind, place).after("Variant 0"),
    }
}

/// Whether a segment comes and has no picture.
fn shows_nothing(fault: Fault) -> bool {
    matches!(fault, Fault::Empty | Fault::Html | Fault::WrongType | Fault::Status(204))
}

/// The picture without a fault.
fn usual(kind: Kind, place: Place) -> Shown {
    let newest = LIVE_OLDEST + SEGMENTS - 1;
    match (place, kind) {
        (Place::Middle, Kind::LowLatency) => picture(1, 48..=95),
        (Place::Middle, _) if kind.is_live() => picture(LIVE_OLDEST + 1, 50..=99),
        (Place::Middle, _) => picture(1, 50..=99),
        // It comes in time or it does not
        (Place::HintedPart, _) => picture(LOW_LATENCY_NEWEST, 263..=273),
        // The window that the reload brings
        (Place::Reload, Kind::LowLatency) => picture(LOW_LATENCY_NEWEST + 1, 16..=16),
        (_, Kind::LowLatency) => picture(LOW_LATENCY_NEWEST, 256..=256),
        _ if kind.is_live() => picture(newest, 100..=100),
        _ => picture(0, 0..=0),
    }
}

/// The picture of the Variant that is next best: its newest segment, its first one, or the segment of the moment.
fn other_variant(kind: Kind, place: Place) -> Shown {
    match kind {
        Kind::LowLatency => usual(Kind::Live, if place == Place::Middle { place } else { Place::Newest }),
        _ => usual(kind, place),
    }
}

/// What an old playlist has besides what is gone.
fn remaining(kind: Kind) -> Shown {
    match kind {
        Kind::LowLatency => picture(LOW_LATENCY_NEWEST - 1, 192..=192),
        _ => picture(OLD_WINDOW, 0..=0),
    }
}

/// The picture before the newest.
fn one_before(kind: Kind, place: Place) -> Answer {
    match (kind, place) {
        (Kind::LowLatency, Place::Part) => picture(LOW_LATENCY_NEWEST, 240..=240).after("Media Sequence Number 5"),
        (Kind::LowLatency, _) => picture(LOW_LATENCY_NEWEST - 1, 224..=224).after("Media Sequence Number 5"),
        _ => picture(LIVE_OLDEST + SEGMENTS - 2, 50..=50).after("Media Sequence Number 10"),
    }
}

/// The kinds of error that a fault may have.
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
