//! Writes the aggregates of one subject as SQL: few passes over the rows, one row per key each.

use std::borrow::Cow;
use std::collections::BTreeMap;

use playbook_model::{AggregateDef, UnixMs};

use crate::cut::{Clock, Cut};
use crate::finish::{ValueSql, finish_sql};
use crate::recipe::{Part, Recipe, RowGrain, recipe};
use crate::rows::{FieldType, RowTable, condition_sql, row_condition};
use crate::{FeatureError, function, quote_name, quote_text};

/// One output column: an aggregate, or one value of its `by` split.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// Name of the output column.
    pub name: String,
    /// What is computed.
    pub aggregate: Cow<'a, AggregateDef>,
    /// The value of `by` that this column counts.
    pub by_value: Option<String>,
}

/// Aggregates over one table, grouped by one key.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The rows.
    pub rows: &'a RowTable,
    /// Column that holds the key; `None`: one row over all.
    pub key: Option<&'a str>,
    /// T.
    pub as_of: UnixMs,
    /// The wall clock, for rows that are dates.
    pub clock: &'a dyn Clock,
    /// What is computed.
    pub items: Vec<Item<'a>>,
    /// Bound of aggregated parts in one pass, which bounds the engine's memory.
    pub parts_max: usize,
}

/// One SQL query; its first column is `key` (absent without one), then one column per entry of `columns`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The query.
    pub sql: String,
    /// What its columns are.
    pub columns: Vec<PassColumn>,
}

/// A column of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassColumn {
    /// Name of the output column.
    pub name: String,
    /// Type of the values.
    pub value_type: FieldType,
    /// Whether a key without a value gets 0.
    pub zero_when_empty: bool,
}

/// An item that was checked, with its recipe, its field with the type, and the SQL conditions of rows that count.
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    pub(crate) item: &'a Item<'a>,
    pub(crate) recipe: Recipe,
    pub(crate) field: Option<(&'a str, FieldType)>,
    pub(crate) conditions: Vec<String>,
    /// SQL of the condition that the playbook says, which is one of those.
    pub(crate) condition: Option<String>,
}

/// The columns of an aggregate: one, one for each stretch of its window, or one for each of `values`, by which it is
/// split.
#[must_use]
pub fn items<'a>(
    name: &str,
    aggregate: &'a AggregateDef,
    values: Option<&[String]>,
) -> Vec<Item<'a>> {
    let item = |name: String, aggregate, by_value| Item { name, aggregate, by_value };
    let stretches = aggregate.stretches();
    if !stretches.is_empty() {
        let named = stretches.into_iter().zip(1..);
        return named
            .map(|(stretch, nth)| item(format!("{name}.{nth}"), Cow::Owned(stretch), None))
            .collect();
    }
    let aggregate = Cow::Borrowed(aggregate);
    let Some(values) = values else { return vec![item(name.to_owned(), aggregate, None)] };
    let named = values.iter().map(|value| (format!("{name}.{value}"), value.clone()));
    named.map(|(name, value)| item(name, aggregate.clone(), Some(value))).collect()
}

/// Returns the passes that compute the items of a request.
///
/// # Errors
/// An item whose field is absent, or of a type that its function cannot take.
pub fn plan(request: &Request<'_>) -> Result<Vec<Pass>, FeatureError> {
    let planned = planned(request)?;
    let mut passes = row_passes(request, &planned);
    passes.extend(day_passes(request, &planned));
    for one in planned.iter().filter(|p| p.recipe.grain == RowGrain::Value) {
        passes.push(value_pass(request, one));
    }
    Ok(passes)
}

/// Checks all items and works out their conditions.
pub(crate) fn planned<'a>(request: &'a Request<'a>) -> Result<Vec<Planned<'a>>, FeatureError> {
    request.items.iter().map(|item| prepare(request, item)).collect()
}

fn prepare<'a>(request: &Request<'a>, item: &'a Item<'a>) -> Result<Planned<'a>, FeatureError> {
    let aggregate = &*item.aggregate;
    let recipe = recipe(aggregate);
    let rows = request.rows;
    let function_name = function_name(aggregate);
    let field = match &aggregate.field {
        Some(field) => Some((field.as_str(), rows.field(&item.name, field)?)),
        None if aggregate.function.needs_field() => {
            return Err(FeatureError::MissingField {
                feature: item.name.clone(),
                function: function_name,
            });
        }
        None => None,
    };
    if recipe.parts.contains(&Part::Sum)
        && let Some((name, FieldType::Text)) = field
    {
        return Err(FeatureError::NotANumber {
            feature: item.name.clone(),
            function: function_name,
            field: name.to_owned(),
        });
    }
    let needs_time = recipe.grain == RowGrain::Day
        || recipe.parts.iter().any(|part| {
            matches!(
                part,
                Part::FirstTime
                    | Part::LastTime
                    | Part::DayBits
                    | Part::FirstValue
                    | Part::LastValue
            )
        });
    if needs_time && !rows.timed {
        return Err(FeatureError::NoTime { feature: item.name.clone(), rows: rows.name.clone() });
    }
    let (filter, window) = (&aggregate.filter, aggregate.window);
    let mut conditions =
        row_condition(&item.name, filter, window, rows, request.as_of, request.clock)?;
    if let (Some(by), Some(value)) = (&aggregate.by, &item.by_value) {
        let text = rows.text_sql(&item.name, by)?;
        conditions.push(format!("{text} = {}", quote_text(value)));
    }
    let condition = condition_sql(&item.name, &aggregate.filter, rows)?;
    Ok(Planned { item, recipe, field, conditions, condition })
}

