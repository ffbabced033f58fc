//! From a plan to a picture: which segments are opened, and what is looked for in them.

use std::time::Instant;

use bytes::BytesMut;
use url::Url;

use super::{
    feed::{Feed, is_gone},
    parts,
    told::{self, Clock, Made, Taken, milliseconds},
};
use crate::{
    error::{Error, ErrorKind, redacted},
    fetch::{Body, Job},
    hls::{self, Goal, MediaPlaylist, Segment, Variant},
    libav::{self, Form, Found, Fragments, Outcome, Search, Source, Start},
    picture::{self, Picture},
    report::{FrameReport, SegmentReport},
    request::{At, Encoding, Format, Limits, Precision, Size, SnapshotRequest},
};

/// The Variant that a Media Playlist belongs to, with what its Multivariant Playlist says of the start.
#[derive(Clone, Copy)]
pub(super) struct Chosen<'a> {
    pub variant: &'a Variant,
    pub start: Option<&'a hls::Start>,
}

/// What a search on the decoding thread brought.
struct Grabbed {
    made: Made,
    frame: FrameReport,
    since_first: f64,
    decoded: Instant,
    encoding_took: f64,
}

/// What a feed is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Segments that stand by themselves.
    Plain,
    /// An init and the movie fragments that belong to it.
    Fragments,
    /// One whole file.
    File,
}

/// Segments that a search may read on into.
const SEGMENTS_READ_ON: usize = 4;

/// A picture out of a Media Playlist.
pub(super) async fn from_playlist(
    request: &SnapshotRequest,
    job: &Job,
    playlist: &MediaPlaylist,
    chosen: Option<Chosen<'_>>,
    multiplexed: bool,
    clock: &mut Clock,
) -> Result<Taken, Error> {
    let plan =
        hls::plan(playlist, request.at, request.precision, chosen.and_then(|chosen| chosen.start)).map_err(|e| e.at(&playlist.url))?;
    let search = InPlaylist { request, job, playlist, bandwidth: chosen.and_then(|chosen| chosen.variant.bandwidth), multiplexed };
    let mut failure = None;
    for index in plan.candidates.iter().copied().take(request.limits.segments) {
        match search.at(index, plan.goal, clock).await {
            Ok(mut taken) => {
                taken.notes.extend(plan.note.clone());
                return Ok(taken);
            }
            Err(error) if another_segment_may_do(&error, playlist, plan.goal) => {
                tracing::info!("a segment is passed over: {error}");
                failure.get_or_insert(error);
            }
            Err(error) => return Err(failure.unwrap_or(error)),
        }
    }
    Err(failure.unwrap_or_else(|| Error::new(ErrorKind::NotFound, "no segment holds that moment").at(&playlist.url)))
}

/// A time is in one segment; the start and the live edge may as well be in the next one that is whole.
fn another_segment_may_do(error: &Error, playlist: &MediaPlaylist, goal: Goal) -> bool {
    match goal {
        Goal::FirstKeyFrame | Goal::LastFrame => error.kind() == ErrorKind::Undecodable || (playlist.is_live() && is_gone(error)),
        Goal::KeyFrameAtOrBefore(_) | Goal::FrameAt(_) => false,
    }
}

struct InPlaylist<'a> {
    request: &'a SnapshotRequest,
    job: &'a Job,
    playlist: &'a MediaPlaylist,
    bandwidth: Option<u64>,
    multiplexed: bool,
}

