//! Funnels: members and rates from step to step, the weakest step, steps without a test (domain SG-6, SG-11).

pub mod steps;

use playbook_domain::condition::{Amount, Condition};
use playbook_engine::{ColumnSetting, Named, Reading, Sources, Text, check_name, needs, pointer};
use playbook_sdk::prelude::*;
use steps::{Step, rates, weakest};

settings! {
    /// A funnel over whole tables. Cards ship such settings; a playbook changes single ones by name.
    pub struct Settings {
        /// What the rows are: brand, community, channel.
        pub subject: String where length(1..=64) = "brand",
        /// The steps by name, in order.
        pub order: Vec<String> where length(0..=32), distinct = [],
        /// The steps.
        pub step: Named<StepSetting> where length(0..=32) = {},
        /// Rate by the expected one below which the weakest step is a finding; without an expected rate the rate itself.
        pub finding_below: f64 where within(0.0..=10.0) = 1.0,
        /// Numbers that conditions use by name. Each must be used.
        pub numbers: Named<f64> where length(0..=256) = {},
        /// What is said of columns that steps name. A column that is not listed must be there.
        pub columns: Named<ColumnSetting> where length(0..=256) = {},
    }
}

settings! {
    /// A step of the funnel.
    pub struct StepSetting {
        /// Members who took it, an amount such as `followers`.
        pub members: String where length(1..=1000) = "",
        /// The step in words.
        pub words: Text = {},
        /// Rate from the step before that is expected, as a fraction; left out: rates are compared as they are.
        pub expected: Option<f64> where within(0.0..=1.0) = null,
        /// Condition under which the step has a running or finished test; where it is not true the step is flagged.
        pub tested: String where length(1..=1000) = "true",
    }
}

declare! {
    /// Reasons; those of weak steps follow, then those of steps without a test.
    reasons Why {
        NO_MEMBERS: "no-members" => words("too little is known to compare steps", "數據不足，無法比較步驟"),
    }
}

/// A step as rows are asked.
#[derive(Debug)]
struct Rule {
    members: Amount,
    tested: Condition,
    expected: Option<f64>,
}

fn read(settings: &Settings, reading: &mut Reading<'_>) -> Option<Vec<Rule>> {
    let mut rules = Vec::new();
    for (at, name) in settings.order.iter().enumerate() {
        let Some(step) = settings.step.get(name) else {
            reading.problems.at(pointer(&["order", &at.to_string()]), "is no step");
            continue;
        };
        check_name(&mut reading.problems, &["step", name], name);
        let members = reading.amount(&["step", name, "members"], &step.members);
        let tested = reading.condition(&["step", name, "tested"], &step.tested);
        if let (Some(members), Some(tested)) = (members, tested) {
            rules.push(Rule { members, tested, expected: step.expected });
        }
    }
    for (_, left_out) in settings.step.iter().filter(|(name, _)| !settings.order.contains(name)) {
        reading.aside(|reading| {
            reading.amount(&[], &left_out.members);
            reading.condition(&[], &left_out.tested);
        });
    }
    reading.problems.is_empty().then_some(rules)
}

fn steps_of(settings: &Settings) -> impl Iterator<Item = (&String, &StepSetting)> {
    settings.order.iter().filter_map(|name| settings.step.entry(name))
}

fn named(name: &str, what: &str) -> String {
    [&name.replace('-', "_"), what].concat()
}

/// The opened plugin.
#[derive(Debug)]
pub struct Funnel {
    rules: Vec<Rule>,
    sources: Sources,
    finding_below: f64,
}