fn function_name(aggregate: &AggregateDef) -> &'static str {
    playbook_model::Aggregate::ALL
        .iter()
        .find(|(_, function)| *function == aggregate.function)
        .map_or("aggregate", |(name, _)| name)
}

fn filter_clause(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" FILTER (WHERE {})", conditions.join(" AND "))
    }
}

/// Returns conditions as the clause after a table's name: nothing where there is none.
#[must_use]
pub fn where_clause(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}

/// Returns the aggregate expression of one part over plain rows.
fn part_sql(
    part: Part,
    field: Option<(&str, FieldType)>,
    conditions: &[String],
    request: &Request<'_>,
) -> String {
    let rows = request.rows;
    let name = field.map(|(name, _)| quote_name(name)).unwrap_or_default();
    let mut conditions = conditions.to_vec();
    if rows.weighted && !matches!(part, Part::Sum | Part::Rows) {
        conditions.push("weight = 1".to_owned());
    }
    let filter = filter_clause(&conditions);
    // Of rows with the same time and id, the values decide.
    let id = if rows.columns.contains_key("event_id") { "event_id, " } else { "" };
    let tie = format!("{id}{name}");
    let day_bit = function::DAY_BIT;
    match part {
        Part::Rows | Part::Present if rows.lines => orders_sql(part, &name, &conditions, rows),
        Part::Rows if rows.weighted => format!("sum(weight){filter}"),
        Part::Rows => format!("count(*){filter}"),
        Part::Present => format!("count({name}){filter}"),
        Part::Sum => match field {
            Some((_, FieldType::Real)) => format!("sum({}({name})){filter}", function::MICRO),
            _ => format!("sum({name}){filter}"),
        },
        Part::Least => format!("min({name}){filter}"),
        Part::Greatest => format!("max({name}){filter}"),
        Part::FirstTime => format!("min(time){filter}"),
        Part::LastTime => format!("max(time){filter}"),
        Part::FirstValue => format!("first_value({name} ORDER BY time, {tie}){filter}"),
        Part::LastValue => format!("last_value({name} ORDER BY time, {tie}){filter}"),
        Part::DayBits => {
            let local_day = function::LOCAL_DAY;
            format!("bit_or({day_bit}(time, {local_day}({}))){filter}", request.as_of.0)
        }
        Part::CappedRows(_)
        | Part::FirstDay
        | Part::LastDay
        | Part::FirstDaySum
        | Part::GapSquares => {
            unreachable!("parts of days run over days")
        }
    }
}

/// Number of events where rows of paid orders may be lines of one order: those orders count once.
fn orders_sql(part: Part, name: &str, conditions: &[String], rows: &RowTable) -> String {
    let own = |condition: &str| {
        let mut all = conditions.to_vec();
        all.extend(rows.weighted.then(|| "weight = 1".to_owned()));
        all.extend((part == Part::Present).then(|| format!("{name} IS NOT NULL")));
        all.push(condition.to_owned());
        all.sort();
        all.dedup();
        filter_clause(&all)
    };
    format!(
        "(count(*){} + count(DISTINCT event_id){})",
        own("(kind <> 'order_paid' OR event_id IS NULL)"),
        own("kind = 'order_paid'")
    )
}

