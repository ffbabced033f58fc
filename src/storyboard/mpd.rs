//! The DASH manifest with a thumbnail AdaptationSet (DASH-IF IOP 4.3, section 6.2.6).
//!
//! Players divide a sheet's nominal duration by its places, also if it is not full. A sheet that is not full therefore ends its Period,
//! which cuts off the rest, and the next sheet begins a new one.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::{
    bandwidth::Bandwidth,
    model::{Sheet, Storyboard},
    url_form::UrlForm,
};
use crate::time::{TIME_TOLERANCE, rfc3339, seconds_between, time_delta};

/// Ticks a second of durations in templates.
const TIMESCALE: f64 = 1e6;

/// The text of `thumbnails.mpd`. `None` if the storyboard is live and a sheet has no Program Date Time: live DASH is timed by date.
pub fn mpd(storyboard: &Storyboard, urls: &UrlForm) -> Option<String> {
    let (times, attributes) = if storyboard.is_live { live(storyboard)? } else { recording(storyboard) };
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" minBufferTime=\"PT2S\" {attributes}>\n"
    );
    for period in periods(storyboard, &times) {
        period.write(&mut text, storyboard, urls);
    }
    text.push_str("</MPD>\n");
    Some(text)
}

/// The start of each sheet in seconds of the presentation, and the attributes of a static MPD.
fn recording(storyboard: &Storyboard) -> (Vec<f64>, String) {
    let attributes = format!("type=\"static\" mediaPresentationDuration=\"{}\"", duration(storyboard.end));
    (storyboard.sheets.iter().map(Sheet::start).collect(), attributes)
}

/// The start of each sheet in seconds of the presentation, which begins with the Unix epoch, and the attributes of a dynamic MPD.
fn live(storyboard: &Storyboard) -> Option<(Vec<f64>, String)> {
    let dates: Option<Vec<_>> = storyboard.sheets.iter().map(|sheet| sheet.program_date_time).collect();
    let times: Vec<_> = dates?.into_iter().map(since_epoch).collect();
    let (first, last) = (*times.first()?, *times.last()?);
    let newest = storyboard.sheets.last()?;
    let newest_duration = newest.end() - newest.start();
    let published = newest.program_date_time?.checked_add_signed(time_delta(newest_duration))?;
    let attributes = format!(
        "type=\"dynamic\" availabilityStartTime=\"1970-01-01T00:00:00Z\" publishTime=\"{}\" minimumUpdatePeriod=\"{}\" timeShiftBufferDepth=\"{}\"",
        rfc3339(published),
        duration(storyboard.sheet_duration()),
        duration(last + newest_duration - first)
    );
    Some((times, attributes))
}

fn since_epoch(date: DateTime<Utc>) -> f64 {
    seconds_between(DateTime::UNIX_EPOCH, date)
}

/// Sheets of one discontinuity domain that follow each other without a gap.
struct Period<'a> {
    /// Discontinuity Sequence Number, and how many Periods of the same domain precede this one.
    id: (u64, usize),
    /// Seconds from the start of the presentation.
    start: f64,
    /// The sheets, each with its start in seconds of the presentation.
    sheets: Vec<(f64, &'a Sheet)>,
}

/// Divides the sheets into Periods. `times` are their starts.
fn periods<'a>(storyboard: &'a Storyboard, times: &[f64]) -> Vec<Period<'a>> {
    let mut periods: Vec<Period<'a>> = Vec::new();
    for (&start, sheet) in times.iter().zip(&storyboard.sheets) {
        let id = match periods.last_mut() {
            Some(period) if !sheet.follows_discontinuity => {
                // Dates may drift; the playlist's times do not
                let end = period.sheets.last().map_or(0.0, |(_, previous)| previous.start() + storyboard.sheet_duration());
                if (sheet.start() - end).abs() <= TIME_TOLERANCE {
                    period.sheets.push((start, sheet));
                    continue;
                }
                (period.id.0, period.id.1 + 1)
            }
            Some(period) => (period.id.0 + 1, 0),
            None => (storyboard.discontinuity_sequence, 0),
        };
        periods.push(Period { id, start, sheets: vec![(start, sheet)] });
    }
    // A Period stays where it began, although its first sheets leave the window
    if let (Some(first), Some(date), true) = (periods.first_mut(), storyboard.domain_start, storyboard.is_live) {
        first.start = since_epoch(date).min(first.start);
    }
    periods
}

impl Period<'_> {
    fn write(&self, text: &mut String, storyboard: &Storyboard, urls: &UrlForm) {
        let Some(&(_, first)) = self.sheets.first() else { return };
        let id = match self.id {
            (domain, 0) => domain.to_string(),
            (domain, index) => format!("{domain}.{index}"),
        };
        _ = writeln!(text, "  <Period id=\"{id}\" start=\"{}\">", duration(self.start));
        _ = writeln!(text, "    <AdaptationSet contentType=\"image\" mimeType=\"{}\">", storyboard.format.media_type());
        let media = urls.escaped(escape).url(&format!("storyboard-$Number%03d$.{}", storyboard.format.extension()));
        let template = format!("media=\"{media}\" startNumber=\"{}\" timescale=\"{TIMESCALE}\"", first.number);
        self.write_template(text, storyboard, &template);
        let (width, height) = storyboard.sheet_size();
        let bandwidth = Bandwidth::of_sheets(storyboard).peak;
        _ = writeln!(text, "      <Representation id=\"thumbnails\" bandwidth=\"{bandwidth}\" width=\"{width}\" height=\"{height}\">");
        let layout = format!("{}x{}", storyboard.columns, storyboard.rows);
        _ = writeln!(text, "        <EssentialProperty schemeIdUri=\"http://dashif.org/guidelines/thumbnail_tile\" value=\"{layout}\"/>");
        text.push_str("      </Representation>\n    </AdaptationSet>\n  </Period>\n");
    }

    /// A live Period lists its sheets, because they exist later than players would calculate.
    fn write_template(&self, text: &mut String, storyboard: &Storyboard, template: &str) {
        let sheet_duration = ticks(storyboard.sheet_duration());
        if !storyboard.is_live {
            _ = writeln!(text, "      <SegmentTemplate {template} duration=\"{sheet_duration}\"/>");
            return;
        }
        let start = self.sheets.first().map_or(0.0, |(start, _)| start - self.start);
        _ = writeln!(text, "      <SegmentTemplate {template}>\n        <SegmentTimeline>");
        let repeat = self.sheets.len().saturating_sub(1);
        _ = writeln!(text, "          <S t=\"{}\" d=\"{sheet_duration}\" r=\"{repeat}\"/>", ticks(start));
        text.push_str("        </SegmentTimeline>\n      </SegmentTemplate>\n");
    }
}

/// A duration of XML Schema, in seconds.
fn duration(seconds: f64) -> String {
    let text = format!("{:.3}", seconds.max(0.0));
    format!("PT{}S", text.trim_end_matches('0').trim_end_matches('.'))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
fn ticks(seconds: f64) -> u64 {
    (seconds * TIMESCALE).round() as u64
}

/// Escapes `$` for a template (ISO/IEC 23009-1, section 5.3.9.4.4) and `&` for XML. No [`UrlForm`] has other characters that need it.
fn escape(text: &str) -> String {
    text.replace('$', "$$").replace('&', "&amp;")
}
