//! The file itself, whose the brand is, when a cycle is and what is written.

use super::bounds::{
    DELIVERIES_MAX, FEATURES_MAX, FIGURES_MAX, LOOKUPS_MAX, SOURCES_MAX, STAGES_MAX, TEXT,
};
use super::data::{FEATURE, LOOKUP, SOURCE, SQL};
use super::events::{OWN_EVENT, OWN_EVENTS_MAX};
use super::goals::{CURVE, CURVES_MAX, FORECAST, FORECASTS_MAX, GOAL, GOALS_MAX, VALUES_MAX};
use super::law::LAW;
use super::money::{BUDGET, GUARDRAILS};
use super::stages::STAGE;
use super::trade::{CLAIM, PRICES};
use crate::files::INCLUDES_MAX;
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{Choice, Either, Instant, Integer, Kebab, List, Map, Snake, Table, Text, Words};

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
        KeySpec::new("lookup", List(&Table(&LOOKUP), LOOKUPS_MAX), "[{ name = \"products\", path = \"products.csv\", key = \"sku\" }]", "Tables whose rows give fields to rows of sources."),
        KeySpec::new("events", Map(&Snake, &Table(&OWN_EVENT), OWN_EVENTS_MAX), "{ product_view = { counts_as = \"view\" } }", "Kinds of events of the brand's own, beside those of the host."),
        KeySpec::new("features", Map(&Snake, &Table(&FEATURE), FEATURES_MAX), "{ orders_30d = { count = \"order_paid\", window = \"30d\" } }", "What is computed per member, channel or other subject."),
        KeySpec::new("catalogue", Map(&Snake, &Table(&FEATURE), FEATURES_MAX), "{ orders_90d = { count = \"order_paid\", window = \"90d\" } }", "Features that are there for whoever asks: one is computed only where a stage, or something else in the playbook, names it. [features] stands over it. `include = [\"catalogue:standard\"]` takes the program's own."),
        KeySpec::new("sql", Table(&SQL), "{ time = \"5m\" }", "Bounds of every query of the playbook's own SQL, under the host's ceiling."),
        KeySpec::new("stage", List(&Table(&STAGE), STAGES_MAX), "[{ kind = \"scoring\", plugin = \"value-rfm\" }]", "Plugins of the loop; the host orders them by their needs."),
        KeySpec::new("budget", Table(&BUDGET), "{ total = \"1_000_000.00\" }", "Money that incentive and campaign stages may spend."),
        KeySpec::new("guardrails", Table(&GUARDRAILS), "{ holdout = 0.05 }", "Rules that no plugin can switch off; a brand may tighten them, never loosen."),
        KeySpec::new("law", Table(&LAW), "{ region_feature = \"region\", eu = { regions = [\"DE\"] }, local = { regions = [\"CN\"] } }", "The law that members fall under, by their region."),
        KeySpec::new("prices", Table(&PRICES), "{ list = { tea-100g = \"29.00\" } }", "Official prices, and prices beside them that somebody approved."),
        KeySpec::new("claims", Map(&Kebab, &Table(&CLAIM), 1_000), "{ organic = { report = \"TR-2026-118\" } }", "Claims that actions make, with what shows them."),
        KeySpec::new("labels", Map(&Text(128), &Either(&[Text(256), Table(&LABEL)]), LABELS_MAX), "{ \"welcome-coupon\" = { zh = \"新人券\" }, wechat = \"WeChat\" }", "The brand's own words for names of segments, actions, levels, channels and other values, on pages alone; files keep the names. They stand over a plugin's words."),
        KeySpec::new("indicators", Map(&Shape::Reference, &Table(&INDICATOR), INDICATORS_MAX), "{ wau_ratio = { words = \"Weekly active share\" } }", "Figures that the report shows first, in this order, with how they changed and the target of the same name: features of the brand, or outputs of its row."),
        KeySpec::new("targets", Map(&Shape::Reference, &Table(&TARGET), TARGETS_MAX), "{ wau_ratio = { at_least = 0.20 } }", "What figures of the brand should come to: features of the brand, or outputs of its row; the report says which are met, near, missed or without data."),
        KeySpec::new("brand_values", Map(&Kebab, &Words, VALUES_MAX), "{ freshness = { en = \"Fresh every day\", zh = \"日日新鮮\" } }", "What the brand stands for. Where it says so, every goal and every campaign has to serve some of it."),
        KeySpec::new("goals", Map(&Kebab, &Table(&GOAL), GOALS_MAX), "{ members = { metric = \"brand_members\", baseline = 10_000, from = 2026-04-01, target = 12_000, deadline = 2026-07-01, budget = \"20_000.00\", serves = [\"freshness\"] } }", "Where figures of the brand should be by a day; the report says how each stands, and which value of the brand it serves."),
        KeySpec::new("curves", Map(&Kebab, &Table(&CURVE), CURVES_MAX), "{ activity = { feature = \"conversion_by_activity\", along = \"Active days in 28\" } }", "Figures along the bands of another, which the report draws."),
        KeySpec::new("forecasts", Map(&Kebab, &Table(&FORECAST), FORECASTS_MAX), "{ purchase = { output = \"ltv-bgnbd.purchase_tendency\", came = \"bought_30d\" } }", "What stages foresaw in the cycle before, which the report holds against what came."),
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
        KeySpec::new("close", TEXT, "\"0 3 * * *\"", "When a service closes a cycle by itself, on the brand's wall clock: minute, hour, day of the month, month and day of the week as in a crontab. Its end is that time.").default("when it is asked to"),
    ],
};

