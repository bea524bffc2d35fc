//! Answers that break the contract are refused at the edge, with column and row.

use playbook_model::{Batch, Columns, Context, Fault, Outcome, Proposals};
use playbook_runtime::{LoadOptions, RuntimeError};

use crate::support::{Host, behaves, fault_of, incentive, opening, rows, score, scoring, settings};

fn malformed(mode: &str) -> String {
    match fault_of(mode, &LoadOptions::default(), 3) {
        Fault::Malformed(text) => text,
        other => panic!("`{mode}` is not malformed: {other}"),
    }
}

#[test]
fn column_of_the_wrong_length_is_refused() {
    assert_eq!(malformed("short-column"), "list `reals` has 2 entries, 3 are declared for 3 rows");
    assert_eq!(
        malformed("long-column"),
        "list `integers` has 7 entries, 6 are declared for 3 rows"
    );
    assert_eq!(
        malformed("short-validity"),
        "list `valid` has 0 entries, 3 are declared for 3 rows"
    );
}

#[test]
fn nan_and_infinity_are_refused() {
    assert_eq!(malformed("nan"), "column `score` row 2: NaN is not finite");
    assert_eq!(malformed("infinity"), "column `score` row 2: -inf is not finite");
}

#[test]
fn negative_money_is_refused_where_the_output_excludes_it() {
    assert_eq!(malformed("negative-money"), "column `paid` row 2: -1 is outside 0 to open");
}

#[test]
fn positions_outside_their_list_are_refused() {
    assert_eq!(
        malformed("unknown-category"),
        "column `tier` row 2: 2 is no position in its 2 categories"
    );
    assert_eq!(malformed("unknown-reason"), "list `reasons` entry 0: 0 is no position in 0");
}

#[test]
fn explanation_of_an_unknown_output_is_refused() {
    let host = Host::new();
    let explain = |mode| {
        let opened = host.open(mode, &LoadOptions::default());
        opened.explain(&Context::default(), &rows(1)).unwrap()
    };
    assert_eq!(explain("good").map(|f| f.len()), Ok(1));
    assert_eq!(
        explain("unknown-output"),
        Err(Fault::Malformed("factor 0 names no input or output of the rows".to_owned()))
    );
}

#[test]
fn shape_with_an_output_declared_twice_is_refused() {
    let host = Host::new();
    let plugin = host.runtime.load(scoring(), &LoadOptions::default()).unwrap();
    assert_eq!(
        plugin.check(&settings("twice-declared")).unwrap(),
        Err(Fault::Malformed("output `score` is declared twice".to_owned()))
    );
}

#[test]
fn refused_settings_come_with_path_and_hint() {
    let host = Host::new();
    let plugin = host.runtime.load(scoring(), &LoadOptions::default()).unwrap();
    let Err(Fault::Settings(problems)) = plugin.check("{}").unwrap() else { panic!("accepted") };
    assert_eq!(problems[0].path, "/mode");
    assert_eq!(problems[0].hint.as_deref(), Some("good"));
}

#[test]
fn refusal_is_a_value_in_printable_words_and_keeps_the_instance() {
    let host = Host::new();
    let opened = host.open("refuse", &LoadOptions::default());
    for _ in 0..3 {
        assert_eq!(score(&opened, 1), Err(Fault::Refusal("no\\u{1b}[31m way".to_owned())));
    }
    assert_eq!(opened.usage().instances, 1);
}

fn proposed(mode: &str) -> Outcome<Proposals> {
    let host = Host::new();
    let good = host.open("good", &LoadOptions::default());
    let plugin = host.runtime.load(incentive(), &LoadOptions::default()).unwrap();
    let opened = plugin.open(opening(mode)).unwrap().unwrap();
    let batch =
        Batch { rows: 3, columns: Columns { integers: vec![7, 8, 9], ..Columns::default() } };
    let outcome = opened.propose(&Context::default(), &batch).unwrap();
    assert!(behaves(&good));
    outcome
}

#[test]
fn proposals_that_break_the_contract_are_refused() {
    assert_eq!(proposed("good").map(|p| p.cost), Ok(vec![100; 3]));
    for (mode, text) in [
        ("negative-cost", "list `cost` entry 2: -100 is negative"),
        ("negative-quantity", "list `quantity` entry 2: -1 is negative"),
        ("negative-output", "list `expected-output` entry 2: -9223372036854775808 is negative"),
        ("unknown-action", "list `action` entry 0: 1 is no position in 1"),
        ("unknown-row", "list `row` entry 2: 3 is no position in 3"),
        ("unsorted", "list `row` does not ascend"),
        ("short-list", "list `cost` has 2 entries, 3 are declared"),
        ("late", "proposal 0 ends before it begins"),
        ("ends-now", "proposal 1 ends before it begins"),
        ("endless-start", "list `after-min` entry 0: none-index is no minute"),
        ("no-reason", "list `reason` entry 2: 4294967295 is no position in 1"),
    ] {
        assert_eq!(proposed(mode), Err(Fault::Malformed(text.to_owned())), "{mode}");
    }
}

#[test]
fn an_end_and_none_stand_side_by_side() {
    let ends = proposed("mixed-ends").map(|p| (0..3).map(|at| p.until(at)).collect::<Vec<_>>());
    assert_eq!(ends, Ok(vec![None, Some(10), Some(15)]));
    assert_eq!(proposed("good").map(|p| p.until(0)), Ok(None));
}

#[test]
fn several_proposals_for_one_row_are_allowed() {
    assert_eq!(proposed("twenty-each").map(|p| p.row.len()), Ok(60));
}

#[test]
fn call_of_another_kind_and_rows_of_another_shape_are_faults_of_the_host() {
    let host = Host::new();
    let opened = host.open("good", &LoadOptions::default());
    let context = Context::default();
    assert!(matches!(opened.assign(&context, &rows(1)), Err(RuntimeError::WrongKind { .. })));
    let short = Batch { rows: 2, columns: Columns { reals: vec![1.0], ..Columns::default() } };
    assert!(matches!(opened.score(&context, &short), Err(RuntimeError::Input { .. })));
    let many = Batch { rows: 65_537, columns: Columns::default() };
    assert!(matches!(opened.score(&context, &many), Err(RuntimeError::Input { .. })));
    assert!(behaves(&opened));
}

#[test]
fn empty_batch_has_an_empty_answer() {
    let host = Host::new();
    let opened = host.open("good", &LoadOptions::default());
    assert_eq!(score(&opened, 0).map(|a| a.columns.reals.len()), Ok(0));
}