fn row_passes(request: &Request<'_>, planned: &[Planned<'_>]) -> Vec<Pass> {
    let mut rows: Vec<_> = planned.iter().filter(|p| p.recipe.grain == RowGrain::Row).collect();
    // Longest windows first: those over all history share the first pass, and later ones filter rows by time.
    rows.sort_by_cached_key(|one| {
        let aggregate = &*one.item.aggregate;
        let from_ms = std::cmp::Reverse(aggregate.window.from_ms.unwrap_or(i64::MAX));
        (from_ms, aggregate.filter.kinds.clone())
    });
    let mut passes = Vec::new();
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let mut aliases: BTreeMap<String, usize> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        let mut columns = Vec::new();
        let mut outputs = Vec::new();
        let mut taken = 0;
        for one in rest {
            let base = request.rows.in_time(request.as_of, request.key);
            let own: Vec<_> =
                one.conditions.iter().filter(|c| !base.contains(c)).cloned().collect();
            let parts: Vec<_> =
                one.recipe.parts.iter().map(|p| part_sql(*p, one.field, &own, request)).collect();
            let fresh = parts.iter().filter(|sql| !aliases.contains_key(*sql)).count();
            if taken > 0 && order.len() + fresh > request.parts_max {
                break;
            }
            let names: Vec<_> = parts
                .into_iter()
                .map(|sql| {
                    let at = *aliases.entry(sql.clone()).or_insert_with(|| {
                        order.push(sql);
                        order.len() - 1
                    });
                    format!("a{at}")
                })
                .collect();
            let ValueSql { sql, value_type } =
                finish_sql(&one.recipe, &names, one.field.map(|(_, t)| t), request.as_of);
            outputs.push(format!("{sql} AS c{}", columns.len()));
            columns.push(column(one, value_type));
            taken += 1;
        }
        passes.push(Pass { sql: row_sql(request, &rest[..taken], &order, &outputs), columns });
        rest = &rest[taken..];
    }
    passes
}

fn column(one: &Planned<'_>, value_type: FieldType) -> PassColumn {
    PassColumn {
        name: one.item.name.clone(),
        value_type,
        zero_when_empty: one.recipe.zero_when_empty,
    }
}

/// Orders windows by length, all history first.
fn longer(a: &Option<i64>, b: &Option<i64>) -> std::cmp::Ordering {
    b.unwrap_or(i64::MAX).cmp(&a.unwrap_or(i64::MAX))
}

fn row_sql(
    request: &Request<'_>,
    taken: &[&Planned<'_>],
    parts: &[String],
    outputs: &[String],
) -> String {
    let mut conditions = request.rows.in_time(request.as_of, request.key);
    // Rows that count for no column of this pass need not be read.
    if let Some((first, others)) = taken.split_first() {
        let common = first.conditions.iter().filter(|condition| {
            let is_lower = !condition.trim_start_matches('(').starts_with("time <");
            is_lower && others.iter().all(|one| one.conditions.contains(condition))
        });
        conditions.extend(common.cloned());
    }
    if let Some(from) = taken.iter().map(|one| one.item.aggregate.window.from_ms).min_by(longer)
        && let Some(from) = from
        && request.rows.timed
    {
        let from = Cut::new(request.clock, request.as_of, from);
        conditions.push(format!("time >= {}", from.earliest()));
    }
    conditions.sort();
    conditions.dedup();
    let source = quote_name(&request.rows.name);
    let parts: Vec<_> = parts.iter().enumerate().map(|(i, sql)| format!("{sql} AS a{i}")).collect();
    let (inner_key, outer_key, group) = match request.key {
        Some(key) => {
            let key = quote_name(key);
            (vec![format!("{key} AS key")], vec!["key".to_owned()], format!(" GROUP BY {key}"))
        }
        None => (vec![], vec![], String::new()),
    };
    let inner = [inner_key, parts].concat().join(", ");
    let outer = [outer_key, outputs.to_vec()].concat().join(", ");
    format!(
        "SELECT {outer} FROM (SELECT {inner} FROM {source}{}{group})",
        where_clause(&conditions)
    )
}

fn day_passes(request: &Request<'_>, planned: &[Planned<'_>]) -> Vec<Pass> {
    let mut groups: BTreeMap<Vec<String>, Vec<&Planned<'_>>> = BTreeMap::new();
    for one in planned.iter().filter(|p| p.recipe.grain == RowGrain::Day) {
        groups.entry(one.conditions.clone()).or_default().push(one);
    }
    groups.iter().map(|(conditions, group)| day_pass(request, conditions, group)).collect()
}

