//! Gather and scatter: columns of the host to batches of a plugin, and answers back to columns.

use playbook_model::{
    Batch, Bitmap, CellType, Cells, Column, Columns, Filling, Frame, ListCells, Need, Produce,
    Stretch, TextCells, TextLists, Wide,
};

use crate::graph::Input;
use crate::lists::Lists;

/// Rows of a frame that a batch takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// Consecutive rows; `start` is a multiple of 8.
    Range {
        /// First row.
        start: usize,
        /// Number of rows.
        len: usize,
    },
    /// Rows by position.
    Picked(&'a [u32]),
}

impl Rows<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Range { len, .. } => *len,
            Self::Picked(rows) => rows.len(),
        }
    }
}

/// Why a column of the host cannot serve as a column of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` is {found}, the plugin wants {wanted}")]
pub struct WrongType {
    /// Column of the host.
    pub column: String,
    /// Its type.
    pub found: &'static str,
    /// Type of the need.
    pub wanted: &'static str,
}

/// One column of a batch: the column that it is read from, and the conversion.
#[derive(Debug)]
struct Pick<'a> {
    cell_type: CellType,
    from: From<'a>,
}

#[derive(Debug)]
enum From<'a> {
    Column(&'a Column),
    /// Category codes of the host to positions in the need's list; -1: not in it.
    Recoded(&'a Column, Vec<i64>),
    /// Texts of the host, looked up in the need's list row by row.
    Looked(&'a Column, &'a [String]),
    Lists(Lists<'a>),
    Keys(&'a [i64]),
    Absent,
}

/// A projection of a frame onto the columns that a plugin wants: types are checked once, not per batch.
#[derive(Debug)]
pub(crate) struct Gather<'a> {
    picks: Vec<Pick<'a>>,
}

/// The position of a need's column, looked up once for all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// Column of the frame.
    Frame(usize),
    /// Columns of the frame, whose values are a list.
    List(Box<[usize]>),
    /// Column of the frame so many closed cycles ago, less one.
    Previous(usize, usize),
    Key,
    Absent,
}

/// Looks up the columns of `inputs`; `previous` holds the outputs of earlier cycles, one frame per cycle ago.
pub(crate) fn places(inputs: &[Input], frame: &Frame, previous: &[Frame]) -> Vec<At> {
    let place = |input: &Input| match input {
        Input::Key => At::Key,
        Input::Absent => At::Absent,
        Input::Feature(name) | Input::Output(name) => {
            frame.position(name).map_or(At::Absent, At::Frame)
        }
        Input::List(names) => {
            let columns: Option<_> = names.iter().map(|name| frame.position(name)).collect();
            columns.map_or(At::Absent, At::List)
        }
        Input::Previous(ago, name) => {
            let ago = usize::from(*ago).wrapping_sub(1);
            let at = previous.get(ago).and_then(|frame| frame.position(name));
            at.map_or(At::Absent, |at| At::Previous(ago, at))
        }
    };
    inputs.iter().map(place).collect()
}

impl<'a> Gather<'a> {
    /// Prepares the columns of `needs` out of `frame`.
    pub(crate) fn new(
        needs: &'a [Need],
        inputs: &[Input],
        frame: &'a Frame,
        previous: &'a [Frame],
        keys: &'a [i64],
    ) -> Result<Self, WrongType> {
        Self::at(needs, &places(inputs, frame, previous), frame, previous, keys)
    }

    /// As [`Gather::new`], from places that were looked up before.
    pub(crate) fn at(
        needs: &'a [Need],
        places: &[At],
        frame: &'a Frame,
        previous: &'a [Frame],
        keys: &'a [i64],
    ) -> Result<Self, WrongType> {
        let pick = |(need, at): (&'a Need, &At)| {
            let column = match at {
                At::Key => {
                    return Ok(Pick { cell_type: CellType::Integer, from: From::Keys(keys) });
                }
                At::Absent => None,
                At::List(columns) => {
                    let columns = columns.iter().map(|at| &frame.columns()[*at]);
                    let from = From::Lists(Lists::spread(need.cell_type, columns.collect())?);
                    return Ok(Pick { cell_type: need.cell_type, from });
                }
                At::Frame(at) => frame.columns().get(*at),
                At::Previous(ago, at) => previous.get(*ago).and_then(|f| f.columns().get(*at)),
            };
            let from = column.map_or(Ok(From::Absent), |column| source(need, column))?;
            Ok(Pick { cell_type: need.cell_type, from })
        };
        Ok(Self { picks: needs.iter().zip(places).map(pick).collect::<Result<_, _>>()? })
    }

    /// No column at all.
    pub(crate) fn nothing() -> Self {
        Self { picks: Vec::new() }
    }

    /// Copies the columns of `rows`.
    pub(crate) fn batch(&self, rows: Rows<'_>) -> Batch {
        let count = rows.len();
        let flat = |real: bool| {
            self.picks
                .iter()
                .filter(|p| p.cell_type.is_flat() && (p.cell_type == CellType::Real) == real)
                .count()
        };
        let mut out = Copied {
            columns: Columns {
                reals: Vec::with_capacity(count * flat(true)),
                integers: Vec::with_capacity(count * flat(false)),
                valid: None,
                wides: None,
            },
            rows: count,
            picks: self.picks.len(),
        };
        for (at, pick) in self.picks.iter().enumerate() {
            pick.copy(at, rows, &mut out);
        }
        let rows = u32::try_from(count).expect("a batch holds at most 65,536 rows");
        Batch { rows, columns: out.columns }
    }
}

/// A batch while columns are copied into it. The validity bitmap is made at the first missing value: most batches have
/// none.
struct Copied {
    columns: Columns,
    rows: usize,
    picks: usize,
}

impl Copied {
    /// The bits of the column at `at`.
    fn bits(&mut self, at: usize) -> &mut [u8] {
        let (rows, width) = (self.rows, self.rows.div_ceil(8));
        let bits = self
            .columns
            .valid
            .get_or_insert_with(|| Bitmap::filled(rows, true).bytes().repeat(self.picks));
        &mut bits[at * width..(at + 1) * width]
    }

    /// Marks a row of the column at `at` as missing.
    fn miss(&mut self, at: usize, row: usize) {
        self.bits(at)[row / 8] &= !(1 << (row % 8));
    }

    fn wide(&mut self, wide: Wide) {
        self.columns.wides.get_or_insert_default().push(wide);
    }
}

fn source<'a>(need: &'a Need, column: &'a Column) -> Result<From<'a>, WrongType> {
    let wrong = || WrongType {
        column: column.name.clone(),
        found: column.cells.cell_type().name(),
        wanted: need.cell_type.name(),
    };
    Ok(match (need.cell_type, &column.cells) {
        (CellType::Real, Cells::Real(_) | Cells::Integer(_) | Cells::Small(_))
        | (CellType::Integer, Cells::Integer(_) | Cells::Small(_))
        | (CellType::Text, Cells::Text(_) | Cells::Category { .. }) => From::Column(column),
        // Mapping all names beforehand pays where there are more rows than names, and not for a single member.
        (CellType::Category, Cells::Category { codes, names }) if codes.len() > names.len() => {
            let code = |name: &String| position(&need.categories, name);
            From::Recoded(column, names.iter().map(code).collect())
        }
        (CellType::Category, Cells::Category { .. } | Cells::Text(_)) => {
            From::Looked(column, &need.categories)
        }
        (CellType::Reals | CellType::Integers | CellType::Texts, Cells::Text(_)) => {
            From::Lists(Lists::written(need.cell_type, column)?)
        }
        _ => return Err(wrong()),
    })
}

/// Position of a text among names; -1 where it is none of them.
fn position(names: &[String], text: &str) -> i64 {
    let at = names.iter().position(|name| name == text);
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)
}

