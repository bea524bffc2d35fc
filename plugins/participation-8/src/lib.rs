//! Participation index of a member: eight indicators against their targets (domain SC-2).

pub mod index;

use index::INDICATORS;
use playbook_sdk::prelude::*;

settings! {
    /// How much of each behaviour is enough, and how much it weighs.
    ///
    /// The eight places are: interaction frequency, content contribution, consumption, active days,
    /// spreading, activity participation, co-creation, feedback.
    pub struct Settings {
        /// Count at which each indicator is full; all above 0.
        pub targets: [f64; INDICATORS] = [50.0, 8.0, 3.0, 20.0, 10.0, 4.0, 2.0, 3.0],
        /// Weight of each indicator; none below 0, at least one above. They need not add up to 1.
        pub weights: [f64; INDICATORS] = [0.125; INDICATORS],
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

/// Positions of the outputs.
const INDEX: usize = 0;
const COVERAGE: usize = 1;

/// Positions of the reasons.
const TOO_LITTLE_KNOWN: u32 = 0;

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
        let mut problems = Problems::new();
        for (i, target) in settings.targets.iter().enumerate() {
            problems.check(*target > 0.0, format!("/targets/{i}"), "must be above 0");
        }
        for (i, weight) in settings.weights.iter().enumerate() {
            problems.check(*weight >= 0.0, format!("/weights/{i}"), "must not be below 0");
        }
        let whole: f64 = settings.weights.iter().sum();
        if whole <= 0.0 {
            problems.at("/weights", "at least one must be above 0").hint("0.125 each");
        }
        problems.into_result()?;
        let needs = NEEDS.iter().map(|(name, unit, indicator, _)| {
            let need = need::integer(*name).unit(*unit);
            if *indicator == 0 { need } else { need.optional() }
        });
        Ok(Shape::rows("member")
            .needs(needs)
            .produce(output::real("index").between(0.0, 100.0).meaning(words(
                "How far a member takes part, over the indicators that are known",
                "參與度指數，按可用指標計算",
            )))
            .produce(
                output::real("coverage")
                    .unit("ratio")
                    .between(0.0, 1.0)
                    .meaning(words("Share of the weight that was known", "可用指標的權重佔比")),
            )
            .reason(
                "too-little-known",
                words("less than half of the weight is known", "可用指標權重不足一半"),
            ))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Scoring for Participation {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let columns: [Column<'_, i64>; NEEDS.len()] = std::array::from_fn(|at| rows.integer(at));
        for row in 0..rows.len() {
            let values = indicators(|at| columns[at].get(row));
            let (index, covered) =
                index::index(&values, &self.settings.targets, &self.settings.weights);
            out.real_or_missing(INDEX, row, index);
            out.real(COVERAGE, row, covered);
            if index.is_none() {
                out.reason(row, TOO_LITTLE_KNOWN);
            }
        }
        Ok(())
    }

    fn explain(&self, _: &Context, rows: &Rows<'_>) -> Result<Vec<Factor>, String> {
        let value = |at: usize| rows.integer(at).get(0);
        let values = indicators(value);
        let (targets, weights) = (&self.settings.targets, &self.settings.weights);
        let (Some(_), covered) = index::index(&values, targets, weights) else {
            return Ok(Vec::new());
        };
        let known = covered * weights.iter().sum::<f64>();
        let factor = |at: usize| {
            let (_, _, indicator, times) = NEEDS[at];
            let whole = values[indicator].filter(|whole| *whole > 0)?;
            let part = value(at)?.saturating_mul(times) as f64 / whole as f64;
            let full = 100.0 * weights[indicator] * index::share(whole, targets[indicator]) / known;
            let input = u32::try_from(at).ok()?;
            Some(Factor { input, output: INDEX as u32, contribution: full * part })
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
