//! Expressions against the engine that they are a part of: the same values, for drawn rows.

use datafusion::arrow::array::{AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use datafusion::prelude::{SessionConfig, SessionContext};
use playbook_features::{Expression, Values};
use playbook_model::{Bitmap, CellType, Cells, Column};

use crate::world::Draws;

const ROWS: u32 = 2_000;

fn drawn(name: &str, cell_type: CellType, draws: &mut Draws) -> Column {
    let mut valid = Bitmap::default();
    (0..ROWS).for_each(|_| valid.push(draws.below(5) > 0));
    let rows = 0..ROWS;
    let cells = match cell_type {
        CellType::Integer => Cells::Integer(rows.map(|_| draws.below(9) as i64 - 3).collect()),
        CellType::Real => {
            Cells::Real(rows.map(|_| draws.below(1_000) as f64 / 64.0 - 5.0).collect())
        }
        _ => {
            let texts = ["vip", "plain", "", "Tea % house"];
            Cells::Text(rows.map(|_| texts[draws.below(4) as usize]).collect())
        }
    };
    Column { name: name.to_owned(), unit: String::new(), cells, valid: Some(valid) }
}

fn engine(columns: &[Column]) -> RecordBatch {
    let of = |column: &Column| -> (Field, datafusion::arrow::array::ArrayRef) {
        let rows = 0..ROWS as usize;
        let (data_type, array): (_, datafusion::arrow::array::ArrayRef) = match &column.cells {
            Cells::Integer(_) => (
                DataType::Int64,
                std::sync::Arc::new(rows.map(|r| column.integer(r)).collect::<Int64Array>()),
            ),
            Cells::Real(_) => (
                DataType::Float64,
                std::sync::Arc::new(rows.map(|r| column.real(r)).collect::<Float64Array>()),
            ),
            _ => (
                DataType::Utf8,
                std::sync::Arc::new(rows.map(|r| column.text(r)).collect::<StringArray>()),
            ),
        };
        (Field::new(&column.name, data_type, true), array)
    };
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.iter().map(of).unzip();
    RecordBatch::try_new(std::sync::Arc::new(Schema::new(fields)), arrays).unwrap()
}

#[test]
fn expressions_agree_with_the_engine() {
    let mut draws = Draws(11);
    let columns = [
        drawn("a", CellType::Integer, &mut draws),
        drawn("b", CellType::Integer, &mut draws),
        drawn("x", CellType::Real, &mut draws),
        drawn("y", CellType::Real, &mut draws),
        drawn("t", CellType::Text, &mut draws),
    ];
    let batch = engine(&columns);
    let config = SessionConfig::new().with_target_partitions(1);
    let context = SessionContext::new_with_config(config);
    context.register_batch("t", batch).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for text in [
        "a + b * 2 - 3",
        "a - -b",
        "a + x",
        "x * y - a",
        "a % 4",
        "a = b",
        "a <> b or x > y",
        "a < b and not x <= y",
        "(a > 0) is true",
        "(a > b) is not false",
        "a is null or b is not null",
        "a between b and 4",
        "a not between -1 and 2",
        "a in (1, 2, b)",
        "a not in (1, null)",
        "case when a > 1 then b when x > 0 then 7 end",
        "case a when 1 then x when 2 then 0 else y end",
        "case when a > 0 then 'some' else t end",
        "coalesce(a, b, 0)",
        "coalesce(a, x)",
        "nullif(a, b)",
        "greatest(a, b, 1)",
        "least(x, y)",
        "cast(x as bigint)",
        "cast(a as double) / 4.0",
        "x / 4.0",
        "t = 'vip'",
        "t > 'plain'",
        "t || '-' || t",
        "concat(t, '!', t)",
        "t like '%p%'",
        "t not like 'v_p'",
        "t like 'Tea \\% %'",
        "lower(t)",
        "upper(t) in ('VIP', 'PLAIN')",
        "starts_with(t, 'v')",
        "ends_with(t, 'n')",
        "contains(t, 'a')",
        "btrim(t)",
        "a > x",
        "x + 1e3 > 1000",
        "not (a > 0 and (b > 0 or x > 1.5))",
    ] {
        let type_of = |name: &str| Some(columns.iter().find(|c| c.name == name)?.cells.cell_type());
        let compiled = Expression::parse(text)
            .unwrap()
            .compile(type_of)
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        let read: Vec<&Column> = compiled
            .names()
            .iter()
            .map(|name| columns.iter().find(|c| c.name == *name).unwrap())
            .collect();
        let ours = compiled.evaluate(&read, 0..ROWS).unwrap();
        let query = async {
            let found = context.sql(&format!("SELECT {text} AS v FROM t")).await?;
            found.collect().await
        };
        let batches = runtime.block_on(query).unwrap_or_else(|e| panic!("{text}: {e}"));
        let parts: Vec<_> = batches.iter().map(|batch| batch.column(0).as_ref()).collect();
        let theirs = datafusion::arrow::compute::concat(&parts).unwrap();
        match ours {
            Values::Integers(ours) => {
                let theirs = datafusion::arrow::compute::cast(&theirs, &DataType::Int64).unwrap();
                assert!(ours.into_iter().eq(theirs.as_primitive::<Int64Type>().iter()), "{text}");
            }
            Values::Reals(ours) => {
                let theirs = datafusion::arrow::compute::cast(&theirs, &DataType::Float64).unwrap();
                assert!(ours.into_iter().eq(theirs.as_primitive::<Float64Type>().iter()), "{text}");
            }
            Values::Texts(ours) => {
                let theirs = datafusion::arrow::compute::cast(&theirs, &DataType::Utf8).unwrap();
                let theirs = theirs.as_string::<i32>();
                assert!(ours.iter().map(Option::as_deref).eq(theirs.iter()), "{text}");
            }
        }
    }
}
