//! The layout of a playbook file: every table and key with type, default, unit, example.

use crate::files::INCLUDES_MAX;
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{
    Any, Choice, Either, Flag, Instant, Integer, Kebab, List, Map, Real, Reference, Size, Snake,
    Table, Text, Words,
};

/// Sources of one playbook.
pub(crate) const SOURCES_MAX: usize = 64;
/// Stages of one playbook.
pub(crate) const STAGES_MAX: usize = 128;
/// Features of one playbook.
pub(crate) const FEATURES_MAX: usize = 1_000;
/// Features of one figure.
const FIGURES_MAX: usize = 64;

const TEXT: Shape = Text(1_024);
const TEXTS: Shape = List(&TEXT, 256);
const NAMES: Shape = Either(&[TEXT, TEXTS]);
const SHARE: Shape = Real(0.0, 1.0);

/// Kinds of events that the host accepts (domain 0.2).
pub(crate) const EVENT_KINDS: &[&str] = &[
    "join",
    "leave",
    "sign_in",
    "view",
    "like",
    "comment",
    "share",
    "post",
    "topic_join",
    "vote",
    "answer",
    "live_join",
    "live_interact",
    "task_done",
    "survey",
    "feedback",
    "review",
    "cocreate_invited",
    "cocreate_submit",
    "cocreate_accepted",
    "referral_join",
    "referral_purchase",
    "order_paid",
    "order_refunded",
    "redeem",
    "coupon_share",
    "sample_claimed",
    "hosted_activity",
    "feedback_adopted",
    "answer_adopted",
    "mention",
    "scene_trigger",
    "complaint",
    "nps_answer",
    "csat_answer",
    "offline_attend",
    "message_delivered",
    "message_opened",
    "message_clicked",
    "opt_out",
    "violation",
    "consent_requested",
    "consent_pending",
    "consent_granted",
    "consent_withdrawn",
    "consent_expired",
];

/// Kinds that are interactions (domain 0.2).
pub(crate) const INTERACTION_KINDS: &[&str] = &[
    "sign_in",
    "like",
    "comment",
    "share",
    "post",
    "topic_join",
    "vote",
    "answer",
    "live_interact",
    "task_done",
    "survey",
    "feedback",
    "review",
    "cocreate_submit",
];

/// Groups that stand for several kinds.
pub(crate) const EVENT_GROUPS: &[&str] = &["interaction", "active", "any"];

/// The whole file.
pub(crate) static FILE: TableSpec = TableSpec {
    title: "the file",
    id: "file",
    about: "Keys before the first table header. A brand's file may stand on an industry preset with `extends`; tables merge key by key, sources and stages by name, all other lists are replaced.",
    keys: &[
        KeySpec::new("extends", TEXT, "\"presets/beauty.toml\"", "File below this one, relative to this file: everything it says holds unless this file says otherwise."),
        KeySpec::new("include", List(&TEXT, INCLUDES_MAX), "[\"features.toml\"]", "Files merged over `extends` and under this file, in this order, relative to this file."),
        KeySpec::new("remove", List(&TEXT, 256), "[\"stage.churn-7d\", \"features.orders_90d\"]", "Dotted paths that are taken out of what `extends` and `include` gave, before this file is laid over it. Sources and stages go by name."),
        KeySpec::new("playbook", Table(&PLAYBOOK), "{ id = \"cd-shop\", brand = \"cd-shop\", currency = \"USD\", time_zone = \"America/New_York\" }", "Who the playbook is for.").required(),
        KeySpec::new("cycle", Table(&CYCLE), "{ as_of = 1998-07-01, length = \"28d\" }", "When a cycle is."),
        KeySpec::new("source", List(&Table(&SOURCE), SOURCES_MAX), "[{ name = \"orders\", table = \"events\", path = \"orders.csv\" }]", "Where data comes from.").required(),
        KeySpec::new("features", Map(&Snake, &Table(&FEATURE), FEATURES_MAX), "{ orders_30d = { count = \"order_paid\", window = \"30d\" } }", "What is computed per member, channel or other subject."),
        KeySpec::new("sql", Table(&SQL), "{ time = \"5m\" }", "Bounds of every query of the playbook's own SQL, under the host's ceiling."),
        KeySpec::new("stage", List(&Table(&STAGE), STAGES_MAX), "[{ kind = \"scoring\", plugin = \"value-rfm\" }]", "Plugins of the loop; the host orders them by their needs."),
        KeySpec::new("budget", Table(&BUDGET), "{ total = \"1_000_000.00\" }", "Money that incentive and campaign stages may spend."),
        KeySpec::new("guardrails", Table(&GUARDRAILS), "{ holdout = 0.05 }", "Rules that no plugin can switch off; a brand may tighten them, never loosen."),
        KeySpec::new("output", Table(&OUTPUT), "{ languages = [\"en\", \"zh\"] }", "What is written beside the fixed outputs."),
    ],
};

