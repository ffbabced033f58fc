//! The texts of the help that belong to no option, and the version.

use std::fmt::Write as _;

use crate::libav;

pub(super) const ABOUT: &str = "Takes a still picture out of an HLS stream, live or recorded";

pub(super) const LONG_ABOUT: &str = "\
Takes a still picture out of an HLS stream, live or recorded

Takes a still picture out of an HLS stream, live or recorded, with the fewest bytes and round trips that the protocol allows: the \
playlists, and one segment up to the frame.";

pub(super) const SHEET: &str = "Make one picture of many: a contact sheet";

pub(super) const LONG_SHEET: &str = "\
Make one picture of many: a contact sheet

Makes one picture of many, spread over a recording or the window of a live stream: `hlsnap sheet URL -o sheet.jpg`. Each tile is the \
key frame at or before its moment, unless --exact is given.";

pub(super) const STORYBOARD: &str = "Make sprites, and what players read beside them";

pub(super) const LONG_STORYBOARD: &str = "\
Make sprites, and what players read beside them

Makes sprites of small pictures, and the documents that players read beside them: `hlsnap storyboard URL -o DIR` writes \
storyboard-000.jpg ..., storyboard.vtt (WebVTT), storyboard.json, images.m3u8, iframes.m3u8 and thumbnails.mpd.";

pub(super) const SERIES: &str = "Take pictures at a regular interval";

pub(super) const LONG_SERIES: &str = "\
Take pictures at a regular interval

Takes pictures at a regular interval: `hlsnap series URL --every 10s -o 'shots/{index}.jpg'`. A recording is read as fast as it goes, a live \
stream at its own pace, until it ends, --count or --for is reached, or a signal arrives. The files are named snapshot-{index}.jpg unless \
-o says otherwise. With --json it prints a line for each picture, and the report at the end.";

pub(super) const ANIMATE: &str = "Make a moving preview: an animated WebP or GIF";

pub(super) const LONG_ANIMATE: &str = "\
Make a moving preview: an animated WebP or GIF

Makes a moving preview: `hlsnap animate URL --from 30 --for 3s -w 320 -o preview.webp`, or -o preview.gif. The file has at most 3 MB \
unless --max-size says otherwise.";

pub(super) const INSPECT: &str = "Show a stream's Variants, segments, encryption and live edge";

pub(super) const LONG_INSPECT: &str = "\
Show a stream's Variants, segments, encryption and live edge

Shows Variants and Renditions, and the window, the live edge, discontinuities, gaps and encryption of the Variant that a snapshot \
would use. Reads playlists only, no media.";

pub(super) const BATCH: &str = "Take a picture for each line of a list";

pub(super) const LONG_BATCH: &str = "\
Take a picture for each line of a list

Takes a picture for each line of a list, of any length: `hlsnap batch list.txt -w 320 -o 'shots/{id}.jpg' > results.jsonl`. The list has a \
URL or a JSON object on each line, or is an M3U list of channels or TOML; a line may have options of its own. It prints a JSON report for \
each line, with `line` and `id`, as soon as it is finished. The files are named {line}.jpg unless -o is given. To continue after an \
interruption: `hlsnap batch list.txt ... --resume results.jsonl >> results.jsonl`. docs/batch.md has more.";

pub(super) const SERVE: &str = "Answer over HTTP: /snapshot.jpg?url=...";

pub(super) const LONG_SERVE: &str = "\
Answer over HTTP: /snapshot.jpg?url=...

Answers over HTTP: /snapshot.jpg, .png, .webp and .avif, /report.json, /sheet.jpg, .png and .webp, /storyboard.vtt, .json, .jpg and \
.webp, /animated.webp and .gif, /inspect.json, /openapi.json, /metrics and /healthz, with the options as parameters. Refuses \
every request unless --allow-host, --key or --allow-any is given, and private addresses unless --allow-private is given. Options, and \
HLSNAP_... variables of their names, are the defaults of requests, and the upper limits of time, bytes and retries.";

pub(super) const WATCH: &str = "Watch channels: a picture and a state of each, every few seconds";

pub(super) const LONG_WATCH: &str = "\
Watch channels: a picture and a state of each, every few seconds

