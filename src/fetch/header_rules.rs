//! Who asks: the headers and cookies of one job, and the origin that they belong to.

use reqwest::{
    cookie::{CookieStore, Jar},
    header::{COOKIE, HeaderMap, HeaderName, HeaderValue, REFERER, SET_COOKIE, USER_AGENT},
};
use url::Url;

use crate::{
    error::{Error, ErrorKind},
    request::RequestHeaders,
};

/// What a job's requests carry. Cookies that origins set are kept for the job's own length, and never met by another.
#[derive(Debug)]
pub(super) struct HeaderRules {
    user_agent: HeaderValue,
    /// What was given for the playlist's own origin.
    own_headers: HeaderMap,
    own_origin: url::Origin,
    everywhere: bool,
    cookies: Jar,
}

impl HeaderRules {
    /// Fails with `usage` where a header cannot be sent. `playlist` is what was asked for.
    pub fn new(access: &RequestHeaders, playlist: &Url) -> Result<Self, Error> {
        let agent = access.user_agent.as_deref().unwrap_or(concat!("hlsnap/", env!("CARGO_PKG_VERSION")));
        Ok(Self {
            user_agent: value("--user-agent", agent)?,
            own_headers: own_headers(access)?,
            own_origin: playlist.origin(),
            everywhere: access.send_everywhere,
            cookies: Jar::default(),
        })
    }

    /// The headers of a request for `url`.
    pub fn headers(&self, url: &Url) -> HeaderMap {
        let is_own = self.everywhere || self.own_origin == url.origin();
        let mut headers = if is_own { self.own_headers.clone() } else { HeaderMap::new() };
        headers.insert(USER_AGENT, self.user_agent.clone());
        if let Some(set) = self.cookies.cookies(url) {
            // The caller's first, as curl has it
            let both = match headers.get(COOKIE) {
                Some(own) => HeaderValue::from_bytes(&[own.as_bytes(), b"; ", set.as_bytes()].concat()).ok(),
                None => Some(set),
            };
            headers.extend(both.map(|both| (COOKIE, both)));
        }
        headers
    }

    /// Keeps the cookies of an answer.
    pub fn answered(&self, headers: &HeaderMap, url: &Url) {
        let mut set = headers.get_all(SET_COOKIE).iter().peekable();
        if set.peek().is_some() {
            self.cookies.set_cookies(&mut set, url);
        }
    }
}

fn own_headers(access: &RequestHeaders) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, text) in &access.custom {
        let known = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::new(ErrorKind::Usage, format!("--header {name:?} is no header's name")).with_hint("write 'Name: value'"))?;
        headers.append(known, value("--header", text)?);
    }
    if let Some(cookie) = &access.cookie {
        headers.insert(COOKIE, value("--cookie", cookie)?);
    }
    if let Some(referer) = &access.referer {
        headers.insert(REFERER, value("--referer", referer)?);
    }
    Ok(headers)
}

fn value(option: &str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| {
        Error::new(ErrorKind::Usage, format!("{option}: the value holds characters that no header may have"))
            .with_hint("use printable ASCII")
    })
}
