//! Influence index of an opinion leader (KOL影響力指數, domain SC-5): match, attitude, practice, reach.

use playbook_domain::{Known, cosine, reached, rung};
use playbook_sdk::libm;
use playbook_sdk::prelude::*;
use std::collections::BTreeMap;

settings! {
    /// Whom the brand looks for and what counts.
    pub struct Settings {
        /// What the rows are.
        pub subject: String where length(1..) = "kol",
        /// What the brand stands for, tag by tag; a feature `audience.TAG` each tells how much the audience cares for
        /// it. Name every tag that audiences are described by, those that the brand does not want with 0. Without
        /// tags the feature `audience_match` gives the match itself, 0 to 1.
        pub target: BTreeMap<String, f64> where length(0..=256) = {},
        /// Weight of the match of audience and brand.
        pub weight_match: f64 where within(0.0..=1.0) = 0.4,
        /// Weight of the attitude in the comments.
        pub weight_attitude: f64 where within(0.0..=1.0) = 0.2,
        /// Weight of the conversion.
        pub weight_practice: f64 where within(0.0..=1.0) = 0.3,
        /// Weight of the reach.
        pub weight_reach: f64 where within(0.0..=1.0) = 0.1,
        /// Match below which the leader does not fit the brand, as a fraction.
        pub match_min: f64 where within(0.0..=1.0) = 0.6,
        /// Conversion that gives the full score of practice, as a fraction.
        pub conversion_full: f64 where above(0) = 0.085,
        /// Powers of ten of followers that give the full score of reach.
        pub reach_full_digits: f64 where above(0) = 7.0,
        /// Violations of 90 days above which a leader is blocked.
        pub violations_above: i64 where within(0..) = 0,
        /// Followers from which a leader is `koc`, above which `mid`, and above which `head`; below the first `nano`.
        pub bands: [i64; 3] where each(within(0..)) = [10000, 100000, 1000000],
    }
}

declare! {
    /// What is known of a leader.
    needs Leader {
        SENTIMENT: real("comment_sentiment").optional(),
        CONVERSION: real("conversion").unit("ratio").optional(),
        FOLLOWERS: integer("followers").unit("count").optional(),
        VIOLATIONS: integer("violations_90d").unit("count"),
    }
    /// What is said of a leader.
    outputs Said {
        INDEX: real("index").role(Role::Score).between(0.0, INDEX_MAX)
            .meaning(words("Influence, 0 to 100", "影響力指數，0 至 100")),
        STATUS: category("status", STATUS.map(|status| status.0))
            .meaning(words("Whether the leader may be worked with", "是否適合合作")),
        BAND: category("band", BANDS.map(|band| band.0)).role(Role::Level)
            .meaning(words("Size by followers", "按粉絲數分層")),
        MATCH: real("match").group("influence").unit("ratio").between(0.0, 1.0)
            .meaning(words("Match of audience and brand", "受眾與品牌匹配度")),
        ATTITUDE: real("attitude").group("influence").unit("ratio").between(0.0, 1.0)
            .meaning(words("Attitude in the comments", "評論態度")),
        PRACTICE: real("practice").group("influence").unit("ratio").between(0.0, 1.0)
            .meaning(words("Conversion against the full one", "轉化表現")),
        REACH: real("reach").group("influence").unit("ratio").between(0.0, 1.0)
            .meaning(words("Reach by followers", "傳播範圍")),
    }
    reasons Why {
        NOT_MATCHED: "not_matched" => words("The audience does not match the brand", "受眾與品牌不匹配"),
        BLOCKED: "blocked" => words("Blocked by violations", "因違規封鎖"),
        MATCH_UNKNOWN: "match-unknown" => words("The match is not known", "匹配度未知"),
        VIOLATIONS_UNKNOWN: "violations-unknown" => words("Violations are not known", "違規情況未知"),
        TOO_LITTLE_KNOWN: "too-little-known" => words("Less than half of the weight is known", "可用數據不足一半"),
    }
}

/// Greatest index.
const INDEX_MAX: f64 = 100.0;
/// Places in the list of states.
const BLOCKED: usize = 0;
const NOT_MATCHED: usize = 1;
const MATCHED: usize = 2;
const STATUS: [(&str, &str, &str); 3] = [
    ("blocked", "blocked", "已封鎖"),
    ("not_matched", "not matched", "不匹配"),
    ("matched", "matched", "匹配"),
];
const BANDS: [(&str, &str, &str); 4] = [
    ("nano", "nano", "素人"),
    ("koc", "KOC", "長尾"),
    ("mid", "mid", "腰部"),
    ("head", "head", "頭部"),
];

/// Influence under the settings of a brand.
#[derive(Debug, Clone)]
pub struct KolIndex {
    target: Vec<f64>,
    settings: Settings,
}

