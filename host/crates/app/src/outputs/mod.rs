//! Writes what a cycle came to: tables for programs and spreadsheets, plans and diagnoses as JSON.

mod campaign;
mod cells;
mod deliveries;
mod diagnosis;
mod proposals;
mod value;

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use playbook_batch::Reject;
use playbook_cycle::CycleRun;
use playbook_files::{Csv, FileError};
use playbook_ledger::{CycleRef, Ledger};

pub(crate) use self::campaign::campaign;
use self::cells::shown;
pub use self::cells::words_json;
pub(crate) use self::cells::{cell, write_json};
pub(crate) use self::deliveries::{deliveries, delivery_file};
pub(crate) use self::diagnosis::diagnosis;
pub(crate) use self::proposals::{grants, refused, status, winner};
pub(crate) use self::value::{roi, transfers};
use crate::Result;

/// Writes ledger.csv: the cycle's entries up to the commit group `last`.
pub(crate) fn ledger(dir: &Path, ledger: &Ledger, cycle: &CycleRef, last: i64) -> Result<()> {
    let mut csv = Csv::create(
        &dir.join("ledger.csv"),
        &[
            "entry",
            "kind",
            "account",
            "amount_minor",
            "stage",
            "action",
            "member_pseudonym",
            "quantity",
            "key",
        ],
    )?;
    let mut failed = None;
    ledger.extract(cycle, last, |entry, account, _at| {
        let row: [Cow<'_, str>; 9] = [
            entry.number.to_string().into(),
            entry.kind.name().into(),
            account.into(),
            entry.amount.0.to_string().into(),
            entry.stage.into(),
            entry.action.into(),
            entry.member.to_string().into(),
            entry.quantity.to_string().into(),
            entry.key.hex().into(),
        ];
        if failed.is_none() {
            failed = csv.row(row).err();
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    csv.finish()?;
    Ok(())
}

/// Writes rejects.csv: rows that could not be read, as they were.
pub(crate) fn rejects(dir: &Path, rejects: &[Reject]) -> Result<()> {
    let header = ["source", "file", "line", "reason", "value", "raw"];
    let mut csv = Csv::create(&dir.join("rejects.csv"), &header)?;
    for reject in rejects {
        let line = reject.line.to_string();
        let Reject { source, file, reason, value, raw, .. } = reject;
        csv.row([source, file, &line, reason, value, raw])?;
    }
    csv.finish()?;
    Ok(())
}

/// Writes tables/SUBJECT.csv: features and outputs of every subject but the members.
pub(crate) fn tables(dir: &Path, run: &CycleRun) -> Result<()> {
    let folder = dir.join("tables");
    fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
    for (subject, frame) in &run.tables {
        let header: Vec<&str> = frame.columns().iter().map(|c| c.name.as_str()).collect();
        let name: String = subject
            .chars()
            .map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' })
            .collect();
        let mut csv = Csv::create(&folder.join(format!("{name}.csv")), &header)?;
        for row in 0..frame.rows() {
            let cells: Vec<String> = frame.columns().iter().map(|c| shown(c, row)).collect();
            csv.row(&cells)?;
        }
        csv.finish()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use playbook_batch::Reject;
    use playbook_model::{Bitmap, Cells, Column, Frame};

    use crate::small::{self, texts};

    #[test]
    fn rejected_rows_are_kept_as_they_were_and_run_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let reject = |line, raw: &str| Reject {
            source: "events".to_owned(),
            file: "data.csv".to_owned(),
            line,
            reason: "`member` is missing".to_owned(),
            value: "-".to_owned(),
            raw: raw.to_owned(),
        };
        super::rejects(dir.path(), &[reject(3, ",paid,1.10"), reject(4, "=1+1")]).unwrap();
        let text = fs::read_to_string(dir.path().join("rejects.csv")).unwrap();
        assert_eq!(
            text,
            "source,file,line,reason,value,raw\n\
             events,data.csv,3,`member` is missing,'-,\",paid,1.10\"\n\
             events,data.csv,4,`member` is missing,'-,'=1+1\n"
        );
    }

    #[test]
    fn a_table_leaves_missing_cells_empty_and_its_name_is_a_file_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut run = small::run(["low", "high"], Vec::new());
        let mut table = Frame::with_rows(2);
        table.push(texts("channel", &["app", "a/b"]));
        let mut valid = Bitmap::filled(2, true);
        valid.set(1, false);
        let cells = Cells::Real(vec![0.5, 0.0]);
        table.push(Column {
            name: "roi".to_owned(),
            unit: String::new(),
            cells,
            valid: Some(valid),
        });
        run.tables.insert("../channel".to_owned(), table);
        super::tables(dir.path(), &run).unwrap();
        let text = fs::read_to_string(dir.path().join("tables/.._channel.csv")).unwrap();
        assert_eq!(text, "channel,roi\napp,0.5\na/b,\n");
    }
}
