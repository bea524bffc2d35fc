//! The table of members: aggregates over events, attributes, consents and expressions.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use playbook_features::{FieldType, RowTable, TallyPlan, quote_name, where_clause};
use playbook_model::{Aggregate, CellType, Column, FeatureDef, Frame, Grain, SourceTable};

use crate::Result;
use crate::aggregates::{
    AggregateFeature, declared, place_pass, push_in_order, reads_member, source_table,
};
use crate::expressions::evaluate;
use crate::keys::{Collector, Keys};
use crate::source::{Aggregation, BatchSource};

impl BatchSource {
    /// Computes the members' frame.
    pub(crate) fn member_frame(&mut self) -> Result<Frame> {
        let features: Vec<FeatureDef> =
            self.playbook.features.iter().filter(|f| f.subject.0 == "member").cloned().collect();
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        let mut keys = Arc::new(self.universe(false)?);
        for grain in [Grain::Events, Grain::Costs, Grain::Entries] {
            let Some(rows) = self.rows(source_table(grain)).cloned() else { continue };
            if !rows.columns.contains_key("member") {
                continue;
            }
            let mut aggregates = self.aggregates(&features, grain, &rows, |_| None)?;
            if grain == Grain::Events {
                aggregates = self.tallied(aggregates, &rows, &mut keys, &mut columns)?;
            }
            for pass in self.passes(&aggregates, &rows, Some("member"))? {
                let batches = self.run_pass("features", &pass)?;
                place_pass(&pass, &batches, &keys, true, &declared(&aggregates), &mut columns)?;
            }
        }
        self.keys = Some(Arc::clone(&keys));
        let (source, of_keys) = (&*self, &keys);
        let (attributes, consents) = thread::scope(|scope| {
            let consents = scope.spawn(|| source.consent_columns(of_keys));
            let attributes = source.attributes(&features, of_keys, &mut columns);
            (attributes, consents.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        attributes?;
        let free = self.free_sql(&features, &keys)?;
        columns.extend(free.into_iter().map(|column| (column.name.clone(), column)));
        let mut frame = Frame::with_rows(keys.len());
        frame.push(keys.column("member"));
        push_in_order(&mut frame, &features, columns);
        evaluate(&features, &mut frame, self.options.partitions)?;
        consents?.into_iter().for_each(|column| frame.push(column));
        self.options.progress.finished("features");
        Ok(frame)
    }

    /// Computes in one scan of the events what a tally holds; returns the aggregates that are left for SQL.
    fn tallied<'a>(
        &self,
        aggregates: Vec<AggregateFeature<'a>>,
        rows: &RowTable,
        keys: &mut Arc<Keys>,
        columns: &mut BTreeMap<String, Column>,
    ) -> Result<Vec<AggregateFeature<'a>>> {
        if self.options.aggregation == Aggregation::Sql {
            *keys = Arc::new(self.universe(true)?);
            return Ok(aggregates);
        }
        let (asked, mut left): (Vec<_>, Vec<_>) =
            aggregates.into_iter().partition(|one| may_be_tallied(one, rows));
        let plan = || TallyPlan::new(&self.request(&asked, rows, Some("member")));
        let (first, rest) = plan()?;
        let (taken, is_left) = shared_out(&asked, &rest);
        let by_account = self.tables.rows_by_account(SourceTable::Events).unwrap_or(rows);
        // An optimistic scan: it takes the table of members for all members, and starts over with the members of
        // the events at the first event whose member is not listed. That saves a scan for the keys alone.
        let may_scan = !taken.is_empty() && keys.len() > 0 && first.oldest().is_none();
        let mut done = if may_scan { self.tally(first, &taken, by_account, keys)? } else { None };
        if done.is_none() {
            *keys = Arc::new(self.universe(true)?);
            if !taken.is_empty() {
                done = self.tally(plan()?.0, &taken, by_account, keys)?;
            }
        }
        columns.extend(done.into_iter().flatten().map(|column| (column.name.clone(), column)));
        let asked = asked.into_iter().zip(is_left);
        left.extend(asked.filter(|(_, is_left)| *is_left).map(|(one, _)| one));
        Ok(left)
    }

    /// Members of the table of members and, where `of_events`, of the events before T.
    fn universe(&self, of_events: bool) -> Result<Keys> {
        let is_integer = self.tables.member_is_integer;
        let mut found = Collector::new(is_integer);
        let events = of_events.then_some(SourceTable::Events);
        for table in [SourceTable::Members].into_iter().chain(events) {
            let Some(rows) = self.tables.rows_by_account(table) else { continue };
            let filter = where_clause(&rows.in_time(self.intake.as_of, Some("member")));
            let sql = format!("SELECT member AS key FROM {}{filter}", quote_name(&rows.name));
            let parts = self.session.fold(
                "members",
                &sql,
                move |part: &mut Option<Collector>, batch| {
                    part.get_or_insert_with(|| Collector::new(is_integer)).take(batch.column(0));
                },
            )?;
            parts.into_iter().flatten().for_each(|part| found.merge(part));
        }
        Ok(found.finish().replaced(self.tables.aliases().pairs()))
    }
}

/// Whether a tally gives an aggregate the type that it is declared with: a value that a row gives as it is, is a text
/// where its field is one.
fn may_be_tallied(one: &AggregateFeature<'_>, rows: &RowTable) -> bool {
    let picks = matches!(
        one.aggregate.function,
        Aggregate::First | Aggregate::Last | Aggregate::Min | Aggregate::Max
    );
    let field = one.aggregate.field.as_ref().and_then(|field| rows.columns.get(field));
    let gives_text = picks && field == Some(&FieldType::Text);
    !reads_member(one.aggregate)
        && match one.def.cell_type {
            CellType::Integer | CellType::Real => !gives_text,
            CellType::Text | CellType::Category => gives_text,
            _ => false,
        }
}

/// The columns that a tally holds, each with its feature, and which features it does not; `rest` are the positions of
/// items that it does not hold, ascending. The columns of a split are held, or left, together.
fn shared_out<'a>(
    asked: &[AggregateFeature<'a>],
    rest: &[usize],
) -> (Vec<(&'a FeatureDef, String)>, Vec<bool>) {
    let mut taken = Vec::new();
    let mut is_left = vec![false; asked.len()];
    let items = (0..)
        .zip(asked)
        .flat_map(|(at, one)| one.items().into_iter().map(move |item| (at, one.def, item.name)));
    for (number, (at, def, name)) in items.enumerate() {
        if rest.binary_search(&number).is_ok() {
            is_left[at] = true;
        } else {
            taken.push((def, name));
        }
    }
    (taken, is_left)
}
