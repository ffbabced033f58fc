//! Signs URLs for a server with the same key.

use axum::http::{Uri, uri::InvalidUri};
use chrono::{DateTime, Utc};
use url::Url;

use super::{auth, query, routes::Route};
use crate::{
    error::Error,
    frontends::{remote_source, settings::Settings},
};

/// The page of the wall, which has no parameters.
const WALL: &str = "/";

/// The URL, or the path, with its query sorted and its signature appended. `expires` replaces the query's own.
///
/// The signature covers only the last segment of the path, because a proxy or a stage of API Gateway may add a prefix. Fails with `usage`
/// without a key, and for URLs that the server would refuse.
pub(in crate::frontends) fn signed(settings: &Settings, text: &str, expires: Option<DateTime<Utc>>) -> Result<String, Error> {
    let url = parse(text)?;
    // The host of a path alone is a placeholder
    let is_path = text.starts_with('/');
    let in_url = |error: Error| if is_path { error } else { error.with_url(&url) };
    let path = format!("/{}", url.path().rsplit('/').next().unwrap_or_default());
    let given = uri(&path, url.query().unwrap_or_default()).map_err(in_url)?;
    if path != WALL {
        check(settings, &given).map_err(in_url)?;
    }
    let query = match expires {
        Some(time) => query::canonical_with(&given, &["expires"], &[("expires", time.timestamp().to_string())]),
        None => query::canonical(&given),
    };
    let no_key = || Error::usage("there is no key to sign with", "set HLSNAP_KEY to the server's key, or give --key");
    let signature = format!("sig={}", auth::signature(settings, &path, &query).ok_or_else(no_key)?);
    let query = if query.is_empty() { signature } else { format!("{query}&{signature}") };
    // For example if it has expired
    auth::check(settings, &uri(&path, &query)?).map_err(|e| Error::usage(e.message(), "give a later --expires")).map_err(in_url)?;
    let origin = if is_path { String::new() } else { url.origin().ascii_serialization() };
    Ok(format!("{origin}{}?{query}", url.path()))
}

/// Fails with `usage` for a request that the server would refuse.
fn check(settings: &Settings, uri: &Uri) -> Result<(), Error> {
    let Some(resource) = Route::find(uri.path()).and_then(|route| route.endpoint.resource()) else {
        return Err(Error::usage(
            format!("no picture, report or inspection is at {}", uri.path()),
            "give a URL such as http://host/snapshot.jpg?url=...; /openapi.json lists the paths",
        ));
    };
    remote_source(&query::options(settings, uri, resource)?).map(drop)
}

/// A URL, or a path on any server.
fn parse(text: &str) -> Result<Url, Error> {
    let invalid = || Error::usage("this is neither a URL nor a path", "give http://host/snapshot.jpg?url=..., or /snapshot.jpg?url=...");
    let absolute = if text.starts_with('/') { format!("http://localhost{text}") } else { text.to_owned() };
    let url = Url::parse(&absolute).map_err(|e| invalid().with_source(e))?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(invalid()) }
}

fn uri(path: &str, query: &str) -> Result<Uri, Error> {
    let invalid = |e: InvalidUri| Error::usage("the query cannot be read", "percent-encode it").with_source(e);
    format!("{path}?{query}").parse().map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(key: Option<&str>) -> Settings {
        let mut settings = Settings::default();
        settings.key = key.map(str::to_owned);
        settings
    }

    #[test]
    fn signed_urls_pass_the_server_s_check() {
        let settings = settings(Some("key"));
        for (text, start) in [
            ("http://h:8080/snapshot.jpg?url=https://o/x.m3u8&at=5", "http://h:8080/snapshot.jpg?at=5&url=https%3A%2F%2Fo%2Fx.m3u8&sig="),
            ("/sheet.png?url=https://o/x.m3u8", "/sheet.png?url=https%3A%2F%2Fo%2Fx.m3u8&sig="),
            ("http://h:8090/", "http://h:8090/?sig="),
            ("https://h/prod/inspect.json?sig=old&url=http://o/x#part", "https://h/prod/inspect.json?url=http%3A%2F%2Fo%2Fx&sig="),
        ] {
            let signed = signed(&settings, text, None).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert!(signed.starts_with(start), "{signed}");
            let (_, tail) = signed.rsplit_once('/').unwrap_or_default();
            let uri = |query: &str| format!("/{query}").parse::<Uri>().unwrap_or_default();
            assert!(auth::check(&settings, &uri(tail)).is_ok(), "{signed}");
            assert!(auth::check(&settings, &uri(&format!("{tail}&at=7"))).is_err(), "{signed}");
        }
        let date = DateTime::from_timestamp(99_999_999_999, 0);
        let signed = signed(&settings, "/snapshot.jpg?url=http://o/x&expires=5", date).unwrap_or_default();
        assert!(signed.starts_with("/snapshot.jpg?expires=99999999999&url="), "{signed}");
    }

    #[test]
    fn urls_that_the_server_would_refuse_are_not_signed() {
        let error = |key: Option<&str>, text: &str| {
            let error = signed(&settings(key), text, None).err();
            error.map_or_else(String::new, |e| format!("{}: {}", e.kind(), e.one_line()))
        };
        let url = "/snapshot.jpg?url=http://o/x";
        assert!(error(None, url).starts_with("usage: there is no key"), "{}", error(None, url));
        for (text, wanted) in [
            ("snapshot.jpg?url=http://o/x", "usage: this is neither a URL nor a path"),
            ("ftp://h/snapshot.jpg?url=http://o/x", "usage: this is neither a URL nor a path"),
            ("/healthz", "usage: no picture"),
            ("http://h/snap.jpg?url=http://o/x", "usage: no picture"),
            ("/snapshot.jpg", "usage: no url was given"),
            ("/snapshot.jpg?url=http://o/x&widht=5", "usage: the parameter \"widht\" is not known"),
            ("/snapshot.jpg?url=/etc/hostname", "not_allowed: the url is not an http:// or https:// URL"),
            ("/snapshot.jpg?url=http://o/x&expires=1700000000", "usage: the signature has expired"),
        ] {
            assert!(error(Some("key"), text).starts_with(wanted), "{text}: {}", error(Some("key"), text));
        }
    }
}
