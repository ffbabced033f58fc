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
    /// Whether KEYFORMATVERSIONS has a version that is known here: 1.
    pub known_version: bool,
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
    /// Whole segments, authenticated.
    Aes256Gcm,
    /// Whole segments, as AES-128 but with a key of 256 bits; no draft has it, but players do.
    Aes256,
    /// Whole segments in counter mode; no draft has it, but players do.
    Aes256Ctr,
    /// Anything else, as it stands but in upper case.
    Other(String),
}

impl Key {
    /// The way to a key that can be fetched: the first with the KEYFORMAT `identity`, in a version that is known, whose URI is no DRM
    /// system's.
    pub fn usable_format(&self) -> Option<&KeyFormat> {
        self.formats.iter().find(|format| format.is_identity() && format.known_version && format.system().is_none() && format.url.is_some())
    }

    /// The names of the DRM systems that it is offered to.
    pub fn drm_systems(&self) -> Vec<&'static str> {
        let mut systems: Vec<_> = self.formats.iter().filter_map(KeyFormat::system).collect();
        systems.dedup();
        systems
    }

    /// The name of the protection, for people.
    pub fn drm_system(&self) -> String {
        let systems = self.drm_systems();
        let method = self.method.name();
        if systems.is_empty() { method.to_owned() } else { format!("{method} with {}", systems.join(", ")) }
    }
}

impl Method {
    /// As the playlist has it.
    pub fn name(&self) -> &str {
        match self {
            Self::Aes128 => "AES-128",
            Self::SampleAes => "SAMPLE-AES",
            Self::SampleAesCtr => "SAMPLE-AES-CTR",
            Self::Aes256Gcm => "AES-256-GCM",
            Self::Aes256 => "AES-256",
            Self::Aes256Ctr => "AES-256-CTR",
            Self::Other(name) => name,
        }
    }

    /// Whether parts of samples are encrypted, and not the segment as a whole.
    pub fn is_of_samples(&self) -> bool {
        matches!(self, Self::SampleAes | Self::SampleAesCtr)
    }
}

impl KeyFormat {
    fn is_identity(&self) -> bool {
        self.name.eq_ignore_ascii_case("identity")
    }

    /// The DRM system, where it is one.
    fn system(&self) -> Option<&'static str> {
        let fairplay = self.url.as_ref().is_some_and(|url| url.scheme() == "skd");
        match self.name.to_ascii_lowercase().as_str() {
            "com.apple.streamingkeydelivery" => Some("FairPlay"),
            "identity" => fairplay.then_some("FairPlay"),
            "com.microsoft.playready" => Some("PlayReady"),
            "com.widevine" => Some("Widevine"),
            "org.w3.clearkey" => Some("ClearKey"),
            name => Some(name.strip_prefix("urn:uuid:").and_then(|id| drm_system_of(&id.replace('-', ""))).unwrap_or("another DRM system")),
        }
    }
}

/// The DRM system with this ID, in 32 hexadecimal digits (as in `pssh`, ISO/IEC 23001-7, 8.1); the IDs are listed by DASH-IF.
pub fn drm_system_of(id: &str) -> Option<&'static str> {
    match id {
        "94ce86fb07ff4f43adb893d2fa968ca2" => Some("FairPlay"),
        "9a04f07998404286ab92e65be0885f95" => Some("PlayReady"),
        "edef8ba979d64acea3c827dcd51d21ed" => Some("Widevine"),
        "1077efecc0b24d02ace33c1e52e2fb4b" | "e2719d58a985b3c9781ab030af78d30e" => Some("ClearKey"),
        "3d5e6d359b9a41e8b843dd3c6e72c42c" => Some("ChinaDRM"),
        "adb41c242dbf4a6d958b4457c0d27b95" => Some("Nagra"),
        "5e629af538da4063897797ffbd9902d4" => Some("Marlin"),
        _ => None,
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
        Some("AES-256-GCM") => Method::Aes256Gcm,
        Some("AES-256") => Method::Aes256,
        Some("AES-256-CTR") => Method::Aes256Ctr,
        Some(other) => Method::Other(other.to_owned()),
    };
    let name = list.get("KEYFORMAT").unwrap_or("identity").to_owned();
    let known_version = list.get("KEYFORMATVERSIONS").is_none_or(|versions| versions.split('/').any(|version| version.trim() == "1"));
    let format = KeyFormat { name, url: uri.and_then(|uri| base.join(uri).ok()), iv: list.get("IV").and_then(iv), known_version };
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

    fn key(lines: &[&str]) -> Option<Arc<Key>> {
        let mut keys = Keys::default();
        let base = Url::parse("https://h/a/x.m3u8").expect("a URL");
        for line in lines {
            keys.take(line, &base);
        }
        keys.current()
    }

    #[test]
    fn of_several_formats_the_first_that_leads_to_a_key_is_the_way() {
        let way = |lines: &[&str]| key(lines).and_then(|key| Some(key.usable_format()?.url.as_ref()?.to_string()));
        let widevine = r#"METHOD=SAMPLE-AES,URI="data:,x",KEYFORMAT="urn:uuid:EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED",KEYFORMATVERSIONS="1""#;
        let fairplay = r#"METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery""#;
        let identity = r#"METHOD=SAMPLE-AES,URI="k",KEYFORMAT="identity",KEYFORMATVERSIONS="1/2""#;
        assert_eq!(way(&[widevine, fairplay, identity]).as_deref(), Some("https://h/a/k"));
        assert_eq!(way(&[r#"METHOD=AES-128,URI="k""#]).as_deref(), Some("https://h/a/k"));
        for line in [
            r#"METHOD=AES-128,URI="skd://x""#,
            r#"METHOD=AES-128,URI="k",KEYFORMATVERSIONS="2/5""#,
            "METHOD=AES-128",
            r#"METHOD=AES-128,URI="k",KEYFORMAT="org.w3.clearkey""#,
        ] {
            assert_eq!(way(&[line]), None, "{line}");
        }
        assert_eq!(key(&[widevine, fairplay]).map(|key| key.drm_systems()), Some(vec!["Widevine", "FairPlay"]));
    }

    #[test]
    fn methods_by_name() {
        for name in ["AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR", "AES-256-GCM", "AES-256", "AES-256-CTR", "ROT-13"] {
            let key = key(&[&format!(r#"METHOD={name},URI="k""#)]);
            assert_eq!(key.as_ref().map(|key| key.method.name()), Some(name));
            assert_eq!(key.is_some_and(|key| matches!(key.method, Method::Other(_))), name == "ROT-13");
        }
    }

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
