//! Shares of outcomes by strategy: measured where an experiment has a holdout, else by a rule (domain RO-8).

pub mod credit;

use std::collections::BTreeMap;

use credit::{Column as Explained, Rule};
use playbook_sdk::prelude::*;

settings! {
    /// Outcomes, and how touches share them.
    pub struct Settings {
        /// What the rows are: strategy, campaign, channel.
        pub subject: String where length(1..) = "strategy",
        /// What the rows of the paths are: one row per conversion.
        pub path_subject: String where length(1..) = "touch-path",
        /// Outcomes by name, in snake_case.
        pub outcomes: Vec<String> where length(1..=16), distinct
            = ["revenue", "awareness", "reputation", "loyalty"],
        /// How the touches of a path share its value, where there is no experiment.
        pub model: Model = "last_touch",
        /// Share of the first touch, in the model by position.
        pub first: f64 where within(0.0..=1.0) = 0.4,
        /// Share of all touches between.
        pub middle: f64 where within(0.0..=1.0) = 0.2,
        /// Share of the last touch.
        pub last: f64 where within(0.0..=1.0) = 0.4,
        /// Days before a conversion in which a click counts.
        pub click_days: i64 where within(0..=365) = 7,
        /// Days before a conversion in which a view counts.
        pub view_days: i64 where within(0..=365) = 1,
        /// Unattributed share of an outcome above which the matrix explains too little.
        pub unattributed_most: f64 where within(0.0..=1.0) = 0.50,
    }
}

settings! {
    /// How the touches of a path share its value.
    pub enum Model { LastTouch = "last_touch", Linear = "linear", Position = "position" }
}

/// Positions of the tables.
const STRATEGIES: usize = 0;
const PATHS: usize = 1;
const BRAND: usize = 2;

/// What a share rests on.
const BASES: [&str; 2] = ["modelled", "measured"];

