//! Feeling of texts and involvement of members (情感分析／情感卷入度, domain SC-7).
//!
//! One plugin, three scopes: texts are judged by a word list of the settings, members by what they do and by the mean
//! of their texts, communities by how many of their members are involved.

mod mood;

use std::collections::BTreeMap;

use mood::Judge;
use playbook_sdk::prelude::*;

settings! {
    /// What is judged, and the words that carry a feeling.
    pub struct Settings {
        /// What the rows are: a text, a member, or a community.
        pub scope: Scope = "text",
        /// Subject of the rows of the scope `text`.
        pub subject: String where length(1..) = "content",
        /// Groups of words and phrases with one feeling.
        pub words: BTreeMap<String, Group> where length(0..=200) = {},
        /// Feeling of single words and phrases, -1 to 1, which wins over that of their group; 0 silences one.
        pub own: BTreeMap<String, f64> where length(0..=500) = {},
        /// Words that turn the feeling of the next word round, with its factor, -2 to 0.
        pub negations: BTreeMap<String, f64> where length(0..=500) = {},
        /// Words that make the next word stronger or weaker, with its factor, 0 to 4.
        pub degrees: BTreeMap<String, f64> where length(0..=500) = {},
        /// Words after which what was said before counts by a factor, 0 to 1.
        pub contrasts: BTreeMap<String, f64> where length(0..=100) = {},
        /// Feeling of a negation that denies no word with a feeling in its clause, as complaints do: "it does not fit".
        /// A question denies nothing.
        pub bare_negation: f64 where within(-1.0..=0.0) = -0.15,
        /// Most words, or Chinese characters, between a negation or degree and the word that it is of.
        pub reach: u32 where within(0..=20) = 4,
        /// Sum of feelings that gives a sentiment of 0.71.
        pub scale: f64 where above(0) = 0.7,
        /// Sentiment from which a text is positive, and at or below whose negative it is negative.
        pub mood_from: f64 where within(0.0..=1.0) = 0.1,
        /// Fewest texts of a member in 30 days for a sentiment.
        pub texts_min: i64 where within(1..) = 3,
        /// Interactions a day, over 30 days, from which a member is involved.
        pub involved_daily: f64 where above(0) = 3.0,
        /// Days a week with an interaction, over 4 weeks, from which a member is deeply involved.
        pub deep_weekly: f64 where within(0.0..=7.0) = 3.0,
        /// Fewest members of a community with shares.
        pub members_min: i64 where within(1..) = 30,
    }
}

settings! {
    /// Words with one feeling.
    pub struct Group {
        /// Feeling, -1 to 1; 0 for phrases that must not be read as their parts.
        pub feeling: f64 where within(-1.0..=1.0) = 0.0,
        /// Words and phrases.
        pub words: Vec<String> where length(0..=3000), each(length(1..)) = [],
    }
}

settings! {
    /// What the rows are.
    pub enum Scope {
        /// Texts of members or of others.
        Text = "text",
        /// Members.
        Member = "member",
        /// Communities.
        Community = "community",
    }
}

declare! {
    /// What is known of a text.
    needs Texts {
        TEXT: text("text").optional(),
    }
    /// What is said of a text.
    outputs TextSaid {
        SENTIMENT: real("sentiment").role(Role::Score).between(-1.0, 1.0)
            .meaning(words("Feeling of the text, -1 to 1", "文本情感，-1 至 1")),
        MOOD: category("mood", MOODS.map(|mood| mood.0)).role(Role::Level)
            .alarms([Level::Watch, Level::None, Level::None])
            .meaning(words("Negative, neutral or positive", "情感傾向")),
        HITS: integer("feeling_words").unit("count").at_least(0.0)
            .meaning(words("Words with a feeling", "情感詞數")),
    }
    /// What is known of a member.
    needs Member {
        INTERACTIONS: integer("interactions_30d").unit("count").optional(),
        DAYS: integer("interaction_days_28d").unit("day").optional(),
        TEXTS: integer("texts_30d").unit("count").optional(),
        MEAN: real("text_sentiment_30d").optional(),
    }
    /// What is said of a member.
    outputs MemberSaid {
        SENTIMENT: real("sentiment_30d").role(Role::Score).between(-1.0, 1.0)
            .meaning(words("Mean feeling of the member's texts", "三十日情感均值")),
        INVOLVED: integer("involved").between(0.0, 1.0)
            .meaning(words("1 for 3 interactions a day", "日均互動三次為 1")),
        DEEP: integer("deep").between(0.0, 1.0)
            .meaning(words("1 for 3 days a week with an interaction", "每週三日互動為 1")),
    }
    /// What is known of a community.
    needs Community {
        MEMBERS: integer("members").unit("count"),
        INVOLVED: integer("involved_members").unit("count").optional(),
        DEEP: integer("deep_members").unit("count").optional(),
    }
    /// What is said of a community.
    outputs CommunitySaid {
        INVOLVED: real("involved_share").group("involvement").unit("ratio").between(0.0, 1.0)
            .meaning(words("Part of the members who are involved", "情感卷入成員佔比")),
        DEEP: real("deep_share").group("involvement").unit("ratio").between(0.0, 1.0)
            .meaning(words("Part of the members who are deeply involved", "深度卷入成員佔比")),
    }
    reasons Why {
        NO_TEXT: "no-text" => words("There is no text", "無文本"),
        NO_WORDS: "no-words" => words("No word list is set: take the card", "未設定詞表，請使用卡片"),
        FEW_TEXTS: "few-texts" => words("Too few texts for a feeling", "文本過少"),
        FEW_MEMBERS: "few-members" => words("Too few members for shares", "成員過少"),
    }
}