static PLAYBOOK: TableSpec = TableSpec {
    title: "[playbook]",
    id: "playbook",
    about: "Who the playbook is for, and in which money and time zone it counts.",
    keys: &[
        KeySpec::new("id", Kebab, "\"cd-shop\"", "Id of the playbook, unique on a host.").required(),
        KeySpec::new("brand", Kebab, "\"cd-shop\"", "Brand whose data, ledger and budget this is.").required(),
        KeySpec::new("title", Words, "{ en = \"CD shop\", zh = \"唱片店\" }", "Title of reports.").default("the id"),
        KeySpec::new("industry", Kebab, "\"mother-baby\"", "Industry preset that the playbook stands on, for display."),
        KeySpec::new("currency", Shape::Currency, "\"CNY\"", "ISO 4217 code of the one currency; amounts are kept in its minor units.").required(),
        KeySpec::new("time_zone", Text(64), "\"Asia/Shanghai\"", "IANA time zone of days, weeks and months.").required(),
        KeySpec::new("seed", Integer(0, i64::MAX), "7", "Mixed into everything that is drawn.").default("1"),
        KeySpec::new("pseudonym_salt", Text(256), "\"k3Jq-8fXw-Z2Lm\"", "Mixed into the pseudonyms that plugins see. Take a random text and keep it: with another one every pseudonym changes.").default("the brand"),
    ],
};

static CYCLE: TableSpec = TableSpec {
    title: "[cycle]",
    id: "cycle",
    about: "When a cycle is and how long. Windows of features count back from its as-of time.",
    keys: &[
        KeySpec::new("as_of", Instant, "1998-07-01", "End of the period that features describe. A date, and a time without offset, are meant in the brand's time zone.").default("midnight after the last event"),
        KeySpec::new("length", Shape::Duration, "\"28d\"", "Length of a cycle in whole days, 1d to 366d; the same cycle never grants twice.").default("\"28d\""),
    ],
};

static SOURCE: TableSpec = TableSpec {
    title: "[[source]]",
    id: "source",
    about: "A set of files of one format that fills one table of the host. Fields that the mapping does not name are dropped and counted.",
    keys: &[
        KeySpec::new("name", Kebab, "\"orders\"", "Unique name.").required(),
        KeySpec::new("table", Choice(&["events", "members", "identities", "costs", "entries", "consents"]), "\"events\"", "Table that the rows go into.").required(),
        KeySpec::new("path", TEXT, "\"orders/*.csv\"", "File or glob, relative to `--data`, else to the playbook's folder.").required(),
        KeySpec::new("format", Choice(&["csv", "whitespace", "jsonl", "parquet"]), "\"csv\"", "Format of the files: `csv` is delimited text, `whitespace` has columns separated by runs of blanks, `jsonl` has one JSON object a line.").default("by the ending of `path`"),
        KeySpec::new("header", Flag, "false", "Whether the first line names the columns (csv and whitespace).").default("true, or false where `columns` is given"),
        KeySpec::new("delimiter", Text(2), "\";\"", "One ASCII character between columns (csv).").default("\",\", or a tab for .tsv"),
        KeySpec::new("columns", TEXTS, "[\"customer\", \"date\", \"amount\"]", "Names of the columns of a text file without header, in order."),
        KeySpec::new("event", Choice(EVENT_KINDS), "\"order_paid\"", "Kind of all rows of an events source, where the mapping gives no `kind`."),
        KeySpec::new("dedupe", Choice(&["event-id", "content", "none"]), "\"none\"", "How repeated events are known: by `event_id` where it is mapped; by equal source, member, kind, time to the second and object; or never. Equal rows can be real: take `content` only where they are not.").default("\"event-id\""),
        KeySpec::new("rejects_max", SHARE, "0.01", "Share of rows that may be rejected before the run fails.").default("0.01").unit("share"),
        KeySpec::new("optional", Flag, "true", "Whether the files may be absent.").default("false"),
        KeySpec::new("map", Map(&Snake, &Either(&[TEXT, Table(&MAPPING)]), 256), "{ member = \"customer\", time = { from = \"date\", format = \"%Y%m%d\" } }", "Mapping table: field of the host to field of the source.").required(),
    ],
};

