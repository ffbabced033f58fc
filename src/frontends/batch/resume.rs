//! The lines that an interrupted run has done, read from its results.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, Read},
};

use serde::{Deserialize, de::IgnoredAny};

/// The longest line of results, in bytes. A longer one does not count.
const MAX_RESULT_BYTES: u64 = 1 << 20;

/// The finished lines. Only their hashes are kept: among a million lines, a collision skips one with a probability of 1 in 18 million.
#[derive(Debug, Default)]
pub(in crate::frontends) struct DoneLines {
    hashes: HashSet<u64>,
    /// Whether the results end within a line.
    pub is_torn: bool,
}

/// The relevant fields of a result.
#[derive(Deserialize)]
struct ResultLine {
    line: u64,
    id: Option<String>,
    error: Option<IgnoredAny>,
}

impl DoneLines {
    /// Reads the results of an earlier run. Failures and incomplete lines do not count.
    pub fn read(mut results: impl BufRead) -> io::Result<Self> {
        let (mut done, mut text) = (Self::default(), Vec::new());
        loop {
            text.clear();
            if results.by_ref().take(MAX_RESULT_BYTES).read_until(b'\n', &mut text)? == 0 {
                return Ok(done);
            }
            done.is_torn = !text.ends_with(b"\n");
            let result = serde_json::from_slice(&text).ok().filter(|_| !done.is_torn);
            if let Some(ResultLine { line, id: Some(id), error: None }) = result {
                done.hashes.insert(hash(line, &id));
            }
        }
    }

    /// Whether the line with this number and this id is done.
    pub fn has(&self, line: u64, id: &str) -> bool {
        !self.hashes.is_empty() && self.hashes.contains(&hash(line, id))
    }
}

fn hash(line: u64, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line, id).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_results_without_an_error_count() {
        let results = "{\"line\":1,\"id\":\"a\",\"bytes\":5}\n\n{\"line\":2,\"id\":\"b\",\"error\":{\"kind\":\"timeout\"}}\n\
                       {\"line\":3,\"i{\"line\":4,\"id\":\"d\"}\nnot json\n{\"line\":5,\"id\":\"e\"}\n{\"line\":6,\"id\":null}\n\
                       {\"line\":7,\"id\":\"g\"}";
        let done = DoneLines::read(results.as_bytes()).expect("readable");
        let lines = [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e"), (6, ""), (7, "g"), (1, "b"), (2, "a")];
        let found: Vec<_> = lines.into_iter().filter(|(line, id)| done.has(*line, id)).collect();
        assert_eq!(found, [(1, "a"), (5, "e")]);
        assert!(done.is_torn);
        assert!(!DoneLines::read(&b"{\"line\":7,\"id\":\"g\"}\n"[..]).expect("readable").is_torn);
        assert!(!DoneLines::read(&b""[..]).expect("readable").is_torn);
    }
}
