//! SC-7: how much the words of the card weigh, by what texts with them feel like.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, json, plugin};
use sentiment_involvement::Sentiment;

const CARD: &str = include_str!("../cards/sentiment-zh-en.toml");

/// The sums of feelings behind the sentiments of texts, from the scale. `茶壺` is good and `茶杯` is bad here.
fn sums(texts: &[String]) -> Vec<f64> {
    let own = json!({ "own": { "茶壺": 0.6, "茶杯": -0.5 } });
    let data = Data::new().text("text", texts.iter().map(String::as_str));
    let given = plugin::<Sentiment>().card(CARD).with(own).open().unwrap().score(&data).unwrap();
    let sum = |row: usize| {
        let sentiment = given.real("sentiment", row).unwrap();
        let sum = 0.7 * sentiment / (1.0 - sentiment * sentiment).sqrt();
        (sum * 1e4).round() / 1e4
    };
    (0..texts.len()).map(sum).collect()
}

/// The words of a list of the card, by its heading.
fn words(heading: &str) -> Vec<&'static str> {
    let list = CARD.split(&format!("[stage.settings.{heading}]\n")).nth(1).unwrap();
    let lines = list.lines().take_while(|line| line.starts_with('"'));
    lines.map(|line| line.trim_start_matches('"').split("\" = ").next().unwrap()).collect()
}

/// Holds a list of the card to what its words make of a feeling: `usual`, but for those of `others`.
fn holds(heading: &str, text: impl Fn(&str) -> String, usual: f64, others: &[(f64, &[&str])]) {
    let words = words(heading);
    let texts: Vec<String> = words.iter().map(|word| text(word)).collect();
    for (word, sum) in words.iter().zip(sums(&texts)) {
        let other = others.iter().find(|(_, list)| list.contains(word));
        assert_eq!(sum, other.map_or(usual, |(sum, _)| *sum), "{word}");
    }
    let known = others.iter().flat_map(|(_, list)| list.iter());
    assert!(known.clone().all(|word| words.contains(word)), "{heading}");
}

#[test]
fn sc_7_groups_of_words_reach_from_fraud_to_love() {
    let samples = [
        ("scam", -0.9),
        ("rude", -0.8),
        ("broken", -0.7),
        ("不推荐", -0.6),
        ("起球", -0.5),
        ("延误", -0.4),
        ("not cool", -0.3),
        ("easy money", 0.0),
        ("没压力", 0.3),
        ("decent", 0.4),
        ("不错", 0.5),
        ("周到", 0.6),
        ("出色", 0.7),
        ("excellent", 0.8),
        ("😍", 0.9),
    ];
    let texts = samples.map(|(text, _)| text.to_owned());
    assert_eq!(sums(&texts), samples.map(|(_, sum)| sum));
}

#[test]
fn sc_7_negations_turn_a_feeling_by_seven_tenths_and_mild_ones_by_half() {
    #[rustfmt::skip]
    let mild = [
        "不太", "不怎么", "不怎麼", "不大", "没那么", "沒那麼", "没有那么", "沒有那麼", "不那么", "不那麼", "不是很", "不很", "没怎么", "沒怎麼",
        "没多", "沒多", "不算很", "hardly", "barely", "scarcely", "rarely", "seldom", "not very", "not really", "not that", "not so",
        "not too", "isn't very", "wasn't very",
    ];
    holds("negations", |word| format!("{word} 茶壺"), -0.42, &[(-0.3, &mild)]);
}

#[test]
fn sc_7_degrees_raise_a_feeling_by_half_or_less_and_lower_it_to_six_tenths() {
    #[rustfmt::skip]
    let strong = [
        "很", "挺", "真", "真的", "确实", "確實", "更", "更加", "蛮", "蠻", "颇", "頗", "多么", "多麼", "完全", "彻底", "徹底", "越来越", "越來越",
    ];
    let some = ["quite", "pretty", "rather", "fairly", "much", "more"];
    #[rustfmt::skip]
    let little = [
        "有点", "有點", "有点儿", "有點兒", "有些", "稍微", "略", "略微", "稍", "还算", "還算", "比较", "比較", "一点", "一點", "slightly", "somewhat",
        "a bit", "a little", "kinda", "sort of", "mildly",
    ];
    let others: [(f64, &[&str]); 3] = [(0.78, &strong), (0.72, &some), (0.36, &little)];
    holds("degrees", |word| format!("{word} 茶壺"), 0.9, &others);
}

#[test]
fn sc_7_before_a_contrast_four_tenths_of_a_feeling_are_left() {
    // 0.4 of 0.6, and all of -0.5.
    holds("contrasts", |word| format!("茶壺 {word} 茶杯"), -0.26, &[]);
}
