//! The options, as clap knows them. Values that [`crate::request`] reads are kept as text here, so that every face says the same about
//! them, and no secret comes into a message of clap's.

use clap::{Args, Parser, Subcommand, value_parser};
use clap_complete::Shell;

use super::{
    content_args::{ContentArgs, EncodingArgs},
    help,
};
use crate::request::Size;

/// Takes a still picture out of an HLS stream, live or recorded
///
/// Takes a still picture out of an HLS stream, live or recorded, with the fewest bytes and round trips that the protocol allows:
/// the playlists, and of one segment the bytes up to the frame.
#[derive(Debug, Parser)]
#[command(
    name = "hlsnap",
    override_usage = "hlsnap [OPTIONS] <URL>\n       hlsnap <COMMAND> ...",
    after_help = help::SHORT_END,
    after_long_help = help::LONG_END,
    disable_version_flag = true,
    max_term_width = 110
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub picture: PictureArgs,
    #[command(flatten)]
    pub choice: ChoiceArgs,
    #[command(flatten)]
    pub access: AccessArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub telling: MessageArgs,
    /// Print the version, the linked libav, its licence and components
    #[arg(short = 'V', long, help_heading = None::<&'static str>)]
    pub version: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Take one picture; `hlsnap URL` is short for this
    #[command(after_help = help::SHORT_END, after_long_help = help::LONG_END)]
    Snap(Box<PictureArgs>),
    /// Show what is there: Variants, segments, encryption, live edge
    ///
    /// Shows what is there: Variants and Renditions, and of the Variant that a picture would be taken from the window, the live
    /// edge, discontinuities, gaps and encryption. Only playlists are read, no media.
    Inspect(InspectArgs),
    /// Answer over HTTP: /snapshot.jpg?url=...
    ///
    /// Answers over HTTP: /snapshot.jpg, .png and .webp, /report.json, /inspect.json and /healthz, with the options as parameters.
    /// Nothing is answered until hosts, a key, or --allow-any say what may be asked for; private addresses are refused unless
    /// --allow-private is given. Options, and HLSNAP_... variables of their names, are what a request gets that says nothing, and
    /// the most of time, bytes and tries that it may ask for.
    Serve(ServeArgs),
    /// Print completions for a shell
    ///
    /// Prints completions for a shell: `hlsnap completions bash > /etc/bash_completion.d/hlsnap`
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What a picture is taken from, and how it is made.
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Picture")]
pub(super) struct PictureArgs {
    /// The playlist: http(s)://, a path, file://, or - for stdin
    ///
    /// The playlist: http://, https://, a path or file:// (its segments may be local too, below its folder), or - for a playlist on
    /// stdin, with --base-url. The old spellings hls://, hlsvariant:// and httpstream:// are understood. A TS or MP4 file is taken
    /// as one segment.
    #[arg(help_heading = "Arguments")]
    pub url: Option<String>,
    /// The moment: live, start, 90, 1:30, 1m30s, -10s, 50%, or a date and time
    ///
    /// The moment: `live` (the newest); `start`; `90`, `1:30`, `01:02:03.5`, `1m30s` from the start; `-10s` back from the end or
    /// the live edge; `50%`; or an RFC 3339 date-time, by Program Date Time. [default: live for a live stream; for a recording
    /// start, or its EXT-X-START]
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Take the key frame at or before WHEN: the fewest bytes [default for live and start]
    #[arg(long, conflicts_with = "exact")]
    pub key_frame: bool,
    /// Take the very frame that is shown at WHEN [default where WHEN is a time]
    #[arg(long)]
    pub exact: bool,
    /// What to do when both sides are given: contain, cover, fill, pad [default: contain]
    ///
    /// What to do when both sides are given and the shape differs: `contain` (the whole picture inside), `cover` (what sticks out
    /// is cut off), `fill` (stretched), `pad` (with black around it). Never enlarges without --enlarge. [default: contain]
    #[arg(long, value_name = "MODE")]
    pub fit: Option<String>,
    /// Let a picture become larger than the stream has it
    #[arg(long)]
    pub enlarge: bool,
    /// What to do with HDR: auto, clip, none [default: auto]
    ///
    /// What to do with HDR (PQ, HLG): `auto` (tone-mapped, as an SDR version of it would look), `clip` (what is brighter than reference
    /// white is white), `none` (the stream's numbers as they are: washed out). [default: auto]
    #[arg(long, value_name = "HOW")]
    pub tone_map: Option<String>,
    /// jpeg, png or webp [default: by the output's ending, else jpeg]
    #[arg(short, long, value_name = "F")]
    pub format: Option<String>,
    /// Quality of a JPEG or a WebP, 1 to 100 [default: 85]
    #[arg(short, long, value_name = "N", value_parser = value_parser!(u8).range(1..=100))]
    pub quality: Option<u8>,
    #[command(flatten)]
    pub look: EncodingArgs,
    #[command(flatten)]
    pub watch: ContentArgs,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Where the picture goes.
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct StoreArgs {
    /// Where the picture goes: a path, s3://, gs://, az://, or - for stdout [default: snapshot.jpg]
    ///
    /// Where the picture goes: a path, an object's URL (s3://bucket/key, gs://bucket/key, az://container/key, with the credentials
    /// of the usual environment variables), or - for stdout. In a path or key {now}, {pdt} (Program Date Time), {msn} (Media
    /// Sequence Number), {host}, {stream} (eight digits that stand for the URL, whatever its query says), {width}, {height} and {ext}
    /// are filled in; what the stream does not tell is "unknown". The picture is written whole, or not at all. [default: snapshot.jpg, or with the ending of --format]
    #[arg(short, long, value_name = "WHERE")]
    pub output: Option<String>,
    /// Where the report goes as well, in JSON: as --output
    #[arg(long, value_name = "WHERE")]
    pub report_output: Option<String>,
    /// Fail rather than replace what is there
    #[arg(long)]
    pub no_clobber: bool,
    /// The Cache-Control that an object store keeps with the picture
    #[arg(long, value_name = "TEXT")]
    pub cache_control: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// The playlist: http(s)://, a path, file://, or - for stdin
    pub url: String,
}

/// What is answered over HTTP, and where.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The address and the port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: std::net::SocketAddr,
    /// A host that may be asked, such as *.example.com, for playlists, segments and redirects alike (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub allow_host: Vec<String>,
    /// Answer requests that are signed with this key: sig=, the HMAC-SHA256 of path and query (better as HLSNAP_KEY)
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Answer requests for any public host
    #[arg(long)]
    pub allow_any: bool,
    /// Pictures that are taken at once [default: 8]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1000))]
    pub jobs: Option<u16>,
}

