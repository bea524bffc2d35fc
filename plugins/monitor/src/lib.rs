//! Warnings and ranked suggestions by conditions of settings (domain DG-13, DG-14).
//!
//! The rules are data: a model is a card beside this engine.

mod rules;
mod settings;

use playbook_domain::Streak;
use playbook_engine::{Reading, Sources, needs};
use playbook_sdk::prelude::*;

use rules::{Fired, Rules, rank};
pub use settings::{Degree, PackageSetting, RankSetting, RuleSetting, Settings};

/// The levels in ascending order.
const LEVELS: [&str; 4] = ["none", "watch", "warn", "critical"];

declare! {
    /// What is said of every row; suggestions and runs follow.
    outputs Said {
        LEVEL: category("level", LEVELS).role(Role::Level)
            .alarms([Level::None, Level::Watch, Level::Warn, Level::Critical])
            .meaning(words("Greatest level of the rules that fired", "觸發規則的最高級別")),
        FIRED: integer("fired").unit("count").at_least(0.0).meaning(words("Rules that fired", "觸發規則數")),
    }
}

/// Outputs of each suggestion, and of each rule that waits.
const OF_SUGGESTION: usize = 3;
const OF_RUN: usize = 2;

/// The opened plugin.
#[derive(Debug)]
pub struct Monitor {
    rules: Rules,
    sources: Sources,
    /// Columns of the rules before those of earlier runs.
    needs: usize,
    facts: Vec<RuleFacts>,
    rank: Option<RankSetting>,
}

/// What of a rule does not depend on rows.
#[derive(Debug)]
struct RuleFacts {
    level: Level,
    periods: u32,
    /// Place among the rules that wait.
    waits: Option<usize>,
    suggests: Vec<u32>,
}

fn facts_of(settings: &Settings) -> Vec<RuleFacts> {
    let mut waiting = 0;
    let mut facts = Vec::new();
    for rule in settings.rule.values() {
        let place = |name: &String| settings.package.keys().position(|package| package == name);
        let suggests = rule.suggests.iter().filter_map(place).map(|place| place as u32).collect();
        let waits = (rule.periods > 1).then_some(waiting);
        waiting += usize::from(waits.is_some());
        facts.push(RuleFacts { level: rule.level.into(), periods: rule.periods, waits, suggests });
    }
    facts
}

/// Names of the outputs that count a rule's periods.
fn run_of(rule: &str) -> [String; OF_RUN] {
    let rule = rule.replace('-', "_");
    [[&rule, "_run"].concat(), [&rule, "_gaps"].concat()]
}

fn suggestion(nth: u32, what: &str) -> String {
    ["suggestion_", &nth.to_string(), what].concat()
}

/// Outputs behind those of every row: each suggestion, then the runs of each rule that waits.
fn outputs(settings: &Settings) -> Vec<(String, Produce)> {
    let mut all = Vec::new();
    for nth in 1..=settings.rank.as_ref().map_or(0, |rank| rank.most) {
        let name = suggestion(nth, "");
        let rules = output::category(name.clone(), settings.rule.keys().cloned());
        all.push((name, rules.meaning(words("Suggestion of this rank", "該名次的建議"))));
        let name = suggestion(nth, "_effect");
        let effect = output::real(name.clone()).role(Role::Value);
        all.push((
            name,
            effect.meaning(words("Its expected effect, from own history", "預期效果（自身歷史）")),
        ));
        let name = suggestion(nth, "_evidence");
        let cases = output::real(name.clone()).unit("count").at_least(0.0);
        all.push((name, cases.meaning(words("Cases that this rests on", "證據數"))));
    }
    for (rule, _) in settings.rule.iter().filter(|(_, rule)| rule.periods > 1) {
        let [run, gaps] = run_of(rule);
        let meaning = words("Evaluations in a row that met the rule", "連續符合規則的次數");
        all.push((run.clone(), output::integer(run).unit("count").at_least(0.0).meaning(meaning)));
        let meaning = words("Evaluations since then that could not tell", "其後無法判定的次數");
        all.push((
            gaps.clone(),
            output::integer(gaps).unit("count").at_least(0.0).meaning(meaning),
        ));
    }
    all
}

