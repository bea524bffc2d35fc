//! Reads JSON (RFC 8259) into a tree that borrows from the text: what a guest needs and no more.
//!
//! A number stays the text that it was. A message then shows what somebody wrote, and no guest carries code that
//! prints numbers before its own types have read them.

use std::borrow::Cow;

/// Deepest nesting of lists and tables.
const DEPTH_MAX: usize = 64;

/// A value of JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Flag(bool),
    /// A number as it was written.
    Number(&'a str),
    /// A text without its escapes.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Json<'a>>),
    /// Keys and values in the order of the text; no key stands twice.
    Table(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Reads a text that is one value.
///
/// # Errors
/// What was expected, and where.
pub(crate) fn read(text: &str) -> Result<Json<'_>, String> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0).and_then(|value| match reader.peek() {
        None => Ok(value),
        Some(_) => Err("expected nothing more"),
    });
    value.map_err(|what| format!("not JSON: {what} at byte {}", reader.at))
}

type Read<T> = Result<T, &'static str>;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next byte that is no white space; it is not taken.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The text from a byte to the next one; both begin a character. Ranges that panic would bring tables of Unicode.
    fn since(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// Takes the byte where it is the next one.
    fn takes(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    fn value(&mut self, depth: usize) -> Read<Json<'a>> {
        if depth > DEPTH_MAX {
            return Err("expected no deeper nesting");
        }
        match self.peek() {
            Some(b'{') => self.table(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Read<Json<'a>> {
        let words =
            [("null", Json::Null), ("true", Json::Flag(true)), ("false", Json::Flag(false))];
        let rest = &self.text.as_bytes()[self.at..];
        let found = words.into_iter().find(|(word, _)| rest.starts_with(word.as_bytes()));
        let (word, value) = found.ok_or("expected a value")?;
        self.at += word.len();
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Read<Json<'a>> {
        self.at += 1;
        let mut list = Vec::new();
        if self.takes(b']') {
            return Ok(Json::List(list));
        }
        loop {
            list.push(self.value(depth + 1)?);
            if self.takes(b']') {
                return Ok(Json::List(list));
            }
            if !self.takes(b',') {
                return Err("expected `,` or `]`");
            }
        }
    }

    fn table(&mut self, depth: usize) -> Read<Json<'a>> {
        self.at += 1;
        let mut table: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
        let mut ascends = true;
        if self.takes(b'}') {
            return Ok(Json::Table(table));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err("expected a key in quotes");
            }
            let key = self.string()?;
            // Keys of canonical JSON ascend, so that none of them is looked for among those before.
            ascends = ascends && table.last().is_none_or(|(last, _)| *last < key);
            if !ascends && table.iter().any(|(known, _)| *known == key) {
                return Err("expected each key once");
            }
            if !self.takes(b':') {
                return Err("expected `:`");
            }
            let value = self.value(depth + 1)?;
            table.push((key, value));
            if self.takes(b'}') {
                return Ok(Json::Table(table));
            }
            if !self.takes(b',') {
                return Err("expected `,` or `}`");
            }
        }
    }

    fn digits(&mut self) -> Read<()> {
        let from = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > from { Ok(()) } else { Err("expected a digit") }
    }

    fn number(&mut self) -> Read<&'a str> {
        let from = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(self.since(from))
    }

    /// A text from its opening to its closing quote; most have no escape and are borrowed as they stand.
    fn string(&mut self) -> Read<Cow<'a, str>> {
        self.at += 1;
        let mut own: Option<String> = None;
        let mut from = self.at;
        loop {
            match self.byte() {
                Some(b'"') => {
                    let last = self.since(from);
                    self.at += 1;
                    return Ok(match own {
                        None => Cow::Borrowed(last),
                        Some(own) => Cow::Owned(own + last),
                    });
                }
                Some(b'\\') => {
                    own.get_or_insert_default().push_str(self.since(from));
                    self.at += 1;
                    let letter = self.escape()?;
                    own.get_or_insert_default().push(letter);
                    from = self.at;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err("expected a closing quote"),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let byte = self.byte().ok_or("expected an escape")?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err("expected an escape"),
        })
    }

    /// What follows `\u`; a character beyond the first plane is written as two halves.
    fn unicode(&mut self) -> Read<char> {
        let mut code = self.hex()?;
        if (0xd800..0xdc00).contains(&code)
            && self.text.as_bytes().get(self.at..self.at + 2) == Some(b"\\u".as_slice())
        {
            self.at += 2;
            let low = self.hex()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err("expected the second half of a character");
            }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).ok_or("expected a character")
    }

    fn hex(&mut self) -> Read<u32> {
        let end = self.at + 4;
        let digits = self.text.as_bytes().get(self.at..end).ok_or("expected four digits")?;
        let mut code = 0;
        for digit in digits {
            let value = (*digit as char).to_digit(16).ok_or("expected four digits")?;
            code = code * 16 + value;
        }
        self.at = end;
        Ok(code)
    }
}

