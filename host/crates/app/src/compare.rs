//! Two dry runs on the same data, member by member: what another playbook would do to people and money.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use playbook_cycle::{CycleRun, Intake};
use playbook_model::{Column, Kind, Minor, Playbook, Words, canonical_json};
use playbook_report::{
    Absence, ActionPairRow, ChangeRow, Currency, DataFindingRow, DiffFigure, DiffReport, DiffSide,
    Figure, FigureRow, FlowEnd, FlowMatrix, MemberRow, PairRow, Section, Summary, WinnersRow,
};

use crate::counts::{Counts, Granted, cost_by_member};
use crate::finished::Finished;
use crate::stages::stage_of;
use crate::taking::{Shared, Taking};
use crate::{AppError, Host, Job, Result, clock, execute, page};

/// Members that are named as changing most.
const MEMBERS_SHOWN: usize = 20;

/// One side of a comparison.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// The playbook.
    pub playbook: &'a Playbook,
    /// What its files say, by path.
    pub said: BTreeMap<String, String>,
    /// What its cycle came to.
    pub run: &'a CycleRun,
    /// What was read.
    pub intake: &'a Intake,
    /// What people call the side.
    pub origin: &'a str,
}

impl<'a> Side<'a> {
    fn of(finished: &'a Finished, origin: &'a str) -> Self {
        let Finished { loaded, run, intake, .. } = finished;
        let said = ["features", "guardrails", "budget.transfers"].map(|table| loaded.said(table));
        let said = said.into_iter().flatten().collect();
        Self { playbook: &loaded.playbook, said, run, intake, origin }
    }
}

/// Runs two jobs and compares what they come to; neither grants anything. Each comes with what people call it.
///
/// # Errors
/// Which side does not run, and why; where the two read different data.
pub fn diff(host: &Host, a: (&Job, &str), b: (&Job, &str)) -> Result<DiffReport> {
    let dry = |(job, _): (&Job, &str)| Job { dry_run: true, ..job.clone() };
    let (mut job_a, mut job_b) = (dry(a), dry(b));
    // B must read what A reads, even where its file lies elsewhere.
    if job_b.data.is_none() {
        job_b.data = job_a.data.clone().or_else(|| job_a.file.parent().map(ToOwned::to_owned));
    }
    // What both ask of a database they ask once, so that nothing of the data is why they differ.
    let taken = Arc::new(Shared::new()?);
    for job in [&mut job_a, &mut job_b] {
        job.taking = Taking::Shared(Arc::clone(&taken));
    }
    let of_side = |side| move |source| AppError::Side { side, source: Box::new(source) };
    let left = execute(host, &job_a).map_err(of_side('A'))?;
    let right = execute(host, &job_b).map_err(of_side('B'))?;
    if left.intake.digest != right.intake.digest {
        return Err(AppError::DifferentData);
    }
    Ok(compare(&Side::of(&left, a.1), &Side::of(&right, b.1)))
}

/// Compares two sides that read the same data.
#[must_use]
pub fn compare(a: &Side<'_>, b: &Side<'_>) -> DiffReport {
    let (left, mut right) = (Members::new(a.run), Members::new(b.run));
    right.call_alike(&left);
    let playbook = a.playbook;
    DiffReport {
        brand: playbook.brand.clone(),
        as_of: clock::shown(a.intake.as_of, &playbook.time_zone),
        currency: Currency { code: playbook.currency.clone(), digits: playbook.currency_digits },
        input_digest: a.intake.digest.unwrap_or(playbook.digest),
        data_findings: data_findings(a, b),
        a: side(a),
        b: side(b),
        changes: changes(a, b),
        figures: figures(&left, &right, [(a, &left), (b, &right)].map(summary)),
        migration: migration(&left, &right),
        winners: winners(&left, &right),
        members: most_changed(&left, &right),
        actions: actions(&left, &right),
        roi: roi(a, b),
        health: health(a.run, b.run),
    }
}