impl Plugin for Monitor {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "monitor",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Warnings and suggestions by conditions", "按條件規則的預警與建議"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut reading = Reading::new(&settings.numbers);
        rules::read(settings, &mut reading);
        if settings.rank.is_some() && settings.rule.is_empty() {
            reading.problems.at("/rank", "has no rules to rank");
        }
        let outputs = outputs(settings);
        let names: Vec<&str> = ["level", "fired"]
            .into_iter()
            .chain(outputs.iter().map(|(name, _)| name.as_str()))
            .collect();
        let (rows, brand) = needs(&mut reading, &settings.columns, &names);
        reading.problems.into_result()?;
        let waiting = settings.rule.iter().filter(|(_, rule)| rule.periods > 1);
        let earlier =
            waiting.flat_map(|(rule, _)| run_of(rule).map(|name| need::integer(name).previous(1)));
        let rows = table(settings.subject.clone()).needs(rows).needs(earlier);
        let mut shape = Shape::whole_tables().table(rows).produces_in(0, Said::all());
        if !brand.is_empty() {
            shape = shape.table(table("brand").needs(brand));
        }
        shape = shape.produces_in(0, outputs.into_iter().map(|(_, output)| output));
        for (name, rule) in settings.rule.iter() {
            shape = shape.reason(name, &rule.words).term(name, &rule.words);
        }
        for (name, package) in settings.package.iter() {
            let suggested = action(name, Priority::Campaign, &package.words);
            shape = shape.action(suggested.needs_approval());
        }
        Ok(shape)
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let mut reading = Reading::new(&settings.numbers);
        let Some(rules) = rules::read(&settings, &mut reading) else {
            return Err(reading.problems);
        };
        let brand = (opening.tables.len() > 1).then(|| opening.tables.table(1));
        let sources = Sources::new(&reading.names, brand, 0);
        let (needs, facts) = (sources.rows(), facts_of(&settings));
        Ok(Self { rules, sources, needs, facts, rank: settings.rank })
    }
}

impl Monitor {
    /// Place of the first output that counts the periods of a rule.
    fn run(&self, waits: usize) -> usize {
        let named = self.rank.as_ref().map_or(0, |rank| rank.most as usize);
        Said::COUNT + named * OF_SUGGESTION + waits * OF_RUN
    }

    /// Whether a rule fires, by its condition and the evaluations before.
    fn fires(
        &self,
        rule: usize,
        met: Option<bool>,
        rows: &Rows<'_>,
        row: usize,
        out: &mut Outputs<'_>,
    ) -> bool {
        let facts = &self.facts[rule];
        let Some(waits) = facts.waits else { return met == Some(true) };
        let earlier = |nth: usize| {
            let place = In::<Integer>::at(self.needs + waits * OF_RUN + nth);
            rows.get(place).get(row).and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
        };
        let mut streak = Streak::resumed(earlier(0), earlier(1));
        let run = streak.next(met);
        out.set(Out::<Integer>::at(self.run(waits)), row, i64::from(run));
        out.set(Out::<Integer>::at(self.run(waits) + 1), row, i64::from(streak.gaps()));
        // What cannot be told now neither begins nor ends a warning.
        run >= facts.periods && met != Some(false)
    }

    fn suggest(&self, rank: &RankSetting, fired: &[Fired], row: usize, out: &mut Outputs<'_>) {
        for (nth, fired) in fired.iter().take(rank.most as usize).enumerate() {
            let at = Said::COUNT + nth * OF_SUGGESTION;
            out.set(Out::<Category>::at(at), row, fired.rule);
            out.set_or_missing(Out::<Real>::at(at + 1), row, fired.effect);
            let cases = fired.evidence.filter(|cases| *cases >= 0.0);
            out.set_or_missing(Out::<Real>::at(at + 2), row, cases);
        }
    }
}

impl Diagnosis for Monitor {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let rows = tables.table(0);
        let mut facts = self.sources.of(&rows);
        let mut fired: Vec<Fired> = Vec::new();
        for row in 0..rows.len() {
            facts.row = row;
            if !self.rules.among.holds(&facts) {
                continue;
            }
            fired.clear();
            for (at, rule) in self.rules.rules.iter().enumerate() {
                if self.fires(at, rule.when.truth(&facts), &rows, row, out.table(0)) {
                    let evidence_min = self.rank.as_ref().map_or(1, |rank| rank.evidence_min);
                    fired.push(rule.fired(at, evidence_min, &facts));
                }
            }
            if let Some(setting) = &self.rank {
                rank(&mut fired);
                self.suggest(setting, &fired, row, out.table(0));
            }
            let mut level = Level::None;
            for fired in &fired {
                let of_rule = &self.facts[fired.rule];
                level = level.max(of_rule.level);
                let mut finding = Finding::new(of_rule.level, fired.rule as u32).at(0, row as u32);
                (finding.value, finding.threshold) = self.rules.rules[fired.rule].measured(&facts);
                out.finding(finding.suggests(of_rule.suggests.iter().copied()));
            }
            let table = out.table(0);
            table.set(Said::LEVEL, row, level as usize);
            table.set(Said::FIRED, row, fired.len() as i64);
        }
        Ok(())
    }
}

export!(Monitor: diagnosis);