/// Which Variant is taken; a size has its say in that.
#[derive(Debug, Args)]
#[command(next_help_heading = "Variant and size")]
pub(super) struct ChoiceArgs {
    /// auto, best, worst, 720p, <=720p, >=720p, <=2M, #2 or a NAME [default: auto]
    ///
    /// Which Variant: `auto`, `best`, `worst`, `720p`, `<=720p`, `>=720p`, `<=2M` (bits a second), `#2` (its place in the playlist,
    /// from 0), or a NAME. [default: auto, the best, or, where a size is asked for, the smallest that is at least that large]
    #[arg(long, value_name = "WHICH", global = true)]
    pub variant: Option<String>,
    /// Width of the picture; alone, the height follows [default: the display size]
    #[arg(short, long, value_name = "PX", global = true, value_parser = value_parser!(u32).range(1..=i64::from(Size::LARGEST_SIDE)))]
    pub width: Option<u32>,
    /// Height of the picture; alone, the width follows
    #[arg(long, value_name = "PX", global = true, value_parser = value_parser!(u32).range(1..=i64::from(Size::LARGEST_SIDE)))]
    pub height: Option<u32>,
}

/// How origins are asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access")]
pub(super) struct AccessArgs {
    /// A header for the playlist's own origin, 'Name: value' (repeatable)
    #[arg(short = 'H', long = "header", value_name = "HEADER", global = true)]
    pub headers: Vec<String>,
    /// Send --header, --cookie and --referer to other origins too
    #[arg(long, global = true)]
    pub header_everywhere: bool,
    /// The User-Agent, instead of our own
    #[arg(long, value_name = "NAME", global = true)]
    pub user_agent: Option<String>,
    /// The Referer
    #[arg(long, value_name = "URL", global = true)]
    pub referer: Option<String>,
    /// Cookies: 'name=value; name=value'
    #[arg(long, value_name = "COOKIES", global = true)]
    pub cookie: Option<String>,
    /// A key in hexadecimal digits, instead of fetching one; KID=KEY for Common Encryption (repeatable)
    ///
    /// A key in hexadecimal digits, used instead of fetching the one that the playlist names: 32 digits, or 64 for AES-256. For Common
    /// Encryption KID=KEY names the key of one key ID. Repeatable; every process of this machine can read it, so better give it as
    /// the variable HLSNAP_DECRYPTION_KEY to `serve` and to the Lambda function.
    #[arg(long = "decryption-key", value_name = "KEY", global = true)]
    pub decryption_keys: Vec<String>,
    /// A proxy, http:// or socks5:// [default: from the usual environment variables]
    #[arg(long, value_name = "URL", global = true)]
    pub proxy: Option<String>,
    /// A PEM file with further root certificates
    #[arg(long, value_name = "FILE", global = true)]
    pub cacert: Option<std::path::PathBuf>,
    /// Do not check certificates
    #[arg(long, global = true)]
    pub insecure: bool,
    /// May private, loopback and link-local addresses be asked [default: true]
    #[arg(long, value_name = "BOOL", global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub allow_private: Option<bool>,
    /// Follow redirects from https: to http:
    #[arg(long, global = true)]
    pub allow_downgrade: bool,
    /// What the relative URIs of a playlist on stdin, or of a saved one, belong to
    #[arg(long, value_name = "URL", global = true)]
    pub base_url: Option<String>,
}