/// Marks those of `rows` that `column` has no value for.
fn keep_missing(column: &Column, at: usize, rows: Rows<'_>, out: &mut Copied) {
    let Some(bits) = column.valid.as_ref() else { return };
    match rows {
        Rows::Range { start, len } if start.is_multiple_of(8) && len > 8 => {
            let mut mask = Bitmap::default();
            mask.extend_packed(&bits.bytes()[start / 8..(start + len).div_ceil(8)], len);
            if mask.count_ones() < len {
                out.bits(at).copy_from_slice(mask.bytes());
            }
        }
        rows => each(rows, |row, from| {
            if !bits.get(from) {
                out.miss(at, row);
            }
        }),
    }
}

/// Calls `f` with each row's position in the batch and its position in the frame.
pub(crate) fn each(rows: Rows<'_>, mut f: impl FnMut(usize, usize)) {
    match rows {
        Rows::Range { start, len } => (0..len).for_each(|row| f(row, start + row)),
        Rows::Picked(rows) => {
            rows.iter().enumerate().for_each(|(row, &from)| f(row, from as usize));
        }
    }
}

/// Appends the values of `rows`, as they are or in a wider type.
fn copy_flat<T: Copy, U: std::convert::From<T>>(values: &[T], rows: Rows<'_>, out: &mut Vec<U>) {
    match rows {
        Rows::Range { start, len } => {
            out.extend(values[start..start + len].iter().map(|v| U::from(*v)))
        }
        Rows::Picked(rows) => out.extend(rows.iter().map(|&r| U::from(values[r as usize]))),
    }
}

/// Appends the code of each row; -1 stands for none.
fn coded(
    at: usize,
    rows: Rows<'_>,
    column: &Column,
    out: &mut Copied,
    code: impl Fn(usize) -> i64,
) {
    each(rows, |row, from| {
        let code = if column.is_valid(from) { code(from) } else { -1 };
        out.columns.integers.push(code.max(0));
        if code < 0 {
            out.miss(at, row);
        }
    });
}

