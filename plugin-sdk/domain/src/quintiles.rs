//! Cut points between fifths of a population (domain SC-4).

/// Returns the values at the ends of the best 20, 40, 60 and 80 per cent of `best_first`, by nearest rank,
/// so that equal values all get the better score; none of an empty list.
#[must_use]
pub fn quintiles<T: Copy>(best_first: &[T]) -> Option<[T; 4]> {
    let at = |fifth: usize| {
        let rank = (best_first.len() * fifth).div_ceil(5);
        best_first.get(rank.saturating_sub(1)).copied()
    };
    Some([at(1)?, at(2)?, at(3)?, at(4)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifths_end_at_the_nearest_rank() {
        let ten: Vec<i64> = (1..=10).collect();
        assert_eq!(quintiles(&ten), Some([2, 4, 6, 8]));
        let descending: Vec<i64> = (1..=10).rev().collect();
        assert_eq!(quintiles(&descending), Some([9, 7, 5, 3]));
        assert_eq!(quintiles(&[5, 6, 7]), Some([5, 6, 6, 7]));
    }

    #[test]
    fn one_value_cuts_everywhere_and_none_nowhere() {
        assert_eq!(quintiles(&[7]), Some([7; 4]));
        assert_eq!(quintiles::<i64>(&[]), None);
    }
}
