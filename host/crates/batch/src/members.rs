//! The table of members: aggregates over events, attributes, consents and expressions.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use playbook_cycle::IntakeFinding;
use playbook_features::{
    Computed, RowTable, TallyPlan, gives_declared_type, quote_name, where_clause,
};
use playbook_model::{Column, FeatureDef, Frame, Grain, SourceTable};

use crate::Result;
use crate::aggregates::{
    AggregateFeature, declared, needs_members, place_pass, push_in_order, reads_member,
    source_table,
};
use crate::findings::{IDS_NAMED, finding, first_ids};
use crate::keys::{Collector, Common, Keys};
use crate::sequences::Whose;
use crate::source::{Aggregation, BatchSource};

/// Who the members are.
struct Universe {
    keys: Arc<Keys>,
    /// The finding where most members with events are not listed.
    few_listed: Option<IntakeFinding>,
}

impl BatchSource {
    /// Computes the members' frame.
    pub(crate) fn member_frame(&mut self) -> Result<Frame> {
        let features: Vec<FeatureDef> =
            self.playbook.features.iter().filter(|f| f.subject.0 == "member").cloned().collect();
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        let mut universe = self.universe(false)?;
        for grain in [Grain::Events, Grain::Costs, Grain::Entries] {
            let Some(rows) = self.rows(source_table(grain)).cloned() else { continue };
            if !rows.columns.contains_key("member") {
                continue;
            }
            let mut aggregates = self.aggregates(&features, grain, &rows, |_| None)?;
            if grain == Grain::Events {
                aggregates = self.tallied(aggregates, &rows, &mut universe, &mut columns)?;
            }
            for pass in self.passes(&aggregates, &rows, Some("member"))? {
                let batches = self.run_pass("features", &pass)?;
                place_pass(
                    &pass,
                    &batches,
                    &universe.keys,
                    true,
                    &declared(&aggregates),
                    &mut columns,
                )?;
            }
        }
        let Universe { keys, few_listed } = universe;
        let rows = self.rows(SourceTable::Events).map(|rows| {
            let of_members = features.iter().any(|f| needs_members(&f.definition, rows.lines));
            if of_members { Some(rows) } else { self.tables.rows_by_account(SourceTable::Events) }
        });
        let none = |_: &str| None;
        let found = self.sequences(&features, rows.flatten(), Whose::Members, &keys, none)?;
        for sequence in found {
            sequence.place(&keys, true, &mut columns)?;
        }
        self.keys = Some(Arc::clone(&keys));
        let (source, of_keys) = (&*self, &keys);
        let (attributes, consents, kinds) = thread::scope(|scope| {
            let consents = scope.spawn(|| source.consents(of_keys));
            let kinds = scope.spawn(|| source.uncounted_kinds());
            let attributes = source.attributes(&features, of_keys, &mut columns);
            let consents = consents.join().unwrap_or_else(|panic| resume_unwind(panic));
            (attributes, consents, kinds.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let (consents, attributes, kinds) = (consents?, attributes?, kinds?);
        let free = self.free_sql(&features, &keys)?;
        columns.extend(free.into_iter().map(|column| (column.name.clone(), column)));
        let mut frame = Frame::with_rows(keys.len());
        frame.push(keys.column("member"));
        push_in_order(&mut frame, &features, columns);
        Computed::new(&features, &frame)?.append_to(&mut frame, self.options.partitions)?;
        let (consents, expired) = self.consent_columns(consents, &frame);
        consents.into_iter().for_each(|column| frame.push(column));
        let told = [few_listed, attributes, expired, kinds];
        self.intake.findings.extend(told.into_iter().flatten());
        self.options.progress.finished("features");
        Ok(frame)
    }

    /// Computes in one scan of the events the aggregates that a tally can hold; returns those that are left for SQL.
    fn tallied<'a>(
        &self,
        aggregates: Vec<AggregateFeature<'a>>,
        rows: &RowTable,
        universe: &mut Universe,
        columns: &mut BTreeMap<String, Column>,
    ) -> Result<Vec<AggregateFeature<'a>>> {
        if self.options.aggregation == Aggregation::Sql {
            *universe = self.universe(true)?;
            return Ok(aggregates);
        }
        let (mut asked, mut left): (Vec<_>, Vec<_>) = aggregates.into_iter().partition(|one| {
            !reads_member(one.aggregate) && gives_declared_type(one.def, one.aggregate, rows)
        });
        let by_account = self.tables.rows_by_account(SourceTable::Events).unwrap_or(rows);
        let mut is_sure = false;
        // A scan for each plan: what tells too many kinds of rows apart for one waits for the next.
        loop {
            let plan = || TallyPlan::new(&self.request(&asked, rows, Some("member")));
            let (first, rest) = plan()?;
            let (taken, is_left) = shared_out(&asked, &rest);
            let holds_any = is_left.contains(&false);
            // An optimistic scan: it assumes that the members table lists all members, and starts over with the
            // members of the events at the first unlisted one. That saves a scan for the keys alone.
            let may_scan = is_sure || (universe.keys.len() > 0 && first.oldest().is_none());
            let mut done = None;
            if holds_any && may_scan {
                done = self.tally(first, &taken, by_account, &universe.keys)?;
            }
            if done.is_none() && !is_sure {
                *universe = self.universe(true)?;
                if holds_any {
                    done = self.tally(plan()?.0, &taken, by_account, &universe.keys)?;
                }
            }
            is_sure = true;
            columns.extend(done.into_iter().flatten().map(|column| (column.name.clone(), column)));
            let rest = asked.into_iter().zip(is_left).filter(|(_, is_left)| *is_left);
            asked = rest.map(|(one, _)| one).collect();
            if asked.is_empty() || !holds_any {
                left.extend(asked);
                return Ok(left);
            }
        }
    }

    /// Members of the table of members and, where `of_events`, of the events before T.
    fn universe(&self, of_events: bool) -> Result<Universe> {
        let mut found = self.collected(SourceTable::Members)?;
        let mut few = None;
        if of_events {
            let mut active = self.collected(SourceTable::Events)?;
            if self.rows(SourceTable::Members).is_some() {
                few = few_listed(&active.compare(&mut found, IDS_NAMED));
            }
            found.merge(active);
        }
        let keys = found.finish().replaced(self.tables.aliases().pairs());
        Ok(Universe { keys: Arc::new(keys), few_listed: few })
    }

    /// The accounts of a table, of events those before T.
    fn collected(&self, table: SourceTable) -> Result<Collector> {
        let is_integer = self.tables.member_is_integer;
        let mut found = Collector::new(is_integer);
        let Some(rows) = self.tables.rows_by_account(table) else { return Ok(found) };
        let filter = where_clause(&rows.in_time(self.intake.as_of, Some("member")));
        let sql = format!("SELECT member AS key FROM {}{filter}", quote_name(&rows.name));
        let parts =
            self.session.fold("members", &sql, move |part: &mut Option<Collector>, batch| {
                part.get_or_insert_with(|| Collector::new(is_integer)).take(batch.column(0));
            })?;
        parts.into_iter().flatten().for_each(|part| found.merge(part));
        Ok(found)
    }
}

/// The finding where less than half of the members with events are listed.
fn few_listed(common: &Common) -> Option<IntakeFinding> {
    let Common { all, both, missing } = common;
    if 2 * both >= *all {
        return None;
    }
    let unlisted = all - both;
    let ids = first_ids(missing, unlisted);
    let (hint, hint_zh) = if missing.iter().any(|id| id.ends_with(".0")) {
        (
            "read ids written as floats with `transform = \"whole\"`",
            "以浮點數寫成的編號請用 `transform = \"whole\"` 讀取",
        )
    } else {
        (
            "either the list holds a part of the members on purpose, as of those who told who they are: then all is well, and \
             fields of the list are missing for the others; or the sources write ids differently: compare blanks, leading \
             zeros, capitals, prefixes",
            "名單若刻意只含部分成員（如填過資料者），則無需處理，其餘成員的名單欄位為缺失；否則各來源的編號寫法不同：請核對空格、\
             前導零、大小寫、前綴",
        )
    };
    Some(finding(
        "members-not-listed",
        None,
        unlisted,
        format!(
            "{both} of the {all} members with events are among the listed members, {ids} are not: {hint}"
        ),
        format!("{all} 位有事件的成員中僅 {both} 位在成員名單內，{ids} 不在：{hint_zh}"),
    ))
}

/// Divides columns between the tally and SQL: those that the tally holds, each with its feature, and the features that
/// are left. `rest` are the positions of items that the tally does not hold, ascending. The columns of a split stay
/// together.
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
