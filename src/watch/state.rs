//! Decides on the state of a channel by its samples. Pure: no clock, no network.
//!
//! Each condition begins and ends on its own, with hysteresis ([`Condition`]). The state is the worst active condition. A new channel is
//! provisionally `ok`, without an event, until two samples in a row found no trouble (`is_provisional`).

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    clock::{Moment, SampleClock, Tick},
    condition::{Condition, Evidence, Need},
    progress::{Progress, Staleness},
    sample::{PictureSample, Sample, SampleFailure, Sound},
    stillness::{GRAIN_PATIENCE, GRAIN_SAMPLES, Standstill, Stillness},
    thresholds::Thresholds,
};
use crate::error::ErrorKind;

/// The state of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChannelState {
    /// Nothing is wrong.
    Ok,
    /// Its pictures are black.
    Black,
    /// Its pictures have a single color.
    Flat,
    /// Its picture does not change while the playlist advances.
    Frozen,
    /// Its sound is missing or silent.
    Silent,
    /// Its playlist does not advance, falls behind, or has ended.
    Stale,
    /// Its playlist or picture cannot be loaded.
    Down,
}

impl ChannelState {
    /// All states, the worst first.
    pub const BY_PRECEDENCE: [Self; 7] = [Self::Down, Self::Stale, Self::Black, Self::Flat, Self::Frozen, Self::Silent, Self::Ok];

    /// The name in events and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Black => "black",
            Self::Flat => "flat",
            Self::Frozen => "frozen",
            Self::Silent => "silent",
            Self::Stale => "stale",
            Self::Down => "down",
        }
    }
}

/// A state that has been reported, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownState {
    /// The state.
    pub state: ChannelState,
    /// When its condition began.
    pub since: DateTime<Utc>,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The previous state.
    pub from: ChannelState,
    /// The new one.
    pub to: ChannelState,
    /// When the condition began; for `ok`, the first sample without trouble.
    pub since: DateTime<Utc>,
    /// For `down`: the kind of the last failure.
    pub kind: Option<ErrorKind>,
    /// The trouble in one line, if the state alone does not tell it.
    pub message: Option<String>,
}

/// A state that has ended stays for at most this many seconds while another condition is about to begin.
const MAX_HELD_SECONDS: f64 = 60.0;

/// Decides on the state of one channel.
#[derive(Debug)]
pub struct StateMachine {
    thresholds: Thresholds,
    is_static: bool,
    clock: SampleClock,
    progress: Progress,
    stillness: Stillness,
    conditions: Conditions,
    state: ChannelState,
    since: Option<DateTime<Utc>>,
    /// The first of the last samples in a row without trouble, and their number.
    quiet: Option<Moment>,
    quiet_samples: u32,
    is_provisional: bool,
    /// Whether the state comes from an earlier watch, and no sample has confirmed or refuted it yet.
    is_restored: bool,
    /// Samples that refuted the restored state.
    refutations: u32,
    /// Since when a state that has ended stays, because another one may follow.
    held_since: Option<Moment>,
    staleness: Option<Staleness>,
    sound: Sound,
    failure: Option<SampleFailure>,
}

#[derive(Debug, Default)]
struct Conditions {
    down: Condition,
    stale: Condition,
    black: Condition,
    flat: Condition,
    frozen: Condition,
    silent: Condition,
}

impl Conditions {
    /// The worst first.
    fn by_precedence(&self) -> [(ChannelState, &Condition); 6] {
        [
            (ChannelState::Down, &self.down),
            (ChannelState::Stale, &self.stale),
            (ChannelState::Black, &self.black),
            (ChannelState::Flat, &self.flat),
            (ChannelState::Frozen, &self.frozen),
            (ChannelState::Silent, &self.silent),
        ]
    }
}

/// The evidence of a sample for each condition.
#[derive(Debug)]
struct Findings {
    down: Evidence,
    stale: Evidence,
    black: Evidence,
    flat: Evidence,
    frozen: Evidence,
    silent: Evidence,
    /// Seconds before an unchanged playlist is stale, a flat picture is reported, and an unchanged picture is frozen.
    stale_seconds: f64,
    flat_seconds: f64,
    frozen_seconds: f64,
    frozen_samples: u32,
}

impl Findings {
    const NOTHING: Self = Self {
        down: Evidence::None,
        stale: Evidence::None,
        black: Evidence::None,
        flat: Evidence::None,
        frozen: Evidence::None,
        silent: Evidence::None,
        stale_seconds: 0.0,
        flat_seconds: 0.0,
        frozen_seconds: 0.0,
        frozen_samples: 1,
    };

