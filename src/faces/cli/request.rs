//! From options to a [`SnapshotRequest`].

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use super::args::{AccessArgs, Cli, LimitArgs, PictureArgs};
use crate::{
    error::{Error, ErrorKind},
    request::{Access, Encoding, Limits, Precision, Size, SnapshotRequest, Source, VariantChoice, parse_bytes, parse_duration},
    store::Output,
};

const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// The request for one picture, written to `output`.
pub(super) fn for_picture(cli: &Cli, picture: &PictureArgs, output: &Output) -> Result<SnapshotRequest, Error> {
    let url = picture.url.as_deref().ok_or_else(|| usage("no URL was given", "write `hlsnap URL`; `hlsnap --help` shows examples"))?;
    let mut encoding = Encoding::default();
    match &picture.format {
        Some(format) => encoding.format = format.parse()?,
        None => encoding.format = output.format().unwrap_or(encoding.format),
    }
    encoding.quality = picture.quality.unwrap_or(encoding.quality);
    let at = picture.at.as_deref().map(str::parse).transpose()?;
    let precision = match (picture.exact, picture.key_frame) {
        (true, _) => Some(Precision::Exact),
        (_, true) => Some(Precision::KeyFrame),
        _ => None,
    };
    let fit = picture.fit.as_deref().map(str::parse).transpose()?.unwrap_or_default();
    let request = for_playlists(cli, url)?;
    Ok(SnapshotRequest { at, precision, encoding, size: Size { fit, enlarge: picture.enlarge, ..request.size }, ..request })
}

/// The request as far as playlists are concerned.
pub(super) fn for_playlists(cli: &Cli, url: &str) -> Result<SnapshotRequest, Error> {
    let variant = cli.choice.variant.as_deref().map_or(Ok(VariantChoice::Auto), str::parse)?;
    let size = Size { width: cli.choice.width, height: cli.choice.height, ..Size::default() };
    let (access, limits) = (access(&cli.access)?, limits(&cli.limits)?);
    // Last, for it may wait for stdin
    let source = source(url, cli.access.base_url.as_deref(), &limits)?;
    Ok(SnapshotRequest { variant, size, access, limits, ..SnapshotRequest::new(source) })
}

fn source(url: &str, base: Option<&str>, limits: &Limits) -> Result<Source, Error> {
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
    if text.len() as u64 > limits.playlist_bytes {
        let what = format!("the playlist is larger than {} bytes", limits.playlist_bytes);
        return Err(Error::new(ErrorKind::TooLarge, what).hint("check that it is a playlist"));
    }
    Ok(Source::Text { text, base })
}

/// One byte more than is allowed, where there is one.
fn text(stream: impl Read, limits: &Limits) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    stream.take(limits.playlist_bytes.saturating_add(1)).read_to_end(&mut text)?;
    Ok(text)
}

fn unreadable(what: &str, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Unreachable };
    Error::new(kind, format!("{what} cannot be read")).because(error).hint("check the path")
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

fn access(args: &AccessArgs) -> Result<Access, Error> {
    Ok(Access {
        headers: args.headers.iter().map(|text| header(text)).collect::<Result<_, _>>()?,
        header_everywhere: args.header_everywhere,
        user_agent: args.user_agent.clone(),
        referer: args.referer.clone(),
        cookie: args.cookie.clone(),
        proxy: args.proxy.clone(),
        cacert: args.cacert.clone().filter(|file| file != &PathBuf::new()),
        insecure: args.insecure,
        allow_private: args.allow_private.unwrap_or(Access::default().allow_private),
    })
}

/// `Name: value`, as curl has it. Neither is shown: without a colon, it may be a value alone.
fn header(text: &str) -> Result<(String, String), Error> {
    let bad = |what: &str| usage(what, "write -H 'Name: value'");
    let (name, value) = text.split_once(':').ok_or_else(|| bad("a --header has no colon"))?;
    let (name, value) = (name.trim(), value.trim());
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(bad("a --header's name is empty or holds characters that no name may have"));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(bad("a --header's value holds a control character"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn limits(args: &LimitArgs) -> Result<Limits, Error> {
    let usual = Limits::default();
    let timeout = match args.timeout.as_deref() {
        None => usual.timeout,
        Some(text) => parse_duration(text)
            .filter(|time| !time.is_zero() && *time <= LONGEST_TIMEOUT)
            .ok_or_else(|| usage(&format!("--timeout {text:?} is not a time"), "give seconds up to a day, such as 20, 0.5 or 1m30s"))?,
    };
    let max_bytes = match args.max_bytes.as_deref() {
        None => usual.max_bytes,
        Some(text) => parse_bytes(text)
            .ok_or_else(|| usage(&format!("--max-bytes {text:?} is not a size"), "give bytes, such as 300000, 300k, 64M or 1G"))?,
    };
    Ok(Limits { timeout, max_bytes, retries: args.retries.unwrap_or(usual.retries), ..usual })
}

fn usage(what: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Usage, what).hint(hint)
}
