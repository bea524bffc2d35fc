//! Writes what a cycle came to: tables for programs and spreadsheets, plans and diagnoses as JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use playbook_batch::Reject;
use playbook_cycle::{Candidate, CycleRun, Decision, Refusal, StageRun};
use playbook_files::{Csv, FileError};
use playbook_ledger::{CycleRef, Ledger};
use playbook_model::{
    Cells, Column, Finding, Frame, Kind, NONE_INDEX, Playbook, TransferFate, Words,
};
use playbook_report::date_of_day;
use serde_json::{Map, Value, json};

use crate::page::comparison;
use crate::{Result, clock};

const MINUTE_MS: i64 = 60_000;

/// What grants.csv and refused.csv begin with.
const PROPOSAL: [&str; 7] =
    ["member", "stage", "action", "quantity", "cost_minor", "expected_output_minor", "reason_code"];

pub(crate) fn stage_of(run: &CycleRun, position: u16) -> Option<&StageRun> {
    run.stages.iter().find(|s| s.position == usize::from(position))
}

/// The cells of [`PROPOSAL`].
fn proposal<'a>(ids: Option<&'a Column>, stage: &'a StageRun, c: &Candidate) -> [Cow<'a, str>; 7] {
    let action = stage.shape.actions.get(usize::from(c.action));
    let reason = stage.shape.reasons.get(c.reason as usize);
    [
        ids.and_then(|i| i.text(c.row as usize)).unwrap_or("").into(),
        stage.name.as_str().into(),
        action.map_or("", |a| &a.name).into(),
        c.quantity.to_string().into(),
        c.cost.to_string().into(),
        c.expected_output.to_string().into(),
        reason.map_or("", |r| &r.code).into(),
    ]
}

/// What became of a proposal.
pub(crate) fn status(decision: &Decision, stage: &StageRun) -> &'static str {
    let action = stage.shape.actions.get(usize::from(decision.candidate.action));
    match (&decision.refusal, decision.granted_before) {
        (Some(_), _) => "refused",
        (None, true) => "granted before",
        (None, false) if action.is_some_and(|a| a.needs_approval) => "waits for approval",
        (None, false) => "granted",
    }
}

/// The proposal that a refused one lost to, as STAGE/ACTION.
pub(crate) fn winner(run: &CycleRun, refusal: &Refusal) -> Option<String> {
    let decision = run.decisions.get(refusal.lost_to? as usize)?;
    let stage = stage_of(run, decision.candidate.stage)?;
    let action = stage.shape.actions.get(usize::from(decision.candidate.action))?;
    Some(format!("{}/{}", stage.name, action.name))
}

/// Writes grants.csv.
pub(crate) fn grants(dir: &Path, run: &CycleRun, playbook: &Playbook, now_ms: i64) -> Result<()> {
    let header = [&PROPOSAL[..], &["reason", "not_before", "not_after", "status"]].concat();
    let mut csv = Csv::create(&dir.join("grants.csv"), &header)?;
    let ids = run.members.column("member");
    // Few minutes differ; a time zone is read once for each.
    let mut times: BTreeMap<u32, String> = BTreeMap::new();
    let time = |minutes: &u32| {
        let at = playbook_model::UnixMs(now_ms + i64::from(*minutes) * MINUTE_MS);
        clock::rfc3339(at, &playbook.time_zone)
    };
    for d in run.decisions.iter().filter(|d| d.refusal.is_none()) {
        let c = &d.candidate;
        let Some(stage) = stage_of(run, c.stage) else { continue };
        let reason = stage.shape.reasons.get(c.reason as usize);
        for minutes in [Some(c.after_min), c.until_min].into_iter().flatten() {
            times.entry(minutes).or_insert_with_key(time);
        }
        let rest = [
            reason.map_or("", |r| &r.text.en),
            &times[&c.after_min],
            c.until_min.map_or("", |minutes| &times[&minutes]),
            status(d, stage),
        ];
        csv.row(proposal(ids, stage, c).into_iter().chain(rest.map(Cow::from)))?;
    }
    csv.finish()?;
    Ok(())
}

