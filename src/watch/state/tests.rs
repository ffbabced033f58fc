//! States over time, with samples written by hand. `replay` uses real pictures.

mod replay;

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::{ChannelState, KnownState, StateMachine, Thresholds, Transition};
use crate::{
    error::ErrorKind,
    report::Verdict,
    request::ReferencePicture,
    time::time_delta,
    watch::{PictureSample, PlaylistSample, Sample, SampleFailure, Sound},
};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("a date")
}

/// A verdict with these flags.
fn verdict(black: bool, flat: bool) -> Verdict {
    Verdict {
        mean_luma: 0.5,
        black,
        flat,
        frozen: None,
        sharpness: 0.1,
        hash: String::new(),
        thumbhash: String::new(),
        dominant_color: String::new(),
        failed: Vec::new(),
    }
}

/// A channel with segments of 2 s that is sampled at an even pace.
struct Channel {
    machine: StateMachine,
    verdict: Verdict,
    seconds: f64,
    every: f64,
    next: u64,
    /// The number of the current scene.
    scene: u8,
    events: Vec<(f64, Transition)>,
}

impl Channel {
    fn new(every: f64) -> Self {
        Self::with(every, Thresholds::default(), false)
    }

    fn with(every: f64, thresholds: Thresholds, is_static: bool) -> Self {
        let machine = StateMachine::new(thresholds, is_static);
        Self { machine, verdict: verdict(false, false), seconds: 0.0, every, next: 100, scene: 0, events: Vec::new() }
    }

    /// A sample of a playlist and a picture that move.
    fn sample(&mut self) -> Sample {
        self.scene = self.scene.wrapping_add(40);
        self.next += 5;
        let time = start() + time_delta(self.seconds);
        let picture = PictureSample {
            file: Bytes::new(),
            media_type: "image/jpeg",
            size: (320, 180),
            verdict: self.verdict.clone(),
            fingerprint: ReferencePicture { hash: u64::from(self.scene), cells: Some(vec![self.scene; 1024]) },
            coded_hash: Some(self.next),
            bits_per_pixel_second: Some(4.0 + self.seconds / 1000.0),
            sound: Sound::Present,
            media_sequence_number: Some(self.next - 1),
            program_date_time: Some(time),
            codec: "h264",
        };
        let playlist = PlaylistSample {
            media_sequence: self.next - 5,
            discontinuity_sequence: 0,
            next: (self.next, 0),
            target_duration: 2.0,
            has_ended: false,
            duration: 10.0,
            end_date: Some(time - TimeDelta::seconds(3)),
            violations: Vec::new(),
        };
        Sample { time, seconds: self.seconds, playlist: Some(playlist), picture: Some(picture), failure: None, requests: 2, bytes: 9000 }
    }

    /// Takes samples; a letter names the trouble of each.
    fn take(&mut self, samples: &str) -> &mut Self {
        for letter in samples.chars() {
            let (scene, next) = (self.scene, self.next);
            let mut sample = self.sample();
            match letter {
                '~' => {
                    self.seconds += 3600.0;
                    continue;
                }
                // The playlist does not advance
                'S' => {
                    (self.next, self.scene) = (next, scene);
                    let mut before = self.sample();
                    (self.next, self.scene) = (next, scene);
                    if let Some(playlist) = &mut before.playlist {
                        playlist.next = (next, 0);
                        playlist.end_date = None;
                    }
                    sample = before;
                }
                'D' => {
                    (sample.playlist, sample.picture) = (None, None);
                    sample.failure = Some(SampleFailure { kind: ErrorKind::HttpStatus, message: "the origin answered 404".to_owned() });
                }
                'E' => sample.playlist.iter_mut().for_each(|playlist| playlist.has_ended = true),
                letter => sample.picture.iter_mut().for_each(|picture| self.spoil(picture, letter, scene)),
            }
            if matches!(letter, 'Z' | 'G' | 'L' | 'D') {
                self.scene = scene;
            }
            if let Some(transition) = self.machine.observe(&sample) {
                self.events.push((self.seconds, transition));
            }
            self.seconds += self.every;
        }
        self
    }

