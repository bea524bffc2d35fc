//! A score card of whole tables: indicators, dimensions, a total, its level, and what a person should hear of
//! (domain 0.3, DG-1).

mod layout;
mod settings;

pub use settings::{
    Alarm, Combined, Dimension, Divergence, Fall, Indicator, Level, Package, Plan, Scored,
    Settings, Steps, Total, Weakest,
};

use playbook_domain::card::{Scores, diverges, falls, latch, run, weakest};
use playbook_domain::rung;
use playbook_sdk::prelude::*;
use playbook_sdk::types;

use layout::{Kept, Layout, Rule};
use settings::{Cells, measure};

/// The opened plugin.
#[derive(Debug)]
pub struct ScoreCard {
    settings: Settings,
    layout: Layout,
}

impl Plugin for ScoreCard {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "score-card",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "A score card of whole tables: indicators, dimensions, a total, its level and findings",
            "整表評分卡：指標、維度、總分、等級與發現",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        Ok(Layout::new(settings, settings.built()?).shape(settings))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        let layout = Layout::new(&settings, settings.built()?);
        Ok(Self { settings, layout })
    }
}

/// One row of the table as it is judged.
struct Judged<'a, 'r> {
    rows: Rows<'r>,
    row: usize,
    measures: &'a [Option<f64>],
    scores: &'a Scores,
}

impl Judged<'_, '_> {
    fn finding(&self, rule: &Rule) -> Option<Finding> {
        rule.alarm.map(|level| self.finding_of(level, rule))
    }

    fn finding_of(&self, level: types::Level, rule: &Rule) -> Finding {
        let finding = Finding::new(level, rule.reason).at(0, self.row as u32);
        finding.suggests(rule.suggests.iter().copied())
    }

    fn real(&self, at: usize) -> Option<f64> {
        self.rows.get(In::<Real>::at(at)).get(self.row)
    }

    /// Scores of a node two evaluations ago, one ago and now.
    fn three(&self, node: usize, before: [usize; 2]) -> [Option<f64>; 3] {
        [self.real(before[1]), self.real(before[0]), self.scores.nodes[node]]
    }

    /// Counts on from the evaluations before, and says so.
    fn run(&self, kept: Kept, met: Option<bool>, out: &mut TableAnswer<'_>) -> i64 {
        let before = kept.before.map(|at| self.rows.get(In::<Integer>::at(at)).get(self.row));
        let now = run(before, met);
        out.table(0).set_or_missing(Out::<Integer>::at(kept.out), self.row, now);
        now.unwrap_or(0)
    }
}

impl ScoreCard {
    fn scores(&self, judged: &Judged<'_, '_>, out: &mut Outputs<'_>) {
        let Judged { row, scores, .. } = *judged;
        for (at, score) in scores.indicators.iter().chain(&scores.nodes[1..]).enumerate() {
            out.set_or_missing(Out::<Real>::at(at), row, *score);
        }
        out.set_or_missing(Out::<Real>::at(self.layout.total), row, scores.nodes[0]);
        if let Some(at) = self.layout.level {
            out.set_or_missing(Out::<Category>::at(at), row, self.level(scores));
        }
    }

    fn level(&self, scores: &Scores) -> Option<usize> {
        scores.nodes[0].map(|total| rung(total, &self.layout.bounds))
    }

    fn level_finding(&self, judged: &Judged<'_, '_>, out: &mut TableAnswer<'_>) {
        let level = self.level(judged.scores);
        for (at, rule) in self.layout.levels.iter().enumerate() {
            let met = level.map(|level| level == at);
            let run = match rule.run {
                Some(kept) => judged.run(kept, met, out),
                None => i64::from(met == Some(true)),
            };
            let found = rule.rule.as_ref().filter(|_| run >= rule.periods && met == Some(true));
            let (Some(rule), Some(total)) = (found, judged.scores.nodes[0]) else { continue };
            if let Some(finding) = judged.finding(rule) {
                let threshold = self.layout.threshold.unwrap_or(total);
                out.finding(finding.measured(total, threshold));
            }
        }
    }

    fn weakest(&self, judged: &Judged<'_, '_>, out: &mut TableAnswer<'_>) {
        let (count, enough) = (self.settings.weakest.count as usize, self.settings.weakest.below);
        let scores = &judged.scores.indicators;
        let mut is_weakest = vec![false; scores.len()];
        let mut nth = self.layout.weakest;
        weakest(scores, count, |at| {
            is_weakest[at] = true;
            out.table(0).set(Out::<Category>::at(nth), judged.row, at);
            nth += 1;
        });
        for (at, rule) in self.layout.low.iter().enumerate().filter(|(at, _)| is_weakest[*at]) {
            let (Some(score), Some(measure)) = (scores[at], judged.measures[at]) else { continue };
            if score >= enough {
                continue;
            }
            let level = if score < enough / 2.0 { types::Level::Warn } else { types::Level::Watch };
            let card = &self.layout.built.card;
            // What is measured where it has a bound of its own, else the score.
            let (value, threshold) = match card.forms[at].measure(enough, card.max) {
                Some(threshold) => (measure, threshold),
                None => (score, enough),
            };
            out.finding(judged.finding_of(level, rule).measured(value, threshold));
        }
    }

