//! Fills the report page from a finished cycle. Parts with more to them than a list have files of their own.

mod campaign;
mod curves;
mod goals;
mod indicators;
mod money;
mod scores;
mod segments;
mod tables;
mod value;

use std::collections::BTreeMap;

use playbook_cycle::{CycleRun, Intake, IntakeFinding};
use playbook_model::{Column, Fault, Figures, Kind, Level, Minor, Playbook, SourceFormat, Words};
use playbook_report::{
    Absence, Currency, DataFindingRow, Evidence, FindingRow, Header, Health, PluginRow, Report,
    Section, SourceRow, Summary, TargetRow, Told,
};

use self::campaign::campaign;
use self::curves::{calibrations, curves};
use self::goals::goals;
use self::indicators::indicators;
use self::money::{budgets, incentives};
use self::scores::scores;
use self::segments::segmentation;
pub(crate) use self::tables::stage_tables;
use self::value::returns;
pub(crate) use self::value::roi;
use crate::clock;
use crate::counts::Counts;
use crate::diagnosis::diagnoses;
use crate::stages::{absent, comparison, fault_words, place_name, reason_words};

/// Subject of the table with one row for the whole brand.
const WHOLE: &str = "brand";

/// What the page needs besides the cycle itself.
#[derive(Debug)]
pub struct PageFacts<'a> {
    /// The playbook.
    pub playbook: &'a Playbook,
    /// What its cycle came to.
    pub run: &'a CycleRun,
    /// What was read.
    pub intake: &'a Intake,
    /// Digests and how to repeat the run.
    pub evidence: Evidence,
    /// What people call the run.
    pub run_id: String,
}

/// Fills the report.
#[must_use]
pub fn report(facts: &PageFacts<'_>) -> Report {
    let PageFacts { playbook, run, intake, evidence, run_id } = facts;
    let counts = Counts::of(&run.decisions);
    Report {
        header: Header {
            brand: playbook.brand.clone(),
            title: playbook.title.clone(),
            as_of: clock::shown(intake.as_of, &playbook.time_zone),
            cycle: format!("#{}", run.number),
            run_id: run_id.clone(),
            playbook_digest: playbook.digest,
            dry_run: !run.booked,
            currency: Currency {
                code: playbook.currency.clone(),
                digits: playbook.currency_digits,
            },
        },
        labels: labels(playbook),
        data_findings: data_findings(&intake.findings),
        summary: summary(&playbook.outputs.figures, run, &counts),
        indicators: indicators(playbook, run),
        targets: targets(playbook, run),
        goals: goals(playbook, run, intake.as_of),
        curves: curves(playbook, run),
        calibrations: calibrations(playbook, run),
        findings: findings(run),
        segmentation: segmentation(playbook, run),
        scores: scores(run),
        incentives: incentives(run, &counts),
        budgets: budgets(playbook, run),
        campaign: campaign(run, intake.local_min),
        roi: roi(playbook, run),
        health: health(run),
        tables: stage_tables(run),
        plugins: plugins(run),
        intake: sources(playbook, intake),
        evidence: evidence.clone(),
        timings: None,
    }
}

pub(crate) fn summary(figures: &Figures, run: &CycleRun, counts: &Counts) -> Summary {
    let diagnosed = diagnoses(run).into_iter().find(|health| health.total.is_some());
    let count = |features: &[String]| told(run, features, |sum| u64::try_from(sum).ok());
    let amount = |features: &[String]| told(run, features, |sum| Some(Minor(sum)));
    Summary {
        members: run.members.rows() as u64,
        active: count(&figures.active),
        orders: count(&figures.orders),
        revenue: amount(&figures.revenue),
        grants: counts.granted.grants,
        refused: counts.refused_in_all(),
        grants_cost: counts.granted.cost,
        cost: amount(&figures.cost),
        roi: returns(run).find(|row| row.table.rows() == 1).and_then(|row| row.value(0)),
        health: diagnosed.as_ref().and_then(|health| health.total),
        health_most: diagnosed.as_ref().and_then(|health| health.most),
        health_level: diagnosed.and_then(|health| health.level).map(|level| level.words),
    }
}

