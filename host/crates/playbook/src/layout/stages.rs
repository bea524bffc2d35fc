//! Tables of the stages: plugins and their limits.

use super::bounds::TEXT;
use super::goals::SERVES;
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{Any, Choice, Either, Integer, Kebab, List, Map, Reference, Size, Table, Text, Words};

pub(super) static STAGE: TableSpec = TableSpec {
    title: "[[stage]]",
    id: "stage",
    about: "A plugin in the loop. Its outputs are read as `name.output` by other stages.",
    keys: &[
        KeySpec::new("kind", Choice(&["scoring", "segmentation", "incentive", "campaign", "roi", "diagnosis"]), "\"scoring\"", "Kind that the plugin must have. Required where there is no `card`."),
        KeySpec::new("plugin", Either(&[TEXT, Table(&PLUGIN)]), "\"value-rfm@^0.1\"", "Plugin by name, with a version requirement after `@`; a component file; or an artefact of a registry with its digest, as `oci://registry.example.com/acme/acme-score:1.2.0@sha256:...`. Required where there is no `card`."),
        KeySpec::new("card", TEXT, "\"health-7x28\"", "Card that says kind, plugin and settings; what the stage says stands over it. A name that `playbook list` shows, or the path of a file of your own, relative to the file that names it and with the ending .toml."),
        KeySpec::new("name", Kebab, "\"value-rfm\"", "Unique name of the stage.").default("the card's name, else the plugin's"),
        KeySpec::new("settings", Map(&TEXT, &Any, 1_000), "{ r_days = [7, 30, 90, 180] }", "Settings of the plugin, which checks them itself; `playbook plugin inspect` lists them.").default("{}"),
        KeySpec::new("bind", Map(&TEXT, &Reference, 256), "{ interactions_30d = \"orders_30d\" }", "Needs of the plugin that another feature or `stage.output` fills.").default("{}"),
        KeySpec::new("limits", Table(&LIMITS), "{ memory = \"128MiB\" }", "Bounds of the sandbox, under the host's ceiling."),
        KeySpec::new("on_fault", Choice(&["close", "skip", "last-good"]), "\"skip\"", "What a fault of the plugin does: the run fails; the stage's outputs are missing and the run goes on; or the version that closed the last cycle takes over (of a service, the component that the stage had before).").default("\"close\"; \"skip\" for roi and diagnosis"),
        KeySpec::new("allow", List(&Choice(&["log"]), 8), "[\"log\"]", "Imports that the playbook grants: `log` keeps the plugin's lines.").default("[]"),
        KeySpec::new("pool", Kebab, "\"daily\"", "Pool of the budget that pays (incentive and campaign).").default("\"daily\"; \"burst\" for campaign"),
        KeySpec::new("serves", SERVES, "[\"freshness\"]", "Values of [brand_values] that a campaign serves; required of campaigns where the playbook has such values."),
        KeySpec::new("refund", REFUND, "\"in-proportion\"", "What a refund of an order does to the grants that the order, or an event that names it as `original_order`, triggered: any refund takes the whole grant back, as much of it as was refunded, or nothing. What is reserved is released, what was paid is recovered (incentive and campaign; `playbook serve`).").default("\"whole\""),
        KeySpec::new("expiry", Shape::Duration, "\"14d\"", "How long a grant may stand unsettled: then its money is released, and it cannot be settled any more; \"1m\" to \"366d\" (incentive and campaign; `playbook serve`).").default("\"30d\"").unit("time"),
        KeySpec::new("actions", Map(&Kebab, &Table(&ACTION), 256), "{ coupon = { refund = \"nothing\" } }", "Terms of actions that are other than the stage's, by the action's name."),
    ],
};

/// The file of a card.
pub(crate) static CARD_FILE: TableSpec = TableSpec {
    title: "the card",
    id: "card_file",
    about: "Settings of an engine under a name of their own, which stages take with `card`.",
    keys: &[
        KeySpec::new(
            "card",
            Table(&CARD),
            "{ name = \"own-health\", version = \"0.1.0\", summary = \"Health as we see it\" }",
            "What the card is.",
        )
        .required(),
        KeySpec::new(
            "stage",
            Table(&STAGE),
            "{ kind = \"diagnosis\", plugin = \"score-card@^0.1\" }",
            "The stage that takes it, as a playbook would write it.",
        )
        .required(),
    ],
};

static CARD: TableSpec = TableSpec {
    title: "[card]",
    id: "card",
    about: "What a card is.",
    keys: &[
        KeySpec::new("name", Kebab, "\"own-health\"", "Its name, the one of its file.").required(),
        KeySpec::new("version", Text(64), "\"0.1.0\"", "Its version.").required(),
        KeySpec::new("model", Text(64), "\"DG-1\"", "Models of the domain that it is."),
        KeySpec::new(
            "summary",
            Words,
            "{ en = \"Health as we see it\", zh = \"本品牌健康度\" }",
            "What it does, in one sentence.",
        )
        .required(),
    ],
};

const REFUND: Shape = Choice(&["whole", "in-proportion", "nothing"]);

static ACTION: TableSpec = TableSpec {
    title: "[stage.actions]",
    id: "action",
    about: "Terms of the grants of one action, keyed by its name, and what it offers and says; terms that are left out are as the stage says.",
    keys: &[
        KeySpec::new(
            "refund",
            REFUND,
            "\"nothing\"",
            "What a refund of its order does to a grant.",
        )
        .default("the stage's"),
        KeySpec::new(
            "expiry",
            Shape::Duration,
            "\"7d\"",
            "How long a grant may stand unsettled; \"1m\" to \"366d\".",
        )
        .default("the stage's")
        .unit("time"),
        KeySpec::new("sku", TEXT, "\"tea-100g\"", "What it offers, one of [prices] `list`; with `price`.").default("nothing that has a price"),
        KeySpec::new("price", Shape::Money, "\"24.00\"", "At which price: that of the list or one that a grant allows, else it is refused (R08)."),
        KeySpec::new("claims", List(&TEXT, 64), "[\"organic\"]", "Claims of [claims] that it makes; one without a good report is refused (R07).").default("[]"),
        KeySpec::new("inducement", Shape::Flag, "true", "Whether it promises a gain for acting: then it carries a `label`, or is refused (R07).").default("false"),
        KeySpec::new("label", Text(256), "\"advertisement\"", "The label that says what it is.").default("none"),
        KeySpec::new("topics", List(&Choice(&["health", "finance", "minors"]), 3), "[\"health\"]", "Topics that it speaks of: each needs the approval of a person (R09).").default("[]"),
    ],
};

pub(super) static PLUGIN: TableSpec = TableSpec {
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

pub(super) static LIMITS: TableSpec = TableSpec {
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
