//! Stores the parameter sets of an H.264 or HEVC stream.

use std::collections::BTreeMap;

/// How a codec codes its parameter sets.
pub(super) trait ParameterSyntax {
    /// A parsed sequence parameter set.
    type Sps: Clone;
    /// A parsed picture parameter set.
    type Pps: Clone;

    /// Maximum size of a parameter set, in bytes; larger ones are ignored.
    const MAX_BYTES: usize;

    /// The type and the identifier of a parameter set; `None` for any other NAL unit. Identifiers are bounded, so the store is too.
    fn identify(unit: &[u8]) -> Option<(u8, u32)>;

    /// Parses a parameter set of the type that [`identify`](Self::identify) returned.
    fn parse(kind: u8, unit: &[u8]) -> Option<ParsedParameters<Self::Sps, Self::Pps>>;

    /// The identifier of the sequence parameter set that a picture parameter set refers to.
    fn sequence_id(picture: &Self::Pps) -> u32;
}

/// A parsed parameter set.
pub(super) enum ParsedParameters<S, P> {
    Sequence(S),
    Picture(P),
    /// A parameter set that slice headers do not need, but decoders do (HEVC's VPS).
    Other,
}

/// The parameter sets of a stream, as read until now.
#[derive(Debug, Clone)]
pub(super) struct ParameterSets<C: ParameterSyntax> {
    sequences: BTreeMap<u32, C::Sps>,
    pictures: BTreeMap<u32, C::Pps>,
    /// The NAL units, by type and identifier.
    units: BTreeMap<(u8, u32), Vec<u8>>,
}

impl<C: ParameterSyntax> Default for ParameterSets<C> {
    fn default() -> Self {
        Self { sequences: BTreeMap::new(), pictures: BTreeMap::new(), units: BTreeMap::new() }
    }
}

impl<C: ParameterSyntax> ParameterSets<C> {
    /// Stores a NAL unit if it is a valid parameter set.
    pub fn insert(&mut self, unit: &[u8]) {
        let Some((kind, id)) = C::identify(unit).filter(|_| unit.len() <= C::MAX_BYTES) else { return };
        match C::parse(kind, unit) {
            Some(ParsedParameters::Sequence(sequence)) => _ = self.sequences.insert(id, sequence),
            Some(ParsedParameters::Picture(picture)) => _ = self.pictures.insert(id, picture),
            Some(ParsedParameters::Other) => {}
            None => return,
        }
        self.units.insert((kind, id), unit.to_vec());
    }

    /// Stores `count` NAL units, each after its length in two bytes, as `avcC` and `hvcC` records hold them. Returns the bytes after them.
    pub fn insert_list<'a>(&mut self, count: u16, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let mut rest = bytes;
        for _ in 0..count {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (unit, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            self.insert(unit);
            rest = after;
        }
        Some(rest)
    }

    /// The picture parameter set with this identifier, and the sequence parameter set that it refers to.
    pub fn active(&self, picture_id: u32) -> Option<(&C::Sps, &C::Pps)> {
        let picture = self.pictures.get(&picture_id)?;
        Some((self.sequences.get(&C::sequence_id(picture))?, picture))
    }

    /// The stored parameter sets that are not among `units`, as a byte stream.
    pub fn missing(&self, units: &[&[u8]]) -> Vec<u8> {
        let present: Vec<_> = units.iter().filter_map(|unit| C::identify(unit)).collect();
        let missing = self.units.iter().filter(|(key, _)| !present.contains(key));
        missing.flat_map(|(_, unit)| [&[0, 0, 0, 1], unit.as_slice()].concat()).collect()
    }

    /// Adds the parameter sets of another part of the stream. Its own ones win.
    pub fn inherit(&mut self, other: &Self) {
        add_missing(&mut self.sequences, &other.sequences);
        add_missing(&mut self.pictures, &other.pictures);
        add_missing(&mut self.units, &other.units);
    }
}

fn add_missing<K: Ord + Copy, V: Clone>(own: &mut BTreeMap<K, V>, other: &BTreeMap<K, V>) {
    for (key, value) in other {
        own.entry(*key).or_insert_with(|| value.clone());
    }
}
