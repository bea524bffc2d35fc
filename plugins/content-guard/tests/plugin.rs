//! DG-11: which texts wait, and which do not.
#![allow(clippy::unwrap_used, reason = "tests")]

use content_guard::ContentGuard;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, RowsGiven, json, plugin};

const CARD: &str = include_str!("../cards/content-guard-zh-en.toml");

fn screen(over: &Value, texts: &[&str]) -> RowsGiven {
    let data = Data::new().text("text", texts.iter().copied());
    let test = plugin::<ContentGuard>().card(CARD).with(over.clone());
    test.open().unwrap().screen(&data).unwrap()
}

fn waits(text: &str) -> bool {
    screen(&json!({}), &[text]).integer("waits", 0) == Some(1)
}

#[test]
fn y080_an_item_with_a_listed_word_waits_for_a_person() {
    for (text, kind, word) in [
        ("这款面膜100%有效，快来买", "claim", "100%有效"),
        ("不满意就加我微信，线下转账便宜", "diversion", "加我微信"),
        ("你这个脑残", "abuse", "脑残"),
        ("周末一起下注吧", "gambling", "下注"),
        ("我們招人，刷單兼職，日賺千元", "fraud", "刷單兼職"),
        ("A miracle cure for tired skin", "claim", "miracle cure"),
        ("You idiot", "abuse", "idiot"),
        ("Add me on WhatsApp for a deal", "diversion", "add me on whatsapp"),
    ] {
        let given = screen(&json!({}), &[text]);
        assert_eq!(given.integer("waits", 0), Some(1), "{text}");
        assert_eq!(given.category("kind", 0), Some(kind), "{text}");
        assert_eq!(given.text("word", 0), Some(word), "{text}");
        let reason = if kind == "claim" { "claim" } else { "listed-word" };
        assert_eq!(given.reason(0), Some(reason), "{text}");
    }
}

#[test]
fn y080_harmless_texts_pass() {
    for text in [
        "今天的茶很香，谢谢大家",
        "明天下午三点直播，不见不散",
        "這部電影特效做得真好",
        "社区开展反传销宣传",
        "The workshop starts at 10, bring 2 cups",
        "Idiotic is another word",
        "订单号 20240611，请查收",
        "",
    ] {
        let given = screen(&json!({}), &[text]);
        assert_eq!(given.integer("waits", 0), Some(0), "{text}");
        assert_eq!((given.reason(0), given.category("kind", 0)), (None, None), "{text}");
    }
}

#[test]
fn dg_11_the_list_has_at_least_100_entries_and_a_version() {
    let list = CARD.rsplit("[stage.settings.words]\n").next().unwrap();
    assert!(list.lines().filter(|line| line.starts_with('"')).count() >= 100);
    assert!(CARD.contains("version = \"0.1.0\"") && CARD.contains("Provenance"));
}

#[test]
fn dg_11_signs_between_characters_hide_nothing() {
    assert!(waits("加-微*信 聊"));
    assert!(waits("加 微 信"));
    assert!(waits("ＡＤＤ ＭＹ ＷＥＣＨＡＴ"));
    let plain = json!({ "ignored": "" });
    assert_eq!(screen(&plain, &["加-微*信 聊"]).integer("waits", 0), Some(0));
}

#[test]
fn dg_11_prices_are_found_and_other_numbers_are_not() {
    for (text, prices) in [
        ("只要¥99.00", 1),
        ("现价 199 元，原价￥299", 2),
        ("RMB1,299 only", 1),
        ("it costs 20 dollars or $ 18", 2),
        ("三百二十块", 0),
        ("第3期，共12人", 0),
        ("2024-06-11 10:30", 0),
        ("$ and 5", 0),
    ] {
        let given = screen(&json!({}), &[text]);
        assert_eq!(given.integer("prices", 0), Some(prices), "{text}");
        assert_eq!(given.integer("waits", 0), Some(i64::from(prices > 0)), "{text}");
    }
    assert_eq!(screen(&json!({}), &["¥9"]).reason(0), Some("price"));
    let free = json!({ "review_prices": false });
    assert_eq!(screen(&free, &["¥9"]).integer("waits", 0), Some(0));
}

#[test]
fn dg_11_reports_and_machine_made_texts_wait_too() {
    let data = Data::new()
        .text("text", [Some("谢谢"), Some("谢谢"), Some("谢谢"), Some("谢谢"), None])
        .text("origin", [Some("AIGC"), Some("UGC"), Some("PGC"), None, None])
        .integer("reports", [Some(0), Some(1), Some(0), None, Some(9)]);
    let ask = |over: Value| {
        plugin::<ContentGuard>().card(CARD).with(over).open().unwrap().screen(&data).unwrap()
    };
    let waiting =
        |given: &RowsGiven| (0..5).map(|row| given.integer("waits", row)).collect::<Vec<_>>();
    let given = ask(json!({}));
    assert_eq!(waiting(&given), [Some(1), Some(1), Some(0), Some(0), None]);
    let reasons: Vec<_> = (0..5).map(|row| given.reason(row)).collect();
    assert_eq!(reasons, [Some("aigc"), Some("reported"), None, None, Some("no-text")]);
    let given = ask(json!({ "review_aigc": false, "reports_from": 2 }));
    assert_eq!(waiting(&given), [Some(0), Some(0), Some(0), Some(0), None]);
}

#[test]
fn the_gravest_kind_is_told_and_all_hits_are_counted() {
    let given = screen(&json!({}), &["加微信领赌博代理，稳赚不赔，第一品牌"]);
    assert_eq!((given.category("kind", 0), given.integer("hits", 0)), (Some("fraud"), Some(4)));
    assert_eq!(given.text("word", 0), Some("稳赚不赔"));
}

#[test]
fn a_brand_adds_and_allows_words_one_by_one() {
    let over = json!({
        "words": { "rivalco": "diversion" },
        "allowed": { "最佳拍檔": true, "最佳影片": false },
    });
    let given = screen(&over, &["buy at RivalCo", "最佳拍檔聯名款", "最佳影片"]);
    let waits: Vec<_> = (0..3).map(|row| given.integer("waits", row).unwrap()).collect();
    assert_eq!(waits, [1, 0, 1]);
}

#[test]
fn a_word_that_is_listed_and_allowed_is_refused() {
    let over = json!({ "words": { "a": "claim" }, "allowed": { "a": true, " ": true } });
    let problems = plugin::<ContentGuard>().settings(over).problems();
    let paths: Vec<&str> = problems.list().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["/words/a", "/words/ ", "/words/a"]);
}