/// Moods in ascending order.
const MOODS: [(&str, &str, &str); 3] = [
    ("negative", "negative", "負面"),
    ("neutral", "neutral", "中性"),
    ("positive", "positive", "正面"),
];

/// The opened plugin.
#[derive(Debug)]
pub struct Sentiment {
    settings: Settings,
    judge: Judge,
}

impl Plugin for Sentiment {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "sentiment-involvement",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Feeling of texts by a word list, and involvement of members",
            "情感分析引擎與情感卷入度",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        check(settings)?;
        let shape = match settings.scope {
            Scope::Text => {
                let [sentiment, mood, hits] = TextSaid::all();
                let mood = mood.bounds([-settings.mood_from, settings.mood_from]);
                let shape = Shape::rows(settings.subject.clone()).needs(Texts::all());
                shape.produces([sentiment, mood, hits])
            }
            Scope::Member => Shape::rows("member").needs(Member::all()).produces(MemberSaid::all()),
            Scope::Community => {
                Shape::rows("community").needs(Community::all()).produces(CommunitySaid::all())
            }
        };
        let shape = shape.reasons(Why::all());
        Ok(MOODS.iter().fold(shape, |shape, (name, en, zh)| shape.term(*name, words(en, zh))))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        let judge = Judge::new(&settings);
        Ok(Self { settings, judge })
    }
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    let lists = [
        ("own", &settings.own, -1.0, 1.0),
        ("negations", &settings.negations, -2.0, 0.0),
        ("degrees", &settings.degrees, 0.0, 4.0),
        ("contrasts", &settings.contrasts, 0.0, 1.0),
    ];
    for (at, (name, list, least, most)) in lists.iter().enumerate() {
        for (word, value) in *list {
            let elsewhere = lists[..at].iter().any(|(_, other, ..)| other.contains_key(word));
            let fault = if !(value >= least && value <= most) {
                "is out of range"
            } else if word.trim().is_empty() {
                "is an empty word"
            } else if elsewhere {
                "stands in another list too"
            } else {
                continue;
            };
            problems.at(format!("/{name}/{}", playbook_sdk::settings::escaped(word)), fault);
        }
    }
    problems.into_result()
}

impl Sentiment {
    fn texts(&self, rows: &Rows<'_>, out: &mut Answer<'_>) {
        let texts = rows.get(Texts::TEXT);
        for row in 0..rows.len() {
            let Some(text) = texts.get(row).filter(|text| !text.trim().is_empty()) else {
                out.reason(row, Why::NO_TEXT);
                continue;
            };
            if self.judge.is_empty() {
                out.reason(row, Why::NO_WORDS);
                continue;
            }
            let mood = self.judge.mood(text);
            let from = self.settings.mood_from;
            let level =
                if mood.sentiment <= -from { 0 } else { 1 + usize::from(mood.sentiment >= from) };
            out.set(TextSaid::SENTIMENT, row, mood.sentiment);
            out.set(TextSaid::MOOD, row, level);
            out.set(TextSaid::HITS, row, mood.hits);
        }
    }

    fn members(&self, rows: &Rows<'_>, out: &mut Answer<'_>) {
        let Settings { involved_daily, deep_weekly, texts_min, .. } = self.settings;
        let (interactions, days) = (rows.get(Member::INTERACTIONS), rows.get(Member::DAYS));
        let (texts, mean) = (rows.get(Member::TEXTS), rows.get(Member::MEAN));
        for row in 0..rows.len() {
            let is_involved = |count: i64| i64::from(count as f64 / 30.0 >= involved_daily);
            let is_deep = |days: i64| i64::from(days as f64 / 4.0 >= deep_weekly);
            out.set_or_missing(MemberSaid::INVOLVED, row, interactions.get(row).map(is_involved));
            out.set_or_missing(MemberSaid::DEEP, row, days.get(row).map(is_deep));
            let enough = texts.get(row).is_some_and(|texts| texts >= texts_min);
            match mean.get(row).filter(|_| enough) {
                Some(mean) => out.set(MemberSaid::SENTIMENT, row, mean.clamp(-1.0, 1.0)),
                None => out.reason(row, Why::FEW_TEXTS),
            }
        }
    }

    fn communities(&self, rows: &Rows<'_>, out: &mut Answer<'_>) {
        let members = rows.get(Community::MEMBERS);
        let (involved, deep) = (rows.get(Community::INVOLVED), rows.get(Community::DEEP));
        for row in 0..rows.len() {
            let members = members.get(row).filter(|count| *count >= self.settings.members_min);
            let Some(members) = members else {
                out.reason(row, Why::FEW_MEMBERS);
                continue;
            };
            let share = |count: i64| (count.max(0) as f64 / members as f64).min(1.0);
            out.set_or_missing(CommunitySaid::INVOLVED, row, involved.get(row).map(share));
            out.set_or_missing(CommunitySaid::DEEP, row, deep.get(row).map(share));
        }
    }
}

impl Scoring for Sentiment {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        match self.settings.scope {
            Scope::Text => self.texts(rows, out),
            Scope::Member => self.members(rows, out),
            Scope::Community => self.communities(rows, out),
        }
        Ok(())
    }
}

export!(Sentiment: scoring);
