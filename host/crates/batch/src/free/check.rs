//! Checks a playbook's own SQL: it must be one query that reads the cycle's tables, returns the columns `subject` and
//! `value`, and has the same result in every run.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use arrow::datatypes::Schema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result as EngineResult, ScalarValue};
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, Volatility, WindowFunctionDefinition};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Spanned};
use playbook_features::{Spot, spot_in};
use playbook_model::{Definition, Playbook, UnixMs};

use crate::error::SqlFault;
use crate::schema::table_schemas;
use crate::{BrandClock, Result};

/// Aggregates whose result depends on the order of rows; allowed only with an `order by` of their own.
const ORDERED: [&str; 6] =
    ["any_value", "array_agg", "first_value", "last_value", "nth_value", "string_agg"];

/// Returns the features whose SQL is refused, each with the reason. No data is read: queries are planned against empty
/// tables with the columns that sources map.
///
/// # Errors
/// A time zone that does not exist.
pub fn check_sql(playbook: &Playbook) -> Result<Vec<(String, SqlFault)>> {
    let sql = |definition: &Definition| match definition {
        Definition::Sql(sql) => Some(sql.clone()),
        _ => None,
    };
    let queries: Vec<_> =
        playbook.features.iter().filter_map(|f| Some((&f.name, sql(&f.definition)?))).collect();
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    let clock = BrandClock::new(&playbook.time_zone)?;
    // Both types of ids are tried: whether a Parquet file has integers is seen only when it is opened.
    let contexts = [false, true]
        .map(|integer_ids| empty_context(&clock, &table_schemas(playbook, integer_ids)));
    let nothing = Parameters { as_of: UnixMs(0), brand: playbook.brand.clone() };
    let mut faults = Vec::new();
    for (feature, sql) in queries {
        let mut found = contexts.iter().map(|context| match context {
            Ok(context) => futures::executor::block_on(plan(context, &sql, &nothing)).map(drop),
            Err(error) => Err(fault_of(error, &sql)),
        });
        let first = found.next().transpose();
        if let Err(fault) = first
            && found.all(|other| other.is_err())
        {
            faults.push((feature.clone(), fault));
        }
    }
    Ok(faults)
}

/// A context of empty tables.
fn empty_context(
    clock: &BrandClock,
    tables: &[(&'static str, Schema)],
) -> EngineResult<SessionContext> {
    let config = SessionConfig::new().with_information_schema(false);
    let state = SessionStateBuilder::new().with_config(config).with_default_features().build();
    let context = SessionContext::new_with_state(state);
    crate::engine::datafusion::functions::register(&context, clock);
    // Before the tables are registered: a context made from another begins with an empty catalog.
    let context = super::context(context.state(), context.copied_config())?;
    super::make_schema(&context)?;
    for (name, schema) in tables {
        context
            .register_table(*name, std::sync::Arc::new(EmptyTable::new(schema.clone().into())))?;
    }
    Ok(context)
}

/// What a query may name: `$as_of` and `$brand`.
#[derive(Debug, Clone)]
pub(crate) struct Parameters {
    /// The as-of time T.
    pub(crate) as_of: UnixMs,
    /// Id of the brand, the subject of its features.
    pub(crate) brand: String,
}

/// Plans a query, and refuses it where it breaks one of the rules.
pub(crate) async fn plan(
    context: &SessionContext,
    sql: &str,
    given: &Parameters,
) -> Result<LogicalPlan, SqlFault> {
    let state = context.state();
    let fault = |error: DataFusionError| fault_of(&error, sql);
    let dialect = state.config_options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).map_err(fault)?;
    let calls = calls(&statement, sql);
    if let Some((name, at)) = qualified(&statement, sql) {
        return Err(SqlFault {
            at,
            message: format!("there is no table `{name}`"),
            expected: "a table by its name alone, such as `events`".to_owned(),
        });
    }
    let plan = state.statement_to_plan(statement).await.map_err(fault)?;
    let as_of = ("as_of", ScalarValue::Int64(Some(given.as_of.0)));
    let brand = ("brand", ScalarValue::Utf8(Some(given.brand.clone())));
    let plan = plan.with_param_values(vec![as_of, brand]).map_err(fault)?;
    let reads =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reads.verify_plan(&plan).map_err(fault)?;
    if let Some((name, why)) = unsteady(&plan).map_err(fault)? {
        return Err(SqlFault {
            at: calls.get(&name).cloned(),
            message: why,
            expected: "what the data alone decides, so that a run can be repeated".to_owned(),
        });
    }
    let has = |name: &str| plan.schema().has_column_with_unqualified_name(name);
    if !has("subject") || !has("value") {
        let names: Vec<_> =
            plan.schema().fields().iter().map(|field| format!("`{}`", field.name())).collect();
        return Err(SqlFault {
            at: None,
            message: format!("it gives {}", names.join(", ")),
            expected: "the columns `subject` and `value`".to_owned(),
        });
    }
    Ok(plan)
}

/// Finds a table that is named with its schema. This is refused, because the engine's tables lie in another schema.
fn qualified(statement: &Statement, sql: &str) -> Option<(String, Option<Range<usize>>)> {
    let Statement::Statement(statement) = statement else { return None };
    let found = ast::visit_relations(&**statement, |relation| match relation.0.len() {
        0 | 1 => ControlFlow::Continue(()),
        _ => {
            let span = relation.span();
            let at = bytes(sql, span.start.into(), span.end.into());
            ControlFlow::Break((relation.to_string(), Some(at)))
        }
    });
    found.break_value()
}

/// Byte range of the first call of each function, by its name in lower case.
fn calls(statement: &Statement, sql: &str) -> HashMap<String, Range<usize>> {
    let mut calls = HashMap::new();
    if let Statement::Statement(statement) = statement {
        let _: ControlFlow<()> = ast::visit_expressions(&**statement, |expression| {
            if let ast::Expr::Function(function) = expression {
                let name = function.name.to_string().to_lowercase();
                calls.entry(name).or_insert_with(|| {
                    bytes(sql, function.name.span().start.into(), function.name.span().end.into())
                });
            }
            ControlFlow::Continue(())
        });
    }
    calls
}

fn bytes(sql: &str, start: Spot, end: Spot) -> Range<usize> {
    let start = start.byte(sql);
    start..end.byte(sql).max(start)
}

/// The first part of a plan whose result may differ from run to run: its name, and why.
fn unsteady(plan: &LogicalPlan) -> EngineResult<Option<(String, String)>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        found = in_node(node);
        if found.is_none() {
            node.apply_expressions(|expression| {
                expression.apply(|part| {
                    found = in_expression(part);
                    Ok(stop_if(found.is_some()))
                })
            })?;
        }
        Ok(stop_if(found.is_some()))
    })?;
    Ok(found)
}

