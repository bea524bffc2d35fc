//! Tables of the data: sources, mappings, features, SQL.

use super::bounds::{JOINS_MAX, NAMES, SHARE, TEXT, TEXTS};
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{
    Choice, Either, Event, Flag, Integer, Kebab, List, Map, Real, Reference, Size, Snake, Table,
    Text,
};
use playbook_model::STEPS_MAX;

/// Encodings that text files may have, by their WHATWG labels.
const ENCODINGS: &[&str] = &[
    "utf-8",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "gb18030",
    "gbk",
    "big5",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "koi8-r",
    "macintosh",
];

pub(super) static SOURCE: TableSpec = TableSpec {
    title: "[[source]]",
    id: "source",
    about: "A set of files of one format that fills one table of the host. Fields that the mapping does not name are dropped and counted.",
    keys: &[
        KeySpec::new("name", Kebab, "\"orders\"", "Unique name.").required(),
        KeySpec::new("table", Choice(&["events", "members", "identities", "costs", "entries", "consents"]), "\"events\"", "Table that the rows go into.").required(),
        KeySpec::new("path", TEXT, "\"orders/*.csv\"", "File or glob in the data folder, which is `--data`, else the playbook's folder; with `connection`, in the place of an object store. Needed unless a database is asked."),
        KeySpec::new("connection", Kebab, "\"warehouse\"", "Connection of the host that the rows come over, by its name ([platform guide](platform.md#connections)): a database, which `from` or `query` asks, or an object store, which has `path`."),
        KeySpec::new("from", Text(256), "\"shop.orders\"", "Table or view of a database, or of SQLite files."),
        KeySpec::new("query", Text(16_384), "\"select id, paid_at, total from orders where total > 0\"", "Query whose rows are read, instead of `from`."),
        KeySpec::new("sheet", Text(64), "\"Orders\"", "Sheet of an Excel workbook.").default("the first one"),
        KeySpec::new("format", Choice(&["csv", "whitespace", "jsonl", "parquet", "sqlite", "excel"]), "\"csv\"", "Format of the files: `csv` is delimited text, `whitespace` has columns separated by runs of blanks, `jsonl` has one JSON object a line; of `sqlite` files `from` or `query` says what is read, of `excel` workbooks (.xlsx) `sheet`.").default("by the ending of `path`"),
        KeySpec::new("header", Flag, "false", "Whether the first line names the columns (csv and whitespace).").default("true, or false where `columns` is given"),
        KeySpec::new("delimiter", Text(2), "\";\"", "One ASCII character between columns (csv).").default("\",\", or a tab for .tsv"),
        KeySpec::new("encoding", Choice(ENCODINGS), "\"gb18030\"", "Encoding of text files. Files packed with gzip or zstd are read as they are.").default("\"utf-8\", or UTF-16 where a byte order mark says so"),
        KeySpec::new("decimal", Choice(&[".", ","]), "\",\"", "Mark before the decimals of numbers and amounts in text files.").default("\".\""),
        KeySpec::new("thousands", Text(4), "\".\"", "Mark between groups of three digits: one of `,` `.` `'` or a blank. Without it such a mark is an error of the row.").default("none"),
        KeySpec::new("time_zone", Text(64), "\"UTC\"", "IANA time zone of times that carry no offset.").default("that of the playbook"),
        KeySpec::new("columns", TEXTS, "[\"customer\", \"date\", \"amount\"]", "Names of the columns of a text file without header, in order."),
        KeySpec::new("event", Event, "\"order_paid\"", "Kind of all rows of an events source, where the mapping gives no `kind`."),
        KeySpec::new("dedupe", Choice(&["event-id", "content", "none"]), "\"none\"", "How repeated events are known: by `event_id` where it is mapped; by equal source, member, kind, time to the second and object; or never. Equal rows can be real: take `content` only where they are not.").default("\"event-id\""),
        KeySpec::new("lines", Flag, "true", "Whether rows are lines of an order, which `event_id` names: their amounts add up, the order counts once, and no row is a repeat.").default("false; rows of one `event_id` that differ are taken for lines, and told"),
        KeySpec::new("rejects_max", SHARE, "0.01", "Share of rows that may be rejected before the run fails.").default("0.01").unit("share"),
        KeySpec::new("optional", Flag, "true", "Whether the files may be absent.").default("false"),
        KeySpec::new("join", Map(&Snake, &Either(&[TEXT, Table(&JOIN)]), JOINS_MAX), "{ products = \"sku\" }", "Lookups whose columns the rows have beside their own, as `lookup.column`: each with the column that holds its key."),
        KeySpec::new("map", Map(&Snake, &Either(&[TEXT, Table(&MAPPING)]), 256), "{ member = \"customer\", time = { from = \"date\", format = \"%Y%m%d\" } }", "Mapping table: field of the host to field of the source.").required(),
    ],
};

