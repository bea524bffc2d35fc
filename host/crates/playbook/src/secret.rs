//! Secrets have no place in a file: how one is known, and how it is kept from being shown.

use std::ops::Range;
use std::sync::Arc;

/// Parts of the names of keys that hold secrets.
const NAMES: [&str; 8] =
    ["password", "passwd", "passphrase", "secret", "token", "api_key", "access_key", "credential"];

/// Whether a key is named like one that holds a secret, and not like one that says where it is.
pub(crate) fn is_secret_name(key: &str) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    NAMES.iter().any(|name| key.contains(name)) && !key.ends_with("_env") && !key.ends_with("_file")
}

/// Whether a text is an address with a password: `scheme://user:password@host`.
pub(crate) fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let end = rest.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(rest.len());
        rest[..end].rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

/// A text that problems will show, with what stands at `places` and behind keys that are named like secrets covered; no
/// byte moves.
pub(crate) fn without_secrets(text: &Arc<str>, places: &[Range<usize>]) -> Arc<str> {
    let said = said_in_lines(text);
    places.iter().chain(&said).fold(Arc::clone(text), |text, range| covered(&text, range))
}

/// What stands behind keys that are named like secrets, where the text is no TOML too.
fn said_in_lines(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some((key, value)) = line.split_once('=')
            && is_secret_name(key.trim())
        {
            found.push(at + line.len() - value.len()..at + line.trim_end().len());
        }
        at += line.len();
    }
    found
}

fn covered(text: &str, range: &Range<usize>) -> Arc<str> {
    let covered = text.bytes().enumerate().map(|(at, byte)| match byte {
        b'\n' | b' ' => byte,
        _ if range.contains(&at) => b'*',
        _ => byte,
    });
    // A range that cuts a letter of several bytes leaves no text; then nothing of it is shown.
    let covered = String::from_utf8(covered.collect());
    covered.map_or_else(|_| Arc::from("*".repeat(text.len())), Arc::from)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{has_password, is_secret_name, without_secrets};

    #[test]
    fn secrets_are_known_by_key_and_by_address() {
        for key in ["password", "db_password", "Secret", "api-key", "aws_secret_access_key"] {
            assert!(is_secret_name(key), "{key}");
        }
        for key in ["password_env", "secret_file", "path", "pseudonym_salt", "passes"] {
            assert!(!is_secret_name(key), "{key}");
        }
        assert!(has_password("see postgres://me:hunter2@db/shop"));
        for text in ["https://db/a:b@c", "mail me@b: c", "s3://bucket/x", "postgres://me@db"] {
            assert!(!has_password(text), "{text}");
        }
    }

    #[test]
    fn hidden_secrets_move_no_byte() {
        let text = "a = 'ü'\npassword = hunter2 x\nb = \"hunter3\"\n";
        let start = text.find("\"hunter3").unwrap_or_default();
        let hidden = without_secrets(&Arc::from(text), &[start..start + 9]);
        assert_eq!(&*hidden, "a = 'ü'\npassword = ******* *\nb = *********\n");
    }
}