impl InPlaylist<'_> {
    /// Looks for the goal from segment `index` on, and in those before it where no key frame stands before the moment.
    async fn at(&self, index: usize, goal: Goal, clock: &mut Clock) -> Result<Taken, Error> {
        let mut from = index;
        loop {
            let segment = self.segment(from)?;
            let run = parts::run_from(self.playlist, from, (index - from) + SEGMENTS_READ_ON);
            let wanted = match goal {
                Goal::FirstKeyFrame => Search::First,
                Goal::LastFrame => Search::Last,
                Goal::KeyFrameAtOrBefore(moment) => Search::KeyFrame(Start::FromStart(moment - segment.start)),
                Goal::FrameAt(moment) => Search::Frame(Start::FromStart(moment - segment.start)),
            };
            // What is looked for at the end of the window is not read on into
            let run = if goal == Goal::LastFrame { run.get(..=index - from).unwrap_or(run) } else { run };
            if let Some(grabbed) = self.grab(run, wanted, clock).await? {
                return self.taken(run, grabbed, clock);
            }
            let before = from.checked_sub(1).and_then(|before| self.playlist.segments.get(before));
            if before.is_some_and(|before| !before.gap && before.key.is_none() && parts::continues(before, segment))
                && index - from < SEGMENTS_READ_ON
            {
                from -= 1;
                continue;
            }
            // Nothing stands before: the first key frame is the nearest there is
            let grabbed = self.grab(run, Search::First, clock).await?.ok_or_else(|| Error::internal("a first key frame came too late"))?;
            let mut taken = self.taken(run, grabbed, clock)?;
            taken.notes.push("no key frame stands before that moment; the first one after it was taken".to_owned());
            return Ok(taken);
        }
    }

    fn segment(&self, index: usize) -> Result<&Segment, Error> {
        let segment = self.playlist.segments.get(index).ok_or_else(|| Error::internal("the plan names no segment"))?;
        let key = segment.key.as_deref().or(segment.init.as_deref().and_then(|init| init.key.as_deref()));
        match key {
            Some(key) => Err(Error::new(ErrorKind::Encrypted, format!("the segment is encrypted ({})", key.system()))
                .at(&segment.url)
                .in_segment(segment.media_sequence_number)
                .hint("this version reads clear streams only")),
            None => Ok(segment),
        }
    }

    /// `None`: the moment lies before the first key frame of the run.
    async fn grab(&self, run: &[Segment], wanted: Search, clock: &mut Clock) -> Result<Option<Grabbed>, Error> {
        let Some(segment) = run.first() else {
            return Err(Error::internal("an empty run of segments"));
        };
        let placed = |error: Error| error.at(&segment.url).in_segment(segment.media_sequence_number);
        let portion = self.portion(segment, wanted);
        let feed = Feed::open(self.job, parts::of(run), portion, self.multiplexed).await.map_err(placed)?;
        let kind = if segment.init.is_some() { Kind::Fragments } else { Kind::Plain };
        grab(self.request, feed, kind, wanted, clock).await.map_err(placed)
    }

    /// How many bytes to ask for at first: what a key frame may take, by the bit rate. Key frames weigh as much as half a second or
    /// less; a wrong guess costs one request more.
    fn portion(&self, segment: &Segment, wanted: Search) -> Option<u64> {
        let near = match wanted {
            Search::First => true,
            Search::KeyFrame(Start::FromStart(seconds)) | Search::Frame(Start::FromStart(seconds)) => {
                seconds < 0.001 && wanted != Search::Last
            }
            _ => false,
        };
        let bits = segment.bitrate.map(|kilobits| kilobits.saturating_mul(1000)).or(self.bandwidth);
        near.then(|| bits.map_or(UNKNOWN_PORTION, |bits| bits / 8 * 3 / 5).clamp(LEAST_PORTION, MOST_PORTION))
    }

    fn taken(&self, run: &[Segment], grabbed: Grabbed, clock: &mut Clock) -> Result<Taken, Error> {
        let first = run.first().ok_or_else(|| Error::internal("an empty run of segments"))?;
        let shown = first.start + grabbed.since_first;
        let holder = run.iter().rev().find(|segment| segment.start <= shown + HALF_A_MILLISECOND).unwrap_or(first);
        let (date, age) = told::program_date_time(first.program_date_time, grabbed.since_first);
        clock.timing.frame = clock.at(grabbed.decoded);
        clock.timing.encode = grabbed.encoding_took;
        Ok(Taken {
            live: self.playlist.is_live(),
            variant: None,
            segment: SegmentReport {
                url: redacted(&holder.url),
                media_sequence_number: Some(holder.media_sequence_number),
                discontinuity_sequence_number: Some(holder.discontinuity_sequence_number),
                part: None,
                i_frame: self.playlist.i_frames_only,
            },
            frame: FrameReport { presentation_seconds: Some(rounded(shown)), program_date_time: date, age_seconds: age, ..grabbed.frame },
            made: grabbed.made,
            notes: Vec::new(),
        })
    }
}

