//! The rules of rewards once they are read, and which of them a row gets (domain IN-1, IN-3, IN-4).

use playbook_domain::condition::{Amount, Condition, Lookup};
use playbook_domain::floored;

use super::settings::{LadderSetting, Mode, RewardSetting, Rewards};
use crate::{Reading, check_name, pointer};

/// A reward as rows are asked.
#[derive(Debug)]
struct Reward {
    when: Condition,
    cost: Amount,
    expected: Amount,
    quantity: Amount,
    done: Condition,
    part: Option<usize>,
    /// Whether it stands on a ladder, which then decides.
    is_rung: bool,
}

/// What a row gets of a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given {
    /// Points, units or 1.
    pub(super) quantity: i64,
    /// Cost to the brand, minor units.
    pub(super) cost: i64,
    /// Expected output, minor units.
    pub(super) expected: i64,
}

/// All rules, in the order of the settings.
#[derive(Debug)]
pub(super) struct Rules {
    rewards: Vec<Reward>,
    ladders: Vec<(Mode, Vec<usize>)>,
    among: Condition,
    /// Most that each part of the mix may cost a row.
    parts: Vec<i64>,
}

fn check_reward(name: &str, reward: &RewardSetting, reading: &mut Reading<'_>) {
    let problems = &mut reading.problems;
    check_name(problems, &["reward", name], name);
    let mut check = |holds: bool, key: &str, message: &str| {
        problems.check(holds, pointer(&["reward", name, key]), message);
    };
    let has_offer = reward.commercial || reward.cost != "0" || reward.expected != "0";
    check(
        !(reward.care && has_offer),
        "care",
        "a sign of care carries no offer, cost or expectation",
    );
    let is_kept = reward.needs_approval || reward.quota_per_cycle.is_none();
    check(is_kept, "quota_per_cycle", "is kept by who approves: set `needs_approval`");
    let in_order = reward.until_min.is_none_or(|until| until >= reward.after_min);
    check(in_order, "until_min", "must not lie before `after_min`");
}

fn ladders(settings: &Rewards, reading: &mut Reading<'_>) -> Vec<(Mode, Vec<usize>)> {
    let mut ladders = Vec::new();
    let mut taken: Vec<&String> = Vec::new();
    for (name, ladder) in settings.ladder.iter() {
        let mut rungs = Vec::new();
        for (at, rung) in ladder.rungs.iter().enumerate() {
            let path = pointer(&["ladder", name, "rungs", &at.to_string()]);
            match settings.order.iter().position(|reward| reward == rung) {
                None => {
                    reading.problems.at(path, "is not in `order`");
                }
                Some(_) if taken.contains(&rung) => {
                    reading.problems.at(path, "stands on another ladder too");
                }
                Some(reward) => rungs.push(reward),
            }
            taken.push(rung);
        }
        ladders.push((ladder.mode, rungs));
    }
    ladders
}

fn parts(settings: &Rewards, reading: &mut Reading<'_>) -> Vec<i64> {
    let whole: f64 = settings.part.values().map(|part| part.share).sum();
    if !settings.part.is_empty() && (whole - 1.0).abs() > 1e-9 {
        reading.problems.at("/part", "must have shares that add up to 1");
    }
    for (name, part) in settings.part.iter() {
        let path = pointer(&["part", name, "share"]);
        reading.problems.check(!part.required || part.share > 0.0, path, "may not be 0");
        let is_used = settings.reward.values().any(|reward| reward.part == *name);
        let path = pointer(&["part", name]);
        reading.problems.check(is_used || part.share <= 0.0, path, "pays for no reward");
    }
    let is_kept = settings.row_budget_minor.is_none() || !settings.part.is_empty();
    let message = "is kept by the parts of a mix: name them in `part`";
    reading.problems.check(is_kept, "/row_budget_minor", message);
    let budget = settings.row_budget_minor;
    let most = |share: f64| budget.map_or(i64::MAX, |budget| floored(budget as f64 * share + 1e-9));
    settings.part.values().map(|part| most(part.share)).collect()
}

