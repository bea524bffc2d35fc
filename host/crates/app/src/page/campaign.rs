//! The plan of a campaign: phases, money, content, calendar, gates.

use playbook_cycle::{CycleRun, PlanMoney, StageRun};
use playbook_model::{CampaignPlan, Kind, Minor, NONE_INDEX, Words};
use playbook_report::{
    AllocationRow, Campaign, ContentRow, GateRow, PhaseRow, PlanMoneyRow, Section, SlotRow,
};

use crate::stages::{absent, comparison, of_kind, place_name, plugin_of, reason_words};

pub(super) fn campaign(run: &CycleRun, local_min: i64) -> Section<Campaign> {
    let Some((stage, plan)) =
        of_kind(run, Kind::Campaign).find_map(|s| Some((s, s.plan.as_ref()?)))
    else {
        return Section::Empty(absent(run, Kind::Campaign));
    };
    let terms = stage.shape.terms.iter().map(|term| (term.name.clone(), term.text.clone()));
    Section::Filled(Campaign {
        plugin: plugin_of(stage),
        terms: terms.collect(),
        day_zero: local_min.div_euclid(1440),
        phases: phases(stage, plan),
        allocations: allocations(stage, plan),
        money: stage.plan_money.map(|PlanMoney { pool, account, share }| PlanMoneyRow {
            pool,
            account,
            share,
        }),
        content: content(plan),
        slots: slots(stage, plan),
        gates: gates(plan),
    })
}

fn phases(stage: &StageRun, plan: &CampaignPlan) -> Vec<PhaseRow> {
    let reason = |reason| match reason {
        NONE_INDEX => Words::default(),
        _ => reason_words(stage, reason),
    };
    let rows = plan.phases.iter().map(|p| PhaseRow {
        name: p.name.clone(),
        reason: reason(p.reason),
        first_day: p.first_day,
        days: p.days,
        budget: Minor(p.budget),
    });
    rows.collect()
}

fn allocations(stage: &StageRun, plan: &CampaignPlan) -> Vec<AllocationRow> {
    let rows = plan.allocations.iter().map(|a| AllocationRow {
        phase: a.phase as usize,
        place: place_name(stage, Some(a.place)),
        amount: Minor(a.amount),
    });
    rows.collect()
}

fn content(plan: &CampaignPlan) -> Vec<ContentRow> {
    let rows = plan.content.iter().map(|c| ContentRow {
        phase: c.phase as usize,
        mix: c.mix.clone(),
        category: c.category.clone(),
        least: c.least,
        target: c.target,
        most: c.most,
    });
    rows.collect()
}

fn slots(stage: &StageRun, plan: &CampaignPlan) -> Vec<SlotRow> {
    let rows = plan.slots.iter().map(|s| SlotRow {
        phase: s.phase as usize,
        day: s.day,
        minute: s.minute,
        place: place_name(stage, s.place),
        format: s.format.clone(),
        layer: s.layer.clone(),
        theme: s.theme.clone(),
        commercial: s.commercial,
    });
    rows.collect()
}

fn gates(plan: &CampaignPlan) -> Vec<GateRow> {
    let rows = plan.gates.iter().map(|g| GateRow {
        phase: g.phase as usize,
        metric: g.metric.clone(),
        comparison: comparison(g.comparison).to_owned(),
        value: g.value,
        sample_min: g.sample_min,
    });
    rows.collect()
}
