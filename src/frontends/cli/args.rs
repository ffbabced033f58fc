//! The arguments, as clap knows them: rows of the tables of options, and the flags of the command line alone.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use clap_complete::Shell;

use super::{
    help,
    table_args::{apply, arg, is_given, text},
};
#[cfg(feature = "fleet")]
use crate::channels::{WATCH_OPTIONS, WatchOptions};
use crate::{
    error::Error,
    frontends::settings::{SETTINGS, Settings},
    request::{
        Options,
        options::{Commands, OPTIONS, OptionKind, OptionSpec},
    },
};

/// The flags of messages.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "Messages")]
pub(super) struct MessageArgs {
    /// Print the report as one JSON object on stdout (with -o - on stderr)
    #[arg(long, global = true)]
    pub json: bool,
    /// Log to stderr; -vv logs more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Print nothing but errors
    #[arg(long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log to stderr, one JSON object per line
    #[arg(long, global = true)]
    pub log_json: bool,
}

/// The parsed command line.
#[derive(Debug)]
pub(super) struct Cli {
    pub command: CliCommand,
    pub messages: MessageArgs,
    pub base_url: Option<String>,
    /// Whether options of `snap` precede another command's name, where they have no effect.
    pub has_misplaced_options: bool,
    /// The arguments of the command, with the global ones.
    matches: ArgMatches,
}

/// A command, with the arguments that only it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CliCommand {
    Version,
    Snap,
    Sheet,
    Storyboard,
    Series,
    Animate,
    Inspect,
    #[cfg(feature = "fleet")]
    Batch,
    #[cfg(feature = "fleet")]
    Watch {
        listen: Option<SocketAddr>,
    },
    #[cfg(feature = "http")]
    Serve {
        listen: SocketAddr,
    },
    #[cfg(feature = "http")]
    Sign,
    Completions(Shell),
    Manual,
}

impl Cli {
    /// Parses the arguments, the program's own name first. Help is an error of clap's.
    pub fn parse(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let mut top = command().subcommand(manual()).try_get_matches_from(with_header_line(args.into_iter().map(Into::into)))?;
        let is_version = top.get_flag(VERSION);
        let subcommand = top.remove_subcommand();
        let has_snap_options = OPTIONS.iter().any(|spec| is_of(spec, Commands::SNAP) && is_given(&top, spec.name));
        let has_misplaced_options = subcommand.is_some() && has_snap_options;
        let (name, matches) = subcommand.unwrap_or_else(|| (SNAP.to_owned(), top));
        let command = match name.as_str() {
            _ if is_version => CliCommand::Version,
            INSPECT => CliCommand::Inspect,
            #[cfg(feature = "fleet")]
            BATCH => CliCommand::Batch,
            #[cfg(feature = "fleet")]
            WATCH => CliCommand::Watch { listen: matches.get_one(LISTEN).copied() },
            #[cfg(feature = "http")]
            SERVE => CliCommand::Serve { listen: required(&matches, LISTEN)? },
            #[cfg(feature = "http")]
            SIGN => CliCommand::Sign,
            COMPLETIONS => CliCommand::Completions(required(&matches, SHELL)?),
            MANUAL => CliCommand::Manual,
            SHEET => CliCommand::Sheet,
            STORYBOARD => CliCommand::Storyboard,
            SERIES => CliCommand::Series,
            ANIMATE => CliCommand::Animate,
            _ => CliCommand::Snap,
        };
        // `completions` too has these, since they are global
        let messages = MessageArgs::from_arg_matches(&matches)?;
        Ok(Self { command, messages, base_url: text(&matches, BASE_URL).map(str::to_owned), has_misplaced_options, matches })
    }

    /// Sets the options of the command line over `defaults`, all but `except`.
    pub fn options(&self, mut defaults: Options, except: Option<&str>) -> Result<Options, Error> {
        apply(&self.matches, OPTIONS.iter().filter(|spec| Some(spec.name) != except), &mut defaults)?;
        Ok(defaults)
    }

