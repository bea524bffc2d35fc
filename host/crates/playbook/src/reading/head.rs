//! The tables `[playbook]`, `[cycle]` and `[output]`.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use playbook_features::Schedule;
use playbook_model::{
    BudgetDef, Comparison, CycleDef, FeatureDef, Figures, IndicatorDef, Label, OutputDef, StageDef,
    TargetDef, Words,
};

use super::Reading;
use super::references::Names;
use crate::problem::{Place, Problem};
use crate::tree::{Entry, Node, Table, Value};
use crate::values;

/// Days of the shortest and the longest cycle.
const CYCLE_DAYS: std::ops::RangeInclusive<i64> = 1..=366;
const DAY_MS: i64 = 86_400_000;

/// What has been read of a playbook before its outputs.
pub(super) struct SoFar<'a> {
    pub(super) budget: Option<&'a BudgetDef>,
    pub(super) stages: &'a [StageDef],
    pub(super) features: &'a [FeatureDef],
}

/// What `[playbook]` says.
#[derive(Default)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) brand: String,
    pub(super) title: Words,
    pub(super) industry: Option<String>,
    pub(super) currency: String,
    pub(super) time_zone: String,
    pub(super) seed: u64,
    pub(super) pseudonym_salt: String,
}

impl Reading<'_> {
    pub(super) fn head(&mut self) -> Head {
        let Some(table) = self.root.table("playbook") else {
            return Head::default();
        };
        let text = |key: &str| table.text(key).unwrap_or_default().to_owned();
        let currency = text("currency");
        let time_zone = text("time_zone");
        if let Some(node) = table.get("currency").filter(|node| node.text().is_some()) {
            self.currency(&currency, node);
        }
        if let Some(node) = table.get("time_zone").filter(|node| node.text().is_some()) {
            self.time_zone(&time_zone, node.place);
        }
        Head {
            title: table.get("title").map_or_else(|| plain_words(&text("id")), words),
            industry: table.text("industry").map(str::to_owned),
            seed: table.integer("seed").unwrap_or(1).unsigned_abs(),
            pseudonym_salt: table
                .text("pseudonym_salt")
                .map_or_else(|| text("brand"), str::to_owned),
            id: text("id"),
            brand: text("brand"),
            currency,
            time_zone,
        }
    }

    fn currency(&mut self, code: &str, node: &Node) {
        match values::currency_digits(code) {
            Some(digits) => self.digits = digits,
            None => {
                // Codes of three letters are all near each other; only certain slips are named.
                let meant = match code.to_uppercase().as_str() {
                    "RMB" | "CNH" => Some("CNY"),
                    capitals => values::currencies().find(|known| *known == capitals),
                };
                let problem = Problem::new(
                    "unknown-currency",
                    node.place,
                    format!("`{code}` is no currency"),
                )
                .expected("an ISO 4217 code in capitals, like CNY or USD");
                self.add(match meant {
                    Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                    None => problem,
                });
            }
        }
    }

    fn time_zone(&mut self, name: &str, place: Place) {
        if let Some(zone) = self.zone_of(name, place) {
            self.zone = zone;
        }
    }

    /// The time zone of a name; one that does not exist is told.
    pub(super) fn zone_of(&mut self, name: &str, place: Place) -> Option<TimeZone> {
        match TimeZone::get(name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                let names: Vec<String> =
                    jiff::tz::db().available().map(|name| name.to_string()).collect();
                self.add(
                    Problem::new("unknown-time-zone", place, format!("`{name}` is no time zone"))
                        .expected("an IANA name, like Asia/Shanghai")
                        .nearest(name, names.iter().map(String::as_str)),
                );
                None
            }
        }
    }

    pub(super) fn cycle(&mut self) -> CycleDef {
        let mut cycle = CycleDef { as_of: None, length_days: 28, close: None };
        let Some(table) = self.root.table("cycle") else {
            return cycle;
        };
        if let Some(node) = table.get("as_of")
            && let Value::Text(text) | Value::Time(text) = &node.value
        {
            cycle.as_of = values::parse_instant(text, &self.zone);
            if cycle.as_of.is_none() {
                self.add(
                    Problem::new("bad-time", node.place, format!("`as_of` cannot be `{text}`"))
                        .expected(crate::spec::Shape::Instant.words()),
                );
            }
        }
        if let Some(node) = table.get("length")
            && let Some(ms) = node.text().and_then(values::duration_ms)
        {
            if ms % DAY_MS == 0 && CYCLE_DAYS.contains(&(ms / DAY_MS)) {
                cycle.length_days = u32::try_from(ms / DAY_MS).unwrap_or(28);
            } else {
                self.add(
                    Problem::new(
                        "out-of-range",
                        node.place,
                        "`length` is no whole number of days from 1 to 366",
                    )
                    .expected("a length like \"28d\" or \"4w\""),
                );
            }
        }
        if let Some(node) = table.get("close")
            && let Some(text) = node.text()
        {
            cycle.close = Some(text.to_owned());
            if let Err(error) = Schedule::new(text, self.zone.clone()) {
                let message = format!("`close` cannot be `{text}`: {error}");
                self.add(Problem::new("bad-time", node.place, message).expected(
                    "minute, hour, day of the month, month and day of the week as in a crontab, \
                     like \"0 3 * * *\"",
                ));
            }
        }
        cycle
    }

    pub(super) fn outputs(&mut self, names: &Names, playbook: &SoFar<'_>) -> OutputDef {
        let brand_values = self.brand_values();
        let mut outputs = OutputDef {
            indicators: self.indicators(names),
            targets: self.targets(names),
            goals: self.goals(names, &brand_values, playbook.budget),
            serves: self.campaigns_serve(&brand_values, playbook.stages),
            curves: self.curves(names, playbook.features),
            forecasts: self.forecasts(names),
            brand_values,
            ..OutputDef::default()
        };
        let Some(table) = self.root.table("output") else {
            return outputs;
        };
        outputs.languages =
            table.list("languages").iter().filter_map(Node::text).map(str::to_owned).collect();
        let mut features = |key: &str| {
            let mut found = Vec::new();
            for node in table.list(key) {
                let Some(name) = node.text() else { continue };
                self.feature_exists(names, name, node.place);
                found.push(name.to_owned());
            }
            found
        };
        outputs.omit_features = features("omit_features");
        outputs.figures = Figures {
            active: features("active"),
            orders: features("orders"),
            revenue: features("revenue"),
            cost: features("cost"),
        };
        outputs.effects = features("effects");
        for node in table.list("effects") {
            self.describes_members(names, node, "effects are");
        }
        outputs.deliveries = self.deliveries(table);
        outputs
    }
}

