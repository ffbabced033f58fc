//! M3U channel lists: `#EXTINF` and other lines of one channel, then its URL.

use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::{channel::Channel, extinf::ExtInf};
use crate::error::Error;

/// The state of reading an M3U list.
#[derive(Debug, Default)]
pub(super) struct M3uList {
    /// The list's own URL.
    base: Option<Url>,
    /// The last `#EXTINF` without a URL.
    extinf: Option<ExtInf>,
    /// `#EXTGRP` of the next channel.
    group: Option<String>,
    /// `#EXTGRP` outside a channel, which applies until the next one.
    lasting_group: Option<String>,
    /// The next channel's headers, by the names of their options.
    headers: Map<String, Value>,
    /// Whether the list is an HLS playlist, whose URLs are segments.
    is_hls: bool,
}

impl M3uList {
    /// A list from `base`, to which relative URLs refer.
    pub fn new(base: Option<Url>) -> Self {
        Self { base, ..Self::default() }
    }

    /// Reads a line. A URL completes a channel, which starts from `defaults` and has no id if the list gives none. Fails with `usage`.
    pub fn read(&mut self, line: &str, defaults: &Channel) -> Result<Option<Channel>, Error> {
        let line = line.trim();
        if line.is_empty() || self.is_hls {
            return Ok(None);
        }
        if line.starts_with('#') {
            return self.read_tag(line).map(|()| None);
        }
        let mut channel = defaults.clone();
        let extinf = self.extinf.take().unwrap_or_default();
        channel.id = extinf.id.unwrap_or_default();
        channel.name = extinf.name.or(channel.name);
        channel.group = extinf.group.or(self.group.take()).or_else(|| self.lasting_group.clone()).or(channel.group);
        self.group = None;
        let (url, headers) = split_headers(line);
        let mut headers = std::mem::take(&mut self.headers).into_iter().chain(headers).collect();
        channel.options.set_all(&std::mem::take(&mut headers))?;
        channel.options.url = Some(self.resolve(url));
        Ok(Some(channel))
    }

    fn read_tag(&mut self, line: &str) -> Result<(), Error> {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag.to_ascii_uppercase().as_str() {
            "#EXTINF" => self.extinf = Some(ExtInf::of(value)),
            "#EXTGRP" => {
                let group = Some(value.trim()).filter(|group| !group.is_empty()).map(str::to_owned);
                *(if self.extinf.is_some() { &mut self.group } else { &mut self.lasting_group }) = group;
            }
            "#EXTVLCOPT" => {
                let (name, value) = value.split_once('=').unwrap_or((value, ""));
                let option = match name.trim().to_ascii_lowercase().as_str() {
                    "http-user-agent" => "user_agent",
                    "http-referrer" | "http-referer" => "referer",
                    _ => return Ok(()),
                };
                self.headers.insert(option.to_owned(), value.trim().trim_matches('"').into());
            }
            "#EXT-X-TARGETDURATION" => {
                self.is_hls = true;
                return Err(Error::usage("it is an HLS playlist, not a list of channels", "give the playlist to `hlsnap` itself"));
            }
            _ => {}
        }
        Ok(())
    }

    /// The URL, resolved against that of the list.
    fn resolve(&self, url: &str) -> String {
        let base = self.base.as_ref().filter(|_| !url.contains("://"));
        base.and_then(|base| base.join(url).ok()).map_or_else(|| url.to_owned(), String::from)
    }
}

