//! Reputation of a member (聲譽模型, domain SC-11): praise and good answers raise it, violations lower it, time heals.

use playbook_domain::rung;
use playbook_sdk::prelude::*;

settings! {
    /// What moves a reputation and what it opens.
    pub struct Settings {
        /// Reputation of a member without a history, and the one that all drift to.
        pub start: f64 where within(0.0..=100.0) = 60.0,
        /// Closed weeks between two evaluations: as many as the cycle of the playbook has. Counts are read of that
        /// many times 7 days.
        pub weeks: u32 where within(1..=8) = 1,
        /// Points of a positive review by another member.
        pub review_points: f64 where within(0.0..=100.0) = 1.0,
        /// Most points of reviews in a week.
        pub review_points_max: f64 where within(0.0..=100.0) = 5.0,
        /// Points of an answer that was adopted.
        pub answer_points: f64 where within(0.0..=100.0) = 2.0,
        /// Points that a minor violation takes.
        pub minor_points: f64 where within(0.0..=100.0) = 10.0,
        /// Points that a major violation takes.
        pub major_points: f64 where within(0.0..=100.0) = 30.0,
        /// Points that a fraud takes.
        pub fraud_points: f64 where within(0.0..=100.0) = 60.0,
        /// Points by which a reputation drifts towards the start in a week.
        pub drift_points: f64 where within(0.0..=100.0) = 1.0,
        /// Below it a member may neither post nor be rewarded.
        pub barred_below: f64 where within(0.0..=100.0) = 20.0,
        /// Below it posts wait for a review.
        pub reviewed_below: f64 where within(0.0..=100.0) = 40.0,
        /// From it on a member may own a group.
        pub owner_from: f64 where within(0.0..=100.0) = 70.0,
    }
}

declare! {
    /// What is known of a member.
    needs Member(days: u32) {
        REVIEWS: integer(format!("positive_reviews_received_{days}d")).unit("count").optional(),
        ANSWERS: integer(format!("answers_adopted_{days}d")).unit("count").optional(),
        MINOR: integer(format!("violations_{days}d_minor")).unit("count"),
        MAJOR: integer(format!("violations_{days}d_major")).unit("count"),
        FRAUD: integer(format!("violations_{days}d_fraud")).unit("count"),
        BEFORE: real("score").previous(1),
        LONG_BEFORE: real("score").previous(2),
    }
    /// What is said of a member.
    outputs Said {
        SCORE: real("score").role(Role::Score).between(0.0, SCORE_MAX)
            .meaning(words("Reputation, 0 to 100", "聲譽分，0 至 100")),
        LEVEL: category("level", LEVELS.map(|level| level.0)).role(Role::Level)
            .alarms([Level::Critical, Level::Warn, Level::None, Level::None])
            .meaning(words("What the reputation opens", "聲譽等級")),
        POSTING: category("posting", POSTING.map(|posting| posting.0))
            .meaning(words("Whether posts go out at once, after a review, or not", "發帖權限")),
        INCENTIVES: integer("incentives_allowed").between(0.0, 1.0)
            .meaning(words("1 where the member may be rewarded", "可獲激勵為 1")),
        OWNER: integer("owner_allowed").between(0.0, 1.0)
            .meaning(words("1 where the member may own a group", "可任群主為 1")),
    }
    reasons Why {
        VIOLATIONS: "violations" => words("Lowered by violations", "因違規下調"),
        RECOGNITION: "recognition" => words("Raised by reviews and adopted answers", "因好評與被採納的回答上調"),
        NOT_MEASURED: "not-measured" => words("Violations are not known: kept as it was", "違規數據缺失，維持原分"),
    }
}

/// Greatest reputation.
const SCORE_MAX: f64 = 100.0;
/// Levels in ascending order.
const LEVELS: [(&str, &str, &str); 4] = [
    ("barred", "barred", "禁言"),
    ("reviewed", "reviewed", "先審後發"),
    ("ordinary", "ordinary", "普通"),
    ("trusted", "trusted", "可信"),
];
/// What becomes of posts.
const POSTING: [(&str, &str, &str); 3] = [
    ("none", "none", "不可發帖"),
    ("review", "after a review", "審核後發布"),
    ("free", "at once", "直接發布"),
];

