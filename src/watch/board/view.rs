//! The wall's data of one channel.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use url::Url;

use super::{history::HistoryView, json};
use crate::{
    channels::Channel,
    error::{ErrorKind, redacted},
    report::Verdict,
    time::{rfc3339, round_to_millisecond},
    watch::{ChannelState, PictureSample, Sample, Sound},
};

/// The view shows violations for this long after the round that found them.
const VIOLATIONS_SHOWN: TimeDelta = TimeDelta::minutes(10);

/// The wall's data of a channel.
#[derive(Debug, Clone, Serialize)]
pub struct ChannelView {
    /// The id in URLs: the list's id, or a digest of it if it is a URL.
    pub id: String,
    /// The name; without one, the id, or the redacted URL if that is the id.
    pub name: String,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The playlist's URL, redacted.
    pub url: String,
    /// `None` before the first round.
    pub state: Option<ChannelState>,
    /// When the state began.
    #[serde(serialize_with = "json::optional_date")]
    pub since: Option<DateTime<Utc>>,
    /// Kind of the last round's failure.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::kind_name")]
    pub kind: Option<ErrorKind>,
    /// The last round's failure, or why the state is not `ok`: one line, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// URL of the newest picture, relative to the wall. It changes with the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// When the picture was taken.
    #[serde(serialize_with = "json::optional_date")]
    pub picture_time: Option<DateTime<Utc>>,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// Age of the picture by Program Date Time, when it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<f64>,
    /// Content check of the newest picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verdict: Option<ShortVerdict>,
    pub(super) facts: Facts,
    /// The playlist's violations of the specification.
    pub violations: Vec<String>,
    /// When they were found.
    #[serde(skip)]
    violations_time: Option<DateTime<Utc>>,
}

/// A channel's view, and its last hour.
#[derive(Debug, Clone, Serialize)]
pub struct ChannelDetail {
    #[serde(flatten)]
    pub(super) view: ChannelView,
    pub(super) history: HistoryView,
}

/// The part of a verdict that the wall shows.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ShortVerdict {
    mean_luma: f64,
    black: bool,
    flat: bool,
    hash: String,
    dominant_color: String,
    thumbhash: String,
}

/// Facts of the last round that had them.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Facts {
    codec: Option<&'static str>,
    media_sequence_number: Option<u64>,
    target_duration: Option<f64>,
    window_seconds: Option<f64>,
    bits_per_pixel_second: Option<f64>,
    sound: Option<&'static str>,
    program_date_time: Option<String>,
    requests: u64,
    bytes: u64,
}

impl ChannelView {
    /// A channel before its first round.
    pub(super) fn new(channel: &Channel, id: String) -> Self {
        let url = channel.options.url.as_deref().unwrap_or_default();
        // A path has no secrets
        let url = Url::parse(url).map_or_else(|_| url.to_owned(), |url| redacted(&url));
        let name = channel.name.clone().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| if channel.id.contains("://") { url.clone() } else { channel.id.clone() });
        Self {
            id,
            name,
            group: channel.group.clone(),
            url,
            state: None,
            since: None,
            kind: None,
            message: None,
            picture: None,
            picture_time: None,
            width: None,
            height: None,
            age_seconds: None,
            verdict: None,
            facts: Facts::default(),
            violations: Vec::new(),
            violations_time: None,
        }
    }

    /// Takes over the findings of earlier rounds.
    pub(super) fn keep_findings(&mut self, earlier: &Self) {
        let Self { id, name, group, url, .. } = self.clone();
        *self = Self { id, name, group, url, ..earlier.clone() };
    }

    /// Enters the findings of a round except the state. Earlier findings stay if the round has no new ones.
    pub(super) fn enter(&mut self, sample: &Sample) {
        self.kind = sample.failure.as_ref().map(|failure| failure.kind);
        self.message = sample.failure.as_ref().map(|failure| failure.message.clone());
        self.facts.requests = sample.requests;
        self.facts.bytes = sample.bytes;
        if let Some(playlist) = &sample.playlist {
            self.facts.target_duration = Some(playlist.target_duration);
            self.facts.window_seconds = Some(round_to_millisecond(playlist.duration));
            self.enter_violations(sample.time, &playlist.violations);
        }
        if let Some(picture) = &sample.picture {
            self.enter_picture(sample, picture);
        }
    }

    /// Each violation is found once. It stays for a while, so that somebody sees it.
    fn enter_violations(&mut self, time: DateTime<Utc>, violations: &[String]) {
        let is_old = self.violations_time.is_none_or(|shown| time - shown > VIOLATIONS_SHOWN);
        if !violations.is_empty() || is_old {
            (self.violations, self.violations_time) = (violations.to_vec(), Some(time));
        }
    }

    fn enter_picture(&mut self, sample: &Sample, picture: &PictureSample) {
        (self.width, self.height) = (Some(picture.size.0), Some(picture.size.1));
        self.picture_time = Some(sample.time);
        self.age_seconds = sample.age_seconds();
        self.verdict = Some(ShortVerdict::new(&picture.verdict));
        let facts = &mut self.facts;
        facts.codec = Some(picture.codec);
        facts.media_sequence_number = picture.media_sequence_number;
        facts.bits_per_pixel_second = picture.bits_per_pixel_second;
        facts.program_date_time = picture.program_date_time.map(rfc3339);
        facts.sound = Some(match picture.sound {
            Sound::Unknown => facts.sound.unwrap_or("unknown"),
            Sound::Present => "present",
            Sound::Silent => "silent",
            Sound::Missing => "missing",
        });
    }
}

impl ShortVerdict {
    fn new(verdict: &Verdict) -> Self {
        Self {
            mean_luma: verdict.mean_luma,
            black: verdict.black,
            flat: verdict.flat,
            hash: verdict.hash.clone(),
            dominant_color: verdict.dominant_color.clone(),
            thumbhash: verdict.thumbhash.clone(),
        }
    }
}
