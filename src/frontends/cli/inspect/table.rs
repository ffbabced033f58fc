//! Prints an inspection for people: a table of Variants, a table of Renditions, and a list for the Media Playlist.

use std::fmt::{Display, Write as _};

use crate::{
    capture::inspection_report::{DateFacts, EncryptionFacts, Inspection, MediaFacts, MultivariantFacts, RenditionFacts, VariantFacts},
    frontends::cli::terminal::printable,
};

/// Shown for what the playlist does not say.
const UNKNOWN: &str = "-";

pub(super) fn table(facts: &Inspection) -> String {
    let mut text = String::new();
    if let Some(multivariant) = &facts.multivariant {
        write_multivariant(multivariant, facts, &mut text);
    }
    if let Some(media) = &facts.media {
        let whose = facts.chosen.map_or_else(String::new, |index| format!(" of Variant #{index}"));
        line(&mut text, &format!("Media Playlist{whose}: {}", media.url));
        write_media(media, &mut text);
        write_edge(media, &mut text);
    }
    let multivariant = facts.multivariant.iter().flat_map(|playlist| &playlist.warnings).map(|text| ("Multivariant Playlist", text));
    let media = facts.media.iter().flat_map(|playlist| &playlist.warnings).map(|text| ("Media Playlist", text));
    for (index, (whose, warning)) in multivariant.chain(media).enumerate() {
        if index == 0 {
            line(&mut text, "\nspecification violations");
        }
        line(&mut text, &format!("  {whose}: {warning}"));
    }
    text
}

fn write_multivariant(playlist: &MultivariantFacts, facts: &Inspection, text: &mut String) {
    let chosen = facts.chosen;
    line(text, &format!("Multivariant Playlist: {}", playlist.url));
    let headers = ["", "#", "resolution", "fps", "peak", "average", "range", "codecs", "name"];
    let mut rows: Vec<_> = playlist.variants.iter().map(|variant| variant_row(variant, chosen == Some(variant.index), "")).collect();
    rows.extend(playlist.i_frame_variants.iter().map(|variant| variant_row(variant, false, "I")));
    rows.extend(playlist.image_variants.iter().map(|variant| variant_row(variant, false, "P")));
    columns(text, headers, &rows);
    if !playlist.renditions.is_empty() {
        line(text, "");
        columns(
            text,
            ["", "rendition", "group", "name", "language", "", ""],
            &playlist.renditions.iter().map(rendition_row).collect::<Vec<_>>(),
        );
    }
    let mut fact = |name: &str, value: &str| line(text, &format!("  {name:<19}{value}"));
    fact("", "");
    if let (Some(index), Some(why)) = (chosen, &facts.why) {
        let i_frame = facts.i_frame_variant.map_or_else(String::new, |index| format!("; I{index} serves key frames"));
        fact("chosen", &format!("#{index}: {why}{i_frame}"));
    }
    if let Some(pathway) = &playlist.pathway {
        fact("pathway", &format!("{pathway} first (EXT-X-CONTENT-STEERING)"));
    }
    if !playlist.session_keys.is_empty() {
        fact("session keys", &playlist.session_keys.join("; "));
    }
    line(text, "");
}

/// I-frame Variants have indices of their own, `I0`, and so have those of image playlists, `P0`.
fn variant_row(variant: &VariantFacts, chosen: bool, prefix: &str) -> [String; 9] {
    let codecs = match (&variant.codecs, variant.has_video, variant.decodable) {
        (Some(codecs), false, _) => format!("{codecs} (no video)"),
        (Some(codecs), _, false) => format!("{codecs} (no decoder)"),
        (codecs, ..) => or_unknown(codecs.as_deref()),
    };
    [
        if chosen { "*" } else { " " }.to_owned(),
        format!("{prefix}{}", variant.index),
        variant.width.zip(variant.height).map_or_else(|| UNKNOWN.to_owned(), |(width, height)| format!("{width}x{height}")),
        or_unknown(variant.frame_rate),
        variant.bandwidth.map_or_else(|| UNKNOWN.to_owned(), rate),
        variant.average_bandwidth.map_or_else(|| UNKNOWN.to_owned(), rate),
        or_unknown(variant.video_range.as_deref()),
        codecs,
        or_unknown(variant.name.as_deref()),
    ]
}

