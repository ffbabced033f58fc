//! How far a process may reach: the operator's settings, the same for every picture.

use std::{path::PathBuf, str::FromStr};

use url::Url;
use wildmatch::WildMatch;

use crate::error::{Error, ErrorKind};

/// Who may be asked, and over which way.
#[derive(Debug, Clone)]
pub struct NetworkPolicy {
    /// A proxy's URL; `None` takes the usual environment variables.
    pub proxy: Option<String>,
    /// A PEM file with further root certificates.
    pub cacert: Option<PathBuf>,
    /// Whether certificates go unchecked.
    pub insecure: bool,
    /// Whether private, loopback and link-local addresses may be asked.
    pub allow_private: bool,
    /// Whether a redirect may lead from `https:` to `http:`.
    pub allow_downgrade: bool,
    /// The hosts that may be asked, for playlists, inits, segments and redirects alike; empty is any.
    pub allow_hosts: Vec<HostPattern>,
}

impl Default for NetworkPolicy {
    fn default() -> Self {
        Self { proxy: None, cacert: None, insecure: false, allow_private: true, allow_downgrade: false, allow_hosts: Vec::new() }
    }
}

/// A host's name, `*` standing for any part of it: `*.example.com`, `cdn?.example.com:8443`.
#[derive(Debug, Clone, PartialEq)]
pub struct HostPattern(WildMatch);

impl HostPattern {
    /// Whether it is the host of `url`; a pattern with a port wants that port too.
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
            return Err(Error::new(ErrorKind::Usage, format!("--allow-host {text:?} is no host"))
                .with_hint("give a name such as live.example.com or *.example.com, without scheme and path"));
        }
        // URLs have their hosts in lower case
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
    fn hosts_are_matched_whole() {
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
