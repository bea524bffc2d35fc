//! The table of members: aggregates over events, attributes, consents and expressions.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use playbook_features::{Item, Pass, Request, RowTable, by_values_sql, plan};
use playbook_model::{AggregateDef, CellType, Column, Definition, FeatureDef, Frame, Grain};
use playbook_toml::SourceTable;

use crate::cells::{Target, column};
use crate::keys::Keys;
use crate::source::BatchSource;
use crate::{BatchError, Result};

/// Columns that a split may give.
pub(crate) const BY_VALUES_MAX: usize = 256;

/// Aggregated parts of one pass over the rows: with a million members each takes some 30 MB while it runs.
pub(crate) const PARTS_MAX: usize = 12;

/// A declared aggregate with the columns that it gives.
pub(crate) struct AggregateFeature<'a> {
    pub(crate) def: &'a FeatureDef,
    pub(crate) aggregate: &'a AggregateDef,
    /// `None`: one column; else one per value.
    pub(crate) values: Option<Vec<String>>,
}

impl AggregateFeature<'_> {
    fn items(&self) -> Vec<Item<'_>> {
        match &self.values {
            None => vec![Item {
                name: self.def.name.clone(),
                aggregate: self.aggregate,
                by_value: None,
            }],
            Some(values) => values
                .iter()
                .map(|value| Item {
                    name: format!("{}.{value}", self.def.name),
                    aggregate: self.aggregate,
                    by_value: Some(value.clone()),
                })
                .collect(),
        }
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
    /// Computes the members' frame.
    pub(crate) fn member_frame(&mut self) -> Result<Frame> {
        let features: Vec<FeatureDef> =
            self.playbook.features.iter().filter(|f| f.subject.0 == "member").cloned().collect();
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        let events = self.rows(SourceTable::Events).cloned();
        let mut keys = None;
        if let Some(rows) = &events {
            let aggregates = self.aggregates(&features, Grain::Events, rows)?;
            let passes = self.passes(&aggregates, rows, Some("member"), true)?;
            for pass in &passes {
                let batches = self.run_pass("features", pass)?;
                if keys.is_none() {
                    keys = Some(self.universe(&batches)?);
                }
                let keys = keys.as_ref().expect("the first pass gives the members");
                place_pass(pass, batches, keys, &aggregates, &mut columns)?;
            }
        }
        let keys = match keys {
            Some(keys) => keys,
            None => self.universe(&[])?,
        };
        for grain in [Grain::Costs, Grain::Entries] {
            let Some(rows) = self.rows(source_table(grain)).cloned() else { continue };
            if !rows.columns.contains_key("member") {
                continue;
            }
            let aggregates = self.aggregates(&features, grain, &rows)?;
            for pass in self.passes(&aggregates, &rows, Some("member"), false)? {
                let batches = self.run_pass("features", &pass)?;
                place_pass(&pass, batches, &keys, &aggregates, &mut columns)?;
            }
        }
        let mut frame = Frame::with_rows(keys.len());
        frame.push(keys.column("member"));
        for feature in &features {
            let split = format!("{}.", feature.name);
            let names: Vec<String> = columns
                .range(feature.name.clone()..)
                .take_while(|(name, _)| name.starts_with(&feature.name))
                .filter(|(name, _)| **name == feature.name || name.starts_with(&split))
                .map(|(name, _)| name.clone())
                .collect();
            names.iter().filter_map(|name| columns.remove(name)).for_each(|c| frame.push(c));
        }
        self.members = Some(keys);
        self.options.progress.finished("features");
        Ok(frame)
    }

    /// Members of the table of members and of the events of the first pass.
    fn universe(&self, first_pass: &[RecordBatch]) -> Result<Keys> {
        let mut batches = Vec::new();
        if self.rows(SourceTable::Members).is_some() {
            batches = self
                .session
                .collect("members", "SELECT member AS key FROM members WHERE member IS NOT NULL")?;
        }
        let columns = first_pass.iter().chain(&batches).map(|batch| batch.column(0));
        Ok(Keys::collect(columns, self.tables.member_is_integer))
    }

    /// The aggregates among `features` over one grain, with the values of their splits.
    pub(crate) fn aggregates<'a>(
        &self,
        features: &'a [FeatureDef],
        grain: Grain,
        rows: &RowTable,
    ) -> Result<Vec<AggregateFeature<'a>>> {
        let mut found = Vec::new();
        for def in features {
            let Definition::Aggregate(aggregate) = &def.definition else { continue };
            if aggregate.over != grain {
                continue;
            }
            let values = match &aggregate.by {
                None => None,
                Some(by) => Some(self.by_values(def, aggregate, by, rows)?),
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
        let sql = by_values_sql(&def.name, aggregate, by, rows, self.intake.as_of)?;
        let mut values = Vec::new();
        for batch in self.session.collect("features", &sql)? {
            values.extend(crate::keys::texts(batch.column(0)).iter().flatten().map(str::to_owned));
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
        every_key: bool,
    ) -> Result<Vec<Pass>> {
        let items = aggregates.iter().flat_map(AggregateFeature::items).collect();
        let as_of = self.intake.as_of;
        let request = Request { rows, key, as_of, items, every_key, parts_max: PARTS_MAX };
        Ok(plan(&request)?)
    }

    pub(crate) fn run_pass(&self, stage: &'static str, pass: &Pass) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        let progress = self.options.progress.as_ref();
        self.session.stream(stage, &pass.sql, progress, |batch| {
            batches.push(batch);
            Ok(())
        })?;
        Ok(batches)
    }
}

/// Places the columns of a pass by key.
pub(crate) fn place_pass(
    pass: &Pass,
    batches: Vec<RecordBatch>,
    keys: &Keys,
    aggregates: &[AggregateFeature<'_>],
    columns: &mut BTreeMap<String, Column>,
) -> Result<()> {
    let places: Vec<_> = batches.iter().map(|batch| keys.places(batch.column(0))).collect();
    for (at, found) in pass.columns.iter().enumerate() {
        let (unit, cell_type) = declared(&found.name, aggregates);
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
            .map(|(batch, places)| (batch.column(at + 1), places.as_slice()))
            .collect();
        columns.insert(found.name.clone(), column(&target, &parts)?);
    }
    Ok(())
}

/// Unit and type that the playbook declares for a column.
pub(crate) fn declared<'a>(
    name: &str,
    aggregates: &'a [AggregateFeature<'_>],
) -> (&'a str, CellType) {
    let feature = aggregates.iter().find(|feature| {
        let rest = name.strip_prefix(feature.def.name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || (feature.values.is_some() && rest.starts_with('.')))
    });
    feature.map_or(("", CellType::Integer), |f| (f.def.unit.as_str(), f.def.cell_type))
}
