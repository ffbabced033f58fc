//! How segments are encrypted (section 4.4.4.4), and which keys apply where.

use std::sync::Arc;

use url::Url;

use super::attributes::Attributes;

/// How segments are encrypted (section 4.4.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// METHOD.
    pub method: Method,
    /// The ways in which the key is offered, one for each KEYFORMAT, in the order of the playlist; at least one.
    pub formats: Vec<KeyFormat>,
}

/// One way to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFormat {
    /// KEYFORMAT; `identity` where it is missing.
    pub name: String,
    /// URI, resolved against the playlist's; `None` where it is missing or none.
    pub url: Option<Url>,
    /// IV; `None` is the Media Sequence Number as a big-endian number.
    pub iv: Option<[u8; 16]>,
}

/// METHOD of an EXT-X-KEY, but for NONE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Whole segments.
    Aes128,
    /// Samples; `cbcs` in fMP4.
    SampleAes,
    /// Samples; `cenc` in fMP4.
    SampleAesCtr,
    /// Anything else, as it stands but in upper case.
    Other(String),
}

impl Key {
    /// The name of the protection, for people.
    pub fn system(&self) -> String {
        let mut systems: Vec<_> = self.formats.iter().filter_map(KeyFormat::system).collect();
        systems.dedup();
        let method = match &self.method {
            Method::Aes128 => "AES-128",
            Method::SampleAes => "SAMPLE-AES",
            Method::SampleAesCtr => "SAMPLE-AES-CTR",
            Method::Other(name) => name,
        };
        if systems.is_empty() { method.to_owned() } else { format!("{method} with {}", systems.join(", ")) }
    }
}

impl KeyFormat {
    /// The DRM system, where it is one.
    fn system(&self) -> Option<&'static str> {
        let fairplay = self.url.as_ref().is_some_and(|url| url.scheme() == "skd");
        match self.name.to_ascii_lowercase().as_str() {
            "com.apple.streamingkeydelivery" | "urn:uuid:94ce86fb-07ff-4f43-adb8-93d2fa968ca2" => Some("FairPlay"),
            "com.microsoft.playready" | "urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95" => Some("PlayReady"),
            "com.widevine" | "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed" => Some("Widevine"),
            "org.w3.clearkey" | "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b" | "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e" => {
                Some("ClearKey")
            }
            "identity" if fairplay => Some("FairPlay"),
            "identity" => None,
            _ => Some("another DRM system"),
        }
    }
}

/// Beyond these, further KEYFORMATs are no protection but an attack on us.
const MOST_FORMATS: usize = 16;

/// The keys that apply at one place of a playlist. Each goes on until one of the same KEYFORMAT takes its place; NONE ends them all.
#[derive(Debug, Default)]
pub(super) struct Keys {
    formats: Vec<KeyFormat>,
    method: Option<Method>,
    /// What `formats` and `method` make; rebuilt where they changed.
    key: Option<Arc<Key>>,
    changed: bool,
}

impl Keys {
    /// Takes the attributes of an EXT-X-KEY.
    pub fn take(&mut self, attributes: &str, base: &Url) {
        self.changed = true;
        let Some((method, format)) = read(attributes, base) else {
            self.formats.clear();
            self.method = None;
            return;
        };
        if self.method.as_ref() != Some(&method) {
            // Keys that lie side by side lead to one key, and so to one METHOD: another one begins anew
            self.formats.clear();
        }
        self.formats.retain(|known| known.name != format.name);
        if self.formats.len() < MOST_FORMATS {
            self.formats.push(format);
        }
        self.method = Some(method);
    }

    /// The key that one tag names by itself; `None` is METHOD=NONE.
    pub fn alone(attributes: &str, base: &Url) -> Option<Key> {
        read(attributes, base).map(|(method, format)| Key { method, formats: vec![format] })
    }

    /// The key for what comes next; `None` where that is clear. Tags that repeat what stands give the same `Arc`.
    pub fn current(&mut self) -> Option<Arc<Key>> {
        if std::mem::take(&mut self.changed) {
            let now = self.method.clone().map(|method| Key { method, formats: self.formats.clone() });
            if self.key.as_deref() != now.as_ref() {
                self.key = now.map(Arc::new);
            }
        }
        self.key.clone()
    }
}

/// `None` is METHOD=NONE.
fn read(attributes: &str, base: &Url) -> Option<(Method, KeyFormat)> {
    let list = Attributes::of(attributes);
    let uri = list.get("URI");
    let method = match list.get("METHOD").map(str::to_ascii_uppercase).as_deref() {
        None if uri.is_none() => return None,
        Some("NONE") => return None,
        // Where METHOD is forgotten, but a key is named, AES-128 is what is meant
        None | Some("AES-128") => Method::Aes128,
        Some("SAMPLE-AES") => Method::SampleAes,
        Some("SAMPLE-AES-CTR") => Method::SampleAesCtr,
        Some(other) => Method::Other(other.to_owned()),
    };
    let name = list.get("KEYFORMAT").unwrap_or("identity").to_owned();
    let format = KeyFormat { name, url: uri.and_then(|uri| base.join(uri).ok()), iv: list.get("IV").and_then(iv) };
    Some((method, format))
}

/// A number of 128 bits in hexadecimal digits: one that is too short is filled up on the left, of one that is too long the last digits count.
fn iv(text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let last = digits.get(digits.len().saturating_sub(32)..)?;
    u128::from_str_radix(last, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ivs_of_every_length() {
        assert_eq!(iv("0x0000000000000000000000000000000A"), Some(10u128.to_be_bytes()));
        assert_eq!(iv("0XFF"), Some(255u128.to_be_bytes()));
        assert_eq!(iv("0x1ffffffffffffffffffffffffffffffff"), Some([0xff; 16]));
        for text in ["0x", "10", "0xg0", "", "0x+1"] {
            assert_eq!(iv(text), None, "{text}");
        }
    }
}
