//! What a member adds to the community, its weight in votes, and who moves others (domain SC-9).
//!
//! A score stands on the member's own counts. Shares, the top fifth and opinion leaders compare members and come
//! of a fit.

mod fit;

use playbook_domain::Known;
use playbook_sdk::codec::decode;
use playbook_sdk::libm;
use playbook_sdk::prelude::*;

pub use fit::{Seen, Whole};

settings! {
    /// What counts as a contribution and who leads.
    pub struct Settings {
        /// Points of one contribution of each kind.
        pub points: Points = {},
        /// Points at which a score has come 63 % of its way to 100.
        pub scale_points: f64 where above(0) = 30.0,
        /// Share of members whose part in all contributions is told as concentration, as a fraction.
        pub top_share: f64 where within(0.0..=1.0) = 0.2,
        /// Share of members, by partners, of whom opinion leaders are taken, as a fraction.
        pub leader_share: f64 where within(0.0..=1.0) = 0.01,
        /// Fewest partners of an opinion leader in 30 days.
        pub leader_partners_min: i64 where within(1..) = 10,
    }
}

settings! {
    /// Points of one contribution.
    pub struct Points {
        /// A post.
        pub post: f64 where within(0.0..=1000.0) = 2.0,
        /// An answer.
        pub answer: f64 where within(0.0..=1000.0) = 2.0,
        /// A review.
        pub review: f64 where within(0.0..=1000.0) = 1.0,
        /// Feedback that was adopted.
        pub feedback_adopted: f64 where within(0.0..=1000.0) = 3.0,
        /// A co-creation that was accepted.
        pub cocreate_accepted: f64 where within(0.0..=1000.0) = 5.0,
        /// A member who joined by referral.
        pub referral_join: f64 where within(0.0..=1000.0) = 3.0,
        /// An activity that was hosted.
        pub hosted_activity: f64 where within(0.0..=1000.0) = 4.0,
    }
}

/// Kinds of contributions.
const KINDS: usize = 7;

declare! {
    /// What is known of a member, a count of 90 days of each kind first.
    needs Member {
        POSTS: integer("posts_90d").unit("count").optional(),
        ANSWERS: integer("answers_90d").unit("count").optional(),
        REVIEWS: integer("reviews_90d").unit("count").optional(),
        FEEDBACK_ADOPTED: integer("feedback_adopted_90d").unit("count").optional(),
        COCREATE_ACCEPTED: integer("cocreate_accepted_90d").unit("count").optional(),
        REFERRAL_JOIN: integer("referral_join_90d").unit("count").optional(),
        HOSTED: integer("hosted_activities_90d").unit("count").optional(),
        PARTNERS: integer("interaction_partners_30d").unit("count").optional(),
        KEY: key(),
    }
    /// What is said of a member.
    outputs Said {
        SCORE: real("score").role(Role::Score).between(0.0, SCORE_MAX)
            .meaning(words("Contribution, 0 to 100", "價值貢獻分，0 至 100")),
        WEIGHT: real("governance_weight").unit("ratio").between(0.0, 1.0)
            .meaning(words("Weight of the member's vote", "共同治理投票權重")),
        POINTS: real("points").at_least(0.0)
            .meaning(words("Points of all contributions of 90 days", "九十日貢獻積分")),
        SHARE: real("share").unit("ratio").between(0.0, 1.0)
            .meaning(words("Part of the points of all members", "佔全體貢獻的比例")),
        TOP: integer("in_top_share").between(0.0, 1.0)
            .meaning(words("1 for the members with the most points", "貢獻最高的一組成員為 1")),
        PARTNER_SHARE: real("partner_share").group("network").unit("ratio").between(0.0, 1.0).meaning(words(
            "Part of the members who answered, liked or shared something of the member's",
            "與其互動的成員佔比",
        )),
        LEADER: integer("opinion_leader").group("network").between(0.0, 1.0)
            .meaning(words("1 for an opinion leader", "意見領袖為 1")),
    }
    reasons Why {
        TOO_LITTLE_KNOWN: "too-little-known" =>
            words("Less than half of the points could be counted", "可計貢獻不足一半"),
        OPINION_LEADER: "opinion-leader" =>
            words("Many members react to what the member does", "眾多成員與其互動"),
    }
}

