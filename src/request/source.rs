//! The source of a playlist: a URL, a local file, or text.

use std::path::PathBuf;

use url::Url;

use crate::error::Error;

/// The playlist's source.
#[derive(Debug, Clone)]
pub enum Source {
    /// `http:` or `https:`.
    Url(Url),
    /// A local file. Its segments may be local too, below its folder.
    File(PathBuf),
    /// The text of a playlist.
    Text {
        /// The bytes of the playlist.
        text: Vec<u8>,
        /// The URL that its URIs are relative to.
        base: Url,
    },
}

impl Source {
    /// Parses `http(s)://…`, `file://…`, a path, and livestreamer's `hls://`, `hlsvariant://` and `httpstream://`, followed by a URL
    /// with or without its scheme and by parameters after blanks. Fails with `usage`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rest = ["hls://", "hlsvariant://", "httpstream://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let text = match rest {
            Some(rest) => {
                let rest = without_parameters(rest)?;
                if rest.contains("://") { rest.to_owned() } else { format!("http://{rest}") }
            }
            None => text.to_owned(),
        };
        let invalid = |message: String| Error::usage(message, "give an http:// or https:// URL, a path, or - for stdin");
        if text.is_empty() {
            return Err(invalid("the URL is empty".into()));
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(Self::File(PathBuf::from(text)));
        };
        // The message leaves out the text, which may hold a password
        let url = Url::parse(&text).map_err(|e| invalid(format!("the URL cannot be read: {e}")))?;
        match url.scheme() {
            "http" | "https" => Ok(Self::Url(url)),
            "file" => url.to_file_path().map(Self::File).map_err(|()| invalid("the file: URL names no local path".into())),
            _ => Err(invalid(format!("the scheme {scheme}:// is not supported"))),
        }
    }
}

/// The URL of a livestreamer spelling, without its parameters. `name_key=`, which says what a Variant's name means, is accepted and
/// ignored: a [`VariantChoice`] shows what it means by its form. Messages leave out values, which may be secret.
fn without_parameters(text: &str) -> Result<&str, Error> {
    let mut words = text.split_ascii_whitespace();
    let url = words.next().unwrap_or_default();
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let value = value.trim_matches(['"', '\'']);
        if name != "name_key" {
            let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(32).collect();
            return Err(Error::usage(
                format!("the parameter {name:?} after the URL is not known"),
                "give options instead, such as --variant, --header or --cookie; a blank in a URL is %20",
            ));
        }
        if !matches!(value, "name" | "pixels" | "bitrate") {
            return Err(Error::usage("name_key must be name, pixels or bitrate", "name the Variant by --variant"));
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn sources_have_livestreamer_spellings_too() {
        let url = |text: &str| match Source::parse(text) {
            Ok(Source::Url(url)) => url.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(url("hlsvariant://host/path"), "http://host/path");
        assert_eq!(url("hls://https://host/path"), "https://host/path");
        assert_eq!(url("httpstream://host/x.ts"), "http://host/x.ts");
        assert_eq!(url("hlsvariant://http://host/path name_key=bitrate"), "http://host/path");
        assert_eq!(url("hls://host/path?a=b  name_key=\"pixels\""), "http://host/path?a=b");
        assert!(matches!(Source::parse("folder/index.m3u8"), Ok(Source::File(_))));
        assert!(matches!(Source::parse("a name_key=bitrate"), Ok(Source::File(_))), "a path may hold blanks");
        assert!(matches!(Source::parse("file:///folder/index.m3u8"), Ok(Source::File(_))));
        for text in ["", "ftp://host/x", "http://", "hls://", "hls://h/x start_offset=5", "hls://h/x name_key=color", "hls://h/x y"] {
            assert_eq!(Source::parse(text).map_err(|e| e.kind()).err(), Some(ErrorKind::Usage), "{text}");
        }
    }
}