impl Reward {
    /// Reads a reward; none where any of it is a problem.
    #[inline(never)]
    fn read(
        settings: &Rewards,
        name: &str,
        reward: &RewardSetting,
        reading: &mut Reading<'_>,
    ) -> Option<Self> {
        check_reward(name, reward, reading);
        let part = settings.part.keys().position(|part| *part == reward.part);
        if part.is_none() && !reward.part.is_empty() {
            reading.problems.at(pointer(&["reward", name, "part"]), "is no name of `part`");
        }
        let when = reading.condition(&["reward", name, "when"], &reward.when);
        let done = reading.condition(&["reward", name, "done"], &reward.done);
        let cost = reading.amount(&["reward", name, "cost"], &reward.cost);
        let expected = reading.amount(&["reward", name, "expected"], &reward.expected);
        let quantity = reading.amount(&["reward", name, "quantity"], &reward.quantity);
        let has_rung = |ladder: &LadderSetting| ladder.rungs.iter().any(|rung| rung == name);
        let is_rung = settings.ladder.values().any(has_rung);
        Some(Self {
            when: when?,
            cost: cost?,
            expected: expected?,
            quantity: quantity?,
            done: done?,
            part,
            is_rung,
        })
    }

    fn given(&self, row: &impl Lookup) -> Option<Given> {
        let whole = |amount: &Amount| Some(floored(amount.of(row)?).max(0));
        let quantity = whole(&self.quantity).filter(|quantity| *quantity >= 1)?;
        Some(Given { quantity, cost: whole(&self.cost)?, expected: whole(&self.expected)? })
    }
}

impl Rules {
    /// Reads the rules; none where any of them is a problem.
    pub(super) fn read(settings: &Rewards, reading: &mut Reading<'_>) -> Option<Self> {
        let among = reading.condition(&["among"], &settings.among);
        let mut rewards = Vec::new();
        for (at, name) in settings.order.iter().enumerate() {
            let Some(reward) = settings.reward.get(name) else {
                let path = pointer(&["order", &at.to_string()]);
                reading.problems.at(path, "is no reward").hint("a name of `reward`");
                continue;
            };
            rewards.extend(Reward::read(settings, name, reward, reading));
        }
        for (name, left_out) in settings.left_out() {
            reading.aside(|reading| drop(Reward::read(settings, name, left_out, reading)));
        }
        let ladders = ladders(settings, reading);
        let parts = parts(settings, reading);
        reading.problems.is_empty().then_some(Self { rewards, ladders, among: among?, parts })
    }

    /// The rung of a ladder that a row gets, where its condition holds.
    fn rung(&self, mode: Mode, rungs: &[usize], row: &impl Lookup) -> Option<usize> {
        let holds = |reward: &usize| self.rewards[*reward].when.holds(row);
        match mode {
            Mode::Highest => rungs.iter().rev().find(|reward| holds(reward)).copied(),
            Mode::Next => {
                let done = rungs.iter().rposition(|reward| self.rewards[*reward].done.holds(row));
                rungs.get(done.map_or(0, |done| done + 1)).filter(|reward| holds(reward)).copied()
            }
        }
    }

    /// Gives each reward of a row to `give`, in order. `spent` is a place for what the parts have cost.
    pub(super) fn each(
        &self,
        row: &impl Lookup,
        spent: &mut Vec<i64>,
        mut give: impl FnMut(usize, Given),
    ) {
        if !self.among.holds(row) {
            return;
        }
        spent.clear();
        spent.resize(self.parts.len(), 0);
        for (at, reward) in self.rewards.iter().enumerate() {
            let is_due = match reward.is_rung {
                true => self.ladders.iter().any(|(mode, rungs)| {
                    rungs.contains(&at) && self.rung(*mode, rungs, row) == Some(at)
                }),
                false => reward.when.holds(row),
            };
            let Some(given) = is_due.then(|| reward.given(row)).flatten() else { continue };
            if let Some(part) = reward.part {
                let cost = spent[part].saturating_add(given.cost);
                if cost > self.parts[part] {
                    continue;
                }
                spent[part] = cost;
            }
            give(at, given);
        }
    }
}
