//! `playbook profile`: what the host sees of data files without a playbook.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use playbook_app::{self as app, LeftOut, Look, Looked};
use playbook_batch::profile::{ColumnKind, ColumnProfile, FileProfile, Sure};
use playbook_model::{NumberMarks, SourceFormat, one_line};
use serde_json::{Value, json};

use crate::cli::ProfileArgs;
use crate::commands;
use crate::commands::said::{format_words, meanings, sure_word};
use crate::session::Session;
use crate::terminal::{Terminal, counted};
use crate::text::Text;

/// A currency of two decimals, where the file names none: who the members are does not depend on it.
const ANY_CURRENCY: &str = "EUR";
/// Kinds that are shown with their rows.
const KINDS_SHOWN: usize = 16;
/// Letters of the bar of a filled share.
const BAR: usize = 10;

/// Shows each file, sheet and table; a file that cannot be read ends the command after those before it.
pub(crate) fn profile(session: &Session, args: &ProfileArgs) -> Result<()> {
    let mut told = Vec::new();
    let look = Look::new(&session.host, args.quick)?;
    for file in &args.files {
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let (found, left_out) =
            look.file(file, &name).with_context(|| format!("`{}` is not shown", file.display()))?;
        // People see the path that they gave.
        let shown = |one: Looked| {
            let part = one.name.strip_prefix(name.as_ref()).unwrap_or_default();
            (format!("{}{part}", file.display()), one)
        };
        show(session, args, dir, found.into_iter().map(shown).collect(), left_out, &mut told)?;
    }
    let brand = args.brand.as_deref().unwrap_or_default();
    if let Some(beyond) = args.beyond.of(brand)? {
        if args.brand.is_none() {
            bail!("a connection serves brands: pass --brand NAME");
        }
        let (found, left_out) = look.beyond(&beyond)?;
        let found = found.into_iter().map(|one| (one.name.clone(), one)).collect();
        show(session, args, Path::new("."), found, left_out, &mut told)?;
    }
    if args.json { Terminal::json(&json!({ "files": told })) } else { Ok(()) }
}

/// Shows what was looked at, and says what could not be.
fn show(
    session: &Session,
    args: &ProfileArgs,
    dir: &Path,
    found: Vec<(String, Looked)>,
    left_out: Vec<LeftOut>,
    told: &mut Vec<Value>,
) -> Result<()> {
    for (name, one) in found {
        let seen = one.seen.clone();
        // What a run would take in and refuse is told by the intake itself, through the mapping that `init` would write.
        let draft = app::draft_of(dir, one);
        let currency = draft.currency.as_deref().or(Some(ANY_CURRENCY));
        let known = app::Known { brand: "profile", currency, time_zone: Some("UTC") };
        let taken = match args.quick {
            true => Ok(None),
            false => app::mapping(&draft, &known)
                .and_then(|text| app::take_in(&session.host, &draft, &text))
                .map_err(anyhow::Error::from),
        };
        if args.json {
            told.push(as_json(&name, &seen, &draft, &taken));
        } else {
            Terminal::out(text(session.terminal, &name, &seen))?;
            Terminal::out(mapped(session.terminal, &draft, &taken))?;
        }
    }
    for left in left_out {
        if args.json {
            told.push(json!({ "file": left.file, "fault": left.why }));
        } else {
            Terminal::out(
                session.terminal.warning(&left.file, &format!("not shown: {}", left.why)),
            )?;
        }
    }
    Ok(())
}

