//! Names inside SQL expressions: enough of a scanner to find what an expression refers to.

/// Words of SQL that are no names.
const WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "case",
    "when",
    "then",
    "else",
    "end",
    "is",
    "null",
    "true",
    "false",
    "in",
    "between",
    "like",
    "cast",
    "as",
    "double",
    "bigint",
    "int",
    "integer",
    "real",
    "float",
    "boolean",
    "varchar",
    "text",
    "precision",
    "distinct",
    "nan",
    "infinity",
];

/// Why an expression cannot be read at all, with the byte where that shows.
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) why: &'static str,
}

/// Returns the names in an expression with their byte offsets: no functions, words or literals.
pub(super) fn names(text: &str) -> Result<Vec<(usize, &str)>, Broken> {
    let bytes = text.as_bytes();
    let mut names = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += 1;
                }
                if at == bytes.len() {
                    return Err(Broken { at: start, why: "the quote is not closed" });
                }
                at += 1;
                if quote == b'"' {
                    names.push((start + 1, &text[start + 1..at - 1]));
                }
            }
            b'(' => {
                open.push(at);
                at += 1;
            }
            b')' => {
                if open.pop().is_none() {
                    return Err(Broken { at, why: "there is no bracket to close" });
                }
                at += 1;
            }
            b';' => {
                return Err(Broken { at, why: "an expression has no semicolon" });
            }
            b'0'..=b'9' => {
                // Exponents such as 1e6 belong to the number.
                while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'.') {
                    at += 1;
                }
            }
            c if c.is_ascii_alphabetic() || c == b'_' => {
                while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
                    at += 1;
                }
                let word = &text[start..at];
                let function = text[at..].trim_start().starts_with('(');
                if !function && !WORDS.contains(&word.to_ascii_lowercase().as_str()) {
                    names.push((start, word));
                }
            }
            _ => at += 1,
        }
    }
    match open.pop() {
        Some(at) => Err(Broken { at, why: "the bracket is not closed" }),
        None => Ok(names),
    }
}