    fn spoil(&self, picture: &mut PictureSample, letter: char, scene: u8) {
        let still = |picture: &mut PictureSample, grain: usize| {
            let cell = |index: usize| scene + u8::from(grain > 0 && (index + grain).is_multiple_of(3));
            picture.fingerprint.cells = Some((0..1024).map(cell).collect());
        };
        match letter {
            '.' => {}
            'B' => (picture.verdict.black, picture.verdict.flat) = (true, true),
            'F' => picture.verdict.flat = true,
            'Z' => still(picture, 0),
            // Still, with changing grain
            'G' => still(picture, usize::try_from(self.next).expect("small")),
            // The same coded segment
            'L' => {
                still(picture, 0);
                (picture.coded_hash, picture.bits_per_pixel_second) = (Some(7), Some(1.0));
            }
            'M' => picture.sound = Sound::Missing,
            'U' => picture.sound = Sound::Unknown,
            other => panic!("{other}"),
        }
    }

    /// The new states, and when they were decided, in rounds.
    fn log(&self) -> String {
        let events = self.events.iter().map(|(seconds, event)| format!("{}@{}", event.to.name(), (seconds / self.every).round()));
        events.collect::<Vec<_>>().join(" ")
    }
}

fn log(every: f64, samples: &str) -> String {
    Channel::new(every).take(samples).log()
}

#[test]
fn a_healthy_channel_has_no_events() {
    for every in [1.0, 2.0, 10.0, 30.0] {
        assert_eq!(log(every, &".".repeat(100)), "");
    }
    let mut channel = Channel::new(10.0);
    assert!(channel.take(".").machine.is_provisional());
    assert!(!channel.take(".").machine.is_provisional());
}

#[test]
fn every_state_is_reported_after_its_time_and_ends_after_two_good_samples() {
    assert_eq!(log(10.0, "..BBB..."), "black@3 ok@6");
    assert_eq!(log(10.0, "..FFF..."), "flat@3 ok@6");
    // The previous picture is the first of the pictures that are alike
    assert_eq!(log(10.0, "..ZZZ..."), "frozen@3 ok@6");
    assert_eq!(log(10.0, "..MMMM..."), "silent@4 ok@7");
    assert_eq!(log(10.0, "..SSS..."), "stale@2 ok@6");
    assert_eq!(log(10.0, "..EEE..."), "stale@3 ok@6");
    assert_eq!(log(10.0, "..DDDD..."), "down@4 ok@7");
}

#[test]
fn trouble_that_never_becomes_a_state_does_not_keep_another_one_alive() {
    let log = |thresholds: Thresholds, samples: &str| Channel::with(10.0, thresholds, false).take(samples).log();
    let ignores_sound = Thresholds { silent_for: Duration::MAX, ..Thresholds::default() };
    assert_eq!(log(ignores_sound, &format!("..BBB{}", "M".repeat(20))), "black@3 ok@6");
    let patient = Thresholds { frozen_for: Duration::from_secs(3600), ..Thresholds::default() };
    assert_eq!(log(patient, &format!("..BBB.{}", "Z".repeat(20))), "black@3 ok@13");
}

#[test]
fn a_restored_state_ends_when_two_samples_refute_it() {
    let log = |state: ChannelState, samples: &str| {
        let mut channel = Channel::new(10.0);
        channel.machine.restore(KnownState { state, since: start() });
        channel.take(samples).log()
    };
    assert_eq!(log(ChannelState::Down, "DDDDDD"), "");
    assert_eq!(log(ChannelState::Down, "D.."), "ok@2");
    assert_eq!(log(ChannelState::Silent, "UUUUUU.."), "ok@7", "samples without sound refute nothing");
    assert_eq!(log(ChannelState::Black, "BBB"), "");
    assert_eq!(log(ChannelState::Black, "DDD"), "down@2");
    assert_eq!(log(ChannelState::Ok, "DDD"), "down@2");
}

