//! Columns of every type go in and out, and instances refuse wrong use in words.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::guest::{Fitting, Instance, check, describe};
use playbook_sdk::prelude::*;
use playbook_sdk::testing::{self, Data};
use playbook_sdk::types;

settings! {
    /// Nothing to set.
    pub struct None_ { }
}

declare! {
    /// A column of every type.
    needs Given {
        REAL: real("real"),
        INTEGER: integer("integer").optional(),
        CATEGORY: category("category", ["a", "b"]),
        TEXT: text("text"),
        REALS: reals("reals"),
        INTEGERS: integers("integers"),
        TEXTS: texts("texts"),
        OTHER: real("other").output_of("plugin"),
        PREVIOUS: category("category", ["a", "b"]).previous(1),
        KEY: key(),
    }
    outputs Back {
        REAL: real("real"),
        INTEGER: integer("integer"),
        CATEGORY: category("category", ["a", "b"]),
        TEXT: text("text"),
        REALS: reals("reals"),
        INTEGERS: integers("integers"),
        TEXTS: texts("texts"),
    }
    reasons Why {
        EVEN: "even" => english("Even key"),
        ODD: "odd" => english("Odd key"),
    }
}

/// Gives back what it gets, of every type.
#[derive(Debug)]
struct Echo;

impl Plugin for Echo {
    type Settings = None_;
    const ABOUT: About =
        About { name: "echo", version: "1.2.3", summary: words("Gives back", "原樣返回") };

    fn shape(_: &None_) -> Result<Shape, Problems> {
        let shape = Shape::rows("member").needs(Given::all()).produces(Back::all());
        Ok(shape.reasons(Why::all()))
    }

    fn open(_: None_, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self)
    }
}

impl Scoring for Echo {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        for row in (0..rows.len()).rev() {
            out.set_or_missing(Back::REAL, row, rows.get(Given::REAL).get(row));
            out.set_or_missing(Back::INTEGER, row, rows.get(Given::INTEGER).get(row));
            out.set_or_missing(Back::CATEGORY, row, rows.get(Given::CATEGORY).get(row));
            out.set_or_missing(Back::TEXT, row, rows.get(Given::TEXT).get(row));
            out.set_or_missing(Back::REALS, row, rows.get(Given::REALS).get(row));
            out.set_or_missing(Back::INTEGERS, row, rows.get(Given::INTEGERS).get(row));
            if let Some(list) = rows.get(Given::TEXTS).get(row) {
                out.set(Back::TEXTS, row, &list.collect::<Vec<_>>());
            }
            if rows.get(Given::KEY).get(row).is_some_and(|key| key % 2 == 1) {
                out.reason(row, Why::ODD);
            }
        }
        Ok(())
    }
}

#[test]
fn lists_may_begin_after_others_and_depend_on_what_they_are_given() {
    declare! {
        needs Late(names: &[&str]) after 3 { NAME: category("name", names.iter().copied()) }
        outputs Later after (3 + Late::COUNT) { FIRST: real("x"), SECOND: integer("y") }
    }
    assert_eq!((Late::NAME, Later::SECOND), (In::at(3), Out::at(5)));
    let shape = Shape::rows("member").needs(Late::all(&["a", "b"]));
    assert_eq!(shape.facts().rows.as_ref().unwrap().columns[0].categories, ["a", "b"]);
}

fn data() -> Data {
    Data::new()
        .real("real", [Some(1.5), None, Some(-2.0)])
        .integer("integer", [Some(7), Some(0), None])
        .text("category", [Some("b"), Some("unknown"), Some("a")])
        .text("text", [Some("流失"), Some(""), None])
        .reals("reals", [Some(vec![1.0, 2.0]), Some(vec![]), None])
        .integers("integers", [Some(vec![3]), None, Some(vec![4, 5])])
        .texts("texts", [vec!["x", "yz"], vec![], vec!["流"]])
        .real("plugin.other", [0.0, 0.0, 0.0])
        .text("previous.1.category", [None::<&str>, Some("a"), None])
        .integer("key", [11, 12, 13])
}