/// Greatest score.
const SCORE_MAX: f64 = 100.0;

/// Contributions with what all members added.
#[derive(Debug, Clone)]
pub struct Contribution {
    points: [f64; KINDS],
    settings: Settings,
    whole: Whole,
}

impl Plugin for Contribution {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "contribution",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "What members add to a community, who leads, and how concentrated it is",
            "價值貢獻評估模型：貢獻、集中度與意見領袖",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let sum: f64 = settings.points().iter().sum();
        problems.check(sum > 0.0, "/points", "at least one kind must have points");
        problems.into_result()?;
        let shape = Shape::rows("member").needs(Member::all()).produces(Said::all());
        Ok(shape.reasons(Why::all()).fit_passes(1))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let model = opening.model.ok_or_else(|| Problems::one("", "opens with a model only"))?;
        let whole = decode(model)
            .map_err(|text| Problems::one("", format!("the model is not readable: {text}")))?;
        Ok(Self { points: settings.points(), settings, whole })
    }
}

impl Settings {
    /// Points in the order of the needs.
    fn points(&self) -> [f64; KINDS] {
        let Points { post, answer, review, .. } = self.points;
        let Points { feedback_adopted, cocreate_accepted, referral_join, hosted_activity, .. } =
            self.points;
        [post, answer, review, feedback_adopted, cocreate_accepted, referral_join, hosted_activity]
    }
}

/// The counts of all kinds, in the order of the needs.
fn counts<'a>(rows: &Rows<'a>) -> [Column<'a, i64>; KINDS] {
    std::array::from_fn(|at| rows.get(In::<Integer>::at(at)))
}

/// Points under the weights of their kinds; kinds that are missing count like the others do on average.
fn known(points: &[f64; KINDS], counts: &[Column<'_, i64>; KINDS], row: usize) -> Known {
    let part = |at: usize| (points[at], counts[at].get(row).map(|count| count.max(0) as f64));
    Known::of((0..KINDS).map(part))
}

/// `100 (1 - e^(-points / scale))`.
fn score(points: f64, scale: f64) -> f64 {
    SCORE_MAX * (1.0 - libm::exp(-points / scale))
}

impl Scoring for Contribution {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let (counts, partners) = (counts(rows), rows.get(Member::PARTNERS));
        for row in 0..rows.len() {
            let leader = partners.get(row).map(|partners| {
                out.set_or_missing(Said::PARTNER_SHARE, row, self.whole.partner_share(partners));
                partners >= self.settings.leader_partners_min && self.whole.leads(partners)
            });
            out.set_or_missing(Said::LEADER, row, leader.map(i64::from));
            if leader == Some(true) {
                out.reason(row, Why::OPINION_LEADER);
            }
            let Some(points) = known(&self.points, &counts, row).sum() else {
                out.reason(row, Why::TOO_LITTLE_KNOWN);
                continue;
            };
            let score = score(points, self.settings.scale_points);
            out.set(Said::SCORE, row, score);
            out.set(Said::WEIGHT, row, score / SCORE_MAX);
            out.set(Said::POINTS, row, points);
            out.set_or_missing(Said::SHARE, row, self.whole.share(points));
            out.set_or_missing(Said::TOP, row, self.whole.is_top(points).map(i64::from));
        }
        Ok(())
    }

    fn explain(&self, _: &Context, rows: &Rows<'_>) -> Result<Vec<Factor>, String> {
        let counts = counts(rows);
        let known = known(&self.points, &counts, 0);
        if known.sum().is_none() {
            return Ok(Vec::new());
        }
        let stretch = self.points.iter().sum::<f64>() / known.weight();
        let part = |at: usize| {
            let count = counts[at].get(0)?.max(0) as f64;
            Some(factor(In::<Integer>::at(at), Said::POINTS, self.points[at] * count * stretch))
        };
        Ok((0..KINDS).filter_map(part).collect())
    }
}

export!(Contribution: fitted scoring);