/// Returns the pass of all day-grained items that share their conditions: rows to days, days to keys.
fn day_pass(request: &Request<'_>, conditions: &[String], group: &[&Planned<'_>]) -> Pass {
    let weighted = request.rows.weighted;
    let mut conditions = conditions.to_vec();
    let key = request.key.map(quote_name);
    conditions.extend(request.key.and_then(|key| request.rows.present(key)));
    let mut sums: Vec<String> = Vec::new();
    let mut aliases: BTreeMap<String, usize> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    let (mut columns, mut outputs) = (Vec::new(), Vec::new());
    for one in group {
        let sum = one.field.map(|(name, field_type)| {
            let name = quote_name(name);
            let sql = match field_type {
                FieldType::Real => format!("sum({}({name}))", function::MICRO),
                _ => format!("sum({name})"),
            };
            let at = sums.iter().position(|known| *known == sql).unwrap_or_else(|| {
                sums.push(sql);
                sums.len() - 1
            });
            format!("s{at}")
        });
        let names: Vec<_> = one
            .recipe
            .parts
            .iter()
            .map(|part| {
                let sql = day_part_sql(*part, sum.as_deref().unwrap_or_default(), weighted);
                let at = *aliases.entry(sql.clone()).or_insert_with(|| {
                    order.push(sql);
                    order.len() - 1
                });
                format!("a{at}")
            })
            .collect();
        let ValueSql { sql, value_type } =
            finish_sql(&one.recipe, &names, one.field.map(|(_, t)| t), request.as_of);
        outputs.push(format!("{sql} AS c{}", columns.len()));
        columns.push(column(one, value_type));
    }
    let mut daily = vec![format!("{}(time) AS day", function::LOCAL_DAY)];
    daily.extend(sums.iter().enumerate().map(|(i, sql)| format!("{sql} AS s{i}")));
    if weighted {
        let events = match request.rows.lines {
            true => orders_sql(Part::Rows, "", &[], request.rows),
            false => "sum(weight)".to_owned(),
        };
        daily.push(format!("{events} AS events"));
    } else if request.rows.lines {
        daily.push(format!("{} AS events", orders_sql(Part::Rows, "", &[], request.rows)));
    } else if order.iter().any(|sql| sql.contains("events")) {
        daily.push("count(*) AS events".to_owned());
    }
    let key_of =
        |alias: &str| key.as_ref().map(|k| format!("{k} AS {alias}, ")).unwrap_or_default();
    let group_key = key.as_ref().map(|k| format!("{k}, ")).unwrap_or_default();
    let mut days = format!(
        "SELECT {}{} FROM {}{} GROUP BY {group_key}{}(time)",
        key_of("key"),
        daily.join(", "),
        quote_name(&request.rows.name),
        where_clause(&conditions),
        function::LOCAL_DAY,
    );
    if order.iter().any(|sql| sql.contains("gap")) {
        let partition = if key.is_some() { "PARTITION BY key " } else { "" };
        // A day that has corrections alone (refunds) adds to sums, and is no day at which a gap begins or ends.
        let real = if weighted { "CASE WHEN events > 0 THEN day END" } else { "day" };
        days = format!(
            "SELECT *, {real} - max({real}) OVER ({partition}ORDER BY day \
             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS gap FROM ({days})"
        );
    }
    let parts: Vec<_> = order.iter().enumerate().map(|(i, sql)| format!("{sql} AS a{i}")).collect();
    let (inner_key, outer_key, by_key) =
        if key.is_some() { ("key, ", "key, ", " GROUP BY key") } else { ("", "", "") };
    let sql = format!(
        "SELECT {outer_key}{} FROM (SELECT {inner_key}{} FROM ({days}){by_key})",
        outputs.join(", "),
        parts.join(", "),
    );
    Pass { sql, columns }
}

fn day_part_sql(part: Part, sum: &str, weighted: bool) -> String {
    let filter = if weighted { " FILTER (WHERE events > 0)" } else { "" };
    match part {
        Part::Rows => format!("count(*){filter}"),
        Part::CappedRows(cap) => {
            format!("sum(CASE WHEN events > {cap} THEN {cap} ELSE events END)")
        }
        Part::FirstDay => format!("min(day){filter}"),
        Part::LastDay => format!("max(day){filter}"),
        Part::Sum => format!("sum({sum})"),
        Part::FirstDaySum => format!("first_value({sum} ORDER BY day){filter}"),
        Part::GapSquares => format!("sum(gap * gap){filter}"),
        _ => unreachable!("parts of rows run over rows"),
    }
}

fn value_pass(request: &Request<'_>, one: &Planned<'_>) -> Pass {
    let field = one.field.map(|(name, _)| quote_name(name)).unwrap_or_default();
    let mut conditions = one.conditions.clone();
    conditions.push(format!("{field} IS NOT NULL"));
    if request.rows.weighted {
        conditions.push("weight = 1".to_owned());
    }
    let source = quote_name(&request.rows.name);
    let sql = match request.key.map(quote_name) {
        Some(key) => {
            conditions.extend(request.key.and_then(|key| request.rows.present(key)));
            let filter = where_clause(&conditions);
            format!(
                "SELECT key, count(*) AS c0 FROM (SELECT {key} AS key, {field} AS value \
                 FROM {source}{filter} GROUP BY {key}, {field}) GROUP BY key"
            )
        }
        None => {
            let filter = where_clause(&conditions);
            format!(
                "SELECT count(*) AS c0 FROM (SELECT {field} AS value FROM {source}{filter} GROUP BY {field})"
            )
        }
    };
    Pass { sql, columns: vec![column(one, FieldType::Integer)] }
}
