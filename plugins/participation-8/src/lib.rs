//! Participation index of a member: eight indicators against their targets (domain SC-2).

use playbook_domain::{Known, reached};
use playbook_sdk::prelude::*;

/// Number of indicators.
const INDICATORS: usize = 8;

settings! {
    /// How much of each behaviour is enough, and how much it weighs.
    ///
    /// The eight places are: interaction frequency, content contribution, consumption, active days,
    /// spreading, activity participation, co-creation, feedback.
    pub struct Settings {
        /// Count at which each indicator is full; all above 0.
        pub targets: [f64; INDICATORS] where each(above(0))
            = [50.0, 8.0, 3.0, 20.0, 10.0, 4.0, 2.0, 3.0],
        /// Weight of each indicator; none below 0, at least one above. They need not add up to 1.
        pub weights: [f64; INDICATORS] where each(within(0..))
            = [0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125],
    }
}

/// Needs in declared order: name, unit, indicator it belongs to, and its factor there.
const NEEDS: [(&str, &str, usize, i64); 12] = [
    ("interactions_30d", "count", 0, 1),
    ("posts_30d", "count", 1, 1),
    ("answers_30d", "count", 1, 1),
    ("orders_90d", "count", 2, 1),
    ("active_days_30d", "day", 3, 1),
    ("shares_30d", "count", 4, 1),
    ("referral_join_90d", "count", 4, 3),
    ("campaigns_joined_30d", "count", 5, 1),
    ("cocreate_submit_90d", "count", 6, 1),
    ("cocreate_accepted_90d", "count", 6, 2),
    ("feedback_90d", "count", 7, 1),
    ("surveys_90d", "count", 7, 1),
];

declare! {
    /// What is said of a member.
    outputs Said {
        INDEX: real("index").role(Role::Score).between(0.0, 100.0).meaning(words(
            "How far a member takes part, over the indicators that are known",
            "參與度指數，按可用指標計算",
        )),
        COVERAGE: real("coverage").role(Role::Coverage).unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of the weight that was known", "可用指標的權重佔比")),
    }
    reasons Why {
        TOO_LITTLE_KNOWN: "too-little-known" =>
            words("less than half of the weight is known", "可用指標權重不足一半"),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct Participation {
    settings: Settings,
}

impl Plugin for Participation {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "participation-8",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Participation index of eight indicators, 0 to 100",
            "參與度量化模型：八項指標，0 至 100",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        if settings.weights.iter().sum::<f64>() <= 0.0 {
            let mut problems = Problems::new();
            problems.at("/weights", "at least one must be above 0").hint("0.125 each");
            return Err(problems);
        }
        let needs = NEEDS.iter().map(|(name, unit, indicator, _)| {
            let need = need::integer(*name).unit(*unit);
            if *indicator == 0 { need } else { need.optional() }
        });
        Ok(Shape::rows("member").needs(needs).produces(Said::all()).reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Settings {
    /// Share of its target that a value of an indicator reaches.
    fn share(&self, at: usize, value: i64) -> f64 {
        reached(value as f64, self.targets[at])
    }

    /// The shares of all indicators under their weights.
    fn known(&self, values: &[Option<i64>; INDICATORS]) -> Known {
        Known::of(
            (0..INDICATORS)
                .map(|at| (self.weights[at], values[at].map(|value| self.share(at, value)))),
        )
    }
}

impl Scoring for Participation {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let columns: [Column<'_, i64>; NEEDS.len()] =
            std::array::from_fn(|at| rows.get(In::<Integer>::at(at)));
        for row in 0..rows.len() {
            let known = self.settings.known(&indicators(|at| columns[at].get(row)));
            let index = known.mean(100.0);
            out.set_or_missing(Said::INDEX, row, index);
            out.set(Said::COVERAGE, row, known.covered());
            if index.is_none() {
                out.reason(row, Why::TOO_LITTLE_KNOWN);
            }
        }
        Ok(())
    }

    fn explain(&self, _: &Context, rows: &Rows<'_>) -> Result<Vec<Factor>, String> {
        let value = |at: usize| rows.get(In::<Integer>::at(at)).get(0);
        let values = indicators(value);
        let known = self.settings.known(&values);
        if known.mean(100.0).is_none() {
            return Ok(Vec::new());
        }
        let factor = |at: usize| {
            let (_, _, indicator, times) = NEEDS[at];
            let whole = values[indicator].filter(|whole| *whole > 0)?;
            let part = value(at)?.saturating_mul(times) as f64 / whole as f64;
            let share = self.settings.share(indicator, whole);
            let full = 100.0 * self.settings.weights[indicator] * share / known.weight();
            Some(factor(In::<Integer>::at(at), Said::INDEX, full * part))
        };
        Ok((0..NEEDS.len()).filter_map(factor).collect())
    }
}

/// Sums the inputs of each indicator; one missing input makes its indicator missing, never smaller.
fn indicators(value: impl Fn(usize) -> Option<i64>) -> [Option<i64>; INDICATORS] {
    let mut sums = [Some(0_i64); INDICATORS];
    for (at, (_, _, indicator, times)) in NEEDS.iter().enumerate() {
        let counted = value(at).map(|count| count.saturating_mul(*times));
        sums[*indicator] =
            sums[*indicator].zip(counted).map(|(sum, counted)| sum.saturating_add(counted));
    }
    sums
}

export!(Participation: scoring);
