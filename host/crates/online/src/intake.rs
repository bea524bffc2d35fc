//! What a request says, as it is kept: events, profiles, answers about consents; or everything that is wrong with it.

use serde_json::{Map, Value as Json};

use crate::columns::{FieldError, time};
use crate::error::OnlineError;
use crate::packed::{Kept, pack};
use crate::refunds::refund_of;
use crate::store::{ConsentRow, Evidence};
use crate::version::Version;
use crate::writer::NewEvent;

/// Fields of an event that are not among its values.
const OF_EVENT: [&str; 3] = ["event_id", "member", "time"];
/// Letters of an id at most.
const ID_BYTES_MAX: usize = 256;
/// How far ahead of the clock an event may lie: clocks of shops are wrong by minutes, dates of another zone by a day.
const AHEAD_MS: i64 = 24 * 3_600_000;

/// Why a text is no id.
pub(crate) fn id_error(field: &str, id: &str) -> Option<FieldError> {
    let is_right = !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.chars().any(char::is_control);
    (!is_right).then(|| FieldError {
        field: field.to_owned(),
        what: "is no id",
        expected: "a text of 1 to 256 bytes without control characters".to_owned(),
    })
}

/// Letters of a reason at most.
const REASON_LETTERS_MAX: usize = 1_000;

/// Why a person does something, in its own words: some are asked for.
pub(crate) fn reason(words: &str) -> Result<String, OnlineError> {
    let words = words.trim();
    let letters = words.chars().count();
    if letters == 0 || letters > REASON_LETTERS_MAX || words.chars().any(char::is_control) {
        return Err(OnlineError::Fields(vec![FieldError {
            field: "reason".to_owned(),
            what: "is no reason",
            expected: "1 to 1,000 letters on one line".to_owned(),
        }]));
    }
    Ok(words.to_owned())
}

/// An event as it is kept, or everything that is wrong with it.
pub(crate) fn new_event(
    version: &Version,
    event: &Map<String, Json>,
    now: i64,
) -> Result<NewEvent, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut id = |field: &str| {
        let id = event.get(field).and_then(Json::as_str).unwrap_or("");
        errors.extend(id_error(field, id));
        id
    };
    let (event_id, member_id) = (id("event_id"), id("member"));
    let at = event.get("time").and_then(time);
    let wrong_time = |what| FieldError {
        field: "time".to_owned(),
        what,
        expected: "a time of the past, as \"2026-01-31T12:00:00Z\" or unix milliseconds".to_owned(),
    };
    match at {
        None => errors.push(wrong_time("is no time")),
        Some(at) if at > now.saturating_add(AHEAD_MS) => {
            errors.push(wrong_time("lies more than a day ahead"));
        }
        Some(_) => {}
    }
    if !event.get("kind").is_some_and(Json::is_string) {
        let expected = "the kind of the event, as \"order_paid\"".to_owned();
        errors.push(FieldError { field: "kind".to_owned(), what: "is missing", expected });
    }
    let mut fields = version.events().read(event, &OF_EVENT).unwrap_or_else(|found| {
        errors.extend(found);
        Vec::new()
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    let refund = refund_of(&fields);
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value));
    Ok(NewEvent {
        account: version.own_key(member_id),
        member_id: member_id.into(),
        id: event_id.to_owned(),
        refund,
        bytes: pack(at.unwrap_or_default(), fields),
    })
}

/// An answer about a consent.
pub(crate) fn consent_row(fields: Vec<(String, Kept)>) -> Result<ConsentRow, Vec<FieldError>> {
    let find = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let text = |name: &str| match find(name) {
        Some(Kept::Text(text)) => Ok(text.clone()),
        _ => Err(vec![FieldError {
            field: name.to_owned(),
            what: "is missing",
            expected: "a text".to_owned(),
        }]),
    };
    let time = match find("time") {
        Some(Kept::Integer(time)) => Some(*time),
        _ => None,
    };
    let proof = |name: &str| match find(name) {
        Some(Kept::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let evidence = Evidence { text_version: proof("text_version"), channel: proof("channel") };
    Ok(ConsentRow { purpose: text("purpose")?, state: text("state")?, time, evidence })
}