impl Plugin for Funnel {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "funnel",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Rates from step to step, and the weakest step", "漏斗各步轉化率與最弱步驟"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut reading = Reading::new(&settings.numbers);
        read(settings, &mut reading);
        let (rows, brand) = needs(&mut reading, &settings.columns, &[]);
        reading.problems.into_result()?;
        let mut shape = Shape::whole_tables().table(table(settings.subject.clone()).needs(rows));
        if !brand.is_empty() {
            shape = shape.table(table("brand").needs(brand));
        }
        for (name, step) in steps_of(settings) {
            let members = output::real(named(name, "_members")).role(Role::Value).unit("count");
            shape = shape
                .produce_in(0, members.group(named(name, "")).at_least(0.0).meaning(&step.words));
            let rate =
                output::real(named(name, "_rate")).role(Role::Other).unit("ratio").at_least(0.0);
            let meaning = words("Of those of the step before", "佔上一步的比例");
            shape = shape.produce_in(0, rate.group(named(name, "")).meaning(meaning));
            let tested = output::integer(named(name, "_tested")).between(0.0, 1.0);
            let meaning = words("1 where the step has a test", "有測試為 1");
            shape = shape.produce_in(0, tested.group(named(name, "")).meaning(meaning));
        }
        if !settings.order.is_empty() {
            let weakest = output::category("weakest", settings.order.clone()).role(Role::Segment);
            shape = shape.produce_in(0, weakest.meaning(words("Weakest step", "最弱步驟")));
        }
        shape = shape.reasons(Why::all());
        for (name, step) in steps_of(settings) {
            let said =
                (["weakest step: ", &step.words.en].concat(), ["最弱步驟：", zh(step)].concat());
            shape = shape.reason(["weak-", name].concat(), said).term(name, &step.words);
        }
        for (name, step) in steps_of(settings) {
            let said = (["no test: ", &step.words.en].concat(), ["缺少測試：", zh(step)].concat());
            shape = shape.reason(["untested-", name].concat(), said);
        }
        Ok(shape)
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let mut reading = Reading::new(&settings.numbers);
        let Some(rules) = read(&settings, &mut reading) else { return Err(reading.problems) };
        let brand = (opening.tables.len() > 1).then(|| opening.tables.table(1));
        let sources = Sources::new(&reading.names, brand, 0);
        Ok(Self { rules, sources, finding_below: settings.finding_below })
    }
}

fn zh(step: &StepSetting) -> &str {
    if step.words.zh.is_empty() { &step.words.en } else { &step.words.zh }
}

/// Outputs of each step: members, rate, tested.
const OF_STEP: usize = 3;

impl Diagnosis for Funnel {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let rows = tables.table(0);
        let mut facts = self.sources.of(&rows);
        let count = self.rules.len();
        for row in 0..rows.len() {
            facts.row = row;
            let step = |rule: &Rule| Step {
                members: rule.members.of(&facts).filter(|members| *members >= 0.0),
                expected: rule.expected,
            };
            let steps: Vec<Step> = self.rules.iter().map(step).collect();
            let rates = rates(&steps);
            let mut untested = Vec::new();
            for (at, rule) in self.rules.iter().enumerate() {
                let tested = rule.tested.holds(&facts);
                let table = out.table(0);
                table.set_or_missing(Out::<Real>::at(at * OF_STEP), row, steps[at].members);
                table.set_or_missing(Out::<Real>::at(at * OF_STEP + 1), row, rates[at]);
                table.set(Out::<Integer>::at(at * OF_STEP + 2), row, i64::from(tested));
                if !tested {
                    untested.push((1 + count + at) as u32);
                }
            }
            if count == 0 {
                continue;
            }
            match weakest(&steps, &rates) {
                Some(at) => {
                    out.table(0).set(Out::<Category>::at(count * OF_STEP), row, at);
                    let expected = steps[at].expected.unwrap_or(1.0) * self.finding_below;
                    if let Some(rate) = rates[at].filter(|rate| *rate < expected) {
                        let finding = Finding::new(Level::Watch, (1 + at) as u32);
                        out.finding(finding.at(0, row as u32).measured(rate, expected));
                    }
                }
                None => out.finding(Finding::new(Level::None, Why::NO_MEMBERS).at(0, row as u32)),
            }
            for reason in untested {
                out.finding(Finding::new(Level::Watch, reason).at(0, row as u32));
            }
        }
        Ok(())
    }
}

export!(Funnel: diagnosis);