/// Targets of one playbook.
const TARGETS_MAX: usize = 200;

/// Indicators of a playbook: more are no summary.
const INDICATORS_MAX: usize = 40;

static INDICATOR: TableSpec = TableSpec {
    title: "[indicators]",
    id: "indicator",
    about: "A figure that the report shows first.",
    keys: &[KeySpec::new(
        "words",
        Words,
        "{ en = \"Weekly active share\", zh = \"周活躍佔比\" }",
        "What the figure is.",
    )
    .default("its name")],
};

static TARGET: TableSpec = TableSpec {
    title: "[targets]",
    id: "target",
    about: "What one figure should come to; exactly one of the first four.",
    keys: &[
        KeySpec::new("at_least", Shape::Real(f64::MIN, f64::MAX), "0.20", "Least value that meets it."),
        KeySpec::new("more_than", Shape::Real(f64::MIN, f64::MAX), "40", "Values above it meet it."),
        KeySpec::new("at_most", Shape::Real(f64::MIN, f64::MAX), "0.003", "Greatest value that meets it."),
        KeySpec::new("less_than", Shape::Real(f64::MIN, f64::MAX), "15", "Values below it meet it."),
        KeySpec::new("near", Shape::Real(0.01, 1.0), "0.9", "Share of the way to the value from which on a figure is near: 0.18 of 0.20; of a greatest value, 0.0033 for 0.003.").default("0.9"),
        KeySpec::new("words", Words, "{ en = \"Weekly active share\", zh = \"周活躍佔比\" }", "What the figure is.").default("its name"),
        KeySpec::new("source", Text(256), "\"S0 5.3\"", "Where the value comes from."),
        KeySpec::new("form", Shape::Flag, "true", "Whether people fill the figure in: where there is none the report says that it is due. The window of its feature says how long an answer holds.").default("false"),
    ],
};

/// Names with words in one playbook.
const LABELS_MAX: usize = 1_000;

static LABEL: TableSpec = TableSpec {
    title: "[labels]",
    id: "label",
    about: "Words for one name. A text alone holds in every language; a language that is left out keeps the plugin's words, or the name.",
    keys: &[
        KeySpec::new("en", Text(256), "\"Welcome coupon\"", "English words."),
        KeySpec::new("zh", Text(256), "\"新人券\"", "Chinese words."),
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
        KeySpec::new("deliver", List(&Table(&DELIVERY), DELIVERIES_MAX), "[{ name = \"segments\", what = \"segments\", connection = \"crm\", to = \"marketing.segments\" }]", "Tables that go to where people work, once the cycle is booked.").default("[]"),
        KeySpec::new("active", List(&Snake, FIGURES_MAX), "[\"active_members\"]", "Features with the number of active members. Of this and the next three the first feature is summed over its rows for the summary; each is shown beside the rows of its subject.").default("not shown"),
        KeySpec::new("orders", List(&Snake, FIGURES_MAX), "[\"orders_28d\"]", "Features with the number of orders.").default("not shown"),
        KeySpec::new("revenue", List(&Snake, FIGURES_MAX), "[\"revenue_minor\"]", "Features with the revenue, net of refunds.").default("not shown").unit("minor units"),
        KeySpec::new("cost", List(&Snake, FIGURES_MAX), "[\"cost_minor\"]", "Features with the cost of all kinds.").default("not shown").unit("minor units"),
        KeySpec::new("effects", List(&Snake, FIGURES_MAX), "[\"bought_30d\", \"active_30d\"]", "Features of members that tell what came of treating them. The report compares them, segment by segment, between those who are treated and those whom the `holdout` of [guardrails] leaves out.").default("none"),
    ],
};

static DELIVERY: TableSpec = TableSpec {
    title: "[[output.deliver]]",
    id: "delivery",
    about: "A table for messaging tools: `member`, `segment` and `reason`, or of each grant `member`, `action`, `reason` and what it is. It lies in the folder `deliver` of the results, and goes over a connection once the cycle is booked. [sources.md](sources.md#where-results-go) says what it does there.",
    keys: &[
        KeySpec::new("name", Kebab, "\"segments\"", "Unique name, that of its file too.")
            .required(),
        KeySpec::new(
            "what",
            Choice(&["segments", "grants"]),
            "\"segments\"",
            "The segment of every member, or what the cycle granted.",
        )
        .required(),
        KeySpec::new("stage", Kebab, "\"tiers\"", "Stage whose segments these are.")
            .default("the first segmentation stage"),
        KeySpec::new(
            "connection",
            Kebab,
            "\"crm\"",
            "Connection of the host that lets results be delivered: a database or an object store.",
        )
        .default("none: the file stays with the results"),
        KeySpec::new(
            "to",
            Text(256),
            "\"marketing.segments\"",
            "Table of the database, or path of the object; in a path `{playbook}` and `{cycle}` stand for those of the run.",
        ),
    ],
};
