//! `playbook init`: from exports to a first playbook.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use playbook_app::{
    self as app, Draft, DraftJoin, DraftLookup, DraftSource, Kept, Known, Look, TakenIn,
    check_written,
};
use playbook_model::one_line;
use serde_json::json;

use crate::cli::InitArgs;
use crate::commands;
use crate::commands::said::{format_words, meanings, sure_word};
use crate::session::Session;
use crate::terminal::{Terminal, counted};
use crate::text::Text;

/// Shows what was found, then writes the playbook, or says what it has to be told.
pub(crate) fn init(session: &Session, args: &InitArgs) -> Result<()> {
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let out = args.out.clone().unwrap_or_else(|| dir.join(format!("{}.toml", args.brand)));
    let own = session.host.home().own_dirs();
    let kept: Vec<(Kept, &std::path::Path)> =
        own.iter().map(|own| (Kept::HomePart, own.as_path())).collect();
    check_written(&out, &kept)?;
    let look = Look::new(&session.host, false)?;
    let (mut looked, mut left_out) = match &args.dir {
        Some(dir) => app::look_into(&look, dir)?,
        None => (Vec::new(), Vec::new()),
    };
    if let Some(beyond) = args.beyond.of(&args.brand)? {
        let (found, left) = look.beyond(&beyond)?;
        looked.extend(found);
        left_out.extend(left);
    }
    let draft = Draft::of(&dir, looked, left_out);
    if !args.json {
        Terminal::out(found(session.terminal, &draft))?;
    }
    let known = Known {
        brand: &args.brand,
        currency: args.currency.as_deref(),
        time_zone: args.time_zone.as_deref(),
    };
    let text = app::init(&session.host, &draft, &known, &out)?;
    // The playbook is there; what a run would say of the files is better heard now.
    let taken = app::take_in(&session.host, &draft, &text).map_err(anyhow::Error::from);
    if args.json {
        return Terminal::json(&answer(&draft, &out, &taken));
    }
    Terminal::out(tried(session.terminal, &draft, &taken))?;
    Terminal::out(&next(session, &draft, &out))
}

fn found(terminal: Terminal, draft: &Draft) -> Text {
    let mut text = Text::default();
    for source in &draft.sources {
        let files =
            if source.files == 1 { String::new() } else { format!(", {} files", source.files) };
        text.push(&terminal.heading(&one_line(&source.called)));
        let part = if source.seen.whole { "all" } else { "the first" };
        text.push_str(&format!(
            " to the table {}{files}: {}; told by {part} {} rows\n",
            source.table,
            source.reader().map_or_else(|| format_words(&source.seen), str::to_owned),
            counted(source.seen.rows),
        ));
        let header = ["field", "from column", "how sure", "such as"];
        text.push(&terminal.table(&header, &[], &rows(source)));
        text.push_str("\n");
        for (column, note) in
            source.rows.iter().filter_map(|r| Some((&r.column, r.column.note.as_ref()?)))
        {
            text.push(&terminal.warning(&column.name, note));
        }
        let constants: &[_] = if source.asks.is_none() { &source.constants } else { &[] };
        let event = source.event.map(|kind| ("kind", kind));
        for (field, value) in event.iter().chain(constants) {
            text.push_str(&format!("{field} of all rows: {value}\n"));
        }
        source.notes.iter().for_each(|note| text.push(&terminal.warning(&source.called, note)));
        if let Some(asks) = &source.asks {
            text.push(&terminal.warning(
                &source.called,
                &format!("not read: {asks}; the source is there as a comment"),
            ));
        }
        text.push(&meanings(source));
        for join in &source.joins {
            text.push_str(&format!(
                "{} names rows of the lookup {} ({}): {} of {} values are among its keys\n",
                one_line(&join.by),
                join.lookup,
                sure_word(join.sure),
                counted(join.found as u64),
                counted(join.values as u64),
            ));
        }
        for row in source.rows.iter().filter(|row| row.lacking > 0) {
            let lacking = counted(row.lacking);
            let words = format!(
                "{lacking} rows have none and are rejects; `rejects_max` says how many may be"
            );
            text.push(&terminal.warning(&row.column.name, &words));
        }
        if !source.unused.is_empty() {
            let names: Vec<_> = source.unused.iter().map(|name| one_line(name)).collect();
            text.push_str(&format!("not used: {}\n", names.join(", ")));
        }
    }
    for lookup in &draft.lookups {
        let (source, key) = (&lookup.source, one_line(&lookup.key));
        text.push_str(&format!("lookup {}: {}, by {key}\n", source.name, one_line(&source.called)));
    }
    for left in &draft.left_out {
        text.push_str(&format!("not read: {}: {}\n", one_line(&left.file), one_line(&left.why)));
    }
    text
}

