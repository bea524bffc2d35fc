//! `playbook diff`: what another playbook would do to people and money, before anybody promotes it.

use std::path::Path;

use anyhow::Result;
use playbook_app::{Kept, check_written, diff as compared};
use playbook_files::write_whole;
use playbook_report::{DiffFigure, DiffReport, Figure, FlowEnd, PairRow, Section, render_diff};
use serde_json::json;

use crate::cli::DiffArgs;
use crate::commands::cycle::{job, overrides};
use crate::session::Session;
use crate::terminal::{Terminal, grouped, money};
use crate::text::Text;

pub(crate) fn diff(session: &Session, args: &DiffArgs) -> Result<()> {
    let file_b = args.b.as_ref().unwrap_or(&args.a);
    if let Some(page) = &args.html {
        check_page(session, args, file_b, page)?;
    }
    let shown = [session.shown(args.cycle.json), session.shown(args.cycle.json)];
    let job_a = job(&args.a, &args.cycle, &shown[0]);
    let mut job_b = job(file_b, &args.cycle, &shown[1]);
    job_b.overrides = overrides(&args.changes)?;
    let origin_a = args.a.display().to_string();
    let report = compared(&session.host, (&job_a, &origin_a), (&job_b, &origin_b(args)))?;
    shown.iter().for_each(|shown| shown.clear());
    if let Some(path) = &args.html {
        write_whole(path, render_diff(&report, args.cycle.lang.lang()).as_bytes())?;
    }
    if args.cycle.json {
        Terminal::json(&as_json(&report))?;
    } else {
        print(session, &report, report.currency.digits)?;
        if let Some(path) = &args.html {
            Terminal::out(&format!("page  {}", path.display()))?;
        }
    }
    Ok(())
}

/// A page must replace no playbook, and lie in no run and in nothing of the host's own.
fn check_page(session: &Session, args: &DiffArgs, file_b: &Path, page: &Path) -> Result<()> {
    let own = session.host.home().own_dirs();
    let mut kept = vec![(Kept::Playbook, args.a.as_path()), (Kept::Playbook, file_b)];
    kept.extend(args.cycle.state.iter().map(|state| (Kept::State, state.as_path())));
    kept.extend(own.iter().map(|folder| (Kept::HomePart, folder.as_path())));
    Ok(check_written(page, &kept)?)
}

/// What people call side B.
fn origin_b(args: &DiffArgs) -> String {
    match &args.b {
        Some(file) => file.display().to_string(),
        None => {
            let changes: Vec<String> =
                args.changes.swap.iter().chain(&args.changes.set).cloned().collect();
            format!("{} with {}", args.a.display(), changes.join(", "))
        }
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
        DiffFigure::Health => "health",
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

fn print(session: &Session, report: &DiffReport, digits: u8) -> Result<()> {
    let terminal = session.terminal;
    let mut text = Text::default();
    text.push_str(&format!(
        "A  {}\nB  {}\nas of {}\n",
        report.a.origin, report.b.origin, report.as_of
    ));
    for change in &report.changes {
        text.push_str(&format!(
            "  {}: {} -> {}\n",
            change.path,
            short(&change.a),
            short(&change.b)
        ));
    }
    for row in &report.data_findings {
        text.push(&terminal.warning(&row.source, &row.words.en));
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
    text.push(&terminal.table(&["", "A", "B", "difference"], &[1, 2, 3], &rows));
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
        text.push(&terminal.table(&header, &right, &rows));
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
        text.push(&terminal.table(&header, &[1, 2, 3, 4, 5], &rows));
    }
    Terminal::out(text)
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
        "findings": report.data_findings.iter().map(|f| json!({
            "source": (!f.source.is_empty()).then_some(&f.source), "count": f.count, "text": f.words.en,
        })).collect::<Vec<_>>(),
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
