//! From options to what they ask for.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use url::Url;

use super::args::{AccessArgs, Cli, LimitArgs, PictureArgs};
use crate::{
    error::{Error, ErrorKind},
    frontends::sandbox,
    request::{Limits, NetworkPolicy, Options, RAISE_PLAYLIST_BYTES, SnapshotRequest, Source},
};

/// Everything but the playlist itself, for one picture.
pub(super) fn asked(cli: &Cli, picture: &PictureArgs) -> Result<Options, Error> {
    let mut asked = asked_of_playlists(cli)?;
    let quality = picture.quality.map(|number| number.to_string());
    set(
        &mut asked,
        [
            ("output", &picture.store.output),
            ("report-output", &picture.store.report_output),
            ("cache-control", &picture.store.cache_control),
            ("format", &picture.format),
            ("at", &picture.at),
            ("fit", &picture.fit),
            ("tone-map", &picture.tone_map),
            ("crop", &picture.look.crop),
            ("subsampling", &picture.look.subsampling),
            ("max-size", &picture.look.max_size),
            ("fail-on", &picture.watch.fail_on),
            ("skip-black", &picture.watch.skip_black),
            ("best", &picture.watch.best),
            ("quality", &quality),
        ],
    )?;
    switch(
        &mut asked,
        [
            ("exact", picture.exact),
            ("key-frame", picture.key_frame),
            ("enlarge", picture.enlarge),
            ("lossless", picture.look.lossless),
            ("progressive", picture.look.progressive),
            ("strip", picture.look.strip),
            ("describe", picture.look.describe),
            ("detect-bars", picture.watch.detect_bars),
            ("no-clobber", picture.store.no_clobber),
        ],
    )?;
    picture.watch.compare(&mut asked)?;
    Ok(asked)
}

/// What bears on playlists.
pub(super) fn asked_of_playlists(cli: &Cli) -> Result<Options, Error> {
    over(Options::default(), cli)
}

/// What bears on playlists, over what was said already.
pub(super) fn over(mut asked: Options, cli: &Cli) -> Result<Options, Error> {
    let Cli { choice, access, limits, .. } = cli;
    let text = |number: Option<u32>| number.map(|number| number.to_string());
    let (width, height) = (text(choice.width), text(choice.height));
    set(&mut asked, [("variant", &choice.variant), ("width", &width), ("height", &height)])?;
    let AccessArgs { headers, user_agent, referer, cookie, decryption_keys, .. } = access;
    headers.iter().try_for_each(|line| asked.set("header", line))?;
    decryption_keys.iter().try_for_each(|key| asked.set("decryption-key", key))?;
    set(&mut asked, [("user-agent", user_agent), ("referer", referer), ("cookie", cookie)])?;
    switch(&mut asked, [("header-everywhere", access.header_everywhere)])?;
    let LimitArgs { timeout, max_bytes, max_playlist_bytes, retries, .. } = limits;
    set(&mut asked, [("timeout", timeout), ("max-bytes", max_bytes), ("max-playlist-bytes", max_playlist_bytes)])?;
    set(&mut asked, [("retries", &text(*retries))])?;
    Ok(asked)
}

fn set<const N: usize>(asked: &mut Options, options: [(&str, &Option<String>); N]) -> Result<(), Error> {
    options.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))).try_for_each(|(name, text)| asked.set(name, text))
}

fn switch<const N: usize>(asked: &mut Options, options: [(&str, bool); N]) -> Result<(), Error> {
    options.into_iter().filter(|(_, on)| *on).try_for_each(|(name, _)| asked.set(name, "true"))
}

/// How far this process may reach.
pub(super) fn reach(cli: &Cli) -> NetworkPolicy {
    reach_over(NetworkPolicy::default(), cli)
}