#[test]
fn values_of_every_type_come_back_and_missing_ones_stay_missing() {
    let given = testing::plugin::<Echo>().open().unwrap().score(&data()).unwrap();
    let real: Vec<_> = (0..3).map(|row| given.real("real", row)).collect();
    assert_eq!(real, [Some(1.5), None, Some(-2.0)]);
    let integer: Vec<_> = (0..3).map(|row| given.integer("integer", row)).collect();
    assert_eq!(integer, [Some(7), Some(0), None]);
    let category: Vec<_> = (0..3).map(|row| given.category("category", row)).collect();
    assert_eq!(category, [Some("b"), None, Some("a")]);
    let text: Vec<_> = (0..3).map(|row| given.text("text", row)).collect();
    assert_eq!(text, [Some("流失"), Some(""), None]);
    let reals: Vec<_> = (0..3).map(|row| given.reals("reals", row)).collect();
    assert_eq!(reals, [Some(&[1.0, 2.0][..]), Some(&[][..]), None]);
    let integers: Vec<_> = (0..3).map(|row| given.integers("integers", row)).collect();
    assert_eq!(integers, [Some(&[3][..]), None, Some(&[4, 5][..])]);
    let texts: Vec<_> = (0..3).map(|row| given.texts("texts", row)).collect();
    assert_eq!(texts, [Some(vec!["x", "yz"]), Some(vec![]), Some(vec!["流"])]);
    assert_eq!([given.reason(0), given.reason(1)], [Some("odd"), None]);
}

const CONTEXT: Context = Context { now: 0, local_min: -1, seed: 1 };

fn opening() -> types::Opening {
    types::Opening { settings: "{}".to_owned(), model: None, tables: Vec::new() }
}

fn no_columns() -> types::Columns {
    types::Columns { reals: Vec::new(), integers: Vec::new(), valid: None, wides: None }
}

#[test]
fn wrong_use_of_an_instance_is_an_error_in_words() {
    let instance = Instance::<Echo>::new();
    let batch = types::Batch { rows: 0, columns: no_columns() };
    assert_eq!(instance.score(&CONTEXT, &batch).unwrap_err(), "the instance is not open");
    let table = types::Table { rows: 0, columns: no_columns() };
    let too_many = types::Opening { tables: vec![table], ..opening() };
    let problems = instance.open(&CONTEXT, too_many).unwrap_err();
    assert_eq!(problems[0].message, "the shape declares 0 tables, 1 were given");
    instance.open(&CONTEXT, opening()).unwrap();
    let problems = instance.open(&CONTEXT, opening()).unwrap_err();
    assert_eq!(problems[0].message, "the instance is open already");
    let text =
        instance.score(&CONTEXT, &types::Batch { rows: 1, columns: no_columns() }).unwrap_err();
    assert_eq!(text, "list `reals` has 0 entries, 2 are declared for 1 rows");
    let text = instance.explain(&CONTEXT, &batch).unwrap_err();
    assert!(text.starts_with("list `") || text.starts_with("one row"), "{text}");
}

#[test]
fn validity_of_another_length_is_refused() {
    let instance = Instance::<Narrow>::new();
    instance.open(&CONTEXT, opening()).unwrap();
    let mut columns = no_columns();
    columns.reals = vec![1.0; 9];
    columns.valid = Some(vec![0xff]);
    let text = instance.score(&CONTEXT, &types::Batch { rows: 9, columns }).unwrap_err();
    assert_eq!(text, "list `valid` has 1 entries, 2 are declared for 9 rows");
}

declare! {
    needs Few { X: real("x") }
    outputs Fewer { Y: real("y").between(0.0, 10.0) }
}

/// One real in and out; what it gives depends on what it is asked.
#[derive(Debug)]
struct Narrow;

impl Plugin for Narrow {
    type Settings = None_;
    const ABOUT: About = About { name: "narrow", version: "0.1.0", summary: english("") };
    fn shape(_: &None_) -> Result<Shape, Problems> {
        Ok(Shape::rows("member").needs(Few::all()).produces(Fewer::all()).fit_passes(2))
    }
    fn open(_: None_, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self)
    }
}

impl Scoring for Narrow {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let values = rows.get(Few::X).values();
        for (row, x) in values.iter().enumerate() {
            let given = match *x {
                4.0 => values.iter().sum(),
                5.0 => f64::NAN,
                x => x,
            };
            out.set(Fewer::Y, row, given);
        }
        Ok(())
    }
}

#[test]
fn answers_are_held_to_the_checks_of_the_host() {
    let opened = testing::plugin::<Narrow>().open().unwrap();
    let ask = |values: Vec<f64>| opened.score(&Data::new().real("x", values)).map(|_| ());
    assert_eq!(ask(vec![1.0, 2.0]), Ok(()));
    assert!(ask(vec![11.0]).unwrap_err().contains("11 is outside 0 to 10"));
    assert!(ask(vec![5.0]).unwrap_err().contains("NaN is not finite"));
    assert!(ask(vec![1.0, 4.0]).unwrap_err().contains("alone"), "depends on its batch");
}

