//! The tables `[budget]` and `[guardrails]`.

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::{
    BudgetDef, CellType, ConsentRule, FeatureDef, Guardrails, Minor, Subject, TransferRules,
};

use super::Reading;
use super::references::Names;
use crate::problem::{Place, Problem};
use crate::tree::{Node, Table};
use crate::values;

/// Least share of a budget that is held back (GR-6).
const RESERVE_MIN: f64 = 0.05;
const DAY_MS: i64 = 86_400_000;

impl Reading<'_> {
    pub(super) fn budget(&mut self, names: &Names) -> Option<BudgetDef> {
        let node = self.root.get("budget")?;
        let table = node.table()?;
        let reserve = table.real("reserve").unwrap_or(0.10);
        if let Some(node) = table.get("reserve")
            && (0.0..RESERVE_MIN).contains(&reserve)
        {
            self.loosened(node, "reserve", &format!("at least {RESERVE_MIN} (GR-6)"));
        }
        Some(BudgetDef {
            total: self.total(node, table),
            reserve,
            pools: self.pools(table),
            plugin_share_max: table.real("plugin_share_max").unwrap_or(1.0),
            transfers: self.transfers(table, names),
        })
    }

    fn transfers(&mut self, budget: &Table, names: &Names) -> Option<TransferRules> {
        let table = budget.table("transfers")?;
        let mut rules = TransferRules {
            subject: Subject(table.text("subject").unwrap_or_default().to_owned()),
            red_line: self.reference(table, "red_line", names),
            share_max: table.real("share_max").unwrap_or(TransferRules::SHARE_MAX),
            kept_min: table.real("kept_min").unwrap_or(TransferRules::KEPT_MIN),
            cool_down_days: TransferRules::COOL_DOWN_DAYS,
        };
        if let Some(node) = table.get("subject")
            && !rules.subject.0.is_empty()
            && !names.features.values().any(|subject| *subject == rules.subject.0)
        {
            let subjects: BTreeSet<&str> = names.features.values().map(String::as_str).collect();
            self.add(
                Problem::new(
                    "unknown-subject",
                    node.place,
                    format!("no feature describes `{}`", rules.subject.0),
                )
                .expected(crate::spec::one_of(subjects.iter().copied()))
                .nearest(&rules.subject.0, subjects),
            );
        }
        if let (Some(node), Some(name)) = (table.get("red_line"), &rules.red_line)
            && let Some(subject) = names.features.get(name)
            && *subject != rules.subject.0
        {
            self.add(
                Problem::new(
                    "subject-mismatch",
                    node.place,
                    format!("`{name}` describes `{subject}`, the pools are `{}`", rules.subject.0),
                )
                .expected(format!("a feature or output of `{}`", rules.subject.0)),
            );
        }
        let most = TransferRules::SHARE_MAX;
        if let Some(node) = table.get("share_max")
            && rules.share_max > most
        {
            self.loosened(node, "share_max", &format!("at most {most:.2} (H7)"));
        }
        let least = TransferRules::KEPT_MIN;
        if let Some(node) = table.get("kept_min")
            && rules.kept_min < least
        {
            self.loosened(node, "kept_min", &format!("at least {least:.2} (H7)"));
        }
        if let Some(node) = table.get("cool_down")
            && let Some(ms) = node.text().and_then(values::duration_ms)
        {
            match u32::try_from(ms / DAY_MS) {
                Ok(days) if (rules.cool_down_days..=366).contains(&days) && ms % DAY_MS == 0 => {
                    rules.cool_down_days = days;
                }
                _ => self.loosened(node, "cool_down", "whole days, \"14d\" to \"366d\" (H7)"),
            }
        }
        Some(rules)
    }

    fn total(&mut self, whole: &Node, table: &Table) -> Minor {
        match (table.entry("total"), table.entry("total_minor")) {
            (Some(first), Some(second)) => {
                self.add(
                    Problem::new(
                        "conflicting-keys",
                        second.key_place,
                        "`total` and `total_minor` say the same twice",
                    )
                    .expected("one of them")
                    .related(first.key_place, "the other one"),
                );
                Minor::ZERO
            }
            (Some(entry), None) => {
                let digits = self.digits;
                let text = entry.node.text();
                let total = text.and_then(|text| values::money(text, digits));
                if let (Some(text), None) = (text, total) {
                    self.add(
                        Problem::new(
                            "bad-money",
                            entry.node.place,
                            format!("`total` cannot be `{text}`"),
                        )
                        .expected(format!(
                            "an amount like \"1_000_000.00\" with at most {digits} decimals"
                        )),
                    );
                }
                total.unwrap_or_default()
            }
            (None, Some(entry)) => match entry.node.value {
                crate::tree::Value::Integer(minor) => Minor(minor.max(0)),
                _ => Minor::ZERO,
            },
            (None, None) => {
                self.add(
                    Problem::new("missing-key", whole.place, "`total` is missing in [budget]")
                        .expected(
                            "`total` in units of the currency, or `total_minor` in minor units",
                        )
                        .hint("for example total = \"1_000_000.00\""),
                );
                Minor::ZERO
            }
        }
    }

    fn pools(&mut self, table: &Table) -> BTreeMap<String, f64> {
        let Some(node) = table.get("pools") else {
            return [("base", 0.40), ("daily", 0.35), ("burst", 0.25)]
                .map(|(name, share)| (name.to_owned(), share))
                .into();
        };
        let mut pools = BTreeMap::new();
        for entry in node.table().map(|table| table.entries.as_slice()).unwrap_or_default() {
            pools.insert(entry.key.clone(), entry.node.real().unwrap_or_default());
        }
        let sum: f64 = pools.values().sum();
        let readable = node
            .table()
            .is_some_and(|table| table.entries.iter().all(|entry| entry.node.real().is_some()));
        if readable && (sum - 1.0).abs() > 1e-9 {
            let sum = (sum * 1e6).round() / 1e6;
            self.add(
                Problem::new("pools-sum", node.place, format!("the pools sum to {sum}"))
                    .expected("shares that sum to 1; the reserve is taken before and is no pool"),
            );
        }
        pools
    }

    pub(super) fn guardrails(&mut self, names: &Names) -> Guardrails {
        let mut rules = Guardrails::default();
        let Some(table) = self.root.table("guardrails") else {
            return rules;
        };
        if let Some(node) = table.get("require_consent")
            && table.flag("require_consent") == Some(false)
        {
            self.add(
                Problem::new("loosened-guardrail", node.place, "`require_consent` cannot be switched off (GR-13)")
                    .expected("true")
                    .hint("a source of table \"consents\" with constants declares one consent for all members of a file"),
            );
        }
        rules.consent = ConsentRule {
            double: table.flag("double_consent").unwrap_or(rules.consent.double),
            months: super::law::months(table),
        };
        self.ratios(table, &mut rules);
        rules.stage_caps = self.stage_caps(table);
        rules.contacts_per_day_max =
            self.caps(table, "contacts_per_day_max", &Guardrails::CONTACTS_A_DAY);
        rules.commercial_per_day_max =
            self.caps(table, "commercial_per_day_max", &Guardrails::COMMERCIAL_A_DAY);
        rules.commercial_per_week_max =
            self.caps(table, "commercial_per_week_max", &Guardrails::COMMERCIAL_A_WEEK);
        if let Some(node) = table.get("family_window")
            && let Some(ms) = node.text().and_then(values::duration_ms)
        {
            match u32::try_from(ms / 3_600_000) {
                Ok(hours) if hours >= 24 && ms % 3_600_000 == 0 => rules.family_window_h = hours,
                _ => self.loosened(node, "family_window", "whole hours, at least \"24h\" (H9)"),
            }
        }
        rules.stage_output = self.reference(table, "stage_output", names);
        rules.complaint_feature = self.reference(table, "complaint_feature", names);
        rules.churn_output = self.reference(table, "churn_output", names);
        rules.age_band_feature = self.reference(table, "age_band_feature", names);
        rules.fraud_output = self.reference(table, "fraud_output", names);
        rules.fraud_from = table.real("fraud_from").unwrap_or(rules.fraud_from);
        if let (Some(entry), None) = (table.entry("fraud_from"), &rules.fraud_output) {
            self.add(
                Problem::new(
                    "missing-key",
                    entry.key_place,
                    "`fraud_from` without `fraud_output` holds nothing",
                )
                .expected("`fraud_output`, the feature or output with the risk of fraud"),
            );
        }
        rules.holdout = table.real("holdout").unwrap_or(rules.holdout);
        self.local_rules(table, &mut rules, names);
        if let (Some(entry), true) = (table.entry("stage_caps"), rules.stage_output.is_none()) {
            self.add(
                Problem::new(
                    "missing-key",
                    entry.key_place,
                    "`stage_caps` without `stage_output` caps nothing",
                )
                .expected("`stage_output`, the output that gives the participation stage")
                .hint("for example stage_output = \"participation-ladder.segment\""),
            );
        }
        rules
    }

    fn ratios(&mut self, table: &Table, rules: &mut Guardrails) {
        if let Some(node) = table.get("incentive_ratio_min")
            && let Some(ratio) = node.real()
        {
            if (0.0..rules.incentive_ratio_min).contains(&ratio) {
                self.loosened(node, "incentive_ratio_min", "at least 4.0 (GR-5)");
            }
            rules.incentive_ratio_min = ratio;
        }
        for (key, rule) in [("single_investment_max", "GR-7"), ("commercial_share_max", "GR-2")] {
            let Some(node) = table.get(key) else { continue };
            let Some(share) = node.real() else { continue };
            if share > 0.20 && share <= 1.0 {
                self.loosened(node, key, &format!("at most 0.20 ({rule})"));
            }
            match key {
                "single_investment_max" => rules.single_investment_max = share,
                _ => rules.commercial_share_max = share,
            }
        }
    }

    fn stage_caps(&mut self, table: &Table) -> BTreeMap<String, f64> {
        let mut caps: BTreeMap<String, f64> =
            Guardrails::STAGE_CAPS.iter().map(|(name, cap)| ((*name).to_owned(), *cap)).collect();
        for entry in
            table.table("stage_caps").map(|table| table.entries.as_slice()).unwrap_or_default()
        {
            let cap = entry.node.real().unwrap_or_default();
            match Guardrails::STAGE_CAPS.iter().find(|(name, _)| *name == entry.key) {
                Some((_, most)) if cap > *most => {
                    self.loosened(&entry.node, &entry.key, &format!("at most {most} (GR-1)"))
                }
                Some(_) => {}
                None => self.add(
                    Problem::new(
                        "unknown-stage-name",
                        entry.key_place,
                        format!("`{}` is no participation stage", entry.key),
                    )
                    .expected(crate::spec::one_of(Guardrails::STAGE_CAPS.map(|(name, _)| name)))
                    .nearest(&entry.key, Guardrails::STAGE_CAPS.map(|(name, _)| name)),
                ),
            }
            caps.insert(entry.key.clone(), cap);
        }
        caps
    }

    fn caps(&mut self, table: &Table, key: &str, loosest: &[(&str, u32)]) -> BTreeMap<String, u32> {
        let mut caps: BTreeMap<String, u32> =
            loosest.iter().map(|(name, cap)| ((*name).to_owned(), *cap)).collect();
        let most_of_all = loosest.iter().map(|(_, cap)| *cap).max().unwrap_or_default();
        for entry in table.table(key).map(|table| table.entries.as_slice()).unwrap_or_default() {
            let segment = if entry.key == "default" { "" } else { entry.key.as_str() };
            let most = loosest
                .iter()
                .find(|(name, _)| *name == segment)
                .map_or(most_of_all, |(_, cap)| *cap);
            let crate::tree::Value::Integer(cap) = entry.node.value else {
                continue;
            };
            let cap = u32::try_from(cap).unwrap_or(0);
            if cap > most {
                self.loosened(&entry.node, &entry.key, &format!("at most {most} (H9)"));
            }
            caps.insert(segment.to_owned(), cap);
        }
        caps
    }

    fn loosened(&mut self, node: &Node, key: &str, expected: &str) {
        self.add(
            Problem::new(
                "loosened-guardrail",
                node.place,
                format!("`{key}` is looser than the host allows"),
            )
            .expected(expected)
            .hint("a playbook may tighten a guardrail, never loosen it"),
        );
    }

    /// Refuses an age band that is none: with it nobody would be known to be an adult.
    pub(super) fn age_band(&mut self, features: &[FeatureDef]) {
        let node = self.root.table("guardrails").and_then(|table| table.get("age_band_feature"));
        let Some((node, name)) = node.and_then(|node| Some((node, node.text()?))) else { return };
        let Some(feature) = features.iter().find(|feature| feature.name == name) else { return };
        let is_text = matches!(feature.cell_type, CellType::Text | CellType::Category);
        if !is_text || feature.subject != Subject::member() {
            self.add(
                Problem::new(
                    "type-mismatch",
                    node.place,
                    format!("`{name}` is no age band of members"),
                )
                .expected("a feature of members that is `under_14`, `14_17`, `adult` or `unknown`")
                .hint("for example age_band = { attribute = \"age_band\" }"),
            );
        }
    }

    /// Refuses features that a guardrail reads and that are not of members, or of a type that it cannot read: with them
    /// the guardrail would know nothing of any member, and hold for all.
    pub(super) fn guard_features(&mut self, features: &[FeatureDef]) {
        let table = self.root.table("guardrails");
        for (key, reads_number) in [
            ("complaint_feature", true),
            ("churn_output", false),
            ("stage_output", false),
            ("fraud_output", true),
            ("time_zone_feature", false),
        ] {
            let node = table.and_then(|table| table.get(key));
            let Some((node, name)) = node.and_then(|node| Some((node, node.text()?))) else {
                continue;
            };
            if let Some(feature) = features.iter().find(|feature| feature.name == name) {
                self.guard_feature(feature, key, reads_number, node.place);
            }
        }
        for name in ["unknown_identity", "fraud_hold"] {
            let entry = self.root.table("features").and_then(|table| table.entry(name));
            let is_it = |f: &&FeatureDef| f.name == name && f.subject == Subject::member();
            let feature = features.iter().find(is_it);
            if let (Some(entry), Some(feature)) = (entry, feature) {
                self.guard_feature(feature, name, true, entry.key_place);
            }
        }
    }

    fn guard_feature(&mut self, feature: &FeatureDef, key: &str, number: bool, place: Place) {
        let is_text = matches!(feature.cell_type, CellType::Text | CellType::Category);
        if feature.subject == Subject::member() && is_text != number {
            return;
        }
        let wanted = if number { "a number" } else { "a text or a category" };
        self.add(
            Problem::new(
                "type-mismatch",
                place,
                format!("the guardrail `{key}` cannot read `{}`", feature.name),
            )
            .expected(format!("a feature of members that is {wanted}")),
        );
    }

    fn reference(&mut self, table: &Table, key: &str, names: &Names) -> Option<String> {
        let node = table.get(key)?;
        let name = node.text()?;
        self.reference_exists(names, name, node.place);
        Some(name.to_owned())
    }
}
