//! Splits a list into parts for several machines.

use std::str::FromStr;

use ring::digest;

use crate::error::Error;

const MAX_SHARDS: u64 = 100_000;

/// One of N parts of a list.
///
/// A channel belongs to the part `h mod N + 1`, where `h` is the first eight bytes of the SHA-256 of its id as a big-endian number. So any
/// tool can compute it, and a channel stays in its part when other channels come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    number: u64,
    count: u64,
}

impl Shard {
    /// Whether the channel with this id belongs to the part.
    pub fn has(self, id: &str) -> bool {
        let digest = digest::digest(&digest::SHA256, id.as_bytes());
        let hash = digest.as_ref().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        hash % self.count + 1 == self.number
    }

    /// Whether it is the first part, which reports lines that are no channels.
    pub fn is_first(self) -> bool {
        self.number == 1
    }
}

impl FromStr for Shard {
    type Err = Error;

    /// Parses `I/N`. Fails with `usage`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once('/').and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((number, count)) if (1..=count).contains(&number) && count <= MAX_SHARDS => Ok(Self { number, count }),
            _ => Err(Error::usage(format!("{text:?} is not a part of a list"), "give I/N, such as 2/3 for the second of three parts")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_number_and_a_count() {
        for text in ["0/3", "4/3", "1/0", "1", "a/b", "-1/2", "1/100001", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("2/3".parse::<Shard>().ok(), Some(Shard { number: 2, count: 3 }));
    }

    #[test]
    fn each_channel_belongs_to_one_part() {
        let shards: Vec<Shard> = (1..=5).filter_map(|number| format!("{number}/5").parse().ok()).collect();
        let mut sizes = [0; 5];
        for id in 0..1000 {
            let parts: Vec<_> = shards.iter().enumerate().filter(|(_, shard)| shard.has(&format!("channel-{id}"))).collect();
            assert_eq!(parts.len(), 1, "{id}");
            for (index, _) in parts {
                sizes[index] += 1;
            }
        }
        assert!(sizes.iter().all(|size| (150..250).contains(size)), "{sizes:?}");
    }

    #[test]
    fn other_tools_can_compute_the_part() {
        // printf bbc-one | sha256sum | cut -c1-16
        let (hash, count) = (BBC_ONE, 7);
        let shard = format!("{}/{count}", hash % count + 1).parse::<Shard>();
        assert!(shard.is_ok_and(|shard| shard.has("bbc-one")));
    }

    const BBC_ONE: u64 = 0x2e58_2d70_7a1a_52be;
}
