//! One round of a channel: from what its probe found to the sample that decides on its state.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    event::Event,
    playlist_rules::PlaylistMonitor,
    sample::{PictureSample, PlaylistSample, Sample, SampleFailure, Sound},
    state::{ChannelState, StateMachine, Transition},
};
use crate::{
    capture::{Probe, ProbedPicture, ProbedPlaylist},
    channels::Channel,
    hls::MediaPlaylist,
    report::SnapshotFacts,
};

/// A finished round.
#[derive(Debug)]
pub(crate) struct Round {
    pub channel: Arc<Channel>,
    pub sample: Sample,
    pub state: ChannelState,
    /// The change of state, if it changed.
    pub transition: Option<Transition>,
    /// The event that reports it.
    pub event: Option<Event>,
    /// Seconds for which the channel was observed to be black since the last round.
    pub black_seconds: f64,
    /// Seconds for which it was observed to be frozen since the last round.
    pub frozen_seconds: f64,
    /// From the moment it was due to its start.
    pub lateness: Duration,
    /// From its start to its end, without storing the picture.
    pub duration: Duration,
}

/// The start of a round.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundStart {
    pub time: DateTime<Utc>,
    /// Since the watch began.
    pub elapsed: Duration,
}

/// The picture of a round and its report's facts, for storing it.
pub(crate) struct RoundPicture {
    /// The encoded file.
    pub file: Bytes,
    /// Facts of its report.
    pub facts: SnapshotFacts,
}

/// The memory of one channel's earlier rounds.
pub(super) struct ChannelHistory {
    pub machine: StateMachine,
    monitor: PlaylistMonitor,
    /// The last playlist.
    playlist: Option<PlaylistSample>,
    /// Rounds until one listens.
    until_listening: u32,
    /// Whether the round under way listens.
    listened: bool,
}

/// Listening takes more bytes than a picture, so only one in this many rounds listens, unless the sound is missing or silent.
const ROUNDS_PER_LISTENING: u32 = 6;

impl ChannelHistory {
    /// The history of channel number `index`: channels listen in turn.
    pub fn new(machine: StateMachine, index: u64) -> Self {
        let until_listening = u32::try_from(index % u64::from(ROUNDS_PER_LISTENING)).unwrap_or_default();
        Self { machine, monitor: PlaylistMonitor::default(), playlist: None, until_listening, listened: false }
    }

    /// Whether the next round listens to the sound.
    pub fn listens(&mut self) -> bool {
        let listens = self.until_listening == 0 && !self.machine.ignores_sound();
        self.until_listening = self.until_listening.checked_sub(1).unwrap_or(ROUNDS_PER_LISTENING - 1);
        self.listened = listens;
        listens
    }

    /// The sample of a round, and its picture.
    pub fn sample(&mut self, start: RoundStart, probe: Probe) -> (Sample, Option<RoundPicture>) {
        let Probe { playlist, picture, failure, cost } = probe;
        let seconds = start.elapsed.as_secs_f64();
        let playlist = match playlist {
            ProbedPlaylist::Missing => None,
            ProbedPlaylist::Unchanged => self.playlist.clone().map(|known| PlaylistSample { violations: Vec::new(), ..known }),
            ProbedPlaylist::Loaded(loaded) => {
                let violations = self.monitor.observe(&loaded.playlist, seconds);
                let sample = playlist_sample(&loaded.playlist, violations);
                self.playlist = Some(sample.clone());
                Some(sample)
            }
        };
        let (picture, file) = match picture {
            Some(picture) => {
                let (sample, file) = picture_sample(picture);
                (Some(sample), Some(file))
            }
            None => (None, None),
        };
        let is_troubled = |picture: &PictureSample| matches!(picture.sound, Sound::Silent | Sound::Missing);
        // One round decides nothing, and the next one in turn is far. Without a new picture nobody has listened
        if self.machine.may_be_silent() || picture.as_ref().map_or(self.listened, is_troubled) {
            self.until_listening = 0;
        }
        let failure = failure.map(|error| SampleFailure { kind: error.kind(), message: error.one_line() });
        let sample = Sample { time: start.time, seconds, playlist, picture, failure, requests: cost.requests, bytes: cost.bytes_received };
        (sample, file)
    }
}

fn playlist_sample(playlist: &MediaPlaylist, violations: Vec<String>) -> PlaylistSample {
    let last = playlist.complete_segments().last();
    let end_date = last.and_then(|last| {
        let duration = chrono::TimeDelta::from_std(Duration::try_from_secs_f64(last.duration).ok()?).ok()?;
        last.program_date_time?.checked_add_signed(duration)
    });
    PlaylistSample {
        media_sequence: playlist.media_sequence,
        discontinuity_sequence: playlist.discontinuity_sequence,
        next: playlist.next(),
        target_duration: playlist.target_duration.unwrap_or(DEFAULT_TARGET_DURATION),
        has_ended: !playlist.is_live(),
        duration: playlist.duration(),
        end_date,
        violations,
    }
}

/// Target duration of a playlist that has none, in seconds.
const DEFAULT_TARGET_DURATION: f64 = 6.0;

fn picture_sample(picture: ProbedPicture) -> (PictureSample, RoundPicture) {
    let ProbedPicture { finished, fingerprint, start_hash, bits_per_pixel_second, sound } = picture;
    let (file, facts) = (Bytes::from(finished.picture), finished.facts);
    let sample = PictureSample {
        file: file.clone(),
        media_type: facts.format.media_type(),
        size: facts.size,
        verdict: facts.verdict.clone(),
        fingerprint,
        coded_hash: start_hash,
        bits_per_pixel_second,
        sound: Sound::of(sound.as_ref()),
        media_sequence_number: facts.segment.media_sequence_number,
        program_date_time: facts.presentation.program_date_time,
        codec: facts.frame.codec,
    };
    (sample, RoundPicture { file, facts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Thresholds;

    #[test]
    fn one_round_in_six_listens_unless_the_sound_is_ignored() {
        let listening = |silent_for| {
            let machine = StateMachine::new(Thresholds { silent_for, ..Thresholds::default() }, false);
            let mut history = ChannelHistory::new(machine, 2);
            (0..12).map(|_| history.listens()).enumerate().filter(|(_, listens)| *listens).map(|(round, _)| round).collect::<Vec<_>>()
        };
        assert_eq!(listening(Duration::from_secs(20)), [2, 8]);
        assert_eq!(listening(Duration::MAX), [0; 0]);
    }
}