/// One side, looked at member by member.
struct Members<'a> {
    run: &'a CycleRun,
    segment: Option<&'a Column>,
    names: Vec<(String, Words)>,
    counts: Counts,
    /// Cost of the member's grants, by row.
    spend: Vec<Minor>,
}

impl<'a> Members<'a> {
    fn new(run: &'a CycleRun) -> Self {
        let stage = run.stages.iter().find(|s| s.kind() == Kind::Segmentation && s.fault.is_none());
        let segment = stage.and_then(|s| run.members.column(&format!("{}.segment", s.name)));
        let names = stage.map_or_else(Vec::new, |s| {
            s.shape.segments.iter().map(|seg| (seg.name.clone(), seg.text.clone())).collect()
        });
        let counts = Counts::of(&run.decisions);
        let spend = cost_by_member(&run.decisions, run.members.rows());
        Self { run, segment, names, counts, spend }
    }

    /// Calls segments that another side has, too, by its words: a segment is what its name says.
    fn call_alike(&mut self, other: &Self) {
        for (name, words) in &mut self.names {
            if let Some((_, same)) = other.names.iter().find(|(known, _)| known == name) {
                words.clone_from(same);
            }
        }
    }

    /// Position of the member's segment; the last one stands for none.
    fn place(&self, row: usize) -> usize {
        let text = self.segment.and_then(|c| c.text(row));
        text.and_then(|t| self.names.iter().position(|(n, _)| n == t)).unwrap_or(self.names.len())
    }

    fn words(&self, place: usize) -> Words {
        match self.names.get(place) {
            Some((_, words)) => words.clone(),
            None => Words { en: "none".to_owned(), zh: Some("無".to_owned()) },
        }
    }

    fn ends(&self) -> Vec<FlowEnd> {
        self.names
            .iter()
            .map(|(_, w)| FlowEnd::Segment(w.clone()))
            .chain([FlowEnd::Unassigned])
            .collect()
    }
}

/// What either side says of the data, once: their mappings may differ, and most often do not.
fn data_findings(a: &Side<'_>, b: &Side<'_>) -> Vec<DataFindingRow> {
    let more = b.intake.findings.iter().filter(|finding| !a.intake.findings.contains(finding));
    page::data_findings(a.intake.findings.iter().chain(more))
}

fn side(side: &Side<'_>) -> DiffSide {
    DiffSide {
        title: side.playbook.title.clone(),
        origin: side.origin.to_owned(),
        playbook_digest: side.playbook.digest,
    }
}

fn changes(a: &Side<'_>, b: &Side<'_>) -> Vec<ChangeRow> {
    let (a, b) = (facts(a), facts(b));
    let paths: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    paths
        .into_iter()
        .filter(|path| a.get(*path) != b.get(*path))
        .map(|path| ChangeRow {
            path: path.clone(),
            a: a.get(path).cloned().unwrap_or_default(),
            b: b.get(path).cloned().unwrap_or_default(),
        })
        .collect()
}

/// What a playbook says, by path, as far as it bears on results.
fn facts(side: &Side<'_>) -> BTreeMap<String, String> {
    let playbook = side.playbook;
    let mut facts = BTreeMap::new();
    for stage in &side.run.stages {
        let digest = &stage.digest.hex()[..12];
        let plugin = format!("{} {} ({digest})", stage.about.name, stage.about.version);
        facts.insert(format!("stage.{}.plugin", stage.name), plugin);
    }
    for stage in &playbook.stages {
        facts.insert(format!("stage.{}.settings", stage.name), canonical_json(&stage.settings));
    }
    if let Some(budget) = &playbook.budget {
        facts.insert("budget.total_minor".to_owned(), budget.total.to_string());
        facts.insert("budget.reserve".to_owned(), budget.reserve.to_string());
        for (pool, share) in &budget.pools {
            facts.insert(format!("budget.pools.{pool}"), share.to_string());
        }
    }
    facts.extend(side.said.clone());
    facts
}

