//! Benefit mix that keeps four units of output per unit of cost (domain IN-5).
//!
//! Each member is drawn one of the declared rewards by its share of the volume. What a reward brought in
//! 28 days throttles or pauses it and moves volume towards the best one. The forecast gate over a whole
//! batch and the cost limit of new rewards belong to the host.

pub mod volume;

use playbook_sdk::prelude::*;
use volume::{Floor, Record, Verdict, adapt, judge, pick, realised};

settings! {
    /// Rewards, what is expected of them, and the floor under them.
    pub struct Settings {
        /// Rewards that may be granted, 1 to 32; positions order ties.
        pub rewards: Vec<Reward> = vec![Reward::default()],
        /// What counts as output of an order that a reward brings.
        pub output_basis: OutputBasis = OutputBasis::Revenue,
        /// Margin per revenue; only read with `output_basis = "margin"`.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub margin_rate: f64 = 0.30,
        /// Least expected output per cost of a single grant; 0 leaves it to the host's gate over the batch.
        #[schemars(range(min = 0.0, max = 1_000.0))]
        pub forecast_min: f64 = 4.0,
        /// Realised output per cost from which on a reward has its full volume.
        #[schemars(range(min = 0.01, max = 1_000.0))]
        pub full: f64 = 4.0,
        /// Realised output per cost below which a reward pauses.
        #[schemars(range(min = 0.0, max = 1_000.0))]
        pub pause: f64 = 2.0,
        /// Days after its first grant in which the realised check of a reward waits.
        #[schemars(range(min = 0, max = 365))]
        pub learning_days: i64 = 14,
        /// Share of the volume that moves from the weakest proven reward to the strongest.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub adapt_step: f64 = 0.10,
    }
}

settings! {
    /// One reward.
    pub struct Reward {
        /// Kebab-case name; the reward table tells its record under it.
        pub name: String = "benefit".to_owned(),
        /// Greatest cost of one grant in minor units.
        #[schemars(range(min = 1))]
        pub cost_minor: i64 = 500,
        /// Probability of an order that the reward brings.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub response: f64 = 0.10,
        /// Share of the volume, relative to the other rewards.
        #[schemars(range(min = 0.0))]
        pub share: f64 = 1.0,
        /// Consent purpose; empty: none is asked for.
        pub purpose: String = "marketing".to_owned(),
        /// A person approves each grant.
        pub needs_approval: bool = false,
    }
}

settings! {
    /// What counts as output.
    pub enum OutputBasis { Revenue, Margin }
}

/// Most rewards.
const REWARDS_MAX: usize = 32;

/// Positions of the needs of the rows.
const KEY: usize = 0;
const AOV: usize = 1;

/// Positions of the needs of the reward table.
const NAME: usize = 0;
const OUTPUT: usize = 1;
const COST: usize = 2;
const AGE: usize = 3;

/// Positions of the reasons.
const UNPROVEN: u32 = 0;
const LEARNING: u32 = 1;
const FULL: u32 = 2;
const THROTTLED: u32 = 3;

/// The opened plugin.
#[derive(Debug)]
pub struct RoiFloor {
    settings: Settings,
    verdicts: Vec<Verdict>,
    /// Shares of the volume after adapting, adding up to 1.
    shares: Vec<f64>,
}