#[test]
fn one_sample_decides_nothing() {
    for letter in ["B", "F", "Z", "M", "D", "E"] {
        assert_eq!(log(10.0, &format!("...{letter}...{letter}..")), "", "{letter}");
    }
    for letters in ["BB", "DDD", "EE", "MMM"] {
        let letter = &letters[..1];
        let samples = format!("..{letters}{letters}.{letter}.{letter}..{letter}..");
        let events = log(10.0, &samples);
        assert_eq!(events.matches('@').count(), 2, "{samples}: {events}");
    }
}

#[test]
fn frequent_samples_change_no_threshold() {
    assert_eq!(log(2.0, ".....BBBBB....."), "");
    assert_eq!(log(2.0, ".....BBBBBBB......"), "black@10 ok@15");
    assert_eq!(log(2.0, &format!("..{}......", "Z".repeat(12))), "frozen@11 ok@19");
    // A fade through black of 4 s
    assert_eq!(log(2.0, &"...BB...........".repeat(10)), "");
}

#[test]
fn a_flapping_channel_causes_few_events() {
    for pair in [".B", ".D", ".F", ".M", ".Z"] {
        assert_eq!(log(10.0, &pair.repeat(50)), "", "{pair}");
    }
    let events = log(10.0, &"BB...".repeat(60)).matches('@').count();
    assert!(events <= 7, "{events} events in 300 rounds");
    let events = log(10.0, &"DDD..".repeat(60)).matches('@').count();
    assert!(events <= 7, "{events} events in 300 rounds");
}

#[test]
fn the_worst_state_counts() {
    assert_eq!(log(10.0, "..BBBDDDDBBB.."), "black@3 down@7 black@10 ok@13");
    assert_eq!(log(10.0, "..ZZZBBB.."), "frozen@3 black@6 ok@9");
}

#[test]
fn one_trouble_follows_another_without_ok_in_between() {
    assert_eq!(log(2.0, "..BBBBBBBBFFFFFFFF......."), "black@7 flat@13 ok@21");
    assert_eq!(log(10.0, "..BBBFFF..."), "black@3 flat@6 ok@9");
    // A still picture is not ok before it is frozen
    assert_eq!(log(2.0, &format!(".{}{}......", "B".repeat(8), "Z".repeat(16))), "black@6 frozen@18 ok@30");
}

#[test]
fn unobserved_time_does_not_count() {
    for letter in ["B", "Z", "M", "S", "F"] {
        assert_eq!(log(2.0, &format!("....{letter}~{letter}{letter}...")), "", "{letter}");
    }
    let mut channel = Channel::new(10.0);
    channel.take("..BBB~BBB");
    assert_eq!(channel.log(), "black@3");
    assert!((channel.machine.black_seconds() - 40.0).abs() < 1.0, "{}", channel.machine.black_seconds());
}

#[test]
fn time_without_a_picture_does_not_count() {
    // The same picture before and after
    assert_eq!(log(10.0, "...ZDDDDDDZ...."), "down@6 ok@11");
    assert_eq!(log(10.0, "...BDDDDDDB...."), "down@6 ok@11");
}

#[test]
fn a_failing_picture_makes_a_channel_down_with_the_kind_of_the_last_failure() {
    let mut channel = Channel::new(10.0);
    channel.take(".");
    for kind in [ErrorKind::Timeout, ErrorKind::Timeout, ErrorKind::Undecodable] {
        let mut sample = channel.sample();
        (sample.picture, sample.failure) = (None, Some(SampleFailure { kind, message: kind.name().to_owned() }));
        let event = channel.machine.observe(&sample);
        channel.seconds += 10.0;
        if let Some(event) = event {
            assert_eq!(
                (event.to, event.kind, event.message.as_deref()),
                (ChannelState::Down, Some(ErrorKind::Undecodable), Some("undecodable"))
            );
            assert_eq!(event.since, start() + TimeDelta::seconds(10));
            return;
        }
    }
    panic!("never down");
}