fn rendition_row(rendition: &RenditionFacts) -> [String; 7] {
    [
        " ".to_owned(),
        rendition.kind.to_owned(),
        rendition.group_id.clone(),
        rendition.name.clone(),
        or_unknown(rendition.language.as_deref()),
        if rendition.default { "default" } else { "" }.to_owned(),
        if rendition.url.is_some() { "" } else { "in the Variant" }.to_owned(),
    ]
}

fn write_media(media: &MediaFacts, text: &mut String) {
    let mut fact = |name: &str, value: &str| line(text, &format!("  {name:<19}{value}"));
    let kind = match (media.kind, media.live) {
        ("event", true) => "EVENT, growing",
        ("event", false) => "EVENT, ended",
        ("live", _) => "live",
        _ => "recording (VOD)",
    };
    fact("kind", &format!("{kind}{}", if media.i_frames_only { ", I-frames only" } else { "" }));
    fact("segments", &segments(media));
    fact(if media.live { "window" } else { "duration" }, &time(media.duration_seconds));
    fact("target duration", &media.target_duration_seconds.map_or_else(|| "missing".to_owned(), |target| format!("{target} s")));
    let last = media.last_media_sequence_number.map_or_else(String::new, |last| format!(" to {last}"));
    fact("media sequence", &format!("{}{last}", media.first_media_sequence_number));
    fact("discontinuities", &format!("{}; discontinuity sequence {}", or_none(media.discontinuities), media.discontinuity_sequence));
    fact("gaps", &or_none(media.gaps));
    fact(
        "container",
        match media.container {
            Some("mpeg-ts") => "MPEG-TS",
            Some("fmp4") => "fragmented MP4",
            Some("packed-audio") => "packed audio",
            Some("webvtt") => "WebVTT",
            _ if media.segment_count == 0 => UNKNOWN,
            _ => "unknown by name; without EXT-X-MAP probably MPEG-TS",
        },
    );
    fact("init", &or_none(media.inits));
    let describe = |facts: &EncryptionFacts| {
        let key = if facts.clear_key { "" } else { ", no clear key" };
        format!("{} ({} of {} segments{key})", facts.system, facts.segments, media.segment_count)
    };
    let encryption: Vec<_> = media.encryption.iter().map(describe).collect();
    fact("encryption", &if encryption.is_empty() { "none".to_owned() } else { encryption.join("; ") });
    if let Some(start) = media.start_seconds {
        fact("EXT-X-START", &format!("{start} s"));
    }
    fact("Program Date Time", &media.program_date_time.as_ref().map_or_else(|| "none".to_owned(), |dates| date(dates, media.live)));
}

