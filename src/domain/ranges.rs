//! Sets of message numbers, kept as ranges: most numbers of a folder follow one upon the other.
//!
//! Some bytes for each gap between numbers.

use std::collections::BTreeMap;

/// Numbers as ranges, first → last.
#[derive(Clone, Debug, Default)]
pub struct Ranges(BTreeMap<i64, i64>);

impl Ranges {
    /// Adds a number; false when it is there.
    pub fn insert(&mut self, number: i64) -> bool {
        let before = self.before(number);
        if before.is_some_and(|(_, last)| number <= last) {
            return false;
        }
        let first = before.filter(|(_, last)| last + 1 == number).map_or(number, |(first, _)| first);
        let last = self.0.remove(&(number + 1)).unwrap_or(number);
        self.0.insert(first, last);
        true
    }

    /// Whether a number is there.
    pub fn contains(&self, number: i64) -> bool {
        self.before(number).is_some_and(|(_, last)| number <= last)
    }

    fn before(&self, number: i64) -> Option<(i64, i64)> {
        self.0.range(..=number).next_back().map(|(first, last)| (*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_a_set(numbers in proptest::collection::vec(1i64..40, 0..80)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for number in numbers {
                prop_assert_eq!(ranges.insert(number), set.insert(number));
            }
            let all: Vec<i64> = ranges.0.iter().flat_map(|(first, last)| *first..=*last).collect();
            prop_assert_eq!(all, set.iter().copied().collect::<Vec<_>>());
            for number in 0..45 {
                prop_assert_eq!(ranges.contains(number), set.contains(&number));
            }
        }
    }
}