static MAPPING: TableSpec = TableSpec {
    title: "[source.map]",
    id: "mapping",
    about: "One row of a mapping table, keyed by the host's field. The short form `field = \"source field\"` takes the type that the host's field has.",
    keys: &[
        KeySpec::new("from", TEXT, "\"amount\"", "Field of the source. Either this or `constant`."),
        KeySpec::new("constant", Either(&[TEXT, Real(f64::MIN, f64::MAX), Flag]), "\"granted\"", "Value of all rows."),
        KeySpec::new("type", Choice(&["text", "integer", "real", "money", "time", "flag"]), "\"money\"", "Type of the value.").default("the type of the host's field; text for `attr_*`"),
        KeySpec::new("format", Text(128), "\"%Y%m%d\"", "Format of a time: strftime directives, or `rfc3339`, `unix-s`, `unix-ms`.").default("\"rfc3339\""),
        KeySpec::new("unit", Either(&[TEXT, Real(f64::MIN, f64::MAX)]), "\"minor\"", "Worth of 1 in the source: for money `major` (units of the currency), `minor` (its minor units) or a number of units; for numbers a factor.").default("\"major\" for money, 1 for numbers"),
        KeySpec::new("transform", Choice(&["copy", "trim", "lower", "hash"]), "\"lower\"", "Change before typing: without outer blanks, in lower case, or the salted SHA-256 of the trimmed text for contact data.").default("\"copy\"; \"hash\" for `key_hash` and `text_hash`"),
        KeySpec::new("values", Map(&TEXT, &TEXT, 1_000), "{ M = \"male\", F = \"female\" }", "Each value of the source with the value that the host keeps; another value is an error of the row."),
        KeySpec::new("required", Flag, "true", "Whether a missing value is an error of the row.").default("true where the table needs the field"),
        KeySpec::new("on_error", Choice(&["reject", "null", "quarantine"]), "\"null\"", "What a value that cannot be read does: the row is rejected and counts against `rejects_max`; the value becomes missing; or the row is set aside and does not count.").default("\"reject\""),
    ],
};

static FEATURE: TableSpec = TableSpec {
    title: "[features]",
    id: "feature",
    about: "One feature per key: exactly one of an aggregate (short or long form), `attribute`, `expression`, `constant` or `sql` says how it is computed.",
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
        KeySpec::new("aggregate", Choice(&["count", "capped-count", "sum", "mean", "min", "max", "distinct", "distinct-days", "recency", "age", "span", "first", "last", "repeat-days", "repeat-sum", "gap-mean", "gap-sd"]), "\"sum\"", "Long form: the function by its name. The keys above are its short form: a key with the kinds of events or the field as value."),
        KeySpec::new("field", TEXT, "\"amount_minor\"", "Field of the rows that the function reads."),
        KeySpec::new("events", Shape::Events, "[\"order_paid\"]", "Kinds of events that count; `interaction`, `active` (an interaction or a paid order) and `any` stand for several.").default("\"any\""),
        KeySpec::new("window", Either(&[Shape::Duration, Table(&WINDOW)]), "\"30d\"", "How far back from the as-of time rows count.").default("all history"),
        KeySpec::new("channel", NAMES, "[\"app\", \"shop\"]", "Channels that count.").default("all"),
        KeySpec::new("over", Choice(&["events", "members", "costs", "entries"]), "\"members\"", "Rows that are aggregated. Over `members` a field may be a feature or `stage.output`.").default("\"events\""),
        KeySpec::new("by", Reference, "\"tier-interactions.segment\"", "One column per value of this field, feature or `stage.output`, named `feature.value`."),
        KeySpec::new("subject", Kebab, "\"channel\"", "What the rows of the feature describe: member, channel, community, campaign, brand and so on.").default("\"member\""),
        KeySpec::new("attribute", TEXT, "\"age_band\"", "Field of the members table as it is."),
        KeySpec::new("expression", Text(4_096), "\"spend_365d_minor / orders_365d\"", "Expression over other features of the same subject, in the part of SQL that [operators.md](operators.md#expressions) describes."),
        KeySpec::new("constant", Real(f64::MIN, f64::MAX), "0.3", "The same number for every row."),
        KeySpec::new("sql", Text(16_384), "\"select member as subject, count(*) as value from events group by member\"", "Free SQL that gives the columns `subject` and `value`, each subject once; the same answer each time, so no clock, no chance, no order that it does not ask for. Batch only."),
        KeySpec::new("type", Choice(&["real", "integer", "category", "text"]), "\"real\"", "Type of the values.").default("by function and field"),
        KeySpec::new("unit", Choice(&["count", "day", "minor", "ratio", "unix-ms", ""]), "\"minor\"", "Unit of the values; a plugin that needs another unit refuses the feature.").default("by function and field"),
    ],
};

