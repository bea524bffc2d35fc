//! What a plugin is tried on: rows, tables and a fit, made up from its own needs.

use std::ops::Range;

use playbook_contract::cut;
use playbook_cycle::{CycleError, FitEnd, FitRows, FitStart, FitStop, StageUsage, fit};
use playbook_model::{
    Batch, Bitmap, CellType, Columns, Context, Layout, ListCells, Need, Outcome, Shape, Source,
    TableNeed, TextLists, Wide,
};
use playbook_runtime::{OpenedPlugin, Opening, Plugin, Reuse};

/// Rows of made-up tables beside streamed rows.
pub(crate) const TABLE_ROWS: usize = 5;
/// Most items of a made-up list.
const LIST_ITEMS_MAX: u64 = 8;
/// Longest made-up history, in days.
const HISTORY_DAYS: i64 = 400;
/// Words of made-up texts.
const WORDS: [&str; 16] = [
    "the",
    "new",
    "tea",
    "arrived",
    "today",
    "and",
    "tastes",
    "great",
    "slow",
    "refund",
    "¥99",
    "包裝",
    "很好喝",
    "客服",
    "太慢",
    "推薦",
];

/// Unwraps an outcome; a guest's fault is what the function returns.
macro_rules! answered {
    ($outcome:expr) => {
        match $outcome? {
            Ok(answer) => answer,
            Err(fault) => return Ok(Err(fault)),
        }
    };
}
pub(crate) use answered;

/// A plugin under settings, with the shape that it has under them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial<'a> {
    pub(crate) plugin: &'a Plugin,
    pub(crate) settings: &'a str,
    pub(crate) shape: &'a Shape,
}

impl Trial<'_> {
    /// Time and seed of all trials.
    pub(crate) fn context() -> Context {
        Context { now: 1_782_835_200_000, local_min: 29_714_400, seed: 7 }
    }

    /// All tables of the shape, each with so many rows.
    pub(crate) fn tables(&self, rows: usize) -> Vec<Batch> {
        self.shape.tables.iter().map(|t| made_up(t, 0..rows, false)).collect()
    }

    /// The streamed rows that the plugin needs.
    pub(crate) fn need(&self) -> TableNeed {
        let nothing = TableNeed { subject: "member".to_owned(), columns: Vec::new() };
        self.shape.rows.clone().unwrap_or(nothing)
    }

    /// These streamed rows; the same row is the same in every batch.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Batch {
        made_up(&self.need(), rows, false)
    }

    /// These streamed rows without a value in any optional column.
    pub(crate) fn sparse_rows(&self, rows: Range<usize>) -> Batch {
        made_up(&self.need(), rows, true)
    }

    /// So many rows, cut into buckets as a fit sees them.
    pub(crate) fn buckets(&self, rows: usize, buckets: usize) -> Vec<Vec<Batch>> {
        let need = self.need();
        let keys: Vec<i64> = (0..rows).map(|row| key_of(&need, row)).collect();
        let of_bucket =
            |rows: &Vec<u32>| vec![made_up(&need, rows.iter().map(|row| *row as usize), false)];
        cut(&keys, buckets, u64::MAX).iter().map(of_bucket).collect()
    }

    /// Fits over buckets of rows; adds what it used to `usage`.
    pub(crate) fn fit(
        &self,
        buckets: &[Vec<Batch>],
        usage: &mut StageUsage,
    ) -> Result<Outcome<FitEnd>, CycleError> {
        let start = FitStart {
            plugin: self.plugin,
            shape: self.shape,
            context: Self::context(),
            settings: self.settings,
            tables: &self.tables(TABLE_ROWS),
        };
        fit(start, &AtHand(buckets), usage)
    }

    /// Opens the plugin with a model and with tables of so many rows.
    pub(crate) fn open(
        &self,
        model: Option<&[u8]>,
        reuse: Reuse,
        table_rows: usize,
    ) -> Result<Outcome<OpenedPlugin>, CycleError> {
        Ok(self.plugin.open(Opening {
            context: Self::context(),
            settings: self.settings.into(),
            model: model.map(Into::into),
            tables: self.tables(table_rows).into(),
            reuse,
        })?)
    }
}

