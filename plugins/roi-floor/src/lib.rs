//! Benefit mix that keeps four units of output per unit of cost (domain IN-5).
//!
//! Each member is drawn one of the declared rewards by its share of the volume. What a reward brought in
//! 28 days throttles or pauses it and moves volume towards the best one. The forecast gate over a whole
//! batch and the cost limit of new rewards belong to the host.

pub mod volume;

use playbook_domain::floored;
use playbook_sdk::prelude::*;
use volume::{Floor, Verdict, adapt, judge, pick, realised};

settings! {
    /// Rewards, what is expected of them, and the floor under them.
    pub struct Settings {
        /// Rewards that may be granted, 1 to 32; positions order ties.
        pub rewards: Vec<Reward> where length(1..=32), distinct(name) = [{}],
        /// What counts as output of an order that a reward brings.
        pub output_basis: OutputBasis = "revenue",
        /// Margin per revenue; only read with `output_basis = "margin"`.
        pub margin_rate: f64 where within(0.0..=1.0) = 0.30,
        /// Least expected output per cost of a single grant; 0 leaves it to the host's gate over the batch.
        pub forecast_min: f64 where within(0.0..=1_000.0) = 4.0,
        /// Realised output per cost from which on a reward has its full volume.
        pub full: f64 where within(0.01..=1_000.0) = 4.0,
        /// Realised output per cost below which a reward pauses.
        pub pause: f64 where within(0.0..=1_000.0) = 2.0,
        /// Days after its first grant in which the realised check of a reward waits.
        pub learning_days: i64 where within(0..=365) = 14,
        /// Share of the volume that moves from the weakest proven reward to the strongest.
        pub adapt_step: f64 where within(0.0..=1.0) = 0.10,
    }
}

settings! {
    /// One reward.
    pub struct Reward {
        /// Kebab-case name; the reward table tells its record under it.
        pub name: String where length(1..=64) = "benefit",
        /// Greatest cost of one grant in minor units.
        pub cost_minor: i64 where within(1..) = 500,
        /// Probability of an order that the reward brings.
        pub response: f64 where within(0.0..=1.0) = 0.10,
        /// Share of the volume, relative to the other rewards.
        pub share: f64 where within(0.0..) = 1.0,
        /// Consent purpose; empty: none is asked for.
        pub purpose: String = "marketing",
        /// A person approves each grant.
        pub needs_approval: bool = false,
    }
}

settings! {
    /// What counts as output.
    pub enum OutputBasis { Revenue = "revenue", Margin = "margin" }
}

declare! {
    /// What is known of a member.
    needs Member {
        KEY: key(),
        AOV: integer("aov_minor").unit("minor").optional(),
    }
    /// What each reward brought in 28 days.
    needs Record(names: Vec<&str>) {
        NAME: category("name", names),
        OUTPUT: integer("attributed_output_minor").unit("minor").optional(),
        COST: integer("cost_minor").unit("minor").optional(),
        AGE: integer("age_days").unit("day").optional(),
    }
    reasons Why {
        UNPROVEN: "unproven" => words("the reward has cost nothing yet", "獎勵尚無成本記錄"),
        LEARNING: "learning" => words("the reward is in its learning window", "獎勵處於學習期"),
        FULL: "full" => words("the reward returns at least its floor", "獎勵產出達標"),
        THROTTLED: "throttled" => words(
            "the reward returns less than its floor and goes to fewer members",
            "獎勵產出不足，按比例縮減",
        ),
    }
}

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
        let names = settings.rewards.iter().map(|reward| reward.name.as_str()).collect();
        let shape = Shape::rows("member")
            .needs(Member::all())
            .table(table("reward").needs(Record::all(names)))
            .reasons(Why::all());
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
                    "reward `{}` pauses: it returned less than `pause` per cost",
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
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    for (i, reward) in settings.rewards.iter().enumerate() {
        let path = format!("/rewards/{i}/name");
        problems.check(reward.name.chars().all(letters), path, "must be a kebab-case name");
    }
    let whole: f64 = settings.rewards.iter().map(|reward| reward.share).sum();
    problems.check(whole > 0.0, "/rewards", "at least one share must be above 0");
    problems.check(settings.pause <= settings.full, "/pause", "must be at most `full`");
    problems.into_result()
}

/// Record of each reward; later rows of one reward replace earlier ones.
fn records(table: &Rows<'_>, rewards: usize) -> Vec<volume::Record> {
    let names = table.get(Record::NAME);
    let mut records = vec![volume::Record::default(); rewards];
    for row in 0..table.len() {
        if let Some(record) = names.get(row).and_then(|at| records.get_mut(at)) {
            *record = volume::Record {
                output_minor: table.get(Record::OUTPUT).get(row),
                cost_minor: table.get(Record::COST).get(row),
                age_days: table.get(Record::AGE).get(row),
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
        floored(aov_minor.max(0) as f64 * reward.response * margin)
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
        let (keys, aov) = (rows.get(Member::KEY), rows.get(Member::AOV));
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
                Verdict::Unproven => Why::UNPROVEN,
                Verdict::Learning => Why::LEARNING,
                Verdict::Full | Verdict::Paused => Why::FULL,
                Verdict::Throttled(_) => Why::THROTTLED,
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
