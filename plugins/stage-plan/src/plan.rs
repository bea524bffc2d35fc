//! The stages of a plan and its milestones, once the settings are read (domain CA-2, CA-3, CA-6).

use playbook_domain::condition::{Amount, Condition, Lookup};
use playbook_domain::floored;
use playbook_engine::{Reading, check_name, pointer};
use playbook_sdk::prelude::*;

use crate::months::days_of;
use crate::settings::{MilestoneSetting, Settings, StageSetting};

/// What is read of the plan's own settings.
#[derive(Debug)]
pub(crate) struct Rules {
    when: Condition,
    elapsed: Option<Amount>,
    /// Whether each milestone is reached, in the order of their names.
    done: Vec<Condition>,
    /// Places of the columns that stages are picked by.
    pick: Vec<usize>,
}

/// Reads the conditions; none where any of them is a problem.
pub(crate) fn read(settings: &Settings, reading: &mut Reading<'_>) -> Option<Rules> {
    let when = reading.condition(&["when"], &settings.when);
    let elapsed = match settings.elapsed.as_str() {
        "" => None,
        text => reading.amount(&["elapsed"], text),
    };
    let mut done = Vec::new();
    for (name, milestone) in settings.milestone.iter() {
        check_name(&mut reading.problems, &["milestone", name], name);
        let path = pointer(&["milestone", name]);
        let is_planned = milestone.day.is_some() != milestone.month.is_some();
        reading.problems.check(is_planned, path, "needs either `day` or `month`");
        done.extend(reading.condition(&["milestone", name, "done"], &milestone.done));
    }
    let mut pick = Vec::new();
    for (at, name) in settings.pick.iter().flat_map(|pick| &pick.by).enumerate() {
        // The comparison says that the column holds texts.
        let at = at.to_string();
        reading.condition(&["pick", "by", &at], &[name, " = ''"].concat());
        pick.extend(reading.names.columns().position(|(known, _)| known == name));
    }
    check_stages(settings, &mut reading.problems);
    let strangers: Vec<String> = reading
        .names
        .columns()
        .filter(|(name, _)| !name.starts_with("brand."))
        .map(|(name, _)| {
            ["a plan sees the brand alone: `brand.", name, "`, not `", name, "`"].concat()
        })
        .collect();
    for text in strangers {
        reading.problems.at("", text);
    }
    reading.problems.is_empty().then_some(Rules { when: when?, elapsed, done, pick })
}

/// The stages in order; a name that is none is a problem that was told.
pub(crate) fn stages(settings: &Settings) -> impl Iterator<Item = (&String, &StageSetting)> {
    settings.order.iter().filter_map(|name| settings.stage.entry(name))
}

fn check_stages(settings: &Settings, problems: &mut Problems) {
    for (at, name) in settings.order.iter().enumerate() {
        let is_stage = settings.stage.has(name);
        problems.check(is_stage, pointer(&["order", &at.to_string()]), "is no stage");
    }
    let mut shares = Vec::new();
    for (name, stage) in stages(settings) {
        let path = |key: &str| pointer(&["stage", name, key]);
        check_name(problems, &["stage", name], name);
        problems.check(!name.contains('_'), pointer(&["stage", name]), "must join words with `-`");
        let has_length = stage.days.is_some() != stage.months.is_some();
        problems.check(has_length, pointer(&["stage", name]), "needs either `days` or `months`");
        shares.push(if stage.later_budget { 0.0 } else { stage.share });
        for (mix, shares) in stage.content.iter() {
            let sum: f64 = shares.values().sum();
            let are_shares = shares.values().all(|share| *share >= 0.0) && (sum - 1.0).abs() < 1e-9;
            let path = pointer(&["stage", name, "content", mix]);
            problems.check(are_shares, path, "must be shares that add up to 1");
        }
        let known = settings.touches.as_ref().map(|touches| &touches.order);
        for touch in &stage.touches {
            let is_known = known.is_some_and(|known| known.contains(touch));
            problems.check(is_known, path("touches"), ["`", touch, "` is no touch"].concat());
        }
    }
    for (at, touch) in settings.touches.iter().flat_map(|touches| &touches.order).enumerate() {
        let has = |stage: &StageSetting| stage.touches.contains(touch);
        let path = pointer(&["touches", "order", &at.to_string()]);
        problems.check(settings.stage.values().any(has), path, "is a touch of no stage");
    }
    if settings.pick.is_none() {
        for (name, _) in settings.stage.iter().filter(|(_, stage)| !stage.lifts.is_empty()) {
            let path = pointer(&["stage", name, "lifts"]);
            problems.at(path, "is only read where stages are picked: set `pick`");
        }
    }
    // Whichever stages are picked.
    let most = settings.pick.as_ref().map_or(shares.len(), |pick| pick.most as usize);
    while shares.len() > most {
        let least = (1..shares.len())
            .fold(0, |least, at| if shares[at] < shares[least] { at } else { least });
        shares.swap_remove(least);
    }
    problems.check(
        shares.iter().sum::<f64>() <= 1.0 + 1e-9,
        "/order",
        "has stages whose shares are more than 1",
    );
    if settings.pick.is_some() && settings.touches.is_some() {
        problems.at("/touches", "cannot go with `pick`: which stage runs is then not known");
    }
}

