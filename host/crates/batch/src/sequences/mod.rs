//! Sequences of events: one scan for each sequence, whatever features ask of it, then a pass over each member's rows
//! in order of time.
//!
//! Rows are kept while one sequence is computed, 24 bytes each. Where they are more than
//! [`BatchOptions::sequence_rows`], members are taken a range at a time, with a scan for each range.
//!
//! [`BatchOptions::sequence_rows`]: crate::BatchOptions::sequence_rows

mod rows;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use playbook_features::{
    Asked, Number, Parts, RowTable, SequenceRequest, SequenceRow, asked, fold_members,
};
use playbook_model::{FeatureDef, Give};

use crate::aggregates::BY_VALUES_MAX;
use crate::identity::AccountPlaces;
use crate::keys::Keys;
use crate::source::BatchSource;
use crate::{BatchError, Result};
use playbook_features::done_by;

use rows::{Codes, Part, SHARD_BITS, Scan};
pub(crate) use values::Sequenced;
use values::{Answers, Folded, found_values};

const STAGE: &str = "features";

/// The rows of the table that is computed.
#[derive(Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// A row for each member.
    Members,
    /// A row for each value of this column, over all members; `None`: one row for the brand.
    Subject(Option<&'a str>),
}

impl BatchSource {
    /// Computes the sequences among `features` over events; `names` gives the values of splits that are known
    /// beforehand.
    pub(crate) fn sequences(
        &self,
        features: &[FeatureDef],
        rows: Option<&RowTable>,
        whose: Whose<'_>,
        members: &Arc<Keys>,
        names: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Result<Vec<Sequenced>> {
        let places = Arc::new(self.tables.aliases().places(Arc::clone(members)));
        let mut found = Vec::new();
        for asked in asked(features) {
            let by = asked.sequence.by.as_deref();
            // A stage that was skipped has no output to split by.
            let is_absent = |by: &str| {
                by.contains('.') && rows.is_none_or(|rows| !rows.columns.contains_key(by))
            };
            let rows = rows.filter(|_| !by.is_some_and(is_absent));
            let answers = match rows {
                Some(rows) => self.sequence(&asked, rows, whose, members.len(), &places)?,
                None => Vec::new(),
            };
            let values = by.map(|by| names(by).unwrap_or_else(|| found_values(&answers)));
            found.push(Sequenced { asked, values, answers });
        }
        Ok(found)
    }

    fn sequence(
        &self,
        asked: &Asked,
        rows: &RowTable,
        whose: Whose<'_>,
        members: usize,
        places: &Arc<AccountPlaces>,
    ) -> Result<Vec<Answers>> {
        let key = match whose {
            Whose::Members => None,
            Whose::Subject(key) => key,
        };
        let request = SequenceRequest {
            feature: &asked.asks[0].feature.name,
            sequence: &asked.sequence,
            rows,
            key,
            as_of: self.intake.as_of,
            clock: &self.clock,
        };
        let shards = members.div_ceil(1 << SHARD_BITS);
        let (mut from, mut count) = (0, shards.max(1));
        let mut groups: Codes<[Box<str>; 2]> = Codes::default();
        let mut folded = Folded::new(whose, asked);
        while from < shards {
            let range = from..shards.min(from + count);
            match self.rows_of(&request, range.clone(), places, &mut groups)? {
                None => count = range.len() / 2,
                Some(rows) => {
                    self.check_values(asked, &groups)?;
                    self.fold_rows(asked, rows, &mut folded);
                    from = range.end;
                }
            }
        }
        Ok(folded.finish(&groups.all, |parts, give| self.value(parts, give)))
    }

    /// The rows of some shards of members, by shard; `None` where they are more than may be held in memory.
    fn rows_of(
        &self,
        request: &SequenceRequest<'_>,
        shards: Range<usize>,
        places: &Arc<AccountPlaces>,
        groups: &mut Codes<[Box<str>; 2]>,
    ) -> Result<Option<Vec<Vec<SequenceRow>>>> {
        let scan = Arc::new(Scan {
            rule: request.sequence.rule.clone(),
            places: Arc::clone(places),
            marks_are_numbers: request.marks_are_numbers(),
            has_key: request.key.is_some(),
            has_by: request.sequence.by.is_some(),
            // The bound does not hold for a single shard, which cannot be cut further.
            rows_max: if shards.len() > 1 { self.options.sequence_rows } else { usize::MAX },
            rows: AtomicUsize::new(0),
            shards,
        });
        let shared = Arc::clone(&scan);
        let parts: Vec<Part> = self
            .session
            .fold(STAGE, &request.sql()?, move |part, batch| shared.take(part, batch))?;
        if scan.is_over() {
            return Ok(None);
        }
        let count = scan.rows.load(Ordering::Relaxed) as u64;
        self.options.progress.advanced(STAGE, count, None);
        let mut shards: Vec<Vec<SequenceRow>> = scan.shards.clone().map(|_| Vec::new()).collect();
        for part in parts {
            let name = |codes: &Codes<Box<str>>, at: u32| {
                codes.all.get(at as usize).cloned().unwrap_or_default()
            };
            let of_local: Vec<u32> = part
                .groups
                .all
                .iter()
                .map(|(key, by)| groups.code([name(&part.keys, *key), name(&part.values, *by)]))
                .collect();
            for (all, rows) in shards.iter_mut().zip(part.shards) {
                let of = |row: SequenceRow| row.in_group(of_local[row.group() as usize]);
                all.extend(rows.into_iter().map(of));
            }
        }
        Ok(Some(shards))
    }

    fn check_values(&self, asked: &Asked, groups: &Codes<[Box<str>; 2]>) -> Result<()> {
        let Some(by) = &asked.sequence.by else { return Ok(()) };
        let values: BTreeSet<&str> = groups.all.iter().map(|[_, value]| &**value).collect();
        if values.len() > BY_VALUES_MAX {
            return Err(BatchError::TooManyValues {
                feature: asked.asks[0].feature.name.clone(),
                by: by.clone(),
                values: values.len(),
                max: BY_VALUES_MAX,
            });
        }
        Ok(())
    }

    fn value(&self, parts: &Parts, give: Give) -> Number<'static> {
        parts.value(give, self.intake.as_of.0, |time| self.clock.local_ms(time))
    }

    /// Folds the rows of shards into values, on all threads.
    fn fold_rows(&self, asked: &Asked, rows: Vec<Vec<SequenceRow>>, folded: &mut Folded) {
        let rule = &asked.sequence.rule;
        let threads = self.options.partitions;
        match folded {
            Folded::Members { rows: folded, .. } => {
                folded.extend(done_by(threads, rows.into_iter(), |mut rows| {
                    let (mut of, mut values) = (Vec::new(), Vec::new());
                    fold_members(rule, &mut rows, |group, member, parts| {
                        of.push((group, member));
                        values.extend(asked.asks.iter().map(|ask| self.value(&parts, ask.give)));
                    });
                    (of, values)
                }));
            }
            Folded::Subject { sums, .. } => {
                let all = done_by(threads, rows.into_iter(), |mut rows| {
                    let mut sums = BTreeMap::new();
                    fold_members(rule, &mut rows, |group, _, parts| add(&mut sums, group, parts));
                    sums
                });
                all.into_iter().flatten().for_each(|(group, parts)| add(sums, group, parts));
            }
        }
    }
}

fn add(sums: &mut BTreeMap<u32, Parts>, group: u32, parts: Parts) {
    match sums.get_mut(&group) {
        Some(sum) => sum.add(&parts),
        None => {
            sums.insert(group, parts);
        }
    }
}
