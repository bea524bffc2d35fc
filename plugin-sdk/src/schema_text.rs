//! The JSON Schema 2020-12 of settings as a text, written while a plugin is compiled.

use crate::schema::{Bound, Docs, Field, Rule, Schema};

/// Returns how many bytes the schema of settings takes.
#[must_use]
pub const fn length(schema: &Schema, docs: &Docs) -> usize {
    write(schema, docs, &mut [])
}

/// Returns the schema of settings; `N` is its [`length`].
#[must_use]
pub const fn text<const N: usize>(schema: &Schema, docs: &Docs) -> [u8; N] {
    let mut bytes = [0; N];
    write(schema, docs, &mut bytes);
    bytes
}

/// Returns the bytes of a schema as the text that they are.
#[must_use]
pub const fn as_text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("texts were written one after the other"),
    }
}

/// The same text, made while running.
pub(crate) fn owned(schema: &Schema, docs: &Docs) -> String {
    let mut bytes = vec![0; length(schema, docs)];
    write(schema, docs, &mut bytes);
    String::from_utf8(bytes).expect("texts were written one after the other")
}

/// Writes the schema where it fits and returns its length.
const fn write(schema: &Schema, docs: &Docs, bytes: &mut [u8]) -> usize {
    let mut out = Out { bytes, len: 0, last: 0 };
    out.raw("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"");
    out.schema(schema, docs, &[], false);
    out.raw("}");
    out.len
}

struct Out<'b> {
    bytes: &'b mut [u8],
    len: usize,
    /// The byte written last, which tells whether a key is the first one.
    last: u8,
}

