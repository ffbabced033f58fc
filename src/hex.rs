//! Hexadecimal digits.

use std::fmt::Write as _;

/// The bytes of pairs of digits, in any letter case; `None` for anything else.
pub fn decode_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| if let [high, low] = pair { Some(digit(high)? << 4 | digit(low)?) } else { None }).collect()
}

/// Two lower-case digits for each byte.
pub fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}
