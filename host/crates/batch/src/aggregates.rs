//! Declared aggregates as passes of SQL over the rows of one table, and what the passes give as columns.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use playbook_features::{
    Item, Pass, Request, RowTable, WallField, by_values_sql, items, plan, without_rows,
};
use playbook_model::{
    AggregateDef, CellType, Column, Definition, FeatureDef, Frame, Grain, SourceTable,
};

use crate::cells::{Target, column};
use crate::keys::{Keys, texts};
use crate::overflow::is_overflow;
use crate::source::BatchSource;
use crate::{BatchError, Result};

/// Most values that a split may have, each of which becomes a column.
pub(crate) const BY_VALUES_MAX: usize = 256;

/// Most SQL aggregates in one pass over the rows: with a million members each takes some 30 MB while it runs.
pub(crate) const PARTS_MAX: usize = 12;

/// A declared aggregate with the columns that it gives.
pub(crate) struct AggregateFeature<'a> {
    pub(crate) def: &'a FeatureDef,
    pub(crate) aggregate: &'a AggregateDef,
    /// Values of the split, each of which is a column; `None` without a split: one column.
    pub(crate) values: Option<Vec<String>>,
}

impl AggregateFeature<'_> {
    pub(crate) fn items(&self) -> Vec<Item<'_>> {
        items(&self.def.name, self.aggregate, self.values.as_deref())
    }
}

/// Whether an aggregate reads the column of the member: rows by account hold the account there.
pub(crate) fn reads_member(aggregate: &AggregateDef) -> bool {
    [&aggregate.field, &aggregate.by].into_iter().flatten().any(|column| column == "member")
}

/// Whether a feature is computed from rows of members rather than of accounts: an order in several lines is one order
/// of the member, whatever account a line names.
pub(crate) fn needs_members(definition: &Definition, has_lines: bool) -> bool {
    match definition {
        Definition::Aggregate(aggregate) => reads_member(aggregate),
        Definition::Sequence(sequence) => has_lines || sequence.by.as_deref() == Some("member"),
        _ => false,
    }
}

/// Table that an aggregate's rows are in.
pub(crate) fn source_table(grain: Grain) -> SourceTable {
    match grain {
        Grain::Events => SourceTable::Events,
        Grain::Members => SourceTable::Members,
        Grain::Costs => SourceTable::Costs,
        Grain::Entries => SourceTable::Entries,
    }
}

impl BatchSource {
    /// The aggregates among `features` over one grain, with the values of their splits: those that `names` knows,
    /// else all that occur.
    pub(crate) fn aggregates<'a>(
        &self,
        features: &'a [FeatureDef],
        grain: Grain,
        rows: &RowTable,
        names: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Result<Vec<AggregateFeature<'a>>> {
        let mut found = Vec::new();
        let wall = |by: &str| WallField::named(by).filter(|_| grain == Grain::Events);
        for def in features {
            let Definition::Aggregate(aggregate) = &def.definition else { continue };
            let is_absent = |name: &String| name.contains('.') && !rows.columns.contains_key(name);
            if aggregate.over != grain || aggregate.field.as_ref().is_some_and(is_absent) {
                continue;
            }
            let values = match &aggregate.by {
                None => None,
                // A stage that was skipped has no output to split by.
                Some(by) if is_absent(by) => Some(Vec::new()),
                Some(by) => Some(match wall(by).map(WallField::values).or_else(|| names(by)) {
                    Some(names) => names,
                    None => self.by_values(def, aggregate, by, rows)?,
                }),
            };
            found.push(AggregateFeature { def, aggregate, values });
        }
        Ok(found)
    }

    fn by_values(
        &self,
        def: &FeatureDef,
        aggregate: &AggregateDef,
        by: &str,
        rows: &RowTable,
    ) -> Result<Vec<String>> {
        let sql = by_values_sql(&def.name, aggregate, by, rows, self.intake.as_of, &self.clock)?;
        let mut values = Vec::new();
        for batch in self.session.collect("features", &sql)? {
            values.extend(texts(batch.column(0)).iter().flatten().map(str::to_owned));
        }
        if values.len() > BY_VALUES_MAX {
            return Err(BatchError::TooManyValues {
                feature: def.name.clone(),
                by: by.to_owned(),
                values: values.len(),
                max: BY_VALUES_MAX,
            });
        }
        Ok(values)
    }

    pub(crate) fn passes(
        &self,
        aggregates: &[AggregateFeature<'_>],
        rows: &RowTable,
        key: Option<&str>,
    ) -> Result<Vec<Pass>> {
        Ok(plan(&self.request(aggregates, rows, key))?)
    }

    pub(crate) fn request<'a>(
        &'a self,
        aggregates: &'a [AggregateFeature<'_>],
        rows: &'a RowTable,
        key: Option<&'a str>,
    ) -> Request<'a> {
        let items = aggregates.iter().flat_map(AggregateFeature::items).collect();
        Request {
            rows,
            key,
            as_of: self.intake.as_of,
            clock: &self.clock,
            items,
            parts_max: PARTS_MAX,
        }
    }

    pub(crate) fn run_pass(&self, stage: &'static str, pass: &Pass) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        let progress = self.options.progress.as_ref();
        self.session
            .stream(stage, &pass.sql, progress, |batch| {
                batches.push(batch);
                Ok(())
            })
            .map_err(|error| match error {
                BatchError::Engine { source, .. } if is_overflow(&*source) => {
                    let names: Vec<_> =
                        pass.columns.iter().map(|c| format!("`{}`", c.name)).collect();
                    BatchError::SumTooLarge { features: names.join(", ") }
                }
                other => other,
            })?;
        Ok(batches)
    }
}

