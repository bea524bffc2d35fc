//! Collects the rows of a sequence on the threads of a scan, by shard of members.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, AsArray, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use playbook_features::{SequenceRow, code};
use playbook_model::SequenceRule;

use crate::cells::of_texts;
use crate::identity::AccountPlaces;
use crate::keys::NO_ROW;

/// Members of a shard, whose rows are sorted together.
pub(super) const SHARD_BITS: u32 = 14;

/// The inputs of a scan, shared by its threads.
pub(super) struct Scan {
    pub(super) rule: SequenceRule,
    pub(super) places: Arc<AccountPlaces>,
    /// Shards of members whose rows are kept.
    pub(super) shards: Range<usize>,
    pub(super) marks_are_numbers: bool,
    pub(super) has_key: bool,
    pub(super) has_by: bool,
    pub(super) rows_max: usize,
    pub(super) rows: AtomicUsize,
}

/// Rows that one thread found, by shard, and the names of their groups.
#[derive(Default)]
pub(super) struct Part {
    pub(super) shards: Vec<Vec<SequenceRow>>,
    pub(super) keys: Codes<Box<str>>,
    pub(super) values: Codes<Box<str>>,
    pub(super) groups: Codes<(u32, u32)>,
}

/// Numbers values in the order in which they first come (a dictionary encoding).
pub(super) struct Codes<T> {
    of: HashMap<T, u32>,
    pub(super) all: Vec<T>,
}

impl<T> Default for Codes<T> {
    fn default() -> Self {
        Self { of: HashMap::new(), all: Vec::new() }
    }
}

impl<T: Hash + Eq + Clone> Codes<T> {
    pub(super) fn code(&mut self, value: T) -> u32 {
        if let Some(code) = self.of.get(&value) {
            return *code;
        }
        let code = u32::try_from(self.all.len()).expect("fewer than 2^32 values");
        self.of.insert(value.clone(), code);
        self.all.push(value);
        code
    }
}

impl Scan {
    pub(super) fn is_over(&self) -> bool {
        self.rows.load(Ordering::Relaxed) > self.rows_max
    }

    pub(super) fn take(&self, part: &mut Part, batch: &RecordBatch) {
        if self.is_over() {
            part.shards.clear();
            return;
        }
        let integers = |at: usize| {
            let values = cast(batch.column(at), &DataType::Int64);
            values.expect("times and marks are integers").as_primitive::<Int64Type>().clone()
        };
        let places = self.places.of(batch.column(0));
        let times = integers(1);
        let marks: Int64Array = match self.marks_are_numbers {
            true => integers(2),
            false => of_texts(batch.column(2), |mark| mark.map(code)).into_iter().collect(),
        };
        let coded = |is_there: bool, at: usize, codes: &mut Codes<Box<str>>| -> Vec<u32> {
            match is_there {
                true => of_texts(batch.column(at), |t| codes.code(t.unwrap_or_default().into())),
                false => Vec::new(),
            }
        };
        let keys = coded(self.has_key, 3, &mut part.keys);
        let values = coded(self.has_by, 3 + usize::from(self.has_key), &mut part.values);
        part.shards.resize_with(self.shards.len(), Vec::new);
        let mut kept = 0;
        for (row, place) in places.into_iter().enumerate() {
            let shard = (place >> SHARD_BITS) as usize;
            if place == NO_ROW || !self.shards.contains(&shard) || times.is_null(row) {
                continue;
            }
            let code = |codes: &[u32]| codes.get(row).copied().unwrap_or(0);
            let group = part.groups.code((code(&keys), code(&values)));
            let row =
                SequenceRow::new(&self.rule, group, place, times.value(row), marks.value(row));
            part.shards[shard - self.shards.start].push(row);
            kept += 1;
        }
        self.rows.fetch_add(kept, Ordering::Relaxed);
    }
}
