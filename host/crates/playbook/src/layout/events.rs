//! Kinds of events and groups of them; the table of a brand's own.

use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{Event, Flag};

/// Kinds of events that the host accepts (domain 0.2).
pub const EVENT_KINDS: &[&str] = &[
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

/// Kinds that refunds are set off between.
pub(crate) const ORDER_KINDS: &[&str] = &["order_paid", "order_refunded"];

/// Groups that stand for several kinds.
pub(crate) const EVENT_GROUPS: &[&str] = &["interaction", "active", "any"];

/// A kind of the brand's own.
pub(super) static OWN_EVENT: TableSpec = TableSpec {
    title: "[events]",
    id: "own-event",
    about: "A kind of events of the brand's own, keyed by its name. Data, `event`, `values` and features may name it; a kind that is neither the host's nor declared here is an error of the file, or a reject of the data. Without a key the kind is in no group.",
    keys: &[
        KeySpec::new(
            "counts_as",
            Event,
            "\"view\"",
            "Kind of the host that it counts as: wherever a feature names that kind, or a group that has it, these events count too. Not for orders and refunds: map those with `values`.",
        ),
        KeySpec::new(
            "interaction",
            Flag,
            "true",
            "Whether it is an interaction: part of the groups `interaction` and `active`.",
        )
        .default("false"),
        KeySpec::new(
            "commercial",
            Flag,
            "true",
            "Whether it is a purchase or the like: part of the group `active`, as a paid order is.",
        )
        .default("false"),
    ],
};

/// Kinds of the brand's own in one playbook.
pub(super) const OWN_EVENTS_MAX: usize = 256;
