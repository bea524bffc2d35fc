//! Keeps what native tests ask and what comes back, so that the same can be asked in the sandbox.
//!
//! Where the environment names a folder, each answer that the host would accept, and each refusal,
//! is a line of JSON in a file of this process there. `playbook plugin test` reads them.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use serde::Serialize;

use crate::types::{
    Batch, CampaignPlan, Context, Factor, Fitted, Opening, Problem, Proposals, RowAnswer, Segments,
    Shape, TableAnswer,
};

/// Name of the environment variable that names the folder.
const FOLDER: &str = "PLAYBOOK_CASES_DIR";

/// One question to a plugin, and what it said.
#[derive(Serialize)]
struct Case<'a> {
    test: &'a str,
    plugin: &'a str,
    context: &'a Context,
    opening: &'a Opening,
    asked: Asked<'a>,
}

/// The calls of the contract, each with what it was given and what came back.
#[derive(Serialize)]
pub(super) enum Asked<'a> {
    Check(Result<&'a Shape, &'a [Problem]>),
    Open(Result<&'a (), &'a [Problem]>),
    Score(&'a Batch, &'a Result<RowAnswer, String>),
    Explain(&'a Batch, &'a Result<Vec<Factor>, String>),
    Assign(&'a Batch, &'a Result<Segments, String>),
    Propose(&'a Batch, &'a Result<Proposals, String>),
    Plan(i64, &'a Result<CampaignPlan, String>),
    Touch(u32, &'a Batch, &'a Result<Proposals, String>),
    Value(&'a Result<TableAnswer, String>),
    Diagnose(&'a Result<TableAnswer, String>),
    Screen(&'a Batch, &'a Result<RowAnswer, String>),
    /// The batches of each bucket.
    Fit(&'a [Vec<Batch>], &'a Result<Fitted, String>),
}

static FILE: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
    let folder = std::env::var_os(FOLDER)?;
    let path = Path::new(&folder).join(format!("{}.jsonl", std::process::id()));
    let file = File::options().create(true).append(true).open(&path);
    Some(Mutex::new(file.unwrap_or_else(|error| panic!("{}: {error}", path.display()))))
});

/// Keeps one question with its answer, where a folder is named.
///
/// # Panics
/// Where the file cannot be written: a test that loses its cases must not pass.
pub(super) fn keep(plugin: &str, context: &Context, opening: &Opening, asked: Asked<'_>) {
    let Some(file) = &*FILE else { return };
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main");
    let mut line = serde_json::to_vec(&Case { test, plugin, context, opening, asked })
        .expect("records of the contract have a JSON form");
    line.push(b'\n');
    let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    file.write_all(&line).expect("the file of cases takes a line");
}
