//! What the intake made of files, for `profile` and `init`.

use playbook_app::{Draft, TakenIn, TakenSource};
use playbook_model::one_line;
use serde_json::{Value, json};

use crate::terminal::{Terminal, counted};
use crate::text::Text;

/// Reasons of refusal that are shown of a source.
const REASONS_SHOWN: usize = 3;

/// Rows, members and refusals, a line a source.
pub(crate) fn words(terminal: Terminal, draft: &Draft, taken: &TakenIn) -> Text {
    let mut text = Text::default();
    for source in &taken.sources {
        let drafted = draft.sources.iter().find(|drafted| drafted.name == source.name);
        let path = drafted.map_or(source.name.as_str(), |drafted| drafted.called.as_str());
        text.push_str(&format!("taken in: {}\n", line(path, source)));
        if source.refused() > 0 {
            let mut words = reasons(source);
            if source.stops_a_run() {
                words.push_str(
                    "; a run stops at more than 1 % of the rows: mend them, or say with `rejects_max` how many may be",
                );
            }
            text.push(&terminal.warning(path, &words));
        }
    }
    if let Some(members) = taken.members {
        text.push_str(&format!("members: {}\n", counted(members)));
    }
    text
}

fn line(path: &str, source: &TakenSource) -> String {
    let mut line =
        format!("{}: {} rows, {} kept", one_line(path), counted(source.read), counted(source.kept));
    for (rows, what) in [
        (source.duplicates, "repeats"),
        (source.set_aside, "set aside"),
        (source.refused(), "refused"),
    ] {
        if rows > 0 {
            line.push_str(&format!(", {} {what}", counted(rows)));
        }
    }
    line
}

/// Why rows are refused, the most frequent reasons first.
fn reasons(source: &TakenSource) -> String {
    let mut reasons: Vec<(&String, u64)> = source.rejected.iter().map(|(r, n)| (r, *n)).collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let shown = reasons.iter().take(REASONS_SHOWN);
    let words: Vec<String> = shown
        .map(|(reason, rows)| format!("{} ({} rows)", one_line(reason), counted(*rows)))
        .collect();
    let more = reasons.len().saturating_sub(REASONS_SHOWN);
    let more = if more > 0 { format!(", and {more} other reasons") } else { String::new() };
    format!("{}{more}", words.join(", "))
}

/// The same for programs.
pub(crate) fn as_json(taken: &TakenIn) -> Value {
    let source = |source: &TakenSource| {
        json!({
            "name": source.name,
            "rows_read": source.read,
            "rows_kept": source.kept,
            "duplicates": source.duplicates,
            "set_aside": source.set_aside,
            "rejected": source.rejected,
            "stops_a_run": source.stops_a_run(),
        })
    };
    json!({
        "sources": taken.sources.iter().map(source).collect::<Vec<_>>(),
        "members": taken.members,
    })
}
