//! The text of a first playbook, with the reasons beside what was taken.

use std::fmt::Write as _;

use playbook_batch::profile::{ColumnKind, Sure};
use playbook_model::{Asked, Container, NumberMarks, Origin, SourceFormat, one_line, steers};

use super::outline::{Draft, DraftJoin, DraftLookup, DraftRow, DraftSource};
use super::roles::minor_unit;
use super::zones::zone;

/// What the files do not say.
pub(super) struct Facts<'a> {
    pub(super) brand: &'a str,
    pub(super) currency: &'a str,
    /// Decimals of the currency.
    pub(super) digits: u8,
    pub(super) time_zone: &'a str,
}

/// Features that `value-rfm` reads.
const FEATURES: &str = "
# What value-rfm scores: how long ago, how often, how much.
[features]
days_since_last_order = { recency = \"order_paid\" }
orders_365d = { count = \"order_paid\", window = \"365d\" }
spend_365d_minor = { sum = \"amount_minor\", events = \"order_paid\", window = \"365d\" }

[[stage]]
kind = \"scoring\"
plugin = \"value-rfm@^0.1\"
";

/// Writes the playbook.
pub(super) fn text(draft: &Draft, facts: &Facts<'_>) -> String {
    sources(draft, facts) + FEATURES
}

/// Writes the playbook without features and stages: what is needed to read the files.
pub(super) fn sources(draft: &Draft, facts: &Facts<'_>) -> String {
    let mut text = format!(
        "# A first playbook, made of exports by `playbook init`. Every row says what it was taken from;\n\
         # look at those that are not sure. `playbook profile FILE` shows the columns, the reference every key.\n\n\
         [playbook]\nid = {brand}\nbrand = {brand}\n",
        brand = quoted(facts.brand),
    );
    let from = match draft.currency.as_deref() == Some(facts.currency) {
        true => "  # the one that the files name",
        false => "",
    };
    put(&mut text, format_args!("currency = {}{from}\n", quoted(facts.currency)));
    put(
        &mut text,
        format_args!(
            "# Times without an offset are meant in this zone.\ntime_zone = {}\n",
            quoted(facts.time_zone)
        ),
    );
    text.push_str("\n[cycle]\nlength = \"28d\"\n");
    draft.lookups.iter().for_each(|lookup| write_lookup(&mut text, lookup));
    for source in &draft.sources {
        match &source.asks {
            None => write_source(&mut text, source, facts),
            // What a person has to say first is there to be filled in, and reads nothing until then.
            Some(asks) => {
                let mut block = String::new();
                write_source(&mut block, source, facts);
                put(
                    &mut text,
                    format_args!("\n# Not read: {}, then take the `#` away.\n", comment(asks)),
                );
                let lines = block
                    .trim_start()
                    .lines()
                    .map(|line| format!("# {line}\n").replace(" \n", "\n"));
                text.extend(lines);
            }
        }
    }
    for left in &draft.left_out {
        put(
            &mut text,
            format_args!("\n# Not read: {}: {}", comment(&left.file), comment(&left.why)),
        );
    }
    if !draft.left_out.is_empty() {
        text.push('\n');
    }
    let own: Vec<&str> = own_kinds(draft);
    if !own.is_empty() {
        text.push_str("\n# Kinds of the brand's own: say what they count as, as { counts_as = \"view\" }.\n[events]\n");
        own.iter().for_each(|kind| put(&mut text, format_args!("{kind} = {{}}\n")));
    }
    text
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("writing to a String cannot fail");
}

fn own_kinds(draft: &Draft) -> Vec<&str> {
    let mut own: Vec<&str> =
        draft.sources.iter().flat_map(|source| source.own.iter().map(String::as_str)).collect();
    own.sort_unstable();
    own.dedup();
    own
}

fn write_source(text: &mut String, source: &DraftSource, facts: &Facts<'_>) {
    let seen = &source.seen;
    let part = if seen.whole { "all" } else { "the first" };
    let files =
        if source.files == 1 { String::new() } else { format!(" of {} files", source.files) };
    put(text, format_args!("\n# Told by {part} {} rows{files}.\n", seen.rows));
    if seen.broken_rows > 0 {
        put(
            text,
            format_args!(
                "# {} rows cannot be read, or have another number of columns.\n",
                seen.broken_rows
            ),
        );
    }
    put(
        text,
        format_args!("[[source]]\nname = {}\ntable = \"{}\"\n", quoted(&source.name), source.table,),
    );
    place(text, source);
    write_zone(text, source, facts);
    write_joins(text, source);
    if let Some(event) = source.event {
        put(
            text,
            format_args!(
                "# No column says what kind of events the rows are.\nevent = \"{event}\"\n"
            ),
        );
    }
    let repeats =
        |row: &DraftRow| row.field == "event_id" && row.column.distinct < row.column.filled;
    if source.lines {
        text.push_str("# Rows of one id are lines of an order: their amounts add up, and no line is a repeat.\nlines = true\n");
    } else if source.rows.iter().any(repeats) {
        text.push_str("# Rows of one id that differ are lines of an order; equal ones are repeats, unless `lines = true`.\n");
    }
    source.notes.iter().for_each(|note| put(text, format_args!("# {}\n", comment(note))));
    text.push_str("\n[source.map]\n");
    for row in &source.rows {
        write_row(text, row, facts);
    }
    for (field, value) in &source.constants {
        put(text, format_args!("{field} = {{ constant = \"{value}\" }}\n"));
    }
    if !source.unused.is_empty() {
        let names: Vec<String> = source.unused.iter().map(|name| comment(name)).collect();
        put(text, format_args!("# Not used: {}\n", names.join(", ")));
    }
}

/// In which zone the times of a source are meant.
fn write_zone(text: &mut String, source: &DraftSource, facts: &Facts<'_>) {
    let Some(zone) = zone(source, facts.time_zone) else { return };
    put(text, format_args!("# {}.{}\n", comment(&zone.why), doubt(zone.sure, None)));
    if let Some(name) = zone.name {
        put(text, format_args!("time_zone = {}\n", quoted(name)));
    }
}

/// The tables of things that rows of a source name.
fn write_joins(text: &mut String, source: &DraftSource) {
    for DraftJoin { lookup, by, values, found, sure } in &source.joins {
        put(
            text,
            format_args!(
                "# {} names rows of {lookup}: {found} of {values} values are among its keys.{}\n",
                comment(by),
                doubt(*sure, None)
            ),
        );
    }
    let joins = source.joins.iter().map(|join| format!("{} = {}", join.lookup, quoted(&join.by)));
    let joins: Vec<String> = joins.collect();
    if !joins.is_empty() {
        put(text, format_args!("join = {{ {} }}\n", joins.join(", ")));
    }
}

/// A table of things.
fn write_lookup(text: &mut String, lookup: &DraftLookup) {
    put(
        text,
        format_args!(
            "\n# A table of things that rows of sources name; its columns become fields of theirs.\n[[lookup]]\nname = {}\n",
            quoted(&lookup.source.name)
        ),
    );
    place(text, &lookup.source);
    put(text, format_args!("key = {}\n", quoted(&lookup.key)));
}

/// Where the rows are and how they are read, with the keys of a source.
fn place(text: &mut String, source: &DraftSource) {
    if let Origin::Objects(connection) | Origin::Database(connection, _) = &source.origin {
        put(text, format_args!("connection = {}\n", quoted(connection)));
    }
    if !source.path.is_empty() {
        put(text, format_args!("path = {}\n", quoted(&source.path)));
    }
    match (&source.origin, &source.container) {
        (Origin::Database(_, asked), _) | (_, Container::Sqlite(asked)) => match asked {
            Asked::Relation(name) => put(text, format_args!("from = {}\n", quoted(name))),
            Asked::Query(query) => put(text, format_args!("query = {}\n", quoted(query))),
        },
        (_, Container::Excel(sheet)) => {
            let sheet = sheet.as_deref().unwrap_or_default();
            put(text, format_args!("sheet = {}\n", quoted(sheet)));
        }
        (_, Container::Rows) => format(text, source),
    }
}

/// Format, delimiter, header, encoding.
fn format(text: &mut String, source: &DraftSource) {
    let seen = &source.seen;
    let (name, header) = match seen.format {
        SourceFormat::Csv { header, .. } => ("csv", header),
        SourceFormat::Whitespace { header } => ("whitespace", header),
        SourceFormat::JsonLines => ("jsonl", true),
        SourceFormat::Parquet => ("parquet", true),
    };
    put(text, format_args!("format = \"{name}\"{}\n", doubt(seen.format_sure, None)));
    if let SourceFormat::Csv { delimiter, .. } = seen.format {
        put(text, format_args!("delimiter = {}\n", quoted(&char::from(delimiter).to_string())));
    }
    if let Some(encoding) = seen.encoding.as_deref().filter(|encoding| *encoding != "utf-8") {
        put(
            text,
            format_args!("encoding = {}{}\n", quoted(encoding), doubt(seen.encoding_sure, None)),
        );
    }
    if !header {
        let names: Vec<String> = seen.columns.iter().map(|column| quoted(&column.name)).collect();
        put(text, format_args!("columns = [{}]\n", names.join(", ")));
    }
}

fn write_row(text: &mut String, row: &DraftRow, facts: &Facts<'_>) {
    let column = &row.column;
    let samples: Vec<String> = column.samples.iter().map(|sample| comment(sample)).collect();
    put(
        text,
        format_args!(
            "# As in {}{}\n",
            samples.join(" | "),
            doubt(row.sure, column.note.as_deref())
        ),
    );
    if row.lacking > 0 {
        put(
            text,
            format_args!(
                "# {} rows have none and are rejects; `rejects_max` says how many may be.\n",
                row.lacking
            ),
        );
    }
    if column.doubtful > 0 && column.doubtful_samples.is_empty() {
        put(text, format_args!("# {} values are arrays or objects.\n", column.doubtful));
    } else if column.doubtful > 0 {
        let doubtful: Vec<String> = column.doubtful_samples.iter().map(|s| comment(s)).collect();
        put(
            text,
            format_args!(
                "# {} values are written otherwise: {}\n",
                column.doubtful,
                doubtful.join(" | ")
            ),
        );
    }
    let mut keys = vec![format!("from = {}", quoted(&column.name))];
    let marks = match (&column.kind, row.field.as_str()) {
        (ColumnKind::Time { format }, _) => {
            let format = format.as_deref().filter(|format| *format != "rfc3339");
            keys.extend(format.map(|format| format!("format = {}", quoted(format))));
            NumberMarks::default()
        }
        (ColumnKind::Amount { marks, decimals }, "amount_minor" | "cost_of_goods_minor") => {
            keys.extend(minor_unit(column).map(|unit| format!("unit = \"{unit}\"")));
            let digits = if minor_unit(column).is_some() { 0 } else { facts.digits };
            if *decimals > digits {
                put(
                    text,
                    format_args!(
                        "# More decimals than {} has: rounded, half away from zero.\n",
                        comment(facts.currency)
                    ),
                );
                keys.push(format!("decimals = {}", (*decimals).min(12)));
            }
            *marks
        }
        (ColumnKind::Real { marks }, "amount_minor" | "cost_of_goods_minor") => {
            keys.push("decimals = 12".to_owned());
            *marks
        }
        (
            ColumnKind::Integer { marks } | ColumnKind::Amount { marks, .. },
            "quantity" | "delivered" | "complaints" | "sentiment" | "value",
        )
        | (ColumnKind::Real { marks }, "sentiment" | "value") => *marks,
        (ColumnKind::Integer { marks }, _) if row.type_name == Some("integer") => *marks,
        (ColumnKind::Integer { .. }, "amount_minor" | "cost_of_goods_minor") => {
            keys.extend(minor_unit(column).map(|unit| format!("unit = \"{unit}\"")));
            NumberMarks::default()
        }
        _ => NumberMarks::default(),
    };
    if marks.decimal != '.' {
        keys.push(format!("decimal = \"{}\"", marks.decimal));
    }
    keys.extend(marks.thousands.map(|mark| format!("thousands = {}", quoted(&mark.to_string()))));
    if row.field == "member" && column.is_contact {
        text.push_str("# Contact data: its salted digest names the member.\n");
        keys.push("transform = \"hash\"".to_owned());
    } else if ["member", "event_id", "original_order"].contains(&row.field.as_str())
        && column.whole_reals
    {
        keys.push("transform = \"whole\"".to_owned());
    }
    if row.translates() || row.on_error == Some("null") {
        let values = row.values.iter();
        let values = values.map(|v| format!("{} = {}", quoted(&v.word), quoted(&v.means)));
        let slips = row.values.iter().filter(|v| v.sure == Sure::Unsure);
        for slip in slips {
            put(
                text,
                format_args!(
                    "# {} is taken for {}: not sure, please look.\n",
                    comment(&slip.word),
                    slip.means
                ),
            );
        }
        let other =
            if row.on_error == Some("null") { "is missing" } else { "is a reject of its row" };
        put(text, format_args!("# Another word than these {other}.\n"));
        keys.push(format!("values = {{ {} }}", values.collect::<Vec<_>>().join(", ")));
    }
    keys.extend(row.type_name.map(|name| format!("type = \"{name}\"")));
    keys.extend(row.on_error.map(|what| format!("on_error = \"{what}\"")));
    match keys.as_slice() {
        [_] => put(text, format_args!("{} = {}\n", row.field, quoted(&column.name))),
        keys => put(text, format_args!("{} = {{ {} }}\n", row.field, keys.join(", "))),
    }
}

/// How sure something is, as the end of a comment; nothing where it is sure.
fn doubt(sure: Sure, note: Option<&str>) -> String {
    let words = match sure {
        Sure::Sure => return String::new(),
        Sure::Likely => "  # likely",
        Sure::Unsure => "  # not sure: please look",
    };
    note.map_or_else(|| words.to_owned(), |note| format!("{words}; {}", comment(note)))
}

/// Text from the data in a comment: on one line, nothing that steers.
fn comment(text: &str) -> String {
    one_line(text).into_owned()
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if steers(letter) => put(&mut out, format_args!("\\U{:08x}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
