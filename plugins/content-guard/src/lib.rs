//! Texts that wait for a person (內容監測／雙軌審核, domain DG-11): listed words, prices, machine-made texts, reports.

use std::collections::BTreeMap;

use playbook_domain::{Lexicon, folded};
use playbook_sdk::prelude::*;

settings! {
    /// What must not go out unseen.
    pub struct Settings {
        /// What the rows are: contents of the brand or of members, messages.
        pub subject: String where length(1..) = "content",
        /// Listed words and phrases with their kind.
        pub words: BTreeMap<String, Kind> where length(0..=5000) = {},
        /// Words that are no hit although a listed one stands in them, such as names of goods.
        pub allowed: BTreeMap<String, bool> where length(0..=1000) = {},
        /// Signs before a number that make it a price.
        pub price_before: Vec<String> where length(0..=32), each(length(1..)), distinct = [],
        /// Signs after a number that make it a price.
        pub price_after: Vec<String> where length(0..=32), each(length(1..)), distinct = [],
        /// Characters that are passed over between two Chinese ones.
        pub ignored: String where length(0..=64) = " *-_.·|/~+",
        /// Whether texts that a machine made wait too.
        pub review_aigc: bool = true,
        /// Whether texts that name a price wait too.
        pub review_prices: bool = true,
        /// Reports of members from which a text waits.
        pub reports_from: i64 where within(1..) = 1,
    }
}

settings! {
    /// Kinds of listed words, the gravest first.
    pub enum Kind {
        /// Deceit, chain selling, stolen accounts.
        Fraud = "fraud",
        /// Drugs and other goods that must not be sold.
        Illegal = "illegal",
        /// Gambling.
        Gambling = "gambling",
        /// Adult content.
        Adult = "adult",
        /// Insults and threats.
        Abuse = "abuse",
        /// Claims that advertising must not make, or not without a report.
        Claim = "claim",
        /// What leads members away to other channels.
        Diversion = "diversion",
    }
}

/// Kinds in the order of their positions.
const KINDS: [(&str, &str, &str); 7] = [
    ("fraud", "fraud", "詐騙"),
    ("illegal", "illegal goods", "違禁品"),
    ("gambling", "gambling", "賭博"),
    ("adult", "adult content", "色情"),
    ("abuse", "abuse", "辱罵威脅"),
    ("claim", "prohibited claim", "違禁宣稱"),
    ("diversion", "diversion", "引流"),
];
/// Who made a text.
const ORIGINS: [&str; 3] = ["UGC", "PGC", "AIGC"];
const AIGC: usize = 2;

declare! {
    /// What is known of a text.
    needs Content {
        TEXT: text("text").optional(),
        ORIGIN: category("origin", ORIGINS).optional(),
        REPORTS: integer("reports").unit("count").optional(),
    }
    /// What is said of it.
    outputs Said {
        WAITS: integer("waits").between(0.0, 1.0)
            .meaning(words("1 where a person must look first", "須人工審核為 1")),
        KIND: category("kind", KINDS.map(|kind| kind.0))
            .meaning(words("Gravest kind of the listed words", "命中詞類別")),
        HITS: integer("hits").unit("count").at_least(0.0)
            .meaning(words("Listed words in the text", "命中詞數")),
        PRICES: integer("prices").unit("count").at_least(0.0)
            .meaning(words("Prices in the text", "價格提及數")),
        WORD: text("word").meaning(words("The first listed word of that kind", "命中詞")),
    }
    reasons Why {
        LISTED: "listed-word" => words("Holds a listed word", "含敏感詞"),
        CLAIM: "claim" => words("Makes a claim that advertising must not make", "含違禁宣稱"),
        PRICE: "price" => words("Names a price", "提及價格"),
        REPORTED: "reported" => words("Reported by members", "成員舉報"),
        AIGC: "aigc" => words("Made by a machine", "AI 生成內容須人工審核"),
        NO_TEXT: "no-text" => words("There is no text", "無文本"),
    }
}

/// Number of an entry that is allowed.
const ALLOWED: u32 = u32::MAX - 1;

/// The word list, ready to be searched.
#[derive(Debug)]
pub struct ContentGuard {
    settings: Settings,
    lexicon: Lexicon,
    price_before: Lexicon,
    price_after: Lexicon,
}