declare! {
    /// What is known of a strategy; the lift of each outcome follows.
    needs Strategy {
        NAME: text("name"),
        EXPOSED: integer("exposed").unit("count").optional(),
    }
    /// What is known of a path; its value in each outcome follows.
    needs Path {
        TOUCHES: texts("touch_strategies").optional(),
        AT: integers("touch_at").unit("unix-ms").optional(),
        CLICKS: integers("touch_is_click").optional(),
        CONVERTED: integer("converted_at").unit("unix-ms").optional(),
    }
    reasons Why {
        UNEXPLAINED: "mostly-unattributed" => words(
            "most of the outcome is explained by no strategy",
            "多數成效無法歸因到任何策略",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct AttributionMatrix {
    settings: Settings,
}

impl Plugin for AttributionMatrix {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "attribution-matrix",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Shares of outcomes by strategy, measured or modelled",
            "效果歸因矩陣：實測或模型推算",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        check(settings)?;
        let outcomes = || settings.outcomes.iter();
        let named = |before: &str, outcome: &str, after: &str| [before, outcome, after].concat();
        let lift = |o: &String| need::real(named("lift_", o, "")).optional();
        let value = |o: &String| need::real(named("", o, "_value")).optional();
        let change = |o: &String| need::real(named("change_", o, "")).optional();
        let strategies =
            table(settings.subject.clone()).needs(Strategy::all()).needs(outcomes().map(lift));
        let paths =
            table(settings.path_subject.clone()).needs(Path::all()).needs(outcomes().map(value));
        let brand = table("brand").needs(outcomes().map(change));
        let shape = Shape::whole_tables().table(strategies).table(paths).table(brand);
        let shape = outcomes().fold(shape, |shape, o| {
            let words_of = (named("Share in ", o, ""), named("在", o, "中的佔比"));
            let share = output::real(o.clone()).unit("ratio").between(0.0, 1.0).group(o.clone());
            let basis = output::category(named("", o, "_basis"), BASES).group(o.clone());
            let nobody = output::real(named("unattributed_", o, "")).unit("ratio");
            let rest = (named("Share of ", o, " that no strategy has"), named("", o, "未歸因佔比"));
            shape
                .produce_in(STRATEGIES as u32, share.meaning(words_of))
                .produce_in(
                    STRATEGIES as u32,
                    basis.meaning(words(
                        "Whether the share is measured or modelled",
                        "實測或模型推算",
                    )),
                )
                .produce_in(BRAND as u32, nobody.between(0.0, 1.0).group(o.clone()).meaning(rest))
        });
        Ok(shape
            .reasons(Why::all())
            .term("modelled", words("modelled by a rule", "模型推算"))
            .term("measured", words("measured by an experiment", "實測")))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    let whole = settings.first + settings.middle + settings.last;
    problems.check((whole - 1.0).abs() < 1e-9, "/first", "the three shares must add up to 1");
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    for outcome in &settings.outcomes {
        let is_snake =
            outcome.starts_with(|c: char| c.is_ascii_lowercase()) && outcome.chars().all(letters);
        problems.check(is_snake, "/outcomes", "must be names in snake_case");
    }
    problems.into_result()
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

impl AttributionMatrix {
    /// Share of each strategy in an outcome by its experiment: lift times exposed by the whole change.
    fn measured(&self, rows: &Rows<'_>, outcome: usize, change: Option<f64>) -> Vec<Option<f64>> {
        let lift = rows.get(In::<Real>::at(Strategy::COUNT + outcome));
        let exposed = rows.get(Strategy::EXPOSED);
        let share = |row: usize| {
            let change = change.filter(|change| *change > 0.0)?;
            let gained = lift.get(row)? * exposed.get(row)? as f64;
            Some((gained / change).clamp(0.0, 1.0))
        };
        (0..rows.len()).map(share).collect()
    }

    /// The touches of a path that count, oldest first: the row of the strategy, or none for one that is not known.
    fn touches(
        &self,
        paths: &Rows<'_>,
        row: usize,
        places: &BTreeMap<&str, usize>,
        found: &mut Vec<Option<usize>>,
    ) {
        found.clear();
        let Some(converted) = paths.get(Path::CONVERTED).get(row) else { return };
        let lists = paths.get(Path::TOUCHES);
        let Some(names) = lists.get(row) else { return };
        let at = paths.get(Path::AT).get(row).unwrap_or_default();
        let clicks = paths.get(Path::CLICKS).get(row).unwrap_or_default();
        for ((name, at), is_click) in names.zip(at).zip(clicks) {
            let days =
                if *is_click == 0 { self.settings.view_days } else { self.settings.click_days };
            let ago = converted.saturating_sub(*at);
            if ago > 0 && ago <= days * DAY_MS {
                found.push(places.get(name).copied());
            }
        }
    }

    /// Credit of each strategy in each outcome by the rule.
    fn credit(&self, strategies: &Rows<'_>, paths: &Rows<'_>, columns: &mut [Explained]) {
        let Settings { model, first, middle, last, .. } = self.settings;
        let rule = Rule { model, position: [first, middle, last] };
        let names = strategies.get(Strategy::NAME);
        let mut places = BTreeMap::new();
        for row in 0..strategies.len() {
            if let Some(name) = names.get(row) {
                places.entry(name).or_insert(row);
            }
        }
        let mut touches = Vec::new();
        for row in 0..paths.len() {
            self.touches(paths, row, &places, &mut touches);
            for (outcome, column) in columns.iter_mut().enumerate() {
                let value = paths.get(In::<Real>::at(Path::COUNT + outcome)).get(row);
                let Some(value) = value.filter(|value| *value > 0.0) else { continue };
                if touches.is_empty() {
                    column.nobody += value;
                }
                for (at, strategy) in touches.iter().enumerate() {
                    let credit = value * rule.credit(at, touches.len());
                    match strategy {
                        Some(place) => column.credit[*place] += credit,
                        None => column.nobody += credit,
                    }
                }
            }
        }
    }
}

impl Roi for AttributionMatrix {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let (strategies, brand) = (tables.table(STRATEGIES), tables.table(BRAND));
        let mut columns: Vec<Explained> = (0..self.settings.outcomes.len())
            .map(|outcome| Explained {
                measured: self.measured(
                    &strategies,
                    outcome,
                    brand.get(In::<Real>::at(outcome)).get(0),
                ),
                credit: vec![0.0; strategies.len()],
                nobody: 0.0,
            })
            .collect();
        self.credit(&strategies, &tables.table(PATHS), &mut columns);
        for (outcome, column) in columns.iter().enumerate() {
            let Some((shares, nobody)) = column.shares() else { continue };
            for (row, share) in shares.into_iter().enumerate() {
                let outputs = out.table(STRATEGIES);
                let Some(share) = share else { continue };
                let basis = usize::from(column.measured[row].is_some());
                outputs.set(Out::<Real>::at(2 * outcome), row, share.min(1.0));
                outputs.set(Out::<Category>::at(2 * outcome + 1), row, basis);
            }
            let most = self.settings.unattributed_most;
            for row in 0..brand.len() {
                out.table(BRAND).set(Out::<Real>::at(outcome), row, nobody);
                if nobody > most {
                    let finding = Finding::new(Level::Watch, Why::UNEXPLAINED);
                    out.finding(finding.at(BRAND as u32, row as u32).measured(nobody, most));
                }
            }
        }
        Ok(())
    }
}

export!(AttributionMatrix: roi);
