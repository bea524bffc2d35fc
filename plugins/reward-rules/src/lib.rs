//! Rewards by conditions of settings, with ladders and mixes (domain IN-1, IN-3, IN-4, IN-6, IN-7, IN-10, IN-12).
//!
//! The rules are data: a model is a card beside this engine.

use playbook_engine::rewards::{Rewarding, Rewards};
use playbook_sdk::prelude::*;

/// The opened plugin.
#[derive(Debug)]
pub struct RewardRules(Rewarding);

impl Plugin for RewardRules {
    type Settings = Rewards;

    const ABOUT: About = About {
        name: "reward-rules",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Rewards by conditions, on ladders and in mixes",
            "按條件規則的激勵、階梯與組合",
        ),
    };

    fn shape(rewards: &Rewards) -> Result<Shape, Problems> {
        let (rows, brand, problems) = rewards.needs();
        problems.into_result()?;
        let mut shape = Shape::rows(rewards.subject.clone()).needs(rows);
        if !brand.is_empty() {
            shape = shape.table(table("brand").needs(brand));
        }
        Ok(rewards.announced(shape))
    }

    fn open(rewards: Rewards, opening: Opening<'_>) -> Result<Self, Problems> {
        let brand = (!opening.tables.is_empty()).then(|| opening.tables.table(0));
        Rewarding::new(&rewards, brand, 0).map(Self)
    }
}

impl Incentive for RewardRules {
    fn propose(&self, _: &Context, rows: &Rows<'_>, out: &mut Proposals) -> Result<(), String> {
        self.0.propose(rows, 0, |_| true, out);
        Ok(())
    }
}

export!(RewardRules: incentive);
