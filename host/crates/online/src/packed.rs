//! The bytes of an event: fields by name with their values, packed with a static dictionary of the words that most events
//! share (names of fields, kinds of events). A word of the dictionary takes one or two bytes, other texts their own length.
//!
//! What is written stays: the dictionary only grows at its end, and the first byte of each event says the format.

use std::collections::HashMap;
use std::sync::OnceLock;

use playbook_features::Value;
use serde::{Deserialize, Serialize};

/// Format of the bytes, their first one.
const FORMAT: u8 = 1;

/// The dictionary. Words are never moved or taken away.
const WORDS: &[&str] = &[
    "kind",
    "channel",
    "amount_minor",
    "cost_of_goods_minor",
    "quantity",
    "community",
    "campaign",
    "topic",
    "place",
    "object",
    "original_order",
    "severity",
    "sentiment",
    "value",
    "text_hash",
    "partner",
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

/// A value that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Kept {
    /// An integer: money in minor units, a time, a flag.
    Integer(i64),
    /// A finite real.
    Real(f64),
    /// A text.
    Text(String),
}

impl Kept {
    /// The value, borrowed.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Integer(value) => Value::Integer(*value),
            Self::Real(value) => Value::Real(*value),
            Self::Text(text) => Value::Text(text),
        }
    }
}

/// Bytes that are no event: they were damaged, or a later release wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event's bytes cannot be read")]
pub struct Unreadable;

fn numbers() -> &'static HashMap<&'static str, u64> {
    static NUMBERS: OnceLock<HashMap<&'static str, u64>> = OnceLock::new();
    NUMBERS.get_or_init(|| WORDS.iter().copied().zip(0..).collect())
}

/// Number of a word in the dictionary.
pub(crate) fn number_of(word: &str) -> Option<usize> {
    numbers().get(word).and_then(|number| usize::try_from(*number).ok())
}

/// Number of words in the dictionary.
pub(crate) fn words() -> usize {
    WORDS.len()
}

/// Packs an event: its time, then its fields.
pub(crate) fn pack<'f>(time: i64, fields: impl Iterator<Item = (&'f str, &'f Kept)>) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    put_signed(&mut bytes, time);
    for (name, value) in fields {
        put_word(&mut bytes, name);
        match value {
            Kept::Integer(value) => {
                bytes.push(0);
                put_signed(&mut bytes, *value);
            }
            Kept::Real(value) => {
                bytes.push(1);
                bytes.extend(value.to_le_bytes());
            }
            Kept::Text(text) => {
                bytes.push(2);
                put_word(&mut bytes, text);
            }
        }
    }
    bytes
}

/// LEB128.
pub(crate) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Zigzag, so that small numbers below zero are short too.
fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put_number(bytes, (number << 1 ^ number >> 63).cast_unsigned());
}

/// An odd number is a word of the dictionary, an even one the length of a text that follows.
fn put_word(bytes: &mut Vec<u8>, word: &str) {
    match numbers().get(word) {
        Some(number) => put_number(bytes, number << 1 | 1),
        None => {
            put_number(bytes, (word.len() as u64) << 1);
            bytes.extend(word.as_bytes());
        }
    }
}

/// A word as it is read: its number in the dictionary, or its text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Word<'a> {
    Known(usize),
    Text(&'a str),
}

impl<'a> Word<'a> {
    pub(crate) fn text(self) -> &'a str {
        match self {
            Self::Known(number) => WORDS[number],
            Self::Text(text) => text,
        }
    }
}

/// Reads bytes from the front.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Unreadable)
    }

    pub(crate) fn text(&mut self, bytes: u64) -> Result<&'a str, Unreadable> {
        let count = usize::try_from(bytes).map_err(|_| Unreadable)?;
        std::str::from_utf8(self.take(count)?).map_err(|_| Unreadable)
    }

    fn signed(&mut self) -> Result<i64, Unreadable> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    fn word(&mut self) -> Result<Word<'a>, Unreadable> {
        let number = self.number()?;
        if number & 1 == 0 {
            return Ok(Word::Text(self.text(number >> 1)?));
        }
        let known = usize::try_from(number >> 1).ok().filter(|known| *known < WORDS.len());
        known.map(Word::Known).ok_or(Unreadable)
    }

    /// The time of an event whose fields follow.
    pub(crate) fn begin(&mut self) -> Result<i64, Unreadable> {
        if self.take(1)? != [FORMAT] {
            return Err(Unreadable);
        }
        self.signed()
    }

    /// The next field of an event.
    pub(crate) fn field(&mut self) -> Result<(Word<'a>, Value<'a>), Unreadable> {
        let name = self.word()?;
        let value = match self.take(1)? {
            [0] => Value::Integer(self.signed()?),
            [1] => {
                let bytes = self.take(8)?.try_into().map_err(|_| Unreadable)?;
                Value::Real(f64::from_le_bytes(bytes))
            }
            [2] => Value::Text(self.word()?.text()),
            _ => return Err(Unreadable),
        };
        Ok((name, value))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_features::Value;
    use playbook_model::SourceTable;

    use super::{Kept, Reader, Unreadable, number_of, pack};

    #[test]
    fn every_field_and_kind_of_the_host_is_in_the_dictionary() {
        let fields = playbook_toml::host_fields(SourceTable::Events).map(|(name, _)| name);
        let besides = ["member", "time", "event_id"];
        let words = fields.filter(|name| !besides.contains(name));
        for word in words.chain(playbook_toml::EVENT_KINDS.iter().copied()) {
            assert!(number_of(word).is_some(), "`{word}` goes to the end of the dictionary");
        }
        // Bytes that were written stand for these words for ever.
        let first = [("kind", 0), ("partner", 15), ("join", 16), ("order_paid", 38)];
        assert!(first.iter().all(|(word, number)| number_of(word) == Some(*number)));
    }

    #[test]
    fn an_event_comes_back_and_no_other_bytes_are_one() {
        let fields = [
            ("kind", Kept::Text("order_paid".to_owned())),
            ("amount_minor", Kept::Integer(i64::MIN)),
            ("field_visit", Kept::Text("v-1 \u{4f1a}".to_owned())),
            ("sentiment", Kept::Real(-0.125)),
            ("quantity", Kept::Integer(-3)),
        ];
        let bytes = pack(-1, fields.iter().map(|(name, value)| (*name, value)));
        let mut reader = Reader(&bytes);
        assert_eq!(reader.begin(), Ok(-1));
        for (name, value) in &fields {
            let (found, read) = reader.field().unwrap();
            assert_eq!((found.text(), read), (*name, value.value()));
        }
        assert!(reader.is_at_end());
        let read = |bytes: &[u8]| -> Result<(), Unreadable> {
            let mut reader = Reader(bytes);
            reader.begin()?;
            while !reader.is_at_end() {
                reader.field()?;
            }
            Ok(())
        };
        let ends = (1..bytes.len()).filter(|end| read(&bytes[..*end]).is_ok()).count();
        assert!(ends <= fields.len(), "an event may end only where a field does");
        assert_eq!(read(&[2, 0]), Err(Unreadable));
        assert_eq!(read(&[1, 0, 0xff, 0xff, 3]), Err(Unreadable));
        assert_eq!(Value::Real(0.5), Kept::Real(0.5).value());
    }
}