/// Splits `URL|User-Agent=…&Referer=…`. A bar that no header follows belongs to the URL.
fn split_headers(line: &str) -> (&str, Map<String, Value>) {
    let split = line.split_once('|').filter(|(_, headers)| {
        let name = headers.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    });
    let Some((url, pairs)) = split else { return (line, Map::new()) };
    let (mut options, mut custom) = (Map::new(), Vec::new());
    for (name, value) in form_urlencoded::parse(pairs.as_bytes()) {
        let option = match name.to_ascii_lowercase().as_str() {
            "user-agent" => "user_agent",
            "referer" | "referrer" => "referer",
            "cookie" => "cookie",
            _ => {
                custom.push(Value::String(format!("{name}: {value}")));
                continue;
            }
        };
        options.insert(option.to_owned(), value.into());
    }
    if !custom.is_empty() {
        options.insert("header".to_owned(), Value::Array(custom));
    }
    (url.trim_end(), options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(list: &str, base: Option<&str>) -> Vec<Channel> {
        let mut m3u = M3uList::new(base.and_then(|base| Url::parse(base).ok()));
        list.lines().filter_map(|line| m3u.read(line, &Channel::default()).expect("a readable line")).collect()
    }

    fn url(channel: &Channel) -> &str {
        channel.options.url.as_deref().unwrap_or_default()
    }

    #[test]
    fn groups_hold_for_one_channel_or_until_the_next() {
        let list = "#EXTM3U\n#EXTGRP:News\n#EXTINF:-1,A\na\n#EXTINF:-1,B\n#EXTGRP:Sports\nb\n#EXTINF:-1,C\nc\n\
                    #EXTINF:-1 group-title=\"Own\",D\nd\n#EXTGRP:\n#EXTINF:-1,E\ne\n";
        let groups: Vec<_> = channels(list, None).into_iter().map(|channel| channel.group).collect();
        assert_eq!(groups, [Some("News"), Some("Sports"), Some("News"), Some("Own"), None].map(|group| group.map(str::to_owned)));
    }

    #[test]
    fn headers_come_from_tags_and_from_after_the_url() {
        let list = "#EXTINF:-1,A\n#EXTVLCOPT:http-user-agent=VLC/3\n#EXTVLCOPT:http-referrer=http://r/\n#EXTVLCOPT:network-caching=1000\n\
                    http://h/a\n#EXTINF:-1,B\nhttp://h/b|User-Agent=Mozilla%2F5.0 (X11)&Referer=http://r/b&Origin=http://o\n\
                    #EXTINF:-1,C\nhttp://h/c|d?x=1\n";
        let channels = channels(list, None);
        let requests: Vec<_> = channels.iter().filter_map(|c| Some(c.options.request(c.options.source().ok()?, None))).collect();
        let headers: Vec<_> = requests.iter().map(|request| &request.headers).collect();
        assert_eq!(headers.iter().map(|h| h.user_agent.as_deref()).collect::<Vec<_>>(), [Some("VLC/3"), Some("Mozilla/5.0 (X11)"), None]);
        assert_eq!(headers.iter().map(|h| h.referer.as_deref()).collect::<Vec<_>>(), [Some("http://r/"), Some("http://r/b"), None]);
        assert_eq!(headers[1].custom, [("Origin".to_owned(), "http://o".to_owned())]);
        assert_eq!(channels.iter().map(url).collect::<Vec<_>>(), ["http://h/a", "http://h/b", "http://h/c|d?x=1"]);
    }

    #[test]
    fn relative_urls_refer_to_the_list() {
        let list = "#EXTM3U\n#EXTINF:-1,A\nlive/a.m3u8?t=1\n#EXTINF:-1,B\n/b.m3u8\n#EXTINF:-1,C\nhttp://other/c.m3u8\n";
        let found = |base| channels(list, base).iter().map(|channel| url(channel).to_owned()).collect::<Vec<_>>();
        assert_eq!(found(Some("http://h/x/list.m3u?token=1")), ["http://h/x/live/a.m3u8?t=1", "http://h/b.m3u8", "http://other/c.m3u8"]);
        assert_eq!(found(None), ["live/a.m3u8?t=1", "/b.m3u8", "http://other/c.m3u8"]);
    }

    #[test]
    fn an_hls_playlist_is_one_error() {
        let mut m3u = M3uList::default();
        let lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:6", "#EXTINF:6,", "a.ts", "#EXTINF:6,", "b.ts"];
        let results: Vec<_> = lines.iter().map(|line| m3u.read(line, &Channel::default())).collect();
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
        assert!(!results.iter().any(|result| matches!(result, Ok(Some(_)))));
    }
}