/// A key as one step of a JSON Pointer.
#[must_use]
pub fn escaped(key: &str) -> String {
    let mut escaped = String::new();
    for letter in key.chars() {
        match letter {
            '~' => escaped.push_str("~0"),
            '/' => escaped.push_str("~1"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The same value as another reader of JSON would make it.
    fn value(json: &Json<'_>) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Flag(flag) => Value::Bool(*flag),
            Json::Number(text) => serde_json::from_str(text).unwrap_or_default(),
            Json::Text(text) => Value::String(text.as_ref().to_owned()),
            Json::List(list) => list.iter().map(value).collect(),
            Json::Table(table) => {
                table.iter().map(|(key, one)| (key.as_ref().to_owned(), value(one))).collect()
            }
        }
    }

    const TEXTS: [&str; 14] = [
        "null",
        " [true, false ,null]\n",
        r#"{"a": 1, "b": {"c": [-0.5e-3, 1E+2, 0, -0, 12.50]}, "": ""}"#,
        r#""plain 積分""#,
        r#""\"\\\/\b\f\n\r\t""#,
        r#""é é 😀 \u0000""#,
        "[[[[[[]]]]]]",
        "{}",
        "-1",
        "9007199254740993",
        "0.1e1",
        "[1,2,[3,{\"a\":[]}]]",
        "\"\"",
        "123456789012345678",
    ];

    #[test]
    fn every_form_is_read_as_others_read_it() {
        for text in TEXTS {
            let want: Value = serde_json::from_str(text).unwrap();
            assert_eq!(value(&read(text).unwrap()), want, "{text}");
        }
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_judged_as_others_judge_it() {
        for text in TEXTS {
            let bytes = text.as_bytes();
            let mut changed: Vec<Vec<u8>> =
                (0..bytes.len()).map(|at| bytes[..at].to_vec()).collect();
            for at in 0..bytes.len() {
                for byte in b"\"\\{}[],:0-+.eEtu \x01" {
                    let mut other = bytes.to_vec();
                    other[at] = *byte;
                    changed.push(other);
                }
            }
            for other in changed.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok()) {
                let want = serde_json::from_str::<Value>(other);
                match (read(other), want) {
                    (Ok(got), Ok(want)) => assert_eq!(value(&got), want, "{other}"),
                    // A number beyond the scale is refused by its type, not here.
                    (Ok(_), Err(why)) => {
                        assert!(why.to_string().contains("out of range"), "{other}")
                    }
                    (Err(why), want) => {
                        assert!(want.is_err() || why.contains("each key once"), "{other}");
                    }
                }
            }
        }
    }

    #[test]
    fn faults_are_told_with_their_place() {
        for (text, want) in [
            ("", "not JSON: expected a value at byte 0"),
            ("[1 2]", "not JSON: expected `,` or `]` at byte 3"),
            ("{\"a\":1,\"a\":2}", "not JSON: expected each key once at byte 10"),
            ("{\"a\" 1}", "not JSON: expected `:` at byte 5"),
            ("1 1", "not JSON: expected nothing more at byte 2"),
            ("\"a", "not JSON: expected a closing quote at byte 2"),
            ("01", "not JSON: expected nothing more at byte 1"),
        ] {
            assert_eq!(read(text).unwrap_err(), want, "{text}");
        }
        assert!(read(&"[".repeat(100_000)).unwrap_err().contains("no deeper nesting"));
    }

    #[test]
    fn a_key_that_comes_twice_is_found_wherever_it_stands() {
        for text in
            [r#"{"a":1,"a":2}"#, r#"{"b":1,"a":2,"c":3,"b":4}"#, r#"{"c":1,"b":2,"a":3,"c":4}"#]
        {
            assert!(read(text).unwrap_err().contains("each key once"), "{text}");
        }
        // As many keys as settings can have, in their order: no pair of them is compared.
        let keys = (10_000..40_000_u64).map(|at| format!(r#""{at}":0"#));
        let text = format!("{{{}}}", keys.collect::<Vec<_>>().join(","));
        let Json::Table(table) = read(&text).unwrap() else { panic!("a table") };
        assert_eq!(table.len(), 30_000);
        let twice = text.replace(r#""39999":"#, r#""10005":"#);
        assert!(read(&twice).unwrap_err().contains("each key once"));
    }
}
