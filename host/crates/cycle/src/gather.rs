//! From columns of the host to batches of a plugin, and back.

use playbook_model::{
    Batch, Bitmap, CellType, Cells, Column, Columns, Filling, Frame, Need, Produce, Stretch,
    TextCells, TextLists, Wide,
};

use crate::graph::Input;

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
    fn len(&self) -> usize {
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

/// One column of a batch: where its values are, and how they are turned.
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
    /// Texts of the host to positions in the need's list.
    Looked(&'a Column, &'a [String]),
    Keys(&'a [i64]),
    Absent,
}

/// A prepared way from a frame to batches: types are checked once, not per batch.
#[derive(Debug)]
pub(crate) struct Gather<'a> {
    picks: Vec<Pick<'a>>,
}

/// Where a need finds its column, by position: looked up once, not per row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Column of the frame.
    Frame(usize),
    /// Column of the frame so many closed cycles ago, less one.
    Previous(usize, usize),
    Key,
    Absent,
}

/// Looks the columns of `inputs` up; `previous` holds earlier cycles' outputs, one frame per cycle ago.
pub(crate) fn places(inputs: &[Input], frame: &Frame, previous: &[Frame]) -> Vec<At> {
    let place = |input: &Input| match input {
        Input::Key => At::Key,
        Input::Absent => At::Absent,
        Input::Feature(name) | Input::Output(name) => {
            frame.position(name).map_or(At::Absent, At::Frame)
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
                At::Frame(at) => frame.columns().get(*at),
                At::Previous(ago, at) => previous.get(*ago).and_then(|f| f.columns().get(*at)),
            };
            let from = column.map_or(Ok(From::Absent), |column| source(need, column))?;
            Ok(Pick { cell_type: need.cell_type, from })
        };
        Ok(Self { picks: needs.iter().zip(places).map(pick).collect::<Result<_, _>>()? })
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
        let mut columns = Columns {
            reals: Vec::with_capacity(count * flat(true)),
            integers: Vec::with_capacity(count * flat(false)),
            valid: None,
            wides: None,
        };
        let mut wides = Vec::new();
        let mut masks: Vec<Option<Vec<u8>>> = Vec::with_capacity(self.picks.len());
        for pick in &self.picks {
            masks.push(pick.copy(rows, &mut columns.reals, &mut columns.integers, &mut wides));
        }
        if masks.iter().any(Option::is_some) {
            let width = count.div_ceil(8);
            let mut bits = Vec::with_capacity(width * masks.len());
            for mask in masks {
                match mask {
                    Some(mask) => bits.extend_from_slice(&mask),
                    None => bits.extend_from_slice(Bitmap::filled(count, true).bytes()),
                }
            }
            columns.valid = Some(bits);
        }
        if !wides.is_empty() {
            columns.wides = Some(wides);
        }
        Batch { rows: u32::try_from(count).expect("a batch holds at most 65,536 rows"), columns }
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
        (CellType::Category, Cells::Category { names, .. }) => From::Recoded(
            column,
            names
                .iter()
                .map(|name| {
                    need.categories
                        .iter()
                        .position(|c| c == name)
                        .and_then(|at| i64::try_from(at).ok())
                        .unwrap_or(-1)
                })
                .collect(),
        ),
        (CellType::Category, Cells::Text(_)) => From::Looked(column, &need.categories),
        _ => return Err(wrong()),
    })
}

/// Bits of `column` for `rows`; `None` where nothing is missing.
fn mask_of(column: &Column, rows: Rows<'_>) -> Option<Vec<u8>> {
    let bits = column.valid.as_ref()?;
    let mut mask = Bitmap::default();
    match rows {
        Rows::Range { start, len } if start.is_multiple_of(8) => {
            let end = (start + len).div_ceil(8);
            mask.extend_packed(&bits.bytes()[start / 8..end], len);
        }
        Rows::Range { start, len } => (start..start + len).for_each(|r| mask.push(bits.get(r))),
        Rows::Picked(rows) => rows.iter().for_each(|&r| mask.push(bits.get(r as usize))),
    }
    (mask.count_ones() < mask.len()).then(|| mask.bytes().to_vec())
}