/// Low-Latency Parts, discontinuities and gaps, date ranges.
fn write_edge(media: &MediaFacts, text: &mut String) {
    let mut fact = |name: &str, value: &str| line(text, &format!("  {name:<19}{value}"));
    if let Some(facts) = &media.low_latency {
        let target = facts.part_target_seconds.map_or_else(|| "no target".to_owned(), |seconds| format!("target {seconds} s"));
        fact("parts", &format!("{} ({} independent), {} at the edge, {target}", facts.parts, facts.independent_parts, facts.edge_parts));
        let seconds = |name: &str, value: Option<f64>| value.map(|seconds| format!("{name} {seconds} s"));
        let capabilities = [
            facts.can_block_reload.then(|| "blocking reload".to_owned()),
            seconds("delta updates beyond", facts.can_skip_until_seconds),
            seconds("part hold-back", facts.part_hold_back_seconds),
            facts.hint_url.as_ref().map(|_| "hints".to_owned()),
            (facts.rendition_reports > 0).then(|| format!("{} rendition reports", facts.rendition_reports)),
        ];
        let capabilities: Vec<_> = capabilities.into_iter().flatten().collect();
        fact("server control", &if capabilities.is_empty() { "none".to_owned() } else { capabilities.join(", ") });
    }
    for (index, one) in media.breaks.iter().take(MAX_ROWS).enumerate() {
        let name = if index == 0 { "breaks" } else { "" };
        fact(name, &format!("{:>12}  {} ({})", time(one.seconds), one.kind, one.media_sequence_number));
    }
    for (index, range) in media.date_ranges.iter().take(MAX_ROWS).enumerate() {
        let name = if index == 0 { "date ranges" } else { "" };
        let class = range.class.as_ref().map_or_else(String::new, |class| format!(" ({class})"));
        let length = range.duration_seconds.map_or_else(String::new, |seconds| format!(", {}", time(seconds)));
        fact(name, &format!("{}{class} from {}{length}", range.id, or_unknown(range.start.as_deref())));
    }
}

/// The maximum number of rows of one kind; `--json` has more.
const MAX_ROWS: usize = 12;

fn segments(media: &MediaFacts) -> String {
    let lengths = match (media.shortest_segment_seconds, media.longest_segment_seconds) {
        (Some(short), Some(long)) if (long - short).abs() < 0.0005 => format!(", {long:.3} s each"),
        (Some(short), Some(long)) => format!(", {short:.3} to {long:.3} s"),
        _ => String::new(),
    };
    format!("{}{lengths}{}", media.segment_count, if media.byte_ranges { ", byte ranges" } else { "" })
}

fn date(dates: &DateFacts, live: bool) -> String {
    let edge = if live { "; the live edge is" } else { "; the end is" };
    let age = dates.age_seconds;
    let age = if age < 0.0 { format!("{} ahead of this clock", time(-age)) } else { format!("{} old", time(age)) };
    format!("{} to {}{edge} {age}", dates.first, dates.end)
}

/// `12.345 s`, or `1:02:03.500` from a minute on.
fn time(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.3} s");
    }
    let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
    let (hours, minutes) = ((minutes / 60.0).floor(), minutes % 60.0);
    format!("{hours}:{minutes:02}:{rest:06.3}")
}

/// Bits per second, as `--variant` takes them: `5.13M`.
fn rate(bits: u64) -> String {
    if bits < 1_000_000 { format!("{}k", bits.div_ceil(1000)) } else { format!("{:.2}M", bits as f64 / 1e6) }
}

fn or_unknown(value: Option<impl Display>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string())
}

fn or_none(count: usize) -> String {
    if count == 0 { "none".to_owned() } else { count.to_string() }
}

/// Pads each column to its widest cell, except for the last.
fn columns<const N: usize>(text: &mut String, headers: [&str; N], rows: &[[String; N]]) {
    let all = || std::iter::once(headers.map(str::to_owned)).chain(rows.iter().cloned()).map(|row| row.map(|cell| printable(&cell)));
    let mut widths = [0; N];
    for row in all() {
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in all() {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        line(text, &cells.join("  "));
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail
    let _ = writeln!(text, "{}", printable(line).trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_have_units() {
        assert_eq!([rate(5_128_000), rate(800_000), rate(64_001)], ["5.13M", "800k", "65k"]);
        assert_eq!([time(6.0), time(90.5), time(3723.5)], ["6.000 s", "0:01:30.500", "1:02:03.500"]);
    }

    #[test]
    fn columns_fit_their_cells_and_show_no_control_characters() {
        let mut text = String::new();
        columns(&mut text, ["a", "b"], &[["long".to_owned(), "\u{1b}[2Jx".to_owned()]]);
        assert_eq!(text, "a     b\nlong  \u{fffd}[2Jx\n");
    }
}
