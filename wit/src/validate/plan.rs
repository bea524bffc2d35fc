//! Plans of campaigns: phases within the budget, allocations within their phases, times within the plan.

use std::collections::HashSet;

use super::{Checked, Validator, amount, at_most, finite, indices, indices_or_none, place};
use crate::{CampaignPlan, Minor, is_kebab};

/// Bounds of a plan.
const PHASES_MAX: usize = 64;
const ALLOCATIONS_MAX: usize = 4_096;
const CONTENT_MAX: usize = 4_096;
const SLOTS_MAX: usize = 65_536;
const DAYS_MAX: u32 = 3_650;
const MINUTES_A_DAY: u16 = 1_440;

impl Validator {
    /// Holds a plan within `budget` over tables that have as many rows as `tables` says.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn plan(&self, tables: &[u32], budget: Minor, plan: &CampaignPlan) -> Checked {
        at_most("phases", plan.phases.len(), PHASES_MAX)?;
        at_most("allocations", plan.allocations.len(), ALLOCATIONS_MAX)?;
        at_most("content", plan.content.len(), CONTENT_MAX)?;
        at_most("slots", plan.slots.len(), SLOTS_MAX)?;
        self.phases(budget, plan)?;
        allocations(tables, plan)?;
        let phases = plan.phases.len();
        for (at, c) in plan.content.iter().enumerate() {
            indices("phase", &[c.phase], phases)?;
            let ordered =
                0.0 <= c.least && c.least <= c.target && c.target <= c.most && c.most <= 1.0;
            if !ordered {
                return Err(format!("content share {at}: not 0 <= least <= target <= most <= 1"));
            }
        }
        for (at, s) in plan.slots.iter().enumerate() {
            let checked = || {
                indices("phase", &[s.phase], phases)?;
                if s.minute >= MINUTES_A_DAY || s.day > 2 * DAYS_MAX {
                    return Err("its time is not in the plan".to_owned());
                }
                s.place.map_or(Ok(()), |at| place(tables, at))
            };
            checked().map_err(|text| format!("slot {at}: {text}"))?;
        }
        for (at, g) in plan.gates.iter().enumerate() {
            indices("phase", &[g.phase], phases)?;
            finite("value", Some(g.value)).map_err(|text| format!("gate {at}: {text}"))?;
        }
        self.findings(tables, &plan.findings)
    }

    fn phases(&self, budget: Minor, plan: &CampaignPlan) -> Checked {
        let mut total: Minor = 0;
        let mut names = HashSet::new();
        for (at, p) in plan.phases.iter().enumerate() {
            if p.days == 0 || p.days > DAYS_MAX || p.first_day > DAYS_MAX {
                return Err(format!("phase {at}: days are not 1 to {DAYS_MAX}"));
            }
            if !is_kebab(&p.name) || !names.insert(&p.name) {
                return Err(format!("phase {at}: its name is not kebab-case, or not unique"));
            }
            indices_or_none("reason", &[p.reason], self.shape.reasons.len())?;
            amount(p.budget).map_err(|text| format!("phase {at}: {text}"))?;
            total = total.checked_add(p.budget).ok_or("budgets of the phases overflow")?;
        }
        if total > budget {
            return Err(format!("budgets of the phases are {total}, the campaign has {budget}"));
        }
        Ok(())
    }
}

fn allocations(tables: &[u32], plan: &CampaignPlan) -> Checked {
    let mut given: Vec<Minor> = vec![0; plan.phases.len()];
    for (at, a) in plan.allocations.iter().enumerate() {
        let checked = || {
            indices("phase", &[a.phase], given.len())?;
            place(tables, a.place)?;
            amount(a.amount)
        };
        checked().map_err(|text: String| format!("allocation {at}: {text}"))?;
        let sum = &mut given[a.phase as usize];
        *sum = sum.checked_add(a.amount).ok_or("allocations overflow")?;
    }
    match given.iter().zip(&plan.phases).find(|(sum, p)| **sum > p.budget) {
        None => Ok(()),
        Some((sum, p)) => {
            Err(format!("phase `{}` allocates {sum} of a budget of {}", p.name, p.budget))
        }
    }
}