Takes a key frame of every channel of a list every --every, and decides whether it is ok, black, flat, frozen, silent, stale or down. Each \
change of state is a JSON object on a line of stdout: `hlsnap watch channels.m3u --listen 127.0.0.1:8090 >> events.jsonl`. With --listen, \
the wall shows all channels in a browser, and /metrics is for Prometheus. --webhook posts the events. Pictures are 320 pixels wide unless a \
size is given, and are written only with -o: -o 'shots/{id}.jpg'. SIGHUP reads the list again. docs/watch.md has more.";

pub(super) const SIGN: &str = "Sign URLs for a server that has a key";

pub(super) const LONG_SIGN: &str = "\
Sign URLs for a server that has a key

Signs URLs for a server that has a key: `HLSNAP_KEY=... hlsnap sign 'https://thumbs.example.com/snapshot.jpg?url=...' --expires 1h`. Prints one \
signed URL a line.";

pub(super) const LONG_COMPLETIONS: &str = "\
Print completions for a shell

Prints completions for a shell: `hlsnap completions bash > /etc/bash_completion.d/hlsnap`";

pub(super) const MANUAL: &str = "Write the man pages into a folder";

pub(super) const SHORT_END: &str = "`--help` shows more, with examples and exit codes.";

const EXAMPLES: &str = "\
Examples:
  The newest picture of a live stream:
      hlsnap https://example.com/live/index.m3u8 -o now.jpg
  A thumbnail, 320 pixels wide, from 1:30 of a recording; the smallest Variant that is large enough is read:
      hlsnap --at 1:30 -w 320 https://example.com/vod/index.m3u8 -o thumb.webp
  Ten seconds back from the live edge, with a token, named by when it was on air:
      hlsnap --at -10s -H 'Authorization: Bearer ...' https://example.com/live/index.m3u8 -o 'shots/{pdt}.jpg'
  Through a pipe, with the report on stderr:
      hlsnap --json -o - -f png https://example.com/live/index.m3u8 2>report.json | display
  The Variants and segments of a stream:
      hlsnap inspect https://example.com/live/index.m3u8";

/// A line each, after the first.
pub(super) const EXIT_CODES: &str = "\
Exit codes, with the kind that the error line names:
   0               a picture was written
   2 usage         the request is invalid
  10 not_allowed   policy forbids it: scheme, private address, local file
  11 unreachable   DNS, connect, TLS, reset
  12 http_status   the origin answered 4xx or 5xx
  13 timeout       the deadline passed
  14 too_large     a limit on bytes, pixels, entries or redirects was hit
  20 bad_playlist  not HLS, or too broken to read
  21 no_video      audio or subtitles only; no Variant can be decoded
  22 not_found     nothing at that time; an empty or gap-only window
  23 encrypted     DRM, or a key that is missing, of the wrong size or wrong
  24 undecodable   no clean frame could be decoded
  25 unsupported   a codec or feature that this build lacks
  30 output        the picture could not be written; nothing half-written is left
  40 verdict       --fail-on was met; the picture is written
  50 partial       some of many pictures could not be had; the others are written
  70 internal      our fault; the message says how to report it";

/// The end of the long help.
pub(super) fn long_end() -> String {
    format!("{EXAMPLES}\n\n{EXIT_CODES}")
}

/// The text of `--version`: the program, then the linked libraries.
pub(super) fn version() -> String {
    let about = libav::about();
    let versions: Vec<_> = about.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let mut text = format!("hlsnap {}\n", env!("CARGO_PKG_VERSION"));
    // Writing to a string cannot fail
    let _ = writeln!(text, "libav: {} ({})", versions.join(", "), about.kind);
    let _ = writeln!(text, "license: hlsnap {}, libav {}", env!("CARGO_PKG_LICENSE"), about.license);
    let _ = writeln!(text, "decoders: {}", about.decoders.join(" "));
    let _ = writeln!(text, "demuxers: {}", about.demuxers.join(" "));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_help_lists_every_exit_code() {
        for (_, name, code, _) in ErrorKind::TABLE {
            assert!(EXIT_CODES.contains(&format!("\n  {code:>2} {name} ")), "{name}");
        }
    }
}
