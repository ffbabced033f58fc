//! Captures a picture from a single media file instead of a playlist.

use bytes::BytesMut;
use url::Url;

use super::{
    content_choice::{KeyFrames, apply_content_choice},
    context::JobContext,
    facts::Capture,
    file_search::FileSearch,
};
use crate::{
    error::{Error, ErrorKind},
    fetch::Body,
    libav::{SearchTarget, SearchTime},
    read::SegmentReader,
    request::{Position, SnapshotRequest},
};

/// Captures a picture from a media file. `first` is its open response, and the head that has been read from it.
pub(super) async fn capture_file(context: &JobContext, url: &Url, first: Option<(Body, BytesMut)>) -> Result<Capture, Error> {
    let target = search_target(&context.request).map_err(|error| error.with_url(url))?;
    let search = FileSearch::new(context, url.clone());
    let capture = match first {
        Some((body, head)) => search.decode(SegmentReader::of_file(&context.job, body, head.freeze(), &context.keyring), target).await?,
        None => search.read_again(target).await?,
    };
    let capture = if let Some(capture) = capture {
        capture
    } else {
        // No key frame precedes the position: the first one is the nearest
        let first = search.read_again(SearchTarget::FirstKeyFrame).await?;
        first.ok_or_else(|| Error::new(ErrorKind::Undecodable, "the file lacks the parameter sets of its video").with_url(url))?
    };
    let key_frames = KeyFrames::after_in_file(&search, &capture);
    apply_content_choice(&context.request, key_frames, capture).await
}

/// Fails with `not_found` for a Program Date Time.
fn search_target(request: &SnapshotRequest) -> Result<SearchTarget, Error> {
    let is_exact = request.is_exact();
    let at = |time| if is_exact { SearchTarget::FrameAt(time) } else { SearchTarget::KeyFrameAt(time) };
    Ok(match request.at {
        None | Some(Position::Start) if is_exact => SearchTarget::FrameAt(SearchTime::FromStart(0.0)),
        None | Some(Position::Start) => SearchTarget::FirstKeyFrame,
        Some(Position::Live) => SearchTarget::LastFrame,
        Some(Position::FromStart(time)) => at(SearchTime::FromStart(time.as_secs_f64())),
        Some(Position::FromEnd(time)) => at(SearchTime::FromEnd(time.as_secs_f64())),
        Some(Position::Percent(percent)) => at(SearchTime::Fraction(percent / 100.0)),
        Some(Position::ProgramDateTime(_)) => {
            return Err(Error::new(ErrorKind::NotFound, "a media file has no Program Date Time").with_hint("give a time from the start"));
        }
    })
}