/// Batches of buckets that are at hand.
pub(crate) struct AtHand<'a>(pub(crate) &'a [Vec<Batch>]);

impl FitRows for AtHand<'_> {
    fn buckets(&self) -> usize {
        self.0.len()
    }

    fn show(
        &self,
        bucket: usize,
        see: &mut dyn FnMut(&Batch) -> Result<(), FitStop>,
    ) -> Result<(), FitStop> {
        self.0[bucket].iter().try_for_each(see)
    }
}

/// Rows that look like members: whole numbers in the range of their unit, short texts and lists, gaps in optional columns.
fn made_up(
    need: &TableNeed,
    rows: impl Iterator<Item = usize> + Clone,
    optional_missing: bool,
) -> Batch {
    let count = rows.clone().count();
    let mut columns = Columns::default();
    let mut bits = Vec::new();
    let mut wides = Vec::new();
    for (at, need) in need.columns.iter().enumerate() {
        let draws = rows.clone().map(|row| match History::column(need) {
            // What belongs together is told of one history.
            Some(_) => mixed(u64::MAX, row as u64),
            None => mixed(at as u64, row as u64),
        });
        let is_missing = |draw: u64| {
            !need.required
                && need.source != Source::Key
                && (optional_missing || draw.is_multiple_of(11))
        };
        let mut valid = Bitmap::default();
        draws.clone().for_each(|draw| valid.push(!is_missing(draw)));
        bits.extend_from_slice(valid.bytes());
        let flat = |draw: u64| if is_missing(draw) { 0 } else { value(need, draw) };
        match need.cell_type {
            CellType::Real => columns.reals.extend(draws.map(|draw| real(need, flat(draw)))),
            CellType::Integer | CellType::Category => columns.integers.extend(draws.map(flat)),
            wide => wides.push(made_up_wide(wide, need, draws.map(|d| (d, is_missing(d))))),
        }
    }
    columns.valid = Some(bits).filter(|b| !b.is_empty());
    columns.wides = Some(wides).filter(|w| !w.is_empty());
    Batch { rows: u32::try_from(count).unwrap_or(0), columns }
}

/// What a row holds, `name = value` for each of its columns; `-` where there is none.
pub(crate) fn told(need: &TableNeed, batch: &Batch, row: usize) -> String {
    let (rows, columns) = (batch.rows as usize, &batch.columns);
    let layout = Layout::of_needs(&need.columns);
    let cells = need.columns.iter().zip(&layout.places).enumerate().map(|(at, (need, place))| {
        let value = match place.cell_type {
            _ if !columns.is_valid(at, row, rows) => "-".to_owned(),
            CellType::Real => columns.reals[place.nth * rows + row].to_string(),
            CellType::Integer => columns.integers[place.nth * rows + row].to_string(),
            CellType::Category => {
                let code = usize::try_from(columns.integers[place.nth * rows + row]);
                let name = code.ok().and_then(|code| need.categories.get(code));
                name.cloned().unwrap_or_default()
            }
            _ => {
                let wide = columns.wides.as_ref().and_then(|wides| wides.get(place.nth));
                format!("{:?}", wide.map_or_else(String::new, |wide| wide.text_of(row)))
            }
        };
        format!("{} = {value}", need.source.name())
    });
    cells.collect::<Vec<_>>().join(", ")
}

/// A wide column, a draw for each row and whether its value is missing.
fn made_up_wide(cell_type: CellType, need: &Need, rows: impl Iterator<Item = (u64, bool)>) -> Wide {
    // Draws of the items of each row's list.
    let lists = rows.map(|(draw, missing)| {
        let items = if missing { 0 } else { draw % (LIST_ITEMS_MAX + 1) };
        (0..items).map(move |item| mixed(draw, item))
    });
    match cell_type {
        CellType::Reals => Wide::Reals(cells(lists, |draw| real(need, value(need, draw)))),
        CellType::Integers => Wide::Integers(cells(lists, |draw| value(need, draw))),
        CellType::Texts => {
            let words = cells(lists, word);
            let values = words.values.into_iter().collect();
            Wide::Texts(TextLists { ends: words.ends, values })
        }
        _ => {
            let texts: Vec<String> =
                lists.map(|items| items.map(word).collect::<Vec<_>>().join(" ")).collect();
            Wide::Text(texts.iter().map(String::as_str).collect())
        }
    }
}