impl Reading<'_> {
    fn targets(&mut self, names: &Names) -> Vec<TargetDef> {
        let table = self.root.table("targets").cloned().unwrap_or_default();
        table.entries.iter().filter_map(|entry| self.target(names, entry)).collect()
    }

    fn indicators(&mut self, names: &Names) -> Vec<IndicatorDef> {
        let table = self.root.table("indicators").cloned().unwrap_or_default();
        let indicator = |entry: &Entry| {
            self.figure_exists(names, &entry.key, entry.key_place, "an indicator");
            IndicatorDef { name: entry.key.clone(), words: figure_words(entry) }
        };
        table.entries.iter().map(indicator).collect()
    }

    /// A figure of the brand, which `what` names.
    pub(super) fn figure_exists(&mut self, names: &Names, name: &str, place: Place, what: &str) {
        self.reference_exists(names, name, place);
        let stem = name.split('.').next().unwrap_or_default();
        if let Some(subject) = names.features.get(stem).filter(|subject| *subject != "brand") {
            let message = format!("`{name}` describes {subject}, {what} is of the brand");
            self.add(
                Problem::new("subject-mismatch", place, message)
                    .expected("a feature of the subject `brand`, or an output of its row"),
            );
        }
    }

    pub(super) fn describes_members(&mut self, names: &Names, node: &Node, what: &str) {
        let Some(name) = node.text() else { return };
        if let Some(subject) = names.features.get(name).filter(|subject| *subject != "member") {
            let message = format!("`{name}` describes {subject}, {what} told of members");
            self.add(
                Problem::new("subject-mismatch", node.place, message)
                    .expected("a feature of the subject `member`"),
            );
        }
    }

    fn target(&mut self, names: &Names, entry: &Entry) -> Option<TargetDef> {
        let table = entry.node.table()?;
        self.figure_exists(names, &entry.key, entry.key_place, "a target");
        let ways = [
            ("at_least", Comparison::AtLeast),
            ("more_than", Comparison::MoreThan),
            ("at_most", Comparison::AtMost),
            ("less_than", Comparison::LessThan),
        ];
        let mut said = ways.into_iter().filter_map(|(key, way)| Some((way, table.real(key)?)));
        let (Some((comparison, value)), None) = (said.next(), said.next()) else {
            let message = format!("the target `{}` says no value, or more than one", entry.key);
            self.add(
                Problem::new("conflicting-keys", entry.key_place, message)
                    .expected("one of `at_least`, `more_than`, `at_most`, `less_than`"),
            );
            return None;
        };
        Some(TargetDef {
            name: entry.key.clone(),
            comparison,
            value,
            near: table.real("near").unwrap_or(0.9),
            words: figure_words(entry),
            source: table.text("source").unwrap_or_default().to_owned(),
            form: table.flag("form").unwrap_or(false),
        })
    }
}

/// The brand's words for names.
pub(super) fn labels(root: &Table) -> BTreeMap<String, Label> {
    let entries = root.table("labels").map_or(&[][..], |table| &table.entries);
    entries.iter().map(|entry| (entry.key.clone(), label(&entry.node))).collect()
}

fn label(node: &Node) -> Label {
    let text = |text: Option<&str>| text.map(str::to_owned);
    match &node.value {
        Value::Table(table) => Label { en: text(table.text("en")), zh: text(table.text("zh")) },
        _ => Label { en: text(node.text()), zh: text(node.text()) },
    }
}

/// The words of an indicator, a target, a goal or a forecast; its name where it has none.
pub(super) fn figure_words(entry: &Entry) -> Words {
    let said = entry.node.table().and_then(|table| table.get("words"));
    said.map_or_else(|| plain_words(&entry.key), words)
}

pub(super) fn plain_words(text: &str) -> Words {
    Words { en: text.to_owned(), zh: None }
}

/// Words as a text, or as a table of languages.
pub(crate) fn words(node: &Node) -> Words {
    match &node.value {
        Value::Table(table) => Words {
            en: table.text("en").unwrap_or_default().to_owned(),
            zh: table.text("zh").map(str::to_owned),
        },
        _ => plain_words(node.text().unwrap_or_default()),
    }
}
