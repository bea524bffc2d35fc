//! Tables of the money: budget, transfers, guardrails.

use super::bounds::SHARE;
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{Flag, Integer, Kebab, List, Map, Real, Reference, Snake, Table, Text};

pub(super) static BUDGET: TableSpec = TableSpec {
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

pub(super) static TRANSFERS: TableSpec = TableSpec {
    title: "[budget.transfers]",
    id: "transfers",
    about: "Money that roi plugins move between pools (H7). The host checks each transfer; the defaults are the loosest values: a value beyond them is refused.",
    keys: &[
        KeySpec::new("subject", Snake, "\"channel\"", "Subject whose rows are pools: the row of key `app` is the pool `app`.").required(),
        KeySpec::new("red_line", Reference, "\"lines.broken\"", "Feature or output of the subject with its red lines: into a row of which it is not known to be 0 nothing moves.").default("the rows have no red lines"),
        KeySpec::new("share_max", SHARE, "0.10", "Most that may leave a pool in one cycle, as share of what it has free.").default("0.20").unit("share"),
        KeySpec::new("kept_min", SHARE, "0.60", "Least that a pool keeps, as share of what its plan gave.").default("0.50").unit("share"),
        KeySpec::new("cool_down", Shape::Duration, "\"28d\"", "Time between two transfers of the same two pools, in either direction; whole days, at most 366d.").default("\"14d\"").unit("time"),
    ],
};

static STACKING: TableSpec = TableSpec {
    title: "[[guardrails.stacking]]",
    id: "stacking",
    about: "Actions of these families together may stand so often for one member: beyond it they are refused, as used up before (R13) or lost to another proposal (R14). What was released does not count.",
    keys: &[
        KeySpec::new("name", Kebab, "\"discounts\"", "Unique name.").required(),
        KeySpec::new(
            "families",
            List(&Text(128), 64),
            "[\"coupon\", \"sale\"]",
            "Families of actions, as their plugins name them (`playbook plugin inspect`).",
        )
        .required(),
        KeySpec::new(
            "most",
            Integer(1, 1_000),
            "2",
            "Most grants of all of them; 1: they exclude each other.",
        )
        .default("1")
        .unit("count"),
        KeySpec::new(
            "window",
            Shape::Duration,
            "\"7d\"",
            "How long a grant counts; \"1h\" to \"366d\".",
        )
        .default("\"24h\"")
        .unit("time"),
    ],
};

pub(super) static GUARDRAILS: TableSpec = TableSpec {
    title: "[guardrails]",
    id: "guardrails",
    about: "Rules checked before anything is granted. The defaults are the loosest values: a value beyond them is refused.",
    keys: &[
        KeySpec::new("require_consent", Flag, "true", "Consent is demanded for actions that name a purpose (GR-13, R05).").default("true"),
        KeySpec::new("double_consent", Flag, "true", "A consent counts only where it was confirmed: `granted` at most 7 days after `requested` or `pending_second` of the same purpose (H4, R05).").default("false"),
        KeySpec::new("consent_months", Integer(1, 24), "12", "Months after which a consent no longer holds (H4).").default("24").unit("months"),
        KeySpec::new("stage_output", Reference, "\"participation-ladder.segment\"", "Feature or output with the participation stage for `stage_caps`; a member without one has the least of them.").default("not enforced"),
        KeySpec::new("stage_caps", Map(&Kebab, &SHARE, 64), "{ cognition = 0, trust = 0.05 }", "Commercial share of a member's deliveries in 30 days, by participation stage (GR-1, R10).").default("{ cognition = 0, trust = 0.05, participation = 0.20, creation = 0.20 }").unit("share"),
        KeySpec::new("incentive_ratio_min", Real(0.0, 1_000.0), "4.0", "Forecast output over cost of a batch of grants (GR-5, R15).").default("4.0").unit("ratio"),
        KeySpec::new("single_investment_max", SHARE, "0.20", "Share of the free pool that the grants of one stage and cycle may take (GR-7, R15).").default("0.20").unit("share"),
        KeySpec::new("commercial_share_max", SHARE, "0.20", "Commercial share of planned publications (GR-2, R10).").default("0.20").unit("share"),
        KeySpec::new("contacts_per_day_max", Map(&Kebab, &Integer(0, 1_000), 256), "{ silent = 1, default = 2 }", "Direct messages per member and day, by segment (R13).").default("{ silent = 1, prospect = 2, active = 2, core = 5, koc = 5, default = 2 }").unit("count"),
        KeySpec::new("commercial_per_day_max", Map(&Kebab, &Integer(0, 1_000), 256), "{ silent = 1, default = 1 }", "Commercial direct messages per member and day, by segment (R13).").default("{ silent = 1, prospect = 1, active = 1, core = 2, koc = 2, default = 1 }").unit("count"),
        KeySpec::new("commercial_per_week_max", Map(&Kebab, &Integer(0, 1_000), 256), "{ silent = 1, default = 3 }", "Commercial direct messages per member and 7 days, by segment (R13).").default("{ silent = 1, prospect = 3, active = 3, core = 5, koc = 5, default = 3 }").unit("count"),
        KeySpec::new("family_window", Shape::Duration, "\"24h\"", "Stretch within which a second proposal of the same family is a duplicate (R12); whole hours.").default("\"24h\"").unit("time"),
        KeySpec::new("time_zone_feature", Snake, "\"zone\"", "Feature of members with their IANA time zone, by which their days and quiet hours count; where it is missing or none, the brand's zone.").default("the brand's zone for all"),
        KeySpec::new("quiet_hours", Text(16), "\"22:00-08:00\"", "Hours of the member's day in which no message reaches it: one is put off until they are over, and refused where that is beyond its end (R13). Transactions and replies of the service go at any time.").default("none"),
        KeySpec::new("stacking", List(&Table(&STACKING), 64), "[{ name = \"discounts\", families = [\"coupon\", \"sale\"], most = 1, window = \"7d\" }]", "Which grants may stand together for one member.").default("[]"),
        KeySpec::new("complaint_feature", Reference, "\"open_complaints\"", "Feature that is above 0 where a complaint is open: then, and where it is missing, service only (GR-12, R10).").default("not enforced"),
        KeySpec::new("churn_output", Reference, "\"churn-7d.level\"", "Output with the churn level; at `critical`, and where it is missing, service only (GR-12, R10).").default("not enforced"),
        KeySpec::new("fraud_output", Reference, "\"order-risk.score\"", "Feature or output with the risk of fraud; from `fraud_from` on, and where it is missing, effects are held (R11), as by a feature `fraud_hold` that is not 0. A service keeps them for a review, a cycle refuses them.").default("not enforced"),
        KeySpec::new("fraud_from", Real(0.0, 1_000_000.0), "0.7", "Least value of `fraud_output` that holds effects.").default("0.8"),
        KeySpec::new("age_band_feature", Reference, "\"age_band\"", "Feature with the age band; commercial actions reach `adult` alone: minors, `unknown` and members without a band are refused (GR-13, R07).").default("not enforced"),
        KeySpec::new("holdout", Real(0.0, 0.5), "0.05", "Share of members that nothing is done to, so that effects can be measured (R06).").default("0.05").unit("share"),
    ],
};