/// What one picture may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// The whole job's deadline, in seconds or as 1m30s [default: 20]
    #[arg(long, value_name = "S", global = true)]
    pub timeout: Option<String>,
    /// The most that is downloaded for one picture [default: 64M]
    #[arg(long, value_name = "N", global = true)]
    pub max_bytes: Option<String>,
    /// The most that one playlist may have, after decompression [default: 16M]
    #[arg(long, value_name = "N", global = true)]
    pub max_playlist_bytes: Option<String>,
    /// Give up files, other programs and other processes before strangers' media is read (Linux) [default: false; for serve true]
    #[arg(long, value_name = "BOOL", global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub sandbox: Option<bool>,
    /// Further tries for answers that are worth one, within the deadline [default: 2]
    #[arg(long, value_name = "N", global = true)]
    pub retries: Option<u32>,
}

/// What is told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub(super) struct MessageArgs {
    /// Print the report as one JSON object on stdout (with -o - on stderr)
    #[arg(long, global = true)]
    pub json: bool,
    /// Log to stderr; -vv tells more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Print nothing but errors
    #[arg(long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log to stderr, one JSON object a line
    #[arg(long, global = true)]
    pub log_json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_make_sense_to_clap() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_picture_is_asked_for_in_both_spellings() {
        let short = Cli::try_parse_from(["hlsnap", "--at", "-10s", "-w", "320", "x.m3u8", "--json"]);
        let long = Cli::try_parse_from(["hlsnap", "--json", "snap", "--at", "-10s", "-w", "320", "x.m3u8"]);
        let (Ok(short), Ok(long)) = (short, long) else { panic!("neither is a mistake") };
        let Some(Command::Snap(picture)) = long.command else { panic!("it is a command") };
        assert_eq!(*picture, short.picture);
        assert_eq!(short.picture.at.as_deref(), Some("-10s"));
        assert_eq!((short.choice.width, short.telling.json), (Some(320), true));
        assert_eq!((long.choice.width, long.telling.json), (Some(320), true));
    }

    #[test]
    fn a_file_may_be_named_like_a_command() {
        let url = |args: &[&str]| match Cli::try_parse_from(args).map(|cli| (cli.command, cli.picture.url)) {
            Ok((None, url)) => url,
            Ok((Some(Command::Snap(picture)), _)) => picture.url,
            _ => None,
        };
        assert_eq!(url(&["hlsnap", "./inspect"]).as_deref(), Some("./inspect"));
        assert_eq!(url(&["hlsnap", "snap", "inspect"]).as_deref(), Some("inspect"));
        assert_eq!(url(&["hlsnap", "--", "inspect"]).as_deref(), Some("inspect"));
    }

    #[test]
    fn allow_private_takes_a_value_only_with_its_sign() {
        let allowed = |arg: &str| Cli::try_parse_from(["hlsnap", arg, "x"]).ok().map(|cli| (cli.access.allow_private, cli.picture.url));
        assert_eq!(allowed("--allow-private"), Some((Some(true), Some("x".to_owned()))));
        assert_eq!(allowed("--allow-private=false"), Some((Some(false), Some("x".to_owned()))));
        assert_eq!(allowed("--allow-private=perhaps"), None);
    }
}
