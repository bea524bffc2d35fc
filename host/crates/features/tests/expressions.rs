//! The language of expressions: what it reads, what it refuses, what it gives.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_features::{Expression, ExpressionError, FaultKind, Values};
use playbook_model::{Bitmap, Cells, Column, NumberMarks};

fn column(name: &str, cells: Cells, missing: &[usize]) -> Column {
    let mut valid = Bitmap::filled(cells.len(), true);
    missing.iter().for_each(|row| valid.set(*row, false));
    Column { name: name.to_owned(), unit: String::new(), cells, valid: Some(valid) }
}

/// Three rows: all there, zeros, all missing.
fn columns() -> Vec<Column> {
    vec![
        column("n", Cells::Small(vec![7, 0, 1]), &[2]),
        column("big", Cells::Integer(vec![i64::MAX, 0, 1]), &[2]),
        column("x", Cells::Real(vec![2.5, 0.0, 1.0]), &[2]),
        column("tier", Cells::Text(["vip", "", "none"].into_iter().collect()), &[2]),
    ]
}

fn compiled(text: &str) -> Result<playbook_features::Compiled, ExpressionError> {
    let columns = columns();
    let type_of = |name: &str| Some(columns.iter().find(|c| c.name == name)?.cells.cell_type());
    Expression::parse(text)?.compile(type_of)
}