impl Pick<'_> {
    /// Appends the values to the list of their type, as column `at` of the batch.
    fn copy(&self, at: usize, rows: Rows<'_>, out: &mut Copied) {
        match &self.from {
            From::Keys(keys) => copy_flat(keys, rows, &mut out.columns.integers),
            From::Absent => {
                self.absent(out);
                out.bits(at).fill(0);
            }
            From::Lists(lists) => {
                let wide = lists.wide(self.cell_type, rows, |row| out.miss(at, row));
                out.wide(wide);
            }
            From::Column(column) => {
                self.values(column, rows, out);
                keep_missing(column, at, rows, out);
            }
            From::Recoded(column, map) => {
                let Cells::Category { codes, .. } = &column.cells else { return };
                let code = |from: usize| map.get(codes[from] as usize).copied().unwrap_or(-1);
                coded(at, rows, column, out, code);
            }
            From::Looked(column, names) => coded(at, rows, column, out, |from| {
                let text = column.text(from);
                text.map_or(-1, |text| position(names, text))
            }),
        }
    }

    fn values(&self, column: &Column, rows: Rows<'_>, out: &mut Copied) {
        let Columns { reals, integers, .. } = &mut out.columns;
        match (&column.cells, self.cell_type) {
            (Cells::Real(v), _) => copy_flat(v, rows, reals),
            #[expect(clippy::cast_precision_loss, reason = "the plugin asked for reals")]
            (Cells::Integer(v), CellType::Real) => {
                each(rows, |_, from| reals.push(v[from] as f64));
            }
            (Cells::Integer(v), _) => copy_flat(v, rows, integers),
            (Cells::Small(v), CellType::Real) => copy_flat(v, rows, reals),
            (Cells::Small(v), _) => copy_flat(v, rows, integers),
            (Cells::Text(_) | Cells::Category { .. }, _) => {
                let mut cells = TextCells::default();
                each(rows, |_, from| cells.push(column.text(from).unwrap_or("")));
                out.wide(Wide::Text(cells));
            }
        }
    }

    fn absent(&self, out: &mut Copied) {
        let count = out.rows;
        let Columns { reals, integers, .. } = &mut out.columns;
        let ends = || vec![0; count];
        match self.cell_type {
            CellType::Real => reals.resize(reals.len() + count, 0.0),
            CellType::Integer | CellType::Category => integers.resize(integers.len() + count, 0),
            CellType::Text => out.wide(Wide::Text(TextCells { ends: ends(), bytes: Vec::new() })),
            CellType::Reals => {
                out.wide(Wide::Reals(ListCells { ends: ends(), values: Vec::new() }));
            }
            CellType::Integers => {
                out.wide(Wide::Integers(ListCells { ends: ends(), values: Vec::new() }));
            }
            CellType::Texts => {
                out.wide(Wide::Texts(TextLists { ends: ends(), values: TextCells::default() }));
            }
        }
    }
}

/// The columns of outputs, named `stage.output`, without a row.
pub(crate) fn columns<'p>(
    stage: &str,
    produces: impl Iterator<Item = &'p Produce>,
) -> impl Iterator<Item = Column> {
    produces.map(move |p| Column {
        name: format!("{stage}.{}", p.name),
        unit: p.unit.clone(),
        cells: match p.cell_type {
            CellType::Real => Cells::Real(Vec::new()),
            CellType::Integer => Cells::Small(Vec::new()),
            CellType::Category => {
                Cells::Category { codes: Vec::new(), names: p.categories.as_slice().into() }
            }
            // Lists are shown as text; nothing downstream computes with them.
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                Cells::Text(TextCells::default())
            }
        },
        valid: None,
    })
}

/// The same columns while they are filled, in ranges of `stretch_rows` of `rows` rows.
pub(crate) fn fillings<'p>(
    stage: &str,
    produces: impl Iterator<Item = &'p Produce>,
    rows: usize,
    stretch_rows: usize,
) -> Vec<Filling> {
    columns(stage, produces).map(|column| Filling::new(column, rows, stretch_rows)).collect()
}

/// Writes an answer of `rows` rows into the ranges of its columns, from row `start` (a multiple of 8) on. The sandbox
/// has checked the answer against the shape.
pub(crate) fn scatter<'p>(
    stretches: &mut [Stretch<'_>],
    produces: impl Iterator<Item = &'p Produce>,
    start: usize,
    rows: usize,
    answer: &Columns,
) {
    let width = rows.div_ceil(8);
    let (mut real, mut integer, mut wide) = (0, 0, 0);
    for ((at, stretch), produce) in stretches.iter_mut().enumerate().zip(produces) {
        match produce.cell_type {
            CellType::Real => {
                stretch.reals(start, &answer.reals[real * rows..(real + 1) * rows]);
                real += 1;
            }
            CellType::Integer | CellType::Category => {
                stretch.integers(start, &answer.integers[integer * rows..(integer + 1) * rows]);
                integer += 1;
            }
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                let from = answer.wides.as_ref().and_then(|w| w.get(wide));
                (0..rows).for_each(|r| {
                    stretch.push_text(&from.map_or_else(String::new, |wide| wide.text_of(r)));
                });
                wide += 1;
            }
        }
        if let Some(valid) = &answer.valid {
            stretch.keep_valid(start, rows, &valid[at * width..(at + 1) * width]);
        }
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