pub(super) static JOIN: TableSpec = TableSpec {
    title: "[source.join]",
    id: "join",
    about: "One lookup that the rows of a source join. The short form `lookup = \"column\"` goes by the lookup's own name.",
    keys: &[
        KeySpec::new(
            "by",
            TEXT,
            "\"home_store\"",
            "Column of the source with the key, or `lookup.column` of a join above.",
        )
        .required(),
        KeySpec::new(
            "lookup",
            Snake,
            "\"stores\"",
            "The lookup, where the join has another name because a source joins it twice.",
        )
        .default("the name of the join"),
    ],
};

pub(super) static LOOKUP: TableSpec = TableSpec {
    title: "[[lookup]]",
    id: "lookup",
    about: "A table of the brand's own, held in memory: products, campaigns, stores. A source that joins it has its columns beside its own. A key that the lookup lacks leaves them missing, which is counted and told; a key with two different rows is an error.",
    keys: &[
        KeySpec::new("name", Snake, "\"products\"", "Unique name.").required(),
        KeySpec::new(
            "path",
            TEXT,
            "\"products.csv\"",
            "File or glob in the data folder; with `connection`, in the place of an object store. Needed unless a database is asked.",
        ),
        KeySpec::new(
            "connection",
            Kebab,
            "\"warehouse\"",
            "Connection of the host that the rows come over, as of a source.",
        ),
        KeySpec::new(
            "from",
            Text(256),
            "\"shop.products\"",
            "Table or view of a database, or of SQLite files.",
        ),
        KeySpec::new(
            "query",
            Text(16_384),
            "\"select sku, department from shop.products\"",
            "Query whose rows are read, instead of `from`.",
        ),
        KeySpec::new("sheet", Text(64), "\"Products\"", "Sheet of an Excel workbook.")
            .default("the first one"),
        KeySpec::new(
            "key",
            TEXT,
            "\"sku\"",
            "Column with the key of a row. Keys are compared as texts, without outer blanks.",
        )
        .required(),
        KeySpec::new(
            "format",
            Choice(&["csv", "whitespace", "jsonl", "parquet", "sqlite", "excel"]),
            "\"csv\"",
            "Format of the files, as of a source.",
        )
        .default("by the ending of `path`"),
        KeySpec::new(
            "header",
            Flag,
            "false",
            "Whether the first line names the columns (csv and whitespace).",
        )
        .default("true, or false where `columns` is given"),
        KeySpec::new("delimiter", Text(2), "\";\"", "One ASCII character between columns (csv).")
            .default("\",\", or a tab for .tsv"),
        KeySpec::new("encoding", Choice(ENCODINGS), "\"gb18030\"", "Encoding of text files.")
            .default("\"utf-8\", or UTF-16 where a byte order mark says so"),
        KeySpec::new(
            "columns",
            TEXTS,
            "[\"sku\", \"department\"]",
            "Names of the columns of a text file without header, in order.",
        ),
        KeySpec::new(
            "rejects_max",
            SHARE,
            "0.01",
            "Share of rows without a key, or that cannot be read, before the run fails.",
        )
        .default("0.01")
        .unit("share"),
    ],
};

