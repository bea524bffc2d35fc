//! Content for a member (個性化推薦, domain CA-9): what the member cares for, fresh and good, and a part that all see.

use playbook_sdk::libm;
use playbook_sdk::prelude::*;

settings! {
    /// How many contents a member gets and how alike they may be.
    pub struct Settings {
        /// Topics that contents are of; a feature `topic_events_30d.TOPIC` each counts the member's events of it.
        pub topics: Vec<String> where length(1..=64), each(length(1..)), distinct
            = ["new-products", "skills", "local"],
        /// Contents of a member.
        pub slots: u32 where within(1..=20) = 10,
        /// Most of the contents that are chosen for the member, as a fraction; the others are common to all.
        pub personal_share: f64 where within(0.0..=0.85) = 0.85,
        /// Most of the slots that one topic has, as a fraction.
        pub topic_share: f64 where within(0.0..=1.0) = 0.5,
        /// Days in which a content loses half of its freshness.
        pub half_life_days: f64 where above(0) = 7.0,
        /// Quality that gives the full value.
        pub quality_full: f64 where above(0) = 5.0,
    }
}

declare! {
    /// What is known of a content.
    needs Content(settings: &Settings) {
        KEY: key(),
        TOPIC: category("topic", settings.topics.iter().cloned()),
        AGE: integer("content_age_days").unit("day"),
        QUALITY: real("quality"),
    }
    /// What is said of a member; the contents follow.
    outputs Said {
        PERSONAL: integer("personal").unit("count").at_least(0.0)
            .meaning(words("Contents chosen for the member, the first ones", "個性化內容數，排在前面")),
        PERSONAL_SHARE: real("personal_share").unit("ratio").between(0.0, 1.0)
            .meaning(words("Part of the contents that is personal", "個性化佔比")),
    }
    reasons Why {
        COMMON_ONLY: "common-only" => words("Nothing is known of the member's topics", "興趣未知，僅推薦共同內容"),
        NO_CONTENT: "no-content" => words("There is no content to choose from", "無可推薦內容"),
    }
}

/// Rounding that a share such as 0.85 carries when it is multiplied.
const ROUNDING: f64 = 1e-9;

/// A content: freshness times value, and its key.
type Ranked = (f64, i64);

/// The contents at hand, of each topic the best first.
#[derive(Debug)]
pub struct Recommend {
    settings: Settings,
    /// At most as many of a topic as it may have slots.
    topics: Vec<Vec<Ranked>>,
}

impl Plugin for Recommend {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "recommend",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Content for a member, personal and common", "個性化推薦：個性與共同內容"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        if settings.topic_slots() == 0 {
            return Err(Problems::one("/topic_share", "leaves no topic a slot"));
        }
        let topic = |topic: &String| {
            need::integer(format!("topic_events_30d.{topic}")).unit("count").optional()
        };
        let shape = Shape::rows("member").needs(settings.topics.iter().map(topic));
        let shape = shape.table(table("content").needs(Content::all(settings)));
        let shape = shape.produces(Said::all()).reasons(Why::all());
        Ok((1..=settings.slots).fold(shape, |shape, nth| {
            let meaning = (format!("Key of content {nth}"), format!("第{nth}則內容"));
            shape.produce(
                output::integer(format!("content_{nth}")).group("contents").meaning(meaning),
            )
        }))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let topics = settings.contents(&opening.tables.table(0));
        Ok(Self { settings, topics })
    }
}

impl Settings {
    /// Slots that one topic may have.
    fn topic_slots(&self) -> usize {
        (f64::from(self.slots) * self.topic_share + ROUNDING) as usize
    }

    /// The best contents of each topic; those of which something is missing are left out.
    fn contents(&self, rows: &Rows<'_>) -> Vec<Vec<Ranked>> {
        let (keys, ages) = (rows.get(Content::KEY), rows.get(Content::AGE));
        let (topics, quality) = (rows.get(Content::TOPIC), rows.get(Content::QUALITY));
        let mut best: Vec<Vec<Ranked>> = vec![Vec::new(); self.topics.len()];
        for row in 0..rows.len() {
            let (Some(key), Some(age)) = (keys.get(row), ages.get(row)) else { continue };
            let (Some(topic), Some(quality)) = (topics.get(row), quality.get(row)) else {
                continue;
            };
            let freshness = libm::exp2(-age.max(0) as f64 / self.half_life_days);
            let worth = freshness * (quality / self.quality_full).clamp(0.0, 1.0);
            let best = &mut best[topic];
            let is_below = |other: &Ranked| worth > other.0 || worth == other.0 && key < other.1;
            let place = best.iter().position(is_below).unwrap_or(best.len());
            best.insert(place, (worth, key));
            best.truncate(self.topic_slots());
        }
        best
    }
}

impl Recommend {
    /// The topic whose next content is worth most under the weights; of equal ones the lower key.
    fn next(&self, taken: &[usize], weight: impl Fn(usize) -> f64) -> Option<usize> {
        let mut best: Option<(f64, i64, usize)> = None;
        for (topic, contents) in self.topics.iter().enumerate() {
            let Some((worth, key)) = contents.get(taken[topic]) else { continue };
            let worth = worth * weight(topic);
            let is_better = |(other, other_key, _): (f64, i64, usize)| {
                worth > other || worth == other && *key < other_key
            };
            if worth > 0.0 && best.is_none_or(is_better) {
                best = Some((worth, *key, topic));
            }
        }
        best.map(|(.., topic)| topic)
    }
}

impl Scoring for Recommend {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let count = self.settings.topics.len();
        let columns: Vec<Column<'_, i64>> =
            (0..count).map(|at| rows.get(In::<Integer>::at(at))).collect();
        let worthy = |contents: &Vec<Ranked>| contents.iter().filter(|one| one.0 > 0.0).count();
        let at_hand: usize = self.topics.iter().map(worthy).sum();
        let all = at_hand.min(self.settings.slots as usize);
        let personal_max = (all as f64 * self.settings.personal_share + ROUNDING) as usize;
        let (mut events, mut taken) = (vec![0.0; count], vec![0_usize; count]);
        for row in 0..rows.len() {
            if all == 0 {
                out.reason(row, Why::NO_CONTENT);
                continue;
            }
            for (events, column) in events.iter_mut().zip(&columns) {
                *events = column.get(row).unwrap_or(0).max(0) as f64;
            }
            taken.fill(0);
            let (mut personal, mut slot) = (0, 0);
            while slot < all {
                let own = (slot == personal && personal < personal_max)
                    .then(|| self.next(&taken, |topic| events[topic]))
                    .flatten();
                let Some(topic) = own.or_else(|| self.next(&taken, |_| 1.0)) else { break };
                let (_, key) = self.topics[topic][taken[topic]];
                out.set(Out::<Integer>::at(Said::COUNT + slot), row, key);
                taken[topic] += 1;
                personal += usize::from(own.is_some());
                slot += 1;
            }
            out.set(Said::PERSONAL, row, personal as i64);
            out.set(Said::PERSONAL_SHARE, row, personal as f64 / slot as f64);
            if personal == 0 {
                out.reason(row, Why::COMMON_ONLY);
            }
        }
        Ok(())
    }
}

export!(Recommend: scoring);
