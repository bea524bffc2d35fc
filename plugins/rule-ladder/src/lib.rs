//! Segments and ladders of tiers by conditions of settings (domain SG-1 to SG-7, SG-10).
//!
//! The rules are data: a model is a card beside this engine.

mod rules;
mod settings;

use playbook_domain::{Stood, settle};
use playbook_engine::{Reading, Sources, Text, check, check_name, needs};
use playbook_sdk::Categories;
use playbook_sdk::prelude::*;

use rules::Rules;
pub use settings::{ChoiceSetting, FlagSetting, SegmentSetting, Settings, ValueSetting};

declare! {
    /// Reasons of every ladder; those of flags and segments follow.
    reasons Why {
        HELD: "fall-held" => words("a fall waits for another lower evaluation", "下行待再次評估確認"),
        WAITS: "rise-waits" => words("a rise waits for another evaluation", "上行待再次評估確認"),
    }
}

/// Where outputs, earlier outputs and reasons lie; it follows from the settings.
#[derive(Debug)]
struct Places {
    /// Needs that rules name; those of earlier outputs follow.
    needs: usize,
    /// Positions of the rungs that wait, each with a run.
    waiting: Vec<usize>,
    /// Numbers that each segment carries, value by value.
    values: Vec<Vec<Option<f64>>>,
    /// Positions of names that each segment carries, choice by choice.
    choices: Vec<Vec<Option<usize>>>,
    /// Reasons of flags and of segments.
    flag_reasons: Vec<Option<u32>>,
    segment_reasons: Vec<Option<u32>>,
    ordered: bool,
    flags: usize,
}

/// Outputs of an ordered ladder that stand beside the segment.
const OF_LADDER: usize = 2;

impl Places {
    #[inline(never)]
    fn new(settings: &Settings, needs: usize) -> Self {
        let segments = || settings.order.iter().filter_map(|name| settings.segment.get(name));
        let waits = |(_, segment): &(usize, &SegmentSetting)| settings.ordered && segment.after > 1;
        let names = Self::choice_names(settings);
        let place = |names: &[String], name: &String| names.iter().position(|known| known == name);
        let mut reason = Why::COUNT as u32;
        let mut numbered = |why: &Option<Text>| {
            why.as_ref().map(|_| {
                reason += 1;
                reason - 1
            })
        };
        Self {
            needs,
            waiting: segments().enumerate().filter(waits).map(|(at, _)| at).collect(),
            values: settings
                .value
                .keys()
                .map(|name| segments().map(|segment| segment.values.get(name).copied()).collect())
                .collect(),
            choices: (settings.choice.keys().zip(&names))
                .map(|(choice, names)| {
                    let chosen =
                        |segment: &SegmentSetting| place(names, segment.choices.get(choice)?);
                    segments().map(chosen).collect()
                })
                .collect(),
            flag_reasons: settings.flag.values().map(|flag| numbered(&flag.why)).collect(),
            segment_reasons: segments().map(|segment| numbered(&segment.why)).collect(),
            ordered: settings.ordered,
            flags: settings.flag.len(),
        }
    }

