//! `playbook diff`: what another playbook would do to people and money, before anybody promotes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use playbook_model::{Column, Kind, Minor, Words};
use playbook_report::{
    Absence, ActionPairRow, ChangeRow, Currency, DiffFigure, DiffReport, DiffSide, Figure,
    FigureRow, FlowEnd, FlowMatrix, Lang, MemberRow, PairRow, Section, WinnersRow, render_diff,
};
use playbook_toml::{Disk, Override};
use serde_json::json;

use crate::cli::{DiffArgs, LangArg};
use crate::commands::cycle::{self, Finished, Job};
use crate::session::Session;
use crate::terminal::{Terminal, grouped, money};
use crate::{clock, page};

/// Members that are named as changing most.
const MEMBERS_SHOWN: usize = 20;

pub(crate) fn diff(session: &Session, args: &DiffArgs) -> Result<()> {
    let job_a = Job::new(&args.a, &args.cycle, true);
    let mut job_b = Job::new(args.b.as_ref().unwrap_or(&args.a), &args.cycle, true);
    job_b.overrides = overrides(args)?;
    // B must read what A reads, even where its file lies elsewhere.
    if job_b.data.is_none() {
        job_b.data = job_a.file.parent().map(ToOwned::to_owned);
    }
    let a = cycle::execute(session, &job_a, &Disk, None).context("playbook A")?;
    let b = cycle::execute(session, &job_b, &Disk, None).context("playbook B")?;
    if a.intake.digest != b.intake.digest {
        bail!("the two playbooks read different data; compare them on the same files with --data");
    }
    let report = compare(&a, &b, args);
    if let Some(path) = &args.html {
        let lang = if args.cycle.lang == LangArg::Zh { Lang::Zh } else { Lang::En };
        fs::write(path, render_diff(&report, lang))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    if args.cycle.json {
        Terminal::out(&serde_json::to_string_pretty(&as_json(&report))?);
    } else {
        print(session, &report, a.loaded.playbook.currency_digits);
        if let Some(path) = &args.html {
            Terminal::out(&format!("page  {}", path.display()));
        }
    }
    Ok(())
}

fn overrides(args: &DiffArgs) -> Result<Vec<Override>> {
    let split = |text: &str, what: &str| {
        let parts = text.split_once('=').map(|(a, b)| (a.trim().to_owned(), b.trim().to_owned()));
        parts.with_context(|| format!("`{text}` is not {what}"))
    };
    let mut changes = Vec::new();
    for swap in &args.swap {
        let (stage, plugin) = split(swap, "STAGE=PLUGIN")?;
        changes.push(Override::Swap { stage, plugin });
    }
    for set in &args.set {
        let (path, value) = split(set, "PATH=VALUE")?;
        changes.push(Override::Set { path, value });
    }
    Ok(changes)
}

/// One side, looked at member by member.
struct Side<'a> {
    finished: &'a Finished,
    segment: Option<&'a Column>,
    names: Vec<(String, Words)>,
    /// Cost of the member's grants, by row.
    spend: Vec<i64>,
}