const HALF_A_MILLISECOND: f64 = 0.0005;
const UNKNOWN_PORTION: u64 = 256 << 10;
const LEAST_PORTION: u64 = 64 << 10;
const MOST_PORTION: u64 = 2 << 20;

/// A picture out of a media file.
pub(super) async fn from_file(request: &SnapshotRequest, job: &Job, body: Body, head: BytesMut, clock: &mut Clock) -> Result<Taken, Error> {
    let url = body.url().clone();
    let exact = request.precision.map_or_else(|| request.at.is_some_and(|at| at.is_time()), |precision| precision == Precision::Exact);
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
    let feed = Feed::of_file(job, body, head.freeze());
    let mut grabbed = grab(request, feed, Kind::File, wanted, clock).await.map_err(|e| e.at(&url))?;
    if grabbed.is_none() {
        // Nothing stands before: the first key frame is the nearest there is
        let feed = Feed::open(job, vec![parts::Part::whole(&url)], None, false).await?;
        grabbed = grab(request, feed, Kind::File, Search::First, clock).await.map_err(|e| e.at(&url))?;
    }
    let grabbed = grabbed.ok_or_else(|| Error::internal("a first key frame came too late"))?;
    clock.timing.frame = clock.at(grabbed.decoded);
    clock.timing.encode = grabbed.encoding_took;
    Ok(Taken {
        live: false,
        variant: None,
        segment: whole_file(&url),
        frame: FrameReport { presentation_seconds: Some(rounded(grabbed.since_first)), ..grabbed.frame },
        made: grabbed.made,
        notes: Vec::new(),
    })
}

fn whole_file(url: &Url) -> SegmentReport {
    SegmentReport { url: redacted(url), media_sequence_number: None, discontinuity_sequence_number: None, part: None, i_frame: false }
}

/// Searches, converts and encodes on a thread that may block. `None`: what is before these bytes is needed.
async fn grab(request: &SnapshotRequest, feed: Feed, kind: Kind, wanted: Search, clock: &mut Clock) -> Result<Option<Grabbed>, Error> {
    let (limits, size, encoding) = (request.limits, request.size, request.encoding);
    let first_byte = feed.first_byte();
    let work = move || -> Result<Option<Grabbed>, Error> {
        let source = if kind == Kind::Fragments { Source::new(Fragments::new(feed)) } else { Source::new(feed) };
        match libav::search(&source, wanted, kind == Kind::File, limits.pixels)? {
            Outcome::Found(found) => {
                source.pause();
                drop(source);
                grabbed(found, size, encoding, &limits).map(Some)
            }
            Outcome::Earlier => Ok(None),
        }
    };
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("the decoding thread failed").because(e))?;
    if let Some(moment) = first_byte.get() {
        clock.timing.first_byte = clock.at(*moment);
    }
    done
}

fn grabbed(found: Found, size: Size, encoding: Encoding, limits: &Limits) -> Result<Grabbed, Error> {
    let decoded = Instant::now();
    let Found { frame, since_first } = found;
    let form = if encoding.format == Format::Jpeg { Form::Jfif } else { Form::Rgb };
    let picture = libav::picture(&frame, &size, form, limits.pixels)?;
    let facts = facts(&frame);
    drop(frame);
    let (picture_size, verdict) = (picture.size(), picture::verdict(&picture));
    let file = match picture {
        Picture::Jfif(planes) => libav::encode_jpeg(planes, encoding.quality)?,
        Picture::Rgb(image) => picture::encode(&image, encoding.format)?,
    };
    let made = Made { file, size: picture_size, verdict };
    Ok(Grabbed { made, frame: facts, since_first, decoded, encoding_took: milliseconds(decoded.elapsed()) })
}

fn facts(frame: &libav::Frame) -> FrameReport {
    let (across, down) = frame.shape.sample_aspect_ratio;
    FrameReport {
        codec: frame.codec,
        coded_width: frame.coded.0,
        coded_height: frame.coded.1,
        sample_aspect_ratio: format!("{across}:{down}"),
        rotation: frame.shape.orientation.degrees(),
        interlaced: frame.is_interlaced(),
        key_frame: frame.is_key(),
        pts_seconds: frame.pts.map(|pts| rounded(pts.seconds())),
        presentation_seconds: None,
        program_date_time: None,
        age_seconds: None,
        color: frame.colour().report(),
    }
}

/// To a millionth.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
