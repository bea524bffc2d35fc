//! Rates of a funnel and its weakest step (domain SG-6, SG-11).

/// Members of one step, and what its rate is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Members who took the step.
    pub members: Option<f64>,
    /// Rate that is expected of it; none: the rate itself is compared.
    pub expected: Option<f64>,
}

/// Returns how many of the step before took each step; none for the first, and where nobody could.
#[must_use]
pub fn rates(steps: &[Step]) -> Vec<Option<f64>> {
    let rate = |at: usize| {
        let before = steps[at.checked_sub(1)?].members.filter(|members| *members > 0.0)?;
        Some(steps[at].members? / before)
    };
    (0..steps.len()).map(rate).collect()
}

/// Returns the step whose rate is lowest, by what is expected of it where that is known; of equals the first.
#[must_use]
pub fn weakest(steps: &[Step], rates: &[Option<f64>]) -> Option<usize> {
    let mut weakest: Option<(usize, f64)> = None;
    for (at, (step, rate)) in steps.iter().zip(rates).enumerate() {
        let Some(rate) = *rate else { continue };
        let reached = rate / step.expected.filter(|expected| *expected > 0.0).unwrap_or(1.0);
        if weakest.is_none_or(|(_, least)| reached < least) {
            weakest = Some((at, reached));
        }
    }
    weakest.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(members: &[Option<f64>]) -> Vec<Step> {
        members.iter().map(|members| Step { members: *members, expected: None }).collect()
    }

    #[test]
    fn a_rate_is_of_the_step_before() {
        let steps = steps(&[Some(200.0), Some(50.0), Some(25.0)]);
        assert_eq!(rates(&steps), [None, Some(0.25), Some(0.5)]);
    }

    #[test]
    fn nobody_before_and_nothing_known_give_no_rate() {
        assert_eq!(rates(&steps(&[Some(0.0), Some(0.0), Some(1.0)])), [None, None, None]);
        assert_eq!(
            rates(&steps(&[Some(4.0), None, Some(1.0), Some(1.0)])),
            [None, None, None, Some(1.0)]
        );
        assert_eq!(rates(&[]), []);
    }

    #[test]
    fn the_weakest_step_has_the_lowest_rate_and_of_equals_the_first() {
        let of = |members: &[Option<f64>]| {
            let steps = steps(members);
            weakest(&steps, &rates(&steps))
        };
        assert_eq!(of(&[Some(100.0), Some(50.0), Some(10.0), Some(9.0)]), Some(2));
        assert_eq!(of(&[Some(100.0), Some(50.0), Some(25.0)]), Some(1));
        assert_eq!(of(&[Some(100.0), None]), None);
    }

    #[test]
    fn what_is_expected_of_a_step_decides_where_it_is_known() {
        let mut steps = steps(&[Some(100.0), Some(50.0), Some(10.0)]);
        (steps[1].expected, steps[2].expected) = (Some(0.9), Some(0.2));
        assert_eq!(weakest(&steps, &rates(&steps)), Some(1));
        steps[1].expected = Some(0.0);
        assert_eq!(weakest(&steps, &rates(&steps)), Some(1), "0.5 of 1 is less than 1 of 1");
    }
}