fn stop_if(found: bool) -> TreeNodeRecursion {
    if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue }
}

fn in_node(node: &LogicalPlan) -> Option<(String, String)> {
    let unordered = match node {
        LogicalPlan::Limit(limit) => !is_sorted(&limit.input),
        LogicalPlan::Distinct(Distinct::On(on)) => on.sort_expr.as_ref().is_none_or(Vec::is_empty),
        _ => false,
    };
    unordered.then(|| {
        let what = if matches!(node, LogicalPlan::Limit(_)) { "`limit`" } else { "`distinct on`" };
        (String::new(), format!("{what} without `order by` takes any rows"))
    })
}

/// Whether the query orders its rows.
fn is_sorted(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(inner) => is_sorted(&inner.input),
        LogicalPlan::SubqueryAlias(inner) => is_sorted(&inner.input),
        _ => false,
    }
}

fn in_expression(expression: &Expr) -> Option<(String, String)> {
    let unordered = |name: &str| {
        Some((name.to_owned(), format!("`{name}` without `order by` takes rows as they come")))
    };
    match expression {
        Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
            let name = call.func.name();
            Some((name.to_owned(), format!("`{name}` gives another answer in another run")))
        }
        Expr::AggregateFunction(call)
            if ORDERED.contains(&call.func.name()) && call.params.order_by.is_empty() =>
        {
            unordered(call.func.name())
        }
        Expr::WindowFunction(call) if call.params.order_by.is_empty() => match &call.fun {
            WindowFunctionDefinition::WindowUDF(function) => unordered(function.name()),
            WindowFunctionDefinition::AggregateUDF(function)
                if ORDERED.contains(&function.name()) =>
            {
                unordered(function.name())
            }
            WindowFunctionDefinition::AggregateUDF(_) => None,
        },
        _ => None,
    }
}

/// The engine's error as a fault with its place in the SQL.
fn fault_of(error: &DataFusionError, sql: &str) -> SqlFault {
    let whole = error.strip_backtrace();
    let (words, spot) = spot_in(&whole);
    let of_parser = spot.map(|spot| {
        let start = spot.byte(sql);
        let rest = sql[start..].split(|c: char| c.is_whitespace()).next().map_or(1, str::len);
        start..start + rest
    });
    let span = error.diagnostic().and_then(|found| found.span);
    let of_planner = span.map(|span| {
        let spot = |at: datafusion::common::Location| Spot { line: at.line, column: at.column };
        bytes(sql, spot(span.start), spot(span.end))
    });
    // A prefix such as `Error during planning: ` tells the author of the query nothing.
    let words =
        words.split_once(": ").filter(|(kind, _)| is_kind(kind)).map_or(words, |(_, words)| words);
    SqlFault {
        at: of_parser.or(of_planner),
        message: words
            .trim_start_matches("ParserError(\"")
            .trim_start_matches("TokenizerError(\"")
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end_matches('.')
            .to_owned(),
        expected: "one query over the cycle's tables that gives `subject` and `value`".to_owned(),
    }
}

fn is_kind(words: &str) -> bool {
    words.ends_with("error") || words.ends_with("planning") || words == "SQL error"
}
