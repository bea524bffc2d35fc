//! What a failed command says: words for people, the same as JSON for programs, an exit code.

use playbook_app::AppError;
use playbook_batch::BatchError;
use playbook_cycle::CycleError;
use playbook_toml::Problems;
use serde_json::{Value, json};

use crate::terminal::Terminal;

/// The command could not do its work.
const FAILED: u8 = 1;
/// The playbook is at fault, not the host (clap takes 2 for the command line).
const PLAYBOOK_FAULTY: u8 = 3;
/// A plugin's fault ended the run.
const PLUGIN_FAULT: u8 = 4;
/// Stopped by Ctrl-C.
const STOPPED: u8 = 130;

/// A failure of a command that has an answer all the same, for who asked for JSON.
#[derive(Debug)]
pub(crate) struct Answered {
    answer: Value,
    error: anyhow::Error,
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Answered {}

impl Answered {
    /// The failure with its answer.
    pub(crate) fn with(answer: Value, error: anyhow::Error) -> anyhow::Error {
        Self { answer, error }.into()
    }
}

/// Turns an error into words, on standard output too where JSON was asked for, and an exit code.
pub(crate) fn report(terminal: Terminal, as_json: bool, error: anyhow::Error) -> u8 {
    let (answer, error) = match error.downcast::<Answered>() {
        Ok(answered) => (answered.answer, answered.error),
        Err(error) => (json!({}), error),
    };
    let code = code(&error);
    match faulty(&error) {
        Some(problems) => terminal.problems(problems),
        None => terminal.error(&error.to_string(), &causes(&error)),
    }
    if as_json && let Err(unwritten) = Terminal::json(&told(answer, &error, code)) {
        terminal.error(&unwritten.to_string(), &causes(&unwritten));
    }
    code
}

/// The answer of a failed command: what it would have answered, with what went wrong.
fn told(answer: Value, error: &anyhow::Error, code: u8) -> Value {
    let mut told = json!({ "message": error.to_string(), "causes": causes(error), "code": code });
    if let (Some(problems), None) = (faulty(error), answer.get("problems")) {
        told["problems"] = problems_json(problems).into();
    }
    match answer {
        Value::Object(mut fields) => {
            fields.insert("error".to_owned(), told);
            fields.into()
        }
        // A list has no room for it; the exit code says that the command failed.
        list => list,
    }
}

fn faulty(error: &anyhow::Error) -> Option<&Problems> {
    match error.downcast_ref::<AppError>().map(AppError::inner) {
        Some(AppError::Faulty(problems)) => Some(problems),
        _ => None,
    }
}

fn code(error: &anyhow::Error) -> u8 {
    // A stop that was heard deep in a query comes up as the cause of another error.
    if error.chain().any(|cause| matches!(cause.downcast_ref(), Some(BatchError::Cancelled))) {
        return STOPPED;
    }
    match error.downcast_ref::<AppError>().map(AppError::inner) {
        Some(AppError::Cycle(CycleError::Cancelled) | AppError::Batch(BatchError::Cancelled)) => {
            STOPPED
        }
        Some(AppError::Cycle(CycleError::Stage { .. })) => PLUGIN_FAULT,
        Some(AppError::Faulty(_) | AppError::Cycle(CycleError::WrongType { .. })) => {
            PLAYBOOK_FAULTY
        }
        _ => FAILED,
    }
}

/// What led to an error, nearest first. Some libraries repeat their cause in their own words; that is said once.
pub(crate) fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut last = error.to_string();
    let mut causes = Vec::new();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !last.contains(&cause) {
            causes.push(cause.clone());
        }
        last = cause;
    }
    causes
}

/// Problems of a playbook with their places.
pub(crate) fn problems_json(problems: &Problems) -> Vec<Value> {
    problems
        .problems
        .iter()
        .map(|p| {
            let position = problems.position(p);
            json!({
                "code": p.code,
                "message": p.message,
                "expected": p.expected,
                "hint": p.hint,
                "file": position.map(|(file, _, _)| file),
                "line": position.map(|(_, line, _)| line),
                "column": position.map(|(_, _, column)| column),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use serde_json::json;

    use super::{causes, told};

    #[test]
    fn what_a_library_repeats_is_said_once() {
        let error = anyhow::anyhow!("no space").context("cannot write: no space").context("top");
        assert_eq!(causes(&error), ["cannot write: no space"]);
    }

    #[test]
    fn an_answer_keeps_its_fields_beside_the_error() {
        let error = Err::<(), _>(anyhow::anyhow!("below")).context("above").unwrap_err();
        let said = told(json!({ "ok": false }), &error, 1);
        let want =
            json!({ "ok": false, "error": { "message": "above", "causes": ["below"], "code": 1 } });
        assert_eq!(said, want);
        assert_eq!(told(json!([1]), &error, 1), json!([1]));
    }
}
