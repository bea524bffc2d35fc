//! Level of a wave of negative mentions (輿情風險識別, domain DG-9): speed, share, and what is confirmed.

use playbook_sdk::prelude::*;

settings! {
    /// When a wave is what level.
    pub struct Settings {
        /// What the rows are: brand, community, topic.
        pub subject: String where length(1..) = "brand",
        /// Times the hourly mean of the day before from which the level is l1.
        pub speed_l1: f64 where above(0) = 3.0,
        /// Times the hourly mean of the day before from which the level is l2.
        pub speed_l2: f64 where above(0) = 5.0,
        /// Times the hourly mean of the day before from which the level is l3.
        pub speed_l3: f64 where above(0) = 10.0,
        /// Fewest negative mentions of the hour for l1 and l2 by speed.
        pub negative_min: i64 where within(1..) = 10,
        /// Fewest negative mentions of the hour for l3 by speed.
        pub negative_min_l3: i64 where within(1..) = 50,
        /// Share of negative mentions from which the level is l2, as a fraction.
        pub share_l2: f64 where within(0.0..=1.0) = 0.20,
        /// Fewest mentions of the hour for a share to count.
        pub mentions_min: i64 where within(1..) = 30,
        /// Least hourly mean that speeds are measured by.
        pub mean_least: f64 where above(0) = 1.0,
        /// Sensitive words in the mentions of the hour from which the level is one higher.
        pub sensitive_from: i64 where within(1..) = 1,
        /// Share of members that negative mentions may reach, as a fraction.
        pub reach_max: f64 where within(0.0..=1.0) = 0.003,
    }
}

declare! {
    /// What is known of the last hour.
    needs Hour {
        NEGATIVE: integer("negative_mentions_1h").unit("count"),
        BEFORE: integer("negative_mentions_prev24h").unit("count"),
        MENTIONS: integer("mentions_1h").unit("count").optional(),
        SENSITIVE: integer("sensitive_hits_1h").unit("count").optional(),
        CONFIRMED: integer("confirmed_matters").unit("count").optional(),
        REACH: real("negative_reach").unit("ratio").optional(),
    }
    /// What is said of it.
    outputs Said {
        LEVEL: category("level", LEVELS.map(|level| level.0)).role(Role::Level)
            .alarms([Level::None, Level::Watch, Level::Warn, Level::Critical])
            .meaning(words("Level of the wave", "輿情級別")),
        SPEED: real("speed").unit("ratio").at_least(0.0)
            .meaning(words("Negative mentions of the hour by the hourly mean of the day before", "負面提及擴散速度")),
        SHARE: real("negative_share").unit("ratio").between(0.0, 1.0)
            .meaning(words("Negative mentions by all of the hour", "負面提及佔比")),
    }
    reasons Why {
        SPEED: "speed" => words("Negative mentions grow fast", "負面提及快速增長"),
        SHARE: "share" => words("A large part of the mentions is negative", "負面提及佔比過高"),
        CONFIRMED: "confirmed" => words("A matter of safety or law is confirmed", "已確認安全或法律事項"),
        SENSITIVE: "sensitive" => words("Sensitive words in mentions", "提及含敏感詞"),
        REACH: "reach" => words("Negative mentions reach too many members", "負面影響波及過多成員"),
    }
    actions Plan {
        STOP: action("stop-publishing", Priority::Service, words("Stop publishing", "停止發布")).needs_approval(),
        FIVE_STEPS: action("opinion-plan", Priority::Service, words(
            "Five steps: stop, investigate, communicate, compensate, review",
            "輿情應對五步法",
        )).needs_approval(),
        ANSWER: action("answer-publicly", Priority::Service, words("Answer in public", "公開回應")).needs_approval(),
    }
}

/// Levels in ascending order.
const LEVELS: [(&str, &str, &str); 4] = [
    ("none", "none", "無"),
    ("l1", "level 1", "一級"),
    ("l2", "level 2", "二級"),
    ("l3", "level 3", "三級"),
];

/// What is known of an hour.
#[derive(Debug, Clone, Copy)]
struct Wave {
    negative: Option<i64>,
    before: Option<i64>,
    mentions: Option<i64>,
    sensitive: Option<i64>,
    confirmed: Option<i64>,
}

/// What it comes to: a level with its reason, the measure behind it and what it was held against.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    level: usize,
    why: u32,
    measured: f64,
    threshold: f64,
}

impl Settings {
    fn speed(&self, wave: &Wave) -> Option<f64> {
        let mean = wave.before? as f64 / 24.0;
        Some(wave.negative?.max(0) as f64 / mean.max(self.mean_least))
    }

    /// The part of the mentions that is negative, where they are enough.
    fn share(&self, wave: &Wave) -> Option<f64> {
        let mentions = wave.mentions.filter(|mentions| *mentions >= self.mentions_min)?;
        Some((wave.negative?.max(0) as f64 / mentions as f64).min(1.0))
    }