fn rows(source: &DraftSource) -> Vec<Vec<String>> {
    let row = |row: &app::DraftRow| {
        let samples = row.column.samples.iter().map(|sample| one_line(sample).into_owned());
        vec![
            row.field.clone(),
            one_line(&row.column.name).into_owned(),
            sure_word(row.sure).to_owned(),
            samples.collect::<Vec<_>>().join(" | "),
        ]
    };
    source.rows.iter().map(row).collect()
}

/// What the intake made of the files, or why it could not read them.
fn tried(terminal: Terminal, draft: &Draft, taken: &Result<Option<TakenIn>>) -> Text {
    match taken {
        Ok(None) => Text::default(),
        Ok(Some(taken)) => {
            let mut text = commands::taken::words(terminal, draft, taken);
            for finding in &taken.findings {
                text.push(
                    &terminal
                        .warning(finding.source.as_deref().unwrap_or("data"), &finding.text.en),
                );
            }
            text
        }
        Err(fault) => {
            terminal.warning("a run cannot read these files", &fault.root_cause().to_string())
        }
    }
}

/// What to do with the playbook.
fn next(session: &Session, draft: &Draft, out: &PathBuf) -> String {
    let beside = out.parent().is_some_and(|folder| {
        let real = |path: &std::path::Path| std::fs::canonicalize(path).ok();
        real(if folder.as_os_str().is_empty() { ".".as_ref() } else { folder }) == real(&draft.dir)
    });
    let data = if beside { String::new() } else { format!(" --data {}", draft.dir.display()) };
    let connections = session.host.connections().filter(|_| draft.goes_beyond());
    let connections =
        connections.map_or_else(String::new, |file| format!(" --connections {}", file.display()));
    let out = out.display();
    format!(
        "`{out}` is written. Look at the rows that are not sure, then:\n  \
         playbook check {out}\n  playbook run {out}{data}{connections} --out results --dry-run\n"
    )
}

fn answer(draft: &Draft, out: &PathBuf, taken: &Result<Option<TakenIn>>) -> serde_json::Value {
    let intake = match taken {
        Ok(taken) => json!(taken.as_ref().map(commands::taken::as_json)),
        Err(fault) => json!({ "fault": fault.root_cause().to_string() }),
    };
    let value = |value: &app::Meaning| json!({ "word": value.word, "means": value.means, "sure": sure_word(value.sure) });
    let row = |row: &app::DraftRow| {
        json!({
            "field": row.field,
            "column": row.column.name,
            "sure": sure_word(row.sure),
            "samples": row.column.samples,
            "note": row.column.note,
            "values": row.values.iter().map(value).collect::<Vec<_>>(),
        })
    };
    let join = |join: &DraftJoin| {
        json!({
            "lookup": join.lookup,
            "by": join.by,
            "values": join.values,
            "found": join.found,
            "sure": sure_word(join.sure),
        })
    };
    let lookup = |lookup: &DraftLookup| {
        let source = &lookup.source;
        json!({ "name": source.name, "path": source.called, "key": lookup.key })
    };
    let source = |source: &DraftSource| {
        json!({
            "name": source.name,
            "table": source.table,
            "path": source.called,
            "files": source.files,
            "rows": source.seen.rows,
            "whole": source.seen.whole,
            "map": source.rows.iter().map(row).collect::<Vec<_>>(),
            "unused": source.unused,
            "joins": source.joins.iter().map(join).collect::<Vec<_>>(),
            "event": source.event,
            "constants": source.constants.iter().copied().collect::<BTreeMap<_, _>>(),
            "asks": source.asks,
            "notes": source.notes,
        })
    };
    let left = |left: &app::LeftOut| json!({ "file": left.file, "why": left.why });
    json!({
        "playbook": out.display().to_string(),
        "sources": draft.sources.iter().map(source).collect::<Vec<_>>(),
        "lookups": draft.lookups.iter().map(lookup).collect::<Vec<_>>(),
        "intake": intake,
        "left_out": draft.left_out.iter().map(left).collect::<Vec<_>>(),
    })
}
