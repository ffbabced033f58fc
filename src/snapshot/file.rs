//! A picture out of a media file that stands by itself.

use bytes::BytesMut;

use super::{
    Work,
    feed::Feed,
    grab::{Kind, grab, rounded},
    parts::Part,
    told::{Clock, Taken},
};
use crate::{
    error::{Error, ErrorKind, redacted},
    fetch::Body,
    libav::{Search, Start},
    report::{FrameReport, SegmentReport},
    request::At,
};

/// What is behind the URL is the file itself; `head` is what has been read of it.
pub(super) async fn take(work: &Work<'_>, body: Body, head: BytesMut, clock: &mut Clock) -> Result<Taken, Error> {
    let Work { request, job, keyring, .. } = *work;
    let url = body.url().clone();
    let exact = request.is_exact();
    let at = |start| {
        if exact { Search::Frame(start) } else { Search::KeyFrame(start) }
    };
    let wanted = match request.at {
        None | Some(At::Start) if exact => Search::Frame(Start::FromStart(0.0)),
        None | Some(At::Start) => Search::First,
        Some(At::Live) => Search::Last,
        Some(At::FromStart(time)) => at(Start::FromStart(time.as_secs_f64())),
        Some(At::FromEnd(time)) => at(Start::FromEnd(time.as_secs_f64())),
        Some(At::Percent(percent)) => at(Start::Part(percent / 100.0)),
        Some(At::ProgramDateTime(_)) => {
            return Err(Error::new(ErrorKind::NotFound, "a media file has no Program Date Time")
                .at(&url)
                .hint("give a time from the start"));
        }
    };
    let feed = Feed::of_file(job, body, head.freeze(), keyring);
    let mut grabbed = grab(work, feed, Kind::File, wanted, clock).await.map_err(|e| e.at(&url))?;
    if grabbed.is_none() {
        // Nothing stands before: the first key frame is the nearest there is
        let feed = Feed::open(job, vec![Part::whole(&url)], None, false, keyring).await?;
        grabbed = grab(work, feed, Kind::File, Search::First, clock).await.map_err(|e| e.at(&url))?;
    }
    let grabbed = grabbed.ok_or_else(|| Error::internal("a first key frame came too late"))?;
    Ok(Taken {
        live: false,
        encrypted: grabbed.sealed.unwrap_or("none"),
        variant: None,
        segment: SegmentReport {
            url: redacted(&url),
            media_sequence_number: None,
            discontinuity_sequence_number: None,
            part: None,
            i_frame: false,
        },
        frame: FrameReport { presentation_seconds: Some(rounded(grabbed.since_first)), ..grabbed.frame },
        made: grabbed.made,
        notes: Vec::new(),
    })
}