impl Out<'_> {
    const fn byte(&mut self, byte: u8) {
        if self.len < self.bytes.len() {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
        self.last = byte;
    }

    const fn raw(&mut self, text: &str) {
        let mut at = 0;
        while at < text.len() {
            self.byte(text.as_bytes()[at]);
            at += 1;
        }
    }

    /// A text in quotes.
    const fn quoted(&mut self, text: &str) {
        self.byte(b'"');
        self.escaped(text);
        self.byte(b'"');
    }

    const fn escaped(&mut self, text: &str) {
        let mut at = 0;
        while at < text.len() {
            match text.as_bytes()[at] {
                b'\n' => self.raw("\\n"),
                b'\t' => self.byte(b' '),
                byte => {
                    if byte == b'"' || byte == b'\\' {
                        self.byte(b'\\');
                    }
                    self.byte(byte);
                }
            }
            at += 1;
        }
    }

    /// A number of Rust as one of JSON: without the `_` between digits.
    const fn number(&mut self, text: &str) {
        let mut at = 0;
        while at < text.len() {
            if text.as_bytes()[at] != b'_' {
                self.byte(text.as_bytes()[at]);
            }
            at += 1;
        }
    }

    const fn integer(&mut self, number: i64) {
        if number < 0 {
            self.byte(b'-');
        }
        let mut divisor = 1_000_000_000_000_000_000_u64;
        let mut rest = number.unsigned_abs();
        while divisor > 1 && rest < divisor {
            divisor /= 10;
        }
        while divisor > 0 {
            self.byte(b'0' + (rest / divisor) as u8);
            rest %= divisor;
            divisor /= 10;
        }
    }

    const fn key(&mut self, name: &str) {
        if self.last != b'{' {
            self.byte(b',');
        }
        self.quoted(name);
        self.byte(b':');
    }

    /// What a value may be, as further keys of a schema that is open.
    const fn schema(&mut self, schema: &Schema, docs: &Docs, rules: &[Rule], nullable: bool) {
        match schema {
            Schema::Maybe(schema) => self.schema(schema, docs, rules, true),
            Schema::Flag => self.kind("boolean", nullable),
            Schema::Integer(least, most) => {
                self.kind("integer", nullable);
                // A narrower rule stands for the bound of the type.
                if !has_bound(rules, false) {
                    self.key("minimum");
                    self.integer(*least);
                }
                if !has_bound(rules, true) {
                    self.key("maximum");
                    self.integer(*most);
                }
            }
            Schema::Real => self.kind("number", nullable),
            Schema::Text => self.kind("string", nullable),
            Schema::Choice(names) => self.choice(names, nullable),
            Schema::List(inner, length) => {
                self.kind("array", nullable);
                if let Some(length) = length {
                    self.key("minItems");
                    self.integer(*length as i64);
                    self.key("maxItems");
                    self.integer(*length as i64);
                }
                self.key("items");
                self.nested(inner, docs, each(rules));
            }
            Schema::Map(inner) => {
                self.kind("object", nullable);
                self.key("additionalProperties");
                self.nested(inner, docs, &[]);
            }
            Schema::Table(fields) => {
                self.kind("object", nullable);
                self.key("properties");
                self.byte(b'{');
                self.fields(fields, docs);
                self.byte(b'}');
                self.key("additionalProperties");
                self.raw("false");
            }
        }
        let mut at = 0;
        while at < rules.len() {
            self.rule(schema, &rules[at]);
            at += 1;
        }
    }

    const fn nested(&mut self, schema: &Schema, docs: &Docs, rules: &[Rule]) {
        self.byte(b'{');
        self.schema(schema, docs, rules, false);
        self.byte(b'}');
    }

    const fn kind(&mut self, name: &str, nullable: bool) {
        self.key("type");
        if nullable {
            self.byte(b'[');
            self.quoted(name);
            self.raw(",\"null\"]");
        } else {
            self.quoted(name);
        }
    }

    const fn choice(&mut self, names: &[&str], nullable: bool) {
        self.key("enum");
        self.byte(b'[');
        let mut at = 0;
        while at < names.len() {
            if at > 0 {
                self.byte(b',');
            }
            self.quoted(names[at]);
            at += 1;
        }
        self.raw(if nullable { ",null]" } else { "]" });
    }

    const fn fields(&mut self, fields: &[Field], docs: &Docs) {
        let mut at = 0;
        while at < fields.len() {
            let field = &fields[at];
            let (lines, within) = docs.0[at];
            self.key(field.name);
            self.byte(b'{');
            self.key("description");
            self.lines(lines);
            self.schema(field.schema, within, field.rules, false);
            self.key("default");
            self.raw(field.default);
            self.byte(b'}');
            at += 1;
        }
    }

    /// Lines of documentation as one text; an empty line stays a break.
    const fn lines(&mut self, lines: &[&str]) {
        self.byte(b'"');
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at];
            // The compiler keeps the space after `///`; between lines it is the gap.
            match line.as_bytes() {
                [] => self.raw("\\n"),
                [b' ', rest @ ..] if at == 0 => self.escaped(as_text(rest)),
                _ => self.escaped(line),
            }
            at += 1;
        }
        self.byte(b'"');
    }

    const fn rule(&mut self, schema: &Schema, rule: &Rule) {
        match rule {
            Rule::Within(least, most) => {
                self.bound("minimum", least);
                self.bound("maximum", most);
            }
            Rule::Above(bound) => self.bound("exclusiveMinimum", &Some(*bound)),
            Rule::Length(least, most) => {
                let [min, max] = match schema {
                    Schema::Text => ["minLength", "maxLength"],
                    Schema::Map(_) => ["minProperties", "maxProperties"],
                    _ => ["minItems", "maxItems"],
                };
                if *least > 0 {
                    self.key(min);
                    self.integer(*least as i64);
                }
                if let Some(most) = most {
                    self.key(max);
                    self.integer(*most as i64);
                }
            }
            Rule::Distinct(_) => {
                self.key("uniqueItems");
                self.raw("true");
            }
            Rule::Each(_) => {}
        }
    }

    const fn bound(&mut self, name: &str, bound: &Option<Bound>) {
        if let Some(Bound(_, text)) = bound {
            self.key(name);
            self.number(text);
        }
    }
}

/// The rule for entries of a list.
const fn each(rules: &[Rule]) -> &[Rule] {
    let mut at = 0;
    while at < rules.len() {
        if let Rule::Each(rule) = &rules[at] {
            return std::slice::from_ref(*rule);
        }
        at += 1;
    }
    &[]
}

/// Whether a rule sets the bound below, or above.
const fn has_bound(rules: &[Rule], above: bool) -> bool {
    let mut at = 0;
    while at < rules.len() {
        if let Rule::Within(least, most) = &rules[at]
            && (if above { most.is_some() } else { least.is_some() })
        {
            return true;
        }
        at += 1;
    }
    false
}
