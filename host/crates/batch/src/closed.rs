//! Outputs of closed cycles in the state folder: one Parquet file per playbook and cycle.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use playbook_files::WholeFile;
use playbook_model::{CellType, Cells, Column, Frame};

use crate::Result;
use crate::cells::{Target, column};
use crate::error::{io, parquet};
use crate::keys::{Keys, NO_ROW};

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
    /// Copies what [`crate::write_members`] wrote into the state folder. Not a hard link: who edits the results in
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

    /// Makes the copy the outputs of a closed cycle, which later cycles read as `previous`.
    ///
    /// A cycle that is closed again is replaced. Cycles further back than three are removed.
    ///
    /// # Errors
    /// Where the state folder cannot be written.
    pub fn close(self, number: i64) -> Result<()> {
        let Self { folder, copy } = self;
        copy.put_at(&folder.join(format!("{number}.parquet")))?;
        let cycles = closed_cycles(&folder)?;
        for old in cycles.iter().rev().skip(4) {
            let path = folder.join(format!("{old}.parquet"));
            std::fs::remove_file(&path).map_err(io("write", &path))?;
        }
        Ok(())
    }
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

/// Returns outputs of an earlier closed cycle, aligned with `members`.
pub(crate) fn previous(
    state: &Path,
    playbook: &str,
    cycle: i64,
    cycles_ago: u8,
    wanted: &[String],
    members: &Frame,
) -> Result<Frame> {
    let mut frame = Frame::with_rows(members.rows());
    let folder = folder(state, playbook);
    // A cycle that runs again must not read what it closed itself.
    let earlier = closed_cycles(&folder)?.into_iter().filter(|number| *number < cycle);
    let ago = usize::from(cycles_ago.max(1)) - 1;
    let Some(number) = earlier.rev().nth(ago) else { return Ok(frame) };
    let path = folder.join(format!("{number}.parquet"));
    let batches = read_columns(&path, wanted)?;
    let Some(first) = batches.first() else { return Ok(frame) };
    let schema = first.schema();
    let keys = member_keys(members);
    let places: Vec<_> = batches
        .iter()
        .map(|batch| {
            let ids = batch.column_by_name("member");
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
            Target { name, unit: "", cell_type, rows: members.rows(), zero_when_empty: false };
        let parts: Vec<(&ArrayRef, &[u32])> = batches
            .iter()
            .zip(&places)
            .map(|(batch, places)| (batch.column(at), places.as_slice()))
            .collect();
        frame.push(column(&target, &parts)?);
    }
    Ok(frame)
}

fn read_columns(path: &Path, wanted: &[String]) -> Result<Vec<RecordBatch>> {
    let file = File::open(path).map_err(io("read", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet(path))?;
    let schema = Arc::clone(builder.schema());
    let indices = schema.fields().iter().enumerate().filter_map(|(at, field)| {
        (field.name() == "member" || wanted.contains(field.name())).then_some(at)
    });
    let mask = ProjectionMask::roots(builder.parquet_schema(), indices);
    let reader = builder.with_projection(mask).build().map_err(parquet(path))?;
    reader.map(|batch| batch.map_err(parquet(path))).collect()
}

/// The row of each member of this cycle.
fn member_keys(members: &Frame) -> Keys {
    let ids = members.column("member").map(|column: &Column| &column.cells);
    match ids {
        Some(Cells::Text(ids)) => {
            Keys::in_order((0..ids.len()).map(|row| ids.get(row).unwrap_or("")))
        }
        _ => Keys::from_texts(Vec::new()),
    }
}