/// How far this process may reach, over what was said already.
pub(super) fn reach_over(said: NetworkPolicy, cli: &Cli) -> NetworkPolicy {
    let args = &cli.access;
    NetworkPolicy {
        proxy: args.proxy.clone().or(said.proxy),
        cacert: args.cacert.clone().filter(|file| file != &PathBuf::new()).or(said.cacert),
        insecure: args.insecure || said.insecure,
        allow_private: args.allow_private.unwrap_or(said.allow_private),
        allow_downgrade: args.allow_downgrade || said.allow_downgrade,
        allow_hosts: said.allow_hosts,
    }
}

/// Enters the sandbox where that was asked for; what is written are the folders of outputs.
pub(super) fn enter_sandbox(cli: &Cli, request: &SnapshotRequest, reach: &NetworkPolicy, written: &[PathBuf]) -> Result<(), Error> {
    if cli.limits.sandbox != Some(true) {
        return Ok(());
    }
    let playlist = match &request.source {
        Source::File(path) => Some(path.clone()),
        Source::Text { base, .. } => base.to_file_path().ok(),
        Source::Url(_) => None,
    };
    // Below its folder its segments may be
    let folder = playlist.and_then(|path| path.canonicalize().ok()?.parent().map(Path::to_owned));
    let read: Vec<_> = folder.into_iter().chain(reach.cacert.clone()).collect();
    let how = sandbox::enter(&read, written, true)?;
    tracing::info!("sandbox: {how}");
    Ok(())
}

/// Where the playlist is; waits for stdin where that is it.
pub(super) fn source(cli: &Cli, url: Option<&str>, limits: &Limits) -> Result<Source, Error> {
    let url = url.ok_or_else(|| usage("no URL was given", "write `hlsnap URL`; `hlsnap --help` shows examples"))?;
    read(url, cli.access.base_url.as_deref(), limits)
}

fn read(url: &str, base: Option<&str>, limits: &Limits) -> Result<Source, Error> {
    let Some(base) = base else {
        return match url {
            "-" => Err(usage("a playlist on stdin needs --base-url", "give the URL that its relative URIs belong to")),
            _ => Source::parse(url),
        };
    };
    let base = base_url(base)?;
    let text = if url == "-" {
        text(io::stdin().lock(), limits).map_err(|e| unreadable("stdin", e))?
    } else {
        match Source::parse(url)? {
            Source::File(path) => {
                File::open(&path).and_then(|file| text(file, limits)).map_err(|e| unreadable(&path.display().to_string(), e))?
            }
            _ => {
                return Err(usage("--base-url is for a playlist on stdin or in a file", "leave it out: relative URIs belong to the URL"));
            }
        }
    };
    if text.len() as u64 > limits.max_playlist_bytes {
        let what = format!("the playlist is larger than {} bytes", limits.max_playlist_bytes);
        return Err(Error::new(ErrorKind::TooLarge, what).with_hint(RAISE_PLAYLIST_BYTES));
    }
    Ok(Source::Text { text, base })
}

/// One byte more than is allowed, where there is one.
fn text(stream: impl Read, limits: &Limits) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    stream.take(limits.max_playlist_bytes.saturating_add(1)).read_to_end(&mut text)?;
    Ok(text)
}

fn unreadable(what: &str, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Unreachable };
    Error::new(kind, format!("{what} cannot be read")).with_source(error).with_hint("check the path")
}

/// An http(s) URL, or a local file or folder.
fn base_url(text: &str) -> Result<Url, Error> {
    let bad = || usage("--base-url is not a URL", "give the http:// or https:// URL that the playlist came from");
    match Source::parse(text).map_err(|_| bad())? {
        Source::Url(url) => Ok(url),
        Source::File(path) => local_url(&path).ok_or_else(bad),
        Source::Text { .. } => Err(bad()),
    }
}

fn local_url(path: &Path) -> Option<Url> {
    let absolute = std::path::absolute(path).ok()?;
    if path.is_dir() { Url::from_directory_path(absolute).ok() } else { Url::from_file_path(absolute).ok() }
}

fn usage(what: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Usage, what).with_hint(hint)
}
