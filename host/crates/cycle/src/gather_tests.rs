//! Claims about columns on their way into the sandbox and back.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_model::{
    Bitmap, CellType, Cells, Column, Frame, NONE_INDEX, Need, Produce, Role, Source, Stretch, Words,
};

use super::{Gather, Rows, fillings, scatter};
use crate::graph::Input;

fn need(name: &str, cell_type: CellType, categories: &[&str]) -> Need {
    Need {
        source: Source::Feature(name.into()),
        cell_type,
        unit: String::new(),
        required: false,
        categories: categories.iter().map(|c| (*c).to_owned()).collect(),
    }
}

fn frame() -> Frame {
    let mut frame = Frame::with_rows(10);
    let mut some = Bitmap::filled(10, true);
    some.set(9, false);
    frame.push(Column {
        name: "n".into(),
        unit: "count".into(),
        cells: Cells::Integer((0..10).collect()),
        valid: Some(some),
    });
    frame.push(Column {
        name: "tier".into(),
        unit: String::new(),
        cells: Cells::Category {
            codes: (0..10).map(|i| i % 3).collect(),
            names: ["low", "mid", "high"].map(str::to_owned).into(),
        },
        valid: None,
    });
    frame
}

#[test]
fn rows_keep_their_values_and_gaps_whichever_way_they_are_picked() {
    let frame = frame();
    let needs =
        [need("n", CellType::Real, &[]), need("tier", CellType::Category, &["high", "low"])];
    let inputs = [Input::Feature("n".into()), Input::Feature("tier".into())];
    let gather = Gather::new(&needs, &inputs, &frame, &[], &[]).unwrap();
    let range = gather.batch(Rows::Range { start: 8, len: 2 });
    let picked = gather.batch(Rows::Picked(&[8, 9]));
    assert_eq!(range, picked);
    assert_eq!(range.columns.reals, [8.0, 9.0]);
    // Row 8 is "high", position 0 of the need; row 9 is "low", position 1.
    assert_eq!(range.columns.integers, [0, 1]);
    assert_eq!(range.columns.valid, Some(vec![0b01, 0b11]));
}

#[test]
fn a_value_outside_the_needs_list_arrives_as_missing() {
    let frame = frame();
    let needs = [need("tier", CellType::Category, &["low"])];
    let gather = Gather::new(&needs, &[Input::Feature("tier".into())], &frame, &[], &[]).unwrap();
    let batch = gather.batch(Rows::Range { start: 0, len: 3 });
    assert_eq!(batch.columns.integers, [0, 0, 0]);
    assert_eq!(batch.columns.valid, Some(vec![0b001]));
}

#[test]
fn an_absent_optional_column_is_all_missing_and_keys_follow_the_rows() {
    let frame = frame();
    let needs = [need("gone", CellType::Real, &[]), need("key", CellType::Integer, &[])];
    let keys: Vec<i64> = (100..110).collect();
    let gather = Gather::new(&needs, &[Input::Absent, Input::Key], &frame, &[], &keys).unwrap();
    let batch = gather.batch(Rows::Picked(&[3, 1]));
    assert_eq!(batch.columns.reals, [0.0, 0.0]);
    assert_eq!(batch.columns.integers, [103, 101]);
    assert_eq!(batch.columns.valid, Some(vec![0b00, 0b11]));
}

#[test]
fn a_text_column_cannot_serve_as_a_number() {
    let frame = frame();
    let needs = [need("tier", CellType::Real, &[])];
    let wrong =
        Gather::new(&needs, &[Input::Feature("tier".into())], &frame, &[], &[]).unwrap_err();
    assert_eq!(wrong.to_string(), "column `tier` is category, the plugin wants real");
}