/// Reputation from one evaluation to the next.
#[derive(Debug, Clone)]
pub struct Reputation {
    settings: Settings,
}

/// What happened to a member since the last evaluation.
struct Happened {
    reviews: Option<i64>,
    answers: Option<i64>,
    minor: i64,
    major: i64,
    fraud: i64,
}

impl Plugin for Reputation {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "reputation",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Reputation of members: who may post, be rewarded and own a group",
            "聲譽模型與信用評價：發帖、激勵與群主資格",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        if !settings.bounds().is_sorted() {
            problems
                .at("/reviewed_below", "barred_below, reviewed_below and owner_from must ascend")
                .hint("for example 20, 40 and 70");
        }
        problems.into_result()?;
        let shape = Shape::rows("member").needs(Member::all(7 * settings.weeks));
        let [score, level, rest @ ..] = Said::all();
        let shape = shape.produces([score, level.bounds(settings.bounds())]).produces(rest);
        let terms = LEVELS.iter().chain(&POSTING);
        let shape = terms.fold(shape, |shape, (name, en, zh)| shape.term(*name, words(en, zh)));
        Ok(shape.reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Settings {
    /// Where the levels after the first begin.
    fn bounds(&self) -> [f64; 3] {
        [self.barred_below, self.reviewed_below, self.owner_from]
    }

    /// The reputation towards the start, by the weeks that passed.
    fn drifted(&self, before: f64) -> f64 {
        let drift = self.drift_points * f64::from(self.weeks);
        if before > self.start {
            (before - drift).max(self.start)
        } else {
            (before + drift).min(self.start)
        }
    }

    /// Points that were gained.
    fn gained(&self, happened: &Happened) -> f64 {
        let count = |count: Option<i64>| count.unwrap_or(0).max(0) as f64;
        let most = self.review_points_max * f64::from(self.weeks);
        let reviews = (count(happened.reviews) * self.review_points).min(most);
        reviews + count(happened.answers) * self.answer_points
    }

    /// Points that were lost.
    fn lost(&self, happened: &Happened) -> f64 {
        let Happened { minor, major, fraud, .. } = *happened;
        minor.max(0) as f64 * self.minor_points
            + major.max(0) as f64 * self.major_points
            + fraud.max(0) as f64 * self.fraud_points
    }
}

impl Scoring for Reputation {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let (reviews, answers) = (rows.get(Member::REVIEWS), rows.get(Member::ANSWERS));
        let (minor, major) = (rows.get(Member::MINOR), rows.get(Member::MAJOR));
        let fraud = rows.get(Member::FRAUD);
        let (before, long_before) = (rows.get(Member::BEFORE), rows.get(Member::LONG_BEFORE));
        let settings = &self.settings;
        for row in 0..rows.len() {
            let before = before.get(row).or(long_before.get(row));
            let happened = || {
                Some(Happened {
                    reviews: reviews.get(row),
                    answers: answers.get(row),
                    minor: minor.get(row)?,
                    major: major.get(row)?,
                    fraud: fraud.get(row)?,
                })
            };
            let score = if let Some(happened) = happened() {
                let (gained, lost) = (settings.gained(&happened), settings.lost(&happened));
                if lost > 0.0 {
                    out.reason(row, Why::VIOLATIONS);
                } else if gained > 0.0 {
                    out.reason(row, Why::RECOGNITION);
                }
                let drifted = before.map_or(settings.start, |before| settings.drifted(before));
                (drifted + gained - lost).clamp(0.0, SCORE_MAX)
            } else {
                out.reason(row, Why::NOT_MEASURED);
                let Some(before) = before else { continue };
                before
            };
            let level = rung(score, &settings.bounds());
            out.set(Said::SCORE, row, score);
            out.set(Said::LEVEL, row, level);
            out.set(Said::POSTING, row, level.min(POSTING.len() - 1));
            out.set(Said::INCENTIVES, row, i64::from(level > 0));
            out.set(Said::OWNER, row, i64::from(level == LEVELS.len() - 1));
        }
        Ok(())
    }
}

export!(Reputation: scoring);