/// What the intake makes of the file, or why it makes nothing of it.
fn mapped(terminal: Terminal, draft: &app::Draft, taken: &Result<Option<app::TakenIn>>) -> Text {
    let mut text = Text::default();
    for left in &draft.left_out {
        text.push_str(&format!("no table of the host: {}\n", one_line(&left.why)));
    }
    for source in &draft.sources {
        let fields = source.rows.iter().map(|row| {
            let column = one_line(&row.column.name);
            match row.sure {
                Sure::Sure => format!("{} from {column}", row.field),
                sure => format!("{} from {column} ({})", row.field, sure_word(sure)),
            }
        });
        let fields: Vec<String> = fields.collect();
        text.push_str(&format!("as {}: {}\n", source.table, fields.join(", ")));
        text.push_str(&kinds(source));
        text.push(&meanings(source));
        for note in source.asks.iter().chain(&source.notes) {
            text.push(&terminal.warning(&source.called, note));
        }
    }
    match taken {
        Ok(None) => {}
        Ok(Some(taken)) => text.push(&commands::taken::words(terminal, draft, taken)),
        Err(fault) => {
            text.push(&terminal.warning("a run cannot read it", &fault.root_cause().to_string()))
        }
    }
    text.push_str("\n");
    text
}

/// The words of a kind column with their rows, most first.
fn kinds(source: &app::DraftSource) -> String {
    let Some(kind) = source.rows.iter().find(|row| row.field == "kind") else {
        return String::new();
    };
    let words = &kind.column.words;
    let shown = words.iter().take(KINDS_SHOWN);
    let shown: Vec<String> =
        shown.map(|(word, rows)| format!("{} {}", one_line(word), counted(*rows))).collect();
    let more = words.len().saturating_sub(KINDS_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("kinds: {}{more}\n", shown.join(", "))
}

fn text(terminal: Terminal, name: &str, seen: &FileProfile) -> Text {
    let mut text = terminal.heading(&one_line(name));
    let part = if seen.whole { "all of the file" } else { "the first; there are more" };
    text.push_str(&format!("\n{}\n{} rows ({part})", format_words(seen), counted(seen.rows)));
    if seen.broken_rows > 0 {
        let broken = counted(seen.broken_rows);
        text.push_str(&format!(
            ", and {broken} that cannot be read or have another number of columns"
        ));
    }
    text.push_str("\n");
    let header =
        ["column", "filled", "distinct", "seems to be", "least", "greatest", "spread", "such as"];
    let rows: Vec<Vec<String>> = seen.columns.iter().map(|c| row(c, seen.rows)).collect();
    text.push(&terminal.table(&header, &[2], &rows));
    text.push_str("\n");
    for column in seen.columns.iter().filter(|column| column.doubtful > 0) {
        let such = column.doubtful_samples.iter().map(|value| format!("`{}`", one_line(value)));
        text.push(&terminal.warning(
            &column.name,
            &format!(
                "{} values are no such {}: {}",
                counted(column.doubtful),
                column.kind.word(),
                such.collect::<Vec<_>>().join(", "),
            ),
        ));
    }
    for (column, note) in seen.columns.iter().filter_map(|c| Some((c, c.note.as_ref()?))) {
        text.push(&terminal.warning(&column.name, note));
    }
    text
}

fn row(column: &ColumnProfile, rows: u64) -> Vec<String> {
    let plain = |value: &str| one_line(value).into_owned();
    let shown = |value: &Option<String>| value.as_deref().map_or_else(String::new, plain);
    vec![
        plain(&column.name),
        filled(column.filled, rows),
        counted(column.distinct),
        kind_words(column),
        shown(&column.least),
        shown(&column.greatest),
        blocks(&column.histogram),
        column.samples.iter().map(|sample| plain(sample)).collect::<Vec<_>>().join(" | "),
    ]
}

/// A bar and the share in per cent; only what is whole is 100.
fn filled(filled: u64, rows: u64) -> String {
    if rows == 0 {
        return String::new();
    }
    let tenths = usize::try_from(filled * BAR as u64 / rows).unwrap_or(BAR).min(BAR);
    format!("{}{} {:>3}%", "█".repeat(tenths), "░".repeat(BAR - tenths), filled * 100 / rows)
}

/// A line of blocks, as high as the stretch is full; a stretch with one value shows.
fn blocks(histogram: &[u64]) -> String {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = histogram.iter().copied().max().unwrap_or(0).max(1);
    let height = |count: &u64| usize::try_from((count * 8).div_ceil(most)).unwrap_or(8);
    histogram.iter().map(|count| BLOCKS[height(count).min(8)]).collect()
}

/// What a column seems to be, with how it is written and how sure that is.
fn kind_words(column: &ColumnProfile) -> String {
    let word = column.kind.word();
    let mut words = match &column.kind {
        ColumnKind::Time { format: Some(format) } => format!("{word} {}", one_line(format)),
        ColumnKind::Amount { marks, decimals } => {
            format!("{word}, {decimals} decimals{}", marks_words(*marks))
        }
        ColumnKind::Integer { marks } | ColumnKind::Real { marks } => {
            format!("{word}{}", marks_words(*marks))
        }
        ColumnKind::Id if column.is_contact => "contact data".to_owned(),
        _ => word.to_owned(),
    };
    if column.sure != Sure::Sure {
        words.push_str(&format!(" ({})", sure_word(column.sure)));
    }
    words
}

fn marks_words(marks: NumberMarks) -> String {
    match (marks.decimal, marks.thousands) {
        ('.', None) => String::new(),
        (decimal, None) => format!(", decimal `{decimal}`"),
        (decimal, Some(thousands)) => format!(", decimal `{decimal}`, thousands `{thousands}`"),
    }
}

fn as_json(
    name: &str,
    seen: &FileProfile,
    draft: &app::Draft,
    taken: &Result<Option<app::TakenIn>>,
) -> Value {
    let intake = match taken {
        Ok(taken) => json!(taken.as_ref().map(commands::taken::as_json)),
        Err(fault) => json!({ "fault": fault.root_cause().to_string() }),
    };
    let (format, delimiter, header) = match seen.format {
        SourceFormat::Csv { delimiter, header } => {
            ("csv", Some(char::from(delimiter).to_string()), Some(header))
        }
        SourceFormat::Whitespace { header } => ("whitespace", None, Some(header)),
        SourceFormat::JsonLines => ("jsonl", None, None),
        SourceFormat::Parquet => ("parquet", None, None),
    };
    json!({
        "file": name,
        "packing": seen.packing,
        "format": format,
        "format_sure": sure_word(seen.format_sure),
        "delimiter": delimiter,
        "header": header,
        "encoding": seen.encoding,
        "encoding_sure": sure_word(seen.encoding_sure),
        "rows": seen.rows,
        "whole": seen.whole,
        "broken_rows": seen.broken_rows,
        "columns": seen.columns.iter().map(column_json).collect::<Vec<_>>(),
        "tables": draft.sources.iter().map(|source| source.table).collect::<Vec<_>>(),
        "intake": intake,
    })
}

fn column_json(column: &ColumnProfile) -> Value {
    let (format, marks, decimals) = match &column.kind {
        ColumnKind::Time { format } => (format.as_deref(), None, None),
        ColumnKind::Amount { marks, decimals } => (None, Some(*marks), Some(*decimals)),
        ColumnKind::Integer { marks } | ColumnKind::Real { marks } => (None, Some(*marks), None),
        _ => (None, None, None),
    };
    json!({
        "name": column.name,
        "kind": column.kind.word(),
        "sure": sure_word(column.sure),
        "note": column.note,
        "format": format,
        "decimal": marks.map(|marks| marks.decimal),
        "thousands": marks.and_then(|marks| marks.thousands),
        "decimals": decimals,
        "filled": column.filled,
        "distinct": column.distinct,
        "contact": column.is_contact,
        "least": column.least,
        "greatest": column.greatest,
        "samples": column.samples,
        "doubtful": column.doubtful,
        "doubtful_samples": column.doubtful_samples,
        "histogram": column.histogram,
    })
}

#[cfg(test)]
mod tests {
    use super::{blocks, filled};

    #[test]
    fn a_share_is_whole_only_where_all_is_filled() {
        assert_eq!(filled(999, 1000), "█████████░  99%");
        assert_eq!(filled(1000, 1000), "██████████ 100%");
        assert_eq!(filled(0, 0), "");
    }

    #[test]
    fn one_value_shows_beside_many() {
        assert_eq!(blocks(&[0, 1, 500, 1000]), " ▁▄█");
        assert_eq!(blocks(&[]), "");
    }
}