/// Writes refused.csv.
pub(crate) fn refused(dir: &Path, run: &CycleRun) -> Result<()> {
    let header = [&PROPOSAL[..], &["code", "why", "rule", "lost_to"]].concat();
    let mut csv = Csv::create(&dir.join("refused.csv"), &header)?;
    let ids = run.members.column("member");
    for d in &run.decisions {
        let Some(refusal) = &d.refusal else { continue };
        let Some(stage) = stage_of(run, d.candidate.stage) else { continue };
        let why = [refusal.code.code(), refusal.code.words("en"), refusal.rule];
        let rest =
            why.map(Cow::from).into_iter().chain([winner(run, refusal).unwrap_or_default().into()]);
        csv.row(proposal(ids, stage, &d.candidate).into_iter().chain(rest))?;
    }
    csv.finish()?;
    Ok(())
}

/// Writes roi.csv: one row per group, inputs and outputs beside each other.
pub(crate) fn roi(dir: &Path, run: &CycleRun) -> Result<()> {
    let stages: Vec<&StageRun> = run.stages.iter().filter(|s| s.kind() == Kind::Roi).collect();
    let has_output = |frame: &Frame| {
        frame
            .columns()
            .iter()
            .any(|c| stages.iter().any(|s| c.name.starts_with(&format!("{}.", s.name))))
    };
    let tables: Vec<(&String, &Frame)> = run.tables.iter().filter(|(_, f)| has_output(f)).collect();
    let mut names: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for (_, frame) in &tables {
        for column in frame.columns().iter().skip(1) {
            if seen.insert(column.name.as_str()) {
                names.push(&column.name);
            }
        }
    }
    let header: Vec<&str> = ["subject", "key"].into_iter().chain(names.iter().copied()).collect();
    let mut csv = Csv::create(&dir.join("roi.csv"), &header)?;
    for (subject, frame) in tables {
        for row in 0..frame.rows() {
            let key = frame.columns().first().map_or_else(String::new, |c| shown(c, row));
            let mut cells = vec![subject.clone(), key];
            cells.extend(
                names.iter().map(|n| frame.column(n).map_or_else(String::new, |c| shown(c, row))),
            );
            csv.row(&cells)?;
        }
    }
    csv.finish()?;
    Ok(())
}

/// Writes transfers.csv: money that plugins would move, with their reasons, and what became of it.
pub(crate) fn transfers(dir: &Path, run: &CycleRun) -> Result<()> {
    let header = [
        "stage",
        "subject",
        "from",
        "to",
        "amount_minor",
        "reason_code",
        "reason",
        "became",
        "moved_minor",
        "refusal",
    ];
    let mut csv = Csv::create(&dir.join("transfers.csv"), &header)?;
    for stage in &run.stages {
        for (transfer, fate) in stage.transfers_with_fates() {
            let table = stage.shape.tables.get(transfer.table as usize);
            let places = stage.places.get(transfer.table as usize);
            let key = |row: u32| {
                places.and_then(|rows| rows.get(row as usize)).map_or("", String::as_str)
            };
            let reason = stage.shape.reasons.get(transfer.reason as usize);
            let amount = transfer.amount.to_string();
            let (moved, refusal) = match fate {
                TransferFate::Moved => (amount.clone(), ""),
                TransferFate::MovedBefore(before) => (before.to_string(), ""),
                TransferFate::Suggested => ("0".to_owned(), ""),
                TransferFate::Refused(refusal) => ("0".to_owned(), refusal.name()),
            };
            csv.row([
                stage.name.as_str(),
                table.map_or("", |t| t.subject.as_str()),
                key(transfer.from_row),
                key(transfer.to_row),
                amount.as_str(),
                reason.map_or("", |r| r.code.as_str()),
                reason.map_or("", |r| r.text.en.as_str()),
                fate.name(),
                moved.as_str(),
                refusal,
            ])?;
        }
    }
    csv.finish()?;
    Ok(())
}

/// A cell as text; empty where missing.
fn shown(column: &Column, row: usize) -> String {
    if !column.is_valid(row) {
        return String::new();
    }
    match &column.cells {
        Cells::Real(v) => v[row].to_string(),
        Cells::Integer(v) => v[row].to_string(),
        Cells::Small(v) => v[row].to_string(),
        Cells::Category { .. } | Cells::Text(_) => column.text(row).unwrap_or("").to_owned(),
    }
}

