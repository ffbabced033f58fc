//! Authorization: no request is allowed until an operator lists hosts, sets a key, or allows any.
//!
//! A signature is HMAC-SHA256 with the operator's key of the path and the query without `sig`, in hexadecimal or in base64url. It may cover
//! the query as sent, or sorted by name, since API Gateway and ALB do not keep the order. `expires`, in seconds since 1970, is signed like
//! every other parameter.

use axum::http::Uri;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use ring::hmac;
use url::form_urlencoded;

use super::query;
use crate::{
    error::{Error, ErrorKind},
    frontends::settings::Settings,
    hex::encode_hex,
};

/// Fails with `not_allowed`. The client's policy checks hosts, for redirects and segments too.
pub(super) fn check(settings: &Settings, uri: &Uri) -> Result<(), Error> {
    match &settings.key {
        Some(key) => check_signature(key, uri),
        None if settings.allow_any || !settings.network.allow_hosts.is_empty() => Ok(()),
        None => Err(Error::new(ErrorKind::NotAllowed, "no host is allowed yet").with_hint(
            "the operator sets --allow-host or --key, or --allow-any for anything (HLSNAP_ALLOW_HOST, HLSNAP_KEY, HLSNAP_ALLOW_ANY)",
        )),
    }
}

/// The value of `sig` for a path and its canonical query, in hexadecimal; `None` without a key.
pub(super) fn signature(settings: &Settings, path: &str, query: &str) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, settings.key.as_ref()?.as_bytes());
    Some(encode_hex(hmac::sign(&key, format!("{path}?{query}").as_bytes()).as_ref()))
}

/// Fails with `not_allowed` unless the URL has a signature by the key that has not expired.
pub(super) fn check_signature(key: &str, uri: &Uri) -> Result<(), Error> {
    let refused = |message: &str| {
        Error::new(ErrorKind::NotAllowed, message)
            .with_hint("sign the path and the query with the operator's key, and add the signature as sig")
    };
    let query = uri.query().unwrap_or_default();
    let (mut signatures, signed): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| pair.starts_with("sig="));
    let (Some(signature), true) = (signatures.pop(), signatures.is_empty()) else {
        return Err(refused("the request is not signed"));
    };
    let signature =
        decoded(signature.trim_start_matches("sig=")).ok_or_else(|| refused("the signature is neither hexadecimal nor base64url"))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let texts = [signed.join("&"), query::canonical(uri)];
    if !texts.iter().any(|query| hmac::verify(&key, format!("{}?{query}", uri.path()).as_bytes(), &signature).is_ok()) {
        return Err(refused("the signature does not match"));
    }
    let expires = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "expires");
    match expires.map(|(_, text)| text.parse::<i64>()) {
        Some(Ok(seconds)) if seconds > Utc::now().timestamp() => Ok(()),
        Some(Ok(_)) => Err(refused("the signature has expired")),
        Some(Err(_)) => Err(refused("expires is not a number of seconds since 1970")),
        None => Ok(()),
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 {
        return URL_SAFE_NO_PAD.decode(text.trim_end_matches("%3D").trim_end_matches('=')).ok();
    }
    let digits = text.as_bytes().chunks_exact(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "key";

    fn error(signed: &str, sent: &str, base64: bool) -> Option<String> {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), signed.as_bytes());
        let hexadecimal: Vec<_> = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let text = if base64 { URL_SAFE_NO_PAD.encode(tag) } else { hexadecimal.concat() };
        let uri = sent.replace("SIG", &text).parse().ok()?;
        check_signature(KEY, &uri).err().map(|e| e.message())
    }

    #[test]
    fn signatures_cover_path_and_query() {
        let signed = "/snapshot.jpg?url=http://h/x&width=320";
        for sent in ["/snapshot.jpg?url=http://h/x&width=320&sig=SIG", "/snapshot.jpg?sig=SIG&url=http://h/x&width=320"] {
            assert_eq!(error(signed, sent, false), None, "{sent}");
            assert_eq!(error(signed, sent, true), None, "{sent}");
        }
        for sent in [
            "/snapshot.png?url=http://h/x&width=320&sig=SIG",
            "/snapshot.jpg?url=http://h/x&width=640&sig=SIG",
            "/snapshot.jpg?url=http://h/x&sig=SIG",
            "/snapshot.jpg?url=http://h/x&width=320&at=5&sig=SIG",
        ] {
            assert_eq!(error(signed, sent, false).as_deref(), Some("the signature does not match"), "{sent}");
        }
        for sent in ["/snapshot.jpg?url=http://h/x&width=320", "/snapshot.jpg?url=http://h/x&width=320&sig=SIG&sig=SIG"] {
            assert_eq!(error(signed, sent, false).as_deref(), Some("the request is not signed"), "{sent}");
        }
    }

    #[test]
    fn a_signature_of_the_sorted_query_matches_any_order() {
        let signed = "/snapshot.jpg?at=5&url=http%3A%2F%2Fh%2Fx";
        assert_eq!(error(signed, "/snapshot.jpg?url=http://h/x&at=5&sig=SIG", false), None);
    }

    #[test]
    fn own_signatures_match() {
        let mut settings = Settings::default();
        assert_eq!(signature(&settings, "/storyboard.jpg", "url=x"), None);
        settings.key = Some(KEY.to_owned());
        let sig = signature(&settings, "/storyboard.jpg", "expires=99999999999&url=x").unwrap_or_default();
        let uri = |query: &str| format!("/storyboard.jpg?{query}&sig={sig}").parse().unwrap_or_default();
        assert!(check(&settings, &uri("expires=99999999999&url=x")).is_ok());
        assert!(check(&settings, &uri("expires=99999999999&url=y")).is_err());
    }

    #[test]
    fn signatures_expire() {
        let past = "/snapshot.jpg?url=http://h/x&expires=1700000000";
        assert_eq!(error(past, &format!("{past}&sig=SIG"), false).as_deref(), Some("the signature has expired"));
        let future = "/snapshot.jpg?url=http://h/x&expires=99999999999";
        assert_eq!(error(future, &format!("{future}&sig=SIG"), false), None);
    }
}
