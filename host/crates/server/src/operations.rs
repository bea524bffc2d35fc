//! The one table of operations: who may call what. The guard enforces it, the document tells it, the tests walk it.

use crate::role::Role;

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a key.
    Open,
    /// Holders of a key of one of these roles; the operation is not about one brand.
    Platform(&'static [Role]),
    /// Holders of a key of one of these roles, for the brand that the path names; a platform admin's key is for every brand.
    Brand(&'static [Role]),
}

/// An operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its id in the document: the name of its handler.
    pub id: &'static str,
    /// Who may call it.
    pub access: Access,
}

/// The platform team alone.
const PLATFORM: &[Role] = &[Role::PlatformAdmin];
/// The platform team and what watches the host for it.
const WATCHERS: &[Role] = &[Role::PlatformAdmin, Role::PlatformMonitor];
/// Everybody who has to do with a brand.
const ANYBODY: &[Role] = &[
    Role::PlatformAdmin,
    Role::BrandOperator,
    Role::BrandApplication,
    Role::Partner,
    Role::Analyst,
    Role::CustomerService,
    Role::Marketing,
    Role::Finance,
    Role::Compliance,
    Role::Auditor,
];

/// Who runs a brand.
const OPERATORS: &[Role] = &[Role::PlatformAdmin, Role::BrandOperator];
/// Who runs a brand, and its programs.
const SENDERS: &[Role] = &[Role::PlatformAdmin, Role::BrandOperator, Role::BrandApplication];
/// Who reads what a brand does in all (class A of domain H5): every person of it.
const READERS: &[Role] = &[
    Role::PlatformAdmin,
    Role::BrandOperator,
    Role::Analyst,
    Role::CustomerService,
    Role::Marketing,
    Role::Finance,
    Role::Compliance,
    Role::Auditor,
];
/// Who reads what was decided, of all members; an analyst by pseudonym alone ([`Role::names_members`]).
const OBSERVERS: &[Role] = &[
    Role::PlatformAdmin,
    Role::BrandOperator,
    Role::BrandApplication,
    Role::Analyst,
    Role::Compliance,
];
/// Who reads who is in a segment.
const AUDIENCES: &[Role] =
    &[Role::PlatformAdmin, Role::BrandOperator, Role::BrandApplication, Role::Analyst];
/// Who looks at one member at a time.
const HELPERS: &[Role] = &[
    Role::PlatformAdmin,
    Role::BrandOperator,
    Role::BrandApplication,
    Role::CustomerService,
    Role::Compliance,
];
/// Who copies all that is kept of a member.
const COPIERS: &[Role] =
    &[Role::PlatformAdmin, Role::BrandOperator, Role::CustomerService, Role::Compliance];
/// Who sees to the law, beside who runs the brand.
const LAWYERS: &[Role] = &[Role::PlatformAdmin, Role::BrandOperator, Role::Compliance];
/// Who reads what was done and by whom.
const AUDITORS: &[Role] =
    &[Role::PlatformAdmin, Role::BrandOperator, Role::Compliance, Role::Auditor];
/// Who reads the entries of the ledger, which name members by pseudonym.
const BOOKKEEPERS: &[Role] =
    &[Role::PlatformAdmin, Role::BrandOperator, Role::Finance, Role::Compliance, Role::Auditor];
/// Who sees some data by a grant of access alone.
const ASKERS: &[Role] = &[Role::PlatformAdmin, Role::Compliance];