pub(crate) fn cell(column: &Column, row: usize) -> Value {
    if !column.is_valid(row) {
        return Value::Null;
    }
    match &column.cells {
        Cells::Real(v) => json!(v[row]),
        Cells::Integer(v) => json!(v[row]),
        Cells::Small(v) => json!(v[row]),
        Cells::Category { .. } | Cells::Text(_) => json!(column.text(row)),
    }
}

/// A text in its languages.
#[must_use]
pub fn words_json(words: &Words) -> Value {
    match &words.zh {
        Some(zh) => json!({ "en": words.en, "zh": zh }),
        None => json!({ "en": words.en }),
    }
}

fn finding(stage: &StageRun, finding: &Finding) -> Value {
    let reason = stage.shape.reasons.get(finding.reason as usize);
    let place = finding.place.and_then(|p| {
        let rows = stage.places.get(p.table as usize)?;
        let table = stage.shape.tables.get(p.table as usize)?;
        Some(json!({ "subject": table.subject, "key": rows.get(p.row as usize)? }))
    });
    let suggests: Vec<Value> = finding
        .suggests
        .iter()
        .filter_map(|a| stage.shape.actions.get(*a as usize))
        .map(|a| json!({ "action": a.name, "text": words_json(&a.text) }))
        .collect();
    json!({
        "level": finding.level.name(),
        "code": reason.map(|r| r.code.as_str()),
        "text": reason.map(|r| words_json(&r.text)),
        "place": place,
        "value": finding.value,
        "threshold": finding.threshold,
        "suggests": suggests,
    })
}

/// Writes diagnosis.json: outputs per table row and findings, stage by stage.
pub(crate) fn diagnosis(dir: &Path, run: &CycleRun) -> Result<()> {
    let stages: Vec<Value> = run
        .stages
        .iter()
        .filter(|s| s.kind() == Kind::Diagnosis)
        .map(|stage| {
            let prefix = format!("{}.", stage.name);
            let mut tables = Map::new();
            for (subject, frame) in &run.tables {
                let own: Vec<&Column> =
                    frame.columns().iter().filter(|c| c.name.starts_with(&prefix)).collect();
                if own.is_empty() {
                    continue;
                }
                let rows: Vec<Value> = (0..frame.rows())
                    .map(|row| {
                        let mut map = Map::new();
                        if let Some(key) = frame.columns().first() {
                            map.insert("key".to_owned(), cell(key, row));
                        }
                        for column in &own {
                            map.insert(column.name[prefix.len()..].to_owned(), cell(column, row));
                        }
                        Value::Object(map)
                    })
                    .collect();
                tables.insert(subject.clone(), Value::Array(rows));
            }
            json!({
                "stage": stage.name,
                "plugin": stage.about.name,
                "version": stage.about.version,
                "skipped": stage.fault.as_ref().map(ToString::to_string),
                "tables": tables,
                "findings": stage.findings.iter().map(|f| finding(stage, f)).collect::<Vec<_>>(),
            })
        })
        .collect();
    write_json(&dir.join("diagnosis.json"), &json!({ "stages": stages }))
}