    fn all(&self) -> [Evidence; 6] {
        [self.down, self.stale, self.black, self.flat, self.frozen, self.silent]
    }
}

impl StateMachine {
    /// `is_static`: the picture need not change while the encoder works.
    pub fn new(thresholds: Thresholds, is_static: bool) -> Self {
        Self {
            thresholds,
            is_static,
            clock: SampleClock::default(),
            progress: Progress::default(),
            stillness: Stillness::default(),
            conditions: Conditions::default(),
            state: ChannelState::Ok,
            since: None,
            quiet: None,
            quiet_samples: 0,
            is_provisional: true,
            held_since: None,
            refutations: 0,
            is_restored: false,
            staleness: None,
            sound: Sound::Unknown,
            failure: None,
        }
    }

    /// Goes on from the state that an earlier watch has reported: it stays until two samples refute it, or another state follows.
    pub fn restore(&mut self, known: KnownState) {
        (self.state, self.since, self.is_restored) = (known.state, Some(known.since), known.state != ChannelState::Ok);
    }

    /// Whether the sound does not matter.
    pub fn ignores_sound(&self) -> bool {
        self.thresholds.silent_for == Duration::MAX
    }

    /// Whether the channel is silent, or may be.
    pub fn may_be_silent(&self) -> bool {
        self.state == ChannelState::Silent || self.conditions.silent.began().is_some()
    }

    /// The state.
    pub fn state(&self) -> ChannelState {
        self.state
    }

    /// Since when; `None` before the first sample.
    pub fn since(&self) -> Option<DateTime<Utc>> {
        self.since
    }

    /// Whether `ok` is only assumed.
    pub fn is_provisional(&self) -> bool {
        self.is_provisional
    }

    /// Seconds for which the channel was observed to be black.
    pub fn black_seconds(&self) -> f64 {
        self.conditions.black.held_seconds()
    }

    /// Seconds for which it was observed to be frozen.
    pub fn frozen_seconds(&self) -> f64 {
        self.conditions.frozen.held_seconds()
    }

    /// Takes the next sample, and returns the change of state that follows from it.
    pub fn observe(&mut self, sample: &Sample) -> Option<Transition> {
        let tick = self.clock.tick(Moment { time: sample.time, seconds: sample.seconds });
        self.since.get_or_insert(sample.time);
        if tick.is_gap {
            self.progress.restart(tick.now);
        }
        let findings = self.findings(sample, &tick);
        self.update_conditions(&findings, &tick);
        self.update_quiet(&findings, &tick);
        self.decide(&findings, &tick)
    }

    fn findings(&mut self, sample: &Sample, tick: &Tick) -> Findings {
        let when = |holds: bool| if holds { Evidence::For(tick.now) } else { Evidence::Against };
        if sample.failure.is_some() {
            self.failure.clone_from(&sample.failure);
        }
        let is_loaded = sample.playlist.is_some() || sample.picture.is_some();
        let down = if sample.failure.is_some() || is_loaded { when(sample.failure.is_some()) } else { Evidence::None };
        let target_duration = sample.playlist.as_ref().map_or(0.0, |playlist| playlist.target_duration);
        let stale_seconds = self.thresholds.stale_seconds(target_duration);
        let stale = match &sample.playlist {
            None => Evidence::None,
            Some(playlist) => {
                let (evidence, staleness) = self.progress.observe(playlist, tick, stale_seconds);
                self.staleness = staleness.or(self.staleness);
                evidence
            }
        };
        let mut findings = Findings { down, stale, stale_seconds, ..Findings::NOTHING };
        // A playlist that does not advance has no new picture
        if let Some(picture) = sample.picture.as_ref().filter(|_| !matches!(stale, Evidence::For(_))) {
            self.find_in_picture(picture, tick, &mut findings);
        }
        findings
    }

    fn find_in_picture(&mut self, picture: &PictureSample, tick: &Tick, findings: &mut Findings) {
        let when = |holds: bool| if holds { Evidence::For(tick.now) } else { Evidence::Against };
        let Thresholds { black_for, flat_for, frozen_for, .. } = self.thresholds;
        let is_flat = picture.verdict.black || picture.verdict.flat;
        findings.black = when(picture.verdict.black);
        findings.flat = when(is_flat);
        // A black picture is flat too, but is not reported as flat before it would be reported as black
        findings.flat_seconds = if picture.verdict.black { flat_for.max(black_for) } else { flat_for }.as_secs_f64();
        let Standstill { evidence, is_grainy } = self.stillness.observe(picture, tick, self.is_static);
        findings.frozen = if is_flat { Evidence::Against } else { evidence };
        let (patience, samples) = if is_grainy { (GRAIN_PATIENCE, GRAIN_SAMPLES) } else { (1.0, 1) };
        (findings.frozen_seconds, findings.frozen_samples) = (frozen_for.as_secs_f64() * patience, samples);
        if picture.sound != Sound::Unknown {
            self.sound = picture.sound;
        }
        findings.silent = match picture.sound {
            _ if self.ignores_sound() => Evidence::None,
            Sound::Unknown => Evidence::None,
            Sound::Present => Evidence::Against,
            Sound::Silent | Sound::Missing => Evidence::For(tick.now),
        };
    }