pub(super) static MAPPING: TableSpec = TableSpec {
    title: "[source.map]",
    id: "mapping",
    about: "One row of a mapping table, keyed by the host's field. The short form `field = \"source field\"` takes the type that the host's field has.",
    keys: &[
        KeySpec::new("from", TEXT, "\"amount\"", "Column of the source, or `lookup.column` of one that it joins. One of this, `constant` and `compute`."),
        KeySpec::new("constant", Either(&[TEXT, Real(f64::MIN, f64::MAX), Flag]), "\"granted\"", "Value of all rows."),
        KeySpec::new("compute", Text(4_096), "\"quantity * unit_price\"", "Expression over columns of the source and of lookups that it joins, in the language of [operators.md](operators.md#expressions). A column is a text as it is written, and its number where a number belongs."),
        KeySpec::new("type", Choice(&["text", "integer", "real", "money", "time", "flag"]), "\"money\"", "Type of the value.").default("the type of the host's field; text for `attr_*` and `field_*`"),
        KeySpec::new("format", Text(128), "\"%Y%m%d\"", "Format of a time: strftime directives, or `rfc3339`, `unix-s`, `unix-ms`.").default("\"rfc3339\""),
        KeySpec::new("unit", Either(&[TEXT, Real(f64::MIN, f64::MAX)]), "\"minor\"", "Worth of 1 in the source: for money `major` (units of the currency), `minor` (its minor units) or a number of units; for numbers a factor.").default("\"major\" for money, 1 for numbers"),
        KeySpec::new("decimal", Choice(&[".", ","]), "\",\"", "Mark before the decimals in this field.").default("that of the source"),
        KeySpec::new("thousands", Text(4), "\".\"", "Mark between groups of three digits in this field.").default("that of the source"),
        KeySpec::new("decimals", Integer(0, 12), "4", "Most decimals that an amount of this field is written with: what lies beyond the currency's is rounded, half away from zero.").default("those of the currency; an amount with more is an error of the row").unit("digits"),
        KeySpec::new("transform", Choice(&["copy", "trim", "lower", "hash", "whole"]), "\"lower\"", "Change before typing: without outer blanks, in lower case, the salted SHA-256 of the trimmed text for contact data, or the digits of a whole number that was written as a real (`12345.0` is `12345`).").default("\"copy\"; \"hash\" for `key_hash` and `text_hash`"),
        KeySpec::new("values", Map(&TEXT, &TEXT, 1_000), "{ M = \"male\", F = \"female\" }", "Each value of the source with the value that the host keeps; another value is an error of the row."),
        KeySpec::new("optional", Flag, "true", "Whether a file may lack the column; its values are then missing.").default("false"),
        KeySpec::new("required", Flag, "true", "Whether a missing value is an error of the row.").default("true where the table needs the field"),
        KeySpec::new("pii_class", Choice(&["A", "B", "C", "D", "E"]), "\"D\"", "How close the value is to a person (H5): aggregates, attributes without a name, what a member did, what it is reached or known by, sensitive data. Features that rest on class D or E reach no plugin; keys of a service see such fields as their role may.").default("\"C\""),
        KeySpec::new("on_error", Choice(&["reject", "null", "quarantine"]), "\"null\"", "What a value that cannot be read does: the row is rejected and counts against `rejects_max`; the value becomes missing; or the row is set aside and does not count.").default("\"reject\""),
    ],
};

