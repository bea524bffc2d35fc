//! The tables `[[stage]]`: plugin references, settings, bindings, limits.

use std::collections::BTreeMap;
use std::path::PathBuf;

use playbook_model::{
    ArtefactRef, BudgetDef, Kind, Limits, OnFault, PluginRef, SqlLimits, StageDef, TradeDef,
};

use super::Reading;
use super::references::Names;
use crate::canonical::to_json;
use crate::merge::{entry_name, is_path};
use crate::problem::{Place, Problem};
use crate::spec::one_of;
use crate::tree::{Entry, Node, Table, Value};
use crate::values;

impl Reading<'_> {
    pub(super) fn stages(
        &mut self,
        names: &Names,
        budget: Option<&BudgetDef>,
        trade: &TradeDef,
    ) -> Vec<StageDef> {
        let mut seen: BTreeMap<String, Place> = BTreeMap::new();
        let mut stages = Vec::new();
        for node in self.root.list("stage") {
            let Some(table) = node.table() else { continue };
            if let Some(name) = entry_name(table) {
                let place = table
                    .get("name")
                    .or_else(|| table.get("card"))
                    .or_else(|| table.get("plugin"))
                    .map_or(node.place, |node| node.place);
                match seen.get(&name) {
                    Some(first) => self.add(
                        Problem::new(
                            "duplicate-name",
                            place,
                            format!("there are two stages `{name}`"),
                        )
                        .expected("a `name` of its own for each stage")
                        .related(*first, "the first one"),
                    ),
                    None => {
                        seen.insert(name, place);
                    }
                }
            }
            stages.extend(self.stage(table, node.place, names, budget, trade));
        }
        stages
    }

    fn stage(
        &mut self,
        table: &Table,
        whole: Place,
        names: &Names,
        budget: Option<&BudgetDef>,
        trade: &TradeDef,
    ) -> Option<StageDef> {
        let (Some(plugin), Some(_)) = (table.get("plugin"), table.get("kind")) else {
            self.incomplete(table, whole);
            return None;
        };
        let plugin = self.plugin(plugin);
        let kind = Kind::ALL.into_iter().find(|kind| Some(kind.name()) == table.text("kind"))?;
        let said =
            OnFault::ALL.into_iter().find(|known| Some(known.name()) == table.text("on_fault"));
        let on_fault = said.unwrap_or(match kind {
            Kind::Roi | Kind::Diagnosis => OnFault::Skip,
            _ => OnFault::Close,
        });
        let terms = self.stage_terms(table, kind);
        let name = entry_name(table).unwrap_or_default();
        Some(StageDef {
            card: self.cards.get(&name).cloned(),
            name,
            kind,
            plugin: plugin?,
            settings: table.get("settings").map_or_else(|| serde_json::json!({}), to_json),
            bind: self.bind(table, names),
            limits: self.limits(table),
            on_fault,
            allow: table.list("allow").iter().filter_map(Node::text).map(str::to_owned).collect(),
            pool: self.pool(table, kind, budget),
            terms,
            actions: self.action_terms(table, terms),
            says: self.says(table, trade),
        })
    }

    /// Reports a stage that says neither what it is nor which card says so.
    fn incomplete(&mut self, table: &Table, whole: Place) {
        // A card that cannot be had is reported already.
        if table.get("card").is_some() {
            return;
        }
        let mut missing = |key: &str, hint: &str| {
            if table.get(key).is_none() {
                let place = Place { len: whole.len.min(80), ..whole };
                let message = format!("`{key}` is missing in [[stage]]");
                self.add(
                    Problem::new("missing-key", place, message)
                        .expected(format!("`{key}`, or a `card` that says it"))
                        .hint(format!("for example {hint}")),
                );
            }
        };
        missing("kind", "kind = \"scoring\"");
        missing("plugin", "plugin = \"value-rfm@^0.1\"");
    }

    fn plugin(&mut self, node: &Node) -> Option<PluginRef> {
        match &node.value {
            Value::Text(text) if ArtefactRef::is_meant(text) => self.artefact(text, node.place),
            Value::Text(text) if is_path(text) => Some(self.component(text, node.place)),
            Value::Text(text) => {
                let (name, version) = text.split_once('@').unwrap_or((text, "*"));
                self.named(name, version, node.place)
            }
            Value::Table(table) => match (table.entry("path"), table.entry("name")) {
                (Some(path), None) => {
                    if let Some(extra) = table.entry("version") {
                        self.add(
                            Problem::new(
                                "needless-key",
                                extra.key_place,
                                "`version` has no effect beside `path`",
                            )
                            .expected("`path` alone, or `name` with `version`"),
                        );
                    }
                    Some(self.component(path.node.text()?, path.node.place))
                }
                (None, Some(name)) => {
                    let place = table.get("version").unwrap_or(&name.node).place;
                    self.named(name.node.text()?, table.text("version").unwrap_or("*"), place)
                }
                (Some(first), Some(second)) => {
                    self.add(
                        Problem::new(
                            "conflicting-keys",
                            second.key_place,
                            "`path` and `name` exclude each other",
                        )
                        .expected("one of them")
                        .related(first.key_place, "the other one"),
                    );
                    None
                }
                (None, None) => {
                    self.add(
                        Problem::new(
                            "missing-key",
                            node.place,
                            "the plugin has neither `name` nor `path`",
                        )
                        .expected("the name of a plugin, or the path of a component file")
                        .hint("for example plugin = \"value-rfm\""),
                    );
                    None
                }
            },
            _ => None,
        }
    }

    fn artefact(&mut self, text: &str, place: Place) -> Option<PluginRef> {
        let problem = match ArtefactRef::parse(text) {
            Ok(artefact) if artefact.digest.is_some() => {
                return Some(PluginRef::Artefact(artefact));
            }
            Ok(artefact) => {
                let message =
                    format!("`{text}` names no digest, so that it may be other bytes tomorrow");
                Problem::new("bad-plugin", place, message)
                    .expected(format!("its digest too: {artefact}@sha256:..."))
                    .hint(format!("`playbook plugin pull {artefact}` prints it"))
            }
            Err(bad) => Problem::new("bad-plugin", place, bad.what).expected(bad.expected),
        };
        self.add(problem);
        None
    }

    fn component(&mut self, text: &str, place: Place) -> PluginRef {
        if std::path::Path::new(text).extension().is_none_or(|ending| ending != "wasm") {
            self.add(
                Problem::new("bad-plugin", place, format!("`{text}` is no component file"))
                    .expected(
                        "a path that ends in .wasm, or the name of a plugin like `value-rfm@^0.1`",
                    ),
            );
        }
        let folder = self.folders.get(place.file).cloned().unwrap_or_else(PathBuf::new);
        PluginRef::Path(self.folder.join(folder).join(text))
    }

    fn named(&mut self, name: &str, version: &str, place: Place) -> Option<PluginRef> {
        if !values::is_kebab(name) {
            self.add(
                Problem::new("bad-plugin", place, format!("`{name}` is no name of a plugin"))
                    .expected("lower-case words joined by hyphens, with a version requirement after `@`: value-rfm@^0.1"),
            );
            return None;
        }
        if let Err(error) = semver::VersionReq::parse(version) {
            self.add(
                Problem::new(
                    "bad-version",
                    place,
                    format!("`{version}` is no version requirement: {error}"),
                )
                .expected("a requirement like `^0.1`, `0.1.2`, `>=0.1, <0.3` or `*`"),
            );
            return None;
        }
        Some(PluginRef::Named { name: name.to_owned(), version: version.to_owned() })
    }

    fn bind(&mut self, table: &Table, names: &Names) -> BTreeMap<String, String> {
        let mut bind = BTreeMap::new();
        for entry in table.table("bind").map(|table| table.entries.as_slice()).unwrap_or_default() {
            let Some(name) = entry.node.text() else {
                continue;
            };
            if values::is_reference(name) {
                self.reference_exists(names, name, entry.node.place);
            }
            bind.insert(entry.key.clone(), name.to_owned());
        }
        bind
    }

    fn pool(&mut self, table: &Table, kind: Kind, budget: Option<&BudgetDef>) -> Option<String> {
        let spends = matches!(kind, Kind::Incentive | Kind::Campaign);
        match (table.entry("pool"), budget) {
            (Some(entry), _) if !spends => {
                self.add(
                    Problem::new(
                        "needless-key",
                        entry.key_place,
                        format!("`pool` has no effect: a {} stage spends nothing", kind.name()),
                    )
                    .expected("a stage without it"),
                );
                None
            }
            (Some(entry), None) => {
                self.add(
                    Problem::new(
                        "unknown-pool",
                        entry.node.place,
                        "there is no budget to take a pool from",
                    )
                    .expected("a table [budget] with `total`"),
                );
                None
            }
            (Some(entry), Some(budget)) => {
                let name = entry.node.text()?;
                if !budget.pools.contains_key(name) {
                    self.add(
                        Problem::new(
                            "unknown-pool",
                            entry.node.place,
                            format!("the budget has no pool `{name}`"),
                        )
                        .expected(one_of(budget.pools.keys()))
                        .nearest(name, budget.pools.keys().map(String::as_str)),
                    );
                }
                Some(name.to_owned())
            }
            (None, Some(budget)) if spends => self.usual_pool(table, kind, budget),
            _ => None,
        }
    }

    fn usual_pool(&mut self, table: &Table, kind: Kind, budget: &BudgetDef) -> Option<String> {
        let usual = if kind == Kind::Campaign { "burst" } else { "daily" };
        if budget.pools.contains_key(usual) {
            return Some(usual.to_owned());
        }
        let place = table.get("plugin").map(|node| node.place).unwrap_or_default();
        self.add(
            Problem::new(
                "missing-key",
                place,
                format!("`pool` is missing: the budget has no pool `{usual}`"),
            )
            .expected(one_of(budget.pools.keys())),
        );
        None
    }

    fn limits(&mut self, table: &Table) -> Limits {
        let mut limits = Limits::default();
        let Some(table) = table.table("limits") else {
            return limits;
        };
        let most = self.ceiling;
        let slots = [
            ("component", &mut limits.component_bytes_max, most.component_bytes_max),
            ("memory", &mut limits.memory_bytes_max, most.memory_bytes_max),
            ("fit_memory", &mut limits.fit_memory_bytes_max, most.fit_memory_bytes_max),
            ("fit_rows", &mut limits.fit_rows_max, most.fit_rows_max),
            ("fuel_base", &mut limits.fuel_base, most.fuel_base),
            ("fuel_per_row", &mut limits.fuel_per_row, most.fuel_per_row),
            ("fit_fuel_base", &mut limits.fit_fuel_base, most.fit_fuel_base),
            ("fit_fuel_per_row", &mut limits.fit_fuel_per_row, most.fit_fuel_per_row),
            ("call_time", &mut limits.call_ms_max, most.call_ms_max),
            ("fit_call_time", &mut limits.fit_call_ms_max, most.fit_call_ms_max),
            ("returned", &mut limits.returned_bytes_max, most.returned_bytes_max),
            ("log", &mut limits.log_bytes_max, most.log_bytes_max),
            ("log_lines", &mut limits.log_lines_max, most.log_lines_max),
            ("compile_cpu", &mut limits.compile_cpu_s_max, most.compile_cpu_s_max),
            ("compile_memory", &mut limits.compile_bytes_max, most.compile_bytes_max),
        ];
        self.bounds(table, slots);
        limits
    }

    /// Limits of the playbook's own queries.
    pub(super) fn sql(&mut self) -> SqlLimits {
        let mut limits = SqlLimits::default();
        if let Some(table) = self.root.table("sql") {
            let most = SqlLimits::ceiling();
            let slots = [
                ("time", &mut limits.time_ms_max, most.time_ms_max),
                ("memory", &mut limits.memory_bytes_max, most.memory_bytes_max),
            ];
            self.bounds(table, slots);
        }
        limits
    }

    /// Reads limits under their ceilings.
    fn bounds<const N: usize>(&mut self, table: &Table, slots: [(&str, &mut u64, u64); N]) {
        for (key, slot, ceiling) in slots {
            let Some(entry) = table.entry(key) else {
                continue;
            };
            let Some(value) = limit_value(key, entry) else {
                continue;
            };
            if value > ceiling {
                self.add(
                    Problem::new(
                        "over-ceiling",
                        entry.node.place,
                        format!("`{key}` is over the host's ceiling"),
                    )
                    .expected(format!("at most {}", limit_words(key, ceiling))),
                );
            } else if value == 0 && matches!(entry.node.value, Value::Text(_)) {
                self.add(
                    Problem::new("out-of-range", entry.node.place, format!("`{key}` cannot be 0"))
                        .expected("more than nothing"),
                );
            }
            *slot = value;
        }
    }
}

/// Value of a limit in the unit of [`Limits`]; `None` where the structural check has refused it.
fn limit_value(key: &str, entry: &Entry) -> Option<u64> {
    match &entry.node.value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::Text(text) if key == "compile_cpu" => {
            values::duration_ms(text).map(|ms| ms.unsigned_abs().div_ceil(1_000))
        }
        Value::Text(text) if key.ends_with("time") => {
            values::duration_ms(text).map(i64::unsigned_abs)
        }
        Value::Text(text) => values::size_bytes(text),
        _ => None,
    }
}

fn limit_words(key: &str, value: u64) -> String {
    match key {
        "compile_cpu" => format!("\"{value}s\""),
        key if key.ends_with("time") => format!("\"{}s\"", value / 1_000),
        key if key.contains("fuel") || key == "log_lines" => value.to_string(),
        _ if value >= 1 << 30 && value.is_multiple_of(1 << 30) => format!("\"{}GiB\"", value >> 30),
        _ if value >= 1 << 20 && value.is_multiple_of(1 << 20) => format!("\"{}MiB\"", value >> 20),
        _ => format!("\"{}KiB\"", value >> 10),
    }
}
