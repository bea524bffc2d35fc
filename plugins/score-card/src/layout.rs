//! Where everything of a card stands: columns that it reads and gives, reasons, rules with their places.

use playbook_domain::card::{Built, Limit};
use playbook_sdk::prelude::*;
use playbook_sdk::types;

use crate::settings::{self, Alarm, Settings, Suggested, text};

/// An output whose values of one and two evaluations ago are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// Place of the output.
    pub(crate) out: usize,
    /// Places of the columns that hold it one and two evaluations ago.
    pub(crate) before: [usize; 2],
}

/// A node, and the columns that hold its score one and two evaluations ago.
pub(crate) type Seen = (usize, [usize; 2]);

/// A rule that raises a finding.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) reason: u32,
    pub(crate) alarm: Option<types::Level>,
    pub(crate) suggests: Suggested,
}

/// Limit of an indicator.
#[derive(Debug)]
pub(crate) struct LimitRule {
    pub(crate) limit: Limit,
    pub(crate) critical: Option<Limit>,
    pub(crate) rule: Option<Rule>,
    pub(crate) periods: i64,
    pub(crate) run: Option<Kept>,
}

/// What makes a dimension red.
#[derive(Debug)]
pub(crate) struct RedRule {
    pub(crate) node: usize,
    pub(crate) below: Option<f64>,
    pub(crate) broken: Option<f64>,
    pub(crate) out: usize,
    pub(crate) rule: Rule,
}

/// A level of the total.
#[derive(Debug)]
pub(crate) struct LevelRule {
    pub(crate) rule: Option<Rule>,
    pub(crate) periods: i64,
    pub(crate) run: Option<Kept>,
}

/// A card that is ready.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) built: Built,
    pub(crate) needs: Vec<Need>,
    pub(crate) outputs: Vec<Produce>,
    pub(crate) reasons: Vec<(String, (String, String))>,
    /// Places of the total, its level, and the first of the weakest.
    pub(crate) total: usize,
    pub(crate) level: Option<usize>,
    pub(crate) weakest: usize,
    /// By indicator.
    pub(crate) low: Vec<Rule>,
    pub(crate) limits: Vec<Option<LimitRule>>,
    pub(crate) late: Vec<Option<Rule>>,
    /// By level, from the lowest up.
    pub(crate) levels: Vec<LevelRule>,
    /// Where levels but the lowest begin.
    pub(crate) bounds: Vec<f64>,
    /// The bound between levels with an alarm and those without.
    pub(crate) threshold: Option<f64>,
    pub(crate) reds: Vec<RedRule>,
    /// Nodes that may fall.
    pub(crate) falls: Vec<(Seen, Rule)>,
    pub(crate) balance: Option<Rule>,
    /// Nodes that rise and fall, with their columns of earlier evaluations.
    pub(crate) divergence: Option<([Seen; 2], Rule)>,
    pub(crate) plan: Option<(Kept, Rule)>,
}

fn level_of(alarm: Alarm) -> Option<types::Level> {
    match alarm {
        Alarm::None => None,
        Alarm::Watch => Some(types::Level::Watch),
        Alarm::Warn => Some(types::Level::Warn),
        Alarm::Critical => Some(types::Level::Critical),
    }
}

/// Words of a rule about something that has words.
#[inline(never)]
fn about((en, zh): (String, String), says: &str, says_zh: &str) -> (String, String) {
    (text(&[&en, says]), text(&[&zh, says_zh]))
}

impl Layout {
    pub(crate) fn new(settings: &Settings, built: Built) -> Self {
        let mut needs = settings::needs(&built);
        let (scores, dimensions) =
            settings::score_outputs(&built, &settings.indicator, &settings.dimension);
        let mut outputs = scores;
        outputs.extend(dimensions);
        let levels = settings.levels();
        let (total, level) = settings::total_outputs(&settings.total, Role::Total, &levels);
        let total_at = outputs.len();
        outputs.push(total);
        let level_at = level.is_some().then_some(outputs.len());
        let mut alarms = Vec::new();
        for (_, level) in &levels {
            alarms.push(level_of(level.alarm).unwrap_or(types::Level::None));
        }
        outputs.extend(level.map(|level| level.alarms(alarms)));
        let weakest = outputs.len();
        for nth in 1..=settings.weakest.count {
            let nth = nth.to_string();
            let meaning =
                (text(&["Weakest indicator, place ", &nth]), text(&["最弱指標第", &nth, "位"]));
            let names = built.indicators.iter().map(String::as_str);
            outputs.push(output::category(text(&["weakest_", &nth]), names).meaning(meaning));
        }
        let bounds = settings::bounds(&levels);
        needs.shrink_to_fit();
        let mut made = Self {
            built,
            needs,
            outputs,
            reasons: Vec::new(),
            total: total_at,
            level: level_at,
            weakest,
            low: Vec::new(),
            limits: Vec::new(),
            late: Vec::new(),
            levels: Vec::new(),
            bounds,
            threshold: None,
            reds: Vec::new(),
            falls: Vec::new(),
            balance: None,
            divergence: None,
            plan: None,
        };
        made.weak_and_total(settings);
        made.limits(settings);
        made.dimensions(settings);
        made.plan(settings);
        made
    }

