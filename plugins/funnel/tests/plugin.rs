//! The plugin as the host calls it, and its cards.
#![allow(clippy::unwrap_used, reason = "tests")]

use funnel::Funnel;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, Test, json, plugin};

macro_rules! card {
    ($name:literal) => {
        plugin::<Funnel>().card(include_str!(concat!("../cards/", $name, ".toml")))
    };
}

fn diagnose(test: Test<Funnel>, data: Data) -> TablesGiven {
    test.table(data).open().unwrap().diagnose().unwrap()
}

const STEPS: [&str; 5] = ["follow", "growth", "first_purchase", "repeat", "spread"];

fn community(members: [i64; 5], tests: [Option<i64>; 5]) -> Data {
    let columns = [
        "members_followed",
        "members_joined",
        "members_bought",
        "members_bought_again",
        "members_spread",
    ];
    let data = columns
        .iter()
        .zip(members)
        .fold(Data::new(), |data, (name, count)| data.integer(name, [count]));
    STEPS
        .iter()
        .zip(tests)
        .fold(data, |data, (step, count)| data.integer(&format!("tests_{step}"), [count]))
}

#[test]
fn y017_counts_and_rates_of_each_step_and_the_weakest_is_named() {
    let given = diagnose(card!("conversion-5"), community([1_000, 800, 80, 40, 10], [Some(1); 5]));
    let table = given.table(0);
    let rates: Vec<_> =
        STEPS.iter().map(|step| table.rounded(&format!("{step}_rate"), 0)).collect();
    assert_eq!(rates, [None, Some(0.8), Some(0.1), Some(0.5), Some(0.25)]);
    let members: Vec<_> =
        STEPS.iter().map(|step| table.real(&format!("{step}_members"), 0).unwrap()).collect();
    assert_eq!(members, [1_000.0, 800.0, 80.0, 40.0, 10.0]);
    assert_eq!(table.category("weakest", 0), Some("first-purchase"));
    let weak: Vec<_> = given.findings_of("weak-first-purchase").collect();
    assert_eq!((weak.len(), weak[0].value, weak[0].threshold), (1, Some(0.1), Some(1.0)));
    assert_eq!(given.findings.len(), 1);
}

#[test]
fn y017_a_step_without_a_test_is_flagged() {
    let tests = [Some(1), None, Some(0), Some(2), Some(1)];
    let given = diagnose(card!("conversion-5"), community([9, 9, 9, 9, 9], tests));
    let tested: Vec<_> =
        STEPS.iter().map(|step| given.table(0).integer(&format!("{step}_tested"), 0)).collect();
    assert_eq!(tested, [Some(1), Some(0), Some(0), Some(1), Some(1)]);
    assert_eq!(given.findings_of("untested-growth").count(), 1);
    assert_eq!(given.findings_of("untested-first-purchase").count(), 1);
    assert_eq!(given.findings.len(), 2, "a rate of 1 is not weak");
    // Each step asks for a test of its own, one at least, and a brand that counts no tests has none.
    for (at, step) in STEPS.iter().enumerate() {
        let mut tests = [Some(1); 5];
        tests[at] = Some(0);
        let given = diagnose(card!("conversion-5"), community([9; 5], tests));
        assert_eq!(given.findings.len(), 1, "{step}");
        assert_eq!(given.table(0).integer(&format!("{step}_tested"), 0), Some(0));
    }
    let shape = card!("conversion-5").shape().unwrap();
    let needed =
        shape.tables[0].columns.iter().filter(|need| need.required).map(|n| n.source.name());
    assert!(needed.clone().count() == 5 && needed.clone().all(|name| name.starts_with("members_")));
}

#[test]
fn y017_the_steps_of_participation_hold_those_who_stand_above() {
    let data = Data::new()
        .integer("members_cognition", [50, 0])
        .integer("members_interest", [30, 0])
        .integer("members_participation", [15, 0])
        .integer("members_loyalty", [5, 0]);
    let given = diagnose(card!("sas-rates"), data);
    let table = given.table(0);
    let steps = ["cognition", "interest", "participation", "loyalty"];
    let members: Vec<_> =
        steps.iter().map(|step| table.real(&format!("{step}_members"), 0).unwrap()).collect();
    assert_eq!(members, [100.0, 50.0, 20.0, 5.0]);
    let rates: Vec<_> =
        steps.iter().map(|step| table.rounded(&format!("{step}_rate"), 0)).collect();
    assert_eq!(rates, [None, Some(0.5), Some(0.4), Some(0.25)]);
    assert_eq!(
        (table.category("weakest", 0), table.category("weakest", 1)),
        (Some("loyalty"), None)
    );
    assert_eq!(given.findings_of("no-members").count(), 1);
}

#[test]
fn a_step_is_held_against_what_is_expected_of_it() {
    let over = json!({ "finding_below": 0.9, "step": {
        "growth": { "expected": 0.9 }, "first-purchase": { "expected": 0.1 },
        "repeat": { "expected": 0.5 }, "spread": { "expected": 0.25 } } });
    let given = |joined: i64| {
        let members = [1_000, joined, joined / 10, joined / 20, joined / 80];
        diagnose(card!("conversion-5").with(over.clone()), community(members, [Some(1); 5]))
    };
    assert_eq!(given(800).table(0).category("weakest", 0), Some("growth"));
    let findings = given(800).findings;
    assert!(findings.len() == 1 && (findings[0].threshold.unwrap() - 0.81).abs() < 1e-12);
    assert!(given(880).findings.is_empty());
}

#[test]
fn the_card_of_the_page_gives_what_the_page_says() {
    let page = include_str!("../../../docs/models/funnel.md");
    let block = page.split("## Make a card of your own").nth(1).unwrap();
    let card = block.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let data =
        Data::new().integer("visits", [100]).integer("orders_30d", [4]).integer("reviews_30d", [2]);
    let given = diagnose(plugin::<Funnel>().card(card), data);
    assert_eq!(given.table(0).category("weakest", 0), Some("order"));
    assert_eq!(given.table(0).rounded("review_rate", 0), Some(0.5));
    assert_eq!(given.findings_of("untested-review").count(), 1);
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    let cases: [(Value, &str, &str); 6] = [
        (json!({ "order": ["follow", "gone"] }), "/order/1", "no step"),
        (json!({ "order": ["follow", "follow"] }), "/order/1", "already"),
        (
            json!({ "step": { "follow": { "members": "a > 1" } } }),
            "/step/follow/members",
            "a number",
        ),
        (json!({ "step": { "follow": { "tested": "a" } } }), "/step/follow/tested", "a condition"),
        (json!({ "step": { "follow": { "expected": 1.1 } } }), "/step/follow/expected", ""),
        (json!({ "finding_below": -1 }), "/finding_below", ""),
    ];
    for (over, path, message) in cases {
        let problems = card!("conversion-5").with(over.clone()).problems();
        let told = problems.list().iter().any(|p| p.path == path && p.message.contains(message));
        assert!(told, "{over}: {problems}");
    }
}

#[test]
fn a_name_that_nothing_uses_is_refused() {
    let problems = card!("conversion-5").with(json!({ "numbers": { "few": 1 } })).problems();
    assert_eq!((problems.len(), problems.list()[0].path.as_str()), (1, "/numbers/few"));
    // What is left out for now keeps what it uses.
    let over = json!({ "order": ["follow"], "numbers": { "few": 1 }, "step": { "spread": { "tested": "a > few" } } });
    let problems = card!("conversion-5").with(over).problems();
    assert!(problems.is_empty(), "{problems}");
}
