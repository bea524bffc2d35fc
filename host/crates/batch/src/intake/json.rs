//! JSON lines, one object each: the mapped members as text. Numbers keep their digits; no float comes between.

use std::collections::BTreeSet;

use json_event_parser::{JsonEvent, JsonSyntaxError, SliceJsonParser};

use crate::intake::field::FieldReader;
use crate::intake::rejects::Refused;
use crate::intake::transform::Reason;

/// The mapped members of the current line.
pub(crate) struct JsonRow {
    names: Vec<String>,
    values: Vec<Given>,
    /// Per field, whether any line had the member.
    seen: Vec<bool>,
    unmapped: BTreeSet<String>,
    /// Whether any line was an object.
    any: bool,
}

/// The value of a member.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    /// The object lacks the member.
    Absent,
    /// `null`.
    Null,
    Text(String),
    Flag(bool),
    /// An array or an object.
    Compound,
}

impl JsonRow {
    pub(crate) fn new(fields: &[FieldReader]) -> Self {
        Self {
            names: fields.iter().map(|field| field.from.clone()).collect(),
            values: vec![Given::Absent; fields.len()],
            seen: vec![false; fields.len()],
            unmapped: BTreeSet::new(),
            any: false,
        }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// Why the row cannot be read.
    pub(crate) fn read(&mut self, line: &[u8]) -> Result<(), Refused> {
        self.values.fill(Given::Absent);
        match self.read_object(line) {
            Ok(None) => {
                self.any = true;
                Ok(())
            }
            Ok(Some(twice)) => Err(Refused::row(format!("the line has `{twice}` twice"))),
            Err(NotAnObject) => Err(Refused::row("the line is not a JSON object")),
        }
    }

    /// Reads an object; returns the name of a mapped member that occurs twice, if any.
    fn read_object(&mut self, line: &[u8]) -> Result<Option<String>, NotAnObject> {
        let mut twice = None;
        each_member(line, |name, given| {
            let mut is_mapped = false;
            for at in (0..self.names.len()).filter(|at| self.names[*at] == name) {
                is_mapped = true;
                self.seen[at] = true;
                if !matches!(self.values[at], Given::Absent) {
                    twice = Some(name.to_owned());
                }
                self.values[at].clone_from(&given);
            }
            if !is_mapped && !self.unmapped.contains(name) {
                self.unmapped.insert(name.to_owned());
            }
        })?;
        Ok(twice)
    }

    /// The text of a field; `None` where it is missing.
    pub(crate) fn field(&self, at: usize, field: &FieldReader) -> Result<Option<&[u8]>, Reason> {
        match &self.values[at] {
            Given::Absent | Given::Null => Ok(None),
            Given::Text(text) => Ok(Some(text.as_bytes())),
            Given::Flag(_) if field.is_id => Err(Reason::NotAnId),
            Given::Flag(true) => Ok(Some(b"true")),
            Given::Flag(false) => Ok(Some(b"false")),
            Given::Compound => Err(Reason::Compound),
        }
    }

    /// By field, whether any object had the member; and the members that no field reads. `None` where no line was an
    /// object.
    pub(crate) fn into_seen(self) -> Option<(Vec<bool>, BTreeSet<String>)> {
        self.any.then_some((self.seen, self.unmapped))
    }
}

/// Calls `take` with each member of a line's object, in order.
///
/// # Errors
/// Where the line is no JSON object, or more than one; members before the fault were taken already.
pub(crate) fn each_member(
    line: &[u8],
    mut take: impl FnMut(&str, Given),
) -> Result<(), NotAnObject> {
    let json = &mut SliceJsonParser::new(line);
    if !matches!(json.parse_next()?, JsonEvent::StartObject) {
        return Err(NotAnObject);
    }
    loop {
        match json.parse_next()? {
            JsonEvent::ObjectKey(name) => {
                let given = given(json)?;
                take(&name, given);
            }
            JsonEvent::EndObject => break,
            _ => return Err(NotAnObject),
        }
    }
    match json.parse_next()? {
        JsonEvent::Eof => Ok(()),
        _ => Err(NotAnObject),
    }
}

/// A line that is no JSON object.
#[derive(Debug)]
pub(crate) struct NotAnObject;

impl From<JsonSyntaxError> for NotAnObject {
    fn from(_: JsonSyntaxError) -> Self {
        Self
    }
}

/// Reads a value.
fn given(json: &mut SliceJsonParser<'_>) -> Result<Given, NotAnObject> {
    Ok(match json.parse_next()? {
        JsonEvent::Null => Given::Null,
        JsonEvent::Boolean(flag) => Given::Flag(flag),
        JsonEvent::String(text) | JsonEvent::Number(text) => Given::Text(text.into_owned()),
        JsonEvent::StartArray | JsonEvent::StartObject => {
            let mut depth = 1_usize;
            while depth > 0 {
                match json.parse_next()? {
                    JsonEvent::StartArray | JsonEvent::StartObject => depth += 1,
                    JsonEvent::EndArray | JsonEvent::EndObject => depth -= 1,
                    JsonEvent::Eof => return Err(NotAnObject),
                    _ => {}
                }
            }
            Given::Compound
        }
        _ => return Err(NotAnObject),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_model::{MapRow, MapType};

    use super::JsonRow;
    use crate::intake::field::FieldReader;

    fn field(to: &str) -> FieldReader {
        let row = MapRow::plain(to, to, MapType::Text);
        FieldReader::new(&row, to, 2, "").unwrap()
    }

    /// The member and the channel of a line, each as text, `-` or what is wrong.
    fn read(line: &str) -> Result<[String; 2], String> {
        let fields = [field("member"), field("channel")];
        let mut row = JsonRow::new(&fields);
        row.read(line.as_bytes()).map_err(|refused| refused.reason)?;
        Ok([0, 1].map(|at| match row.field(at, &fields[at]) {
            Ok(Some(text)) => String::from_utf8(text.to_vec()).unwrap(),
            Ok(None) => "-".to_owned(),
            Err(reason) => reason.words().to_owned(),
        }))
    }

    #[test]
    fn numbers_stay_as_they_are_written_and_only_scalars_are_texts() {
        let cases = [
            (r#"{"member":98765432109876543210,"channel":1e2}"#, ["98765432109876543210", "1e2"]),
            (r#"{"member":12345.0,"channel":null}"#, ["12345.0", "-"]),
            (r#"{"other":[{"member":1}],"channel":"a\u00e9"}"#, ["-", "a\u{e9}"]),
            (r#"{"member":true,"channel":true}"#, ["is true or false, not an id", "true"]),
            (r#"{"member":{"id":7},"channel":["x"]}"#, ["is an array or an object"; 2]),
        ];
        for (line, want) in cases {
            assert_eq!(read(line).unwrap(), want, "{line}");
        }
    }

    #[test]
    fn a_member_that_stands_twice_and_what_is_no_object_are_told() {
        assert_eq!(
            read(r#"{"member":"a","member":"b"}"#).unwrap_err(),
            "the line has `member` twice"
        );
        assert!(read(r#"{"x":1,"x":2,"member":"a"}"#).is_ok());
        for line in ["[1]", "{", r#"{"member":"a"} x"#, "7", r#"{"member":NaN}"#, ""] {
            assert_eq!(read(line).unwrap_err(), "the line is not a JSON object", "{line}");
        }
    }
}