pub(super) static FEATURE: TableSpec = TableSpec {
    title: "[features]",
    id: "feature",
    about: "One feature per key: exactly one of an aggregate or a sequence (each in its short or long form), `attribute`, `expression`, `constant` or `sql` says how it is computed.",
    keys: &[
        KeySpec::new("count", Shape::Events, "\"like,comment\"", "Number of the events of these kinds.").unit("count"),
        KeySpec::new("capped-count", Shape::Events, "\"like\"", "Number of the events of these kinds, of each day in the brand's time zone at most `cap`.").unit("count"),
        KeySpec::new("cap", Integer(0, 1_000_000), "10", "Most events of a day that a `capped-count` counts.").unit("count"),
        KeySpec::new("distinct-days", Shape::Events, "\"interaction\"", "Days with such an event, in the brand's time zone.").unit("day"),
        KeySpec::new("recency", Shape::Events, "\"order_paid\"", "Whole days from the last such event to the as-of time; missing where there is none.").unit("day"),
        KeySpec::new("age", Shape::Events, "\"order_paid\"", "Whole days from the first such event to the as-of time; missing where there is none.").unit("day"),
        KeySpec::new("span", Shape::Events, "\"order_paid\"", "Whole days from the first such event to the last; missing where there is none.").unit("day"),
        KeySpec::new("repeat-days", Shape::Events, "\"order_paid\"", "Days with such an event after the first such day: repeat purchases.").unit("count"),
        KeySpec::new("gap-mean", Shape::Events, "\"order_paid\"", "Mean days between successive days with such an event; missing below 2 days.").unit("day"),
        KeySpec::new("gap-sd", Shape::Events, "\"order_paid\"", "Sample standard deviation of those gaps; missing below 3 days.").unit("day"),
        KeySpec::new("sum", TEXT, "\"amount_minor\"", "Sum of this field over the events that `events` names."),
        KeySpec::new("mean", TEXT, "\"sentiment\"", "Mean of this field; missing where there is no row."),
        KeySpec::new("min", TEXT, "\"amount_minor\"", "Least value of this field."),
        KeySpec::new("max", TEXT, "\"amount_minor\"", "Greatest value of this field."),
        KeySpec::new("distinct", TEXT, "\"campaign\"", "Number of different values of this field.").unit("count"),
        KeySpec::new("first", TEXT, "\"channel\"", "Value of this field in the first row."),
        KeySpec::new("last", TEXT, "\"value\"", "Value of this field in the last row."),
        KeySpec::new("repeat-sum", TEXT, "\"amount_minor\"", "Sum of this field after the first day with a row."),
        KeySpec::new("sessions", Shape::Events, "\"any\"", "Sessions of the events of these kinds, of each member; `gap` or `session_id` says where one ends, `give` what is told.").unit("count"),
        KeySpec::new("gap", Shape::Duration, "\"45min\"", "A session ends where more time than this passes without an event.").default("\"30min\"").unit("time"),
        KeySpec::new("session_id", TEXT, "\"field_visit\"", "Field with the id of the session, in place of a gap: all events of a member with the same id are one session; events without one are in none."),
        KeySpec::new("funnel", List(&STEPS, STEPS_MAX), "[\"view\", \"sample_claimed\", \"order_paid\"]", "Steps that a member takes in this order, each the kinds of events that take it, or a table; other events may lie between. An event takes one step of an attempt. `give` says what is told."),
        KeySpec::new("conversion", List(&STEPS, 2), "[\"view\", \"order_paid\"]", "Two such steps: whether an event of the first is followed by one of the second. `give` says what is told."),
        KeySpec::new("within", Shape::Duration, "\"7d\"", "Most time from the first step of a funnel to its last, or from an event to the one that follows it.").default("no bound").unit("time"),
        KeySpec::new("give", Choice(&["count", "events-mean", "length-mean", "length-sum", "recency", "single-share", "deepest", "reached", "complete", "share", "time"]), "\"length-mean\"", "What is told of a sequence. Sessions: their `count`, mean events (`events-mean`), mean and summed minutes (`length-mean`, `length-sum`), days since the last one began (`recency`), share of those with one event (`single-share`). A funnel: the `deepest` step of a member, members who `reached` each step (a column each, or that of `step`), who took all (`complete`), these as a `share` of those at the first step, mean days from first to last step (`time`). A conversion: the `share` and the `count` of first events that were followed, mean days of each member's first (`time`).").default("\"count\", \"deepest\" or \"share\""),
        KeySpec::new("step", Integer(1, STEPS_MAX as i64), "2", "The step that `give = \"reached\"` counts, in place of all."),
        KeySpec::new("sequence", Choice(&["sessions", "funnel", "conversion"]), "\"funnel\"", "Long form: the sequence by its name, with `events` for the kinds of events of sessions and `steps` for the steps of the others. The keys above are its short form."),
        KeySpec::new("steps", List(&STEPS, STEPS_MAX), "[\"view\", \"order_paid\"]", "Steps of a funnel, or the two of a conversion, in the long form."),
        KeySpec::new("aggregate", Choice(&["count", "capped-count", "sum", "mean", "min", "max", "distinct", "distinct-days", "recency", "age", "span", "first", "last", "repeat-days", "repeat-sum", "gap-mean", "gap-sd"]), "\"sum\"", "Long form: the function by its name. The keys above are its short form: a key with the kinds of events or the field as value."),
        KeySpec::new("field", TEXT, "\"amount_minor\"", "Field of the rows that the function reads."),
        KeySpec::new("events", Shape::Events, "[\"order_paid\"]", "Kinds of events that count; `interaction`, `active` (an interaction or a paid order) and `any` stand for several.").default("\"any\""),
        KeySpec::new("where", Text(4_096), "\"field_department = 'GROCERY' and amount_minor > 0\"", "Condition on the fields of the rows: `=` `<>` `<` `<=` `>` `>=`, `in`, `between`, `like`, `is null`, joined by `and`, `or`, `not`.").default("all rows"),
        KeySpec::new("window", Either(&[Shape::Duration, Table(&WINDOW)]), "\"30d\"", "How far back from the as-of time rows count.").default("all history"),
        KeySpec::new("every", Shape::Duration, "\"7d\"", "One column per stretch of this length of the window, named `feature.1` for the last stretch, `feature.2` for the one before and so on. A plugin that needs a list of that name gets them as one, the oldest first.").unit("time"),
        KeySpec::new("channel", NAMES, "[\"app\", \"shop\"]", "Channels that count.").default("all"),
        KeySpec::new("over", Choice(&["events", "members", "costs", "entries"]), "\"members\"", "Rows that are aggregated. Over `members` a field may be a feature or `stage.output`.").default("\"events\""),
        KeySpec::new("by", Reference, "\"tier-interactions.segment\"", "One column per value of this field, feature or `stage.output`, named `feature.value`."),
        KeySpec::new("subject", Kebab, "\"channel\"", "What the rows of the feature describe: member, channel, community, campaign, brand and so on.").default("\"member\""),
        KeySpec::new("attribute", TEXT, "\"age_band\"", "Field of the members table as it is."),
        KeySpec::new("expression", Text(4_096), "\"spend_365d_minor / orders_365d\"", "Expression over other features of the same subject, in the part of SQL that [operators.md](operators.md#expressions) describes."),
        KeySpec::new("constant", Real(f64::MIN, f64::MAX), "0.3", "The same number for every row."),
        KeySpec::new("sql", Text(16_384), "\"select member as subject, count(*) as value from events group by member\"", "Free SQL that gives the columns `subject` and `value`, each subject once; the same answer each time, so no clock, no chance, no order that it does not ask for. Of a subject other than the member and the brand each one that it gives is a row of the table. Batch only."),
        KeySpec::new("type", Choice(&["real", "integer", "category", "text"]), "\"real\"", "Type of the values.").default("by function and field"),
        KeySpec::new("about", Text(512), "\"Paid orders of 30 days\"", "What it is, for people."),
        KeySpec::new("unit", Choice(&["count", "day", "minute", "minor", "ratio", "unix-ms", ""]), "\"minor\"", "Unit of the values; a plugin that needs another unit refuses the feature.").default("by function and field"),
    ],
};

