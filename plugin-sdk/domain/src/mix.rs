//! Next-slot rule of the content calendar: the category that lags its target most (domain CA-4).

/// Targets of one mix and what has been planned so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    targets: Vec<f64>,
    planned: Vec<u32>,
}

impl Mix {
    /// Starts a mix; targets are shares that add up to 1.
    #[must_use]
    pub fn new(targets: &[f64]) -> Self {
        Self { targets: targets.to_vec(), planned: vec![0; targets.len()] }
    }

    /// Starts a mix after what was published or planned before, as far as there is a target for it.
    #[must_use]
    pub fn begun(targets: &[f64], before: &[u32]) -> Self {
        let mut mix = Self::new(targets);
        for (planned, before) in mix.planned.iter_mut().zip(before) {
            *planned = *before;
        }
        mix
    }

    /// Plans one more slot and returns its category, the one with the largest target minus actual
    /// share, ties to the earlier; none where the mix has no category.
    pub fn next_slot(&mut self) -> Option<usize> {
        let whole = self.whole();
        let mut best: Option<(usize, f64)> = None;
        for (at, (target, planned)) in self.targets.iter().zip(&self.planned).enumerate() {
            let lag = target - f64::from(*planned) / whole;
            // Shares such as 1/3 + 2/3 carry rounding; lags closer than that count as equal.
            if best.is_none_or(|(_, most)| lag > most + 1e-9) {
                best = Some((at, lag));
            }
        }
        let (at, _) = best?;
        self.planned[at] += 1;
        Some(at)
    }

    fn whole(&self) -> f64 {
        f64::from(self.planned.iter().sum::<u32>().max(1))
    }

    /// Returns the planned shares; all 0 before the first slot.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let whole = self.whole();
        self.planned.iter().map(|planned| f64::from(*planned) / whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_slot_goes_to_the_largest_target_and_ties_to_the_earlier() {
        assert_eq!(Mix::new(&[0.3, 0.4, 0.3]).next_slot(), Some(1));
        assert_eq!(Mix::new(&[0.5, 0.5]).next_slot(), Some(0));
        assert_eq!(Mix::new(&[]).next_slot(), None);
    }

    #[test]
    fn ten_slots_meet_shares_of_tenths() {
        let mut mix = Mix::new(&[0.3, 0.4, 0.3]);
        for _ in 0..10 {
            mix.next_slot();
        }
        assert_eq!(mix.shares(), [0.3, 0.4, 0.3]);
    }

    #[test]
    fn what_was_published_before_counts() {
        let mut mix = Mix::begun(&[0.5, 0.5], &[3, 0]);
        let next: Vec<_> = (0..4).map(|_| mix.next_slot()).collect();
        assert_eq!(next, [1, 1, 1, 0].map(Some));
        assert_eq!(Mix::begun(&[1.0], &[1, 7]).shares(), [1.0]);
    }

    #[test]
    fn a_long_plan_stays_within_the_tolerance() {
        let targets = [0.8, 0.2];
        let mut mix = Mix::new(&targets);
        for planned in 1..=200 {
            mix.next_slot();
            let near = mix
                .shares()
                .iter()
                .zip(targets)
                .all(|(share, target)| (share - target).abs() <= 0.05);
            assert!(near || planned < 20, "{planned}: {:?}", mix.shares());
        }
    }

    #[test]
    fn a_category_without_a_target_is_never_planned() {
        let mut mix = Mix::new(&[1.0, 0.0]);
        assert!((0..50).all(|_| mix.next_slot() == Some(0)));
    }
}