static WINDOW: TableSpec = TableSpec {
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

static SQL: TableSpec = TableSpec {
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

static STAGE: TableSpec = TableSpec {
    title: "[[stage]]",
    id: "stage",
    about: "A plugin in the loop. Its outputs are read as `name.output` by other stages.",
    keys: &[
        KeySpec::new("kind", Choice(&["scoring", "segmentation", "incentive", "campaign", "roi", "diagnosis"]), "\"scoring\"", "Kind that the plugin must have.").required(),
        KeySpec::new("plugin", Either(&[TEXT, Table(&PLUGIN)]), "\"value-rfm@^0.1\"", "Plugin by name, with a version requirement after `@`, or a component file.").required(),
        KeySpec::new("name", Kebab, "\"value-rfm\"", "Unique name of the stage.").default("the plugin's name"),
        KeySpec::new("settings", Map(&TEXT, &Any, 1_000), "{ r_days = [7, 30, 90, 180] }", "Settings of the plugin, which checks them itself; `playbook plugin inspect` lists them.").default("{}"),
        KeySpec::new("bind", Map(&TEXT, &Reference, 256), "{ interactions_30d = \"orders_30d\" }", "Needs of the plugin that another feature or `stage.output` fills.").default("{}"),
        KeySpec::new("limits", Table(&LIMITS), "{ memory = \"128MiB\" }", "Bounds of the sandbox, under the host's ceiling."),
        KeySpec::new("on_fault", Choice(&["close", "skip", "last-good"]), "\"skip\"", "What a fault of the plugin does: the run fails; the stage's outputs are missing and the run goes on; or the version that closed the last cycle takes over.").default("\"close\"; \"skip\" for roi and diagnosis"),
        KeySpec::new("allow", List(&Choice(&["log"]), 8), "[\"log\"]", "Imports that the playbook grants: `log` keeps the plugin's lines.").default("[]"),
        KeySpec::new("pool", Kebab, "\"daily\"", "Pool of the budget that pays (incentive and campaign).").default("\"daily\"; \"burst\" for campaign"),
    ],
};

static PLUGIN: TableSpec = TableSpec {
    title: "[stage.plugin]",
    id: "plugin",
    about: "Where a plugin comes from, as a table.",
    keys: &[
        KeySpec::new(
            "path",
            TEXT,
            "\"plugins/own.wasm\"",
            "Component file, relative to the file that names it.",
        ),
        KeySpec::new("name", Kebab, "\"value-rfm\"", "Reference or installed plugin."),
        KeySpec::new("version", Text(64), "\"^0.1\"", "Version requirement, with `name`.")
            .default("\"*\""),
    ],
};

static LIMITS: TableSpec = TableSpec {
    title: "[stage.limits]",
    id: "limits",
    about: "What an instance of the plugin may use.",
    keys: &[
        KeySpec::new("component", Size, "\"32MiB\"", "Largest component.")
            .default("\"32MiB\"")
            .unit("bytes"),
        KeySpec::new("memory", Size, "\"64MiB\"", "Linear memory, summed over the instance.")
            .default("\"64MiB\"")
            .unit("bytes"),
        KeySpec::new("fit_memory", Size, "\"256MiB\"", "Linear memory of an instance that fits.")
            .default("\"256MiB\"")
            .unit("bytes"),
        KeySpec::new(
            "fit_rows",
            Integer(1, i64::MAX),
            "131_072",
            "Rows that a fit looks at; of a larger population the same ones on every machine.",
        )
        .default("131_072")
        .unit("rows"),
        KeySpec::new(
            "fuel_base",
            Integer(1, i64::MAX),
            "50_000_000",
            "Fuel of a call whatever its rows.",
        )
        .default("50_000_000")
        .unit("fuel"),
        KeySpec::new(
            "fuel_per_row",
            Integer(0, i64::MAX),
            "100_000",
            "Fuel of a call for each row.",
        )
        .default("100_000")
        .unit("fuel"),
        KeySpec::new(
            "fit_fuel_base",
            Integer(1, i64::MAX),
            "50_000_000_000",
            "Fuel of one call of a fit whatever its rows.",
        )
        .default("50_000_000_000")
        .unit("fuel"),
        KeySpec::new(
            "fit_fuel_per_row",
            Integer(0, i64::MAX),
            "100_000",
            "Fuel of one call of a fit for each row.",
        )
        .default("100_000")
        .unit("fuel"),
        KeySpec::new("call_time", Shape::Duration, "\"1s\"", "Wall-clock backstop of a call.")
            .default("\"1s\"")
            .unit("time"),
        KeySpec::new(
            "fit_call_time",
            Shape::Duration,
            "\"30s\"",
            "Wall-clock backstop of one call of a fit.",
        )
        .default("\"30s\"")
        .unit("time"),
        KeySpec::new(
            "returned",
            Size,
            "\"64KiB\"",
            "Returned data of a call for one row or of whole tables.",
        )
        .default("\"64KiB\"")
        .unit("bytes"),
        KeySpec::new("log", Size, "\"4KiB\"", "Log text kept of one call.")
            .default("\"4KiB\"")
            .unit("bytes"),
        KeySpec::new(
            "log_lines",
            Integer(1, i64::MAX),
            "1000",
            "Log lines after which a call is stopped.",
        )
        .default("1000")
        .unit("lines"),
        KeySpec::new("compile_cpu", Shape::Duration, "\"60s\"", "CPU time of a compilation.")
            .default("\"60s\"")
            .unit("time"),
        KeySpec::new("compile_memory", Size, "\"2GiB\"", "Address space of a compilation.")
            .default("\"2GiB\"")
            .unit("bytes"),
    ],
};

static BUDGET: TableSpec = TableSpec {
    title: "[budget]",
    id: "budget",
    about: "Money of the period. The reserve is taken first; the pools share what is left.",
    keys: &[
        KeySpec::new(
            "total",
            Shape::Money,
            "\"1_000_000.00\"",
            "All money of the period, in units of the currency. Either this or `total_minor`.",
        ),
        KeySpec::new(
            "total_minor",
            Integer(0, i64::MAX),
            "100_000_000",
            "All money of the period, in minor units.",
        )
        .unit("minor"),
        KeySpec::new(
            "reserve",
            SHARE,
            "0.10",
            "Share held back for emergencies, at least 0.05 (GR-6).",
        )
        .default("0.10")
        .unit("share"),
        KeySpec::new(
            "pools",
            Map(&Kebab, &SHARE, 32),
            "{ base = 0.40, daily = 0.35, burst = 0.25 }",
            "Shares of what is left; they sum to 1.",
        )
        .default("{ base = 0.40, daily = 0.35, burst = 0.25 }")
        .unit("share"),
        KeySpec::new(
            "plugin_share_max",
            SHARE,
            "0.5",
            "Most that one plugin may spend in one cycle, as share of its pool.",
        )
        .default("1.0")
        .unit("share"),
        KeySpec::new(
            "transfers",
            Table(&TRANSFERS),
            "{ subject = \"channel\" }",
            "Lets roi plugins move money between pools, for the cycles that follow (H7).",
        )
        .default("nothing moves; what plugins say of it is shown"),
    ],
};

static TRANSFERS: TableSpec = TableSpec {
    title: "[budget.transfers]",
    id: "transfers",
    about: "Money that roi plugins move between pools (H7). The host checks each transfer; the defaults are the loosest values: a value beyond them is refused.",
    keys: &[
        KeySpec::new("subject", Snake, "\"channel\"", "Subject whose rows are pools: the row of key `app` is the pool `app`.").required(),
        KeySpec::new("share_max", SHARE, "0.10", "Most that may leave a pool in one cycle, as share of what it has free.").default("0.20").unit("share"),
        KeySpec::new("kept_min", SHARE, "0.60", "Least that a pool keeps, as share of what its plan gave.").default("0.50").unit("share"),
        KeySpec::new("cool_down", Shape::Duration, "\"28d\"", "Time between two transfers of the same two pools, in either direction; whole days, at most 366d.").default("\"14d\"").unit("time"),
    ],
};

static GUARDRAILS: TableSpec = TableSpec {
    title: "[guardrails]",
    id: "guardrails",
    about: "Rules checked before anything is granted. The defaults are the loosest values: a value beyond them is refused.",
    keys: &[
        KeySpec::new("require_consent", Flag, "true", "Consent is demanded for actions that name a purpose (GR-13, R05).").default("true"),
        KeySpec::new("stage_output", Reference, "\"participation-ladder.segment\"", "Feature or output with the participation stage for `stage_caps`.").default("not enforced"),
        KeySpec::new("stage_caps", Map(&Kebab, &SHARE, 64), "{ cognition = 0, trust = 0.05 }", "Commercial share of a member's deliveries in 30 days, by participation stage (GR-1, R10).").default("{ cognition = 0, trust = 0.05, participation = 0.20, creation = 0.20 }").unit("share"),
        KeySpec::new("incentive_ratio_min", Real(0.0, 1_000.0), "4.0", "Forecast output over cost of a batch of grants (GR-5, R15).").default("4.0").unit("ratio"),
        KeySpec::new("single_investment_max", SHARE, "0.20", "Share of the free pool that the grants of one stage and cycle may take (GR-7, R15).").default("0.20").unit("share"),
        KeySpec::new("commercial_share_max", SHARE, "0.20", "Commercial share of planned publications (GR-2, R10).").default("0.20").unit("share"),
        KeySpec::new("contacts_per_day_max", Map(&Kebab, &Integer(0, 1_000), 256), "{ silent = 1, default = 2 }", "Direct messages per member and day, by segment (R13).").default("{ silent = 1, prospect = 2, active = 2, core = 5, koc = 5, default = 2 }").unit("count"),
        KeySpec::new("commercial_per_day_max", Map(&Kebab, &Integer(0, 1_000), 256), "{ silent = 1, default = 1 }", "Commercial direct messages per member and day, by segment (R13).").default("{ silent = 1, prospect = 1, active = 1, core = 2, koc = 2, default = 1 }").unit("count"),
        KeySpec::new("commercial_per_week_max", Map(&Kebab, &Integer(0, 1_000), 256), "{ silent = 1, default = 3 }", "Commercial direct messages per member and 7 days, by segment (R13).").default("{ silent = 1, prospect = 3, active = 3, core = 5, koc = 5, default = 3 }").unit("count"),
        KeySpec::new("family_window", Shape::Duration, "\"24h\"", "Stretch within which a second proposal of the same family is a duplicate (R12); whole hours.").default("\"24h\"").unit("time"),
        KeySpec::new("complaint_feature", Reference, "\"open_complaints\"", "Feature that is above 0 where a complaint is open: service only (GR-12, R10).").default("not enforced"),
        KeySpec::new("churn_output", Reference, "\"churn-7d.level\"", "Output with the churn level; at `critical` service only (GR-12, R10).").default("not enforced"),
        KeySpec::new("age_band_feature", Reference, "\"age_band\"", "Feature with the age band; minors are refused (GR-13, R07).").default("not enforced"),
        KeySpec::new("holdout", Real(0.0, 0.5), "0.05", "Share of members that nothing is done to, so that effects can be measured (R06).").default("0.05").unit("share"),
    ],
};

static OUTPUT: TableSpec = TableSpec {
    title: "[output]",
    id: "output",
    about: "What is written beside the fixed outputs.",
    keys: &[
        KeySpec::new(
            "languages",
            List(&Choice(&["en", "zh"]), 2),
            "[\"en\", \"zh\"]",
            "Languages in which the report is written beside the one of `--lang`.",
        )
        .default("[]"),
        KeySpec::new(
            "omit_features",
            List(&Snake, FEATURES_MAX),
            "[\"orders_90d\"]",
            "Features left out of members.parquet.",
        )
        .default("[]"),
        KeySpec::new("active", List(&Snake, FIGURES_MAX), "[\"active_members\"]", "Features with the number of active members. Of this and the next three the first feature is summed over its rows for the summary; each is shown beside the rows of its subject.").default("not shown"),
        KeySpec::new("orders", List(&Snake, FIGURES_MAX), "[\"orders_28d\"]", "Features with the number of orders.").default("not shown"),
        KeySpec::new("revenue", List(&Snake, FIGURES_MAX), "[\"revenue_minor\"]", "Features with the revenue, net of refunds.").default("not shown").unit("minor units"),
        KeySpec::new("cost", List(&Snake, FIGURES_MAX), "[\"cost_minor\"]", "Features with the cost of all kinds.").default("not shown").unit("minor units"),
    ],
};
