//! campaign.json and calendar.csv: what campaigns plan.

use std::fs::File;
use std::path::Path;

use playbook_cycle::{CycleRun, StageRun};
use playbook_files::{Csv, FileError};
use playbook_model::{CampaignPlan, Kind, NONE_INDEX};
use playbook_report::date_of_day;
use serde_json::{Value, json};

use super::cells::{words_json, write_json};
use super::diagnosis::finding;
use crate::Result;
use crate::stages::{comparison, of_kind, place_name};

const CALENDAR: [&str; 10] =
    ["date", "time", "stage", "phase", "place", "format", "layer", "theme", "commercial", "status"];

/// Writes campaign.json and calendar.csv.
pub(crate) fn campaign(dir: &Path, run: &CycleRun, local_min: i64) -> Result<()> {
    let day_zero = local_min.div_euclid(24 * 60);
    let plans = of_kind(run, Kind::Campaign).filter_map(|s| Some((s, s.plan.as_ref()?)));
    let plans = plans.map(|(stage, plan)| Planned { stage, plan, day_zero });
    let mut calendar = Csv::create(&dir.join("calendar.csv"), &CALENDAR)?;
    let mut stages = Vec::new();
    for planned in plans {
        planned.write_slots(&mut calendar)?;
        stages.push(planned.json());
    }
    calendar.finish()?;
    write_json(&dir.join("campaign.json"), &json!({ "stages": stages }))
}

/// The plan of a stage, whose days count from `day_zero`.
struct Planned<'a> {
    stage: &'a StageRun,
    plan: &'a CampaignPlan,
    day_zero: i64,
}

impl Planned<'_> {
    fn date(&self, day: u32) -> String {
        date_of_day(self.day_zero + i64::from(day))
    }

    fn phase(&self, at: u32) -> &str {
        self.plan.phases.get(at as usize).map_or("", |phase| &phase.name)
    }

    /// The slots in order of time.
    fn write_slots(&self, calendar: &mut Csv<File>) -> std::result::Result<(), FileError> {
        let Self { stage, plan, .. } = self;
        let mut order: Vec<usize> = (0..plan.slots.len()).collect();
        order.sort_by_key(|i| (plan.slots[*i].day, plan.slots[*i].minute, *i));
        for i in order {
            let slot = &plan.slots[i];
            let refused = stage.refused_slots.binary_search(&i).is_ok();
            calendar.row([
                self.date(slot.day).as_str(),
                &format!("{:02}:{:02}", slot.minute / 60, slot.minute % 60),
                &stage.name,
                self.phase(slot.phase),
                &place_name(stage, slot.place),
                &slot.format,
                &slot.layer,
                &slot.theme,
                if slot.commercial { "true" } else { "false" },
                if refused { "refused: R10 (GR-2)" } else { "planned" },
            ])?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let Self { stage, plan, .. } = self;
        json!({
            "stage": stage.name,
            "plugin": stage.about.name,
            "version": stage.about.version,
            "money": stage.plan_money.map(|money| json!({
                "planned_minor": plan.phases.iter().fold(0_i64, |sum, p| sum.saturating_add(p.budget)),
                "reserved_minor": 0,
                "budget_minor": money.budget().0,
                "pool_minor": money.pool.0,
                "account_minor": money.account.0,
                "stage_share_minor": money.share.0,
            })),
            "phases": plan.phases.iter().map(|p| json!({
                "name": p.name, "from": self.date(p.first_day), "days": p.days,
                "budget_minor": p.budget, "reason": self.reason(p.reason),
            })).collect::<Vec<_>>(),
            "allocations": plan.allocations.iter().map(|a| json!({
                "phase": self.phase(a.phase), "place": place_name(stage, Some(a.place)), "amount_minor": a.amount,
            })).collect::<Vec<_>>(),
            "content": plan.content.iter().map(|c| json!({
                "phase": self.phase(c.phase), "mix": c.mix, "category": c.category,
                "least": c.least, "target": c.target, "most": c.most,
            })).collect::<Vec<_>>(),
            "gates": plan.gates.iter().map(|g| json!({
                "phase": self.phase(g.phase), "metric": g.metric, "comparison": comparison(g.comparison),
                "value": g.value, "sample_min": g.sample_min,
            })).collect::<Vec<_>>(),
            "slots": plan.slots.len(),
            "slots_refused": stage.refused_slots.len(),
            "findings": plan.findings.iter().map(|f| finding(stage, f)).collect::<Vec<_>>(),
        })
    }

    fn reason(&self, at: u32) -> Option<Value> {
        let reason =
            if at == NONE_INDEX { None } else { self.stage.shape.reasons.get(at as usize) };
        reason.map(|reason| words_json(&reason.text))
    }
}