impl Plugin for ContentGuard {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "content-guard",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Texts that wait for a person", "內容監測與雙軌審核"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        for word in settings.words.keys().chain(settings.allowed.keys()) {
            let path = || format!("/words/{}", playbook_sdk::settings::escaped(word));
            let both = settings.words.contains_key(word) && settings.allowed.contains_key(word);
            problems.check(!both, path(), "is listed and allowed");
            problems.check(!word.trim().is_empty(), path(), "is an empty word");
        }
        problems.into_result()?;
        let shape = Shape::rows(settings.subject.clone()).needs(Content::all());
        let shape = shape.produces(Said::all()).reasons(Why::all());
        Ok(KINDS.iter().fold(shape, |shape, (name, en, zh)| shape.term(*name, words(en, zh))))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        let fold = |word: &String| folded(word, &settings.ignored);
        let listed = settings.words.iter().map(|(word, kind)| (fold(word), *kind as u32));
        // An allowed word that is switched off is not there.
        let allowed = settings.allowed.iter().filter(|(_, is_allowed)| **is_allowed);
        let allowed = allowed.map(|(word, _)| (fold(word), ALLOWED));
        let lexicon = Lexicon::new(listed.chain(allowed));
        let signs = |list: &[String]| Lexicon::new(list.iter().map(|sign| (folded(sign, ""), 0)));
        let (price_before, price_after) =
            (signs(&settings.price_before), signs(&settings.price_after));
        Ok(Self { lexicon, price_before, price_after, settings })
    }
}

/// What was found in a text.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    hits: i64,
    /// Gravest kind, and where its first word begins and ends.
    gravest: Option<(u32, usize, usize)>,
    prices: i64,
}

/// Where a number that begins at `from` ends: digits, with points and commas between them.
fn number_end(bytes: &[u8], from: usize) -> usize {
    let is_part = |at: usize| {
        let next = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        bytes[at].is_ascii_digit() || matches!(bytes[at], b'.' | b',') && next
    };
    (from..bytes.len()).find(|at| !is_part(*at)).unwrap_or(bytes.len())
}

/// The place behind at most one space.
fn after_space(bytes: &[u8], at: usize) -> usize {
    at + usize::from(bytes.get(at) == Some(&b' '))
}

impl ContentGuard {
    fn find(&self, text: &str) -> Found {
        let bytes = text.as_bytes();
        let mut found = Found::default();
        let mut at = 0;
        while at < bytes.len() {
            let Some((end, number)) = self.lexicon.longest(bytes, at) else {
                at += 1;
                continue;
            };
            if number != ALLOWED {
                found.hits += 1;
                if found.gravest.is_none_or(|(kind, ..)| number < kind) {
                    found.gravest = Some((number, at, end));
                }
            }
            at = end;
        }
        found.prices = self.prices(bytes);
        found
    }

    /// Numbers that stand behind or before a sign of money.
    fn prices(&self, bytes: &[u8]) -> i64 {
        let (mut at, mut prices, mut sign_end) = (0, 0, None);
        while at < bytes.len() {
            if bytes[at].is_ascii_digit() {
                let end = number_end(bytes, at);
                let is_behind = sign_end
                    .is_some_and(|sign: usize| at == sign || at == after_space(bytes, sign));
                let is_before = [end, after_space(bytes, end)]
                    .into_iter()
                    .any(|from| self.price_after.longest(bytes, from).is_some());
                prices += i64::from(is_behind || is_before);
                (at, sign_end) = (end, None);
            } else if let Some((end, _)) = self.price_before.longest(bytes, at) {
                (at, sign_end) = (end, Some(end));
            } else {
                at += 1;
            }
        }
        prices
    }

    /// Why a text waits, the gravest reason first.
    fn why(&self, found: &Found, origin: Option<usize>, reports: Option<i64>) -> Option<u32> {
        let settings = &self.settings;
        match found.gravest {
            Some((kind, ..)) if kind == Kind::Claim as u32 => Some(Why::CLAIM),
            Some(_) => Some(Why::LISTED),
            None if reports.is_some_and(|reports| reports >= settings.reports_from) => {
                Some(Why::REPORTED)
            }
            None if settings.review_prices && found.prices > 0 => Some(Why::PRICE),
            None if settings.review_aigc && origin == Some(AIGC) => Some(Why::AIGC),
            None => None,
        }
    }
}

impl Diagnosis for ContentGuard {
    fn diagnose(&self, _: &Context, _: &Tables<'_>, _: &mut TableAnswer<'_>) -> Result<(), String> {
        Ok(())
    }

    fn screen(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let texts = rows.get(Content::TEXT);
        let (origins, reports) = (rows.get(Content::ORIGIN), rows.get(Content::REPORTS));
        for row in 0..rows.len() {
            let Some(text) = texts.get(row) else {
                out.reason(row, Why::NO_TEXT);
                continue;
            };
            let text = folded(text, &self.settings.ignored);
            let found = self.find(&text);
            let why = self.why(&found, origins.get(row), reports.get(row));
            out.set(Said::WAITS, row, i64::from(why.is_some()));
            out.set(Said::HITS, row, found.hits);
            out.set(Said::PRICES, row, found.prices);
            if let Some((kind, from, end)) = found.gravest {
                out.set(Said::KIND, row, kind as usize);
                out.set(Said::WORD, row, &text[from..end]);
            }
            if let Some(why) = why {
                out.reason(row, why);
            }
        }
        Ok(())
    }
}

export!(ContentGuard: diagnosis);