impl Plugin for KolIndex {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "kol-index",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Influence of opinion leaders: match, attitude, conversion, reach",
            "KOL影響力指數：匹配、態度、轉化與傳播",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        if settings.weights().iter().sum::<f64>() <= 0.0 {
            problems.at("/weight_match", "at least one weight must be above 0").hint("0.4");
        }
        if !settings.bands.is_sorted_by(|left, right| left < right) {
            problems.at("/bands", "must ascend").hint("[10000, 100000, 1000000]");
        }
        for (tag, weight) in &settings.target {
            if *weight < 0.0 {
                let path = format!("/target/{}", playbook_sdk::settings::escaped(tag));
                problems.at(path, "must not be below 0").hint("0 for what is not wanted");
            }
        }
        if !settings.target.is_empty() && settings.target.values().all(|weight| *weight <= 0.0) {
            problems.at("/target", "at least one tag must be wanted").hint("{ tea = 1.0 }");
        }
        problems.into_result()?;
        let shape = Shape::rows(settings.subject.clone()).needs(Leader::all());
        let shape = if settings.target.is_empty() {
            shape.need(need::real("audience_match").unit("ratio").optional())
        } else {
            let tag = |tag: &String| need::real(format!("audience.{tag}")).optional();
            shape.needs(settings.target.keys().map(tag))
        };
        let shape = shape.produces(Said::all()).reasons(Why::all());
        let terms = STATUS.iter().chain(&BANDS);
        Ok(terms.fold(shape, |shape, (name, en, zh)| shape.term(*name, words(en, zh))))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { target: settings.target.values().copied().collect(), settings })
    }
}

impl Settings {
    fn weights(&self) -> [f64; 4] {
        [self.weight_match, self.weight_attitude, self.weight_practice, self.weight_reach]
    }

    /// The parts of the index, 0 to 1 each, in the order of their weights.
    fn parts(
        &self,
        matched: Option<f64>,
        sentiment: Option<f64>,
        conversion: Option<f64>,
        followers: Option<i64>,
    ) -> [Option<f64>; 4] {
        let reach =
            |followers: i64| reached(libm::log10(followers.max(1) as f64), self.reach_full_digits);
        [
            matched,
            sentiment.map(|sentiment| reached(sentiment + 1.0, 2.0)),
            conversion.map(|conversion| reached(conversion, self.conversion_full)),
            followers.map(reach),
        ]
    }

    /// Band by followers: the first bound belongs above it, the others below.
    fn band(&self, followers: i64) -> usize {
        let [koc, mid, head] = self.bands;
        rung(followers, &[koc, mid.saturating_add(1), head.saturating_add(1)])
    }
}

impl KolIndex {
    /// How well the audience of a row matches the brand.
    fn matched(&self, tags: &[Column<'_, f64>], row: usize) -> Option<f64> {
        if self.target.is_empty() {
            return tags[0].get(row).map(|matched| matched.clamp(0.0, 1.0));
        }
        let tags = self.target.iter().zip(tags);
        cosine(tags.map(|(target, tag)| (*target, tag.get(row))))
    }
}

impl Scoring for KolIndex {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let settings = &self.settings;
        let (sentiment, conversion) = (rows.get(Leader::SENTIMENT), rows.get(Leader::CONVERSION));
        let (followers, violations) = (rows.get(Leader::FOLLOWERS), rows.get(Leader::VIOLATIONS));
        let tags: Vec<Column<'_, f64>> = (0..self.target.len().max(1))
            .map(|at| rows.get(In::<Real>::at(Leader::COUNT + at)))
            .collect();
        let weights = settings.weights();
        for row in 0..rows.len() {
            let parts = settings.parts(
                self.matched(&tags, row),
                sentiment.get(row),
                conversion.get(row),
                followers.get(row),
            );
            let said = [Said::MATCH, Said::ATTITUDE, Said::PRACTICE, Said::REACH];
            for (said, part) in said.into_iter().zip(parts) {
                out.set_or_missing(said, row, part);
            }
            out.set_or_missing(Said::BAND, row, followers.get(row).map(|n| settings.band(n)));
            let Some(violations) = violations.get(row) else {
                out.reason(row, Why::VIOLATIONS_UNKNOWN);
                continue;
            };
            if violations > settings.violations_above {
                out.set(Said::INDEX, row, 0.0);
                out.set(Said::STATUS, row, BLOCKED);
                out.reason(row, Why::BLOCKED);
                continue;
            }
            let index = Known::of(weights.into_iter().zip(parts)).mean(INDEX_MAX);
            out.set_or_missing(Said::INDEX, row, index);
            match parts[0] {
                None => out.reason(row, Why::MATCH_UNKNOWN),
                Some(matched) if matched < settings.match_min => {
                    out.set(Said::STATUS, row, NOT_MATCHED);
                    out.reason(row, Why::NOT_MATCHED);
                }
                Some(_) => out.set(Said::STATUS, row, MATCHED),
            }
            if index.is_none() {
                out.reason(row, Why::TOO_LITTLE_KNOWN);
            }
        }
        Ok(())
    }
}

export!(KolIndex: scoring);
