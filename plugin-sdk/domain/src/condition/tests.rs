//! Conditions as operators write them: what holds, what does not, and what is no condition.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

/// A row by name.
struct Row<'a> {
    names: Vec<String>,
    real: &'a [(&'a str, f64)],
    text: &'a [(&'a str, &'a str)],
}

fn find<T: Copy>(cells: &[(&str, T)], name: &str) -> Option<T> {
    cells.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

impl Lookup for Row<'_> {
    fn real(&self, column: usize) -> Option<f64> {
        find(self.real, &self.names[column])
    }
    fn text(&self, column: usize) -> Option<&str> {
        find(self.text, &self.names[column])
    }
}

const REAL: [(&str, f64); 4] =
    [("orders_90d", 2.0), ("spend", 90.0), ("zero", 0.0), ("churn-7d.risk", 0.5)];
const TEXT: [(&str, &str); 2] = [("churn-7d.level", "warn"), ("city", "O'Hare")];

fn row(names: &Names<'_>) -> Row<'static> {
    let names = names.columns().map(|(name, _)| name.to_owned()).collect();
    Row { names, real: &REAL, text: &TEXT }
}

fn numbers() -> [(String, f64); 2] {
    [("often".to_owned(), 2.0), ("rate".to_owned(), 0.1)]
}

fn truth(text: &str) -> Option<bool> {
    let numbers = numbers();
    let mut names = Names::new(&numbers);
    let condition = names.condition(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    condition.truth(&row(&names))
}

fn amount(text: &str) -> Option<f64> {
    let numbers = numbers();
    let mut names = Names::new(&numbers);
    let amount = names.amount(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    amount.of(&row(&names))
}

#[test]
fn comparisons_take_their_bounds_as_sql_does() {
    for (text, want) in [
        ("orders_90d >= 2", true),
        ("orders_90d > 2", false),
        ("orders_90d <= 2", true),
        ("orders_90d < 2", false),
        ("orders_90d = 2.0", true),
        ("orders_90d <> 2", false),
        ("orders_90d != 3", true),
        ("orders_90d between 2 and 3", true),
        ("orders_90d between 3 and 4", false),
        ("orders_90d between 1 and 2", true),
        ("orders_90d not between 1 and 2", false),
        ("orders_90d in (1, 2)", true),
        ("orders_90d not in (1, 3)", true),
        ("churn-7d.level = 'warn'", true),
        ("churn-7d.level in ('warn', 'critical')", true),
        ("churn-7d.level not in ('warn', 'critical')", false),
        ("'warn' <> churn-7d.level", false),
        ("city = 'O''Hare'", true),
        ("TRUE", true),
        ("Not False", true),
        ("orders_90d >= often", true),
    ] {
        assert_eq!(truth(text), Some(want), "{text}");
    }
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    assert_eq!(truth("true or true and false"), Some(true));
    assert_eq!(truth("(true or true) and false"), Some(false));
    assert_eq!(truth("not true or true"), Some(true));
    assert_eq!(truth("not (true or true)"), Some(false));
    assert_eq!(truth("not orders_90d = 2 and true"), Some(false));
    assert_eq!(truth("false or false or true"), Some(true));
    assert_eq!(truth("orders_90d between 1 and 3 and false"), Some(false));
}

#[test]
fn what_is_missing_leaves_open_what_it_could_decide() {
    for (text, want) in [
        ("gone > 1", None),
        ("not gone > 1", None),
        ("gone > 1 or true", Some(true)),
        ("gone > 1 or false", None),
        ("gone > 1 and false", Some(false)),
        ("gone > 1 and true", None),
        ("gone is null", Some(true)),
        ("gone is not null", Some(false)),
        ("city is null", Some(false)),
        ("city is not null and city = 'x'", Some(false)),
        ("gone + 1 is null", Some(true)),
        ("gone in (1, 2)", None),
        ("gone between 1 and 2", None),
        ("orders_90d in (2, gone)", Some(true)),
        ("orders_90d in (3, gone)", None),
        ("orders_90d not in (3, gone)", None),
        ("spend / zero > 1", None),
        ("spend / zero is null", Some(true)),
    ] {
        assert_eq!(truth(text), want, "{text}");
    }
    let mut names = Names::new(&[]);
    let open = names.condition("gone > 1").unwrap();
    assert!(!open.holds(&row(&names)));
}

#[test]
fn amounts_are_computed_in_the_usual_order() {
    for (text, want) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("8 - 4 - 2", 2.0),
        ("8 / 4 / 2", 1.0),
        ("-2 * -3", 6.0),
        ("- (1 + 1)", -2.0),
        ("rate * spend", 9.0),
        ("spend -1", 89.0),
        ("spend - orders_90d", 88.0),
        ("least(spend * rate, 5)", 5.0),
        ("greatest(spend * rate, 5)", 9.0),
        ("least(gone, 7)", 7.0),
        ("coalesce(gone, 10)", 10.0),
        ("coalesce(spend, 10)", 90.0),
    ] {
        assert_eq!(amount(text), Some(want), "{text}");
    }
    assert_eq!(amount("gone + 1"), None);
    assert_eq!(amount("1 / zero"), None);
}

#[test]
fn parentheses_change_nothing_but_the_order() {
    assert_eq!(amount("(2)"), Some(2.0));
    assert_eq!(truth("((orders_90d)) = 2"), Some(true));
    assert_eq!(truth("(orders_90d + 1) > 2 and (true)"), Some(true));
}

#[test]
fn use_decides_what_a_column_holds() {
    let numbers = numbers();
    let mut names = Names::new(&numbers);
    names.condition("churn-7d.level = 'ok' and orders_90d > often or gone is null").unwrap();
    names.condition("a.b-c_2d = churn-7d.level").unwrap();
    let seen: Vec<_> = names.columns().collect();
    let want = [
        ("churn-7d.level", Kind::Text),
        ("orders_90d", Kind::Real),
        ("gone", Kind::Real),
        ("a.b-c_2d", Kind::Text),
    ];
    assert_eq!(seen, want);
}

fn fault(text: &str) -> (usize, String) {
    let numbers = numbers();
    let fault = Names::new(&numbers).condition(text).unwrap_err();
    (fault.column, fault.to_string())
}

#[test]
fn a_fault_tells_its_column_what_was_expected_and_what_was_found() {
    for (text, column, want) in [
        ("", 1, "a name, a number or a text in single quotes, found the end"),
        ("orders_90d >", 13, "a name, a number or a text in single quotes, found the end"),
        ("orders_90d", 1, "a condition"),
        ("3 and true", 1, "a condition"),
        ("true and orders_90d + 1", 10, "a condition"),
        ("orders_90d >= 'x' ", 1, "a text: the other side is one"),
        ("a = 'x' and a > 1", 17, "a text: the other side is one, found `1`"),
        ("a = 'x' and a + 1 > 1", 13, "a number: the name stands for texts elsewhere, found `a`"),
        ("a > 1 and a = 'x'", 11, "a text: the name stands for numbers elsewhere"),
        ("a > 1 b", 7, "an operator or the end, found `b`"),
        ("(a > 1", 7, "`)`, found the end"),
        ("a is 3", 6, "`null` or `not null`"),
        ("a not 3", 7, "`in` or `between`"),
        ("a between 1 or 2", 13, "`and` with the upper bound"),
        ("a in 1", 6, "`(` with a list"),
        ("a in (1 2)", 9, "`,` or `)`"),
        ("'社群' = 'x' ; true", 12, "a sign, found `;`"),
        ("a = 'x", 5, "a text with a quote at its end"),
        ("a > 1.2.3", 5, "a number of at most 15 digits"),
        ("sqrt(a) > 1", 1, "one of least, greatest, coalesce"),
        ("least(a > 1) > 1", 9, "`,` or `)`"),
        ("a = 1 = 2", 1, "a number or a name of numbers"),
        ("and", 1, "a name, a number or a text in single quotes, found `and`"),
        ("a > \"b\"", 5, "a sign"),
    ] {
        let text = text.replace("orders_90d >= 'x' ", "1 >= 'x'");
        let (at, said) = fault(&text);
        assert!(at == column && said.contains(want), "{text}: {said}");
        assert!(said.starts_with(&format!("column {column}: expected ")), "{said}");
    }
}

#[test]
fn a_known_kind_is_kept_where_a_later_text_is_refused() {
    let numbers = numbers();
    let mut names = Names::new(&numbers);
    names.condition("a = 'x'").unwrap();
    assert!(names.condition("a > 1").is_err());
    assert_eq!(names.columns().next(), Some(("a", Kind::Text)));
}

#[test]
fn length_depth_and_columns_are_bounded() {
    let long = |length: usize| format!("{}true", " ".repeat(length - 4));
    assert_eq!(truth(&long(LENGTH_MAX)), Some(true));
    assert!(fault(&long(LENGTH_MAX + 1)).1.contains("at most 1000 bytes"));
    let deep = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(truth(&deep(DEPTH_MAX - 1)), Some(true));
    let (at, said) = fault(&deep(DEPTH_MAX));
    assert!(at == DEPTH_MAX + 1 && said.contains("at most 32 levels"), "{said}");
    assert!(fault(&format!("{}true", "not ".repeat(DEPTH_MAX))).1.contains("32 levels"));

    let mut names = Names::new(&[]);
    for at in 0..COLUMNS_MAX {
        names.condition(&format!("c{at} > 0")).unwrap();
    }
    names.condition("c0 > 1").unwrap();
    let fault = names.condition("one_more > 1").unwrap_err();
    assert_eq!((fault.column, fault.expected), (1, "at most 512 columns in all"));
}

#[test]
fn a_long_chain_is_no_deep_nesting() {
    let chain = vec!["orders_90d > 9"; 40].join(" or ");
    assert_eq!(truth(&chain), Some(false));
    let sum = vec!["1"; 200].join(" + ");
    assert_eq!(amount(&sum), Some(200.0));
}
