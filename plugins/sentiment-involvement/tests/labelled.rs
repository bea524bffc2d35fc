//! SC-7 on labelled texts: `labelled.md` says where they come from.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests that tell what they measured")]

use playbook_sdk::testing::{Data, json, plugin};
use sentiment_involvement::Sentiment;

const CARD: &str = include_str!("../cards/sentiment-zh-en.toml");

/// A text with its label.
struct Labelled {
    is_negative: bool,
    language: &'static str,
    kind: &'static str,
    text: &'static str,
}

fn texts(file: &'static str) -> Vec<Labelled> {
    let one = |line: &'static str| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap();
        let is_negative = next() == "neg";
        Labelled { is_negative, language: next(), kind: next(), text: next() }
    };
    file.lines().map(one).collect()
}

/// Which of the texts are judged negative.
fn judged(texts: &[Labelled]) -> Vec<bool> {
    let data = Data::new().text("text", texts.iter().map(|one| one.text));
    let given = plugin::<Sentiment>().card(CARD).open().unwrap().score(&data).unwrap();
    (0..texts.len()).map(|row| given.category("mood", row) == Some("negative")).collect()
}

/// Recall and precision of negative texts, printed with what was missed.
fn measured(name: &str, texts: &[Labelled], of: impl Fn(&Labelled) -> bool) -> (f64, f64) {
    let judged = judged(texts);
    let pairs: Vec<(&Labelled, bool)> =
        texts.iter().zip(judged).filter(|(one, _)| of(one)).collect();
    let count = |truth: bool, found: bool| {
        pairs.iter().filter(|(one, judged)| one.is_negative == truth && *judged == found).count()
            as f64
    };
    let (hit, missed, wrong) = (count(true, true), count(true, false), count(false, true));
    let (recall, precision) = (hit / (hit + missed), hit / (hit + wrong));
    println!("{name}: {} texts, recall {recall:.3}, precision {precision:.3}", pairs.len());
    for (one, judged) in pairs.iter().filter(|(one, judged)| one.is_negative != *judged) {
        println!("  {} {}: {}", if *judged { "wrong" } else { "missed" }, one.kind, one.text);
    }
    (recall, precision)
}

const TUNED: &str = include_str!("labelled.tsv");
const HELD_OUT: &str = include_str!("held_out.tsv");

#[test]
fn y007_negative_recall_on_the_labelled_texts() {
    let texts = texts(TUNED);
    let (recall, precision) = measured("tuned on", &texts, |_| true);
    assert!(recall >= 0.92 && precision >= 0.95);
    for language in ["zh", "en"] {
        let (recall, _) = measured(language, &texts, |one| one.language == language);
        assert!(recall >= 0.70, "{language}");
    }
}

#[test]
fn y007_negative_recall_on_texts_that_were_not_tuned_on() {
    let texts = texts(HELD_OUT);
    let (recall, precision) = measured("held out", &texts, |_| true);
    assert!(recall >= 0.70 && precision >= 0.90);
    for language in ["zh", "en"] {
        let (recall, _) = measured(language, &texts, |one| one.language == language);
        assert!(recall >= 0.70, "{language}");
    }
}

#[test]
fn the_set_is_large_and_half_of_it_is_negative_or_hard() {
    let mut all = texts(TUNED);
    all.extend(texts(HELD_OUT));
    assert!(all.len() >= 200);
    let hard = all.iter().filter(|one| one.is_negative || one.kind != "plain").count();
    assert!(hard * 2 >= all.len());
    let chinese = all.iter().filter(|one| one.language == "zh").count();
    assert!(chinese >= 80 && all.len() - chinese >= 80);
    let mut distinct: Vec<&str> = all.iter().map(|one| one.text).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn the_card_has_its_entries_and_no_more_than_a_settings_text_may_hold() {
    let shape = plugin::<Sentiment>().card(CARD).shape().unwrap();
    assert_eq!(shape.produces.len(), 3);
    assert!(CARD.lines().filter(|line| line.starts_with("  \"")).count() >= 100);
    let silenced = plugin::<Sentiment>().card(CARD).with(json!({ "own": { "awful": 0.0 } }));
    let data = Data::new().text("text", ["awful"]);
    let mood = |test: playbook_sdk::testing::Test<Sentiment>| {
        let given = test.open().unwrap().score(&data).unwrap();
        given.category("mood", 0).map(str::to_owned)
    };
    assert_eq!(mood(silenced).as_deref(), Some("neutral"));
    assert_eq!(mood(plugin::<Sentiment>().card(CARD)).as_deref(), Some("negative"));
}
