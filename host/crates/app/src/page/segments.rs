//! Segments of the members, and who moved from where.

use playbook_cycle::{CycleRun, StageRun, in_holdout};
use playbook_model::{Column, Figures, Kind, Minor, Playbook, SegmentInfo};
use playbook_report::{
    Absence, Effect, FlowEnd, FlowMatrix, Sample, Section, SegmentRow, Segmentation,
};

use crate::stages::{absent, figure_of, of_kind, plugin_of};

/// What every stage that segments came to. One that was left out is among the findings.
pub(super) fn segmentation(playbook: &Playbook, run: &CycleRun) -> Section<Vec<Segmentation>> {
    let ran = of_kind(run, Kind::Segmentation).filter(|s| s.fault.is_none());
    let held = held_out(playbook, run);
    let all: Vec<_> = ran.filter_map(|stage| of_stage(playbook, run, &held, stage)).collect();
    if all.is_empty() {
        return Section::Empty(absent(run, Kind::Segmentation));
    }
    Section::Filled(all)
}

/// Which members the guardrails hold out of every action; empty where that is nobody, or no effect is asked for.
fn held_out(playbook: &Playbook, run: &CycleRun) -> Vec<bool> {
    let share = playbook.guardrails.holdout;
    let is_asked = share > 0.0 && !playbook.outputs.effects.is_empty();
    let Some(ids) = run.members.column("member").filter(|_| is_asked) else {
        return Vec::new();
    };
    let rows = 0..run.members.rows();
    rows.map(|row| ids.text(row).is_some_and(|id| in_holdout(id, share))).collect()
}

fn of_stage(
    playbook: &Playbook,
    run: &CycleRun,
    held: &[bool],
    stage: &StageRun,
) -> Option<Segmentation> {
    let name = format!("{}.segment", stage.name);
    let column = run.members.column(&name)?;
    let places = Places(&stage.shape.segments);
    let moves =
        run.before("member", &name).map(|before| places.moves(before, column, run.members.rows()));
    let now = match &moves {
        Some(moves) => {
            (0..=places.0.len()).map(|to| moves.iter().map(|from| from[to]).sum()).collect()
        }
        None => places.counts(column, 0..run.members.rows()),
    };
    let granted = run.decisions.iter().filter(|d| d.is_new());
    let grants = places.counts(column, granted.map(|d| d.candidate.row as usize));
    let segments = stage.shape.segments.iter().enumerate().map(|(i, s)| SegmentRow {
        name: s.name.clone(),
        words: s.text.clone(),
        members: now[i],
        members_before: moves.as_ref().map(|moves| moves[i].iter().sum()),
        revenue: revenue(&playbook.outputs.figures, run, &name, &s.name),
        grants: grants[i],
    });
    Some(Segmentation {
        stage: stage.name.clone(),
        plugin: plugin_of(stage),
        segments: segments.collect(),
        unassigned: now[places.0.len()],
        unassigned_grants: grants[places.0.len()],
        effects: effects(playbook, run, held, (&places, column)),
        flows: match moves {
            None => Section::Empty(Absence::FirstCycle),
            Some(members) => Section::Filled(FlowMatrix {
                from: places.ends(FlowEnd::Joined),
                to: places.ends(FlowEnd::Unassigned),
                members,
            }),
        },
    })
}

/// What a segment brought, where the playbook counts it by segment.
fn revenue(figures: &Figures, run: &CycleRun, output: &str, segment: &str) -> Option<Minor> {
    let table = run.tables.get(output).or_else(|| run.tables.get("segment"))?;
    let key = table.columns().first()?;
    let row = (0..table.rows()).find(|r| key.text(*r) == Some(segment))?;
    figure_of(table, &figures.revenue)?.integer(row).map(Minor)
}

/// What came of treating members, by segment: the treated beside those who are held out.
fn effects(
    playbook: &Playbook,
    run: &CycleRun,
    held: &[bool],
    (places, segments): (&Places<'_>, &Column),
) -> Vec<Effect> {
    if held.is_empty() {
        return Vec::new();
    }
    let features = playbook.outputs.effects.iter();
    let of = |feature: &String| {
        let column = run.members.column(feature)?;
        let mut effect = Effect {
            feature: feature.clone(),
            unit: column.unit.clone(),
            segments: vec![[Sample::default(); 2]; places.0.len() + 1],
            all: [Sample::default(); 2],
        };
        let mut are_flags = true;
        for (row, held) in held.iter().enumerate() {
            let Some(value) = column.real(row) else { continue };
            let arm = usize::from(*held);
            effect.segments[places.of(segments, row)][arm].add(value);
            effect.all[arm].add(value);
            are_flags &= value == 0.0 || value == 1.0;
        }
        // The mean of flags is the share of members that have it.
        if are_flags && effect.unit.is_empty() {
            effect.unit = "ratio".to_owned();
        }
        Some(effect)
    };
    features.filter_map(of).collect()
}

/// Segments by their place in the shape. One more place at the end is for members without a segment, or new ones.
struct Places<'a>(&'a [SegmentInfo]);

impl Places<'_> {
    fn of(&self, column: &Column, row: usize) -> usize {
        let name = column.text(row);
        let place = name.and_then(|name| self.0.iter().position(|s| s.name == name));
        place.unwrap_or(self.0.len())
    }

    /// How many of the rows are in each place.
    fn counts(&self, column: &Column, rows: impl Iterator<Item = usize>) -> Vec<u64> {
        let mut counts = vec![0; self.0.len() + 1];
        rows.for_each(|row| counts[self.of(column, row)] += 1);
        counts
    }

    /// How many went from each place to each.
    fn moves(&self, before: &Column, now: &Column, rows: usize) -> Vec<Vec<u64>> {
        let mut moves = vec![vec![0; self.0.len() + 1]; self.0.len() + 1];
        for row in 0..rows {
            moves[self.of(before, row)][self.of(now, row)] += 1;
        }
        moves
    }

    fn ends(&self, last: FlowEnd) -> Vec<FlowEnd> {
        self.0.iter().map(|s| FlowEnd::Segment(s.text.clone())).chain([last]).collect()
    }
}