fn cells<T>(
    lists: impl Iterator<Item = impl Iterator<Item = u64>>,
    item: impl Fn(u64) -> T,
) -> ListCells<T> {
    let (mut ends, mut values) = (Vec::new(), Vec::new());
    for list in lists {
        values.extend(list.map(&item));
        ends.push(u32::try_from(values.len()).unwrap_or(u32::MAX));
    }
    ListCells { ends, values }
}

fn word(draw: u64) -> &'static str {
    WORDS[usize::try_from(draw % WORDS.len() as u64).unwrap_or(0)]
}

/// Key of a made-up row: what its key column holds, else its number.
fn key_of(need: &TableNeed, row: usize) -> i64 {
    match need.columns.iter().position(|column| column.source == Source::Key) {
        Some(at) => value(&need.columns[at], mixed(at as u64, row as u64)),
        None => i64::try_from(row).unwrap_or(i64::MAX),
    }
}

fn real(need: &Need, value: i64) -> f64 {
    if need.unit == "ratio" { value as f64 / 100.0 } else { value as f64 }
}

fn value(need: &Need, draw: u64) -> i64 {
    if let Some(told) = History::column(need) {
        return told(&History::made_up(draw));
    }
    let below = match need.unit.as_str() {
        "day" => 400,
        "minor" => 500_000,
        "ratio" => 100,
        "unix-ms" => 1_782_835_200_000,
        _ => 60,
    };
    let below = match (need.cell_type, &need.source) {
        (_, Source::Key) => i64::MAX,
        (CellType::Category, _) => i64::try_from(need.categories.len().max(1)).unwrap_or(1),
        _ => below,
    };
    i64::try_from(draw >> 1).unwrap_or(0) % below
}

/// A buyer's days and a subscriber's months: a fit of lifetimes refuses rows whose columns do not belong together.
struct History {
    repeat_days: i64,
    span_days: i64,
    age_days: i64,
    repeat_weeks: i64,
    renewals: i64,
    ended: bool,
}

impl History {
    /// What a column says of a history, where it is a feature of one.
    fn column(need: &Need) -> Option<fn(&Self) -> i64> {
        let Source::Feature(name) = &need.source else { return None };
        Some(match name.as_str() {
            "repeat_days" => |history| history.repeat_days,
            "span_days" => |history| history.span_days,
            "age_days" => |history| history.age_days,
            "repeat_periods" => |history| history.repeat_weeks,
            "span_periods" => |history| history.span_days / 7,
            "age_periods" => |history| history.age_days / 7,
            "renewals" => |history| history.renewals,
            "subscription_ended" => |history| i64::from(history.ended),
            _ => return None,
        })
    }

