//! Rewards by conditions of settings, with ladders and mixes (domain IN-1, IN-3, IN-4, IN-6, IN-7, IN-10, IN-12).
//!
//! The rules are data: a model is a card beside this engine.

#[path = "../../rule-ladder/src/facts.rs"]
mod facts;
mod rules;
mod settings;

use playbook_sdk::prelude::*;

pub use facts::{ColumnSetting, Text};
use facts::{Reading, Sources, needs};
use rules::Rules;
pub use settings::{Class, HowOften, LadderSetting, Mode, PartSetting, RewardSetting, Settings};

/// When a reward may happen, minutes from now.
type Window = (Option<u32>, Option<u32>);

/// The opened plugin.
#[derive(Debug)]
pub struct RewardRules {
    rules: Rules,
    sources: Sources,
    windows: Vec<Window>,
}

/// The rewards in order; a name that is none is a problem that was told.
fn rewards(settings: &Settings) -> impl Iterator<Item = (&String, &RewardSetting)> {
    settings.order.iter().filter_map(|name| settings.reward.entry(name))
}

fn action_of(name: &str, reward: &RewardSetting) -> Action {
    let mut made = action(name, reward.priority.into(), &reward.words)
        .purpose(reward.purpose.clone())
        .frequency(reward.frequency.into());
    if !reward.family.is_empty() {
        made = made.family(reward.family.clone());
    }
    if reward.commercial {
        made = made.commercial();
    }
    if reward.contacts_member {
        made = made.contacts_member();
    }
    if reward.needs_approval { made.needs_approval() } else { made }
}

impl Plugin for RewardRules {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "reward-rules",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Rewards by conditions, on ladders and in mixes",
            "按條件規則的激勵、階梯與組合",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut reading = Reading::new(&settings.numbers);
        rules::read(settings, &mut reading);
        let (rows, brand) = needs(&mut reading, &settings.columns, &[]);
        reading.problems.into_result()?;
        let mut shape = Shape::rows(settings.subject.clone()).needs(rows);
        if !brand.is_empty() {
            shape = shape.table(table("brand").needs(brand));
        }
        for (name, reward) in rewards(settings) {
            shape = shape.action(action_of(name, reward));
            shape = shape.reason(name, reward.why.as_ref().unwrap_or(&reward.words));
        }
        Ok(shape)
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let mut reading = Reading::new(&settings.numbers);
        let Some(rules) = rules::read(&settings, &mut reading) else {
            return Err(reading.problems);
        };
        let brand = (!opening.tables.is_empty()).then(|| opening.tables.table(0));
        let sources = Sources::new(&reading.names, brand, 0);
        let window = |(_, reward): (_, &RewardSetting)| {
            (Some(reward.after_min).filter(|after| *after > 0), reward.until_min)
        };
        Ok(Self { rules, sources, windows: rewards(&settings).map(window).collect() })
    }
}

impl Incentive for RewardRules {
    fn propose(&self, _: &Context, rows: &Rows<'_>, out: &mut Proposals) -> Result<(), String> {
        let mut facts = self.sources.of(rows);
        let mut spent = Vec::new();
        for row in 0..rows.len() {
            facts.row = row;
            self.rules.each(&facts, &mut spent, |at, given| {
                let (after_min, until_min) = self.windows[at];
                out.push(Proposal {
                    quantity: given.quantity,
                    cost: given.cost,
                    expected_output: given.expected,
                    after_min,
                    until_min,
                    ..Proposal::new(row, at as u32, at as u32)
                });
            });
        }
        Ok(())
    }
}

export!(RewardRules: incentive);
