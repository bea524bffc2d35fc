//! Participation index of eight indicators (SC-2).
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, Test, json, plugin};
use row_card::RowCard;

const CARD: &str = include_str!("../cards/participation-8.toml");

fn test() -> Test<RowCard> {
    plugin::<RowCard>().card(CARD)
}

const NAMES: [&str; 12] = [
    "interactions_30d",
    "posts_30d",
    "answers_30d",
    "orders_90d",
    "active_days_30d",
    "shares_30d",
    "referral_join_90d",
    "campaigns_joined_30d",
    "cocreate_submit_90d",
    "cocreate_accepted_90d",
    "feedback_90d",
    "surveys_90d",
];

fn member(counts: [i64; 12]) -> Data {
    NAMES.iter().zip(counts).fold(Data::new(), |data, (name, count)| data.integer(name, [count]))
}

fn index(counts: [i64; 12]) -> Option<f64> {
    test().open().unwrap().score(&member(counts)).unwrap().rounded("index", 0)
}

#[test]
fn y002_sc_2_the_check_vector_gives_32_2917() {
    let given = test().open().unwrap().score(&member([25, 1, 1, 1, 10, 2, 1, 2, 0, 0, 0, 0]));
    let given = given.unwrap();
    assert_eq!(given.rounded("index", 0), Some(32.2917));
    assert_eq!(given.rounded("coverage", 0), Some(1.0));
}

#[test]
fn sc_2_each_target_is_full_at_its_count_and_weighs_an_eighth() {
    let targets =
        [(0, 50), (1, 8), (2, 8), (3, 3), (4, 20), (5, 10), (7, 4), (8, 2), (10, 3), (11, 3)];
    for (at, target) in targets {
        let with = |count| {
            let mut counts = [0; 12];
            counts[at] = count;
            index(counts)
        };
        assert_eq!((with(target), with(target + 1)), (Some(12.5), Some(12.5)), "{}", NAMES[at]);
        let short = 12.5 * (target - 1) as f64 / target as f64;
        assert_eq!(with(target - 1), Some((short * 1e4).round() / 1e4), "{}", NAMES[at]);
    }
    assert_eq!(index([50, 4, 4, 3, 20, 7, 1, 4, 0, 1, 2, 1]), Some(100.0));
}

#[test]
fn referrals_count_three_and_accepted_ideas_two() {
    assert_eq!(index([0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]), Some(3.75));
    assert_eq!(index([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]), Some(12.5));
}

#[test]
fn members_of_whom_too_little_is_known_have_no_index() {
    let known = Data::new()
        .integer("interactions_30d", [Some(50), Some(50), None])
        .integer("orders_90d", [Some(3), Some(3), None])
        .integer("active_days_30d", [Some(20), Some(20), None])
        .integer("campaigns_joined_30d", [Some(4), None, None])
        .integer("posts_30d", [8, 8, 8]);
    let given = test().open().unwrap().score(&known).unwrap();
    assert_eq!(given.real("index", 0), Some(100.0));
    assert_eq!((given.real("index", 1), given.reason(1)), (None, Some("too-little-known")));
    // Posts without answers leave content contribution unknown, not smaller.
    assert_eq!((given.real("index", 2), given.rounded("coverage", 2)), (None, Some(0.0)));
}

#[test]
fn factors_add_up_to_the_index() {
    let opened = test().open().unwrap();
    let data = member([25, 1, 1, 1, 10, 2, 1, 2, 0, 0, 1, 0]);
    let index = opened.score(&data).unwrap().real("index", 0).unwrap();
    let factors = opened.explain(&data).unwrap();
    let sum: f64 = factors.iter().map(|f| f.contribution).sum();
    assert!((sum - index).abs() < 1e-9, "{sum} {index}");
    let spreading: Vec<f64> =
        factors.iter().filter(|f| [5, 6].contains(&f.input)).map(|f| f.contribution).collect();
    // Columns of one indicator stand by name: referrals count three, shares two of five.
    assert!(
        (spreading[0] - 3.75).abs() < 1e-9 && (spreading[1] - 2.5).abs() < 1e-9,
        "{spreading:?}"
    );
}

#[test]
fn the_shape_is_that_of_one_score() {
    let shape = test().shape().unwrap();
    let outputs: Vec<_> = shape.produces.iter().map(|p| (p.name.as_str(), p.role)).collect();
    use playbook_sdk::Role;
    assert_eq!(outputs, [("index", Role::Score), ("coverage", Role::Coverage)]);
    assert_eq!((shape.produces[0].least, shape.produces[0].most), (Some(0.0), Some(100.0)));
    let rows = shape.rows.unwrap();
    let required: Vec<String> =
        rows.columns.iter().filter(|n| n.required).map(|n| n.source.name()).collect();
    assert_eq!((rows.subject.as_str(), required), ("member", vec!["interactions_30d".to_owned()]));
    assert_eq!(rows.columns.len(), 12);
}

#[test]
fn no_rows_give_no_answers() {
    assert!(test().open().unwrap().score(&Data::empty()).unwrap().is_empty());
}

#[test]
fn targets_and_weights_of_ones_own_replace_those_of_the_card() {
    let own = json!({ "indicator": { "frequency": { "hi": 100, "weight": 0.5 } } });
    let given =
        test().with(own).open().unwrap().score(&member([50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    // Half of a target that weighs 0.5 of 1.375.
    assert_eq!(given.unwrap().rounded("index", 0), Some(18.1818));
}