    /// Buys at a rate of its own, and stops after an order, or at the end of a month, with a probability of its own.
    fn made_up(draw: u64) -> Self {
        // From above 0 to 1.
        let share = |nth: u64| ((mixed(draw, nth) >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        let age_days = 30 + (share(0) * (HISTORY_DAYS - 30) as f64) as i64;
        let (days_between, stops) = (30.0 / -share(1).ln().min(-1e-3), share(2).powi(2));
        let (mut day, mut nth) = (0.0, 3);
        let mut history = Self {
            repeat_days: 0,
            span_days: 0,
            age_days,
            repeat_weeks: 0,
            renewals: 0,
            ended: false,
        };
        loop {
            let stopped = share(nth) < stops;
            day += (-share(nth + 1).ln() * days_between).max(1.0);
            if stopped || day >= age_days as f64 {
                break;
            }
            let span = day as i64;
            history.repeat_weeks += i64::from(span / 7 > history.span_days / 7);
            history.span_days = span;
            history.repeat_days += 1;
            nth += 2;
        }
        while !history.ended && history.renewals < age_days / 30 {
            history.ended = share(1_000 + history.renewals.unsigned_abs()) < stops;
            history.renewals += i64::from(!history.ended);
        }
        history
    }
}

/// Mixes two numbers into one that looks drawn.
fn mixed(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_add(0x632b_e59b_d9b4_e019);
    for _ in 0..3 {
        x ^= x >> 30;
        x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^= x >> 27;
    }
    x
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_model::{Batch, CellType, Need, Source, TableNeed, Validator};

    use super::made_up;

    fn need(cell_type: CellType, required: bool) -> Need {
        Need {
            source: Source::Feature(format!("f_{}_{required}", cell_type.name())),
            cell_type,
            unit: String::new(),
            required,
            categories: vec!["a".to_owned(), "b".to_owned()],
        }
    }

    fn all_types() -> TableNeed {
        use CellType::{Category, Integer, Integers, Real, Reals, Text, Texts};
        let types = [Real, Integer, Category, Text, Reals, Integers, Texts];
        let both = |cell_type| [need(cell_type, true), need(cell_type, false)];
        TableNeed {
            subject: "member".to_owned(),
            columns: types.into_iter().flat_map(both).collect(),
        }
    }

    /// All values of a row in words, missing ones as "-".
    fn words(need: &TableNeed, batch: &Batch, row: usize) -> Vec<String> {
        let (rows, columns) = (batch.rows as usize, &batch.columns);
        let layout = playbook_model::Layout::of_needs(&need.columns);
        let word = |(at, place): (usize, &playbook_contract::Slotted)| match place.cell_type {
            _ if !columns.is_valid(at, row, rows) => "-".to_owned(),
            CellType::Real => columns.reals[place.nth * rows + row].to_string(),
            CellType::Integer | CellType::Category => {
                columns.integers[place.nth * rows + row].to_string()
            }
            _ => columns.wides.as_ref().unwrap()[place.nth].text_of(row),
        };
        layout.places.iter().enumerate().map(word).collect()
    }

    #[test]
    fn a_made_up_row_is_the_same_alone_and_no_column_is_always_empty() {
        let need = all_types();
        let many = made_up(&need, 0..257, false);
        let whole: Vec<Vec<String>> = (0..257).map(|row| words(&need, &many, row)).collect();
        for (row, told) in whole.iter().enumerate().step_by(16) {
            assert_eq!(*told, words(&need, &made_up(&need, row..row + 1, false), 0));
        }
        for column in 0..need.columns.len() {
            assert!(whole.iter().any(|row| !["", "-", "0"].contains(&row[column].as_str())));
        }
        let sparse = made_up(&need, 0..9, true);
        let gaps = (0..9).flat_map(|row| words(&need, &sparse, row)).filter(|w| w == "-").count();
        assert_eq!(gaps, 9 * 7);
    }

    #[test]
    fn columns_of_a_history_belong_together() {
        let names = ["repeat_days", "span_days", "age_days", "repeat_periods", "span_periods"];
        let column = |name: &str| Need {
            source: Source::Feature(name.to_owned()),
            ..need(CellType::Integer, true)
        };
        let need = TableNeed {
            subject: "member".to_owned(),
            columns: names.into_iter().map(column).collect(),
        };
        let batch = made_up(&need, 0..500, false);
        let of = |row: usize| [0, 1, 2, 3, 4].map(|at| batch.columns.integers[at * 500 + row]);
        let mut repeats = 0;
        for [repeat_days, span, age, repeat_weeks, span_weeks] in (0..500).map(of) {
            assert!((repeat_days == 0) == (span == 0) && repeat_days <= span && span < age);
            assert!(repeat_weeks <= repeat_days.min(span_weeks));
            repeats += usize::from(repeat_days > 0);
        }
        assert!((100..450).contains(&repeats), "{repeats}");
    }

    #[test]
    fn made_up_rows_are_those_that_the_host_takes() {
        let shape = playbook_model::Shape { rows: Some(all_types()), ..Default::default() };
        let validator = Validator::new(shape);
        for rows in [0, 1, 8, 257] {
            for sparse in [false, true] {
                assert_eq!(validator.batch(&made_up(&all_types(), 0..rows, sparse)), Ok(()));
            }
        }
    }
}
