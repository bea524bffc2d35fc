//! Groups by interest and the core group, "1+N" (興趣圈層, domain SG-8): at most three topics that a member lives for.

use playbook_sdk::prelude::*;

settings! {
    /// Which groups there are and who joins them.
    pub struct Settings {
        /// Topics with a group each, in the order in which equal shares are ranked; a feature `topic_events_30d.TOPIC`
        /// each counts the member's views and interactions of it.
        pub topics: Vec<String> where length(1..=64), each(length(1..)), distinct
            = ["new-products", "skills", "local"],
        /// Part of the member's views and interactions from which a topic is an interest, as a fraction.
        pub share_min: f64 where within(0.0..=1.0) = 0.30,
        /// Fewest views and interactions of such a topic in 30 days.
        pub events_min: i64 where within(1..) = 5,
        /// Most groups of a member, beside the core group.
        pub groups_max: u32 where within(0..=3) = 3,
        /// Joins nobody to a group by topic who has not consented to profiling (feature `consent_profiling`, 1 or 0).
        pub needs_consent: bool = true,
        /// Stage that gives the tier by interactions.
        pub tier_stage: String where length(1..) = "tier-interactions",
        /// Stage that gives the tier by value.
        pub value_stage: String where length(1..) = "value-rfm",
    }
}

/// Tiers by interactions, the core ones last.
const TIERS: [&str; 5] = ["silent", "prospect", "active", "core", "koc"];
/// First core tier.
const CORE_FROM: usize = 3;
/// Tiers by value.
const VALUES: [&str; 3] = ["low", "mid", "high"];
/// The value tier of the core group.
const HIGH: usize = 2;
/// Groups that a member can have.
const GROUPS: usize = 3;

