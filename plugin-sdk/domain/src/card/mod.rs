//! Score cards: measures become scores of one scale, scores dimensions, dimensions a total (domain 0.1, 0.3).

mod build;
mod over_time;
mod settings;

pub use build::{Built, Column, Fault, Group, Measured, Total, Wanted, build};
pub use over_time::{diverges, falls, latch, run};

use crate::{is_enough, map};

/// What holds for a measure that is in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// The measure reaches the bound.
    AtLeast(f64),
    /// The measure does not exceed the bound.
    AtMost(f64),
    /// The measure exceeds the bound.
    Above(f64),
    /// The measure stays under the bound.
    Below(f64),
}

impl Limit {
    /// Returns the one limit that settings give, or none where they give none.
    ///
    /// # Errors
    /// More than one limit.
    pub fn one_of(
        at_least: Option<f64>,
        at_most: Option<f64>,
        above: Option<f64>,
        below: Option<f64>,
    ) -> Result<Option<Self>, &'static str> {
        let all = [
            at_least.map(Self::AtLeast),
            at_most.map(Self::AtMost),
            above.map(Self::Above),
            below.map(Self::Below),
        ];
        let mut given = all.into_iter().flatten();
        match (given.next(), given.next()) {
            (limit, None) => Ok(limit),
            _ => Err("takes one of `at_least`, `at_most`, `above` and `below`"),
        }
    }

    /// Whether a measure breaks the limit.
    #[must_use]
    pub fn is_broken_by(self, x: f64) -> bool {
        match self {
            Self::AtLeast(bound) => x < bound,
            Self::AtMost(bound) => x > bound,
            Self::Above(bound) => x <= bound,
            Self::Below(bound) => x >= bound,
        }
    }

    /// The bound.
    #[must_use]
    pub fn bound(self) -> f64 {
        match self {
            Self::AtLeast(bound)
            | Self::AtMost(bound)
            | Self::Above(bound)
            | Self::Below(bound) => bound,
        }
    }

    /// The same limit at another bound.
    #[must_use]
    pub fn at(self, bound: f64) -> Self {
        match self {
            Self::AtLeast(_) => Self::AtLeast(bound),
            Self::AtMost(_) => Self::AtMost(bound),
            Self::Above(_) => Self::Above(bound),
            Self::Below(_) => Self::Below(bound),
        }
    }
}

/// How a measure becomes a score.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// The linear mapping between the measure of score 0 and that of the full score.
    Map(f64, f64),
    /// Points (measure, share of the full score) with straight lines between them, ascending by measure.
    Curve(Vec<[f64; 2]>),
    /// The full score where the limit holds, else 0.
    Kept(Limit),
    /// The full score where the limit is broken, else 0: scales on which more is worse.
    Broken(Limit),
}

impl Form {
    /// Returns the score of a measure, 0 to `max`.
    #[inline]
    #[must_use]
    pub fn score(&self, x: f64, max: f64) -> f64 {
        match self {
            Self::Map(low, high) => map(x, *low, *high, max),
            Self::Curve(points) => max * curve(points, x),
            Self::Kept(limit) => max * f64::from(u8::from(!limit.is_broken_by(x))),
            Self::Broken(limit) => max * f64::from(u8::from(limit.is_broken_by(x))),
        }
    }

    /// Returns the measure of a score, where the form has just one.
    #[must_use]
    pub fn measure(&self, score: f64, max: f64) -> Option<f64> {
        match self {
            Self::Map(low, high) => Some(low + score / max * (high - low)),
            _ => None,
        }
    }
}

/// The share at `x` on the lines between points; what lies outside takes the share of the nearest point.
fn curve(points: &[[f64; 2]], x: f64) -> f64 {
    let after = points.iter().position(|[at, _]| x < *at).unwrap_or(points.len());
    match (after.checked_sub(1).and_then(|at| points.get(at)), points.get(after)) {
        (Some([from, low]), Some([to, high])) => low + (x - from) / (to - from) * (high - low),
        (Some([_, share]), None) | (None, Some([_, share])) => *share,
        (None, None) => 0.0,
    }
}

/// How parts become one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The mean by weights.
    Mean,
    /// The greatest part.
    Max,
}

/// What a node is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The score of an indicator.
    Indicator(usize),
    /// The score of a node that stands further behind.
    Node(usize),
}

/// The total or a dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Weight and what it weighs.
    pub parts: Vec<(f64, Of)>,
    /// How the parts become one score.
    pub how: How,
    /// Parts that must be known; none: half of their weight.
    pub known: Option<usize>,
    /// What the score is multiplied by.
    pub factor: f64,
}

/// A card: what is scored and how it adds up.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The full score.
    pub max: f64,
    /// How each indicator is scored.
    pub forms: Vec<Form>,
    /// The total, then dimensions, each before those that it is made of.
    pub nodes: Vec<Node>,
}

/// Scores of one row; made once and filled row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Of each indicator.
    pub indicators: Vec<Option<f64>>,
    /// Of the total and the dimensions.
    pub nodes: Vec<Option<f64>>,
    /// Share of the weight that is known, of the total and the dimensions.
    pub covered: Vec<f64>,
}