impl Fit for Narrow {
    type State = (u64, i64);
    fn begin(_: &Pass<'_, None_>) -> Result<Self::State, Problems> {
        Ok((0, 0))
    }
    fn observe(
        pass: &Pass<'_, None_>,
        state: &mut Self::State,
        rows: &Rows<'_>,
    ) -> Result<(), String> {
        let factor = if pass.carried.is_empty() { 1 } else { i64::from(pass.carried[0]) };
        for x in rows.get(Few::X).iter().flatten() {
            *state = (state.0 + 1, state.1 + factor * x as i64);
        }
        Ok(())
    }
    fn merge(
        _: &Pass<'_, None_>,
        left: Self::State,
        right: Self::State,
    ) -> Result<Self::State, String> {
        Ok((left.0 + right.0, left.1 + right.1))
    }
    fn finish(pass: &Pass<'_, None_>, state: Self::State) -> Result<Outcome, String> {
        match (pass.number, state.0) {
            (_, 0) => Ok(Outcome::Refused("no rows".to_owned())),
            (0, _) => Ok(Outcome::Again(vec![3])),
            _ => Ok(Outcome::model(codec::encode(&state))),
        }
    }
}

use playbook_sdk::codec;

#[test]
fn a_fit_takes_its_passes_and_carries_bytes_between_them() {
    let data = Data::new().real("x", (0..100).map(f64::from));
    let (test, _) = testing::plugin::<Narrow>().fit(&data).unwrap();
    test.open().unwrap();
    let refused = testing::plugin::<Narrow>().fit(&Data::empty().real("x", Vec::<f64>::new()));
    assert_eq!(refused.map(|_| ()).unwrap_err(), "no rows");
}

#[test]
fn wrong_use_of_a_fit_is_an_error_in_words() {
    let fit = Fitting::<Narrow>::new();
    assert_eq!(fit.part().unwrap_err(), "the fit has not begun");
    let starting = |pass| types::Starting {
        settings: "{}".to_owned(),
        pass,
        carried: Vec::new(),
        tables: Vec::new(),
    };
    let problems = fit.begin(&CONTEXT, starting(2)).unwrap_err();
    assert!(problems[0].message.contains("may take 2"), "{}", problems[0].message);
    fit.begin(&CONTEXT, starting(0)).unwrap();
    let part = fit.part().unwrap();
    assert!(fit.merge(&part, &part[1..]).unwrap_err().starts_with("right state"));
    assert!(fit.finish(&[part, vec![0]].concat()).unwrap_err().contains("left over"));
}

#[test]
fn a_plugin_describes_itself_and_checks_settings() {
    let schema = playbook_sdk::settings::schema::<None_>();
    let description = describe::<Echo>(playbook_sdk::Kind::Scoring, &schema);
    assert_eq!((description.name.as_str(), description.version.as_str()), ("echo", "1.2.3"));
    assert_eq!(description.summary.zh.as_deref(), Some("原樣返回"));
    let shape = check::<Echo>("{}").unwrap();
    let sources: Vec<_> = shape.rows.unwrap().columns.into_iter().map(|need| need.source).collect();
    assert_eq!(sources[7], types::Source::Output("plugin.other".to_owned()));
    assert_eq!(sources[8], types::Source::Previous((1, "category".to_owned())));
    assert_eq!(sources[9], types::Source::Key);
    assert_eq!(check::<Echo>("{\"x\": 1}").unwrap_err()[0].path, "/x");
}

#[test]
#[should_panic(expected = "column 0 (`x`) is declared as real, not as integer")]
fn asking_for_another_type_names_the_column() {
    #[derive(Debug)]
    struct Wrong;
    impl Plugin for Wrong {
        type Settings = None_;
        const ABOUT: About = About { name: "wrong", version: "0.1.0", summary: english("") };
        fn shape(_: &None_) -> Result<Shape, Problems> {
            Ok(Shape::rows("member").need(need::real("x")))
        }
        fn open(_: None_, _: Opening<'_>) -> Result<Self, Problems> {
            Ok(Self)
        }
    }
    impl Scoring for Wrong {
        fn score(&self, _: &Context, rows: &Rows<'_>, _: &mut Answer<'_>) -> Result<(), String> {
            Err(format!("{:?}", rows.get(In::<Integer>::at(0)).get(0)))
        }
    }
    let _ = testing::plugin::<Wrong>().open().unwrap().score(&Data::new().real("x", [1.0]));
}

#[test]
fn the_context_knows_the_brands_day_and_minute() {
    assert_eq!((CONTEXT.local_day(), CONTEXT.local_minute()), (-1, 1_439));
    let noon = Context { local_min: 3 * 1_440 + 720, ..CONTEXT };
    assert_eq!((noon.local_day(), noon.local_minute()), (3, 720));
    assert_eq!(noon.mixed(5), CONTEXT.mixed(5), "seed and key alone count");
    assert_ne!(noon.mixed(5), noon.mixed(6));
}

#[test]
fn lines_of_the_log_are_kept_for_the_test() {
    log::info("hello");
    assert_eq!(testing::logged(), [(log::Severity::Info, "hello".to_owned())]);
    assert!(testing::logged().is_empty());
}