/// Every operation. One that is not here has no route, and the other way round: the service does not start.
pub const OPERATIONS: &[Operation] = &[
    Operation { id: "check_live", access: Access::Open },
    Operation { id: "check_ready", access: Access::Open },
    Operation { id: "read_openapi", access: Access::Open },
    Operation { id: "read_metrics", access: Access::Platform(WATCHERS) },
    Operation { id: "list_keys", access: Access::Platform(PLATFORM) },
    Operation { id: "create_key", access: Access::Platform(PLATFORM) },
    Operation { id: "revoke_key", access: Access::Platform(PLATFORM) },
    Operation { id: "list_brands", access: Access::Platform(ANYBODY) },
    Operation { id: "read_brand", access: Access::Brand(ANYBODY) },
    Operation { id: "add_event", access: Access::Brand(SENDERS) },
    Operation { id: "add_events", access: Access::Brand(SENDERS) },
    Operation { id: "decide", access: Access::Brand(SENDERS) },
    Operation { id: "preview_decision", access: Access::Brand(SENDERS) },
    Operation { id: "list_decisions", access: Access::Brand(OBSERVERS) },
    Operation { id: "read_decision", access: Access::Brand(OBSERVERS) },
    Operation { id: "settle_grant", access: Access::Brand(SENDERS) },
    Operation { id: "release_grant", access: Access::Brand(SENDERS) },
    Operation { id: "list_effects", access: Access::Brand(SENDERS) },
    Operation { id: "stream_effects", access: Access::Brand(SENDERS) },
    Operation { id: "list_reviews", access: Access::Brand(LAWYERS) },
    Operation { id: "read_review", access: Access::Brand(LAWYERS) },
    Operation { id: "approve_review", access: Access::Brand(OPERATORS) },
    Operation { id: "refuse_review", access: Access::Brand(OPERATORS) },
    Operation { id: "list_access", access: Access::Brand(AUDITORS) },
    Operation { id: "ask_access", access: Access::Brand(ASKERS) },
    Operation { id: "approve_access", access: Access::Brand(LAWYERS) },
    Operation { id: "end_access", access: Access::Brand(LAWYERS) },
    Operation { id: "list_freezes", access: Access::Brand(AUDITORS) },
    Operation { id: "freeze", access: Access::Brand(OPERATORS) },
    Operation { id: "lift_freeze", access: Access::Brand(OPERATORS) },
    Operation { id: "list_webhooks", access: Access::Brand(OPERATORS) },
    Operation { id: "list_undelivered", access: Access::Brand(OPERATORS) },
    Operation { id: "resend_effect", access: Access::Brand(OPERATORS) },
    Operation { id: "read_member", access: Access::Brand(HELPERS) },
    Operation { id: "list_accounts", access: Access::Brand(HELPERS) },
    Operation { id: "part_account", access: Access::Brand(LAWYERS) },
    Operation { id: "read_caps", access: Access::Brand(HELPERS) },
    Operation { id: "put_member", access: Access::Brand(SENDERS) },
    Operation { id: "count_segments", access: Access::Brand(READERS) },
    Operation { id: "list_segment", access: Access::Brand(AUDIENCES) },
    Operation { id: "export_segment", access: Access::Brand(AUDIENCES) },
    Operation { id: "copy_member", access: Access::Brand(COPIERS) },
    Operation { id: "erase_member", access: Access::Brand(LAWYERS) },
    Operation { id: "offer_version", access: Access::Brand(OPERATORS) },
    Operation { id: "try_version", access: Access::Brand(OPERATORS) },
    Operation { id: "activate_version", access: Access::Brand(OPERATORS) },
    Operation { id: "shadow_version", access: Access::Brand(OPERATORS) },
    Operation { id: "share_version", access: Access::Brand(OPERATORS) },
    Operation { id: "read_candidate", access: Access::Brand(READERS) },
    Operation { id: "withdraw_candidate", access: Access::Brand(OPERATORS) },
    Operation { id: "roll_back", access: Access::Brand(OPERATORS) },
    Operation { id: "close_cycle", access: Access::Brand(OPERATORS) },
    Operation { id: "list_activations", access: Access::Brand(READERS) },
    Operation { id: "read_plugins", access: Access::Brand(READERS) },
    Operation { id: "list_alerts", access: Access::Brand(READERS) },
    Operation { id: "acknowledge_alert", access: Access::Brand(OPERATORS) },
    Operation { id: "close_alert", access: Access::Brand(OPERATORS) },
    Operation { id: "read_budgets", access: Access::Brand(READERS) },
    Operation { id: "list_entries", access: Access::Brand(BOOKKEEPERS) },
    Operation { id: "list_money_requests", access: Access::Brand(READERS) },
    Operation { id: "list_waiting_money_requests", access: Access::Brand(READERS) },
    Operation { id: "ask_for_money", access: Access::Brand(OPERATORS) },
    Operation { id: "approve_money_request", access: Access::Brand(OPERATORS) },
    Operation { id: "refuse_money_request", access: Access::Brand(OPERATORS) },
];

impl Operation {
    /// The operation of an id.
    #[must_use]
    pub fn of(id: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.id == id)
    }
}

impl Access {
    /// Roles that may call; none where no key is asked for.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Open => &[],
            Self::Platform(roles) | Self::Brand(roles) => roles,
        }
    }
}
