//! Rewards by conditions: who gets which, on ladders and in mixes (domain IN-1, IN-3, IN-4).

mod rules;
mod settings;

use playbook_sdk::prelude::*;

pub use settings::{Class, HowOften, LadderSetting, Mode, PartSetting, RewardSetting, Rewards};

use crate::{Reading, Sources, needs};
use rules::Rules;

impl Rewards {
    /// The rewards in order; a name that is none is a problem that was told.
    pub fn in_order(&self) -> impl Iterator<Item = (&String, &RewardSetting)> {
        self.order.iter().filter_map(|name| self.reward.entry(name))
    }

    /// The rewards that `order` leaves out.
    fn left_out(&self) -> impl Iterator<Item = (&String, &RewardSetting)> {
        self.reward.iter().filter(|(name, _)| !self.order.contains(name))
    }

    /// The needs of rows and those of the brand, with every problem of the settings.
    #[must_use]
    pub fn needs(&self) -> (Vec<Need>, Vec<Need>, Problems) {
        let mut reading = Reading::new(&self.numbers);
        Rules::read(self, &mut reading);
        let (rows, brand) = needs(&mut reading, &self.columns, &[]);
        (rows, brand, reading.problems)
    }

    /// Adds the actions and their reasons to a shape.
    #[must_use]
    pub fn announced(&self, shape: Shape) -> Shape {
        self.in_order().fold(shape, |shape, (name, reward)| {
            let why = reward.why.as_ref().unwrap_or(&reward.words);
            shape.action(action_of(name, reward)).reason(name, why)
        })
    }
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

/// Rewards that are ready to be proposed.
#[derive(Debug)]
pub struct Rewarding {
    rules: Rules,
    sources: Sources,
    /// When each may happen, minutes from now.
    windows: Vec<(Option<u32>, Option<u32>)>,
}

impl Rewarding {
    /// Reads the rewards; what they ask of the brand lies from the column `first` on in the first row of `brand`.
    ///
    /// # Errors
    /// Every problem of the settings.
    pub fn new(rewards: &Rewards, brand: Option<Rows<'_>>, first: usize) -> Result<Self, Problems> {
        let mut reading = Reading::new(&rewards.numbers);
        let Some(rules) = Rules::read(rewards, &mut reading) else {
            return Err(reading.problems);
        };
        let sources = Sources::new(&reading.names, brand, first);
        let window = |(_, reward): (_, &RewardSetting)| {
            (Some(reward.after_min).filter(|after| *after > 0), reward.until_min)
        };
        Ok(Self { rules, sources, windows: rewards.in_order().map(window).collect() })
    }

    /// Proposes what these rows get, as far as `may` lets a reward through. Reasons of rewards stand in their order from
    /// `reason` on.
    pub fn propose(
        &self,
        rows: &Rows<'_>,
        reason: u32,
        may: impl Fn(usize) -> bool,
        out: &mut Proposals,
    ) {
        let mut facts = self.sources.of(rows);
        let mut spent = Vec::new();
        for row in 0..rows.len() {
            facts.row = row;
            self.rules.each(&facts, &mut spent, |at, given| {
                if !may(at) {
                    return;
                }
                let (after_min, until_min) = self.windows[at];
                out.push(Proposal {
                    quantity: given.quantity,
                    cost: given.cost,
                    expected_output: given.expected,
                    after_min,
                    until_min,
                    ..Proposal::new(row, at as u32, reason + at as u32)
                });
            });
        }
    }
}