    /// The list of channels, if given.
    pub fn list(&self) -> Option<&str> {
        self.text(LIST)
    }

    /// The folder for the manual, if given.
    pub fn folder(&self) -> Option<&Path> {
        self.matches.try_get_one::<PathBuf>(FOLDER).ok().flatten().map(PathBuf::as_path)
    }

    /// The options of `watch` for all channels.
    #[cfg(feature = "fleet")]
    pub fn watch_options(&self) -> Result<WatchOptions, Error> {
        let mut options = WatchOptions::default();
        apply(&self.matches, WATCH_OPTIONS.iter(), &mut options)?;
        Ok(options)
    }

    /// The text of an option as it is.
    pub fn text(&self, name: &str) -> Option<&str> {
        text(&self.matches, name)
    }

    /// The texts of an argument that may be repeated.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.matches.get_many::<String>(name).into_iter().flatten().map(String::as_str)
    }

    /// Sets the settings of the command line over `defaults`.
    pub fn settings(&self, mut defaults: Settings) -> Result<Settings, Error> {
        apply(&self.matches, SETTINGS.iter(), &mut defaults)?;
        Ok(defaults)
    }
}

const SNAP: &str = "snap";
const SHEET: &str = "sheet";
const STORYBOARD: &str = "storyboard";
const SERIES: &str = "series";
const ANIMATE: &str = "animate";
const INSPECT: &str = "inspect";
const BATCH: &str = "batch";
const WATCH: &str = "watch";
const LIST: &str = "list";
const SERVE: &str = "serve";
const SIGN: &str = "sign";
/// The arguments of `sign`.
pub(super) const URLS: &str = "urls";
pub(super) const EXPIRES: &str = "expires";
const COMPLETIONS: &str = "completions";
const MANUAL: &str = "manual";
const VERSION: &str = "version";
const BASE_URL: &str = "base-url";
const LISTEN: &str = "listen";
const SHELL: &str = "shell";
const FOLDER: &str = "folder";

/// The arguments, in which `--header` of `sheet` is the head line. `-H` stays the HTTP header, and so does `--header='Name: value'`.
fn with_header_line(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let commands = [SNAP, SHEET, STORYBOARD, SERIES, ANIMATE, INSPECT, BATCH, WATCH, SERVE, SIGN, COMPLETIONS];
    let (mut command, mut is_over) = (None, false);
    let rename = |arg: OsString| {
        let Some(text) = arg.to_str() else { return arg };
        is_over |= text == "--";
        match text {
            "--header" | "--header=true" | "--header=false" if command == Some(SHEET) && !is_over => {
                text.replacen("--header", "--header-line", 1).into()
            }
            _ => {
                command = command.or_else(|| commands.into_iter().find(|name| *name == text));
                arg
            }
        }
    };
    args.map(rename).collect()
}

fn required<T: Copy + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Result<T, clap::Error> {
    matches.get_one(name).copied().ok_or_else(|| clap::Error::new(clap::error::ErrorKind::MissingRequiredArgument))
}

/// The whole command line, but for `manual`, which users need not know.
pub(super) fn command() -> Command {
    command_with(picture_args(Commands::SNAP))
}

/// The same without the URL of `hlsnap URL`: clap_complete would complete a command only after it.
pub(super) fn command_without_url() -> Command {
    command_with(picture_args(Commands::SNAP).filter(|arg| !arg.is_positional()))
}