    /// The names of each choice, in the order of the segments that carry them.
    #[inline(never)]
    fn choice_names(settings: &Settings) -> Vec<Vec<String>> {
        let names = |choice: &String| {
            let mut names: Vec<String> = Vec::new();
            let segments = settings.order.iter().filter_map(|name| settings.segment.get(name));
            for name in segments.filter_map(|segment| segment.choices.get(choice)) {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            names
        };
        settings.choice.keys().map(names).collect()
    }

    fn flag(&self, nth: usize) -> Out<Integer> {
        Out::at(1 + if self.ordered { OF_LADDER } else { 0 } + nth)
    }

    fn value(&self, nth: usize) -> Out<Real> {
        Out::at(1 + if self.ordered { OF_LADDER } else { 0 } + self.flags + nth)
    }

    fn choice(&self, nth: usize) -> Out<Category> {
        Out::at(1 + if self.ordered { OF_LADDER } else { 0 } + self.flags + self.values.len() + nth)
    }

    fn run(&self, nth: usize) -> Out<Integer> {
        let before = self.flags + self.values.len() + self.choices.len();
        Out::at(1 + OF_LADDER + before + nth)
    }
}

const SEGMENT: Out<Category> = Out::at(0);
const COUNTED: Out<Category> = Out::at(1);
const LOWER_RUN: Out<Integer> = Out::at(2);

fn run_of(segment: &str) -> String {
    [&segment.replace('-', "_"), "_run"].concat()
}

/// The outputs in their order.
#[inline(never)]
fn outputs(settings: &Settings) -> Vec<(String, Produce)> {
    let mut all = Vec::new();
    let mut add = |name: String, produce: Produce| all.push((name, produce));
    let role = if settings.ordered { Role::Level } else { Role::Segment };
    let name = settings.output.clone();
    let meaning = match settings.ordered {
        true => words("Rung, falls held back", "分層（下行延後）"),
        false => words("Segment", "分群"),
    };
    let segment = output::category(name.clone(), settings.order.clone()).role(role);
    add(name.clone(), segment.meaning(meaning));
    if settings.ordered {
        let name = ["counted_", &name.replace('-', "_")].concat();
        let counted = output::category(name.clone(), settings.order.clone());
        add(name, counted.meaning(words("Rung by this evaluation alone", "僅按當期數據的分層")));
        let lower = output::integer("lower_run").unit("count").at_least(0.0).meaning(words(
            "Evaluations in a row that gave a lower rung than the row holds",
            "連續低於現有分層的評估次數",
        ));
        add("lower_run".to_owned(), lower);
    }
    for (name, flag) in settings.flag.iter() {
        let flagged = output::integer(name.clone()).between(0.0, 1.0);
        add(name.clone(), flagged.meaning(&flag.words));
    }
    for (name, value) in settings.value.iter() {
        let mut carried = output::real(name.clone()).role(Role::Value).unit(value.unit.clone());
        carried = match (value.least, value.most) {
            (Some(least), Some(most)) => carried.between(least, most),
            (Some(least), None) => carried.at_least(least),
            _ => carried,
        };
        add(name.clone(), carried.meaning(&value.words));
    }
    for ((name, choice), names) in settings.choice.iter().zip(Places::choice_names(settings)) {
        add(name.clone(), output::category(name.clone(), names).meaning(&choice.words));
    }
    for name in &settings.order {
        if settings.ordered && settings.segment.get(name).is_some_and(|segment| segment.after > 1) {
            let run = output::integer(run_of(name)).unit("count").at_least(0.0).meaning(words(
                "Evaluations in a row that reached at least the rung below",
                "連續達到下一級分層的評估次數",
            ));
            add(run_of(name), run);
        }
    }
    all
}

/// The opened plugin.
#[derive(Debug)]
pub struct RuleLadder {
    rules: Rules,
    sources: Sources,
    places: Places,
    hysteresis_cycles: i64,
}

impl Plugin for RuleLadder {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "rule-ladder",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Segments and ladders by conditions", "按條件規則的分層與階梯"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut reading = Reading::new(&settings.numbers);
        rules::read(settings, &mut reading);
        let outputs = outputs(settings);
        check_outputs(settings, &outputs, &mut reading.problems);
        let names: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
        let (rows, brand) = needs(&mut reading, &settings.columns, &names);
        reading.problems.into_result()?;
        let mut shape = Shape::rows(settings.subject.clone()).needs(rows).needs(earlier(settings));
        if !brand.is_empty() {
            shape = shape.table(table("brand").needs(brand));
        }
        shape = shape.produces(outputs.into_iter().map(|(_, output)| output)).reasons(Why::all());
        for (name, flag) in settings.flag.iter() {
            shape = with_reason(shape, name, flag.why.as_ref());
        }
        for name in &settings.order {
            let Some(segment) = settings.segment.get(name) else { continue };
            shape = with_reason(shape, name, segment.why.as_ref());
            shape = shape.segment(name.clone(), &segment.words);
        }
        Ok(settings.term.iter().fold(shape, |shape, (name, text)| shape.term(name.clone(), text)))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let mut reading = Reading::new(&settings.numbers);
        let Some(rules) = rules::read(&settings, &mut reading) else {
            return Err(reading.problems);
        };
        let brand = (!opening.tables.is_empty()).then(|| opening.tables.table(0));
        let sources = Sources::new(&reading.names, brand, 0);
        let places = Places::new(&settings, sources.rows());
        Ok(Self { rules, sources, places, hysteresis_cycles: settings.hysteresis_cycles })
    }
}

#[inline(never)]
fn with_reason(shape: Shape, name: &str, why: Option<&Text>) -> Shape {
    match why {
        Some(why) => shape.reason(name, why),
        None => shape,
    }
}

/// Own outputs of the last cycle, after the columns of the rules.
#[inline(never)]
fn earlier(settings: &Settings) -> Vec<Need> {
    if !settings.ordered {
        return Vec::new();
    }
    let mut needs = vec![
        need::category(settings.output.clone(), settings.order.clone()).previous(1),
        need::integer("lower_run").previous(1),
    ];
    let waiting = settings
        .order
        .iter()
        .filter(|name| settings.segment.get(name).is_some_and(|segment| segment.after > 1));
    needs.extend(waiting.map(|name| need::integer(run_of(name)).previous(1)));
    needs
}

