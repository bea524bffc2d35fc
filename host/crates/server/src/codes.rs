//! The one list of what can go wrong for a client: code, status, title and hint.

/// Makes the codes and their table of one list, so that none can be without a row.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $code:literal $status:literal $title:literal $hint:literal)*) => {
        /// What went wrong, as a client is told it. A code never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        /// Every code, ascending by status.
        pub const CODES: &[CodeRow] = &[
            $(CodeRow { code: Code::$variant, name: $code, status: $status, title: $title, hint: $hint },)*
        ];
    };
}

/// A row of the list of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeRow {
    /// The code.
    pub code: Code,
    /// As it is sent, kebab-case.
    pub name: &'static str,
    /// The HTTP status that goes with it.
    pub status: u16,
    /// What went wrong.
    pub title: &'static str,
    /// What to do.
    pub hint: &'static str,
}

codes! {
    /// Some part of the request that has no code of its own.
    RequestInvalid "request-invalid" 400 "the request cannot be read"
        "compare the request with the document at /v1/openapi.json"
    /// Parameters after `?`.
    QueryInvalid "query-invalid" 400 "a parameter of the query is not as expected"
        "compare the parameters with the document at /v1/openapi.json"
    /// A cursor of another list, or none of this host's.
    CursorInvalid "cursor-invalid" 400 "the cursor does not belong to this list"
        "send `next` of the page before as it came, or no cursor for the first page"
    /// The body is no JSON.
    JsonMalformed "json-malformed" 400 "the body is not JSON"
        "correct the body at the line and column told"
    /// A write without the header.
    IdempotencyKeyMissing "idempotency-key-missing" 400 "a write needs an idempotency key"
        "send the header `Idempotency-Key` with a new random value for each write, and the same value when you repeat it"
    /// The header holds something else.
    IdempotencyKeyInvalid "idempotency-key-invalid" 400 "the idempotency key is not as expected"
        "send one header `Idempotency-Key` of 1 to 128 visible ASCII letters without spaces, such as a UUID"
    /// No key was sent.
    KeyMissing "key-missing" 401 "a key is needed"
        "send the header `Authorization: Bearer pb_...`"
    /// The key is unknown or was revoked.
    KeyUnknown "key-unknown" 401 "the key is not known"
        "use the key as it was shown when it was made; it may have been revoked"
    /// The role of the key does not do this.
    RoleNotAllowed "role-not-allowed" 403 "the role of the key may not do this"
        "use a key of one of the roles that the document names for this operation"
    /// A form of another session, or of none.
    FormForeign "form-foreign" 403 "the form does not belong to this session"
        "open the page anew and send its form"
    /// There is nothing at this path.
    PathNotFound "path-not-found" 404 "there is nothing at this path"
        "compare the path with the document at /v1/openapi.json"
    /// The brand is not there, or not for this key: nobody learns which.
    BrandNotFound "brand-not-found" 404 "there is no such brand"
        "list the brands of this key at /v1/brands"
    /// No key has that id.
    KeyNotFound "key-not-found" 404 "there is no such key"
        "list the keys at /v1/keys; an id is the middle part of a key"
    /// No decision has that id.
    DecisionNotFound "decision-not-found" 404 "there is no such decision"
        "use the `id` that the decision was answered with"
    /// The decision has no such grant.
    GrantNotFound "grant-not-found" 404 "the decision has no such grant"
        "use the `grant` of an effect that the decision granted"
    /// No review has that number.
    ReviewNotFound "review-not-found" 404 "there is no such review"
        "list the reviews of the brand; the member may have been erased"
    /// No grant of access has that number.
    AccessNotFound "access-not-found" 404 "there is no such grant of access"
        "list the brand's grants of access"
    /// No stage has that segment.
    SegmentNotFound "segment-not-found" 404 "the playbook has no such segment"
        "use a stage that segments members and one of its segments, as decisions name them"
    /// No version has that digest.
    VersionNotFound "version-not-found" 404 "there is no such version"
        "offer the playbook first; its answer names the version"
    /// No version is the candidate.
    CandidateNotFound "candidate-not-found" 404 "no version is the candidate"
        "make one the candidate first; one that a guard took back stands in the list of versions"
    /// No effect of that number was given up.
    UndeliveredNotFound "undelivered-not-found" 404 "no effect of this number was given up"
        "list the effects that the receiver did not take at /v1/brands/BRAND/webhooks/undelivered"
    /// Nobody has that id.
    MemberNotFound "member-not-found" 404 "there is no such member"
        "send an event of the member, or set its profile"
    /// The member has no such account beside others.
    AccountNotFound "account-not-found" 404 "the member has no such account beside others"
        "list the member's accounts; one that stands alone cannot be parted"
    /// No alert has that number.
    AlertNotFound "alert-not-found" 404 "there is no such alert"
        "use the `number` of an alert that is listed; the oldest closed ones make room for new ones"
    /// No such request for money.
    MoneyRequestNotFound "money-request-not-found" 404 "there is no such request for money"
        "use the `number` of a request that is listed"
    /// The path answers other methods.
    MethodNotAllowed "method-not-allowed" 405 "the path does not answer this method"
        "use one of the methods in the header `Allow`"
    /// The client sent its body too slowly.
    BodyTooSlow "body-too-slow" 408 "the body came too slowly"
        "send the body without pauses, or in smaller requests"
    /// The same request made a key before.
    KeyMadeBefore "key-made-before" 409 "this request was carried out before, and its secret was shown then"
        "revoke that key and make another under a new idempotency key, if its secret is lost"
    /// Another event has that id.
    EventIdReused "event-id-reused" 409 "another event of this member has the same id"
        "give each event an id of its own; an event does not change once it is kept"
    /// The grant was closed otherwise.
    GrantClosed "grant-closed" 409 "the grant cannot be closed so"
        "read the decision; a grant is settled or released once, with no more than it reserved"
    /// Accounts that were joined too long ago.
    JoinedTooLong "joined-too-long" 409 "the accounts were joined more than 90 days ago"
        "accounts of one person are parted within 90 days"
    /// Somebody else changed the version.
    VersionMoved "version-moved" 409 "another version decides since the page was opened"
        "open the page anew and look at what decides now"
    /// Closed cycles left something for the version that is kept no longer.
    VersionOutdated "version-outdated" 409 "what closed cycles left for the version is kept no longer"
        "offer its playbook again, which takes over what the last closed cycle left"
    /// The grant's time was over.
    GrantExpired "grant-expired" 409 "the grant's time is over, and its money is free again"
        "settle a grant before it ends; the playbook's `expiry` says how long that is"
    /// A person has to approve it first.
    GrantWaits "grant-waits" 409 "the grant waits for a review"
        "approve or refuse its review; it is settled once its effect goes out"
    /// The review was closed otherwise.
    ReviewClosed "review-closed" 409 "the review is closed"
        "read the review; it is decided once"
    /// Nothing is left to approve.
    AccessClosed "access-closed" 409 "the grant of access is over or was ended"
        "ask for access anew"
    /// Whoever asks does not approve.
    SamePerson "same-person" 409 "somebody else has to approve this"
        "use the key of another person than the one who asked"
    /// The request for money was answered otherwise.
    MoneyRequestAnswered "money-request-answered" 409 "the request for money was answered before"
        "read the request; it is answered once"
    /// A pool cannot give so much.
    MoneyNotFree "money-not-free" 409 "the pool cannot give so much"
        "ask for less, or of another pool; 5 per cent of the budget stay in the reserve"
    /// The member withdrew meanwhile.
    ConsentMissing "consent-missing" 409 "the member does not consent to the purpose any more (R05)"
        "refuse the review; ask the member for consent, and decide anew"
    /// Nothing goes out.
    Frozen "frozen" 409 "the stage, or the whole brand, is frozen"
        "lift the freeze first"
    /// The order is not known.
    OrderUnknown "order-unknown" 409 "the refund is for no order that this member paid"
        "send the paid order first, with the same member, and name its event id as `original_order`"
    /// The bound of a record.
    RecordFull "record-full" 409 "the member has more events than are kept"
        "leave out events that no feature counts"
    /// The alert was closed otherwise.
    AlertClosed "alert-closed" 409 "the alert was closed before"
        "read the alert; it is closed once, and raised anew where it happens again"
    /// Nobody could make keys any more.
    LastAdminKey "last-admin-key" 409 "this is the last key of a platform admin"
        "make another admin key first"
    /// The bound of keys.
    TooManyKeys "too-many-keys" 409 "no more keys are kept"
        "revoke keys that nobody uses"
    /// The body is larger than bodies may be.
    BodyTooLarge "body-too-large" 413 "the body is too large"
        "send less at once"
    /// The body is of another type.
    ContentTypeUnsupported "content-type-unsupported" 415 "the body is of a type that is not read here"
        "send JSON with the header `Content-Type: application/json`"
    /// JSON of another shape.
    JsonUnexpected "json-unexpected" 422 "the body is JSON of another shape"
        "compare the body with the schema in the document at /v1/openapi.json"
    /// A field with a value that cannot be.
    FieldInvalid "field-invalid" 422 "a field of the body is not as expected"
        "correct the field that is named"
    /// A playbook with problems.
    PlaybookFaulty "playbook-faulty" 422 "the playbook has problems"
        "correct what `problems` names; `playbook check` shows the same with the lines"
    /// A playbook that cannot take the place of the one that decides.
    PlaybookForeign "playbook-foreign" 422 "the playbook cannot take the place of the one that decides"
        "keep brand, currency and salt; leave out features that need whole tables"
    /// A version that fails on recorded decisions.
    VersionFailing "version-failing" 422 "the version fails where the one that decides does not"
        "look at its trial, and at the log of the host; correct the plugin or its settings"
    /// The key stood for another request.
    IdempotencyKeyReused "idempotency-key-reused" 422 "this idempotency key stood for another request before"
        "send a new random value for each write, and the same value only when you repeat it unchanged"
    /// Too often with one key.
    KeyRateExceeded "key-rate-exceeded" 429 "this key calls too often"
        "wait as long as `Retry-After` says, and spread calls out"
    /// Too often for one brand.
    BrandRateExceeded "brand-rate-exceeded" 429 "this brand is called too often"
        "wait as long as `Retry-After` says, and spread calls out"
    /// Too many at once with one key.
    KeyBusy "key-busy" 429 "this key has too many requests in flight"
        "wait for answers before you send more"
    /// Too many at once for one brand.
    BrandBusy "brand-busy" 429 "this brand has too many requests in flight"
        "wait for answers before you send more"
    /// Too many keys that are not known.
    KeyTried "keys-tried" 429 "too many unknown keys were tried"
        "wait as long as `Retry-After` says, and look for the key as it was shown"
    /// More headers than there may be.
    HeadersTooMany "headers-too-many" 431 "the request has too many headers"
        "send fewer headers"
    /// A fault of the host.
    Internal "internal" 500 "the host failed"
        "repeat a read; repeat a write with the same idempotency key; tell the platform team the request id"
    /// A plugin failed, and its stage closes on faults.
    StageFailed "stage-failed" 502 "a plugin of the brand failed"
        "look at the brand's plugins; a stage with `on_fault = \"skip\"` is left out instead"
    /// The brand loads or was stopped.
    BrandNotServing "brand-not-serving" 503 "the brand does not answer at the moment"
        "wait as long as `Retry-After` says"
    /// A plugin is not called for its breaker, and its stage closes on faults.
    StageClosed "stage-closed" 503 "a plugin of the brand failed too often and is not called for a while"
        "wait as long as `Retry-After` says; the brand's operators look at its plugins and alerts"
    /// Too much waits for the brand's writer.
    BrandQueueFull "brand-queue-full" 503 "more requests wait for this brand than may wait"
        "wait as long as `Retry-After` says, and send less at once"
    /// The host loads or stops.
    NotReady "not-ready" 503 "the host is not ready"
        "try again in a moment"
    /// All connections are taken.
    ServerFull "server-full" 503 "the host serves as many connections as it may"
        "wait as long as `Retry-After` says; keep connections open and use them again"
    /// The host could not write.
    StorageFailed "storage-failed" 503 "the host could not store this"
        "repeat with the same idempotency key; tell the platform team the request id if it stays so"
}

