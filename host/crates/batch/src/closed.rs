//! What closed cycles left in the state folder: per playbook and cycle one Parquet file of the members, `NUMBER.parquet`, and one of
//! each other subject that stages gave something to, `NUMBER.SUBJECT.parquet`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use playbook_files::WholeFile;
use playbook_model::{CellType, Cells, Column, Frame, Subject};

use crate::Result;
use crate::cells::{Target, column};
use crate::error::{io, parquet};
use crate::keys::{Keys, NO_ROW};
use crate::outputs::write_table;

/// Folder of closed cycles in a brand's state folder.
pub const CLOSED_FOLDER: &str = "cycles";

fn folder(state: &Path, playbook: &str) -> PathBuf {
    state.join(CLOSED_FOLDER).join(playbook)
}

/// A copy of the members' outputs under a temporary name beside the closed cycles. Dropped before
/// [`ClosingCycle::close`], it is removed.
#[derive(Debug)]
pub struct ClosingCycle {
    folder: PathBuf,
    copy: WholeFile,
}

impl ClosingCycle {
    /// Copies what [`crate::write_table`] wrote into the state folder. Not a hard link: who edits the results in
    /// place would change what later cycles read.
    ///
    /// # Errors
    /// Where the file cannot be read or the state folder cannot be written.
    pub fn copy(state: &Path, playbook: &str, members: &Path) -> Result<Self> {
        let folder = folder(state, playbook);
        std::fs::create_dir_all(&folder).map_err(io("create", &folder))?;
        let mut from = File::open(members).map_err(io("read", members))?;
        let copy = WholeFile::create(&folder.join("closing.parquet"))?;
        let mut to = copy.handle()?;
        std::io::copy(&mut from, &mut to).map_err(io("write", copy.path()))?;
        to.sync_data().map_err(io("write", copy.path()))?;
        Ok(Self { folder, copy })
    }

    /// Makes the copy and these tables, each with its subject, what a closed cycle left and later cycles read as `previous`.
    ///
    /// The members come last: with them the cycle counts as closed. A cycle that is closed again is replaced. Cycles further back
    /// than three are removed.
    ///
    /// # Errors
    /// Where the state folder cannot be written.
    pub fn close<'a>(
        self,
        number: i64,
        tables: impl IntoIterator<Item = (&'a str, &'a Frame)>,
    ) -> Result<()> {
        let Self { folder, copy } = self;
        for (subject, table) in tables {
            write_table(&folder.join(file_of(number, subject)), table, &[], 1)?;
        }
        copy.put_at(&folder.join(file_of(number, MEMBER)))?;
        let cycles = closed_cycles(&folder)?;
        let Some(oldest) = cycles.iter().rev().nth(3).copied() else { return Ok(()) };
        for entry in std::fs::read_dir(&folder).map_err(io("read", &folder))? {
            let path = entry.map_err(io("read", &folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if cycle_of(&name).is_some_and(|cycle| cycle < oldest) {
                std::fs::remove_file(&path).map_err(io("write", &path))?;
            }
        }
        Ok(())
    }
}

const MEMBER: &str = "member";

/// Name of the file of a subject.
fn file_of(number: i64, subject: &str) -> String {
    match subject {
        MEMBER => format!("{number}.parquet"),
        other => format!("{number}.{other}.parquet"),
    }
}

/// The cycle that a file belongs to, of whatever subject.
fn cycle_of(file: &str) -> Option<i64> {
    file.strip_suffix(".parquet")?.split('.').next()?.parse().ok()
}

/// The number of the last cycle of a playbook that was closed.
///
/// # Errors
/// Where the state folder cannot be read.
pub fn last_closed(state: &Path, playbook: &str) -> Result<Option<i64>> {
    Ok(closed_cycles(&folder(state, playbook))?.pop())
}

/// Numbers of the closed cycles, ascending.
fn closed_cycles(folder: &Path) -> Result<Vec<i64>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io("read", folder)(error)),
    };
    let mut cycles = Vec::new();
    for entry in entries {
        let name = entry.map_err(io("read", folder))?.file_name();
        let name = name.to_string_lossy();
        cycles.extend(name.strip_suffix(".parquet").and_then(|number| number.parse::<i64>().ok()));
    }
    cycles.sort_unstable();
    Ok(cycles)
}

/// What is read of an earlier cycle.
pub(crate) struct Wanted<'a> {
    /// Number of the cycle that reads.
    pub(crate) cycle: i64,
    /// How many closed cycles ago.
    pub(crate) cycles_ago: u8,
    pub(crate) subject: &'a Subject,
    pub(crate) columns: &'a [String],
}

/// Returns columns of an earlier closed cycle, aligned with `rows`, whose first column holds the keys.
pub(crate) fn previous(
    state: &Path,
    playbook: &str,
    wanted: &Wanted<'_>,
    rows: &Frame,
) -> Result<Frame> {
    let Wanted { cycle, cycles_ago, subject, columns: wanted } = *wanted;
    let mut frame = Frame::with_rows(rows.rows());
    let folder = folder(state, playbook);
    // A cycle that runs again must not read what it closed itself.
    let earlier = closed_cycles(&folder)?.into_iter().filter(|number| *number < cycle);
    let ago = usize::from(cycles_ago.max(1)) - 1;
    let Some(number) = earlier.rev().nth(ago) else { return Ok(frame) };
    let path = folder.join(file_of(number, &subject.0));
    if subject.0 != MEMBER && !path.exists() {
        // No stage gave that subject anything then.
        return Ok(frame);
    }
    let batches = read_columns(&path, &subject.0, wanted)?;
    let Some(first) = batches.first() else { return Ok(frame) };
    let schema = first.schema();
    let keys = keys_of(rows);
    let places: Vec<_> = batches
        .iter()
        .map(|batch| {
            let ids = batch.column_by_name(&subject.0);
            ids.map_or_else(|| vec![NO_ROW; batch.num_rows()], |ids| keys.places(ids))
        })
        .collect();
    for name in wanted {
        let Ok(at) = schema.index_of(name) else { continue };
        let cell_type = match schema.field(at).data_type() {
            DataType::Float64 => CellType::Real,
            DataType::Int64 => CellType::Integer,
            _ => CellType::Category,
        };
        let target =
            Target { name, unit: "", cell_type, rows: rows.rows(), zero_when_empty: false };
        let parts: Vec<(&ArrayRef, &[u32])> = batches
            .iter()
            .zip(&places)
            .map(|(batch, places)| (batch.column(at), places.as_slice()))
            .collect();
        frame.push(column(&target, &parts)?);
    }
    Ok(frame)
}

fn read_columns(path: &Path, key: &str, wanted: &[String]) -> Result<Vec<RecordBatch>> {
    let file = File::open(path).map_err(io("read", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet(path))?;
    let schema = Arc::clone(builder.schema());
    let indices = schema.fields().iter().enumerate().filter_map(|(at, field)| {
        (field.name() == key || wanted.contains(field.name())).then_some(at)
    });
    let mask = ProjectionMask::roots(builder.parquet_schema(), indices);
    let reader = builder.with_projection(mask).build().map_err(parquet(path))?;
    reader.map(|batch| batch.map_err(parquet(path))).collect()
}

/// The row of each key of this cycle.
fn keys_of(rows: &Frame) -> Keys {
    let ids = rows.columns().first().map(|column: &Column| &column.cells);
    match ids {
        Some(Cells::Text(ids)) => {
            Keys::in_order((0..ids.len()).map(|row| ids.get(row).unwrap_or("")))
        }
        _ => Keys::from_texts(Vec::new()),
    }
}