#[inline(never)]
fn check_outputs(settings: &Settings, outputs: &[(String, Produce)], problems: &mut Problems) {
    check_name(problems, &["output"], &settings.output);
    let tables = [
        ("flag", settings.flag.keys().collect::<Vec<_>>()),
        ("value", settings.value.keys().collect()),
        ("choice", settings.choice.keys().collect()),
    ];
    for (table, names) in tables {
        for name in names {
            check_name(problems, &[table, name], name);
            let is_unique = outputs.iter().filter(|(other, _)| other == name).count() == 1;
            check(problems, is_unique, &[table, name], "is the name of two outputs");
        }
    }
    for name in settings.flag.keys().filter(|name| settings.segment.has(name)) {
        check(problems, false, &["flag", name], "is the name of a segment too");
    }
    for (name, names) in settings.choice.keys().zip(Places::choice_names(settings)) {
        check(problems, !names.is_empty(), &["choice", name], "is carried by no segment");
    }
    for name in settings.value.keys() {
        let is_carried = settings.segment.values().any(|segment| segment.values.has(name));
        check(problems, is_carried, &["value", name], "is carried by no segment");
    }
}

impl Segmentation for RuleLadder {
    fn assign(&self, _: &Context, rows: &Rows<'_>, out: &mut Segments<'_>) -> Result<(), String> {
        let mut facts = self.sources.of(rows);
        let earlier = Earlier::of(rows, &self.places);
        for row in 0..rows.len() {
            facts.row = row;
            let mut flagged = None;
            for (nth, flag) in self.rules.flags.iter().enumerate() {
                let truth = flag.truth(&facts);
                out.set_or_missing(self.places.flag(nth), row, truth.map(i64::from));
                if truth == Some(true) {
                    flagged = flagged.or(self.places.flag_reasons[nth]);
                }
            }
            let run = |waiting: usize, reached: usize| {
                let nth = self.places.waiting.iter().position(|at| *at == waiting);
                nth.map_or(0, |nth| earlier.run(nth, row, reached + 1 >= waiting))
            };
            let Some(counted) = self.rules.counted(&facts, run) else { continue };
            let mut given = counted.segment;
            if self.places.ordered {
                let now = settle(counted.segment, earlier.stood(row), self.hysteresis_cycles);
                given = now.rung;
                out.set(COUNTED, row, counted.segment);
                out.set(LOWER_RUN, row, now.lower_run);
                for (nth, waiting) in self.places.waiting.iter().enumerate() {
                    let run = earlier.run(nth, row, counted.reached + 1 >= *waiting);
                    out.set(self.places.run(nth), row, run);
                }
            }
            out.segment(row, given as u32);
            out.set(SEGMENT, row, given);
            self.carry(row, given, out);
            let held = (given > counted.segment && self.places.ordered).then_some(Why::HELD);
            let waits = (counted.reached > given).then_some(Why::WAITS);
            let own = self.places.segment_reasons[given];
            if let Some(reason) = held.or(waits).or(flagged).or(own) {
                out.reason(row, reason);
            }
        }
        Ok(())
    }
}

impl RuleLadder {
    fn carry(&self, row: usize, segment: usize, out: &mut Segments<'_>) {
        for (nth, values) in self.places.values.iter().enumerate() {
            out.set_or_missing(self.places.value(nth), row, values[segment]);
        }
        for (nth, choices) in self.places.choices.iter().enumerate() {
            out.set_or_missing(self.places.choice(nth), row, choices[segment]);
        }
    }
}

/// What this stage said of the rows at the last evaluation; nothing where segments have no order.
struct Earlier<'a> {
    columns: Option<(Categories<'a>, Column<'a, i64>)>,
    runs: Vec<Column<'a, i64>>,
}

impl<'a> Earlier<'a> {
    fn of(rows: &Rows<'a>, places: &Places) -> Self {
        let at = places.needs;
        let columns = places
            .ordered
            .then(|| (rows.get(In::<Category>::at(at)), rows.get(In::<Integer>::at(at + 1))));
        let runs = (0..places.waiting.len()).map(|nth| rows.get(In::<Integer>::at(at + 2 + nth)));
        Self { columns, runs: runs.collect() }
    }

    fn stood(&self, row: usize) -> Option<Stood> {
        let (rung, lower_run) = self.columns.as_ref()?;
        Some(Stood { rung: rung.get(row)?, lower_run: lower_run.get(row).unwrap_or(0) })
    }

    /// Evaluations in a row with this one, in which the rung below one that waits was reached.
    fn run(&self, nth: usize, row: usize, reached: bool) -> i64 {
        let before = self.runs[nth].get(row).unwrap_or(0).max(0);
        if reached { before.saturating_add(1) } else { 0 }
    }
}

export!(RuleLadder: segmentation);
