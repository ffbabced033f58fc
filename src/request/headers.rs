//! The headers of HTTP requests.

use std::fmt;

/// The headers of HTTP requests, as curl's options set them.
#[derive(Clone, Default, PartialEq)]
pub struct RequestHeaders {
    /// Header names and values for the playlist's own origin.
    pub custom: Vec<(String, String)>,
    /// Whether `custom`, `cookie` and `referer` go to every origin.
    pub send_everywhere: bool,
    /// `User-Agent`; `None` sends hlsnap's own.
    pub user_agent: Option<String>,
    /// `Referer`.
    pub referer: Option<String>,
    /// `Cookie`: `name=value; name=value`.
    pub cookie: Option<String>,
}

impl fmt::Debug for RequestHeaders {
    /// Names only: values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.custom.iter().map(|(name, _)| name).collect();
        f.debug_struct("RequestHeaders").field("custom", &names).finish_non_exhaustive()
    }
}