fn summary((side, members): (&Side<'_>, &Members<'_>)) -> Summary {
    page::summary(&side.playbook.outputs.figures, side.run, &members.counts)
}

fn figures(a: &Members<'_>, b: &Members<'_>, [page_a, page_b]: [Summary; 2]) -> Vec<FigureRow> {
    let (sums_a, sums_b) = (&a.counts, &b.counts);
    let rows = a.run.members.rows();
    let moved = (0..rows).filter(|r| a.words(a.place(*r)) != b.words(b.place(*r))).count();
    // What was granted before counts on both sides: the cycle as a whole is compared.
    let (all_a, all_b) = (sums_a.granted_in_all(), sums_b.granted_in_all());
    let count = |n: u64| Some(Figure::Count(i64::try_from(n).unwrap_or(i64::MAX)));
    let amount = |amount: Minor| Some(Figure::Money(amount));
    #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
    let yields = |s: Granted| {
        (s.cost > Minor::ZERO).then(|| Figure::Ratio(s.expected_output.0 as f64 / s.cost.0 as f64))
    };
    let row = |what, a, b| FigureRow { what, a, b };
    let counted = |what, of: fn(&Counts) -> u64| row(what, count(of(sums_a)), count(of(sums_b)));
    vec![
        row(DiffFigure::Members, count(rows as u64), count(b.run.members.rows() as u64)),
        row(DiffFigure::Moved, count(0), count(moved as u64)),
        counted(DiffFigure::Proposals, Counts::proposals),
        counted(DiffFigure::Grants, |s| s.granted_in_all().grants),
        counted(DiffFigure::Refused, Counts::refused_in_all),
        counted(DiffFigure::MembersGranted, |s| s.members_granted),
        row(DiffFigure::Spend, amount(all_a.cost), amount(all_b.cost)),
        row(
            DiffFigure::ExpectedOutput,
            amount(all_a.expected_output),
            amount(all_b.expected_output),
        ),
        row(DiffFigure::ExpectedReturn, yields(all_a), yields(all_b)),
        row(DiffFigure::Roi, page_a.roi.map(Figure::Ratio), page_b.roi.map(Figure::Ratio)),
        row(DiffFigure::Health, page_a.health.map(Figure::Score), page_b.health.map(Figure::Score)),
    ]
}

fn migration(a: &Members<'_>, b: &Members<'_>) -> Section<FlowMatrix> {
    if a.names.is_empty() && b.names.is_empty() {
        return Section::Empty(Absence::NoStage(Kind::Segmentation));
    }
    let mut members = vec![vec![0_u64; b.names.len() + 1]; a.names.len() + 1];
    for row in 0..a.run.members.rows() {
        members[a.place(row)][b.place(row)] += 1;
    }
    Section::Filled(FlowMatrix { from: a.ends(), to: b.ends(), members })
}

fn winners(a: &Members<'_>, b: &Members<'_>) -> Section<Vec<WinnersRow>> {
    let mut rows: Vec<WinnersRow> = (0..=a.names.len())
        .map(|place| WinnersRow {
            segment: a.words(place),
            members: 0,
            win: 0,
            lose: 0,
            spend_a: Minor::ZERO,
            spend_b: Minor::ZERO,
        })
        .collect();
    for (member, (was, is)) in a.spend.iter().zip(&b.spend).enumerate() {
        let row = &mut rows[a.place(member)];
        row.members += 1;
        row.win += u64::from(is > was);
        row.lose += u64::from(is < was);
        row.spend_a.0 = row.spend_a.0.saturating_add(was.0);
        row.spend_b.0 = row.spend_b.0.saturating_add(is.0);
    }
    rows.retain(|row| row.members > 0);
    if rows.is_empty() { Section::Empty(Absence::Nothing) } else { Section::Filled(rows) }
}