    fn update_conditions(&mut self, findings: &Findings, tick: &Tick) {
        let need = |seconds: f64, samples: u32| Need { seconds, samples };
        let Thresholds { black_for, silent_for, down_after, .. } = &self.thresholds;
        let conditions = &mut self.conditions;
        conditions.down.observe(findings.down, tick, need(0.0, *down_after));
        // One sample is enough for stale and frozen, because it compares two playlists or pictures
        conditions.stale.observe(findings.stale, tick, need(findings.stale_seconds, 1));
        conditions.black.observe(findings.black, tick, need(black_for.as_secs_f64(), 2));
        conditions.flat.observe(findings.flat, tick, need(findings.flat_seconds, 2));
        conditions.frozen.observe(findings.frozen, tick, need(findings.frozen_seconds, findings.frozen_samples));
        conditions.silent.observe(findings.silent, tick, need(silent_for.as_secs_f64(), 2));
    }

    fn update_quiet(&mut self, findings: &Findings, tick: &Tick) {
        let evidence = findings.all();
        if evidence.iter().any(|evidence| matches!(evidence, Evidence::For(_))) {
            (self.quiet, self.quiet_samples) = (None, 0);
        } else if evidence.contains(&Evidence::Against) {
            self.quiet.get_or_insert(tick.now);
            self.quiet_samples = self.quiet_samples.saturating_add(1);
        }
    }

    /// The worst condition that is active.
    fn decide(&mut self, findings: &Findings, tick: &Tick) -> Option<Transition> {
        let conditions = self.conditions.by_precedence();
        let worst = conditions.iter().find(|(_, condition)| condition.is_active());
        let is_pending = conditions
            .iter()
            .zip(findings.all())
            .any(|((_, condition), evidence)| !condition.is_active() && matches!(evidence, Evidence::For(_)));
        let is_own = |(state, _): &(ChannelState, &Condition)| *state == self.state;
        let is_refuted = conditions.iter().zip(findings.all()).any(|(own, evidence)| is_own(own) && evidence == Evidence::Against);
        self.refutations += u32::from(is_refuted);
        self.is_restored &= worst.is_none() && self.refutations < 2;
        self.held_since = if worst.is_none() && is_pending { self.held_since.or(Some(tick.now)) } else { None };
        let is_held = self.held_since.is_some_and(|since| tick.now.seconds - since.seconds <= MAX_HELD_SECONDS);
        let (to, since) = match worst {
            Some((state, condition)) => (*state, condition.began().unwrap_or(tick.now)),
            None if self.is_restored => (self.state, tick.now),
            // A change from black to gray does not pass through `ok`
            None if is_held => (self.state, tick.now),
            None => (ChannelState::Ok, self.quiet.unwrap_or(tick.now)),
        };
        self.is_provisional &= to == ChannelState::Ok && self.quiet_samples < 2;
        let from = std::mem::replace(&mut self.state, to);
        if from == to {
            return None;
        }
        self.is_restored = false;
        self.since = Some(since.time);
        let failure = self.failure.as_ref().filter(|_| to == ChannelState::Down);
        let message = failure.map(|failure| failure.message.clone()).or_else(|| self.message(to, tick));
        Some(Transition { from, to, since: since.time, kind: failure.map(|failure| failure.kind), message })
    }

    /// The details that the name of a state does not tell.
    fn message(&self, state: ChannelState, tick: &Tick) -> Option<String> {
        match state {
            ChannelState::Stale => Some(match self.staleness? {
                Staleness::Ended => "the stream has ended: its playlist has EXT-X-ENDLIST".to_owned(),
                Staleness::Standing => {
                    let began = self.conditions.stale.began().map_or(0.0, |began| tick.now.seconds - began.seconds);
                    format!("the playlist has not advanced for {began:.0} s")
                }
                Staleness::Behind(seconds) => format!("the playlist's dates are {seconds:.0} s further behind than usual"),
            }),
            ChannelState::Silent if self.sound == Sound::Silent => Some("the sound is silent".to_owned()),
            ChannelState::Silent => Some("there is no sound".to_owned()),
            ChannelState::Frozen if self.is_static => Some("the same coded segment is repeated".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
