//! The headers and cookies of one job, and the origins that receive them.

use reqwest::{
    cookie::{CookieStore, Jar},
    header::{COOKIE, HeaderMap, HeaderName, HeaderValue, REFERER, SET_COOKIE, USER_AGENT},
};
use url::Url;

use crate::{error::Error, request::RequestHeaders};

/// The headers of a job's requests. Cookies that origins set live as long as the job, and no other job sends them.
#[derive(Debug)]
pub(super) struct HeaderRules {
    user_agent: HeaderValue,
    /// The caller's headers, for the origin of the playlist.
    caller_headers: HeaderMap,
    playlist_origin: url::Origin,
    /// Whether every origin receives the caller's headers.
    sends_everywhere: bool,
    cookies: Jar,
}

impl HeaderRules {
    /// Fails with `usage` if a header is invalid.
    pub fn new(request: &RequestHeaders, playlist: &Url) -> Result<Self, Error> {
        let agent = request.user_agent.as_deref().unwrap_or(concat!("hlsnap/", env!("CARGO_PKG_VERSION")));
        Ok(Self {
            user_agent: value("--user-agent", agent)?,
            caller_headers: caller_headers(request)?,
            playlist_origin: playlist.origin(),
            sends_everywhere: request.send_everywhere,
            cookies: Jar::default(),
        })
    }

    /// The headers of a request for `url`.
    pub fn for_url(&self, url: &Url) -> HeaderMap {
        let is_trusted = self.sends_everywhere || self.playlist_origin == url.origin();
        let mut headers = if is_trusted { self.caller_headers.clone() } else { HeaderMap::new() };
        headers.insert(USER_AGENT, self.user_agent.clone());
        if let Some(stored) = self.cookies.cookies(url) {
            // The caller's cookies first, like curl
            let cookie = match headers.get(COOKIE) {
                Some(own) => HeaderValue::from_bytes(&[own.as_bytes(), b"; ", stored.as_bytes()].concat()).ok(),
                None => Some(stored),
            };
            headers.extend(cookie.map(|cookie| (COOKIE, cookie)));
        }
        headers
    }

    /// Stores the cookies of a response.
    pub fn keep_cookies(&self, headers: &HeaderMap, url: &Url) {
        let mut set = headers.get_all(SET_COOKIE).iter().peekable();
        if set.peek().is_some() {
            self.cookies.set_cookies(&mut set, url);
        }
    }
}

fn caller_headers(request: &RequestHeaders) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, text) in &request.custom {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::usage(format!("--header: {name:?} is not a valid header name"), "write 'Name: value'"))?;
        headers.append(name, value("--header", text)?);
    }
    if let Some(cookie) = &request.cookie {
        headers.insert(COOKIE, value("--cookie", cookie)?);
    }
    if let Some(referer) = &request.referer {
        headers.insert(REFERER, value("--referer", referer)?);
    }
    Ok(headers)
}

fn value(option: &str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::usage(format!("{option}: the value has characters that a header cannot hold"), "use printable ASCII"))
}