fn command_with(args_of_snap: impl Iterator<Item = Arg>) -> Command {
    let base_url = Arg::new(BASE_URL)
        .long(BASE_URL)
        .value_name("URL")
        .help("The URL of a playlist on stdin or in a file, for its relative URIs")
        .help_heading("Access")
        .global(true);
    let version = Arg::new(VERSION)
        .short('V')
        .long(VERSION)
        .action(ArgAction::SetTrue)
        .help("Print the version, the linked libav, its license and components")
        .help_heading(None);
    let top = Command::new("hlsnap").args(args_of_snap).args(global_args()).arg(base_url);
    // Its doc comment becomes the description, which is replaced below
    MessageArgs::augment_args(top)
        .arg(version)
        .about(help::ABOUT)
        .long_about(help::LONG_ABOUT)
        .override_usage("hlsnap [OPTIONS] <URL>\n       hlsnap <COMMAND> ...")
        .after_help(help::SHORT_END)
        .after_long_help(help::long_end())
        .disable_version_flag(true)
        .max_term_width(110)
        .subcommands([
            snap(),
            pictures(SHEET, Commands::SHEET, help::SHEET, help::LONG_SHEET),
            pictures(STORYBOARD, Commands::STORYBOARD, help::STORYBOARD, help::LONG_STORYBOARD),
            pictures(SERIES, Commands::SERIES, help::SERIES, help::LONG_SERIES),
            pictures(ANIMATE, Commands::ANIMATE, help::ANIMATE, help::LONG_ANIMATE),
            inspect(),
            #[cfg(feature = "fleet")]
            batch(),
            #[cfg(feature = "fleet")]
            watch(),
            #[cfg(feature = "http")]
            serve(),
            #[cfg(feature = "http")]
            sign(),
            completions(),
        ])
}

fn snap() -> Command {
    Command::new(SNAP)
        .about("Take one picture; `hlsnap URL` is short for this")
        .after_help(help::SHORT_END)
        .after_long_help(help::long_end())
        .args(picture_args(Commands::SNAP))
}

/// A command that takes many pictures.
fn pictures(name: &'static str, command: Commands, about: &'static str, long_about: &'static str) -> Command {
    // A series may have both
    let excludes_count = |arg: Arg| if arg.get_id() == "every" && command != Commands::SERIES { arg.conflicts_with("count") } else { arg };
    Command::new(name).about(about).long_about(long_about).args(picture_args(command).map(excludes_count))
}

fn inspect() -> Command {
    let url = OPTIONS.iter().filter(|spec| spec.kind == OptionKind::Argument);
    let url = url.map(|spec| arg(spec).required(true).help_heading(None).long_help(None));
    Command::new(INSPECT).about(help::INSPECT).long_about(help::LONG_INSPECT).args(url)
}

#[cfg(feature = "http")]
fn serve() -> Command {
    let listen = Arg::new(LISTEN)
        .long(LISTEN)
        .value_name("ADDRESS")
        .help("The address and the port")
        .default_value("127.0.0.1:8080")
        .value_parser(value_parser!(SocketAddr));
    // All options are in one section
    let settings = settings_of(Commands::SERVE).map(|arg| arg.help_heading(None));
    Command::new(SERVE).about(help::SERVE).long_about(help::LONG_SERVE).arg(listen).args(settings)
}

#[cfg(feature = "fleet")]
fn batch() -> Command {
    let list = Arg::new(LIST).value_name("LIST").help("The list: a file, http(s)://, or - for stdin [default: -]");
    // The list has the URLs
    let options = OPTIONS.iter().filter(|spec| spec.kind != OptionKind::Argument && is_of(spec, Commands::SNAP));
    let command = Command::new(BATCH).about(help::BATCH).long_about(help::LONG_BATCH).arg(list);
    command.args(settings_of(Commands::BATCH)).args(options.map(arg))
}

/// Options of pictures that `watch` does not take, because it chooses moments and checks itself.
#[cfg(feature = "fleet")]
const NOT_OF_WATCH: [&str; 8] = ["at", "key-frame", "exact", "skip-black", "best", "compare", "fail-on", "detect-bars"];

