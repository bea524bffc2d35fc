//! Members that are listed in several rows, of one account or of accounts that are one person: one row counts, the last
//! in the order of sources, files and lines, and of ages the youngest.

use std::collections::HashMap;
use std::hash::BuildHasher;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use foldhash::quality::FixedState;
use playbook_cycle::IntakeFinding;
use playbook_features::YoungestAge;
use playbook_model::Bitmap;

use crate::findings::{IDS_NAMED, finding, first_ids};
use crate::keys::{NO_ROW, texts};

type Age = YoungestAge<String>;

/// Rows of the members table: a column for each field that is read, and the place of the member of each row.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) columns: Vec<ArrayRef>,
    pub(crate) places: Vec<u32>,
}

/// The places that occur more than once; `None`: there is none.
pub(crate) fn repeated<'a>(
    places: impl Iterator<Item = &'a Vec<u32>>,
    rows: usize,
) -> Option<Bitmap> {
    let mut seen = Bitmap::filled(rows, false);
    let mut again: Option<Bitmap> = None;
    for place in places.flatten().filter(|place| **place != NO_ROW) {
        let place = *place as usize;
        if seen.get(place) {
            again.get_or_insert_with(|| Bitmap::filled(rows, false)).set(place, true);
        }
        seen.set(place, true);
    }
    again
}

/// Picks one row for each member that is listed in several. Rows must come in the order of sources, files and lines.
#[derive(Debug)]
pub(crate) struct Listed<'a> {
    /// Places of the members that are listed in several rows.
    repeated: &'a Bitmap,
    /// Number of fields that are read; they are the first columns after the account.
    fields: usize,
    /// Which of them hold age bands.
    ages: &'a [usize],
    chunks: Vec<Chunk>,
    /// Chunk and row of the last row of each place.
    last: HashMap<u32, (usize, usize)>,
    youngest: Vec<HashMap<u32, Age>>,
    /// By account, the hash of its first row, and whether another row differs.
    accounts: HashMap<String, (u64, bool)>,
    differing: Vec<String>,
    differing_in_all: u64,
}

impl<'a> Listed<'a> {
    pub(crate) fn new(repeated: &'a Bitmap, fields: usize, ages: &'a [usize]) -> Self {
        Self {
            repeated,
            fields,
            ages,
            chunks: Vec::new(),
            last: HashMap::new(),
            youngest: vec![HashMap::new(); ages.len()],
            accounts: HashMap::new(),
            differing: Vec::new(),
            differing_in_all: 0,
        }
    }

    /// Takes the next rows. Their columns are the account, the fields that are read, then all other columns of the
    /// table.
    pub(crate) fn hear(&mut self, batch: &RecordBatch, mut places: Vec<u32>) {
        let is_repeated = |place: u32| place != NO_ROW && self.repeated.get(place as usize);
        let kept: BooleanArray = places.iter().map(|place| Some(is_repeated(*place))).collect();
        if kept.true_count() == 0 {
            return;
        }
        let batch = filter_record_batch(batch, &kept).expect("there is a flag per row");
        places.retain(|place| is_repeated(*place));
        self.compare(&batch);
        for (at, youngest) in self.ages.iter().zip(&mut self.youngest) {
            for (band, place) in texts(batch.column(at + 1)).iter().zip(&places) {
                youngest.entry(*place).or_default().hear(band);
            }
        }
        let chunk = self.chunks.len();
        for row in 0..places.len() {
            if let Some((chunk, row)) = self.last.insert(places[row], (chunk, row)) {
                let earlier = self.chunks.get_mut(chunk).map_or(&mut places, |c| &mut c.places);
                earlier[row] = NO_ROW;
            }
        }
        let columns = batch.columns()[1..=self.fields].to_vec();
        self.chunks.push(Chunk { columns, places });
    }

    /// Finds accounts whose rows differ in any column.
    fn compare(&mut self, batch: &RecordBatch) {
        let hashing = FixedState::default();
        let accounts = texts(batch.column(0));
        let columns: Vec<StringArray> = batch.columns()[1..].iter().map(texts).collect();
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|cells| cells.is_valid(row).then(|| cells.value(row)));
            let hash = hashing.hash_one(cells.collect::<Vec<_>>());
            let account = accounts.value(row);
            let Some((first, differs)) = self.accounts.get_mut(account) else {
                self.accounts.insert(account.to_owned(), (hash, false));
                continue;
            };
            if *first != hash && !std::mem::replace(differs, true) {
                self.differing_in_all += 1;
                if self.differing.len() < IDS_NAMED {
                    self.differing.push(account.to_owned());
                }
            }
        }
    }

    /// Returns one row for each member; for each field with age bands the youngest band of each member; and the finding
    /// about accounts that are listed with different values.
    pub(crate) fn finish(self) -> (Vec<Chunk>, Vec<(usize, Chunk)>, Option<IntakeFinding>) {
        let ages = self.ages.iter().zip(self.youngest).map(|(at, ages)| (*at, youngest(ages)));
        let told =
            (self.differing_in_all > 0).then(|| told(self.differing_in_all, &self.differing));
        (self.chunks, ages.collect(), told)
    }
}

fn told(count: u64, first: &[String]) -> IntakeFinding {
    let ids = first_ids(first, count);
    finding(
        "member-listed-twice",
        None,
        count,
        format!(
            "{count} of the listed members stand in several rows with different values, {ids}: the last row counts, in \
             the order of sources, files and lines, and the youngest age band; list each member once"
        ),
        format!(
            "{count} 位成員以不同的值重複列出（{ids}）：以來源、檔案與行的順序中最後一行為準，年齡段取最年幼者；請每位成員只列一次"
        ),
    )
}

fn youngest(ages: HashMap<u32, Age>) -> Chunk {
    let held = ages.into_iter().filter_map(|(place, age)| Some((place, age.holds()?)));
    let (places, bands): (Vec<u32>, Vec<String>) = held.unzip();
    let bands: ArrayRef = std::sync::Arc::new(StringArray::from_iter_values(bands));
    Chunk { columns: vec![bands], places }
}
