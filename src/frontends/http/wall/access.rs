//! Decides who may see the wall.
//!
//! Without a key and a token, the wall listens only on a loopback address, and answers only requests whose Host is this machine, because a
//! website may make its name resolve to 127.0.0.1 (DNS rebinding). Otherwise a request needs the token as `Authorization: Bearer`, a
//! signature (`sig`), or the cookie of a session. Opening `/` with the token or a signature starts a session, and redirects to `/`.

use std::net::{IpAddr, SocketAddr};

use axum::http::{
    HeaderMap, Uri,
    header::{AUTHORIZATION, COOKIE, HOST},
};
use chrono::Utc;
use ring::hmac;
use url::form_urlencoded;

use super::super::auth;
use crate::{
    error::{Error, ErrorKind},
    hex::{decode_hex, encode_hex},
};

const SESSION_SECONDS: i64 = 30 * 24 * 3600;

/// The rules for who may see the wall.
#[derive(Clone)]
pub struct WallAccess {
    address: IpAddr,
    key: Option<String>,
    token: Option<String>,
}

/// The decision on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    Allowed,
    /// The request starts a session: redirect to the page, and set this cookie.
    Session(String),
}

impl std::fmt::Debug for WallAccess {
    /// Without secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WallAccess").field("address", &self.address).finish_non_exhaustive()
    }
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::NotAllowed, message)
}

impl WallAccess {
    /// The rules for a server at this address. Fails with `usage` if other machines could see it without a key or a token.
    pub fn new(listen: SocketAddr, key: Option<String>, token: Option<String>) -> Result<Self, Error> {
        let [key, token] = [key, token].map(|secret| secret.filter(|secret| !secret.is_empty()));
        if !listen.ip().is_loopback() && key.is_none() && token.is_none() {
            let message = format!("anyone who can reach {listen} could see the wall");
            return Err(Error::usage(message, "give --token, or --key for signed URLs, or listen on 127.0.0.1"));
        }
        Ok(Self { address: listen.ip(), key, token })
    }

    /// Whether a browser can sign in with a token.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Decides on a request. Fails with `not_allowed`.
    pub(super) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<Admission, Error> {
        if self.key.is_none() && self.token.is_none() {
            return self.check_host(headers).map(|()| Admission::Allowed);
        }
        let is_page = uri.path() == "/";
        let token = is_page.then(|| parameter(uri, "token")).flatten();
        if let Some(token) = token {
            return if self.is_token(&token) { Ok(Admission::Session(self.cookie(None))) } else { Err(refused("the token is wrong")) };
        }
        let is_signed = parameter(uri, "sig").is_some();
        if let (Some(key), true) = (&self.key, is_signed) {
            auth::check_signature(key, uri)?;
            let end = parameter(uri, "expires").and_then(|text| text.parse().ok());
            return Ok(if is_page { Admission::Session(self.cookie(end)) } else { Admission::Allowed });
        }
        let bearer = headers.get(AUTHORIZATION).and_then(|text| text.to_str().ok()).and_then(|text| text.strip_prefix("Bearer "));
        if bearer.is_some_and(|token| self.is_token(token.trim())) || self.has_session(headers) {
            return Ok(Admission::Allowed);
        }
        Err(refused("the wall is not open to everyone").with_hint(match (&self.token, &self.key) {
            (Some(_), _) => "open /?token= with the operator's token, or send it as Authorization: Bearer",
            (None, _) => "open / with a signature of the operator's key",
        }))
    }

    /// Decides on a request for what needs no session. Fails with `not_allowed` for a website whose name resolves to this machine.
    pub(super) fn check_open(&self, headers: &HeaderMap) -> Result<(), Error> {
        if self.key.is_none() && self.token.is_none() { self.check_host(headers) } else { Ok(()) }
    }