impl Card {
    /// Returns scores of which nothing is known yet.
    #[must_use]
    pub fn nothing(&self) -> Scores {
        let (indicators, nodes) = (self.forms.len(), self.nodes.len());
        Scores {
            indicators: vec![None; indicators],
            nodes: vec![None; nodes],
            covered: vec![0.0; nodes],
        }
    }

    /// Scores a row of measures.
    #[inline]
    pub fn score(&self, measure: impl Fn(usize) -> Option<f64>, scores: &mut Scores) {
        for (at, form) in self.forms.iter().enumerate() {
            scores.indicators[at] = measure(at).map(|x| form.score(x, self.max));
        }
        for at in (0..self.nodes.len()).rev() {
            let (score, covered) = self.node(&self.nodes[at], scores);
            (scores.nodes[at], scores.covered[at]) = (score, covered);
        }
    }

    fn node(&self, node: &Node, scores: &Scores) -> (Option<f64>, f64) {
        let (mut sum, mut known, mut whole, mut covered) = (0.0, 0.0, 0.0, 0.0);
        let (mut count, mut most) = (0, 0.0_f64);
        for (weight, of) in &node.parts {
            let (score, share) = match *of {
                Of::Indicator(at) => {
                    let score = scores.indicators[at];
                    (score, f64::from(u8::from(score.is_some())))
                }
                Of::Node(at) => (scores.nodes[at], scores.covered[at]),
            };
            whole += weight;
            covered += weight * share;
            if let Some(score) = score {
                known += weight;
                sum += weight * score;
                count += 1;
                most = most.max(score);
            }
        }
        let enough = match node.known {
            Some(least) => count >= least.max(1) && known > 0.0,
            None => is_enough(known, whole),
        };
        let score = enough.then(|| match node.how {
            How::Mean => (sum / known).min(self.max) * node.factor,
            How::Max => most * node.factor,
        });
        (score, if whole > 0.0 { (covered / whole).min(1.0) } else { 0.0 })
    }

    /// Returns how much of the total each indicator makes up; all 0 where there is no total.
    #[must_use]
    pub fn contributions(&self, scores: &Scores) -> Vec<f64> {
        let mut shares = vec![0.0; self.nodes.len()];
        let mut found = vec![0.0; self.forms.len()];
        shares[0] = 1.0;
        for (at, node) in
            self.nodes.iter().enumerate().filter(|(at, _)| scores.nodes[*at].is_some())
        {
            let score = |of: Of| match of {
                Of::Indicator(at) => scores.indicators[at],
                Of::Node(at) => scores.nodes[at],
            };
            let parts = || node.parts.iter().filter_map(|(w, of)| Some((*w, *of, score(*of)?)));
            let known: f64 = parts().map(|(weight, ..)| weight).sum();
            // The first of equals has it all.
            let greatest = parts().rev().max_by(|l, r| l.2.total_cmp(&r.2)).map(|(_, of, _)| of);
            for (weight, of, score) in parts() {
                let part = match node.how {
                    How::Mean => weight / known,
                    How::Max => f64::from(u8::from(greatest == Some(of))),
                };
                let share = shares[at] * node.factor * part;
                match of {
                    Of::Indicator(at) => found[at] = share * score,
                    Of::Node(at) => shares[at] = share,
                }
            }
        }
        found
    }
}

/// Calls `found` with the places of the `count` least scores, weakest first, ties to the earlier one.
pub fn weakest(scores: &[Option<f64>], count: usize, mut found: impl FnMut(usize)) {
    let mut last: Option<(f64, usize)> = None;
    for _ in 0..count {
        let known = scores.iter().enumerate().filter_map(|(at, score)| Some(((*score)?, at)));
        let left = known.filter(|one| last.is_none_or(|last| before(last, *one)));
        let least = left.reduce(|least, one| if before(one, least) { one } else { least });
        let Some(least) = least else { return };
        found(least.1);
        last = Some(least);
    }
}

