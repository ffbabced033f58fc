//! Random access: finds the access units from which a picture can be decoded whole.

use super::{
    timeline::TimedUnit,
    unit_facts::{EntryPoint, RecoveryPoint, UnitFacts},
};

/// The access units from which `target` can be decoded whole, in the order to try them; all are indices in decoding order.
///
/// The target itself comes first if it needs no other picture. Announced random access points follow, the latest first. Merely intra
/// pictures come last, since the pictures after them may refer to earlier ones.
pub fn entries_for(units: &[TimedUnit], target: usize) -> Vec<usize> {
    let is_usable = |index: &usize| is_whole_from(units, *index, target);
    let is_intra = |index: &usize| units.get(*index).is_some_and(|unit| unit.facts.entry == Some(EntryPoint::Intra));
    let all: Vec<usize> = (0..=target).rev().filter(is_usable).collect();
    let (itself, earlier): (Vec<usize>, Vec<usize>) = all.into_iter().partition(|index| *index == target);
    let (intra, announced): (Vec<usize>, Vec<usize>) = earlier.into_iter().partition(is_intra);
    [itself, announced, intra].concat()
}

/// Whether the picture of `target` is whole if decoding starts at `entry`.
pub fn is_whole_from(units: &[TimedUnit], entry: usize, target: usize) -> bool {
    let Some((from, to)) = units.get(entry).zip(units.get(target)) else { return false };
    if from.facts.lacks_parameters || target < entry {
        return false;
    }
    match from.facts.entry {
        None => false,
        Some(EntryPoint::Closed) => true,
        Some(EntryPoint::Open | EntryPoint::Intra) => target == entry || is_shown_after(from, to) || to.facts.is_decodable_leading,
        Some(EntryPoint::Gradual(recovery)) => {
            let complete =
                (entry..=target).find(|index| units.get(*index).is_some_and(|unit| has_recovered(&from.facts, recovery, &unit.facts)));
            complete
                .and_then(|index| Some((index, units.get(index)?)))
                .is_some_and(|(index, unit)| index == target || is_shown_after(unit, to))
        }
    }
}

fn has_recovered(from: &UnitFacts, recovery: RecoveryPoint, unit: &UnitFacts) -> bool {
    match recovery {
        RecoveryPoint::Frames(count) => from.frame_number.zip(unit.frame_number).is_some_and(|((first, modulus), (number, _))| {
            unit.period == from.period && modulus > 0 && (number + modulus - first % modulus) % modulus >= count
        }),
        RecoveryPoint::Order(order) => unit.period == from.period && unit.order.is_some_and(|own| own >= order),
    }
}

/// Compares by output order, or by time if the codec's headers do not give the order.
fn is_shown_after(one: &TimedUnit, other: &TimedUnit) -> bool {
    match (one.facts.order, other.facts.order) {
        (Some(first), Some(second)) => (other.facts.period, second) > (one.facts.period, first),
        _ => one.pts.zip(other.pts).is_none_or(|(first, second)| second > first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(entry: Option<EntryPoint>, order: i64) -> TimedUnit {
        let facts = UnitFacts {
            entry,
            order: Some(order),
            frame_number: Some((u32::try_from(order / 2).unwrap_or(0), 16)),
            ..UnitFacts::default()
        };
        TimedUnit { facts, ..TimedUnit::default() }
    }

    #[test]
    fn pictures_shown_before_an_open_entry_need_an_earlier_one() {
        // IDR, P, then an open group: I, two leading B, P
        let units = [
            unit(Some(EntryPoint::Closed), 0),
            unit(None, 6),
            unit(Some(EntryPoint::Open), 12),
            unit(None, 8),
            unit(None, 10),
            unit(None, 14),
        ];
        assert_eq!(entries_for(&units, 2), [2, 0]);
        assert_eq!(entries_for(&units, 3), [0]);
        assert_eq!(entries_for(&units, 5), [2, 0]);
        let mut leading = units.to_vec();
        leading[3].facts.is_decodable_leading = true;
        assert_eq!(entries_for(&leading, 3), [2, 0]);
    }

    #[test]
    fn a_refresh_counts_its_frames() {
        let mut units: Vec<_> = (0..10).map(|index| unit(None, 2 * index)).collect();
        units[2].facts.entry = Some(EntryPoint::Gradual(RecoveryPoint::Frames(4)));
        assert!((0..10).map(|target| is_whole_from(&units, 2, target)).eq((0..10).map(|target| target >= 6)));
        units[2].facts.entry = Some(EntryPoint::Gradual(RecoveryPoint::Order(10)));
        assert!((0..10).map(|target| is_whole_from(&units, 2, target)).eq((0..10).map(|target| target >= 5)));
    }

    #[test]
    fn announced_entries_come_before_those_that_are_merely_intra() {
        let units = [unit(Some(EntryPoint::Closed), 0), unit(Some(EntryPoint::Intra), 2), unit(None, 4)];
        assert_eq!(entries_for(&units, 2), [0, 1]);
        assert_eq!(entries_for(&units, 1), [1, 0]);
        let mut unknown = units.to_vec();
        unknown[0].facts.lacks_parameters = true;
        assert_eq!(entries_for(&unknown, 2), [1]);
    }
}
