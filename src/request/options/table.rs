//! The table of options. A new option is one row here, and a field of [`Options`] if it needs one.

use std::time::Duration;

use super::{
    super::{
        checks::Finding,
        many::{MAX_PICTURES, parse_frame_rate},
        picture::Size,
        position::Precision,
    },
    given::Options,
    kind::OptionKind::{Argument, Bool, Fields, Integer, OptionalValue, Repeatable, SignedValue, Switch, Value},
    spec::{Commands, OptionSpec, Section},
    value::OptionValue,
};

const DEFAULT_SKIP: Duration = Duration::from_secs(30);
const DEFAULT_BEST: usize = 5;
const MAX_BEST: u64 = 100;

const MAX_SIDE: u32 = 100;
const MAX_TILE_WIDTH: u32 = 4096;
const MAX_GAP: u32 = 200;
const MAX_PARALLEL: u32 = 64;
const MAX_HIGHLIGHTS: u32 = 20;

const ARGUMENTS: Section = Section { heading: Some("Arguments"), commands: Commands::EVERY, is_in_queries: true };
const MOMENTS: Section = Section { heading: Some("Moments"), commands: Commands::MANY, is_in_queries: true };
const LAYOUT: Section = Section { heading: Some("Layout"), commands: Commands::SHEET, is_in_queries: true };
const PICTURE: Section = Section { heading: Some("Picture"), commands: Commands::PICTURES, is_in_queries: true };
const VERDICT: Section = Section { heading: Some("Verdict"), commands: Commands::PICTURES, is_in_queries: true };
/// Where pictures and reports go.
pub const OUTPUT: Section = Section { heading: Some("Output"), commands: Commands::PICTURES, is_in_queries: false };
const VARIANT_AND_SIZE: Section = Section { heading: Some("Variant and size"), commands: Commands::EVERY, is_in_queries: true };
/// How origins are reached. Its options are the operator's.
pub const ACCESS: Section = Section { heading: Some("Access"), commands: Commands::EVERY, is_in_queries: false };
/// The limits of one picture.
pub const LIMITS: Section = Section { heading: Some("Limits"), commands: Commands::EVERY, is_in_queries: true };

type Row = OptionSpec<Options>;

