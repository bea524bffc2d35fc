//! How names are written.

/// Letters of a name at most.
pub const NAME_LETTERS_MAX: usize = 64;

fn words(text: &str, joint: char) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= NAME_LETTERS_MAX
        && text.split(joint).all(word)
}

/// Whether `text` is kebab-case: words of lower-case letters and digits joined by single hyphens, the first
/// letter no digit, at most 64 letters in all. Plugins, brands, playbooks, stages and phases are named so.
#[must_use]
pub fn is_kebab(text: &str) -> bool {
    words(text, '-')
}

/// Whether `text` is snake_case, as [`is_kebab`] with single underscores. Features are named so.
#[must_use]
pub fn is_snake(text: &str) -> bool {
    words(text, '_')
}

#[cfg(test)]
mod tests {
    use super::{is_kebab, is_snake};

    #[test]
    fn names_are_words_of_small_letters_and_digits() {
        for good in ["ladder-3", "a", "a1-2b"] {
            assert!(is_kebab(good), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", "3-ladder", "a_b", "a-", "-a", "a--b", "A", "ä", &long] {
            assert!(!is_kebab(bad), "{bad}");
        }
        assert!(is_snake("orders_28d") && is_snake("a") && !is_snake("a-b") && !is_snake("_a"));
    }
}
