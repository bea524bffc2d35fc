//! Fills the report page from a finished cycle.

use playbook_cycle::{CycleRun, Intake, StageRun};
use playbook_model::{
    CellType, Cells, Column, Figures, Frame, Kind, Level, Minor, NONE_INDEX, Place, Playbook,
    Produce, RefusalCode, Role, SourceFormat, Words,
};
use playbook_report::{
    Absence, AllocationRow, BudgetRow, Campaign, ContentRow, Currency, Distribution, Evidence,
    FindingRow, FlowEnd, FlowMatrix, GateRow, GrantRow, Header, Health, Incentives, PhaseRow,
    PluginRow, RefusalRow, Report, Roi, RoiRow, ScoreRow, Section, SegmentRow, Segmentation,
    SlotRow, SourceRow, Summary, TransferRow,
};
use rayon::prelude::*;

use crate::clock;
use crate::counts::Counts;
use crate::diagnosis::diagnoses;
use crate::outputs::stage_of;

/// Bars of a histogram.
const BINS: usize = 20;

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
        summary: summary(&playbook.outputs.figures, run, &counts),
        findings: findings(run),
        segmentation: segmentation(&playbook.outputs.figures, run),
        scores: scores(run),
        incentives: incentives(run, &counts),
        budgets: budgets(playbook, run),
        campaign: campaign(run, intake.local_min),
        roi: roi(playbook, run),
        health: health(run),
        plugins: plugins(run),
        intake: sources(playbook, intake),
        evidence: evidence.clone(),
        timings: None,
    }
}

fn of_kind(run: &CycleRun, kind: Kind) -> impl Iterator<Item = &StageRun> {
    run.stages.iter().filter(move |s| s.kind() == kind)
}

/// Why a part is empty: no stage of the kind, or all of them skipped.
fn absent(run: &CycleRun, kind: Kind) -> Absence {
    match of_kind(run, kind).find_map(|s| s.fault.as_ref().map(|f| (s, f))) {
        Some((stage, fault)) => {
            Absence::Skipped { stage: stage.name.clone(), fault: fault.to_string() }
        }
        None if of_kind(run, kind).next().is_none() => Absence::NoStage(kind),
        None => Absence::Nothing,
    }
}

pub(crate) fn summary(figures: &Figures, run: &CycleRun, counts: &Counts) -> Summary {
    let diagnosed = diagnoses(run).into_iter().find(|health| health.total.is_some());
    let count = |features: &[String]| sum_of(run, features).and_then(|sum| u64::try_from(sum).ok());
    Summary {
        members: run.members.rows() as u64,
        active: count(&figures.active),
        orders: count(&figures.orders),
        revenue: sum_of(run, &figures.revenue).map(Minor),
        grants: counts.granted.grants,
        refused: counts.refused_in_all(),
        grants_cost: counts.granted.cost,
        cost: sum_of(run, &figures.cost).map(Minor),
        roi: returns(run).find(|row| row.table.rows() == 1).and_then(|row| row.value(0)),
        health: diagnosed.as_ref().and_then(|health| health.total),
        health_most: diagnosed.as_ref().and_then(|health| health.most),
        health_level: diagnosed.and_then(|health| health.level).map(|level| level.words),
    }
}

/// Sum of a figure over the rows of its first feature, where any of them has a value.
fn sum_of(run: &CycleRun, features: &[String]) -> Option<i64> {
    let feature = features.first()?;
    let tables = run.tables.values().chain([&run.members]);
    let (table, column) = tables.into_iter().find_map(|t| Some((t, t.column(feature)?)))?;
    (0..table.rows()).filter_map(|row| column.integer(row)).reduce(i64::saturating_add)
}

/// The feature of a figure that a table has.
fn figure_of<'t>(table: &'t Frame, features: &[String]) -> Option<&'t Column> {
    features.iter().find_map(|feature| table.column(feature))
}

/// An output that is a return on cost, with its table.
struct Return<'a> {
    stage: &'a StageRun,
    subject: &'a str,
    table: &'a Frame,
    produce: &'a Produce,
}

impl Return<'_> {
    fn value(&self, row: usize) -> Option<f64> {
        self.table.column(&format!("{}.{}", self.stage.name, self.produce.name))?.real(row)
    }
}

