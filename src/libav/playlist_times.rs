//! Maps the timestamps of read access units to playlist time, by the anchor of their discontinuity sequence number.

use super::{access_unit_reader::AccessUnitReader, container::Container};
use crate::media::{Anchor, TimedUnit, presentation_times, segment_start};

/// This many access units at its start suffice to determine the start of a segment.
const MIN_UNITS: usize = 16;

impl AccessUnitReader<'_> {
    /// The presentation times of all stored access units, in playlist time.
    pub fn playlist_times(&mut self) -> Vec<f64> {
        let media = presentation_times(&self.units, self.clock);
        let anchor = self.update_anchor(&media);
        let first = media.first().copied();
        // Differences from the first time are free of wraps
        let start = first.map_or(0.0, |first| anchor.playlist_time(first, self.clock) + self.anchoring.clock_correction - first);
        media.iter().map(|time| start + time).collect()
    }

    /// The presentation and decoding time of the last access unit in playlist time, if the container gives them.
    pub fn last_times(&mut self) -> Option<(f64, f64)> {
        let anchor = if self.anchoring.is_final { self.anchoring.anchor } else { None };
        let anchor = anchor.unwrap_or_else(|| self.update_anchor(&presentation_times(&self.units, self.clock)));
        let unit = self.units.last()?;
        let time = |seconds: f64| anchor.playlist_time(seconds, self.clock) + self.anchoring.clock_correction;
        Some((time(unit.pts?), time(unit.dts.or(unit.pts)?)))
    }

    /// Makes the anchor final before the first `count` access units are discarded.
    pub(super) fn fix_anchor_before(&mut self, count: usize) {
        let media = presentation_times(&self.units, self.clock);
        let raw = self.units.get(count).and_then(|unit| unit.pts);
        self.update_anchor(&media);
        self.anchoring.is_final = true;
        self.anchoring.clock_correction += media.get(count).zip(raw).map_or(0.0, |(time, raw)| self.clock.difference(*time, raw));
    }

    /// The anchor: inherited from an earlier segment, or derived from the first access units, whose media times are `media`.
    fn update_anchor(&mut self, media: &[f64]) -> Anchor {
        if let Some(anchor) = self.anchoring.anchor.filter(|_| self.anchoring.is_final) {
            return anchor;
        }
        let resource_time = |position: Option<u64>| self.decryptor.resource_time(position);
        let video = self.packets.first().map(|packet| resource_time(self.download_offset(packet)));
        let audio: Vec<(f64, f64)> =
            self.demuxer.audio_starts().into_iter().map(|(time, position)| (time, resource_time(Some(position)))).collect();
        // Streams that start in a later segment do not date the first one
        let start = audio.iter().map(|(_, start)| *start).chain(video).reduce(f64::min).unwrap_or(0.0);
        let is_first = |other: f64| other <= start;
        let others = audio
            .iter()
            .filter(|(_, own)| is_first(*own))
            .map(|(time, _)| *time)
            .reduce(|one, other| if self.clock.difference(other, one) < 0.0 { other } else { one });
        // An edit list may drop units
        let shown = self.units.iter().zip(media).filter(|(unit, _)| unit.facts.is_shown).take(MIN_UNITS);
        let shown = shown.filter(|_| video.is_some_and(is_first));
        let (units, times): (Vec<TimedUnit>, Vec<f64>) = shown.map(|(unit, time)| (unit.clone(), *time)).unzip();
        let is_trimmed = self.units.first().is_some_and(|unit| !unit.facts.is_shown);
        let media = segment_start(&units, &times, others, is_trimmed, self.clock).unwrap_or(0.0);
        let is_sure = self.units.first().is_none_or(|unit| unit.facts.is_key() || !unit.facts.is_shown);
        let anchor = match self.anchoring.anchor {
            // Another segment's anchor is as good as an unsure one
            Some(inherited) if !is_sure && self.anchoring.is_inherited => inherited,
            _ => Anchor { media, playlist: start, is_sure },
        };
        self.anchoring.is_final = self.discarded > 0 || self.has_enough_units();
        self.anchoring.is_inherited &= self.anchoring.anchor == Some(anchor);
        self.anchoring.anchor = Some(anchor);
        anchor
    }

    fn has_enough_units(&self) -> bool {
        self.units.len() >= MIN_UNITS && self.knows_audio_start()
    }

    /// Whether the start of audio is known. A transport stream is interleaved, so audio that has not arrived yet does not start early.
    pub fn knows_audio_start(&self) -> bool {
        self.container == Container::Ts || self.has_ended || !self.demuxer.has_audio_without_index()
    }

    /// Whether enough was read to determine the anchor.
    pub fn can_anchor(&self) -> bool {
        self.anchoring.is_final || self.has_enough_units()
    }

    /// Whether the anchor is final.
    pub fn is_anchor_final(&self) -> bool {
        self.anchoring.is_final
    }

    /// The anchor, if one is known yet. It may not be final.
    pub fn anchor(&self) -> Option<Anchor> {
        self.anchoring.anchor
    }
}
