//! `data:` URLs (RFC 2397): the bytes are in the URL, so no request is sent. The limit for a playlist's line bounds their size.

use base64::{Engine as _, engine::general_purpose};
use url::Url;

/// Decodes the bytes of a `data:` URL; `None` if it is malformed.
pub fn data_url(url: &Url) -> Option<Vec<u8>> {
    let text = url.as_str().strip_prefix("data:")?;
    let text = text.split('#').next().unwrap_or(text);
    let (head, data) = text.split_once(',')?;
    let bytes = percent_decoded(data)?;
    if !head.trim_end().to_ascii_lowercase().ends_with(";base64") {
        return Some(bytes);
    }
    let text: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').collect();
    general_purpose::STANDARD_NO_PAD.decode(&text).or_else(|_| general_purpose::URL_SAFE_NO_PAD.decode(&text)).ok()
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { digit(bytes.next()?)? << 4 | digit(bytes.next()?)? } else { byte });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_percent_encoding_are_decoded() {
        let read = |text: &str| Url::parse(text).ok().and_then(|url| data_url(&url));
        let wanted: Vec<u8> = (0..16).collect();
        assert_eq!(read("data:text/plain;base64,AAECAwQFBgcICQoLDA0ODw=="), Some(wanted.clone()));
        assert_eq!(read("data:;base64,AAECAwQFBgcICQoLDA0ODw"), Some(wanted.clone()));
        assert_eq!(read("data:application/octet-stream;charset=utf-8;BASE64,AAECAwQFBgcICQoLDA0ODw%3D%3D"), Some(wanted));
        assert_eq!(read("data:,%00%fFz"), Some(vec![0, 255, b'z']));
        assert_eq!(read("data:;base64,-_-_"), Some(vec![0xfb, 0xff, 0xbf]));
        assert_eq!(read("data:,a?b#c"), Some(b"a?b".to_vec()));
        for text in ["data:nothing", "data:;base64,***", "data:,%0"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