impl Code {
    /// Its row in the list.
    #[must_use]
    pub const fn row(self) -> &'static CodeRow {
        &CODES[self as usize]
    }

    /// The code that says least about a status: for failures that nothing told more about.
    pub(crate) const fn of_status(status: u16) -> Self {
        match status {
            404 => Self::PathNotFound,
            405 => Self::MethodNotAllowed,
            408 => Self::BodyTooSlow,
            413 => Self::BodyTooLarge,
            415 => Self::ContentTypeUnsupported,
            422 => Self::JsonUnexpected,
            431 => Self::HeadersTooMany,
            503 => Self::NotReady,
            400..=499 => Self::RequestInvalid,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn codes_are_kebab_case_told_once_and_at_their_place() {
        for (at, row) in CODES.iter().enumerate() {
            assert!(playbook_model::is_kebab(row.name), "{}", row.name);
            assert_eq!(row.code.row().name, row.name, "stands at its own place");
            assert_eq!(CODES.iter().position(|other| other.name == row.name), Some(at));
            assert!((400..600).contains(&row.status), "{}", row.name);
            for text in [row.title, row.hint] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
                assert!(text.starts_with(|c: char| c.is_lowercase()), "{text}");
            }
        }
        assert!(CODES.is_sorted_by_key(|row| row.status));
    }
}