declare! {
    /// What is known of a member; the events of each topic follow, and the consent.
    needs Member(settings: &Settings) {
        EVENTS: integer("topic_events_30d").unit("count").optional(),
        TIER: category("tier", TIERS).output_of(&settings.tier_stage).optional(),
        VALUE: category("tier", VALUES).output_of(&settings.value_stage).optional(),
    }
    /// What is said of a member.
    outputs Said(settings: &Settings) {
        CORE: integer("core_group").between(0.0, 1.0)
            .meaning(words("1 where the member belongs to the core group", "屬於核心群為 1")),
        COUNT_OF: integer("groups").unit("count").between(0.0, GROUPS as f64)
            .meaning(words("Groups by topic", "興趣群數量")),
        FIRST: category("group_1", settings.topics.clone()).group("groups")
            .meaning(words("First group by topic", "第一興趣群")),
        SECOND: category("group_2", settings.topics.clone()).group("groups")
            .meaning(words("Second group by topic", "第二興趣群")),
        THIRD: category("group_3", settings.topics.clone()).group("groups")
            .meaning(words("Third group by topic", "第三興趣群")),
        SHARE: real("top_topic_share").unit("ratio").between(0.0, 1.0)
            .meaning(words("Part of the first topic in all events", "首要話題佔比")),
    }
    reasons Why {
        INTEREST: "interest" => words("A large part of what the member looks at", "該話題佔其互動的較大部分"),
        NO_CONSENT: "no-consent" => words("No consent to profiling", "未同意畫像"),
        NO_INTEREST: "no-interest" => words("No topic stands out", "無突出興趣"),
        NOTHING_KNOWN: "nothing-known" => words("No events of topics are known", "無話題數據"),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct InterestGroups {
    settings: Settings,
}

impl Plugin for InterestGroups {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "interest-groups",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Groups by interest, and the core group", "興趣圈層與 1+N 社群分流"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let topic = |topic: &String| {
            need::integer(format!("topic_events_30d.{topic}")).unit("count").optional()
        };
        let shape = Shape::rows("member").needs(Member::all(settings));
        let shape = shape.needs(settings.topics.iter().map(topic));
        let shape = if settings.needs_consent {
            shape.need(need::integer("consent_profiling").optional())
        } else {
            shape
        };
        let shape = shape.produces(Said::all(settings)).reasons(Why::all());
        let shape = shape.segment("general", words("General", "綜合"));
        let segment =
            |shape: Shape, topic: &String| shape.segment(topic, (topic.clone(), topic.clone()));
        Ok(settings.topics.iter().fold(shape, segment))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// Topics of a member by their events, the most first, equal ones in the order of the settings.
#[derive(Debug, Clone, Copy, Default)]
struct Ranked {
    /// Topic and its events.
    first: [Option<(usize, i64)>; GROUPS],
    events: i64,
    is_known: bool,
}

impl Ranked {
    fn add(&mut self, topic: usize, events: i64) {
        self.is_known = true;
        self.events = self.events.saturating_add(events);
        let mut next = Some((topic, events));
        for place in &mut self.first {
            let is_more = match (next, *place) {
                (Some((_, events)), Some((_, placed))) => events > placed,
                (next, _) => next.is_some(),
            };
            if is_more {
                std::mem::swap(place, &mut next);
            }
        }
    }
}

impl InterestGroups {
    fn ranked(&self, topics: &[Column<'_, i64>], all: Option<i64>, row: usize) -> Ranked {
        let mut ranked = Ranked::default();
        for (topic, column) in topics.iter().enumerate() {
            if let Some(events) = column.get(row) {
                ranked.add(topic, events.max(0));
            }
        }
        ranked.events = ranked.events.max(all.unwrap_or(0));
        ranked
    }

    /// Whether so many events of all of them are an interest.
    fn is_interest(&self, events: i64, all: i64) -> bool {
        events >= self.settings.events_min && events as f64 / all as f64 >= self.settings.share_min
    }

    fn topics(&self, ranked: &Ranked, row: usize, out: &mut Segments<'_>) {
        let most = self.settings.groups_max as usize;
        let groups = ranked.first.iter().flatten().take(most);
        let groups = groups.filter(|(_, events)| self.is_interest(*events, ranked.events));
        let (mut count, mut segment) = (0, 0);
        for ((topic, _), said) in groups.zip([Said::FIRST, Said::SECOND, Said::THIRD]) {
            out.set(said, row, *topic);
            if count == 0 {
                segment = *topic as u32 + 1;
            }
            count += 1;
        }
        out.segment(row, segment);
        out.set(Said::COUNT_OF, row, count);
        out.reason(row, if count > 0 { Why::INTEREST } else { Why::NO_INTEREST });
        if let (Some((_, events)), 1..) = (ranked.first[0], ranked.events) {
            out.set(Said::SHARE, row, events as f64 / ranked.events as f64);
        }
    }
}

impl Segmentation for InterestGroups {
    fn assign(&self, _: &Context, rows: &Rows<'_>, out: &mut Segments<'_>) -> Result<(), String> {
        let (tiers, values) = (rows.get(Member::TIER), rows.get(Member::VALUE));
        let all = rows.get(Member::EVENTS);
        let count = self.settings.topics.len();
        let topics: Vec<Column<'_, i64>> =
            (0..count).map(|at| rows.get(In::<Integer>::at(Member::COUNT + at))).collect();
        let consent = (self.settings.needs_consent)
            .then(|| rows.get(In::<Integer>::at(Member::COUNT + count)));
        for row in 0..rows.len() {
            let by_tier = tiers.get(row).map(|tier| tier >= CORE_FROM);
            let by_value = values.get(row).map(|value| value == HIGH);
            out.set_or_missing(Said::CORE, row, by_tier.max(by_value).map(i64::from));
            if consent.is_some_and(|consent| consent.get(row) != Some(1)) {
                out.segment(row, 0);
                out.set(Said::COUNT_OF, row, 0);
                out.reason(row, Why::NO_CONSENT);
                continue;
            }
            let ranked = self.ranked(&topics, all.get(row), row);
            if ranked.is_known {
                self.topics(&ranked, row, out);
            } else {
                out.reason(row, Why::NOTHING_KNOWN);
            }
        }
        Ok(())
    }
}

export!(InterestGroups: segmentation);