fn before(left: (f64, usize), right: (f64, usize)) -> bool {
    left.0 < right.0 || left.0 == right.0 && left.1 < right.1
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn node(how: How, known: Option<usize>, parts: &[(f64, Of)]) -> Node {
        Node { parts: parts.to_vec(), how, known, factor: 1.0 }
    }

    /// Two dimensions of two indicators each, scale 5.
    fn card(how: How, known: Option<usize>) -> Card {
        use Of::{Indicator, Node};
        Card {
            max: 5.0,
            forms: vec![Form::Map(0.0, 1.0); 4],
            nodes: vec![
                node(how, known, &[(1.0, Node(1)), (3.0, Node(2))]),
                node(How::Mean, known, &[(1.0, Indicator(0)), (1.0, Indicator(1))]),
                node(How::Mean, known, &[(1.0, Indicator(2)), (3.0, Indicator(3))]),
            ],
        }
    }

    fn scored(card: &Card, measures: [Option<f64>; 4]) -> Scores {
        let mut scores = card.nothing();
        card.score(|at| measures[at], &mut scores);
        scores
    }

    #[test]
    fn scores_add_up_by_weights() {
        let scores = scored(&card(How::Mean, None), [Some(0.0), Some(1.0), Some(0.4), Some(0.8)]);
        assert_eq!(scores.indicators, [Some(0.0), Some(5.0), Some(2.0), Some(4.0)]);
        assert_eq!(scores.nodes, [Some((2.5 + 3.0 * 3.5) / 4.0), Some(2.5), Some(3.5)]);
        assert_eq!(scores.covered, [1.0; 3]);
    }

    #[test]
    fn the_greatest_part_may_be_the_whole() {
        let scores = scored(&card(How::Max, None), [Some(0.0), Some(1.0), Some(0.4), Some(0.8)]);
        assert_eq!(scores.nodes[0], Some(3.5));
    }

    #[test]
    fn half_of_the_weight_is_enough_or_as_many_as_the_card_says() {
        let half = card(How::Mean, None);
        let known = [Some(1.0), None, Some(1.0), None];
        // A quarter of the second dimension is known, and with the first a quarter of the total.
        assert_eq!(scored(&half, known).nodes, [None, Some(5.0), None]);
        assert_eq!(scored(&half, known).covered, [(0.5 + 0.75) / 4.0, 0.5, 0.25]);
        assert_eq!(scored(&card(How::Mean, Some(1)), known).nodes, [Some(5.0); 3]);
        let two = card(How::Mean, Some(2));
        assert_eq!(scored(&two, known).nodes, [None; 3]);
        assert_eq!(scored(&two, [Some(1.0); 4]).nodes, [Some(5.0); 3]);
        assert_eq!(scored(&card(How::Mean, Some(0)), [None; 4]).nodes, [None; 3]);
    }

    #[test]
    fn a_factor_scales_its_dimension() {
        let mut card = card(How::Max, None);
        card.nodes[2].factor = 0.5;
        let scores = scored(&card, [Some(0.2), Some(0.2), Some(1.0), Some(1.0)]);
        assert_eq!((scores.nodes[2], scores.nodes[0]), (Some(2.5), Some(2.5)));
    }

    #[test]
    fn contributions_add_up_to_the_total() {
        for how in [How::Mean, How::Max] {
            let mut card = card(how, None);
            card.nodes[2].factor = 0.5;
            for measures in
                [[Some(0.1), None, Some(0.9), Some(0.3)], [Some(0.7), Some(0.2), None, Some(0.4)]]
            {
                let scores = scored(&card, measures);
                let sum: f64 = card.contributions(&scores).iter().sum();
                assert!((sum - scores.nodes[0].unwrap()).abs() < 1e-12, "{how:?}");
            }
        }
        let card = card(How::Mean, None);
        assert_eq!(card.contributions(&scored(&card, [None; 4])), [0.0; 4]);
    }

    #[test]
    fn limits_hold_on_their_side_of_the_bound() {
        for (limit, under, on, over) in [
            (Limit::AtLeast(2.0), true, false, false),
            (Limit::AtMost(2.0), false, false, true),
            (Limit::Above(2.0), true, true, false),
            (Limit::Below(2.0), false, true, true),
        ] {
            assert_eq!(
                [1.9, 2.0, 2.1].map(|x| limit.is_broken_by(x)),
                [under, on, over],
                "{limit:?}"
            );
            let scores = |form: Form| [1.9, 2.0, 2.1].map(|x| form.score(x, 4.0) > 0.0);
            assert_eq!(scores(Form::Broken(limit)), [under, on, over]);
            assert_eq!(scores(Form::Kept(limit)), [!under, !on, !over]);
            assert!(limit.at(1.0).is_broken_by(3.0) == over && limit.bound() == 2.0);
        }
        assert_eq!(Limit::one_of(None, None, Some(40.0), None), Ok(Some(Limit::Above(40.0))));
        assert_eq!(Limit::one_of(None, None, None, None), Ok(None));
        assert!(Limit::one_of(Some(1.0), Some(2.0), None, None).is_err());
    }

    #[test]
    fn a_curve_is_straight_between_points_and_flat_outside() {
        let form = Form::Curve(vec![[0.0, 0.0], [0.01, 1.0], [0.10, 1.0], [0.20, 0.0]]);
        for (x, want) in
            [(-1.0, 0.0), (0.0, 0.0), (0.005, 50.0), (0.05, 100.0), (0.15, 50.0), (9.0, 0.0)]
        {
            assert!((form.score(x, 100.0) - want).abs() < 1e-9, "{x}");
        }
        assert_eq!(
            (form.measure(1.0, 5.0), Form::Map(60.0, 5.0).measure(3.0, 5.0)),
            (None, Some(27.0))
        );
    }

    #[test]
    fn the_weakest_come_in_order_with_ties_to_the_earlier() {
        let places = |scores: &[Option<f64>], count| {
            let mut places = Vec::new();
            weakest(scores, count, |at| places.push(at));
            places
        };
        assert_eq!(places(&[Some(2.0), None, Some(1.0), Some(2.0), Some(0.5)], 3), [4, 2, 0]);
        assert_eq!(places(&[Some(2.0); 3], 2), [0, 1]);
        assert!(places(&[None, None], 3).is_empty());
    }
}
