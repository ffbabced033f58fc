//! Keys (section 4.4.4.4): the tag, its type, and which keys apply to the next segment.

use std::sync::Arc;

use url::Url;

use super::attributes::Attributes;

/// Encryption of a segment (section 4.4.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// METHOD.
    pub method: Method,
    /// One or more formats of the same key in playlist order, each with another KEYFORMAT.
    pub formats: Vec<KeyFormat>,
}

/// One format in which a key is available (section 4.4.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFormat {
    /// KEYFORMAT; `identity` if it is missing.
    pub name: String,
    /// URI, resolved against the playlist's URL; `None` if it is missing or invalid.
    pub url: Option<Url>,
    /// IV; without it the Media Sequence Number is the IV, as a big-endian number (section 5.2).
    pub iv: Option<[u8; 16]>,
    /// Whether KEYFORMATVERSIONS includes 1, the only supported version.
    pub is_supported_version: bool,
}

/// METHOD of EXT-X-KEY, except NONE (section 4.4.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// AES-128: whole segments in CBC mode.
    Aes128,
    /// SAMPLE-AES: samples; `cbcs` in fMP4.
    SampleAes,
    /// SAMPLE-AES-CTR: samples; `cenc` in fMP4.
    SampleAesCtr,
    /// AES-256-GCM: whole segments, authenticated.
    Aes256Gcm,
    /// AES-256: as AES-128, with a key of 256 bits. Players support it, although no draft defines it.
    Aes256,
    /// AES-256-CTR: whole segments in counter mode. Players support it, although no draft defines it.
    Aes256Ctr,
    /// Any other METHOD, in upper case.
    Other(String),
}

impl Key {
    /// Reads one EXT-X-KEY or EXT-X-SESSION-KEY. `None` for METHOD=NONE.
    pub(super) fn of(attributes: &str, base: &Url) -> Option<Self> {
        read(attributes, base).map(|(method, format)| Self { method, formats: vec![format] })
    }

    /// The first format whose key can be downloaded: KEYFORMAT `identity`, a supported version, and a URI that belongs to no DRM system.
    pub fn usable_format(&self) -> Option<&KeyFormat> {
        let is_usable = |format: &&KeyFormat| format.is_identity() && format.is_supported_version && format.drm_system().is_none();
        self.formats.iter().filter(is_usable).find(|format| format.url.is_some())
    }

    /// Names of the DRM systems that have the key, without repetitions of neighbors.
    pub fn drm_systems(&self) -> Vec<&'static str> {
        let mut systems: Vec<_> = self.formats.iter().filter_map(KeyFormat::drm_system).collect();
        systems.dedup();
        systems
    }

    /// METHOD and DRM systems for messages: `SAMPLE-AES with FairPlay`.
    pub fn protection_name(&self) -> String {
        let systems = self.drm_systems();
        let method = self.method.name();
        if systems.is_empty() { method.to_owned() } else { format!("{method} with {}", systems.join(", ")) }
    }
}

impl Method {
    /// The METHOD as playlists write it.
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

    /// Whether samples are encrypted, and not the segment as a whole.
    pub fn encrypts_samples(&self) -> bool {
        matches!(self, Self::SampleAes | Self::SampleAesCtr)
    }
}

impl KeyFormat {
    fn is_identity(&self) -> bool {
        self.name.eq_ignore_ascii_case("identity")
    }

    /// The DRM system that has the key; `None` if the key is at a URL.
    fn drm_system(&self) -> Option<&'static str> {
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

/// The DRM system with this system ID: 32 hexadecimal digits in lower case, as in `pssh` (ISO/IEC 23001-7, 8.1). DASH-IF lists the IDs.
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

/// Formats of one key that are kept. No packager writes more, and an attacker could.
const MAX_FORMATS: usize = 16;

/// The keys that apply to the next segment. A key applies until another one of the same KEYFORMAT, or until METHOD=NONE.
#[derive(Debug, Default)]
pub(super) struct ActiveKeys {
    formats: Vec<KeyFormat>,
    method: Option<Method>,
    /// `method` and `formats` as a key, shared between segments.
    key: Option<Arc<Key>>,
    /// Whether `key` is out of date.
    is_changed: bool,
}

impl ActiveKeys {
    /// Applies EXT-X-KEY.
    pub fn apply(&mut self, attributes: &str, base: &Url) {
        self.is_changed = true;
        let Some((method, format)) = read(attributes, base) else {
            self.formats.clear();
            self.method = None;
            return;
        };
        if self.method.as_ref() != Some(&method) {
            // Formats of one key share its METHOD (section 4.4.4.4), so another METHOD starts a new key
            self.formats.clear();
        }
        self.formats.retain(|known| known.name != format.name);
        if self.formats.len() < MAX_FORMATS {
            self.formats.push(format);
        }
        self.method = Some(method);
    }

