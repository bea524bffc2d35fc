//! Settings of cards in native tests: as the card ships them, and with changes laid over.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::prelude::*;
use playbook_sdk::testing::{Data, json, plugin};

settings! {
    /// A weight by name.
    pub struct Settings {
        /// Weights.
        pub weights: std::collections::BTreeMap<String, f64> = {},
        /// Full score.
        pub full: f64 where above(0) = 1.0,
    }
}

declare! {
    /// What is said.
    outputs Said {
        SUM: real("sum").meaning("sum of the weights by the full score"),
    }
}

/// Says the sum of its weights.
#[derive(Debug)]
pub struct Sum(f64);

impl Plugin for Sum {
    type Settings = Settings;

    const ABOUT: About = About { name: "sum", version: "0.1.0", summary: words("Sum", "和") };

    fn shape(_: &Settings) -> Result<Shape, Problems> {
        Ok(Shape::rows("member").needs([need::key()]).produces(Said::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self(settings.weights.values().sum::<f64>() / settings.full))
    }
}

impl Scoring for Sum {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        (0..rows.len()).for_each(|row| out.set(Said::SUM, row, self.0));
        Ok(())
    }
}

const CARD: &str = "
[card]
name = \"two\"

[stage]
kind = \"scoring\"
plugin = \"sum\"

[stage.settings]
full = 2.0
weights = { a = 1.0, b = 3.0 }
";

#[test]
fn a_card_gives_its_settings_and_changes_are_laid_over_them() {
    let row = Data::new().integer("key", [1]);
    let sum = |test: playbook_sdk::testing::Test<Sum>| {
        test.open().unwrap().score(&row).unwrap().real("sum", 0)
    };
    assert_eq!(sum(plugin::<Sum>().card(CARD)), Some(2.0));
    let over = json!({ "weights": { "b": 5.0, "c": 2.0 } });
    assert_eq!(sum(plugin::<Sum>().card(CARD).with(over)), Some(4.0));
}