/// The values of an expression as text, missing ones as "-".
fn values(text: &str) -> Result<String, FaultKind> {
    let all = columns();
    let compiled = compiled(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let read: Vec<&Column> =
        compiled.names().iter().map(|name| all.iter().find(|c| c.name == *name).unwrap()).collect();
    let whole = compiled.evaluate(&read, 0..3).map_err(|fault| fault.kind)?;
    // One row alone gives what it gives among others.
    for row in 0..3_u32 {
        let alone = compiled.evaluate(&read, row..row + 1).unwrap();
        assert_eq!(shown(&alone)[0], shown(&whole)[row as usize], "{text}");
    }
    Ok(shown(&whole).join(" "))
}

fn shown(values: &Values<'_>) -> Vec<String> {
    fn each<T: std::fmt::Debug>(values: &[Option<T>]) -> Vec<String> {
        let one = |value: &Option<T>| value.as_ref().map_or("-".to_owned(), |v| format!("{v:?}"));
        values.iter().map(one).collect()
    }
    match values {
        Values::Integers(values) => each(values),
        Values::Reals(values) => each(values),
        Values::Texts(values) => each(values),
    }
}

#[test]
fn expressions_give_what_sql_gives() {
    for (text, want) in [
        ("n + 1", "8 1 -"),
        ("-n", "-7 0 -"),
        ("n * 2 - 1", "13 -1 -"),
        ("n / 2", "3.5 0.0 -"),
        ("1 / n", "0.14285714285714285 - -"),
        ("10 % n", "3 - -"),
        ("n + x", "9.5 0.0 -"),
        ("n > 0", "1 0 -"),
        ("n between 1 and 7", "1 0 -"),
        ("n not in (7, 8)", "0 1 -"),
        ("n is null", "0 0 1"),
        ("n > 0 and null", "- 0 -"),
        ("n = 0 or x > 1", "1 1 -"),
        ("(n > 0) is not true", "0 1 1"),
        ("case when n > 1 then 1 when n = 0 then 0 end", "1 0 -"),
        ("case n when 7 then 'seven' else 'other' end", "\"seven\" \"other\" \"other\""),
        ("coalesce(n, 5)", "7 0 5"),
        ("coalesce(x, n, 5)", "2.5 0.0 5.0"),
        ("nullif(n, 0)", "7 - -"),
        ("greatest(n, x, 1)", "7.0 1.0 1.0"),
        ("least(n, 3)", "3 0 3"),
        ("floor(x)", "2.0 0.0 -"),
        ("round(x * 2)", "5.0 0.0 -"),
        ("sqrt(x) > 1", "1 0 -"),
        ("tier = 'vip'", "1 0 -"),
        ("tier || '!'", "\"vip!\" \"!\" -"),
        ("concat(tier, '!')", "\"vip!\" \"!\" \"!\""),
        ("upper(tier)", "\"VIP\" \"\" -"),
        ("tier like 'v%'", "1 0 -"),
        ("starts_with(tier, 'v')", "1 0 -"),
        ("split_part('a/b/c', '/', n - 5)", "\"b\" \"\" -"),
        ("split_part('a/b/c', '/', 0 - 1)", "\"c\" \"c\" \"c\""),
        ("split_part(tier, '', 1)", "\"vip\" \"\" -"),
        ("cast(x as bigint)", "2 0 -"),
        ("cast(n as varchar)", "\"7\" \"0\" -"),
        ("cast(n > 0 as bigint) * 2", "2 0 -"),
        ("not n > 0", "0 1 -"),
        ("\"n\" + N", "14 0 -"),
        ("1e3 + x", "1002.5 1000.0 -"),
    ] {
        assert_eq!(values(text).as_deref(), Ok(want), "{text}");
    }
}

#[test]
fn integers_beyond_64_bits_are_faults_of_the_rows_that_compute_them() {
    for text in
        ["big + 1", "big * 2", "-1 - big - big", "cast(x * 1e300 as bigint)", "0 - (0 - big - 1)"]
    {
        assert_eq!(values(text), Err(FaultKind::Overflow), "{text}");
    }
    // A branch that a row does not take is not computed for it, nor a side that does not decide.
    assert_eq!(values("case when n = 0 then big + 1 else 0 end").as_deref(), Ok("0 1 0"));
    assert_eq!(values("n = 7 or big + 1 > 0").as_deref(), Ok("1 1 -"));
    assert_eq!(values("cast(tier as bigint)"), Err(FaultKind::NotANumber));
    assert_eq!(values("big + 1.0").as_deref(), Ok("9.223372036854776e18 1.0 -"));
}

#[test]
fn what_the_language_lacks_is_refused_at_its_place() {
    for (text, at, part) in [
        ("n + random()", "random", "random"),
        ("now()", "now", "now"),
        ("current_date - 1", "current_date", "current_date"),
        ("n + uuid()", "uuid", "uuid"),
        ("(select 1)", "", "do not have"),
        ("sum(n)", "sum", "sum"),
        ("n +", "", "expected"),
        ("n; drop", "; drop", "goes on"),
        ("n n", "n", "goes on"),
        ("nothing + 1", "nothing", "nothing"),
        ("tier + 1", "tier", "number"),
        ("n and x > 1", "n", "condition"),
        ("tier > 5", "tier", "text"),
        ("n + 9223372036854775808", "9223372036854775808", "64 bits"),
        ("floor(n, 2)", "", "one argument"),
        ("floor(n", "", "end"),
        ("n ~ 'x'", "", "do not have"),
    ] {
        let error = compiled(text).expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert!(
            text[error.at.clone()].starts_with(at.chars().next().unwrap_or(' ')) || at.is_empty(),
            "{text}: {error:?}"
        );
    }
    let deep = format!("{}n{}", "(".repeat(500), ")".repeat(500));
    assert!(compiled(&deep).is_err());
    let long = vec!["n"; 2_000].join("+");
    assert!(compiled(&long).unwrap_err().to_string().contains("more than 512"));
    let nested = vec!["n"; 256].join("+");
    assert!(compiled(&nested).is_ok());
}

#[test]
fn a_column_of_a_file_is_a_text_and_its_number_where_one_belongs() {
    let texts = |values: [&str; 3]| column("", Cells::Text(values.into_iter().collect()), &[2]);
    let (price, unit) = (texts(["1.234,50", "2", ""]), texts(["3", "x", ""]));
    let marks = NumberMarks { decimal: ',', thousands: Some('.') };
    let values = |text: &str| {
        let compiled = Expression::parse(text).unwrap().compile_written(marks).unwrap();
        let named = |name: &String| if name == "price" { &price } else { &unit };
        let read: Vec<&Column> = compiled.names().iter().map(named).collect();
        compiled.evaluate(&read, 0..3).map(|v| shown(&v).join(" ")).map_err(|f| (f.row, f.kind))
    };
    for (text, want) in [
        ("price", "\"1.234,50\" \"2\" -"),
        ("price * 2", "2469.0 4.0 -"),
        ("price > 1000", "1 0 -"),
        ("price = '2'", "0 1 -"),
        ("price < unit", "1 1 -"),
        ("coalesce(price, 0)", "1234.5 2.0 0.0"),
        ("coalesce(price, unit)", "\"1.234,50\" \"2\" -"),
        ("case when unit = 'x' then 0 else unit end", "3.0 0.0 -"),
        ("cast(price as bigint)", "1234 2 -"),
        ("unit || '!'", "\"3!\" \"x!\" -"),
        ("price is null", "0 0 1"),
    ] {
        assert_eq!(values(text).as_deref(), Ok(want), "{text}");
    }
    assert_eq!(values("unit + 1"), Err((1, FaultKind::NotANumber)));
    let refused = |text: &str| Expression::parse(text).unwrap().compile_written(marks).unwrap_err();
    assert!(refused("price and unit").to_string().contains("condition"));
    assert!(refused("upper(price) + 1").to_string().contains("number"));
}
