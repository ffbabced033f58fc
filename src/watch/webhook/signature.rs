//! Signs messages by the scheme of Standard Webhooks (<https://www.standardwebhooks.com>), whose libraries receivers use to verify them.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;

use crate::error::Error;

/// The prefix that marks such a key.
const PREFIX: &str = "whsec_";
/// The lengths of keys that the scheme allows, in bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A key that signs messages.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// The value of the header `webhook-signature` of a message with this ID, sent at `timestamp`, in seconds since 1970.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl FromStr for SigningKey {
    type Err = Error;

    /// Reads a key in Base64, with or without its prefix. Fails with `usage`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let key = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).unwrap_or_default();
        if KEY_BYTES.contains(&key.len()) {
            return Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)));
        }
        Err(Error::usage(
            "the webhook's key is not 24 to 64 bytes in Base64",
            "make one with `openssl rand -base64 32`, and give it to the receiver too; the prefix whsec_ may precede it",
        ))
    }
}

impl fmt::Debug for SigningKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference libraries' tests.
    #[test]
    fn a_message_is_signed_as_the_reference_signs_it() {
        let signed = |key: &str| {
            let key: SigningKey = key.parse().expect("a key");
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#)
        };
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), expected);
        assert_eq!(signed("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), expected);
    }

    #[test]
    fn other_keys_are_refused() {
        for text in ["", "secret", "whsec_", "whsec_c2hvcnQ=", &STANDARD.encode([1; 23]), &STANDARD.encode([1; 65]), "whsec_öäü"] {
            let error = text.parse::<SigningKey>().expect_err(text);
            assert!(text.is_empty() || text == "whsec_" || !error.one_line().contains(text), "{error}");
        }
        assert!(STANDARD.encode([1; 24]).parse::<SigningKey>().is_ok());
        assert!(STANDARD.encode([1; 64]).parse::<SigningKey>().is_ok());
    }
}