/// A step of a sequence.
static STEPS: Shape = Either(&[Shape::Events, Table(&STEP)]);

static STEP: TableSpec = TableSpec {
    title: "[[features.NAME.steps]]",
    id: "step",
    about: "A step of a funnel or of a conversion: kinds of events, or this table; in the short form `[[features.NAME.funnel]]` or `[[features.NAME.conversion]]`.",
    keys: &[
        KeySpec::new(
            "events",
            Shape::Events,
            "\"order_paid\"",
            "Kinds of events that take the step.",
        )
        .default("\"any\""),
        KeySpec::new(
            "where",
            Text(4_096),
            "\"amount_minor >= 5000\"",
            "Condition on the fields of the rows, as in [features].",
        )
        .default("all rows"),
    ],
};

pub(super) static WINDOW: TableSpec = TableSpec {
    title: "[features.NAME.window]",
    id: "window",
    about: "A stretch before the as-of time T: from T - `from`, inclusive, to T - `to`, exclusive.",
    keys: &[
        KeySpec::new("from", Shape::Duration, "\"14d\"", "Start, before the as-of time.")
            .default("all history"),
        KeySpec::new("to", Shape::Duration, "\"7d\"", "End, before the as-of time.")
            .default("the as-of time"),
    ],
};

pub(super) static SQL: TableSpec = TableSpec {
    title: "[sql]",
    id: "sql",
    about: "What each query of a feature's `sql` may use. A query that needs more ends the run with an error that names the feature.",
    keys: &[
        KeySpec::new("time", Shape::Duration, "\"5m\"", "Wall-clock time; at most 1 hour.")
            .default("\"1m\"")
            .unit("time"),
        KeySpec::new(
            "memory",
            Size,
            "\"4GiB\"",
            "What it keeps while it runs: groups, sides of joins, rows to sort; at most 64 GiB.",
        )
        .default("\"1GiB\"")
        .unit("bytes"),
    ],
};