/// A figure of the whole, or why there is none.
fn told<T>(run: &CycleRun, features: &[String], value: impl FnOnce(i64) -> Option<T>) -> Told<T> {
    match sum_of(run, features).and_then(value) {
        Some(value) => Told::Value(value),
        None if features.is_empty() => Told::NotNamed,
        None => Told::NoValue,
    }
}

/// The brand's words for names, each language filled.
fn labels(playbook: &Playbook) -> BTreeMap<String, Words> {
    let words = playbook.labels.iter();
    words.map(|(name, label)| (name.clone(), label.over(&name.as_str().into()))).collect()
}

/// Sum of a figure over the rows of its first feature, where any of them has a value.
fn sum_of(run: &CycleRun, features: &[String]) -> Option<i64> {
    let feature = features.first()?;
    let tables = run.tables.values().chain([&run.members]);
    let (table, column) = tables.into_iter().find_map(|t| Some((t, t.column(feature)?)))?;
    (0..table.rows()).filter_map(|row| column.integer(row)).reduce(i64::saturating_add)
}

/// The column of a figure of the brand, whose table has one row.
fn of_brand<'r>(run: &'r CycleRun, name: &str) -> Option<&'r Column> {
    run.tables.get(WHOLE)?.column(name)
}

/// The targets of the playbook, each with what its figure came to.
fn targets(playbook: &Playbook, run: &CycleRun) -> Vec<TargetRow> {
    let targets = playbook.outputs.targets.iter().map(|target| {
        let column = of_brand(run, &target.name);
        let value = column.and_then(|column| column.real(0));
        TargetRow {
            words: target.words.clone(),
            name: target.name.clone(),
            value,
            unit: column.map(|column| column.unit.clone()).unwrap_or_default(),
            comparison: comparison(target.comparison).to_owned(),
            target: target.value,
            state: target.state(value),
            source: target.source.clone(),
            form: target.form,
        }
    });
    targets.collect()
}

/// Findings of the intake as a page shows them.
pub(crate) fn data_findings<'a>(
    findings: impl IntoIterator<Item = &'a IntakeFinding>,
) -> Vec<DataFindingRow> {
    let row = |finding: &IntakeFinding| DataFindingRow {
        source: finding.source.clone().unwrap_or_default(),
        count: finding.count,
        words: finding.text.clone(),
    };
    findings.into_iter().map(row).collect()
}

fn findings(run: &CycleRun) -> Section<Vec<FindingRow>> {
    let mut rows = Vec::new();
    for stage in &run.stages {
        if let Some(fault) = &stage.fault {
            rows.push(FindingRow {
                level: Level::Warn,
                plugin: stage.name.clone(),
                rule: String::new(),
                words: left_out(fault),
                place: stage.fault_row.clone().unwrap_or_default(),
                value: None,
                threshold: None,
                suggests: Vec::new(),
            });
        }
        let planned = stage.plan.iter().flat_map(|p| &p.findings);
        for finding in stage.findings.iter().chain(planned) {
            rows.push(FindingRow {
                level: finding.level,
                plugin: stage.name.clone(),
                rule: stage
                    .shape
                    .reasons
                    .get(finding.reason as usize)
                    .map_or_else(String::new, |reason| reason.code.clone()),
                words: reason_words(stage, finding.reason),
                place: place_name(stage, finding.place),
                value: finding.value,
                threshold: finding.threshold,
                suggests: finding
                    .suggests
                    .iter()
                    .filter_map(|a| Some(stage.shape.actions.get(*a as usize)?.text.clone()))
                    .collect(),
            });
        }
    }
    if rows.is_empty() { Section::Empty(Absence::Nothing) } else { Section::Filled(rows) }
}

/// That a stage was left out, and why.
fn left_out(fault: &Fault) -> Words {
    let words = fault_words(fault);
    Words {
        en: format!("stage left out: its plugin {}", words.en),
        zh: words.zh.map(|zh| format!("環節已跳過：其插件{zh}")),
    }
}

pub(crate) fn health(run: &CycleRun) -> Section<Vec<Health>> {
    let found = diagnoses(run);
    if found.is_empty() {
        return Section::Empty(absent(run, Kind::Diagnosis));
    }
    Section::Filled(found)
}