    fn limits(&self, judged: &Judged<'_, '_>, out: &mut TableAnswer<'_>) {
        for (at, rule) in self.layout.limits.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let measure = judged.measures[at];
            let met = measure.map(|x| rule.limit.is_broken_by(x));
            let run = match rule.run {
                Some(kept) => judged.run(kept, met, out),
                None => i64::from(met == Some(true)),
            };
            let (Some(raised), Some(x)) = (&rule.rule, measure) else { continue };
            if met != Some(true) || run < rule.periods {
                continue;
            }
            let critical = rule.critical.filter(|critical| critical.is_broken_by(x));
            let found = match critical {
                Some(_) => Some(judged.finding_of(types::Level::Critical, raised)),
                None => judged.finding(raised),
            };
            if let Some(finding) = found {
                out.finding(finding.measured(x, critical.unwrap_or(rule.limit).bound()));
            }
        }
        for (rule, measure) in self.layout.late.iter().zip(judged.measures) {
            let late = rule.as_ref().filter(|_| measure.is_none());
            if let Some(finding) = late.and_then(|rule| judged.finding(rule)) {
                out.finding(finding);
            }
        }
    }

    /// Share of a dimension's limits that are broken, of those that are known.
    fn broken(&self, node: usize, measures: &[Option<f64>]) -> Option<f64> {
        let (mut broken, mut known) = (0.0, 0.0);
        for (at, rule) in self.layout.limits.iter().enumerate() {
            let of_node = self.layout.built.parents[at] == node;
            if let (Some(rule), Some(x), true) = (rule, measures[at], of_node) {
                known += 1.0;
                broken += f64::from(u8::from(rule.limit.is_broken_by(x)));
            }
        }
        (known > 0.0).then(|| broken / known)
    }

    fn dimensions(&self, judged: &Judged<'_, '_>, out: &mut TableAnswer<'_>) {
        let Judged { row, scores, .. } = *judged;
        for red in &self.layout.reds {
            let (score, broken) = (scores.nodes[red.node], self.broken(red.node, judged.measures));
            let low = red.below.zip(score).map(|(below, score)| (score < below, score, below));
            let many = red.broken.zip(broken).map(|(most, share)| (share >= most, share, most));
            let met = [low, many].into_iter().flatten().find(|(met, ..)| *met);
            if low.is_some() || many.is_some() {
                out.table(0).set(Out::<Integer>::at(red.out), row, i64::from(met.is_some()));
            }
            if let (Some((_, value, bound)), Some(finding)) = (met, judged.finding(&red.rule)) {
                out.finding(finding.measured(value, bound));
            }
        }
        if let Some(fall) = &self.settings.fall {
            for ((node, before), rule) in &self.layout.falls {
                let [first, last, now] = judged.three(*node, *before);
                let is_each = fall.mode == Steps::Each;
                let fell = falls([last, first], now, fall.by, is_each);
                let (true, Some(finding)) = (fell, judged.finding(rule)) else { continue };
                let by = first.zip(now).map_or(0.0, |(first, now)| first - now);
                out.finding(finding.measured(by, fall.by));
            }
        }
        if let (Some(most), Some(rule)) = (self.settings.balance, &self.layout.balance) {
            let known = || self.layout.built.tops().filter_map(|node| scores.nodes[node]);
            let apart = known().fold(f64::MIN, f64::max) - known().fold(f64::MAX, f64::min);
            if let (true, Some(finding)) = (apart > most, judged.finding(rule)) {
                out.finding(finding.measured(apart, most));
            }
        }
        if let Some(([up, down], rule)) = &self.layout.divergence {
            let apart = diverges(judged.three(up.0, up.1), judged.three(down.0, down.1));
            if let (true, Some(finding)) = (apart, judged.finding(rule)) {
                out.finding(finding);
            }
        }
    }

    fn plan(&self, judged: &Judged<'_, '_>, out: &mut TableAnswer<'_>) {
        let (Some((kept, rule)), Some(plan)) = (&self.layout.plan, &self.settings.plan) else {
            return;
        };
        let before = kept.before.map(|at| judged.rows.get(In::<Category>::at(at)).get(judged.row));
        let was_open = before[0].or(before[1]).map(|state| state == 1);
        let total = judged.scores.nodes[0];
        let is_open = latch(was_open, total, plan.open_below, plan.close_at);
        let state = is_open.map(usize::from);
        out.table(0).set_or_missing(Out::<Category>::at(kept.out), judged.row, state);
        if let (Some(true), Some(finding)) = (is_open, judged.finding(rule)) {
            let measured = total.map(|total| finding.clone().measured(total, plan.close_at));
            out.finding(measured.unwrap_or(finding));
        }
    }
}

impl Diagnosis for ScoreCard {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let built = &self.layout.built;
        let rows = tables.table(0);
        let cells = Cells::of(&rows, built);
        let (mut scores, mut measures) = (built.card.nothing(), vec![None; built.indicators.len()]);
        for row in 0..rows.len() {
            for (at, found) in measures.iter_mut().enumerate() {
                *found = measure(built, &cells, at, row);
            }
            built.card.score(|at| measures[at], &mut scores);
            let judged =
                Judged { rows: tables.table(0), row, measures: &measures, scores: &scores };
            self.scores(&judged, out.table(0));
            self.level_finding(&judged, out);
            self.weakest(&judged, out);
            self.limits(&judged, out);
            self.dimensions(&judged, out);
            self.plan(&judged, out);
        }
        Ok(())
    }
}

export!(ScoreCard: diagnosis);
