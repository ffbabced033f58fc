//! From arguments to the request, its source and the sandbox.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use url::Url;

use super::args::Cli;
use crate::{
    capture,
    error::{Error, ErrorKind},
    frontends::{sandbox, settings::Settings},
    request::{Limits, Options, RAISE_PLAYLIST_BYTES, SnapshotRequest, Source},
};

const COMPARE: &str = "compare";

/// The options of a command that the user runs: on the command line alone, `--compare` may name a file.
pub(super) fn options(cli: &Cli) -> Result<Options, Error> {
    let file = cli.text(COMPARE).filter(|text| Path::new(text).exists());
    let mut options = cli.options(Options::default(), file.map(|_| COMPARE))?;
    if let Some(path) = file {
        let unreadable = |e| Error::usage(format!("--{COMPARE} {path} cannot be read"), "check the path").with_source(e);
        options.checks.previous = Some(capture::reference_picture(&std::fs::read(path).map_err(unreadable)?)?);
    }
    Ok(options)
}

/// Enters the sandbox if `--sandbox` is given. `writable` are the folders of outputs.
pub(super) fn enter_sandbox(settings: &Settings, request: &SnapshotRequest, writable: &[PathBuf]) -> Result<(), Error> {
    if settings.sandbox != Some(true) {
        return Ok(());
    }
    let playlist = match &request.source {
        Source::File(path) => Some(path.clone()),
        Source::Text { base, .. } => base.to_file_path().ok(),
        Source::Url(_) => None,
    };
    // Its segments may be below its folder
    let folder = playlist.and_then(|path| path.canonicalize().ok()?.parent().map(Path::to_owned));
    let readable: Vec<_> = folder.into_iter().chain(settings.network.cacert.clone()).collect();
    enter_sandbox_with(&readable, writable)
}

/// Enters the sandbox. The network, and these files and folders, stay accessible.
fn enter_sandbox_with(readable: &[PathBuf], writable: &[PathBuf]) -> Result<(), Error> {
    let entered = sandbox::enter(readable, writable, true)?;
    tracing::info!("sandbox: {entered}");
    Ok(())
}

/// Enters the sandbox if `--sandbox` is given. Of local files, only `readable` files and folders can be read after that.
#[cfg(feature = "fleet")]
pub(super) fn enter_sandbox_of_lists(settings: &Settings, mut readable: Vec<PathBuf>, writable: &[PathBuf]) -> Result<(), Error> {
    if settings.sandbox != Some(true) {
        return Ok(());
    }
    readable.extend(settings.network.cacert.clone());
    enter_sandbox_with(&readable, writable)
}

/// The playlist's source. `-` waits for stdin.
pub(super) fn source(url: Option<&str>, base_url: Option<&str>, limits: &Limits) -> Result<Source, Error> {
    let url = url.ok_or_else(|| Error::usage("no URL was given", "write `hlsnap URL`; `hlsnap --help` shows examples"))?;
    let Some(base_url) = base_url else {
        return match url {
            "-" => Err(Error::usage("a playlist on stdin needs --base-url", "give the URL that its relative URIs belong to")),
            _ => Source::parse(url),
        };
    };
    let base = parse_base_url(base_url)?;
    let text = if url == "-" {
        read_text(io::stdin().lock(), limits).map_err(|e| unreadable("stdin", e))?
    } else {
        match Source::parse(url)? {
            Source::File(path) => {
                File::open(&path).and_then(|file| read_text(file, limits)).map_err(|e| unreadable(&path.display().to_string(), e))?
            }
            _ => {
                return Err(Error::usage(
                    "--base-url is for a playlist on stdin or in a file",
                    "leave it out: relative URIs belong to the URL",
                ));
            }
        }
    };
    if text.len() as u64 > limits.max_playlist_bytes {
        let message = format!("the playlist is larger than {} bytes", limits.max_playlist_bytes);
        return Err(Error::new(ErrorKind::TooLarge, message).with_hint(RAISE_PLAYLIST_BYTES));
    }
    Ok(Source::Text { text, base })
}

/// Reads one byte more than the limit, which shows that it is exceeded.
fn read_text(stream: impl Read, limits: &Limits) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    stream.take(limits.max_playlist_bytes.saturating_add(1)).read_to_end(&mut text)?;
    Ok(text)
}

fn unreadable(name: &str, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Unreachable };
    Error::new(kind, format!("{name} cannot be read")).with_source(error).with_hint("check the path")
}

/// Parses an http(s) URL, or the path of a local file or folder.
pub(super) fn parse_base_url(text: &str) -> Result<Url, Error> {
    let invalid = || Error::usage("--base-url is not a URL", "give the http:// or https:// URL that the playlist came from");
    match Source::parse(text).map_err(|_| invalid())? {
        Source::Url(url) => Ok(url),
        Source::File(path) => local_url(&path).ok_or_else(invalid),
        Source::Text { .. } => Err(invalid()),
    }
}

fn local_url(path: &Path) -> Option<Url> {
    let absolute = std::path::absolute(path).ok()?;
    if path.is_dir() { Url::from_directory_path(absolute).ok() } else { Url::from_file_path(absolute).ok() }
}
