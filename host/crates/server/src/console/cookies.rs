//! Cookies of the console.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// Names the session.
pub(super) const SESSION: &str = "playbook-session";
/// Holds the token of the form that logs in.
pub(super) const FORM: &str = "playbook-form";
/// Holds the language that was chosen.
pub(super) const LANGUAGE: &str = "playbook-language";

/// The value of a cookie that came.
pub(super) fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim())).find(|pair| pair.0 == name).map(|p| p.1)
}

/// A cookie that no script reads and no other site's request brings; one that lasts no time ends.
pub(super) fn set(name: &str, value: &str, lasts: Duration, speaks_tls: bool) -> HeaderValue {
    let secure = if speaks_tls { "; Secure" } else { "" };
    let seconds = lasts.as_secs();
    let text = format!(
        "{name}={value}; Path=/console; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    HeaderValue::try_from(text).expect("names and values of these cookies are plain letters")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use axum::http::{HeaderMap, header};

    use super::value;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; xb=2;b=3".parse().unwrap());
        headers.append(header::COOKIE, "c=4".parse().unwrap());
        let found = ["a", "b", "c", "d"].map(|name| value(&headers, name));
        assert_eq!(found, [Some("1"), Some("3"), Some("4"), None]);
    }
}
