//! An error in words.

use std::error::Error;

/// An error with all that led to it, in one line, for logs and alerts.
#[must_use]
pub fn reasons(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        next = cause.source();
    }
    words
}
