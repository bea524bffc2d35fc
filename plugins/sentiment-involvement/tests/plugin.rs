//! SC-7: the arithmetic of a feeling on a small word list, members and communities.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, RowsGiven, json, plugin};
use sentiment_involvement::Sentiment;

fn list() -> Value {
    json!({
        "words": {
            "liked": { "feeling": 0.6, "words": ["good", "huge"] },
            "fine": { "feeling": 0.5, "words": ["好", "不错"] },
            "faults": { "feeling": -0.7, "words": ["bad"] },
            "phrases": { "words": ["not only"] },
        },
        "own": { "很烂": -0.8 },
        "negations": { "not": -0.7, "never": -0.7, "不": -0.7 },
        "degrees": { "very": 1.5, "slightly": 0.5, "非常": 1.5 },
        "contrasts": { "but": 0.4, "但是": 0.4 },
    })
}

fn score(over: &Value, texts: &[&str]) -> RowsGiven {
    let data = Data::new().text("text", texts.iter().copied());
    let test = plugin::<Sentiment>().settings(list()).with(over.clone());
    test.open().unwrap().score(&data).unwrap()
}

/// The sum of feelings behind a sentiment, from the scale.
fn sum_of(text: &str) -> f64 {
    let sentiment = score(&json!({}), &[text]).real("sentiment", 0).unwrap();
    let sum = 0.7 * sentiment / (1.0 - sentiment * sentiment).sqrt();
    (sum * 1e4).round() / 1e4
}

#[test]
fn sc_7_a_sum_of_the_scale_gives_0_71() {
    let bad = score(&json!({}), &["bad"]).real("sentiment", 0).unwrap();
    assert!(bad < 0.0 && (bad * bad - 0.5).abs() < 1e-12);
    assert_eq!(score(&json!({}), &["good"]).rounded("sentiment", 0), Some(0.6508));
    assert_eq!(score(&json!({}), &["so what"]).rounded("sentiment", 0), Some(0.0));
}

#[test]
fn sc_7_negations_turn_and_degrees_weigh() {
    for (text, sum) in [
        ("good", 0.6),
        ("Good, GOOD!", 1.2),
        ("not good", -0.42),
        ("never not good", 0.294),
        ("very good", 0.9),
        ("not very good", -0.63),
        ("slightly bad", -0.35),
        ("非常好", 0.75),
        ("不好", -0.35),
        ("不错", 0.5),
        ("not only good", 0.6),
        ("badge goodness", 0.0),
    ] {
        assert_eq!(sum_of(text), sum, "{text}");
    }
}

#[test]
fn sc_7_a_negation_reaches_four_words_and_no_other_clause() {
    assert_eq!(sum_of("not a b c d good"), -0.42);
    assert_eq!(sum_of("not a b c d e good"), 0.6);
    assert_eq!(sum_of("not, good"), 0.45);
    // It is of the next feeling alone.
    assert_eq!(sum_of("not good bad"), -1.12);
}

#[test]
fn sc_7_a_bare_negation_is_a_complaint_and_a_question_is_none() {
    assert_eq!(sum_of("it does not fit"), -0.15);
    assert_eq!(sum_of("does it not fit?"), 0.0);
    assert_eq!(sum_of("it does not fit. not today! good"), 0.3);
    let silent = json!({ "bare_negation": 0.0 });
    assert_eq!(score(&silent, &["it does not fit"]).real("sentiment", 0), Some(0.0));
}

#[test]
fn sc_7_what_comes_after_a_contrast_counts_most() {
    assert_eq!(sum_of("good but bad"), -0.46);
    assert_eq!(sum_of("bad but good"), 0.32);
    assert_eq!(sum_of("很烂但是好"), 0.18);
}

#[test]
fn sc_7_moods_begin_at_a_tenth() {
    // Sums of 0.07 and 0.0711 lie on both sides of a sentiment of 0.1.
    let mood = |word: f64| {
        let over = json!({ "own": { "plain": word } });
        score(&over, &["plain"]).category("mood", 0).unwrap().to_owned()
    };
    assert_eq!((mood(0.07), mood(0.0711)), ("neutral".to_owned(), "positive".to_owned()));
    assert_eq!((mood(-0.07), mood(-0.0711)), ("neutral".to_owned(), "negative".to_owned()));
    assert_eq!(score(&json!({}), &["good bad a"]).integer("feeling_words", 0), Some(2));
}

#[test]
fn no_text_and_no_list_say_so() {
    let data = Data::new().text("text", [Some("good"), None, Some("  ")]);
    let given = plugin::<Sentiment>().open().unwrap().score(&data).unwrap();
    let reasons: Vec<_> = (0..3).map(|row| given.reason(row)).collect();
    assert_eq!(reasons, [Some("no-words"), Some("no-text"), Some("no-text")]);
    assert_eq!(given.real("sentiment", 0), None);
}

#[test]
fn y007_three_a_day_are_involved_and_three_days_a_week_deep() {
    let data = Data::new()
        .integer("interactions_30d", [Some(89), Some(90), None])
        .integer("interaction_days_28d", [Some(11), Some(12), None])
        .integer("texts_30d", [2, 3, 3])
        .real("text_sentiment_30d", [Some(0.4), Some(-0.4), None]);
    let settings = json!({ "scope": "member" });
    let given = plugin::<Sentiment>().settings(settings).open().unwrap().score(&data).unwrap();
    let flags = |name| (0..3).map(|row| given.integer(name, row)).collect::<Vec<_>>();
    assert_eq!(flags("involved"), [Some(0), Some(1), None]);
    assert_eq!(flags("deep"), [Some(0), Some(1), None]);
    let sentiments: Vec<_> = (0..3).map(|row| given.real("sentiment_30d", row)).collect();
    assert_eq!(sentiments, [None, Some(-0.4), None]);
    assert_eq!((given.reason(0), given.reason(1)), (Some("few-texts"), None));
}

#[test]
fn sc_7_communities_have_shares_from_30_members() {
    let data = Data::new()
        .integer("members", [29, 30, 200])
        .integer("involved_members", [Some(29), Some(3), None])
        .integer("deep_members", [Some(29), Some(6), Some(50)]);
    let settings = json!({ "scope": "community" });
    let given = plugin::<Sentiment>().settings(settings).open().unwrap().score(&data).unwrap();
    let share = |name, row| given.real(name, row);
    assert_eq!((share("involved_share", 0), given.reason(0)), (None, Some("few-members")));
    assert_eq!((share("involved_share", 1), share("deep_share", 1)), (Some(0.1), Some(0.2)));
    assert_eq!((share("involved_share", 2), share("deep_share", 2)), (None, Some(0.25)));
}

#[test]
fn the_word_of_a_brand_wins_over_its_group() {
    let mood = |own: f64| {
        let given = score(&json!({ "own": { "bad": own } }), &["bad"]);
        given.category("mood", 0).unwrap().to_owned()
    };
    assert_eq!(
        (mood(-0.1), mood(0.0), mood(0.7)),
        ("negative".to_owned(), "neutral".to_owned(), "positive".to_owned())
    );
}

#[test]
fn words_out_of_range_and_in_two_lists_are_refused() {
    let over = json!({ "own": { "not": -0.5, "huge": 1.5 }, "negations": { "up": 0.5 }, "degrees": { "": 1.0 } });
    let problems = plugin::<Sentiment>().settings(list()).with(over).problems();
    let paths: Vec<&str> = problems.list().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["/own/huge", "/negations/not", "/negations/up", "/degrees/"]);
}
