//! Features that are SQL expressions over other features of the same subject.
//!
//! `/` divides exactly, whatever the types of its sides; by zero the result is missing. A feature of type
//! integer takes the nearest integer, half away from zero.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, cast, lit};
use playbook_model::{Bitmap, CellType, Cells, Column, Definition, FeatureDef, Frame};

use crate::arrays::{array, field, stretches};
use crate::cells::{Target, column};
use crate::session::{Session, feature_sql};
use crate::{BatchError, Result};

/// Adds the constants and expressions among `features` to a table, each after those that it reads.
pub(crate) fn evaluate(
    session: &Session,
    features: &[FeatureDef],
    frame: &mut Frame,
) -> Result<()> {
    let mut waiting = Vec::new();
    for feature in features {
        match &feature.definition {
            Definition::Constant(value) => {
                let constant = constant(feature, *value, frame.rows());
                frame.push(constant);
            }
            Definition::Expression(sql) => waiting.push((feature, sql.as_str())),
            _ => {}
        }
    }
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        let pending: BTreeSet<String> = waiting.iter().map(|(f, _)| f.name.clone()).collect();
        let mut failure = None;
        for (feature, sql) in waiting {
            match parse(session, sql, frame) {
                Ok(expression) => {
                    let made = compute(session, feature, &expression, frame)?;
                    frame.push(made);
                }
                Err(error) => {
                    let waits =
                        pending.iter().any(|name| *name != feature.name && sql.contains(name));
                    if !waits {
                        return Err(feature_sql(&feature.name)(error));
                    }
                    failure = Some(feature_sql(&feature.name)(error));
                    later.push((feature, sql));
                }
            }
        }
        if later.len() == before {
            let names: Vec<_> = later.iter().map(|(f, _)| format!("`{}`", f.name)).collect();
            tracing::debug!(?failure, "expressions wait for each other");
            return Err(BatchError::Circle(names.join(", ")));
        }
        waiting = later;
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "a constant of type integer is whole")]
fn constant(feature: &FeatureDef, value: f64, rows: usize) -> Column {
    let cells = match feature.cell_type {
        CellType::Real => Cells::Real(vec![value; rows]),
        _ => Cells::integers(vec![value.round() as i64; rows]),
    };
    Column { name: feature.name.clone(), unit: feature.unit.clone(), cells, valid: None }
}

fn schema(frame: &Frame) -> Result<DFSchema, DataFusionError> {
    let fields: Vec<_> = frame.columns().iter().map(field).collect();
    DFSchema::try_from(Schema::new(fields))
}

/// Reads an expression over the columns of a table.
fn parse(session: &Session, sql: &str, frame: &Frame) -> Result<Expr, DataFusionError> {
    let expression = session.context.parse_sql_expr(sql, &schema(frame)?)?;
    Ok(expression.transform_up(exact_division)?.data)
}

fn exact_division(expression: Expr) -> Result<Transformed<Expr>, DataFusionError> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right }) = expression else {
        return Ok(Transformed::no(expression));
    };
    let left = cast(*left, DataType::Float64);
    let right = nullif(cast(*right, DataType::Float64), lit(0.0));
    Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(
        Box::new(left),
        Operator::Divide,
        Box::new(right),
    ))))
}

fn compute(
    session: &Session,
    feature: &FeatureDef,
    expression: &Expr,
    frame: &Frame,
) -> Result<Column> {
    let fault = feature_sql(&feature.name);
    let read: BTreeSet<String> =
        expression.column_refs().into_iter().map(|column| column.name.clone()).collect();
    let columns: Vec<_> = frame.columns().iter().filter(|c| read.contains(&c.name)).collect();
    let arrow_schema = Arc::new(Schema::new(columns.iter().map(|c| field(c)).collect::<Vec<_>>()));
    let df_schema = DFSchema::try_from(Arc::clone(&arrow_schema)).map_err(&fault)?;
    let physical =
        session.context.create_physical_expr(expression.clone(), &df_schema).map_err(&fault)?;
    let mut parts = Vec::new();
    for rows in stretches(0..frame.rows()) {
        let options =
            arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let arrays = columns.iter().map(|c| array(c, rows.clone())).collect();
        let batch = RecordBatch::try_new_with_options(Arc::clone(&arrow_schema), arrays, &options)
            .expect("arrays follow the schema");
        let value = physical.evaluate(&batch).map_err(&fault)?;
        let value = value.into_array(rows.len()).map_err(&fault)?;
        let first = u32::try_from(rows.start).expect("a table has fewer than 2^32 rows");
        let places: Vec<u32> = (first..).take(rows.len()).collect();
        parts.push((value, places));
    }
    let target = Target {
        name: &feature.name,
        unit: &feature.unit,
        cell_type: feature.cell_type,
        rows: frame.rows(),
        zero_when_empty: false,
    };
    let parts: Vec<_> = parts.iter().map(|(part, places)| (part, places.as_slice())).collect();
    column(&target, &parts)
}

/// A column without any value.
pub(crate) fn missing(feature: &FeatureDef, rows: usize) -> Column {
    let cells = match feature.cell_type {
        CellType::Real => Cells::Real(vec![0.0; rows]),
        CellType::Category => Cells::Category { codes: vec![0; rows], names: Vec::new() },
        CellType::Text => Cells::Text(std::iter::repeat_n("", rows).collect()),
        _ => Cells::Small(vec![0; rows]),
    };
    Column {
        name: feature.name.clone(),
        unit: feature.unit.clone(),
        cells,
        valid: Some(Bitmap::filled(rows, false)),
    }
}