/// Every return that ROI stages give, in the order of stages, tables and outputs.
fn returns(run: &CycleRun) -> impl Iterator<Item = Return<'_>> {
    of_kind(run, Kind::Roi).filter(|s| s.fault.is_none()).flat_map(move |stage| {
        stage.shape.produces.iter().filter(|p| p.role == Role::ReturnOnCost).filter_map(
            move |produce| {
                let subject = &stage.shape.tables.get(produce.table? as usize)?.subject;
                Some(Return { stage, subject, table: run.tables.get(subject)?, produce })
            },
        )
    })
}

fn place_name(stage: &StageRun, place: Option<Place>) -> String {
    place
        .and_then(|p| stage.places.get(p.table as usize)?.get(p.row as usize).cloned())
        .unwrap_or_default()
}

fn reason_words(stage: &StageRun, reason: u32) -> Words {
    match stage.shape.reasons.get(reason as usize) {
        Some(reason) => reason.text.clone(),
        None => Words { en: stage.name.clone(), zh: None },
    }
}

fn findings(run: &CycleRun) -> Section<Vec<FindingRow>> {
    let mut rows = Vec::new();
    for stage in &run.stages {
        if let Some(fault) = &stage.fault {
            rows.push(FindingRow {
                level: Level::Warn,
                plugin: stage.name.clone(),
                words: Words {
                    en: format!("stage left out: its plugin {fault}"),
                    zh: Some(format!("環節已跳過：插件 {fault}")),
                },
                place: String::new(),
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

fn segmentation(figures: &Figures, run: &CycleRun) -> Section<Segmentation> {
    let Some(stage) = of_kind(run, Kind::Segmentation).find(|s| s.fault.is_none()) else {
        return Section::Empty(absent(run, Kind::Segmentation));
    };
    let name = format!("{}.segment", stage.name);
    let Some(column) = run.members.column(&name) else {
        return Section::Empty(Absence::Nothing);
    };
    let before = run.before(&name);
    let names: Vec<&str> = stage.shape.segments.iter().map(|s| s.name.as_str()).collect();
    let at = |column: &Column, row: usize| {
        column.text(row).and_then(|text| names.iter().position(|n| *n == text))
    };
    // One more place at the end: members without a segment, or new ones.
    let size = names.len() + 1;
    let mut matrix = vec![vec![0_u64; size]; size];
    let mut now = vec![0_u64; size];
    for row in 0..run.members.rows() {
        let to = at(column, row).unwrap_or(names.len());
        now[to] += 1;
        if let Some(before) = before {
            let from = at(before, row).unwrap_or(names.len());
            matrix[from][to] += 1;
        }
    }
    let mut grants = vec![0_u64; size];
    for d in run.decisions.iter().filter(|d| d.is_new()) {
        grants[at(column, d.candidate.row as usize).unwrap_or(names.len())] += 1;
    }
    let table = run.tables.get(&name).or_else(|| run.tables.get("segment"));
    let revenue = |segment: &str| {
        let table = table?;
        let key = table.columns().first()?;
        let row = (0..table.rows()).find(|r| key.text(*r) == Some(segment))?;
        figure_of(table, &figures.revenue)?.integer(row).map(Minor)
    };
    let segments = stage
        .shape
        .segments
        .iter()
        .enumerate()
        .map(|(i, s)| SegmentRow {
            name: s.name.clone(),
            words: s.text.clone(),
            members: now[i],
            members_before: before.map(|_| matrix[i].iter().sum()),
            revenue: revenue(&s.name),
            grants: grants[i],
        })
        .collect();
    let ends = |last: FlowEnd| -> Vec<FlowEnd> {
        stage
            .shape
            .segments
            .iter()
            .map(|s| FlowEnd::Segment(s.text.clone()))
            .chain([last])
            .collect()
    };
    let flows = match before {
        None => Section::Empty(Absence::FirstCycle),
        Some(_) => Section::Filled(FlowMatrix {
            from: ends(FlowEnd::Joined),
            to: ends(FlowEnd::Unassigned),
            members: matrix,
        }),
    };
    Section::Filled(Segmentation {
        plugin: format!("{} {}", stage.about.name, stage.about.version),
        segments,
        unassigned: now[names.len()],
        flows,
    })
}

fn scores(run: &CycleRun) -> Section<Vec<ScoreRow>> {
    let mut outputs = Vec::new();
    // A diagnosis that screens rows scores them, too.
    let stages = of_kind(run, Kind::Scoring).chain(of_kind(run, Kind::Diagnosis));
    for stage in stages.filter(|s| s.fault.is_none()) {
        let Some(rows) = &stage.shape.rows else { continue };
        let Some(frame) = run.frame(&rows.subject) else { continue };
        for produce in stage.shape.produces.iter().filter(|p| p.table.is_none()) {
            let name = format!("{}.{}", stage.name, produce.name);
            let Some(column) = frame.column(&name) else { continue };
            if produce.cell_type != CellType::Text {
                outputs.push((stage, produce, column));
            }
        }
    }
    let rows: Vec<ScoreRow> = outputs
        .into_par_iter()
        .map(|(stage, produce, column)| score(stage, produce, column))
        .collect();
    if rows.is_empty() { Section::Empty(absent(run, Kind::Scoring)) } else { Section::Filled(rows) }
}

fn score(stage: &StageRun, produce: &Produce, column: &Column) -> ScoreRow {
    let mut values: Vec<f64> = (0..column.cells.len()).filter_map(|r| column.real(r)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let distribution = match &column.cells {
        Cells::Category { codes, names } => {
            let mut counts = vec![0_u64; names.len()];
            for (row, code) in codes.iter().enumerate() {
                if column.is_valid(row)
                    && let Some(count) = counts.get_mut(*code as usize)
                {
                    *count += 1;
                }
            }
            Distribution::Categories(names.iter().cloned().zip(counts).collect())
        }
        _ => bins(&values, produce.least.zip(produce.most)),
    };
    let present = match &distribution {
        Distribution::Categories(rows) => rows.iter().map(|(_, n)| n).sum(),
        Distribution::Bins { .. } => values.len() as u64,
    };
    #[expect(clippy::cast_precision_loss, reason = "a count of members")]
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let quantile = |permille: usize| values[(values.len() - 1) * permille / 1000];
    ScoreRow {
        plugin: stage.name.clone(),
        output: produce.name.clone(),
        meaning: produce.meaning.clone(),
        unit: produce.unit.clone(),
        distribution,
        missing: column.cells.len() as u64 - present,
        mean,
        quantiles: (!values.is_empty()).then(|| [quantile(100), quantile(500), quantile(900)]),
    }
}

/// Twenty bars between the least value and the 99th percentile; the last takes what lies beyond. Where all values
/// are one, the bars lie between the bounds of the output.
fn bins(sorted: &[f64], bounds: Option<(f64, f64)>) -> Distribution {
    let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else {
        return Distribution::Bins { edges: vec![0.0, 1.0], counts: vec![0] };
    };
    let constant = bounds.filter(|(low, high)| sorted[0].to_bits() == most.to_bits() && low < high);
    let high = sorted[(sorted.len() - 1) * 99 / 100];
    let whole = constant.is_none() && sorted.iter().all(|v| v.fract() == 0.0);
    let (least, high, most) = constant.map_or((least, high, most), |(low, high)| (low, high, high));
    let span = high - least;
    #[expect(clippy::cast_precision_loss, reason = "a number of bars")]
    let mut width = span / BINS as f64;
    if whole {
        width = width.ceil().max(1.0);
    }
    if width <= 0.0 {
        return Distribution::Bins {
            edges: vec![least, most.max(least + 1.0)],
            counts: vec![sorted.len() as u64],
        };
    }
    let mut edges = vec![least];
    let mut counts = Vec::new();
    let mut from = 0;
    while from < sorted.len() && counts.len() < BINS {
        #[expect(clippy::cast_precision_loss, reason = "a number of bars")]
        let edge = least + width * (counts.len() + 1) as f64;
        let last = counts.len() + 1 == BINS || edge > high;
        let to = if last { sorted.len() } else { sorted.partition_point(|v| *v < edge) };
        counts.push((to - from) as u64);
        edges.push(if last { most.max(edge) } else { edge });
        from = to;
        if last {
            break;
        }
    }
    Distribution::Bins { edges, counts }
}

fn incentives(run: &CycleRun, counts: &Counts) -> Section<Incentives> {
    if run.decisions.is_empty() {
        return Section::Empty(absent(run, Kind::Incentive));
    }
    let grants = counts.actions.iter().map(|(&(stage, action), of)| {
        let stage = stage_of(run, stage);
        let action = stage.and_then(|s| s.shape.actions.get(usize::from(action)));
        GrantRow {
            plugin: stage.map_or_else(String::new, |s| s.name.clone()),
            action: action.map_or_else(String::new, |a| a.name.clone()),
            words: action.map_or_else(Words::default, |a| a.text.clone()),
            proposed: of.proposals,
            granted: of.granted.grants,
            granted_before: of.before.grants,
            quantity: of.quantity,
            cost: of.granted.cost,
            expected_output: of.granted.expected_output,
        }
    });
    let refusals = counts.refused.iter().map(|(&code, of)| RefusalRow {
        code,
        proposals: of.proposals,
        cost: of.cost,
        detail: of.main_rule().map(|rule| rule_words(code, rule)),
    });
    Section::Filled(Incentives { grants: grants.collect(), refusals: refusals.collect() })
}

/// What a guardrail asks for, in a few words.
fn rule_words(code: RefusalCode, rule: &str) -> Words {
    let (en, zh) = match rule {
        "H7" if code == RefusalCode::R12 => {
            ("the cycle has granted it already", "本周期已經發放過")
        }
        "GR-1" => ("commercial cap of the member's participation stage", "參與階段的商業上限"),
        "GR-5" => {
            ("the batch promises less than its floor of output by cost", "批次產出投入比低於底線")
        }
        "GR-6" => ("the pool has no money left", "資金池餘額不足"),
        "GR-7" => ("the stage has taken its share of the pool", "單項投入達到資金池上限"),
        "GR-12" => {
            ("open complaint or critical churn: service only", "投訴未結或嚴重流失風險：僅限服務")
        }
        "GR-13" => ("consent or age", "同意或年齡"),
        "H2" => ("identity", "身份"),
        "H7" => ("no pool pays for the stage", "該環節無資金池"),
        "H9" => ("duplicates, caps and arbitration", "去重、頻次與仲裁"),
        "H10" => ("held out for measurement", "留出用於測量"),
        "H11" => ("the cycle is closed", "周期已結束"),
        "H13" => ("frozen", "已凍結"),
        _ => ("", ""),
    };
    if en.is_empty() {
        return Words { en: rule.to_owned(), zh: None };
    }
    Words { en: format!("{rule}: {en}"), zh: Some(format!("{rule}：{zh}")) }
}

fn budgets(playbook: &Playbook, run: &CycleRun) -> Section<Vec<BudgetRow>> {
    if playbook.budget.is_none() {
        return Section::Empty(Absence::NoBudget);
    }
    let spent_now = |path: &str| {
        let opened = run.accounts.iter().find(|a| a.path == path);
        opened.map_or(0, |a| a.opened_with.0 - a.available.0)
    };
    let rows = run
        .accounts
        .iter()
        .map(|a| {
            let now = spent_now(&a.path).clamp(0, a.spent.0.max(0));
            BudgetRow {
                path: a.path.split('/').map(ToOwned::to_owned).collect(),
                allocated: a.allocated,
                spent_before: Minor(a.spent.0 - now),
                spent: Minor(now),
                reserved: a.reserved,
                available: a.available,
            }
        })
        .collect();
    Section::Filled(rows)
}

fn campaign(run: &CycleRun, local_min: i64) -> Section<Campaign> {
    let Some((stage, plan)) =
        of_kind(run, Kind::Campaign).find_map(|s| Some((s, s.plan.as_ref()?)))
    else {
        return Section::Empty(absent(run, Kind::Campaign));
    };
    let phase = |at: u32| at as usize;
    Section::Filled(Campaign {
        plugin: format!("{} {}", stage.about.name, stage.about.version),
        terms: stage
            .shape
            .terms
            .iter()
            .map(|term| (term.name.clone(), term.text.clone()))
            .collect(),
        day_zero: local_min.div_euclid(1440),
        phases: plan
            .phases
            .iter()
            .map(|p| PhaseRow {
                name: p.name.clone(),
                reason: if p.reason == NONE_INDEX {
                    Words::default()
                } else {
                    reason_words(stage, p.reason)
                },
                first_day: p.first_day,
                days: p.days,
                budget: Minor(p.budget),
            })
            .collect(),
        allocations: plan
            .allocations
            .iter()
            .map(|a| AllocationRow {
                phase: phase(a.phase),
                place: place_name(stage, Some(a.place)),
                amount: Minor(a.amount),
            })
            .collect(),
        content: plan
            .content
            .iter()
            .map(|c| ContentRow {
                phase: phase(c.phase),
                mix: c.mix.clone(),
                category: c.category.clone(),
                least: c.least,
                target: c.target,
                most: c.most,
            })
            .collect(),
        slots: plan
            .slots
            .iter()
            .map(|s| SlotRow {
                phase: phase(s.phase),
                day: s.day,
                minute: s.minute,
                place: place_name(stage, s.place),
                format: s.format.clone(),
                layer: s.layer.clone(),
                theme: s.theme.clone(),
                commercial: s.commercial,
            })
            .collect(),
        gates: plan
            .gates
            .iter()
            .map(|g| GateRow {
                phase: phase(g.phase),
                metric: g.metric.clone(),
                comparison: comparison(g.comparison).to_owned(),
                value: g.value,
                sample_min: g.sample_min,
            })
            .collect(),
    })
}

pub(crate) fn comparison(comparison: playbook_model::Comparison) -> &'static str {
    use playbook_model::Comparison;
    match comparison {
        Comparison::AtLeast => ">=",
        Comparison::MoreThan => ">",
        Comparison::AtMost => "<=",
        Comparison::LessThan => "<",
    }
}

pub(crate) fn roi(playbook: &Playbook, run: &CycleRun) -> Section<Roi> {
    let figures = &playbook.outputs.figures;
    let mut rows = Vec::new();
    let mut plugin = String::new();
    for given in returns(run) {
        let Return { stage, subject, table, .. } = given;
        plugin = format!("{} {}", stage.about.name, stage.about.version);
        let key = table.columns().first();
        let money = |features: &[String], row: usize| {
            figure_of(table, features).and_then(|c| c.integer(row)).map(Minor)
        };
        for row in 0..table.rows() {
            rows.push(RoiRow {
                subject: subject.to_owned(),
                name: key.and_then(|k| k.text(row)).unwrap_or(&playbook.brand).into(),
                revenue: money(&figures.revenue, row),
                cost: money(&figures.cost, row),
                roi: given.value(row),
                floor: floor_of(stage, subject, row),
            });
        }
    }
    let transfers: Vec<TransferRow> =
        of_kind(run, Kind::Roi).chain(of_kind(run, Kind::Diagnosis)).flat_map(transfers).collect();
    if rows.is_empty() && transfers.is_empty() {
        return Section::Empty(absent(run, Kind::Roi));
    }
    Section::Filled(Roi { plugin, rows, transfers })
}

/// Money that a stage would move, with the names of its rows.
fn transfers(stage: &StageRun) -> impl Iterator<Item = TransferRow> {
    stage.transfers_with_fates().map(|(transfer, fate)| {
        let subject = stage.shape.tables.get(transfer.table as usize).map(|t| t.subject.clone());
        let row = |row| place_name(stage, Some(Place { table: transfer.table, row }));
        TransferRow {
            stage: stage.name.clone(),
            subject: subject.unwrap_or_default(),
            from: row(transfer.from_row),
            to: row(transfer.to_row),
            amount: Minor(transfer.amount),
            fate,
            words: reason_words(stage, transfer.reason),
        }
    })
}

/// What the plugin held a row against, where it found it wanting.
fn floor_of(stage: &StageRun, subject: &str, row: usize) -> Option<f64> {
    let found = stage.findings.iter().find(|f| {
        f.place.is_some_and(|p| {
            let of_subject =
                stage.shape.tables.get(p.table as usize).is_some_and(|t| t.subject == subject);
            of_subject && p.row as usize == row
        })
    });
    found?.threshold
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
            let format = playbook.sources.iter().find(|d| d.name == s.name).map(|d| &d.format);
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
    use playbook_report::{Absence, Distribution, Evidence, Section};

    use super::{PageFacts, bins, report};
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
        let segments = &page.segmentation.filled().unwrap().segments;
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
    }

    #[test]
    fn every_value_falls_into_one_bar() {
        let values: Vec<f64> = (0..1_000).map(|n| f64::from(n) / 7.0).chain([1e6]).collect();
        for (values, bounds) in
            [(values, None), (vec![3.0; 5], Some((0.0, 10.0))), (vec![2.0], None)]
        {
            let Distribution::Bins { edges, counts } = bins(&values, bounds) else {
                panic!("no bars")
            };
            assert_eq!(counts.iter().sum::<u64>(), values.len() as u64);
            assert_eq!(edges.len(), counts.len() + 1);
            assert!(edges.is_sorted() && *edges.last().unwrap() >= *values.last().unwrap());
        }
    }
}
