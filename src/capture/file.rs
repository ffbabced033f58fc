//! A picture out of a media file that stands by itself.

use bytes::BytesMut;
use tokio::sync::Mutex;
use url::Url;

use super::{
    JobContext,
    decode_job::{DecodedPicture, InputLayout, rounded, run_decode_job},
    facts::{Capture, JobClock},
    select::{self, KeyFrames},
};
use crate::{
    error::{Error, ErrorKind, redacted},
    fetch::Body,
    libav::{DomainState, SearchTarget, SearchTime},
    read::{ByteSpan, SegmentReader},
    report::{FrameReport, SegmentReport},
    request::Position,
};

/// A media file, and what is known of it.
pub(super) struct FileSearch<'a> {
    work: &'a JobContext<'a>,
    url: Url,
    memory: Mutex<DomainState>,
}

/// What is behind the URL is the file itself; `head` is what has been read of it.
pub(super) async fn take(work: &JobContext<'_>, body: Body, head: BytesMut, clock: &mut JobClock) -> Result<Capture, Error> {
    let JobContext { request, job, keyring, .. } = *work;
    let search = FileSearch { work, url: body.url().clone(), memory: Mutex::default() };
    let exact = request.is_exact();
    let at = |start| {
        if exact { SearchTarget::FrameAt(start) } else { SearchTarget::KeyFrameAt(start) }
    };
    let wanted = match request.at {
        None | Some(Position::Start) if exact => SearchTarget::FrameAt(SearchTime::FromStart(0.0)),
        None | Some(Position::Start) => SearchTarget::FirstKeyFrame,
        Some(Position::Live) => SearchTarget::LastFrame,
        Some(Position::FromStart(time)) => at(SearchTime::FromStart(time.as_secs_f64())),
        Some(Position::FromEnd(time)) => at(SearchTime::FromEnd(time.as_secs_f64())),
        Some(Position::Percent(percent)) => at(SearchTime::Fraction(percent / 100.0)),
        Some(Position::ProgramDateTime(_)) => {
            return Err(Error::new(ErrorKind::NotFound, "a media file has no Program Date Time")
                .with_url(&search.url)
                .with_hint("give a time from the start"));
        }
    };
    let feed = SegmentReader::of_file(job, body, head.freeze(), keyring);
    let taken = if let Some(taken) = search.grab(feed, wanted, clock).await? {
        taken
    } else {
        // Nothing stands before: the first key frame is the nearest there is
        let first = search.again(SearchTarget::FirstKeyFrame, clock).await?;
        first.ok_or_else(|| Error::new(ErrorKind::Undecodable, "the file lacks the parameter sets of its video").with_url(&search.url))?
    };
    let after = taken.frame.presentation_seconds.unwrap_or(0.0);
    select::apply_content_choice(request, KeyFrames::File { search: &search, after }, taken, clock).await
}

impl FileSearch<'_> {
    /// The first key frame that is shown later than a moment.
    pub async fn key_frame_after(&self, moment: f64, clock: &mut JobClock) -> Result<Option<Capture>, Error> {
        match self.again(SearchTarget::KeyFrameAfter(moment), clock).await {
            Err(error) if error.kind() == ErrorKind::Undecodable => Ok(None),
            done => done,
        }
    }

    /// Reads the file anew.
    async fn again(&self, wanted: SearchTarget, clock: &mut JobClock) -> Result<Option<Capture>, Error> {
        let JobContext { job, keyring, shelf, .. } = *self.work;
        let feed = SegmentReader::open(job, vec![ByteSpan::whole(&self.url)], None, false, keyring, shelf).await?;
        self.grab(feed, wanted, clock).await
    }

    async fn grab(&self, feed: SegmentReader, wanted: SearchTarget, clock: &mut JobClock) -> Result<Option<Capture>, Error> {
        let mut memory = self.memory.lock().await;
        let grabbed = run_decode_job(self.work, feed, InputLayout::File, wanted, Vec::new(), &mut memory, clock)
            .await
            .map_err(|e| e.with_url(&self.url))?;
        Ok(grabbed.map(|grabbed| self.taken(grabbed)))
    }

    fn taken(&self, grabbed: DecodedPicture) -> Capture {
        Capture {
            live: false,
            encrypted: grabbed.sealed.unwrap_or("none"),
            variant: None,
            segment: SegmentReport {
                url: redacted(&self.url),
                media_sequence_number: None,
                discontinuity_sequence_number: None,
                part: None,
                i_frame: false,
            },
            frame: FrameReport { presentation_seconds: Some(rounded(grabbed.seconds)), ..grabbed.frame },
            made: grabbed.made,
            notes: Vec::new(),
        }
    }
}