    #[inline(never)]
    fn reason(&mut self, code: &str, words: (String, String)) -> u32 {
        self.reasons.push((settings::code(&[code]), words));
        self.reasons.len() as u32 - 1
    }

    #[inline(never)]
    fn rule(
        &mut self,
        code: &str,
        words: (String, String),
        alarm: Alarm,
        suggests: Suggested,
    ) -> Rule {
        Rule { reason: self.reason(code, words), alarm: level_of(alarm), suggests }
    }

    /// The columns that hold an output one and two evaluations ago.
    fn before(&mut self, make: impl Fn() -> Need) -> [usize; 2] {
        let at = self.needs.len();
        self.needs.extend([make().previous(1), make().previous(2)]);
        [at, at + 1]
    }

    /// An output that counts evaluations in a row, with its values of before.
    fn run(&mut self, name: &str, periods: u32) -> Option<Kept> {
        if periods < 2 {
            return None;
        }
        let name = text(&[name, "_run"]);
        let before = self.before(|| need::integer(name.as_str()).unit("count"));
        let out = self.outputs.len();
        let meaning = words("Evaluations in a row at which its limit is met", "連續觸發次數");
        let made = output::integer(name.as_str()).unit("count").at_least(0.0).meaning(meaning);
        self.outputs.push(made);
        Some(Kept { out, before })
    }

    fn weak_and_total(&mut self, settings: &Settings) {
        if settings.weakest.count > 0 {
            for at in 0..self.built.indicators.len() {
                let name = self.built.indicators[at].clone();
                let one = settings.indicator.get(&name);
                let suggests = one.map_or_else(Vec::new, |one| settings.suggested(&one.suggests));
                let words = about(settings.indicator_words(&name), " is weak", "偏弱");
                let rule = self.rule(&text(&["low-", &name]), words, Alarm::None, suggests);
                self.low.push(rule);
            }
        }
        let levels = settings.levels();
        let alarmed = |level: &settings::Level| level.alarm != Alarm::None;
        if !levels.iter().any(|(_, level)| alarmed(level)) {
            return;
        }
        let total = &settings.total;
        let reason = self.reason(&total.code, (total.alarm_en.clone(), total.alarm_zh.clone()));
        let is_low = alarmed(levels[0].1);
        let turn = levels.iter().find(|(_, level)| alarmed(level) != is_low);
        self.threshold = turn.and_then(|(_, level)| level.from);
        for (name, level) in levels {
            let run = self.run(name, level.periods);
            let rule = alarmed(level).then(|| Rule {
                reason,
                alarm: level_of(level.alarm),
                suggests: settings.suggested(&level.suggests),
            });
            self.levels.push(LevelRule { rule, periods: i64::from(level.periods), run });
        }
    }

    fn limits(&mut self, settings: &Settings) {
        for at in 0..self.built.indicators.len() {
            let name = self.built.indicators[at].clone();
            let Some(one) = settings.indicator.get(&name) else { continue };
            let rule = Settings::limits(one).map(|(limit, critical)| {
                let suggests = settings.suggested(&one.suggests);
                let words =
                    about(settings.indicator_words(&name), " is beyond its limit", "超出限值");
                let raises = one.alarm != Alarm::None || critical.is_some();
                let code = text(&["limit-", &name]);
                let rule = raises.then(|| self.rule(&code, words, one.alarm, suggests));
                let run = self.run(&name, one.periods);
                LimitRule { limit, critical, rule, periods: i64::from(one.periods), run }
            });
            self.limits.push(rule);
        }
        for at in 0..self.built.indicators.len() {
            let name = self.built.indicators[at].clone();
            let Some(one) = settings.indicator.get(&name) else { continue };
            let alarm = one.missing;
            let late = (alarm != Alarm::None).then(|| {
                let words =
                    about(settings.indicator_words(&name), " is missing or late", "缺失或逾期");
                self.rule(&text(&["late-", &name]), words, alarm, Vec::new())
            });
            self.late.push(late);
        }
    }