/// Calls `f` with each row's position.
fn each(rows: Rows<'_>, mut f: impl FnMut(usize)) {
    match rows {
        Rows::Range { start, len } => (start..start + len).for_each(f),
        Rows::Picked(rows) => rows.iter().for_each(|&r| f(r as usize)),
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
    rows: Rows<'_>,
    column: &Column,
    integers: &mut Vec<i64>,
    code: impl Fn(usize) -> i64,
) -> Option<Vec<u8>> {
    let mut mask = Bitmap::default();
    each(rows, |r| {
        let at = if column.is_valid(r) { code(r) } else { -1 };
        integers.push(at.max(0));
        mask.push(at >= 0);
    });
    let missing = mask.count_ones() < mask.len();
    missing.then(|| mask.bytes().to_vec())
}

impl Pick<'_> {
    /// Appends the values to the list of their type; returns the mask, where any is missing.
    fn copy(
        &self,
        rows: Rows<'_>,
        reals: &mut Vec<f64>,
        integers: &mut Vec<i64>,
        wides: &mut Vec<Wide>,
    ) -> Option<Vec<u8>> {
        match &self.from {
            From::Keys(keys) => {
                copy_flat(keys, rows, integers);
                None
            }
            From::Absent => {
                self.absent(rows.len(), reals, integers, wides);
                Some(vec![0; rows.len().div_ceil(8)])
            }
            From::Column(column) => {
                match (&column.cells, self.cell_type) {
                    (Cells::Real(v), _) => copy_flat(v, rows, reals),
                    #[expect(clippy::cast_precision_loss, reason = "the plugin asked for reals")]
                    (Cells::Integer(v), CellType::Real) => each(rows, |r| reals.push(v[r] as f64)),
                    (Cells::Integer(v), _) => copy_flat(v, rows, integers),
                    (Cells::Small(v), CellType::Real) => copy_flat(v, rows, reals),
                    (Cells::Small(v), _) => copy_flat(v, rows, integers),
                    (Cells::Text(_) | Cells::Category { .. }, _) => {
                        let mut cells = TextCells::default();
                        each(rows, |r| cells.push(column.text(r).unwrap_or("")));
                        wides.push(Wide::Text(cells));
                    }
                }
                mask_of(column, rows)
            }
            From::Recoded(column, map) => {
                let Cells::Category { codes, .. } = &column.cells else { return None };
                coded(rows, column, integers, |r| map.get(codes[r] as usize).copied().unwrap_or(-1))
            }
            From::Looked(column, names) => coded(rows, column, integers, |r| {
                column
                    .text(r)
                    .and_then(|text| names.iter().position(|n| n == text))
                    .and_then(|at| i64::try_from(at).ok())
                    .unwrap_or(-1)
            }),
        }
    }

    fn absent(
        &self,
        count: usize,
        reals: &mut Vec<f64>,
        integers: &mut Vec<i64>,
        wides: &mut Vec<Wide>,
    ) {
        let ends = vec![0; count];
        match self.cell_type {
            CellType::Real => reals.resize(reals.len() + count, 0.0),
            CellType::Integer | CellType::Category => integers.resize(integers.len() + count, 0),
            CellType::Text => wides.push(Wide::Text(TextCells { ends, bytes: Vec::new() })),
            CellType::Reals => {
                wides.push(Wide::Reals(playbook_model::ListCells { ends, values: Vec::new() }));
            }
            CellType::Integers => {
                wides.push(Wide::Integers(playbook_model::ListCells { ends, values: Vec::new() }));
            }
            CellType::Texts => {
                wides.push(Wide::Texts(TextLists { ends, values: TextCells::default() }));
            }
        }
    }
}

/// The columns of outputs, named `stage.output`, while stretches of `stretch_rows` rows are filled.
pub(crate) fn fillings<'p>(
    stage: &str,
    produces: impl Iterator<Item = &'p Produce>,
    rows: usize,
    stretch_rows: usize,
) -> Vec<Filling> {
    produces
        .map(|p| {
            let cells = match p.cell_type {
                CellType::Real => Cells::Real(Vec::new()),
                CellType::Integer => Cells::Small(Vec::new()),
                CellType::Category => {
                    Cells::Category { codes: Vec::new(), names: p.categories.clone() }
                }
                // Lists are shown as text; nothing downstream computes with them.
                CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                    Cells::Text(TextCells::default())
                }
            };
            let column = Column {
                name: format!("{stage}.{}", p.name),
                unit: p.unit.clone(),
                cells,
                valid: None,
            };
            Filling::new(column, rows, stretch_rows)
        })
        .collect()
}

/// Writes an answer of `rows` rows to the stretches of its columns from row `start` of them on, a multiple of 8;
/// its shape was checked at the sandbox's edge.
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
