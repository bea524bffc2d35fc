//! grants.csv and refused.csv: what became of each proposal.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use playbook_cycle::{Candidate, CycleRun, Decision, Intake, Refusal, StageRun, grant_key};
use playbook_files::Csv;
use playbook_ledger::CycleRef;
use playbook_model::{Column, Playbook, UnixMs};

use crate::stages::stage_of;
use crate::{Result, clock};

const MINUTE_MS: i64 = 60_000;
const MINUTES_A_DAY: i64 = 1440;

/// What grants.csv and refused.csv begin with.
const PROPOSAL: [&str; 7] =
    ["member", "stage", "action", "quantity", "cost_minor", "expected_output_minor", "reason_code"];

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
pub(crate) fn grants(
    dir: &Path,
    run: &CycleRun,
    playbook: &Playbook,
    intake: &Intake,
) -> Result<()> {
    let header = [&PROPOSAL[..], &["reason", "not_before", "not_after", "status", "key"]].concat();
    let mut csv = Csv::create(&dir.join("grants.csv"), &header)?;
    let ids = run.members.column("member");
    // Few minutes differ; a time zone is read once for each.
    let mut times: BTreeMap<u32, String> = BTreeMap::new();
    let time = |minutes: &u32| {
        let at = UnixMs(intake.as_of.0 + i64::from(*minutes) * MINUTE_MS);
        clock::rfc3339(at, &playbook.time_zone)
    };
    let cycle = CycleRef { playbook: playbook.id.clone(), number: run.number };
    let day = intake.local_min.div_euclid(MINUTES_A_DAY);
    let key = |stage: &StageRun, c: &Candidate| {
        let action = stage.shape.actions.get(usize::from(c.action))?;
        let member = run.keys.get(c.row as usize)?;
        Some(grant_key(&cycle, day, &stage.name, action, *member, None).hex())
    };
    for d in run.decisions.iter().filter(|d| d.refusal.is_none()) {
        let c = &d.candidate;
        let Some(stage) = stage_of(run, c.stage) else { continue };
        let key = key(stage, c).unwrap_or_default();
        let reason = stage.shape.reasons.get(c.reason as usize);
        for minutes in [Some(c.after_min), c.until_min].into_iter().flatten() {
            times.entry(minutes).or_insert_with_key(time);
        }
        let rest = [
            reason.map_or("", |r| &r.text.en),
            &times[&c.after_min],
            c.until_min.map_or("", |minutes| &times[&minutes]),
            status(d, stage),
            &key,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use crate::small::{self, granted};

    #[test]
    fn a_grant_says_for_whom_when_and_why() {
        let dir = tempfile::tempdir().unwrap();
        let run = small::run(["low", "high"], vec![granted(0, 0, 150), granted(1, 1, 7)]);
        super::grants(dir.path(), &run, &small::playbook(), &small::intake()).unwrap();
        let text = fs::read_to_string(dir.path().join("grants.csv")).unwrap();
        let (lines, keys): (Vec<&str>, Vec<&str>) =
            text.lines().map(|line| line.rsplit_once(',').unwrap()).unzip();
        assert_eq!(keys[0], "key");
        assert!(keys[1] != keys[2] && keys[1..].iter().all(|key| key.len() == 64), "{keys:?}");
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
}