fn plugins(run: &CycleRun) -> Vec<PluginRow> {
    run.stages
        .iter()
        .map(|s| PluginRow {
            stage: s.name.clone(),
            plugin: s.about.name.clone(),
            version: s.about.version.clone(),
            kind: s.kind(),
            digest: s.digest,
            calls: s.usage.calls,
            rows: s.usage.rows,
            fuel: (s.usage.fuel > 0).then_some(s.usage.fuel),
            faults: s.usage.faults,
            wall_ms: None,
        })
        .collect()
}

fn sources(playbook: &Playbook, intake: &Intake) -> Vec<SourceRow> {
    intake
        .sources
        .iter()
        .map(|s| {
            let mut reasons: Vec<(String, u64)> =
                s.rejected.iter().map(|(r, n)| (r.clone(), *n)).collect();
            reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            let format =
                playbook.sources_and_lookups().find(|d| d.name == s.name).map(|d| &d.format);
            SourceRow {
                source: s.name.clone(),
                format: format.map_or("", format_name).to_owned(),
                read: s.rows_read,
                kept: s.rows_kept,
                rejected: s.rejected.values().sum(),
                duplicates: s.duplicates,
                reasons,
            }
        })
        .collect()
}

fn format_name(format: &SourceFormat) -> &'static str {
    match format {
        SourceFormat::Csv { .. } => "csv",
        SourceFormat::Whitespace { .. } => "whitespace",
        SourceFormat::JsonLines => "jsonl",
        SourceFormat::Parquet => "parquet",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_cycle::Decision;
    use playbook_model::{Fault, Kind, Minor};
    use playbook_report::{Absence, Evidence, Section};

    use super::{PageFacts, report};
    use crate::small::{self, granted, refused};

    fn page(decisions: Vec<Decision>, faulty: bool) -> playbook_report::Report {
        let (playbook, intake) = (small::playbook(), small::intake());
        let mut run = small::run(["low", "high"], decisions);
        if faulty {
            run.stages[0].fault = Some(Fault::Trap { trap: "unreachable".to_owned(), panic: None });
        }
        report(&PageFacts {
            playbook: &playbook,
            run: &run,
            intake: &intake,
            evidence: Evidence::default(),
            run_id: "id".to_owned(),
        })
    }

    #[test]
    fn the_page_counts_what_was_decided() {
        let page = page(vec![granted(0, 0, 150), granted(0, 1, 50), refused(1, 0, 9, None)], false);
        assert_eq!(page.header.as_of, "2026-03-01 00:00 (Asia/Shanghai)");
        let summary = &page.summary;
        assert_eq!((summary.members, summary.grants, summary.refused), (2, 2, 1));
        assert_eq!(summary.grants_cost, Minor(200));
        let incentives = page.incentives.filled().unwrap();
        let rows: Vec<_> = incentives
            .grants
            .iter()
            .map(|g| (&*g.action, g.proposed, g.granted, g.cost.0))
            .collect();
        assert_eq!(rows, [("gift", 2, 1, 150), ("call", 1, 1, 50)]);
        assert_eq!((incentives.refusals.len(), incentives.refusals[0].proposals), (1, 1));
        let segments = &page.segmentation.filled().unwrap()[0].segments;
        let rows: Vec<_> = segments.iter().map(|s| (&*s.name, s.members, s.grants)).collect();
        assert_eq!(rows, [("low", 1, 2), ("high", 1, 0)]);
    }

    #[test]
    fn an_absent_part_says_why_it_is_absent() {
        let page = page(Vec::new(), true);
        assert!(matches!(page.scores, Section::Empty(Absence::NoStage(Kind::Scoring))));
        assert!(matches!(page.incentives, Section::Empty(Absence::Nothing)));
        assert!(matches!(page.budgets, Section::Empty(Absence::NoBudget)));
        assert!(matches!(page.segmentation, Section::Empty(Absence::Skipped { .. })));
        let finding = &page.findings.filled().unwrap()[0];
        assert!(finding.words.en.contains("left out"), "{:?}", finding.words);
        assert_eq!(finding.words.zh.as_deref(), Some("環節已跳過：其插件異常中止（unreachable）"));
    }
}