fn most_changed(a: &Members<'_>, b: &Members<'_>) -> Vec<MemberRow> {
    let keys = &a.run.keys;
    let mut changed: Vec<(u64, i64, usize)> = a
        .spend
        .iter()
        .zip(&b.spend)
        .enumerate()
        .filter(|(_, (was, is))| was != is)
        .map(|(row, (was, is))| (was.0.abs_diff(is.0), keys[row], row))
        .collect();
    changed.sort_by_key(|(difference, key, _)| (std::cmp::Reverse(*difference), *key));
    changed
        .into_iter()
        .take(MEMBERS_SHOWN)
        .map(|(_, key, row)| MemberRow {
            member: format!("{key:016x}"),
            segment_a: a.words(a.place(row)),
            segment_b: b.words(b.place(row)),
            spend_a: a.spend[row],
            spend_b: b.spend[row],
        })
        .collect()
}

/// Actions that the cycle granted, by the names of stage and action.
fn granted_actions(side: &Members<'_>) -> BTreeMap<(String, String), (Words, Granted)> {
    let named = side.counts.actions.iter().filter_map(|(&(stage, action), of)| {
        let stage = stage_of(side.run, stage)?;
        let action = stage.shape.actions.get(usize::from(action))?;
        let granted = of.granted_in_all();
        let name = (stage.name.clone(), action.name.clone());
        (granted.grants > 0).then(|| (name, (action.text.clone(), granted)))
    });
    named.collect()
}

fn actions(a: &Members<'_>, b: &Members<'_>) -> Section<Vec<ActionPairRow>> {
    let (a, b) = (granted_actions(a), granted_actions(b));
    let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let rows: Vec<ActionPairRow> = names
        .into_iter()
        .map(|name| {
            let (left, right) = (a.get(name), b.get(name));
            let words = left.or(right).map(|(words, _)| words.clone()).unwrap_or_default();
            let [left, right] =
                [left, right].map(|of| of.map_or(Granted::default(), |(_, of)| *of));
            ActionPairRow {
                words,
                grants_a: left.grants,
                grants_b: right.grants,
                spend_a: left.cost,
                spend_b: right.cost,
            }
        })
        .collect();
    if rows.is_empty() { Section::Empty(Absence::Nothing) } else { Section::Filled(rows) }
}

fn pairs(a: Vec<(Words, Option<f64>)>, b: Vec<(Words, Option<f64>)>) -> Vec<PairRow> {
    let mut rows: Vec<PairRow> =
        a.into_iter().map(|(name, a)| PairRow { name, a, b: None }).collect();
    for (name, value) in b {
        match rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.b = value,
            None => rows.push(PairRow { name, a: None, b: value }),
        }
    }
    rows
}

fn roi(a: &Side<'_>, b: &Side<'_>) -> Section<Vec<PairRow>> {
    let of = |side: &Side<'_>| match page::roi(side.playbook, side.run) {
        Section::Filled(roi) => roi.rows.into_iter().map(|r| (r.name, r.roi)).collect(),
        Section::Empty(_) => Vec::new(),
    };
    let rows = pairs(of(a), of(b));
    if rows.is_empty() {
        Section::Empty(Absence::NoStage(Kind::Roi))
    } else {
        Section::Filled(rows)
    }
}