    fn dimensions(&mut self, settings: &Settings) {
        for node in 1..self.built.nodes.len() {
            let name = self.built.nodes[node].clone();
            let Some(one) = settings.dimension.get(&name) else { continue };
            if one.red_below.is_none() && one.red_broken.is_none() {
                continue;
            }
            let words = about(settings.dimension_words(&name), " is red", "亮紅燈");
            let suggests = settings.suggested(&one.suggests);
            let rule = self.rule(&text(&["red-", &name]), words, one.alarm, suggests);
            let out = self.outputs.len();
            let meaning =
                about(settings.dimension_words(&name), ": 1 where it is red", "：亮紅燈為 1");
            self.outputs
                .push(output::integer(text(&[&name, "_red"])).between(0.0, 1.0).meaning(meaning));
            let (below, broken) = (one.red_below, one.red_broken);
            self.reds.push(RedRule { node, below, broken, out, rule });
        }
        let mut tracked: Vec<Option<[usize; 2]>> = vec![None; self.built.nodes.len()];
        if let Some(fall) = &settings.fall {
            for node in self.built.tops().collect::<Vec<_>>() {
                let name = self.built.nodes[node].clone();
                let before = self.before(|| need::real(name.as_str()));
                tracked[node] = Some(before);
                let words = about(
                    settings.dimension_words(&name),
                    " has fallen twice in a row",
                    "連續兩期下降",
                );
                let suggests = settings.suggested(&fall.suggests);
                let code = text(&["fall-", &name]);
                let rule = self.rule(&code, words, fall.alarm, suggests);
                self.falls.push(((node, before), rule));
            }
        }
        if settings.balance.is_some() {
            let words = ("the dimensions are out of balance".to_owned(), "各維度失衡".to_owned());
            self.balance = Some(self.rule("unbalanced", words, Alarm::Watch, Vec::new()));
        }
        if let Some(divergence) = &settings.divergence {
            let mut found = [(0, [0; 2]); 2];
            for (found, name) in found.iter_mut().zip([&divergence.up, &divergence.down]) {
                let node = self.built.nodes.iter().position(|node| node == name).unwrap_or(0);
                let before = match tracked[node] {
                    Some(before) => before,
                    None => self.before(|| need::real(name.as_str())),
                };
                tracked[node] = Some(before);
                *found = (node, before);
            }
            let (up, up_zh) = settings.dimension_words(&divergence.up);
            let (down, down_zh) = settings.dimension_words(&divergence.down);
            let words = (
                text(&[&up, " rises while ", &down, " falls"]),
                text(&[&up_zh, "上升而", &down_zh, "下降"]),
            );
            let suggests = settings.suggested(&divergence.suggests);
            let rule = self.rule("divergence", words, divergence.alarm, suggests);
            self.divergence = Some((found, rule));
        }
    }

    fn plan(&mut self, settings: &Settings) {
        let Some(plan) = &settings.plan else { return };
        let states = ["closed", "open"];
        let before = self.before(|| need::category("plan", states));
        let out = self.outputs.len();
        let meaning = words("Whether the plan is open", "計劃狀態");
        self.outputs.push(output::category("plan", states).meaning(meaning));
        let words = (plan.en.clone(), plan.zh.clone());
        let rule = self.rule("plan-open", words, plan.alarm, settings.suggested(&plan.suggests));
        self.plan = Some((Kept { out, before }, rule));
    }

    pub(crate) fn shape(self, settings: &Settings) -> Shape {
        let columns = table(settings.subject.as_str()).needs(self.needs);
        let mut shape = Shape::whole_tables().table(columns).produces_in(0, self.outputs);
        for (code, words) in self.reasons {
            shape = shape.reason(code, words);
        }
        shape = settings::with_level_terms(shape, &settings.levels());
        if settings.plan.is_some() {
            shape = shape
                .term("closed", words("closed", "已關閉"))
                .term("open", words("open", "進行中"));
        }
        for name in &self.built.indicators {
            shape = shape.term(name.as_str(), settings.indicator_words(name));
        }
        for (name, one) in settings.dimension.iter() {
            if settings.indicator.get(name).is_none() {
                shape = shape.term(name.as_str(), settings::both(&one.en, &one.zh, name));
            }
        }
        for (name, package) in settings.package.iter() {
            let words = settings::both(&package.en, &package.zh, name);
            let made = action(name.as_str(), Priority::Campaign, words);
            shape = shape.action(made.needs_approval());
        }
        shape
    }
}