/// Writes campaign.json and calendar.csv.
pub(crate) fn campaign(dir: &Path, run: &CycleRun, local_min: i64) -> Result<()> {
    let day_zero = local_min.div_euclid(24 * 60);
    let date = |day: u32| date_of_day(day_zero + i64::from(day));
    let mut calendar = Csv::create(
        &dir.join("calendar.csv"),
        &[
            "date",
            "time",
            "stage",
            "phase",
            "place",
            "format",
            "layer",
            "theme",
            "commercial",
            "status",
        ],
    )?;
    let mut stages = Vec::new();
    for stage in run.stages.iter().filter(|s| s.kind() == Kind::Campaign) {
        let Some(plan) = &stage.plan else { continue };
        let phase_name =
            |at: u32| plan.phases.get(at as usize).map_or_else(String::new, |p| p.name.clone());
        let place = |place: Option<playbook_model::Place>| {
            place
                .and_then(|p| stage.places.get(p.table as usize)?.get(p.row as usize).cloned())
                .unwrap_or_default()
        };
        let mut order: Vec<usize> = (0..plan.slots.len()).collect();
        order.sort_by_key(|i| (plan.slots[*i].day, plan.slots[*i].minute, *i));
        for i in order {
            let slot = &plan.slots[i];
            let refused = stage.refused_slots.binary_search(&i).is_ok();
            calendar.row(&[
                date(slot.day),
                format!("{:02}:{:02}", slot.minute / 60, slot.minute % 60),
                stage.name.clone(),
                phase_name(slot.phase),
                place(slot.place),
                slot.format.clone(),
                slot.layer.clone(),
                slot.theme.clone(),
                slot.commercial.to_string(),
                if refused { "refused: R10 (GR-2)" } else { "planned" }.to_owned(),
            ])?;
        }
        let reason = |at: u32| {
            (at != NONE_INDEX)
                .then(|| stage.shape.reasons.get(at as usize).map(|r| words_json(&r.text)))
                .flatten()
        };
        stages.push(json!({
            "stage": stage.name,
            "plugin": stage.about.name,
            "version": stage.about.version,
            "phases": plan.phases.iter().map(|p| json!({
                "name": p.name, "from": date(p.first_day), "days": p.days,
                "budget_minor": p.budget, "reason": reason(p.reason),
            })).collect::<Vec<_>>(),
            "allocations": plan.allocations.iter().map(|a| json!({
                "phase": phase_name(a.phase), "place": place(Some(a.place)), "amount_minor": a.amount,
            })).collect::<Vec<_>>(),
            "content": plan.content.iter().map(|c| json!({
                "phase": phase_name(c.phase), "mix": c.mix, "category": c.category,
                "least": c.least, "target": c.target, "most": c.most,
            })).collect::<Vec<_>>(),
            "gates": plan.gates.iter().map(|g| json!({
                "phase": phase_name(g.phase), "metric": g.metric, "comparison": comparison(g.comparison),
                "value": g.value, "sample_min": g.sample_min,
            })).collect::<Vec<_>>(),
            "slots": plan.slots.len(),
            "slots_refused": stage.refused_slots.len(),
            "findings": plan.findings.iter().map(|f| finding(stage, f)).collect::<Vec<_>>(),
        }));
    }
    calendar.finish()?;
    write_json(&dir.join("campaign.json"), &json!({ "stages": stages }))
}