/// The options of a request, in the order of the help. In each setter `o` is the [`Options`] and `v` the value.
pub static OPTIONS: &[Row] = &[
    Row::new(ARGUMENTS, "url", Argument, "URL", "The playlist: http(s)://, a path, file://, or - for stdin", |o, v| {
        v.text().map(|url| o.url = Some(url))
    })
    .long_help(
        "The playlist: http://, https://, a path or file:// (its segments may be local too, below its folder), or - for a playlist on \
         stdin, with --base-url. The old spellings hls://, hlsvariant:// and httpstream:// are understood. A TS or MP4 file counts \
         as one segment.",
    ),
    Row::new(PICTURE, "at", SignedValue, "WHEN", "The moment: live, start, 90, 1:30, 1m30s, -10s, 50%, or a date and time", |o, v| {
        v.position().map(|at| o.at = Some(at))
    })
    .long_help(
        "The moment: `live` (the newest); `start`; `90`, `1:30`, `01:02:03.5`, `1m30s` from the start; `-10s` back from the end or \
         the live edge; `50%`; or an RFC 3339 date-time, by Program Date Time. [default: live for a live stream; for a recording \
         start, or its EXT-X-START]",
    )
    .only_for(Commands::SNAP),
    Row::new(MOMENTS, "every", Value, "TIME", "The interval between pictures, such as 10s or 1m [default: 10s]", |o, v| {
        v.timeout().map(|time| o.many.every = Some(time))
    })
    .only_for(Commands::SHEET.and(Commands::STORYBOARD).and(Commands::SERIES)),
    Row::new(
        MOMENTS,
        "count",
        Integer(1, MAX_PICTURES),
        "N",
        "The number of pictures, spread evenly; with --every, the most pictures of a series",
        |o, v| v.integer().map(|count| o.many.count = Some(count)),
    )
    .only_for(Commands::SHEET.and(Commands::STORYBOARD).and(Commands::SERIES)),
    Row::new(MOMENTS, "from", SignedValue, "WHEN", "The first moment, in any form of --at [default: the start]", |o, v| {
        v.position().map(|from| o.many.moments.from = Some(from))
    }),
    Row::new(MOMENTS, "to", SignedValue, "WHEN", "The end, in any form of --at [default: the end, or the live edge]", |o, v| {
        v.position().map(|to| o.many.moments.to = Some(to))
    })
    .conflicts_with("for"),
    Row::new(MOMENTS, "for", Value, "TIME", "The length of the range, such as 30s or 1h", |o, v| {
        v.timeout().map(|length| o.many.moments.length = Some(length))
    }),
    Row::new(MOMENTS, "fps", Value, "N", "Frames a second, 1 to 50 [default: 8]", |o, v| {
        parse_frame_rate(&v.text()?).map(|rate| o.many.frames_per_second = Some(rate))
    })
    .only_for(Commands::ANIMATE),
    Row::new(
        MOMENTS,
        "highlights",
        Integer(1, MAX_HIGHLIGHTS),
        "N",
        "Show one short scene each from N places that are neither black nor alike, instead of one range",
        |o, v| v.integer().map(|count| o.many.highlights = Some(count)),
    )
    .only_for(Commands::ANIMATE),
    Row::new(MOMENTS, "only-changed", Switch, "", "Leave out what looks like the picture before", |o, v| {
        v.flag().map(|on| o.many.only_changed = on)
    })
    .only_for(Commands::SERIES),
    Row::new(MOMENTS, "follow", Switch, "", "Follow a live stream until it ends, or until a signal", |o, v| {
        v.flag().map(|on| o.many.follow = on)
    })
    .only_for(Commands::STORYBOARD)
    .not_in_queries(),
    Row::new(MOMENTS, "parallel", Integer(1, MAX_PARALLEL), "N", "Requests to one origin at a time [default: 6]", |o, v| {
        v.integer().map(|parallel| o.many.parallel = Some(parallel))
    })
    .not_in_queries(),
    Row::new(MOMENTS, "strict", Switch, "", "Fail if one picture cannot be had", |o, v| v.flag().map(|on| o.many.strict = on)),
    Row::new(LAYOUT, "columns", Integer(1, MAX_SIDE), "N", "Columns of the grid [default: 5]", |o, v| {
        v.integer().map(|columns| o.many.grid.columns = Some(columns))
    })
    .only_for(Commands::SHEET.and(Commands::STORYBOARD)),
    Row::new(LAYOUT, "rows", Integer(1, MAX_SIDE), "N", "Rows of the grid [default: sheet: 4; storyboard: 5]", |o, v| {
        v.integer().map(|rows| o.many.grid.rows = Some(rows))
    })
    .only_for(Commands::SHEET.and(Commands::STORYBOARD)),
    Row::new(
        LAYOUT,
        "tile-width",
        Integer(16, MAX_TILE_WIDTH),
        "PX",
        "Width of a tile; the height follows [default: sheet: 320; storyboard: 160]",
        |o, v| v.integer().map(|width| o.many.grid.tile_width = Some(width)),
    )
    .only_for(Commands::SHEET.and(Commands::STORYBOARD)),
    Row::new(LAYOUT, "gap", Integer(0, MAX_GAP), "PX", "Pixels between the tiles and around them [default: 4]", |o, v| {
        v.integer().map(|gap| o.many.gap = Some(gap))
    }),
    Row::new(LAYOUT, "background", Value, "COLOR", "The color around the tiles: black, #202020 … [default: black]", |o, v| {
        v.parse().map(|color| o.many.background = color)
    }),
    Row::new(LAYOUT, "labels", Bool, "BOOL", "Write its time into each tile [default: true]", |o, v| {
        v.flag().map(|on| o.many.labels = Some(on))
    }),
    Row::new(
        LAYOUT,
        "header-line",
        Bool,
        "BOOL",
        "Write title, size, duration and codecs above the tiles; --header is short for it here [default: false]",
        |o, v| v.flag().map(|on| o.many.header = on),
    ),
    Row::new(LAYOUT, "base", Value, "URL", "What the URLs in the documents begin with [default: relative URLs]", |o, v| {
        v.text().map(|base| o.many.base = Some(base))
    })
    .only_for(Commands::STORYBOARD),
    Row::new(LAYOUT, "query", Value, "TEXT", "The query of the URLs in the documents, such as a signature", |o, v| {
        v.text().map(|query| o.many.query = Some(query.trim_start_matches('?').to_owned()))
    })
    .only_for(Commands::STORYBOARD)
    // The URL of the sprite has the query of its storyboard
    .not_in_queries(),
    Row::new(
        PICTURE,
        "key-frame",
        Switch,
        "",
        "Take the key frame at or before WHEN: the fewest bytes [default for live and start]",
        |o, v| o.set_precision(v, Precision::KeyFrame),
    )
    .conflicts_with("exact"),
    Row::new(PICTURE, "exact", Switch, "", "Take the frame that is shown at WHEN [default if WHEN is a time]", |o, v| {
        o.set_precision(v, Precision::Exact)
    }),
    Row::new(
        PICTURE,
        "fit",
        Value,
        "MODE",
        "How to fit the picture if both sides are given: contain, cover, fill, pad [default: contain]",
        |o, v| v.parse().map(|fit| o.size.fit = fit),
    )
    .long_help(
        "How to fit the picture if both sides are given and the aspect ratio differs: `contain` (the whole picture inside), `cover` \
         (cropped), `fill` (stretched), `pad` (with black around it). Never enlarges without --enlarge. [default: contain]",
    ),
    Row::new(PICTURE, "enlarge", Switch, "", "Allow a picture that is larger than the stream's", |o, v| {
        v.flag().map(|on| o.size.enlarge = on)
    }),
    Row::new(PICTURE, "tone-map", Value, "HOW", "How to convert HDR: auto, clip, none [default: auto]", |o, v| {
        v.parse().map(|tone_map| o.tone_map = tone_map)
    })
    .long_help(
        "How to convert HDR (PQ, HLG): `auto` (tone-mapped, as an SDR version would look), `clip` (everything brighter than reference \
         white is white), `none` (the stream's values as they are, which looks washed out). [default: auto]",
    ),
    Row::new(
        PICTURE,
        "format",
        Value,
        "F",
        "jpeg, png, webp, or avif for AV1 streams at full size [default: by the output's extension, else jpeg]",
        |o, v| v.parse().map(|format| o.format = Some(format)),
    )
    .short('f')
    // The path names it
    .not_in_queries(),
    Row::new(PICTURE, "quality", Integer(1, 100), "N", "Quality of a JPEG or a WebP, 1 to 100 [default: 85]", |o, v| {
        v.integer().map(|quality| o.encoding.quality = quality)
    })
    .short('q'),
    Row::new(PICTURE, "crop", Value, "X,Y,W,H", "Crop to a part of the picture: X,Y,W,H in fractions of its width and height", |o, v| {
        v.parse().map(|crop| o.size.crop = Some(crop))
    }),
    Row::new(PICTURE, "lossless", Switch, "", "Make a lossless WebP; a PNG is always lossless", |o, v| {
        v.flag().map(|on| o.encoding.lossless = on)
    }),
    Row::new(
        PICTURE,
        "subsampling",
        Value,
        "S",
        "Chroma subsampling of a JPEG: 420, or 444 for sharp colors [default: 420]",
        |o, v| match v.text()?.as_str() {
            "420" | "4:2:0" => {
                o.encoding.full_chroma = false;
                Ok(())
            }
            "444" | "4:4:4" => {
                o.encoding.full_chroma = true;
                Ok(())
            }
            _ => Err(v.mismatch("is not known", "use 420 or 444")),
        },
    ),
    Row::new(PICTURE, "progressive", Switch, "", "Make a progressive JPEG", |o, v| v.flag().map(|on| o.encoding.progressive = on)),
    Row::new(
        PICTURE,
        "max-size",
        Value,
        "N",
        "The maximum size of the file, such as 200k: the quality is lowered until it fits",
        |o, v| v.bytes().map(|bytes| o.encoding.max_bytes = Some(bytes)),
    ),
    Row::new(PICTURE, "strip", Switch, "", "Write no time, software and color tags into the file", |o, v| {
        v.flag().map(|on| o.encoding.strip = on)
    }),
    Row::new(PICTURE, "describe", Switch, "", "Put the stream's URL (redacted) into the picture's Exif", |o, v| {
        v.flag().map(|on| o.encoding.describe = on)
    })
    .conflicts_with("strip"),
    Row::new(
        VERDICT,
        "skip-black",
        OptionalValue,
        "SECONDS",
        "Skip key frames that are black or a single color, for up to this many seconds of video [default: 30]",
        |o, v| v.or_default(DEFAULT_SKIP, OptionValue::duration).map(|skip| o.skip_black = skip),
    ),
    Row::new(
        VERDICT,
        "best",
        OptionalValue,
        "N",
        "Take the sharpest and best exposed of up to N key frames, at the cost of their bytes [default: 5]",
        |o, v| v.or_default(DEFAULT_BEST, |v| v.integer_in(1, MAX_BEST)).map(|best| o.best = best),
    ),
    Row::new(VERDICT, "detect-bars", Switch, "", "Count color bars as flat", |o, v| v.flag().map(|on| o.checks.detect_bars = on)),
    Row::new(
        VERDICT,
        "compare",
        Value,
        "FILE|HASH",
        "An earlier picture or its hash: the report says whether they are the same, as `frozen`",
        |o, v| v.parse().map(|reference| o.checks.previous = Some(reference)),
    ),
    Row::new(
        VERDICT,
        "fail-on",
        Value,
        "LIST",
        "Exit with 40, after writing the picture, if it is one of these: black,flat,frozen",
        |o, v| Finding::list(&v.text()?).map(|findings| o.checks.fail_on = findings),
    ),
    Row::new(
        OUTPUT,
        "output",
        Value,
        "WHERE",
        "The picture's destination: a path, s3://, gs://, az://, or - for stdout [default: snapshot.jpg]",
        |o, v| v.text().map(|output| o.output = Some(output)),
    )
    .short('o')
    .long_help(
        "The picture's destination: a path, an object's URL (s3://bucket/key, gs://bucket/key, az://container/key, with the credentials \
         of the usual environment variables), or - for stdout. In a path or key {now}, {pdt} (Program Date Time), {msn} (Media \
         Sequence Number), {host}, {stream} (eight digits that identify the URL without its query), {width}, {height} and {ext} are \
         filled in, and of a series {index} and {seconds}; values that the stream lacks are \"unknown\". The picture is written completely \
         or not at all. [default: snapshot.jpg, or with the extension of --format]",
    ),
    Row::new(OUTPUT, "report-output", Value, "WHERE", "Also write the JSON report here: a path, s3://, gs://, az://, or -", |o, v| {
        v.text().map(|output| o.report_output = Some(output))
    }),
    Row::new(OUTPUT, "no-clobber", Switch, "", "Fail instead of replacing an existing file or object", |o, v| {
        v.flag().map(|on| o.no_clobber = on)
    }),
    Row::new(OUTPUT, "cache-control", Value, "TEXT", "The Cache-Control that an object store keeps with the picture", |o, v| {
        v.text().map(|text| o.cache_control = Some(text))
    }),
    Row::new(
        VARIANT_AND_SIZE,
        "variant",
        Value,
        "WHICH",
        "auto, best, worst, 720p, <=720p, >=720p, <=2M, #2 or a NAME [default: auto]",
        |o, v| v.parse().map(|variant| o.variant = Some(variant)),
    )
    .long_help(
        "Which Variant: `auto`, `best`, `worst`, `720p`, `<=720p`, `>=720p`, `<=2M` (bits per second), `#2` (its index in the \
         playlist, from 0), or a NAME. [default: auto, the best, or with a requested size the smallest that is at least that large]",
    ),
    Row::new(
        VARIANT_AND_SIZE,
        "width",
        Integer(1, Size::LARGEST_SIDE),
        "PX",
        "Width of the picture; alone, the height follows [default: the display size]",
        |o, v| v.integer().map(|width| o.size.width = Some(width)),
    )
    .short('w'),
    Row::new(
        VARIANT_AND_SIZE,
        "height",
        Integer(1, Size::LARGEST_SIDE),
        "PX",
        "Height of the picture; alone, the width follows",
        |o, v| v.integer().map(|height| o.size.height = Some(height)),
    ),
    Row::new(ACCESS, "header", Fields, "HEADER", "A header for the playlist's own origin, 'Name: value' (repeatable)", |o, v| {
        o.add_header(&v.text()?)
    })
    .short('H')
    .alias("headers"),
    Row::new(ACCESS, "header-everywhere", Switch, "", "Send --header, --cookie and --referer to other origins too", |o, v| {
        v.flag().map(|on| o.headers.send_everywhere = on)
    }),
    Row::new(ACCESS, "user-agent", Value, "NAME", "The User-Agent, instead of hlsnap's own", |o, v| {
        v.text().map(|text| o.headers.user_agent = Some(text))
    }),
    Row::new(ACCESS, "referer", Value, "URL", "The Referer", |o, v| v.text().map(|text| o.headers.referer = Some(text))),
    Row::new(ACCESS, "cookie", Value, "COOKIES", "Cookies: 'name=value; name=value'", |o, v| {
        v.text().map(|text| o.headers.cookie = Some(text))
    }),
    Row::new(
        ACCESS,
        "decryption-key",
        Repeatable,
        "KEY",
        "A key in hexadecimal digits, instead of fetching one; KID=KEY for Common Encryption (repeatable)",
        |o, v| o.keys.add(&v.text()?),
    )
    .long_help(
        "A key in hexadecimal digits, used instead of fetching the one that the playlist names: 32 digits, or 64 for AES-256. For \
         Common Encryption KID=KEY gives the key of one key ID. Repeatable. Every process of this machine can read it: for `serve` and \
         the Lambda function, prefer the variable HLSNAP_DECRYPTION_KEY.",
    ),
    Row::new(LIMITS, "timeout", Value, "S", "The time limit of the whole job, in seconds or as 1m30s [default: 20]", |o, v| {
        v.timeout().map(|timeout| o.timeout = Some(timeout))
    }),
    Row::new(LIMITS, "max-bytes", Value, "N", "The maximum download for one picture [default: 64M]", |o, v| {
        v.bytes().map(|bytes| o.max_bytes = Some(bytes))
    }),
    Row::new(LIMITS, "max-playlist-bytes", Value, "N", "The maximum size of one playlist, after decompression [default: 16M]", |o, v| {
        v.bytes().map(|bytes| o.max_playlist_bytes = Some(bytes))
    }),
    Row::new(LIMITS, "retries", Integer(0, u32::MAX), "N", "Retries of transient failures, within the deadline [default: 2]", |o, v| {
        v.integer().map(|retries| o.retries = Some(retries))
    }),
];
