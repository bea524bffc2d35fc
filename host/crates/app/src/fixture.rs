//! Rows from life: what a stage of a finished run was asked and answered, for the tests of its plugin.

use std::path::Path;
use std::sync::Arc;

use playbook_cycle::{Case, Progress, cases, rows_of};

use crate::explain::{component_of, row_of};
use crate::finished::Finished;
use crate::replay::repeat;
use crate::write::run_id;
use crate::{AppError, Host, Result};

/// Which rows of a run a fixture holds.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Stage of the playbook.
    pub stage: &'a str,
    /// Ids of members.
    pub named: &'a [String],
    /// How many members beside those: the ones with the least pseudonyms, which are as good as drawn.
    pub count: usize,
}

/// The questions of a stage with their answers.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// One for its whole tables, one for the rows of members, where it reads such.
    pub cases: Vec<Case>,
    /// Members in them.
    pub members: u32,
    /// One line for each difference of the repeated run; none: not a byte differs.
    pub differences: Vec<String>,
}

/// Repeats a finished run and takes a fixture of it. Members stand in it by their pseudonyms.
///
/// # Errors
/// Where the folder is no run's, it has no such stage or member, the data changed since, or the plugin fails.
pub fn fixture(
    host: &Host,
    run: &Path,
    wanted: Wanted<'_>,
    progress: Arc<dyn Progress>,
) -> Result<Fixture> {
    let (finished, differences) = repeat(host, run, progress)?;
    let Finished { loaded, run, intake, .. } = &finished;
    let ran = run.stages.iter().find(|ran| ran.name == wanted.stage);
    let found = ran.and_then(|ran| Some((ran, component_of(&finished.stages, ran)?)));
    let Some((ran, stage)) = found else {
        return Err(AppError::NoStage {
            stage: wanted.stage.to_owned(),
            known: run.stages.iter().map(|ran| ran.name.clone()).collect(),
        });
    };
    let mut rows: Vec<u32> = Vec::new();
    for id in wanted.named {
        let row = row_of(&run.members, id)
            .ok_or_else(|| AppError::NoMember { member: id.clone(), rows: run.members.rows() })?;
        rows.extend(u32::try_from(row));
    }
    let mut others: Vec<u32> =
        (0..).take(run.keys.len()).filter(|row| !rows.contains(row)).collect();
    others.sort_unstable_by_key(|row| run.keys[*row as usize]);
    rows.extend(others.into_iter().take(wanted.count));
    let test = format!("{} of the run {}", wanted.stage, run_id(&finished));
    let context = intake.context(loaded.playbook.seed);
    let cases = cases(stage, ran, run, context, &rows, &test)?;
    let cases = cases.map_err(|fault| stage.closed(fault, None))?;
    let members = cases.iter().map(rows_of).max().unwrap_or(0);
    Ok(Fixture { cases, members, differences })
}
