//! A query without its secrets, for the access log.

use url::{Url, form_urlencoded};

use crate::{error, request::Options};

const HIDDEN: &str = "...";
/// A parameter whose value is a time.
const EXPIRES: &str = "expires";

/// Redacts a query: hides the signature and unknown parameters, and redacts URLs.
pub(super) fn redacted(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes()).map(|(name, text)| pair(&name, &text));
    pairs.collect::<Vec<_>>().join("&")
}

/// A parameter and its value, without percent-encoding, so that it is easy to read.
fn pair(name: &str, text: &str) -> String {
    if name == "sig" {
        return format!("sig={HIDDEN}");
    }
    let is_option = Options::spec(name).is_ok_and(|spec| spec.is_in_queries);
    // An unknown name may be half of a URL that is not percent-encoded
    if !is_option && name != EXPIRES {
        return HIDDEN.to_owned();
    }
    let is_url = matches!(name, "url" | "base") || text.contains("://");
    match Url::parse(text) {
        Ok(url) if is_url => format!("{name}={}", error::redacted(&url)),
        _ if is_url => format!("{name}={HIDDEN}"),
        _ if text.is_empty() => name.to_owned(),
        _ => format!("{name}={text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_show_no_secrets() {
        for (query, wanted) in [
            (
                "url=http%3A%2F%2Fu%3Asecret%40h%2Fx.m3u8%3Ft%3Dsecret&width=64&exact&sig=secret",
                "url=http://h/x.m3u8?...&width=64&exact&sig=...",
            ),
            ("url=http://h/x.m3u8?a=1&token=secret&secret", "url=http://h/x.m3u8?...&...&..."),
            ("url=secret&at=5", "url=...&at=5"),
            ("url=hls%3A%2F%2Fh%2Fx%3Fsecret", "url=hls://h/x?..."),
            ("base=https://h/?secret&expires=5", "base=https://h/?...&expires=5"),
            ("header=Cookie:secret&decryption_key=secret&user_agent=secret", "...&...&..."),
            ("variant=http://u:secret@h/", "variant=http://h/"),
            ("url=data:secret", "url=data:..."),
            ("", ""),
        ] {
            assert_eq!(redacted(query), wanted, "{query}");
        }
    }
}