#[test]
fn since_is_when_the_condition_began() {
    let mut channel = Channel::new(10.0);
    channel.take("..BBB...");
    let since: Vec<_> = channel.events.iter().map(|(_, event)| (event.since - start()).num_seconds()).collect();
    assert_eq!(since, [20, 50]);
    assert_eq!(channel.machine.since(), Some(start() + TimeDelta::seconds(50)));
}

#[test]
fn a_static_channel_is_frozen_only_if_its_coded_segments_repeat() {
    let run = |is_static: bool, samples: &str| Channel::with(10.0, Thresholds::default(), is_static).take(samples).log();
    assert_eq!(run(true, &"Z".repeat(30)), "");
    assert_eq!(run(false, "ZZZZZZ"), "frozen@2");
    assert_eq!(run(true, "..LLLLL"), "frozen@4");
}

#[test]
fn a_still_scene_with_grain_takes_longer_to_be_frozen() {
    assert_eq!(log(10.0, "..GGGG..."), "");
    assert_eq!(log(10.0, "..GGGGGGG..."), "frozen@7 ok@10");
}

#[test]
fn unknown_sound_decides_nothing() {
    assert_eq!(log(10.0, "..UUUUUUUU"), "");
    assert_eq!(log(10.0, "..MUMUMUM..."), "silent@4 ok@10");
    let ignored = Thresholds { silent_for: Duration::MAX, ..Thresholds::default() };
    assert_eq!(Channel::with(10.0, ignored, false).take("MMMMMMMMM").log(), "");
}

/// Runs ages of the playlist's end, a round each, with a playlist that advances.
fn ages(every: f64, ages: impl Iterator<Item = f64>) -> String {
    let mut channel = Channel::new(every);
    for age in ages {
        let mut sample = channel.sample();
        sample.playlist.iter_mut().for_each(|playlist| playlist.end_date = Some(sample.time - time_delta(age)));
        if let Some(event) = channel.machine.observe(&sample) {
            channel.events.push((channel.seconds, event));
        }
        channel.seconds += every;
    }
    channel.log()
}

#[test]
fn dates_that_fall_behind_are_stale_and_a_constant_latency_is_not() {
    assert_eq!(ages(10.0, (0..60).map(|n| 60.0 + f64::from(n % 3))), "");
    // The clock of the encoder drifts by 1 %
    assert_eq!(ages(10.0, (0..600).map(|n| 5.0 + f64::from(n) * 0.1)), "");
    // Dates that do not advance from round 10 on
    assert_eq!(ages(10.0, (0..20).map(|n| 5.0 + f64::from((n - 10).max(0)) * 10.0)), "stale@12");
    // Half the speed
    assert!(ages(10.0, (0..40).map(|n| 5.0 + f64::from(n) * 5.0)).starts_with("stale@"));
    // A recording's dates in between
    assert_eq!(ages(10.0, (0..40).map(|n| if (10..20).contains(&n) { 1e7 } else { 5.0 })), "");
}

#[test]
fn a_stale_cache_between_does_not_make_a_playlist_advance() {
    let mut channel = Channel::new(10.0);
    channel.take("...");
    let next = channel.next;
    let numbers = (0..10).map(|n| next - n % 2).chain([3, 8, 13]);
    for number in numbers {
        let mut sample = channel.sample();
        sample.playlist.iter_mut().for_each(|playlist| (playlist.next, playlist.end_date) = ((number, 0), None));
        channel.events.extend(channel.machine.observe(&sample).map(|event| (channel.seconds, event)));
        channel.seconds += 10.0;
    }
    // Then the encoder restarts its numbers
    assert_eq!(channel.log(), "stale@3 ok@14");
}
