//! Tables of the law that members fall under.

use super::bounds::TEXT;
use crate::reading::host_tables::PURPOSES;
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{Choice, Flag, Integer, List, Snake, Table};

/// Regions of one track.
const REGIONS_MAX: usize = 512;

pub(super) static LAW: TableSpec = TableSpec {
    title: "[law]",
    id: "law",
    about: "The law that members fall under, by their region (H4): the European Union's or the local one; where the region is missing, on no list or on both, both at once. Decisions say which track applied. Who is not known to be 14 or older gets no action that names a purpose unless a guardian consents (purpose `guardian`; GR-13, R07), so `age_band_feature` of [guardrails] is needed.",
    keys: &[
        KeySpec::new(
            "region_feature",
            Snake,
            "\"region\"",
            "Feature of members with their region.",
        )
        .required(),
        KeySpec::new(
            "eu",
            Table(&TRACK),
            "{ regions = [\"DE\", \"FR\"], purposes = [\"profiling\"] }",
            "What the law of the European Union demands, and of whom.",
        )
        .required(),
        KeySpec::new(
            "local",
            Table(&TRACK),
            "{ regions = [\"CN\"], purposes = [\"cross-border\"] }",
            "What the local law demands, and of whom.",
        )
        .required(),
    ],
};

static TRACK: TableSpec = TableSpec {
    title: "[law.eu] and [law.local]",
    id: "track",
    about: "A legal track. Its rule holds beside that of [guardrails]: the stricter of the two.",
    keys: &[
        KeySpec::new("regions", List(&TEXT, REGIONS_MAX), "[\"DE\", \"FR\"]", "Regions whose members fall under it, as the region feature writes them.").required(),
        KeySpec::new("purposes", List(&Choice(PURPOSES), 16), "[\"profiling\", \"cross-border\"]", "Purposes that a member has to consent to, beside that of the action itself, for every action that names one (R05).").default("[]"),
        KeySpec::new("double_consent", Flag, "true", "A consent counts only where it was confirmed, as in [guardrails].").default("true"),
        KeySpec::new("consent_months", Integer(1, 24), "12", "Months after which a consent no longer holds.").default("24").unit("months"),
    ],
};