/// Writes ledger.csv: the cycle's entries up to the commit group `last`.
pub(crate) fn ledger(dir: &Path, ledger: &Ledger, cycle: &CycleRef, last: i64) -> Result<()> {
    let mut csv = Csv::create(
        &dir.join("ledger.csv"),
        &[
            "entry",
            "kind",
            "account",
            "amount_minor",
            "stage",
            "action",
            "member_pseudonym",
            "quantity",
            "key",
        ],
    )?;
    let mut failed = None;
    ledger.extract(cycle, last, |entry, account, _at| {
        let row: [Cow<'_, str>; 9] = [
            entry.number.to_string().into(),
            entry.kind.name().into(),
            account.into(),
            entry.amount.0.to_string().into(),
            entry.stage.into(),
            entry.action.into(),
            entry.member.to_string().into(),
            entry.quantity.to_string().into(),
            entry.key.hex().into(),
        ];
        if failed.is_none() {
            failed = csv.row(row).err();
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    csv.finish()?;
    Ok(())
}

/// Writes rejects.csv: rows that could not be read, as they were.
pub(crate) fn rejects(dir: &Path, rejects: &[Reject]) -> Result<()> {
    let header = ["source", "file", "line", "reason", "raw"];
    let mut csv = Csv::create(&dir.join("rejects.csv"), &header)?;
    for reject in rejects {
        let line = reject.line.to_string();
        csv.row([&reject.source, &reject.file, &line, &reject.reason, &reject.raw])?;
    }
    csv.finish()?;
    Ok(())
}

/// Writes tables/SUBJECT.csv: features and outputs of every subject but the members.
pub(crate) fn tables(dir: &Path, run: &CycleRun) -> Result<()> {
    let folder = dir.join("tables");
    fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
    for (subject, frame) in &run.tables {
        let header: Vec<&str> = frame.columns().iter().map(|c| c.name.as_str()).collect();
        let name: String = subject
            .chars()
            .map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' })
            .collect();
        let mut csv = Csv::create(&folder.join(format!("{name}.csv")), &header)?;
        for row in 0..frame.rows() {
            let cells: Vec<String> = frame.columns().iter().map(|c| shown(c, row)).collect();
            csv.row(&cells)?;
        }
        csv.finish()?;
    }
    Ok(())
}

/// Writes JSON with sorted keys and a final newline.
pub(crate) fn write_json(path: &Path, value: &Value) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).expect("a value is JSON");
    text.push('\n');
    Ok(fs::write(path, text).map_err(FileError::of("write", path))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use playbook_batch::Reject;
    use playbook_model::{Bitmap, Cells, Column, Frame};

    use crate::small::{self, granted, texts};

    #[test]
    fn a_grant_says_for_whom_when_and_why() {
        let dir = tempfile::tempdir().unwrap();
        let run = small::run(["low", "high"], vec![granted(0, 0, 150), granted(1, 1, 7)]);
        super::grants(dir.path(), &run, &small::playbook(), small::AS_OF.0).unwrap();
        let text = fs::read_to_string(dir.path().join("grants.csv")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "member,stage,action,quantity,cost_minor,expected_output_minor,reason_code,reason,not_before,\
                 not_after,status",
                "'=a,rewards,gift,2,150,300,near,\"Near the next tier, \"\"soon\"\"\",2026-03-01T00:00:00+08:00,\
                 2026-03-01T01:30:00+08:00,granted",
                "b,rewards,call,2,7,14,near,\"Near the next tier, \"\"soon\"\"\",2026-03-01T00:00:00+08:00,\
                 2026-03-01T01:30:00+08:00,waits for approval",
            ]
        );
    }

    #[test]
    fn a_refusal_names_its_code_and_what_won_instead() {
        let dir = tempfile::tempdir().unwrap();
        let decisions = vec![granted(0, 0, 150), small::refused(0, 1, 9, Some(0))];
        super::refused(dir.path(), &small::run(["low", "high"], decisions)).unwrap();
        let text = fs::read_to_string(dir.path().join("refused.csv")).unwrap();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines, ["'=a,rewards,call,2,9,18,near,R14,lost arbitration,H9,rewards/gift"]);
    }

    #[test]
    fn rejected_rows_are_kept_as_they_were_and_run_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let reject = |line, raw: &str| Reject {
            source: "events".to_owned(),
            file: "data.csv".to_owned(),
            line,
            reason: "`member` is missing".to_owned(),
            raw: raw.to_owned(),
        };
        super::rejects(dir.path(), &[reject(3, ",paid,1.10"), reject(4, "=1+1")]).unwrap();
        let text = fs::read_to_string(dir.path().join("rejects.csv")).unwrap();
        assert_eq!(
            text,
            "source,file,line,reason,raw\n\
             events,data.csv,3,`member` is missing,\",paid,1.10\"\n\
             events,data.csv,4,`member` is missing,'=1+1\n"
        );
    }

    #[test]
    fn a_table_leaves_missing_cells_empty_and_its_name_is_a_file_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut run = small::run(["low", "high"], Vec::new());
        let mut table = Frame::with_rows(2);
        table.push(texts("channel", &["app", "a/b"]));
        let mut valid = Bitmap::filled(2, true);
        valid.set(1, false);
        let cells = Cells::Real(vec![0.5, 0.0]);
        table.push(Column {
            name: "roi".to_owned(),
            unit: String::new(),
            cells,
            valid: Some(valid),
        });
        run.tables.insert("../channel".to_owned(), table);
        super::tables(dir.path(), &run).unwrap();
        let text = fs::read_to_string(dir.path().join("tables/.._channel.csv")).unwrap();
        assert_eq!(text, "channel,roi\napp,0.5\na/b,\n");
    }
}