/// The length of the plan's stages and where each begins.
struct Span {
    first_day: u32,
    days: u32,
}

fn spans(settings: &Settings, taken: &[usize], today: i64) -> Vec<Span> {
    let (mut first_day, mut months) = (0, 0);
    let all: Vec<_> = stages(settings).map(|(_, stage)| stage).collect();
    let mut spans = Vec::new();
    for stage in taken.iter().map(|at| all[*at]) {
        if settings.together {
            (first_day, months) = (0, 0);
        }
        let days = match (stage.days, stage.months) {
            (Some(days), _) => days,
            // Months are counted from the first day of the first of them, so that ends of months do not drift.
            (None, length) => {
                let start = today + i64::from(first_day) - i64::from(days_of(today, months));
                let shift = start - today;
                months += length.unwrap_or(1);
                let end = i64::from(days_of(today, months)) + shift;
                u32::try_from(end - i64::from(first_day)).unwrap_or(1).max(1)
            }
        };
        spans.push(Span { first_day, days });
        first_day += days;
    }
    spans
}

impl Rules {
    /// Positions of the stages that the plan has, in order.
    fn taken(&self, settings: &Settings, brand: &impl Lookup) -> Vec<usize> {
        let all: Vec<_> = stages(settings).map(|(_, stage)| stage).collect();
        if !self.when.holds(brand) {
            return Vec::new();
        }
        let Some(pick) = &settings.pick else { return (0..all.len()).collect() };
        let mut taken: Vec<usize> = Vec::new();
        let lacking = self.pick.iter().filter_map(|column| brand.text(*column));
        let mut take = |at: usize| {
            if taken.len() < pick.most as usize && !taken.contains(&at) {
                let place = taken.iter().position(|other| *other > at);
                taken.insert(place.unwrap_or(taken.len()), at);
            }
        };
        for name in lacking {
            let lifts = |at: &usize| all[*at].lifts.iter().any(|lifted| lifted == name);
            (0..all.len()).filter(lifts).for_each(&mut take);
        }
        (0..all.len()).for_each(take);
        taken
    }

