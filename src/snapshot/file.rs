//! A picture out of a media file that stands by itself.

use bytes::BytesMut;
use tokio::sync::Mutex;
use url::Url;

use super::{
    Work,
    feed::Feed,
    grab::{Grabbed, Kind, grab, rounded},
    parts::Part,
    pick::{self, KeyFrames},
    told::{Clock, Taken},
};
use crate::{
    error::{Error, ErrorKind, redacted},
    fetch::Body,
    libav::{Memory, Search, Start},
    report::{FrameReport, SegmentReport},
    request::At,
};

/// A media file, and what is known of it.
pub(super) struct InFile<'a> {
    work: &'a Work<'a>,
    url: Url,
    memory: Mutex<Memory>,
}

/// What is behind the URL is the file itself; `head` is what has been read of it.
pub(super) async fn take(work: &Work<'_>, body: Body, head: BytesMut, clock: &mut Clock) -> Result<Taken, Error> {
    let Work { request, job, keyring, .. } = *work;
    let search = InFile { work, url: body.url().clone(), memory: Mutex::default() };
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
                .at(&search.url)
                .hint("give a time from the start"));
        }
    };
    let feed = Feed::of_file(job, body, head.freeze(), keyring);
    let taken = if let Some(taken) = search.grab(feed, wanted, clock).await? {
        taken
    } else {
        // Nothing stands before: the first key frame is the nearest there is
        let first = search.again(Search::First, clock).await?;
        first.ok_or_else(|| Error::new(ErrorKind::Undecodable, "the file lacks the parameter sets of its video").at(&search.url))?
    };
    let after = taken.frame.presentation_seconds.unwrap_or(0.0);
    pick::better(request, KeyFrames::File { search: &search, after }, taken, clock).await
}

impl InFile<'_> {
    /// The first key frame that is shown later than a moment.
    pub async fn key_frame_after(&self, moment: f64, clock: &mut Clock) -> Result<Option<Taken>, Error> {
        match self.again(Search::KeyFrameAfter(moment), clock).await {
            Err(error) if error.kind() == ErrorKind::Undecodable => Ok(None),
            done => done,
        }
    }

    /// Reads the file anew.
    async fn again(&self, wanted: Search, clock: &mut Clock) -> Result<Option<Taken>, Error> {
        let Work { job, keyring, shelf, .. } = *self.work;
        let feed = Feed::open(job, vec![Part::whole(&self.url)], None, false, keyring, shelf).await?;
        self.grab(feed, wanted, clock).await
    }

    async fn grab(&self, feed: Feed, wanted: Search, clock: &mut Clock) -> Result<Option<Taken>, Error> {
        let mut memory = self.memory.lock().await;
        let grabbed = grab(self.work, feed, Kind::File, wanted, Vec::new(), &mut memory, clock).await.map_err(|e| e.at(&self.url))?;
        Ok(grabbed.map(|grabbed| self.taken(grabbed)))
    }

    fn taken(&self, grabbed: Grabbed) -> Taken {
        Taken {
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
