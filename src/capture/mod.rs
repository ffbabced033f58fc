//! The conductor: a [`SnapshotRequest`] in, a [`Snapshot`] out. The only place where rooms meet.
//!
//! ```text
//! entry -> ([i_frames |] variant -> live: Media Playlist)* -> playlist: plan -> (parts -> feed -> grab)* -> Snapshot
//! ```
//!
//! A star is where the next best is tried when one does not give a clean picture.

mod candidates;
mod decode_job;
mod facts;
mod file;
mod i_frames;
mod inspect;
mod live;
mod media_playlist;
mod open;
mod select;

pub use inspect::{Inspection, inspect};

use crate::{
    error::{Error, ErrorKind},
    fetch::{Client, Job},
    hls::{self, MultivariantPlaylist, Variables, Variant},
    protection::Keyring,
    read::DownloadCache,
    report::Report,
    request::{Format, SnapshotRequest, Source},
};

pub use crate::render::reference_picture;

use candidates::{FailureScope, TimeShare};
use facts::{Capture, JobClock};
use media_playlist::SelectedVariant;
use open::OpenedStream;

/// So many Variants are tried before the first one's failure is told.
const VARIANTS_TRIED: usize = 4;

/// A picture and its report.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The file's bytes.
    pub picture: Vec<u8>,
    /// What is told about it; `output` and the time that storing took are the store's to fill in.
    pub report: Report,
}

/// Takes one picture.
///
/// Fails with any kind of the table but `output`. Nothing is written. The job's time begins here and ends by `limits.timeout`; a decoder
/// that is at work then is left to end by itself.
pub async fn take(request: &SnapshotRequest, client: &Client) -> Result<Snapshot, Error> {
    if request.encoding.lossless && request.encoding.format == Format::Jpeg {
        return Err(Error::new(ErrorKind::Usage, "a JPEG is never lossless").with_hint("ask for PNG or WebP"));
    }
    let base = open::base(&request.source)?;
    let job = Job::new(client, &base, &request.headers, &request.limits)?;
    let mut clock = JobClock::start();
    let work = Box::pin(take_within(request, &job, &base, &mut clock));
    tokio::time::timeout_at(job.deadline().into(), work).await.unwrap_or_else(|_| Err(job.timeout().with_url(&base)))
}

/// What a job has at hand while it looks for its picture.
#[derive(Clone, Copy)]
struct JobContext<'a> {
    request: &'a SnapshotRequest,
    job: &'a Job,
    /// Whether requests can share the connection at the same time.
    multiplexed: bool,
    keyring: &'a Keyring,
    shelf: &'a DownloadCache,
}

impl JobContext<'_> {
    /// A local file or a text on stdin does not change while we wait.
    fn may_reload(&self, playlist: &url::Url) -> bool {
        matches!(playlist.scheme(), "http" | "https") && !matches!(self.request.source, Source::Text { .. })
    }
}

async fn take_within(request: &SnapshotRequest, job: &Job, base: &url::Url, clock: &mut JobClock) -> Result<Snapshot, Error> {
    let opened = open::open(request, job, base).await?;
    let (keyring, shelf) = (Keyring::new(request, job), DownloadCache::default());
    let work = JobContext { request, job, multiplexed: opened.multiplexed, keyring: &keyring, shelf: &shelf };
    let taken = match opened.entry {
        OpenedStream::File(body, head) => {
            clock.playlists_read();
            file::take(&work, *body, head, clock).await?
        }
        OpenedStream::Media(loaded) => {
            clock.playlists_read();
            Box::pin(live::take(&work, *loaded, None, &Variables::default(), clock)).await?
        }
        OpenedStream::Multivariant(multivariant) => from_variants(&work, &multivariant, clock).await?,
    };
    Ok(taken.into_snapshot(request, base, job.cost(), clock))
}

/// Tries the Variants from the best on. The first one's failure is told where none gives a picture.
async fn from_variants(work: &JobContext<'_>, multivariant: &MultivariantPlaylist, clock: &mut JobClock) -> Result<Capture, Error> {
    let variants = hls::select_variants(multivariant, &work.request.variant, &work.request.size)?;
    let mut failure = None;
    let mut notes = Vec::new();
    if let Some(best) = variants.first()
        && let Some(taken) = i_frames::take(work, multivariant, best, &mut notes, clock).await?
    {
        return Ok(Capture { variant: Some(facts::variant(best)), ..taken });
    }
    // Hosts that cannot be reached and playlists that failed are not asked for again
    let (mut dead, mut failed) = (Vec::<String>::new(), Vec::<&url::Url>::new());
    let host = |url: &url::Url| url.host_str().map(|host| format!("{host}:{:?}", url.port_or_known_default()));
    for (place, variant) in variants.iter().enumerate() {
        let is_dead = host(&variant.url).is_some_and(|host| dead.contains(&host)) || failed.contains(&&variant.url);
        if failed.len() == VARIANTS_TRIED || is_dead {
            continue;
        }
        let others_follow = variants.iter().skip(place + 1).any(|other| other.url != variant.url) && failed.len() + 1 < VARIANTS_TRIED;
        let share = TimeShare::of(work, candidates::VARIANT, others_follow);
        match Box::pin(from_variant(&share.work(work), multivariant, variant, clock)).await {
            Ok(mut taken) => {
                taken.variant = Some(facts::variant(variant));
                taken.notes.extend(notes);
                return Ok(taken);
            }
            Err(error) if FailureScope::of(&error, work.job).gives_way_to_variant() => {
                failed.push(&variant.url);
                let error = explained(error, variant);
                tracing::info!("Variant {} is passed over: {error}", variant.index);
                notes.push(format!("Variant {} was passed over: {}: {}", variant.index, error.kind(), error.message()));
                if error.kind() == ErrorKind::Unreachable && error.is_before_connection() {
                    dead.extend(error.full_url().and_then(host));
                }
                failure.get_or_insert(error);
            }
            Err(error) => return Err(failure.unwrap_or(error)),
        }
    }
    Err(failure.unwrap_or_else(|| Error::new(ErrorKind::NoVideo, "no Variant has video")))
}

/// If there is no media, or it shows no picture, and CODECS speaks against the Variant too, CODECS says why.
fn explained(error: Error, variant: &Variant) -> Error {
    let is_of_the_media = matches!(error.kind(), ErrorKind::NoVideo | ErrorKind::Undecodable | ErrorKind::Unsupported);
    let is_explained = is_of_the_media || matches!(error.origin_status(), Some(404 | 410));
    hls::undecodable_reason(variant).filter(|_| is_explained).map_or(error, |declared| declared.with_url(&variant.url))
}

async fn from_variant(
    work: &JobContext<'_>,
    multivariant: &MultivariantPlaylist,
    variant: &Variant,
    clock: &mut JobClock,
) -> Result<Capture, Error> {
    let loaded = open::media(work, &variant.url, &multivariant.variables).await?;
    clock.playlists_read();
    let chosen = SelectedVariant { variant, start: multivariant.start.as_ref() };
    Box::pin(live::take(work, loaded, Some(chosen), &multivariant.variables, clock)).await
}