#[cfg(feature = "fleet")]
fn watch() -> Command {
    let list = Arg::new(LIST).value_name("LIST").help("The list of channels: a file, http(s)://, or - for stdin").required(true);
    let listen = Arg::new(LISTEN).long(LISTEN).value_name("ADDRESS").help("Show the wall at this address and port [default: off]");
    let listen = listen.value_parser(value_parser!(SocketAddr)).help_heading("Watching");
    let options = OPTIONS.iter().filter(|spec| spec.kind != OptionKind::Argument && is_of(spec, Commands::SNAP));
    let options = options.filter(|spec| !NOT_OF_WATCH.contains(&spec.name));
    let command = Command::new(WATCH).about(help::WATCH).long_about(help::LONG_WATCH).arg(list);
    let command = command.args(WATCH_OPTIONS.iter().map(arg)).arg(listen);
    command.args(settings_of(Commands::WATCH)).args(options.map(arg))
}

/// The settings that `command` takes, without those of all commands.
fn settings_of(command: Commands) -> impl Iterator<Item = Arg> {
    SETTINGS.iter().filter(move |spec| spec.commands != Commands::EVERY && spec.commands.include(command)).map(arg)
}

#[cfg(feature = "http")]
fn sign() -> Command {
    let urls = Arg::new(URLS).value_name("URL").help("URLs or paths of the server, or - for lines on stdin").required(true).num_args(1..);
    let expires = Arg::new(EXPIRES).long(EXPIRES).value_name("TIME").help("How long they are valid: 1h, 7d, or a date and time");
    let key = SETTINGS.iter().filter(|spec| spec.name == "key").map(|spec| arg(spec).help("The server's key (better as HLSNAP_KEY)"));
    Command::new(SIGN).about(help::SIGN).long_about(help::LONG_SIGN).arg(urls).args(key).arg(expires)
}

fn completions() -> Command {
    let shell = Arg::new(SHELL).value_name("SHELL").help("The shell: bash, elvish, fish, powershell or zsh");
    let shell = shell.required(true).value_parser(value_parser!(Shell)).hide_possible_values(true);
    Command::new(COMPLETIONS).about("Print completions for a shell").long_about(help::LONG_COMPLETIONS).arg(shell)
}

fn manual() -> Command {
    let folder = Arg::new(FOLDER).value_name("FOLDER").help("The folder").required(true).value_parser(value_parser!(PathBuf));
    Command::new(MANUAL).about(help::MANUAL).arg(folder).hide(true)
}

/// Whether only some commands take an option, `command` among them.
fn is_of(spec: &OptionSpec<Options>, command: Commands) -> bool {
    spec.kind == OptionKind::Argument || (spec.commands != Commands::EVERY && spec.commands.include(command))
}

fn picture_args(command: Commands) -> impl Iterator<Item = Arg> {
    OPTIONS.iter().filter(move |spec| is_of(spec, command)).map(arg)
}