/// The definitions of aggregates with the values of their splits.
pub(crate) fn declared(
    aggregates: &[AggregateFeature<'_>],
) -> Vec<(FeatureDef, Option<Vec<String>>)> {
    aggregates.iter().map(|a| (a.def.clone(), a.values.clone())).collect()
}

/// Aggregates by name with the values of their splits.
pub(crate) type Declared = [(FeatureDef, Option<Vec<String>>)];

/// Puts the values of a pass into the rows of their keys; without keys there is one row.
pub(crate) fn place_pass(
    pass: &Pass,
    batches: &[RecordBatch],
    keys: &Keys,
    keyed: bool,
    declared: &Declared,
    columns: &mut BTreeMap<String, Column>,
) -> Result<()> {
    let places: Vec<_> = batches
        .iter()
        .map(|batch| if keyed { keys.places(batch.column(0)) } else { vec![0; batch.num_rows()] })
        .collect();
    for (at, found) in pass.columns.iter().enumerate() {
        let (unit, cell_type) = declared_type(&found.name, declared);
        let target = Target {
            name: &found.name,
            unit,
            cell_type,
            rows: keys.len(),
            zero_when_empty: found.zero_when_empty,
        };
        let parts: Vec<_> = batches
            .iter()
            .zip(&places)
            .map(|(batch, places)| (batch.column(at + usize::from(keyed)), places.as_slice()))
            .collect();
        columns.insert(found.name.clone(), column(&target, &parts)?);
    }
    Ok(())
}

/// Unit and type that the playbook declares for a column.
fn declared_type<'a>(name: &str, declared: &'a Declared) -> (&'a str, CellType) {
    let feature = declared.iter().find(|(def, _)| {
        let rest = name.strip_prefix(def.name.as_str());
        let value = rest.and_then(|rest| rest.strip_prefix('.'));
        rest == Some("") || value.is_some_and(|value| def.definition.has_column(value))
    });
    feature.map_or(("", CellType::Integer), |(def, _)| (def.unit.as_str(), def.cell_type))
}

/// Adds columns in the order of their features; the columns of a split ascend by value.
pub(crate) fn push_in_order(
    frame: &mut Frame,
    features: &[FeatureDef],
    mut columns: BTreeMap<String, Column>,
) {
    for feature in features {
        let split = format!("{}.", feature.name);
        let mut names: Vec<String> = columns
            .range(feature.name.clone()..)
            .take_while(|(name, _)| name.starts_with(&feature.name))
            .filter(|(name, _)| **name == feature.name || name.starts_with(&split))
            .map(|(name, _)| name.clone())
            .collect();
        if matches!(&feature.definition, Definition::Aggregate(a) if a.every_ms.is_some()) {
            // By the number of the stretch: 2 before 10.
            names.sort_by_key(String::len);
        }
        names.iter().filter_map(|name| columns.remove(name)).for_each(|c| frame.push(c));
        if let (true, Definition::Aggregate(aggregate)) = (names.is_empty(), &feature.definition)
            && aggregate.by.is_none()
        {
            // No source fills the table that the feature reads.
            without_rows(feature, aggregate, frame.rows()).into_iter().for_each(|c| frame.push(c));
        }
    }
}
