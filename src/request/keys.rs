//! Decryption keys that the caller provides.

use std::{fmt, str::FromStr};

use crate::{error::Error, hex::decode_hex};

/// Keys to use instead of those that the playlist names. They are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DecryptionKeys {
    /// The key for everything that is encrypted: 16 bytes, or 32 for AES-256.
    any: Option<Vec<u8>>,
    /// Keys of Common Encryption, by their key IDs.
    by_id: Vec<([u8; 16], [u8; 16])>,
}

impl DecryptionKeys {
    /// No stream has more.
    const MAX_KEYS: usize = 256;

    /// Whether no key is given.
    pub fn is_empty(&self) -> bool {
        self.any.is_none() && self.by_id.is_empty()
    }

    /// The key for everything that is encrypted.
    pub fn any(&self) -> Option<&[u8]> {
        self.any.as_deref()
    }

    /// The key with this ID, or else the one for everything.
    pub fn for_id(&self, id: &[u8]) -> Option<&[u8]> {
        let key = self.by_id.iter().find(|(known, _)| known.as_slice() == id);
        key.map(|(_, key)| key.as_slice()).or(self.any())
    }

    /// Adds `KEY` or `KID=KEY`, in hexadecimal digits. A KID may be a UUID. A later key replaces an earlier one.
    pub fn add(&mut self, text: &str) -> Result<(), Error> {
        let added: Self = text.parse()?;
        if added.any.is_some() {
            self.any = added.any;
        }
        for (id, key) in added.by_id {
            self.by_id.retain(|(known, _)| *known != id);
            self.by_id.push((id, key));
        }
        if self.by_id.len() > Self::MAX_KEYS {
            return Err(usage(&format!("more than {} keys are given with --decryption-key", Self::MAX_KEYS)));
        }
        Ok(())
    }
}

impl FromStr for DecryptionKeys {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let sixteen = |text: &str| key_bytes(text).and_then(|bytes| bytes.try_into().ok());
        let Some((id, key)) = text.split_once('=') else {
            let key = key_bytes(text).filter(|key| matches!(key.len(), 16 | 32));
            let key = key.ok_or_else(|| usage("--decryption-key is neither 32 hexadecimal digits nor, for AES-256, 64"))?;
            return Ok(Self { any: Some(key), by_id: Vec::new() });
        };
        let id = sixteen(&id.replace('-', "")).ok_or_else(|| usage("--decryption-key: the KID is not 32 hexadecimal digits"))?;
        let key = sixteen(key).ok_or_else(|| usage("--decryption-key: the key of a KID is not 32 hexadecimal digits"))?;
        Ok(Self { any: None, by_id: vec![(id, key)] })
    }
}

impl fmt::Debug for DecryptionKeys {
    /// The number of keys: the keys are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", usize::from(self.any.is_some()) + self.by_id.len())
    }
}

/// Decodes hexadecimal digits, with or without 0x.
fn key_bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    decode_hex(text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text))
}

fn usage(message: &str) -> Error {
    Error::usage(message, "give --decryption-key KEY or KID=KEY, in hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const ID: &str = "00112233445566778899aabbccddeeff";
    const KEY: &str = "ffeeddccbbaa99887766554433221100";

    #[test]
    fn keys_are_found_by_id_or_for_everything() {
        let mut keys = DecryptionKeys::default();
        assert!(keys.is_empty());
        keys.add(&format!("00112233-4455-6677-8899-AABBCCDDEEFF={KEY}")).expect("a key with its ID");
        let id = key_bytes(ID).expect("digits");
        assert_eq!((keys.for_id(&id), keys.for_id(b"other"), keys.any()), (key_bytes(KEY).as_deref(), None, None));
        keys.add(&format!("0x{}", "ab".repeat(32))).expect("a key of 256 bits");
        assert_eq!((keys.for_id(b"other"), keys.for_id(&id)), (Some(&[0xab; 32][..]), key_bytes(KEY).as_deref()));
        keys.add(&format!("{ID}={ID}")).expect("again");
        assert_eq!(keys.for_id(&id), Some(id.as_slice()));
    }

    #[test]
    fn invalid_keys_are_refused_and_never_shown() {
        for text in ["", "secret", "00", KEY.get(1..).unwrap_or_default(), &format!("x={KEY}"), &format!("{ID}=secret"), &format!("{ID}=")]
        {
            let error = DecryptionKeys::default().add(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("secret") && !shown.contains("eeddccbb"), "{shown}");
        }
        let mut keys = DecryptionKeys::default();
        keys.add(KEY).expect("a key");
        assert_eq!(format!("{keys:?}"), "1 keys");
    }
}
