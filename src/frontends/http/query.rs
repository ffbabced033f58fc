//! From a query string to what it asks for.

use axum::http::Uri;
use url::form_urlencoded;

use crate::{
    error::{Error, ErrorKind},
    frontends::settings::Settings,
    request::{Options, Source},
};

/// The parameters of a picture. What would write, or send secrets, is not among them.
#[rustfmt::skip]
pub(super) const OF_PICTURES: &[&str] = &[
    "url", "at", "key_frame", "exact", "skip_black", "best", "variant",
    "width", "height", "fit", "enlarge", "crop", "tone_map",
    "quality", "lossless", "subsampling", "progressive", "max_size", "strip", "describe",
    "detect_bars", "compare", "fail_on", "timeout", "max_bytes", "max_playlist_bytes", "retries",
];
/// The parameters of an inspection.
pub(super) const OF_PLAYLISTS: &[&str] = &["url", "variant", "width", "height", "timeout", "max_bytes", "max_playlist_bytes", "retries"];
/// The gate's.
const OF_THE_GATE: [&str; 2] = ["sig", "expires"];

/// Reads the query over the operator's defaults, and within the operator's limits.
pub(super) fn asked(settings: &Settings, uri: &Uri, known: &[&str]) -> Result<Options, Error> {
    let mut asked = settings.defaults.clone();
    let mut seen: Vec<String> = Vec::new();
    for (name, text) in pairs(uri) {
        if OF_THE_GATE.contains(&name.as_str()) {
            continue;
        }
        if !known.contains(&name.as_str()) {
            return Err(usage(format!("the parameter {name:?} is not known here"), &format!("use {}", known.join(", "))));
        }
        if seen.contains(&name) {
            return Err(usage(format!("the parameter {name} is there twice"), "percent-encode the & in the url's own query as %26"));
        }
        asked.set(&name, &text)?;
        seen.push(name);
    }
    asked.limit(&settings.defaults.limits());
    Ok(asked)
}

/// The playlist. Local files are nobody's over the network.
pub(super) fn source(asked: &Options) -> Result<Source, Error> {
    match asked.source()? {
        Source::Url(url) => Ok(Source::Url(url)),
        Source::File(_) | Source::Text { .. } => {
            Err(Error::new(ErrorKind::NotAllowed, "the url is no http:// or https:// URL").with_hint("give the playlist's whole URL"))
        }
    }
}

/// The query sorted by name and written in one way, without its signature: the same for the same question.
pub(super) fn canonical(uri: &Uri) -> String {
    let mut pairs: Vec<_> = pairs(uri).filter(|(name, _)| name != "sig").collect();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn pairs(uri: &Uri) -> impl Iterator<Item = (String, String)> + '_ {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).map(|(name, text)| (name.into_owned(), text.into_owned()))
}

fn usage(what: String, hint: &str) -> Error {
    Error::new(ErrorKind::Usage, what).with_hint(hint)
}
