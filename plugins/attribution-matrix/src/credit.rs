//! Who gets the credit of a conversion, and the shares of an outcome (domain RO-8).

use crate::Model;

/// Terms of the rule model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// How touches share the credit.
    pub model: Model,
    /// Shares of the first touch, of all between, and of the last.
    pub position: [f64; 3],
}

impl Rule {
    /// Credit of touch `at` of `count`, oldest first; the credits of a path add up to 1.
    #[must_use]
    pub fn credit(&self, at: usize, count: usize) -> f64 {
        let is_last = at + 1 == count;
        match (self.model, count) {
            (_, 1) => 1.0,
            (Model::LastTouch, _) => f64::from(u8::from(is_last)),
            (Model::Linear, _) => 1.0 / count as f64,
            (Model::Position, _) => {
                let [first, middle, last] = self.position;
                // Two touches have nothing between them.
                let whole = if count == 2 { first + last } else { first + middle + last };
                let share = match at {
                    0 => first,
                    _ if is_last => last,
                    _ => middle / (count - 2) as f64,
                };
                if whole > 0.0 { share / whole } else { 1.0 / count as f64 }
            }
        }
    }
}

/// What is known of an outcome.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    /// Share by experiment of each strategy, at least 0; none where there is no experiment.
    pub measured: Vec<Option<f64>>,
    /// Credit of each strategy by the rule.
    pub credit: Vec<f64>,
    /// Credit that no strategy has.
    pub nobody: f64,
}

impl Column {
    /// Shares of the strategies, and what is left; none where nothing is known of the outcome. They add up to 1.
    ///
    /// Experiments come first, scaled down where together they explain more than there is. What they leave goes to
    /// the others and to nobody by their credit; without credit the share of the others is not known.
    #[must_use]
    pub fn shares(&self) -> Option<(Vec<Option<f64>>, f64)> {
        let of_measured = || self.measured.iter().flatten();
        let explained: f64 = of_measured().sum();
        let all_credit = self.credit.iter().sum::<f64>() + self.nobody;
        if of_measured().next().is_none() && all_credit <= 0.0 {
            return None;
        }
        let scale = if explained > 1.0 { 1.0 / explained } else { 1.0 };
        let rest = (1.0 - explained).max(0.0);
        let others = self.measured.iter().zip(&self.credit);
        let credit: f64 = others
            .clone()
            .filter(|(measured, _)| measured.is_none())
            .map(|(_, credit)| credit)
            .sum::<f64>()
            + self.nobody;
        let shares: Vec<Option<f64>> = others
            .map(|(measured, own)| match measured {
                Some(share) => Some(share * scale),
                None if credit > 0.0 => Some(rest * own / credit),
                None => (all_credit > 0.0).then_some(0.0),
            })
            .collect();
        let given: f64 = shares.iter().flatten().sum();
        Some((shares, (1.0 - given).max(0.0)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn credits(model: Model, count: usize) -> Vec<f64> {
        let rule = Rule { model, position: [0.4, 0.2, 0.4] };
        (0..count).map(|at| rule.credit(at, count)).collect()
    }

    #[test]
    fn credits_of_a_path_add_up_to_one() {
        for model in [Model::LastTouch, Model::Linear, Model::Position] {
            for count in 1..9 {
                let sum: f64 = credits(model, count).iter().sum();
                assert!((sum - 1.0).abs() < 1e-12, "{model:?} {count}");
            }
        }
    }

    #[test]
    fn models_share_credit_in_their_way() {
        assert_eq!(credits(Model::LastTouch, 3), [0.0, 0.0, 1.0]);
        assert_eq!(credits(Model::Linear, 4), [0.25; 4]);
        assert_eq!(credits(Model::Position, 2), [0.5, 0.5]);
        assert_eq!(credits(Model::Position, 4), [0.4, 0.1, 0.1, 0.4]);
    }

    fn column(measured: [Option<f64>; 3], credit: [f64; 3], nobody: f64) -> Column {
        Column { measured: measured.to_vec(), credit: credit.to_vec(), nobody }
    }

    #[test]
    fn what_experiments_leave_goes_by_credit() {
        let (shares, nobody) =
            column([Some(0.4), None, None], [9.0, 2.0, 1.0], 1.0).shares().unwrap();
        for (got, want) in shares.iter().zip([0.4, 0.3, 0.15]) {
            assert!((got.unwrap() - want).abs() < 1e-12, "{shares:?}");
        }
        assert!((nobody - 0.15).abs() < 1e-12);
    }

    #[test]
    fn experiments_explain_no_more_than_there_is() {
        let (shares, nobody) =
            column([Some(1.0), Some(0.6), None], [0.0, 0.0, 5.0], 0.0).shares().unwrap();
        assert_eq!((shares[0], shares[2]), (Some(0.625), Some(0.0)));
        assert!(nobody < 1e-12);
    }

    #[test]
    fn without_paths_the_others_are_not_known() {
        let (shares, nobody) = column([Some(0.25), None, None], [0.0; 3], 0.0).shares().unwrap();
        assert_eq!((shares, nobody), (vec![Some(0.25), None, None], 0.75));
        assert_eq!(column([None; 3], [0.0; 3], 0.0).shares(), None);
    }
}
