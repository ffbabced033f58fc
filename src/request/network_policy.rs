//! The operator's network settings, the same for every picture.

use std::{path::PathBuf, str::FromStr};

use url::Url;
use wildmatch::WildMatch;

use crate::error::Error;

/// Which hosts may be contacted, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NetworkPolicy {
    /// The proxy's URL; `None` reads the usual environment variables.
    pub proxy: Option<String>,
    /// A PEM file with additional root certificates.
    pub cacert: Option<PathBuf>,
    /// Whether certificates are accepted without verification.
    pub insecure: bool,
    /// Whether private, loopback and link-local addresses may be contacted.
    pub allow_private: bool,
    /// Whether a redirect may lead from `https:` to `http:`.
    pub allow_downgrade: bool,
    /// The hosts that may be contacted, for playlists, inits, segments and redirects alike; empty allows any.
    pub allow_hosts: Vec<HostPattern>,
}

impl Default for NetworkPolicy {
    fn default() -> Self {
        Self { proxy: None, cacert: None, insecure: false, allow_private: true, allow_downgrade: false, allow_hosts: Vec::new() }
    }
}

/// A pattern of host names, with `*` and `?`: `*.example.com`, `cdn?.example.com:8443`.
#[derive(Debug, Clone, PartialEq)]
pub struct HostPattern(WildMatch);

impl HostPattern {
    /// Whether the host of `url` matches; a pattern with a port requires that port.
    pub fn matches(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        self.0.matches(host) || self.0.matches(&format!("{host}:{port}"))
    }
}

impl FromStr for HostPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_host = |c: char| c.is_alphanumeric() || "-_.*?:[]".contains(c);
        if text.is_empty() || !text.chars().all(is_host) {
            return Err(Error::usage(
                format!("--allow-host {text:?} is not a host"),
                "give a name such as live.example.com or *.example.com, without scheme and path",
            ));
        }
        // `Url` lowercases hosts
        Ok(Self(WildMatch::new(&text.to_lowercase())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(pattern: &str, url: &str) -> Option<bool> {
        Some(pattern.parse::<HostPattern>().ok()?.matches(&Url::parse(url).ok()?))
    }

    #[test]
    fn patterns_match_whole_hosts() {
        for (pattern, url, wanted) in [
            ("live.example.com", "https://live.example.com/x", true),
            ("LIVE.example.com", "https://live.EXAMPLE.com:8443/x", true),
            ("live.example.com", "https://live.example.com.evil.test/x", false),
            ("live.example.com", "https://evil.test/live.example.com", false),
            ("live.example.com", "https://live.example.com@evil.test/", false),
            ("*.example.com", "https://a.b.example.com/", true),
            ("*.example.com", "https://example.com/", false),
            ("example.com:8443", "https://example.com:8443/", true),
            ("example.com:8443", "https://example.com/", false),
            ("example.com:443", "https://example.com/", true),
            ("*", "http://anything/", true),
        ] {
            assert_eq!(allowed(pattern, url), Some(wanted), "{pattern} {url}");
        }
        for pattern in ["", "https://example.com", "a/b", "a b"] {
            assert_eq!(allowed(pattern, "http://a/"), None, "{pattern}");
        }
    }
}