fn health(a: &CycleRun, b: &CycleRun) -> Section<Vec<PairRow>> {
    let of = |run: &CycleRun| match page::health(run) {
        Section::Filled(all) => all
            .into_iter()
            .flat_map(|health| health.dimensions)
            .map(|dimension| (dimension.words, dimension.score))
            .collect(),
        Section::Empty(_) => Vec::new(),
    };
    let rows = pairs(of(a), of(b));
    if rows.is_empty() {
        Section::Empty(Absence::NoStage(Kind::Diagnosis))
    } else {
        Section::Filled(rows)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeMap;

    use playbook_cycle::{CycleRun, IntakeFinding};
    use playbook_model::{Digest, Minor};
    use playbook_report::{DiffFigure, DiffReport, Figure};

    use super::{Side, compare};
    use crate::small::{self, english, granted, refused};

    fn compared(a: &CycleRun, b: &CycleRun) -> DiffReport {
        let (playbook, intake) = (small::playbook(), small::intake());
        let side = |run, origin| Side {
            playbook: &playbook,
            said: BTreeMap::new(),
            run,
            intake: &intake,
            origin,
        };
        compare(&side(a, "a.toml"), &side(b, "b.toml"))
    }

    #[test]
    fn who_moves_wins_and_loses_is_counted_member_by_member() {
        let a = small::run(["low", "high"], vec![granted(0, 0, 100), granted(1, 0, 30)]);
        let b = small::run(["high", "high"], vec![granted(0, 0, 70), refused(1, 0, 9, None)]);
        let report = compared(&a, &b);
        assert_eq!(report.migration.filled().unwrap().members, [[0, 1, 0], [0, 1, 0], [0, 0, 0]]);
        let winners = report.winners.filled().unwrap();
        let rows: Vec<_> = winners
            .iter()
            .map(|w| (&*w.segment.en, w.win, w.lose, w.spend_a.0, w.spend_b.0))
            .collect();
        assert_eq!(rows, [("low", 0, 1, 100, 70), ("high", 0, 1, 30, 0)]);
        let changed: Vec<_> = report.members.iter().map(|m| (m.spend_a, m.spend_b)).collect();
        assert_eq!(changed, [(Minor(100), Minor(70)), (Minor(30), Minor(0))]);
        let figure = |what: &DiffFigure| {
            let row = report.figures.iter().find(|f| f.what == *what).unwrap();
            (row.a, row.b)
        };
        assert_eq!(figure(&DiffFigure::Moved), (Some(Figure::Count(0)), Some(Figure::Count(1))));
        assert_eq!(
            figure(&DiffFigure::Spend),
            (Some(Figure::Money(Minor(130))), Some(Figure::Money(Minor(70))))
        );
        assert_eq!(figure(&DiffFigure::Refused), (Some(Figure::Count(0)), Some(Figure::Count(1))));
    }

    #[test]
    fn a_segment_with_other_words_is_the_same_segment() {
        let a = small::run(["low", "high"], Vec::new());
        let mut b = small::run(["low", "high"], Vec::new());
        let mut shape = playbook_model::Shape::clone(&b.stages[0].shape);
        shape.segments[0].text = english("Newcomers");
        b.stages[0].shape = shape.into();
        let report = compared(&a, &b);
        let moved = report.figures.iter().find(|row| row.what == DiffFigure::Moved).unwrap();
        assert_eq!(moved.b, Some(Figure::Count(0)));
        let migration = report.migration.filled().unwrap();
        assert_eq!(migration.from, migration.to);
    }

    #[test]
    fn what_both_sides_say_of_the_data_is_said_once() {
        let finding = |code| IntakeFinding { code, source: None, count: 2, text: english(code) };
        let (playbook, mut intake) = (small::playbook(), small::intake());
        let run = small::run(["low", "high"], Vec::new());
        intake.findings = vec![finding("first")];
        let mut more = intake.clone();
        more.findings.push(finding("second"));
        let said = BTreeMap::new;
        let side =
            |intake| Side { playbook: &playbook, said: said(), run: &run, intake, origin: "" };
        let report = compare(&side(&intake), &side(&more));
        let said: Vec<_> = report.data_findings.iter().map(|row| &*row.words.en).collect();
        assert_eq!(said, ["first", "second"]);
    }

    #[test]
    fn only_what_differs_is_listed() {
        let a = small::run(["low", "high"], Vec::new());
        let mut b = small::run(["low", "high"], Vec::new());
        assert!(compared(&a, &b).changes.is_empty());
        b.stages[0].digest = Digest([2; 32]);
        let report = compared(&a, &b);
        let paths: Vec<_> = report.changes.iter().map(|c| &*c.path).collect();
        assert_eq!(paths, ["stage.tiers.plugin"]);
    }
}