impl<'a> Side<'a> {
    fn new(finished: &'a Finished) -> Self {
        let run = &finished.run;
        let stage = run.stages.iter().find(|s| s.kind() == Kind::Segmentation && s.fault.is_none());
        let segment = stage.and_then(|s| run.members.column(&format!("{}.segment", s.name)));
        let names = stage.map_or_else(Vec::new, |s| {
            s.shape.segments.iter().map(|seg| (seg.name.clone(), seg.text.clone())).collect()
        });
        let mut spend = vec![0_i64; run.members.rows()];
        for d in run.decisions.iter().filter(|d| d.refusal.is_none()) {
            if let Some(sum) = spend.get_mut(d.candidate.row as usize) {
                *sum = sum.saturating_add(d.candidate.cost);
            }
        }
        Self { finished, segment, names, spend }
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

fn compare(a: &Finished, b: &Finished, args: &DiffArgs) -> DiffReport {
    let (left, right) = (Side::new(a), Side::new(b));
    let playbook = &a.loaded.playbook;
    let changed = match &args.b {
        Some(file) => file.display().to_string(),
        None => {
            let swaps = args.swap.iter().chain(&args.set).cloned().collect::<Vec<_>>();
            format!("{} with {}", args.a.display(), swaps.join(", "))
        }
    };
    DiffReport {
        brand: playbook.brand.clone(),
        as_of: clock::shown(a.intake.as_of, &playbook.time_zone),
        currency: Currency { code: playbook.currency.clone(), digits: playbook.currency_digits },
        input_digest: a.intake.digest.unwrap_or(playbook.digest),
        a: side(a, args.a.display().to_string()),
        b: side(b, changed),
        changes: changes(a, b),
        figures: figures(&left, &right),
        migration: migration(&left, &right),
        winners: winners(&left, &right),
        members: most_changed(&left, &right),
        actions: actions(a, b),
        roi: roi(a, b),
        health: health(a, b),
    }
}

fn side(finished: &Finished, origin: String) -> DiffSide {
    let playbook = &finished.loaded.playbook;
    DiffSide { title: playbook.title.clone(), origin, playbook_digest: playbook.digest }
}

fn changes(a: &Finished, b: &Finished) -> Vec<ChangeRow> {
    let facts = |f: &Finished| -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        for stage in &f.stages {
            let name = &stage.def.name;
            let plugin = format!(
                "{} {} ({})",
                stage.about.name,
                stage.about.version,
                &stage.plugin.digest().hex()[..12]
            );
            facts.insert(format!("stage.{name}.plugin"), plugin);
            facts.insert(format!("stage.{name}.settings"), stage.settings());
        }
        if let Some(budget) = &f.loaded.playbook.budget {
            facts.insert("budget.total_minor".to_owned(), budget.total.to_string());
            facts.insert("budget.reserve".to_owned(), budget.reserve.to_string());
            for (pool, share) in &budget.pools {
                facts.insert(format!("budget.pools.{pool}"), share.to_string());
            }
        }
        for feature in &f.loaded.playbook.features {
            let name = format!("features.{}.{}", feature.subject.0, feature.name);
            facts.insert(name, format!("{:?}", feature.definition));
        }
        facts.insert("guardrails".to_owned(), format!("{:?}", f.loaded.playbook.guardrails));
        facts
    };
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

/// Sums of one side.
#[derive(Default)]
struct Sums {
    proposals: i64,
    grants: i64,
    refused: i64,
    granted_members: i64,
    spend: i64,
    output: i64,
}

fn sums(side: &Side<'_>) -> Sums {
    let mut sums = Sums::default();
    let mut members = BTreeSet::new();
    for d in &side.finished.run.decisions {
        sums.proposals += 1;
        if d.refusal.is_some() {
            sums.refused += 1;
            continue;
        }
        sums.grants += 1;
        sums.spend = sums.spend.saturating_add(d.candidate.cost);
        sums.output = sums.output.saturating_add(d.candidate.expected_output);
        members.insert(d.candidate.row);
    }
    sums.granted_members = i64::try_from(members.len()).unwrap_or(i64::MAX);
    sums
}

fn figures(a: &Side<'_>, b: &Side<'_>) -> Vec<FigureRow> {
    let (sa, sb) = (sums(a), sums(b));
    let rows = a.finished.run.members.rows();
    let moved = (0..rows).filter(|r| a.words(a.place(*r)) != b.words(b.place(*r))).count();
    let count = |v: i64| Some(Figure::Count(v));
    #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
    let yields = |s: &Sums| (s.spend > 0).then(|| Figure::Ratio(s.output as f64 / s.spend as f64));
    let whole = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let page_of = |f: &Finished| page::summary(&f.run);
    let (pa, pb) = (page_of(a.finished), page_of(b.finished));
    let row = |what, a, b| FigureRow { what, a, b };
    vec![
        row(DiffFigure::Members, count(whole(rows)), count(whole(b.finished.run.members.rows()))),
        row(DiffFigure::Moved, None, count(whole(moved))),
        row(DiffFigure::Proposals, count(sa.proposals), count(sb.proposals)),
        row(DiffFigure::Grants, count(sa.grants), count(sb.grants)),
        row(DiffFigure::Refused, count(sa.refused), count(sb.refused)),
        row(DiffFigure::MembersGranted, count(sa.granted_members), count(sb.granted_members)),
        row(
            DiffFigure::Spend,
            Some(Figure::Money(Minor(sa.spend))),
            Some(Figure::Money(Minor(sb.spend))),
        ),
        row(
            DiffFigure::ExpectedOutput,
            Some(Figure::Money(Minor(sa.output))),
            Some(Figure::Money(Minor(sb.output))),
        ),
        row(DiffFigure::ExpectedReturn, yields(&sa), yields(&sb)),
        row(DiffFigure::Roi, pa.roi.map(Figure::Ratio), pb.roi.map(Figure::Ratio)),
        row(DiffFigure::Health, pa.health.map(Figure::Score), pb.health.map(Figure::Score)),
    ]
}

fn migration(a: &Side<'_>, b: &Side<'_>) -> Section<FlowMatrix> {
    if a.names.is_empty() && b.names.is_empty() {
        return Section::Empty(Absence::NoStage(Kind::Segmentation));
    }
    let mut members = vec![vec![0_u64; b.names.len() + 1]; a.names.len() + 1];
    for row in 0..a.finished.run.members.rows() {
        members[a.place(row)][b.place(row)] += 1;
    }
    Section::Filled(FlowMatrix { from: a.ends(), to: b.ends(), members })
}

fn winners(a: &Side<'_>, b: &Side<'_>) -> Section<Vec<WinnersRow>> {
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
        row.spend_a.0 = row.spend_a.0.saturating_add(*was);
        row.spend_b.0 = row.spend_b.0.saturating_add(*is);
    }
    rows.retain(|row| row.members > 0);
    if rows.is_empty() { Section::Empty(Absence::Nothing) } else { Section::Filled(rows) }
}

fn most_changed(a: &Side<'_>, b: &Side<'_>) -> Vec<MemberRow> {
    let keys = &a.finished.run.keys;
    let mut changed: Vec<(u64, i64, usize)> = a
        .spend
        .iter()
        .zip(&b.spend)
        .enumerate()
        .filter(|(_, (was, is))| was != is)
        .map(|(row, (was, is))| (was.abs_diff(*is), keys[row], row))
        .collect();
    changed.sort_by_key(|(difference, key, _)| (std::cmp::Reverse(*difference), *key));
    changed
        .into_iter()
        .take(MEMBERS_SHOWN)
        .map(|(_, key, row)| MemberRow {
            member: format!("{key:016x}"),
            segment_a: a.words(a.place(row)),
            segment_b: b.words(b.place(row)),
            spend_a: Minor(a.spend[row]),
            spend_b: Minor(b.spend[row]),
        })
        .collect()
}

fn actions(a: &Finished, b: &Finished) -> Section<Vec<ActionPairRow>> {
    let tally = |f: &Finished| -> BTreeMap<(String, String), (Words, u64, i64)> {
        let mut tally = BTreeMap::new();
        for d in f.run.decisions.iter().filter(|d| d.refusal.is_none()) {
            let stage = f.run.stages.iter().find(|s| s.position == usize::from(d.candidate.stage));
            let Some(action) =
                stage.and_then(|s| s.shape.actions.get(usize::from(d.candidate.action)))
            else {
                continue;
            };
            let name = stage.map_or_else(String::new, |s| s.name.clone());
            let sum =
                tally.entry((name, action.name.clone())).or_insert((action.text.clone(), 0, 0));
            sum.1 += 1;
            sum.2 = i64::saturating_add(sum.2, d.candidate.cost);
        }
        tally
    };
    let (a, b) = (tally(a), tally(b));
    let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let rows: Vec<ActionPairRow> = names
        .into_iter()
        .map(|name| {
            let (left, right) = (a.get(name), b.get(name));
            let words = left.or(right).map(|(w, _, _)| w.clone()).unwrap_or_default();
            ActionPairRow {
                words,
                grants_a: left.map_or(0, |l| l.1),
                grants_b: right.map_or(0, |r| r.1),
                spend_a: Minor(left.map_or(0, |l| l.2)),
                spend_b: Minor(right.map_or(0, |r| r.2)),
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

fn roi(a: &Finished, b: &Finished) -> Section<Vec<PairRow>> {
    let of = |f: &Finished| match page::roi(&f.loaded.playbook, &f.run) {
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

fn health(a: &Finished, b: &Finished) -> Section<Vec<PairRow>> {
    let of = |f: &Finished| match page::health(&f.run) {
        Section::Filled(health) => {
            health.dimensions.into_iter().map(|d| (d.words, d.score)).collect()
        }
        Section::Empty(_) => Vec::new(),
    };
    let rows = pairs(of(a), of(b));
    if rows.is_empty() {
        Section::Empty(Absence::NoStage(Kind::Diagnosis))
    } else {
        Section::Filled(rows)
    }
}

fn figure_name(what: &DiffFigure) -> String {
    match what {
        DiffFigure::Members => "members",
        DiffFigure::Moved => "members whose segment differs",
        DiffFigure::Proposals => "proposals",
        DiffFigure::Grants => "grants",
        DiffFigure::Refused => "refused",
        DiffFigure::MembersGranted => "members granted",
        DiffFigure::Spend => "spend",
        DiffFigure::ExpectedOutput => "expected output",
        DiffFigure::ExpectedReturn => "expected output / spend",
        DiffFigure::Roi => "ROI",
        DiffFigure::Health => "health (0 to 5)",
        DiffFigure::Other(words) => return words.en.clone(),
    }
    .to_owned()
}

fn figure_text(figure: Option<Figure>, digits: u8) -> String {
    match figure {
        None => "-".to_owned(),
        Some(Figure::Count(v)) => grouped(v),
        Some(Figure::Money(v)) => money(v.0, digits),
        Some(Figure::Share(v)) => format!("{:.1}%", v * 100.0),
        Some(Figure::Ratio(v) | Figure::Score(v)) => format!("{v:.2}"),
    }
}

fn difference(a: Option<Figure>, b: Option<Figure>, digits: u8) -> String {
    let signed = |text: String, positive: bool| if positive { format!("+{text}") } else { text };
    match (a, b) {
        (Some(Figure::Count(a)), Some(Figure::Count(b))) => signed(grouped(b - a), b > a),
        (Some(Figure::Money(a)), Some(Figure::Money(b))) => signed(money(b.0 - a.0, digits), b > a),
        (Some(Figure::Ratio(a)), Some(Figure::Ratio(b)))
        | (Some(Figure::Score(a)), Some(Figure::Score(b))) => format!("{:+.2}", b - a),
        _ => String::new(),
    }
}

fn print(session: &Session, report: &DiffReport, digits: u8) {
    let terminal = session.terminal;
    let mut text =
        format!("A  {}\nB  {}\nas of {}\n", report.a.origin, report.b.origin, report.as_of);
    for change in &report.changes {
        text.push_str(&format!(
            "  {}: {} -> {}\n",
            change.path,
            short(&change.a),
            short(&change.b)
        ));
    }
    let rows: Vec<Vec<String>> = report
        .figures
        .iter()
        .map(|f| {
            vec![
                figure_name(&f.what),
                figure_text(f.a, digits),
                figure_text(f.b, digits),
                difference(f.a, f.b, digits),
            ]
        })
        .collect();
    text.push_str(&terminal.table(&["", "A", "B", "difference"], &[1, 2, 3], &rows));
    if let Section::Filled(flow) = &report.migration {
        let name = |end: &FlowEnd| match end {
            FlowEnd::Segment(words) => words.en.clone(),
            FlowEnd::Joined => "joined".to_owned(),
            FlowEnd::Left => "left".to_owned(),
            FlowEnd::Unassigned => "none".to_owned(),
        };
        let header: Vec<String> =
            std::iter::once("A \\ B".to_owned()).chain(flow.to.iter().map(name)).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> = flow
            .from
            .iter()
            .zip(&flow.members)
            .map(|(from, cells)| {
                let cells = cells.iter().map(|n| grouped(i64::try_from(*n).unwrap_or(0)));
                std::iter::once(name(from)).chain(cells).collect()
            })
            .collect();
        let right: Vec<usize> = (1..header.len()).collect();
        text.push_str("\nsegments, members under A by members under B\n");
        text.push_str(&terminal.table(&header, &right, &rows));
    }
    if let Section::Filled(winners) = &report.winners {
        let rows: Vec<Vec<String>> = winners
            .iter()
            .map(|w| {
                let count = |n: u64| grouped(i64::try_from(n).unwrap_or(0));
                vec![
                    w.segment.en.clone(),
                    count(w.members),
                    count(w.win),
                    count(w.lose),
                    money(w.spend_a.0, digits),
                    money(w.spend_b.0, digits),
                ]
            })
            .collect();
        text.push_str("\nwho gets more and who gets less\n");
        let header = ["segment under A", "members", "win", "lose", "spend A", "spend B"];
        text.push_str(&terminal.table(&header, &[1, 2, 3, 4, 5], &rows));
    }
    Terminal::out(&text);
}

fn short(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return if text.is_empty() { "(none)".to_owned() } else { text.to_owned() };
    }
    let cut: String = text.chars().take(SHOWN).collect();
    format!("{cut}...")
}

fn as_json(report: &DiffReport) -> serde_json::Value {
    let figure = |f: Option<Figure>| match f {
        None => serde_json::Value::Null,
        Some(Figure::Count(v)) => json!(v),
        Some(Figure::Money(v)) => json!(v.0),
        Some(Figure::Share(v) | Figure::Ratio(v) | Figure::Score(v)) => json!(v),
    };
    let pairs = |section: &Section<Vec<PairRow>>| {
        section.filled().map(|rows| {
            rows.iter()
                .map(|r| json!({ "name": r.name.en, "a": r.a, "b": r.b }))
                .collect::<Vec<_>>()
        })
    };
    let ends = |ends: &[FlowEnd]| {
        ends.iter()
            .map(|e| match e {
                FlowEnd::Segment(w) => w.en.clone(),
                FlowEnd::Joined => "joined".to_owned(),
                FlowEnd::Left => "left".to_owned(),
                FlowEnd::Unassigned => "none".to_owned(),
            })
            .collect::<Vec<_>>()
    };
    json!({
        "a": { "origin": report.a.origin, "playbook_digest": report.a.playbook_digest.hex() },
        "b": { "origin": report.b.origin, "playbook_digest": report.b.playbook_digest.hex() },
        "input_digest": report.input_digest.hex(),
        "changes": report.changes.iter().map(|c| json!({ "path": c.path, "a": c.a, "b": c.b })).collect::<Vec<_>>(),
        "figures": report.figures.iter().map(|f| json!({
            "figure": figure_name(&f.what), "a": figure(f.a), "b": figure(f.b),
        })).collect::<Vec<_>>(),
        "migration": report.migration.filled().map(|m| json!({
            "from": ends(&m.from), "to": ends(&m.to), "members": m.members,
        })),
        "winners": report.winners.filled().map(|rows| rows.iter().map(|w| json!({
            "segment": w.segment.en, "members": w.members, "win": w.win, "lose": w.lose,
            "spend_a_minor": w.spend_a.0, "spend_b_minor": w.spend_b.0,
        })).collect::<Vec<_>>()),
        "roi": pairs(&report.roi),
        "health": pairs(&report.health),
    })
}