impl Plugin for RoiFloor {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "roi-floor",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Benefit mix that returns four times its cost",
            "權益組合：激勵產出比不低於 1:4",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        check(settings)?;
        let names = settings.rewards.iter().map(|reward| reward.name.clone());
        let records = table("reward")
            .need(need::category("name", names))
            .need(need::integer("attributed_output_minor").unit("minor").optional())
            .need(need::integer("cost_minor").unit("minor").optional())
            .need(need::integer("age_days").unit("day").optional());
        let shape = Shape::rows("member")
            .need(need::key())
            .need(need::integer("aov_minor").unit("minor").optional())
            .table(records)
            .reason("unproven", words("the reward has cost nothing yet", "獎勵尚無成本記錄"))
            .reason("learning", words("the reward is in its learning window", "獎勵處於學習期"))
            .reason("full", words("the reward returns at least its floor", "獎勵產出達標"))
            .reason(
                "throttled",
                words(
                    "the reward returns less than its floor and goes to fewer members",
                    "獎勵產出不足，按比例縮減",
                ),
            );
        Ok(settings.rewards.iter().fold(shape, |shape, reward| {
            let action = action(reward.name.clone(), Priority::Promotion, reward.name.as_str())
                .purpose(reward.purpose.clone())
                .commercial()
                .contacts_member();
            shape.action(if reward.needs_approval { action.needs_approval() } else { action })
        }))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let records = records(&opening.tables.table(0), settings.rewards.len());
        let Settings { full, pause, learning_days, .. } = settings;
        let floor = Floor { full, pause, learning_days };
        let verdicts: Vec<Verdict> = records.iter().map(|record| judge(record, &floor)).collect();
        // A reward in its learning window has no proven return, whatever it brought so far.
        let proven: Vec<Option<f64>> = records
            .iter()
            .zip(&verdicts)
            .map(
                |(record, verdict)| {
                    if *verdict == Verdict::Learning { None } else { realised(record) }
                },
            )
            .collect();
        let shares: Vec<f64> = settings.rewards.iter().map(|reward| reward.share).collect();
        for (reward, verdict) in settings.rewards.iter().zip(&verdicts) {
            if *verdict == Verdict::Paused {
                log::warn(&format!(
                    "reward `{}` pauses: it returned less than {pause} per cost",
                    reward.name
                ));
            }
        }
        let shares = adapt(&shares, &proven, settings.adapt_step);
        Ok(Self { settings, verdicts, shares })
    }
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    let rewards = &settings.rewards;
    problems.check(
        (1..=REWARDS_MAX).contains(&rewards.len()),
        "/rewards",
        format!("must declare 1 to {REWARDS_MAX} rewards"),
    );
    for (i, reward) in rewards.iter().enumerate() {
        let twice = rewards[..i].iter().any(|other| other.name == reward.name);
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let kebab = (1..=64).contains(&reward.name.len()) && reward.name.chars().all(letters);
        problems.check(
            kebab && !twice,
            format!("/rewards/{i}/name"),
            "must be a kebab-case name of its own",
        );
        problems.check(
            reward.cost_minor > 0,
            format!("/rewards/{i}/cost_minor"),
            "must be above 0",
        );
        problems.check(
            (0.0..=1.0).contains(&reward.response),
            format!("/rewards/{i}/response"),
            "must lie between 0 and 1",
        );
        problems.check(reward.share >= 0.0, format!("/rewards/{i}/share"), "must not be below 0");
    }
    let whole: f64 = rewards.iter().map(|reward| reward.share).sum();
    problems.check(whole > 0.0, "/rewards", "at least one share must be above 0");
    problems.check(
        (0.0..=1.0).contains(&settings.margin_rate),
        "/margin_rate",
        "must lie between 0 and 1",
    );
    problems.check(
        (0.0..=1.0).contains(&settings.adapt_step),
        "/adapt_step",
        "must lie between 0 and 1",
    );
    problems.check(settings.forecast_min >= 0.0, "/forecast_min", "must not be below 0");
    problems.check(settings.full > 0.0, "/full", "must be above 0");
    problems.check(
        (0.0..=settings.full).contains(&settings.pause),
        "/pause",
        "must lie between 0 and `full`",
    );
    problems.check(settings.learning_days >= 0, "/learning_days", "must not be below 0");
    problems.into_result()
}

/// Record of each reward; later rows of one reward replace earlier ones.
fn records(table: &Rows<'_>, rewards: usize) -> Vec<Record> {
    let mut records = vec![Record::default(); rewards];
    for row in 0..table.len() {
        if let Some(record) = table.category(NAME).get(row).and_then(|at| records.get_mut(at)) {
            *record = Record {
                output_minor: table.integer(OUTPUT).get(row),
                cost_minor: table.integer(COST).get(row),
                age_days: table.integer(AGE).get(row),
            };
        }
    }
    records
}

impl RoiFloor {
    fn expected_minor(&self, reward: &Reward, aov_minor: i64) -> i64 {
        let margin = match self.settings.output_basis {
            OutputBasis::Revenue => 1.0,
            OutputBasis::Margin => self.settings.margin_rate,
        };
        (aov_minor.max(0) as f64 * reward.response * margin).floor() as i64
    }
}

/// Number in 0..1 from mixed bits.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

impl Incentive for RoiFloor {
    fn propose(
        &self,
        context: &Context,
        rows: &Rows<'_>,
        out: &mut Proposals,
    ) -> Result<(), String> {
        let (keys, aov) = (rows.integer(KEY), rows.integer(AOV));
        for row in 0..rows.len() {
            let (Some(key), Some(aov_minor)) = (keys.get(row), aov.get(row)) else { continue };
            let bits = context.mixed(key);
            let Some(at) = pick(&self.shares, unit(bits)) else { continue };
            let (reward, verdict) = (&self.settings.rewards[at], self.verdicts[at]);
            // A second draw, apart from the first, so that throttling spares no stretch of members.
            if unit(playbook_sdk::mix(bits, context.seed)) >= verdict.factor() {
                continue;
            }
            let expected_output = self.expected_minor(reward, aov_minor);
            if (expected_output as f64) < self.settings.forecast_min * reward.cost_minor as f64 {
                continue;
            }
            let reason = match verdict {
                Verdict::Unproven => UNPROVEN,
                Verdict::Learning => LEARNING,
                Verdict::Full | Verdict::Paused => FULL,
                Verdict::Throttled(_) => THROTTLED,
            };
            out.push(Proposal {
                cost: reward.cost_minor,
                expected_output,
                ..Proposal::new(row, at as u32, reason)
            });
        }
        Ok(())
    }
}

export!(RoiFloor: incentive);