    /// The key of the next segment; `None` if it is clear. As long as the key is equal, it is the same `Arc`.
    pub fn current(&mut self) -> Option<Arc<Key>> {
        if std::mem::take(&mut self.is_changed) {
            let current = self.method.clone().map(|method| Key { method, formats: self.formats.clone() });
            if self.key.as_deref() != current.as_ref() {
                self.key = current.map(Arc::new);
            }
        }
        self.key.clone()
    }
}

/// Reads EXT-X-KEY. `None` for METHOD=NONE.
fn read(attributes: &str, base: &Url) -> Option<(Method, KeyFormat)> {
    let list = Attributes::of(attributes);
    let uri = list.get("URI");
    let method = match list.get("METHOD").map(str::to_ascii_uppercase).as_deref() {
        None if uri.is_none() => return None,
        Some("NONE") => return None,
        // Packagers that forget METHOD mean AES-128
        None | Some("AES-128") => Method::Aes128,
        Some("SAMPLE-AES") => Method::SampleAes,
        Some("SAMPLE-AES-CTR") => Method::SampleAesCtr,
        Some("AES-256-GCM") => Method::Aes256Gcm,
        Some("AES-256") => Method::Aes256,
        Some("AES-256-CTR") => Method::Aes256Ctr,
        Some(other) => Method::Other(other.to_owned()),
    };
    let name = list.get("KEYFORMAT").unwrap_or("identity").to_owned();
    let is_supported_version =
        list.get("KEYFORMATVERSIONS").is_none_or(|versions| versions.split('/').any(|version| version.trim() == "1"));
    let format = KeyFormat { name, url: uri.and_then(|uri| base.join(uri).ok()), iv: list.get("IV").and_then(iv), is_supported_version };
    Some((method, format))
}

/// A 128-bit number in hexadecimal digits. A short one is padded on the left, and of a long one the last 32 digits count.
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
        let mut keys = ActiveKeys::default();
        let base = Url::parse("https://h/a/x.m3u8").expect("a URL");
        for line in lines {
            keys.apply(line, &base);
        }
        keys.current()
    }

    #[test]
    fn the_first_format_whose_key_can_be_downloaded_is_usable() {
        let usable_url = |lines: &[&str]| key(lines).and_then(|key| Some(key.usable_format()?.url.as_ref()?.to_string()));
        let widevine = r#"METHOD=SAMPLE-AES,URI="data:,x",KEYFORMAT="urn:uuid:EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED",KEYFORMATVERSIONS="1""#;
        let fairplay = r#"METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery""#;
        let identity = r#"METHOD=SAMPLE-AES,URI="k",KEYFORMAT="identity",KEYFORMATVERSIONS="1/2""#;
        assert_eq!(usable_url(&[widevine, fairplay, identity]).as_deref(), Some("https://h/a/k"));
        assert_eq!(usable_url(&[r#"METHOD=AES-128,URI="k""#]).as_deref(), Some("https://h/a/k"));
        for line in [
            r#"METHOD=AES-128,URI="skd://x""#,
            r#"METHOD=AES-128,URI="k",KEYFORMATVERSIONS="2/5""#,
            "METHOD=AES-128",
            r#"METHOD=AES-128,URI="k",KEYFORMAT="org.w3.clearkey""#,
        ] {
            assert_eq!(usable_url(&[line]), None, "{line}");
        }
        assert_eq!(key(&[widevine, fairplay]).map(|key| key.drm_systems()), Some(vec!["Widevine", "FairPlay"]));
    }

    #[test]
    fn methods_have_the_names_of_the_playlist() {
        for name in ["AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR", "AES-256-GCM", "AES-256", "AES-256-CTR", "ROT-13"] {
            let key = key(&[&format!(r#"METHOD={name},URI="k""#)]);
            assert_eq!(key.as_ref().map(|key| key.method.name()), Some(name));
            assert_eq!(key.is_some_and(|key| matches!(key.method, Method::Other(_))), name == "ROT-13");
        }
    }

    #[test]
    fn ivs_of_any_length_are_read() {
        assert_eq!(iv("0x0000000000000000000000000000000A"), Some(10u128.to_be_bytes()));
        assert_eq!(iv("0XFF"), Some(255u128.to_be_bytes()));
        assert_eq!(iv("0x1ffffffffffffffffffffffffffffffff"), Some([0xff; 16]));
        for text in ["0x", "10", "0xg0", "", "0x+1"] {
            assert_eq!(iv(text), None, "{text}");
        }
    }
}