    /// The level by speed alone.
    fn by_speed(&self, speed: f64, negative: i64) -> Option<Verdict> {
        let verdict =
            |level, threshold| Some(Verdict { level, why: Why::SPEED, measured: speed, threshold });
        if speed >= self.speed_l3 && negative >= self.negative_min_l3 {
            verdict(3, self.speed_l3)
        } else if speed >= self.speed_l2 && negative >= self.negative_min {
            verdict(2, self.speed_l2)
        } else if speed >= self.speed_l1 && negative >= self.negative_min {
            verdict(1, self.speed_l1)
        } else {
            None
        }
    }

    /// The highest level that a rule gives; none of level 0 where every rule could be asked and none fired.
    fn judge(&self, wave: &Wave) -> Option<Verdict> {
        let (speed, share) = (self.speed(wave), self.share(wave));
        let by_speed = speed.and_then(|speed| self.by_speed(speed, wave.negative?));
        let by_share = share.filter(|share| *share >= self.share_l2).map(|measured| Verdict {
            level: 2,
            why: Why::SHARE,
            measured,
            threshold: self.share_l2,
        });
        let matters = wave.confirmed.filter(|matters| *matters > 0).map(|matters| Verdict {
            level: 3,
            why: Why::CONFIRMED,
            measured: matters as f64,
            threshold: 1.0,
        });
        let rules = [matters, by_speed, by_share];
        let highest = rules
            .into_iter()
            .flatten()
            .reduce(|highest, other| if other.level > highest.level { other } else { highest });
        let calm = speed.map(|measured| Verdict {
            level: 0,
            why: Why::SPEED,
            measured,
            threshold: self.speed_l1,
        });
        let found = highest.or(calm)?;
        let hits = wave.sensitive.filter(|hits| *hits >= self.sensitive_from);
        match hits {
            Some(hits) if found.level < LEVELS.len() - 1 => Some(Verdict {
                level: found.level + 1,
                why: Why::SENSITIVE,
                measured: hits as f64,
                threshold: self.sensitive_from as f64,
            }),
            _ => Some(found),
        }
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct OpinionRisk {
    settings: Settings,
}

impl Plugin for OpinionRisk {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "opinion-risk",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Level of a wave of negative mentions", "輿情風險識別：三級預警"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let speeds = [settings.speed_l1, settings.speed_l2, settings.speed_l3];
        if !speeds.is_sorted() {
            problems
                .at("/speed_l2", "speed_l1, speed_l2 and speed_l3 must ascend")
                .hint("3, 5, 10");
        }
        if settings.negative_min_l3 < settings.negative_min {
            problems.at("/negative_min_l3", "must be at least `negative_min`").hint("50");
        }
        problems.into_result()?;
        let shape = Shape::whole_tables()
            .table(table(settings.subject.clone()).needs(Hour::all()))
            .produces_in(0, Said::all());
        let shape = shape.reasons(Why::all()).actions(Plan::all());
        Ok(LEVELS.iter().fold(shape, |shape, (name, en, zh)| shape.term(*name, words(en, zh))))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// How much a person should care, and what helps.
fn answer(level: usize) -> (Level, &'static [u32]) {
    match level {
        1 => (Level::Watch, &[Plan::ANSWER]),
        2 => (Level::Warn, &[Plan::ANSWER, Plan::FIVE_STEPS]),
        _ => (Level::Critical, &[Plan::STOP, Plan::FIVE_STEPS]),
    }
}

impl Diagnosis for OpinionRisk {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let rows = tables.table(0);
        let count = |need: In<Integer>, row: usize| rows.get(need).get(row);
        for row in 0..rows.len() {
            let wave = Wave {
                negative: count(Hour::NEGATIVE, row),
                before: count(Hour::BEFORE, row),
                mentions: count(Hour::MENTIONS, row),
                sensitive: count(Hour::SENSITIVE, row),
                confirmed: count(Hour::CONFIRMED, row),
            };
            let verdict = self.settings.judge(&wave);
            let said = out.table(0);
            said.set_or_missing(Said::LEVEL, row, verdict.map(|verdict| verdict.level));
            said.set_or_missing(Said::SPEED, row, self.settings.speed(&wave));
            said.set_or_missing(Said::SHARE, row, self.settings.share(&wave));
            if let Some(found) = verdict.filter(|found| found.level > 0) {
                let (level, helps) = answer(found.level);
                let finding = Finding::new(level, found.why).at(0, row as u32);
                let finding = finding.measured(found.measured, found.threshold);
                out.finding(finding.suggests(helps.iter().copied()));
            }
            let most = self.settings.reach_max;
            if let Some(reach) = rows.get(Hour::REACH).get(row).filter(|reach| *reach > most) {
                let finding = Finding::new(Level::Warn, Why::REACH).at(0, row as u32);
                out.finding(finding.measured(reach, most));
            }
        }
        Ok(())
    }
}

export!(OpinionRisk: diagnosis);
