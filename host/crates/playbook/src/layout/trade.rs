//! Tables of prices and claims.

use super::bounds::TEXT;
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{Instant, List, Map, Money, Snake, Table, Text};

/// Things with an official price.
const SKUS_MAX: usize = 100_000;
/// Prices beside the list.
const GRANTS_MAX: usize = 10_000;

pub(super) static PRICES: TableSpec = TableSpec {
    title: "[prices]",
    id: "prices",
    about: "Official prices, and prices beside them that somebody approved (H14). An action whose terms name a `sku` offers it at the list's price or at one that a grant allows to the member at that time; else it is refused (R08, GR-8).",
    keys: &[
        KeySpec::new("list", Map(&TEXT, &Money, SKUS_MAX), "{ tea-100g = \"29.00\" }", "Official price of each thing, in units of the currency.").required(),
        KeySpec::new("community_feature", Snake, "\"community\"", "Feature of members with their community, for grants that name communities.").default("none"),
        KeySpec::new("grants", List(&Table(&PRICE_GRANT), GRANTS_MAX), "[{ sku = \"tea-100g\", price = \"24.00\", from = 2026-06-01, to = 2026-07-01, approver = \"head of sales\", reason = \"summer\" }]", "Prices beside the list.").default("[]"),
    ],
};

static PRICE_GRANT: TableSpec = TableSpec {
    title: "[[prices.grants]]",
    id: "price-grant",
    about: "A price beside the list. Where several single prices are granted to a member, the lowest applies.",
    keys: &[
        KeySpec::new("sku", TEXT, "\"tea-100g\"", "The thing, one of the list.").required(),
        KeySpec::new(
            "price",
            Money,
            "\"24.00\"",
            "The price. Either this or the two bounds of a range.",
        ),
        KeySpec::new("price_min", Money, "\"20.00\"", "Least price of a range."),
        KeySpec::new("price_max", Money, "\"27.00\"", "Greatest price of a range."),
        KeySpec::new(
            "segments",
            List(&TEXT, 256),
            "[\"core\"]",
            "Segments, of the first stage that segments members, that it is for.",
        )
        .default("all"),
        KeySpec::new(
            "communities",
            List(&TEXT, 1_000),
            "[\"north\"]",
            "Communities that it is for.",
        )
        .default("all"),
        KeySpec::new(
            "from",
            Instant,
            "2026-06-01",
            "From then on; a date is meant in the brand's time zone.",
        )
        .required(),
        KeySpec::new("to", Instant, "2026-07-01", "Before then.").required(),
        KeySpec::new("approver", Text(256), "\"head of sales\"", "Who approved it.").required(),
        KeySpec::new("reason", Text(1_024), "\"summer\"", "Why.").required(),
    ],
};

pub(super) static CLAIM: TableSpec = TableSpec {
    title: "[claims]",
    id: "claim",
    about: "Claims that actions make, by name. An action with a claim whose report is not named, or no longer good, is refused (R07, H14).",
    keys: &[
        KeySpec::new(
            "report",
            TEXT,
            "\"TR-2026-118\"",
            "Id of the report of a third party that shows it.",
        )
        .default("none: the claim is refused"),
        KeySpec::new("until", Instant, "2027-01-01", "Before when the report is good.")
            .default("for good"),
    ],
};