#[test]
fn answers_land_in_the_rows_of_their_batch() {
    let produce = |name: &str, cell_type| Produce {
        name: name.into(),
        role: Role::Other,
        group: String::new(),
        input: NONE_INDEX,
        table: None,
        cell_type,
        unit: String::new(),
        least: None,
        most: None,
        categories: Vec::new(),
        bounds: Vec::new(),
        alarms: Vec::new(),
        meaning: Words::default(),
    };
    let produces = [produce("x", CellType::Real), produce("y", CellType::Integer)];
    let mut columns = fillings("s", produces.iter(), 19, 16);
    let mut stretches: Vec<Vec<Stretch<'_>>> = vec![Vec::new(), Vec::new()];
    for column in &mut columns {
        column.stretches().zip(&mut stretches).for_each(|(stretch, all)| all.push(stretch));
    }
    let answer = |rows: usize, from: i32, valid: Option<Vec<u8>>| playbook_model::Columns {
        reals: (from..).take(rows).map(f64::from).collect(),
        integers: (from..).take(rows).map(|value| i64::from(value) << 30).collect(),
        valid,
        wides: None,
    };
    let mut put = |stretch: usize, start, rows, answer| {
        scatter(&mut stretches[stretch], produces.iter(), start, rows, &answer);
    };
    put(1, 0, 3, answer(3, 16, Some(vec![0b101, 0b111])));
    put(0, 8, 8, answer(8, 8, None));
    put(0, 0, 8, answer(8, 0, Some(vec![0xff, 0b1111_1110])));
    let columns: Vec<_> = columns.into_iter().map(playbook_model::Filling::finish).collect();
    assert_eq!(columns[0].name, "s.x");
    for row in 0..19 {
        let value = i32::try_from(row).unwrap();
        assert_eq!(columns[0].real(row), (row != 17).then_some(f64::from(value)));
        assert_eq!(columns[1].integer(row), (row != 0).then_some(i64::from(value) << 30));
    }
}

#[test]
fn a_list_is_made_of_columns_from_the_first_value_on() {
    let valid = |bits: [bool; 4]| {
        let mut map = Bitmap::filled(4, true);
        bits.iter().enumerate().for_each(|(row, bit)| map.set(row, *bit));
        Some(map)
    };
    let column =
        |name: &str, cells, valid| Column { name: name.into(), unit: "count".into(), cells, valid };
    let mut frame = Frame::with_rows(4);
    frame.push(column("n.2", Cells::integers(vec![1, 0, 0, 4]), valid([true, false, false, true])));
    frame.push(column("n.1", Cells::integers(vec![5, 6, 0, 0]), valid([true, true, false, false])));
    let list = Input::List(vec!["n.2".into(), "n.1".into()]);
    for cell_type in [CellType::Integers, CellType::Reals] {
        let needs = [need("n", cell_type, &[])];
        let gather = Gather::new(&needs, std::slice::from_ref(&list), &frame, &[], &[]).unwrap();
        let batch = gather.batch(Rows::Picked(&[0, 1, 2, 3]));
        // All; what is before the first value is left out; none; a gap.
        assert_eq!(batch.columns.valid, Some(vec![0b0011]));
        let wides = batch.columns.wides.unwrap();
        let texts: Vec<String> = (0..4).map(|row| wides[0].text_of(row)).collect();
        assert_eq!(texts, ["1 5", "6", "", ""]);
    }
    let needs = [need("n", CellType::Texts, &[])];
    let wrong = Gather::new(&needs, &[list], &frame, &[], &[]).unwrap_err();
    assert_eq!((wrong.found, wrong.wanted), ("integer", "texts"));
}

#[test]
fn texts_that_are_json_lists_fill_needs_of_lists() {
    let texts = |rows: [Option<&str>; 3]| {
        let mut some = Bitmap::filled(3, true);
        (0..3).for_each(|row| some.set(row, rows[row].is_some()));
        let mut frame = Frame::with_rows(3);
        frame.push(Column {
            name: "t".into(),
            unit: String::new(),
            cells: Cells::Text(rows.iter().map(|text| text.unwrap_or("")).collect()),
            valid: Some(some),
        });
        frame
    };
    let inputs = [Input::Feature("t".into())];
    let of = |cell_type, frame: &Frame| {
        let needs = [need("t", cell_type, &[])];
        let gather = Gather::new(&needs, &inputs, frame, &[], &[])?;
        let batch = gather.batch(Rows::Picked(&[0, 1, 2]));
        let wides = batch.columns.wides.unwrap();
        let told: Vec<String> = (0..3).map(|row| wides[0].text_of(row)).collect();
        Ok((told.join("|"), batch.columns.valid))
    };
    let strategies = texts([Some("[\"spring, app\", \"push\"]"), None, Some("[]")]);
    let found: Result<_, super::WrongType> = of(CellType::Texts, &strategies);
    assert_eq!(found, Ok(("spring, app push||".to_owned(), Some(vec![0b101]))));
    let whole = texts([Some("[3, -1]"), None, Some("[7]")]);
    assert_eq!(of(CellType::Integers, &whole).unwrap().0, "3 -1||7");
    assert_eq!(
        of(CellType::Reals, &texts([Some("[0.5]"), None, Some("[2]")])).unwrap().0,
        "0.5||2"
    );
    for wrong in ["[0.5]", "[1, null]", "3", "[1"] {
        let wrong = of(CellType::Integers, &texts([Some(wrong), None, None])).unwrap_err();
        assert_eq!((wrong.found, wrong.wanted), ("text, and not always a JSON list", "integers"));
    }
}