    fn check_host(&self, headers: &HeaderMap) -> Result<(), Error> {
        // Only HTTP/1.0 has no Host, and no browser uses it
        let Some(host) = headers.get(HOST) else { return Ok(()) };
        let host = host.to_str().unwrap_or_default();
        let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(name, _)| name);
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_local_name = name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
        if is_local_name || address.is_ok_and(|address| address.is_loopback() || address == self.address) {
            return Ok(());
        }
        Err(refused("the request names another server")
            .with_hint("open the wall by its address, or give it --token and open it by any name"))
    }

    /// Compares in constant time.
    fn is_token(&self, given: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"hlsnap token");
        self.token.as_ref().is_some_and(|token| hmac::verify(&key, token.as_bytes(), hmac::sign(&key, given.as_bytes()).as_ref()).is_ok())
    }

    /// A session's cookie, valid until `end` in seconds since 1970.
    fn cookie(&self, end: Option<i64>) -> String {
        let now = Utc::now().timestamp();
        let end = end.unwrap_or(now + SESSION_SECONDS).min(now + SESSION_SECONDS);
        let tag = encode_hex(hmac::sign(&self.session_key(), end.to_string().as_bytes()).as_ref());
        format!("{}={end}.{tag}; Max-Age={}; HttpOnly; SameSite=Lax", self.cookie_name(), end - now)
    }

    fn has_session(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(';'));
        let name = self.cookie_name();
        let mut values = cookies.filter_map(|cookie| cookie.trim().split_once('=')).filter(|(of, _)| *of == name).map(|(_, value)| value);
        values.any(|value| {
            let Some((end, tag)) = value.split_once('.').and_then(|(end, tag)| Some((end, decode_hex(tag)?))) else { return false };
            let is_valid = hmac::verify(&self.session_key(), end.as_bytes(), &tag).is_ok();
            is_valid && end.parse().is_ok_and(|end: i64| end > Utc::now().timestamp())
        })
    }

    /// The key of sessions. Changing a secret ends all sessions.
    fn session_key(&self) -> hmac::Key {
        let secrets =
            format!("hlsnap wall session\n{}\n{}", self.key.as_deref().unwrap_or_default(), self.token.as_deref().unwrap_or_default());
        hmac::Key::new(hmac::HMAC_SHA256, secrets.as_bytes())
    }

    /// The name of the cookie. Browsers send cookies to all ports, so walls on one machine need different names.
    fn cookie_name(&self) -> String {
        let tag = hmac::sign(&self.session_key(), b"name");
        format!("hlsnap_wall_{}", encode_hex(tag.as_ref().get(..4).unwrap_or_default()))
    }
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.find(|(of, _)| of == name).map(|(_, text)| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "correct horse";

    fn access(listen: &str, key: Option<&str>, token: Option<&str>) -> Option<WallAccess> {
        WallAccess::new(listen.parse().ok()?, key.map(str::to_owned), token.map(str::to_owned)).ok()
    }

    fn admit(access: &WallAccess, uri: &str, headers: &[(axum::http::HeaderName, &str)]) -> Result<Admission, String> {
        let headers = headers.iter().filter_map(|(name, text)| Some((name.clone(), text.parse().ok()?))).collect();
        access.admit(&uri.parse().unwrap_or_default(), &headers).map_err(|e| e.message())
    }

    #[test]
    fn other_machines_need_a_key_or_a_token() {
        assert!(access("127.0.0.1:80", None, None).is_some() && access("[::1]:80", None, None).is_some());
        for address in ["0.0.0.0:80", "192.0.2.1:80", "[::]:80"] {
            assert!(access(address, None, None).is_none() && access(address, None, Some("")).is_none(), "{address}");
            assert!(access(address, Some("k"), None).is_some() && access(address, None, Some(TOKEN)).is_some(), "{address}");
        }
    }

    #[test]
    fn a_host_that_is_not_this_machine_is_refused() {
        let Some(access) = access("127.0.0.1:80", None, None) else { panic!("no access") };
        for host in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:80", "wall.localhost:80", "127.0.0.2"] {
            assert_eq!(admit(&access, "/", &[(HOST, host)]), Ok(Admission::Allowed), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "192.0.2.1"] {
            assert!(admit(&access, "/", &[(HOST, host)]).is_err(), "{host}");
        }
    }

    #[test]
    fn a_token_begins_a_session_that_ends_with_it() {
        let Some(access) = access("0.0.0.0:80", None, Some(TOKEN)) else { panic!("no access") };
        let Ok(Admission::Session(cookie)) = admit(&access, "/?token=correct+horse", &[]) else { panic!("no session") };
        assert!(!cookie.contains("horse"), "{cookie}");
        let pair = cookie.split(';').next().unwrap_or_default();
        assert_eq!(admit(&access, "/channels.json", &[(COOKIE, &format!("a=b; {pair}"))]), Ok(Admission::Allowed));
        assert_eq!(admit(&access, "/channels.json", &[(AUTHORIZATION, "Bearer correct horse")]), Ok(Admission::Allowed));
        let longer = pair.replacen('=', "=9", 1);
        let other = super::tests::access("0.0.0.0:80", None, Some("another"));
        assert!(other.is_some_and(|other| admit(&other, "/", &[(COOKIE, pair)]).is_err()));
        for (uri, header) in [
            ("/", (COOKIE, longer.as_str())),
            ("/channels.json", (AUTHORIZATION, "Bearer wrong")),
            ("/?token=wrong", (COOKIE, pair)),
            ("/channels.json?token=correct+horse", (COOKIE, "")),
        ] {
            assert!(admit(&access, uri, &[header]).is_err(), "{uri}");
        }
    }

    #[test]
    fn a_signed_url_begins_a_session_no_longer_than_its_own() {
        let Some(access) = access("0.0.0.0:80", Some("key"), None) else { panic!("no access") };
        let signed = |text: &str| {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"key"), text.as_bytes());
            format!("{text}&sig={}", encode_hex(tag.as_ref()))
        };
        let end = Utc::now().timestamp() + 100;
        let Ok(Admission::Session(cookie)) = admit(&access, &signed(&format!("/?expires={end}")), &[]) else { panic!("no session") };
        assert!(cookie.contains(&format!("={end}.")), "{cookie}");
        assert!(admit(&access, &signed("/?expires=1700000000"), &[]).is_err());
        assert_eq!(admit(&access, &signed("/channels.json?expires=99999999999"), &[]), Ok(Admission::Allowed));
        assert!(admit(&access, "/?sig=00", &[]).is_err() && admit(&access, "/", &[]).is_err());
    }
}