/// The options of every command. Settings follow the option that they name.
fn global_args() -> impl Iterator<Item = Arg> {
    let options = OPTIONS.iter().filter(|spec| spec.commands == Commands::EVERY && spec.kind != OptionKind::Argument);
    let with_settings = options.flat_map(|option| {
        let settings = SETTINGS.iter().filter(|spec| spec.after == Some(option.name));
        std::iter::once(arg(option)).chain(settings.map(arg))
    });
    with_settings.map(|arg| arg.global(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Cli, String> {
        Cli::parse(args.iter().copied()).map_err(|e| e.to_string())
    }

    fn options(args: &[&str]) -> String {
        let options = parse(args).and_then(|cli| cli.options(Options::default(), None).map_err(|e| e.to_string()));
        format!("{:?}", options.unwrap_or_default())
    }

    fn url(args: &[&str]) -> Option<String> {
        parse(args).ok()?.options(Options::default(), None).ok()?.url
    }

    #[test]
    fn clap_accepts_the_definitions() {
        command().debug_assert();
    }

    #[test]
    fn the_command_name_snap_may_be_omitted() {
        let short = ["hlsnap", "--at", "-10s", "-w", "320", "x.m3u8", "--json"];
        let long = ["hlsnap", "--json", "snap", "--at", "-10s", "-w", "320", "x.m3u8"];
        assert_eq!(options(&short), options(&long));
        assert!(options(&short).contains("FromEnd(10s)") && options(&short).contains("width: Some(320)"), "{}", options(&short));
        for args in [&short[..], &long] {
            assert!(parse(args).is_ok_and(|cli| cli.command == CliCommand::Snap && cli.messages.json), "{args:?}");
        }
    }

    #[test]
    fn global_options_may_precede_the_command() {
        for args in [&["hlsnap", "-w", "320", "--sandbox", "inspect", "x"][..], &["hlsnap", "inspect", "x", "-w", "320", "--sandbox"]] {
            assert!(options(args).contains("width: Some(320)"), "{args:?}");
            let settings = parse(args).ok().and_then(|cli| cli.settings(Settings::for_user()).ok());
            assert_eq!(settings.map(|settings| settings.sandbox), Some(Some(true)), "{args:?}");
        }
    }

    #[test]
    fn options_of_snap_before_a_command_are_misplaced() {
        let is_misplaced = |args: &[&str]| parse(args).ok().map(|cli| cli.has_misplaced_options);
        assert_eq!(is_misplaced(&["hlsnap", "-q", "3", "inspect", "x"]), Some(true));
        assert_eq!(is_misplaced(&["hlsnap", "--exact", "snap", "x"]), Some(true));
        assert_eq!(is_misplaced(&["hlsnap", "-w", "3", "snap", "x"]), Some(false));
    }

    #[test]
    fn a_file_may_be_named_like_a_command() {
        assert_eq!(url(&["hlsnap", "./inspect"]).as_deref(), Some("./inspect"));
        assert_eq!(url(&["hlsnap", "snap", "inspect"]).as_deref(), Some("inspect"));
        assert_eq!(url(&["hlsnap", "--", "inspect"]).as_deref(), Some("inspect"));
    }

    #[test]
    fn the_header_of_a_sheet_is_its_head_line() {
        let wanted = options(&["hlsnap", "sheet", "x", "--header-line"]);
        assert!(wanted.contains("header: true"), "{wanted}");
        assert_eq!(options(&["hlsnap", "sheet", "--header", "x"]), wanted);
        assert_eq!(
            options(&["hlsnap", "-w", "320", "sheet", "x", "--header=true"]),
            options(&["hlsnap", "sheet", "-w", "320", "x", "--header"])
        );
        assert_eq!(options(&["hlsnap", "sheet", "x", "--header=false"]), options(&["hlsnap", "sheet", "x"]));
        for args in [
            &["hlsnap", "sheet", "x", "-H", "A: b"][..],
            &["hlsnap", "sheet", "x", "--header=A: b"],
            &["hlsnap", "--header", "A: b", "sheet", "x"],
            &["hlsnap", "snap", "sheet", "--header", "A: b"],
            &["hlsnap", "storyboard", "x", "--header", "A: b"],
        ] {
            let given = options(args);
            assert!(given.contains(r#"custom: ["A"]"#) && !given.contains("header: true"), "{args:?}: {given}");
        }
        assert_eq!(url(&["hlsnap", "sheet", "--", "--header"]).as_deref(), Some("--header"));
    }

    #[test]
    fn allow_private_takes_a_value_only_after_an_equals_sign() {
        let allowed = |arg: &str| Some(parse(&["hlsnap", arg, "x"]).ok()?.settings(Settings::for_user()).ok()?.network.allow_private);
        assert_eq!(allowed("--allow-private"), Some(true));
        assert_eq!(url(&["hlsnap", "--allow-private", "x"]).as_deref(), Some("x"));
        assert_eq!(allowed("--allow-private=false"), Some(false));
        assert_eq!(allowed("--allow-private=perhaps"), None);
    }
}
