//! The table `[law]`.

use playbook_model::{CellType, ConsentRule, FeatureDef, LawDef, Subject, TrackDef};

use super::Reading;
use crate::problem::{Place, Problem};
use crate::tree::{Node, Table};

impl Reading<'_> {
    pub(super) fn law(&mut self, features: &[FeatureDef]) -> Option<LawDef> {
        let node = self.root.get("law")?;
        let table = node.table()?;
        let region_feature = table.text("region_feature").unwrap_or_default().to_owned();
        if let Some(node) = table.get("region_feature") {
            self.named.insert(region_feature.clone());
            self.region(node, &region_feature, features);
        }
        let ages = self.root.table("guardrails").and_then(|rules| rules.get("age_band_feature"));
        if ages.is_none() {
            self.add(
                Problem::new(
                    "missing-key",
                    node.place,
                    "[law] without `age_band_feature` of [guardrails] knows no child from an adult",
                )
                .expected("`age_band_feature`, the feature with the age band")
                .hint("for example age_band_feature = \"age_band\""),
            );
        }
        if let (Some(eu), Some(local)) = (regions(table, "eu"), regions(table, "local")) {
            self.regions_apart(eu, local);
        }
        let (eu, local) = (track(table, "eu"), track(table, "local"));
        Some(LawDef { region_feature, eu, local })
    }

    /// Refuses a region that is none of members: with it everybody would fall under both laws.
    fn region(&mut self, node: &Node, name: &str, features: &[FeatureDef]) {
        let Some(feature) = features.iter().find(|feature| feature.name == name) else {
            let names = features.iter().map(|feature| feature.name.as_str());
            return self.add(
                Problem::new(
                    "unknown-feature",
                    node.place,
                    format!("there is no feature `{name}`"),
                )
                .expected("a feature of members with their region")
                .nearest(name, names)
                .hint("for example region = { attribute = \"region\" }"),
            );
        };
        let is_text = matches!(feature.cell_type, CellType::Text | CellType::Category);
        if !is_text || feature.subject != Subject::member() {
            self.add(
                Problem::new(
                    "type-mismatch",
                    node.place,
                    format!("`{name}` is no region of members"),
                )
                .expected("a feature of members that is a text or a category")
                .hint("for example region = { attribute = \"region\" }"),
            );
        }
    }

    fn regions_apart(&mut self, eu: &[Node], local: &[Node]) {
        let first: Vec<(&str, Place)> =
            eu.iter().filter_map(|node| Some((node.text()?, node.place))).collect();
        for node in local {
            let Some(region) = node.text() else { continue };
            if let Some((_, place)) = first.iter().find(|(known, _)| *known == region) {
                self.add(
                    Problem::new(
                        "duplicate-name",
                        node.place,
                        format!("`{region}` is a region of both tracks"),
                    )
                    .expected("each region on one of them")
                    .related(*place, "the other one"),
                );
            }
        }
    }
}

fn regions<'t>(law: &'t Table, name: &str) -> Option<&'t [Node]> {
    law.table(name).map(|track| track.list("regions"))
}

fn track(law: &Table, name: &str) -> TrackDef {
    let Some(table) = law.table(name) else { return TrackDef::default() };
    let texts = |key: &str| {
        table.list(key).iter().filter_map(Node::text).map(str::to_owned).collect::<Vec<_>>()
    };
    TrackDef {
        regions: texts("regions"),
        rule: ConsentRule {
            double: table.flag("double_consent").unwrap_or(true),
            months: months(table),
        },
        purposes: texts("purposes"),
    }
}

/// Months that a consent holds.
pub(super) fn months(table: &Table) -> u32 {
    let months = table.integer("consent_months").and_then(|months| u32::try_from(months).ok());
    months.unwrap_or(ConsentRule::MONTHS_MAX)
}
