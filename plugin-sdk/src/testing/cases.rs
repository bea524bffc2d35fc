//! Keeps what native tests ask and what comes back, so that the same can be asked in the sandbox.
//!
//! Where the environment names a folder, each answer that the host would accept, and each refusal,
//! is a line of JSON in a file of this process there. `playbook plugin test` reads them.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use playbook_contract::{Asked, Case};

use crate::types::{Context, Opening};

static FILE: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
    let folder = std::env::var_os(Case::FOLDER)?;
    let path = Path::new(&folder).join(format!("{}.jsonl", std::process::id()));
    let file = File::options().create(true).append(true).open(&path);
    Some(Mutex::new(file.unwrap_or_else(|error| panic!("{}: {error}", path.display()))))
});

/// Keeps one question with its answer, where a folder is named.
///
/// # Panics
/// Where the file cannot be written: a test that loses its cases must not pass.
pub(super) fn keep(
    plugin: &str,
    context: &Context,
    opening: &Opening,
    asked: impl FnOnce() -> Asked,
) {
    let Some(file) = &*FILE else { return };
    let thread = std::thread::current();
    let case = Case {
        test: thread.name().unwrap_or("main").to_owned(),
        plugin: plugin.to_owned(),
        context: *context,
        opening: opening.clone(),
        asked: asked(),
    };
    let mut line = serde_json::to_vec(&case).expect("records of the contract have a JSON form");
    line.push(b'\n');
    let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    file.write_all(&line).expect("the file of cases takes a line");
}