    /// The plan for a budget, without what goes to the rows of a table.
    pub(crate) fn plan(
        &self,
        settings: &Settings,
        context: &Context,
        brand: &impl Lookup,
        budget: i64,
    ) -> CampaignPlan {
        let all: Vec<_> = stages(settings).collect();
        let taken = self.taken(settings, brand);
        let today = context.local_min.div_euclid(24 * 60);
        let spans = spans(settings, &taken, today);
        let mut plan = CampaignPlan {
            phases: Vec::new(),
            allocations: Vec::new(),
            content: Vec::new(),
            slots: Vec::new(),
            gates: Vec::new(),
            findings: Vec::new(),
        };
        // Sums are rounded, not parts, so that the parts never miss or exceed the whole by a unit.
        let (mut share, mut spent) = (0.0, 0);
        for (phase, (at, span)) in (0..).zip(taken.iter().zip(&spans)) {
            let (name, stage) = all[*at];
            let mut money = 0;
            if !stage.later_budget {
                share += stage.share;
                let until = floored(budget as f64 * share + 1e-6).clamp(spent, budget.max(spent));
                (money, spent) = (until - spent, until);
            }
            plan.phases.push(Phase {
                name: name.clone(),
                first_day: span.first_day,
                days: span.days,
                budget: money,
                reason: *at as u32,
            });
            content(settings, stage, phase, &mut plan.content);
            let gated = if settings.gates_stay {
                &taken[..=phase as usize]
            } else {
                std::slice::from_ref(at)
            };
            for gate in gated.iter().flat_map(|at| all[*at].1.gate.values()) {
                plan.gates.push(Gate {
                    phase,
                    metric: gate.metric.clone(),
                    comparison: gate.comparison,
                    value: gate.value,
                    sample_min: gate.sample_min,
                });
            }
        }
        if !taken.is_empty() {
            let length = spans.iter().map(|span| span.first_day + span.days).max().unwrap_or(0);
            plan.findings = self.milestones(settings, today, length, brand);
        }
        plan
    }

    /// Each milestone that is not reached, with its planned day and its latest one.
    fn milestones(
        &self,
        settings: &Settings,
        today: i64,
        length: u32,
        brand: &impl Lookup,
    ) -> Vec<Finding> {
        let elapsed = self.elapsed.as_ref().and_then(|elapsed| elapsed.of(brand)).unwrap_or(0.0);
        // Months are those of the calendar from the first day on, which lies in the past.
        let first = today - floored(elapsed);
        let mut findings = Vec::new();
        let after = stages(settings).count() as u32;
        for ((milestone, done), reason) in settings.milestone.values().zip(&self.done).zip(after..)
        {
            if done.holds(brand) {
                continue;
            }
            let planned = planned(milestone, first);
            let slack = floored(f64::from(length) * settings.buffer + 1e-9) as u32;
            let latest = latest(milestone, first).unwrap_or(planned + slack);
            let level = if elapsed > f64::from(latest) {
                Level::Warn
            } else if elapsed > f64::from(planned) {
                Level::Watch
            } else {
                Level::None
            };
            let finding = Finding::new(level, reason);
            findings.push(finding.measured(f64::from(planned), f64::from(latest)));
        }
        findings
    }
}

fn planned(milestone: &MilestoneSetting, first: i64) -> u32 {
    milestone.day.unwrap_or_else(|| days_of(first, milestone.month.unwrap_or(0)))
}

fn latest(milestone: &MilestoneSetting, first: i64) -> Option<u32> {
    let month = || milestone.latest_month.map(|month| days_of(first, month));
    milestone.latest_day.or_else(month)
}

fn content(settings: &Settings, stage: &StageSetting, phase: u32, out: &mut Vec<ContentShare>) {
    let tolerance = settings.content_tolerance;
    for (mix, shares) in stage.content.iter() {
        for (category, target) in shares.iter() {
            out.push(ContentShare {
                phase,
                mix: mix.clone(),
                category: category.clone(),
                least: (target - tolerance).max(0.0),
                target: *target,
                most: (target + tolerance).min(1.0),
            });
        }
    }
}

/// Money of each phase by the weights of the rows; where none is known, rows get equal parts.
pub(crate) fn allocate(plan: &mut CampaignPlan, weights: &[Option<f64>]) {
    let mut shares: Vec<f64> =
        weights.iter().map(|weight| weight.unwrap_or(0.0).max(0.0)).collect();
    playbook_domain::normalise(&mut shares);
    for (phase, facts) in (0..).zip(&plan.phases) {
        let (mut share, mut spent) = (0.0, 0);
        for (row, part) in (0..).zip(&shares) {
            share += part;
            let until = floored(facts.budget as f64 * share + 1e-6).clamp(spent, facts.budget);
            if until > spent {
                let place = Place { table: 0, row };
                plan.allocations.push(Allocation { phase, place, amount: until - spent });
            }
            spent = until;
        }
    }
}
