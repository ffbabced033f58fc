//! One channel of a list.

use url::Url;

use super::watch_options::WatchOptions;
use crate::{
    error::{Error, redacted},
    request::Options,
};

/// One channel of a list, or one request of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Channel {
    /// The number of its line, from 1.
    pub line: u64,
    /// The id in the list, else the URL, which may hold secrets: see [`shown_id`](Self::shown_id). Unique in a list of channels; a batch may
    /// repeat it.
    pub id: String,
    /// The name to show.
    pub name: Option<String>,
    /// The group to show it in.
    pub group: Option<String>,
    /// Whether its picture need not change while its encoder works, as that of a slate or a radio channel.
    pub is_static: bool,
    /// The options of `watch`: when it takes pictures, and when it reports a state.
    pub watch: WatchOptions,
    /// The options of its pictures, among them the URL.
    pub options: Options,
}

/// A line that is no channel, and why.
#[derive(Debug, Clone)]
pub struct BadLine {
    /// The number of the line, from 1.
    pub line: u64,
    /// The id, if it could be read.
    pub id: Option<String>,
    /// A `usage` error, or `too_large`.
    pub error: Error,
}

/// A channel of a list, or a line that is no channel.
pub type ListItem = Result<Channel, BadLine>;

impl Channel {
    /// The id for results, logs and file names, redacted if it is the URL. URLs that differ only in their query have the same shown id.
    pub fn shown_id(&self) -> String {
        let is_url = self.options.url.as_deref() == Some(&self.id);
        let url = Some(&self.id).filter(|_| is_url).and_then(|id| Url::parse(id).ok());
        url.map_or_else(|| self.id.clone(), |url| redacted(&url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shown_id_has_no_secrets_of_the_url() {
        let shown = |id: &str, url: &str| {
            let mut channel = Channel { id: id.to_owned(), ..Channel::default() };
            channel.options.url = Some(url.to_owned());
            channel.shown_id()
        };
        let url = "http://user:pass@host/x.m3u8?token=1";
        assert_eq!(shown(url, url), "http://host/x.m3u8?...");
        assert_eq!(shown("bbc?1", url), "bbc?1");
        assert_eq!(shown("folder/x.m3u8", "folder/x.m3u8"), "folder/x.m3u8");
    }
}
