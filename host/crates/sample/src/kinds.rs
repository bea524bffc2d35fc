//! Kinds of event (domain 0.2) and how often members of each bent do them.

/// Kinds in the order of their codes.
pub(crate) const KINDS: &[&str] = &[
    "join",
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
    "order_paid",
    "order_refunded",
    "redeem",
    "coupon_share",
    "feedback_adopted",
    "complaint",
    "nps_answer",
    "csat_answer",
    "offline_attend",
    "opt_out",
    "violation",
];

/// Position of a kind in [`KINDS`].
pub(crate) const fn code(name: &str) -> u8 {
    let mut at = 0;
    while at < KINDS.len() {
        if same(KINDS[at].as_bytes(), name.as_bytes()) {
            return at as u8;
        }
        at += 1;
    }
    panic!("the kind is not in the list");
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Kinds that count as interactions (domain 0.2), as far as samples hold them.
pub(crate) const INTERACTIONS: &[u8] = &[
    code("sign_in"),
    code("like"),
    code("comment"),
    code("share"),
    code("post"),
    code("topic_join"),
    code("vote"),
    code("answer"),
    code("live_interact"),
    code("task_done"),
    code("survey"),
    code("feedback"),
    code("review"),
    code("cocreate_submit"),
];

/// Kinds that a member does of own accord: code, weight of a reader, weight of a contributor.
pub(crate) const OWN: &[(u8, f64, f64)] = &[
    (code("view"), 40.0, 18.0),
    (code("sign_in"), 17.0, 13.0),
    (code("like"), 20.0, 17.0),
    (code("comment"), 6.0, 15.0),
    (code("vote"), 2.5, 3.0),
    (code("topic_join"), 1.6, 3.0),
    (code("share"), 2.2, 5.0),
    (code("live_join"), 2.6, 2.4),
    (code("live_interact"), 1.6, 4.0),
    (code("task_done"), 2.5, 4.5),
    (code("post"), 0.5, 6.5),
    (code("answer"), 0.3, 4.0),
    (code("review"), 0.6, 1.6),
    (code("survey"), 0.9, 0.9),
    (code("feedback"), 0.4, 1.0),
    (code("coupon_share"), 0.8, 1.2),
    (code("referral_join"), 0.15, 0.7),
    (code("offline_attend"), 0.1, 0.4),
    (code("cocreate_invited"), 0.03, 0.7),
    (code("opt_out"), 0.10, 0.02),
    (code("violation"), 0.02, 0.08),
];
