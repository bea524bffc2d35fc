//! Checks of settings that engines do alike.

use playbook_sdk::Problems;
use playbook_sdk::settings::escaped;

/// Joins steps to a JSON Pointer.
#[inline(never)]
#[must_use]
pub fn pointer(steps: &[&str]) -> String {
    steps.iter().fold(String::new(), |path, step| path + "/" + &escaped(step))
}

/// Adds a problem unless something holds; not generic as [`Problems::check`], which is inlined wherever it is called.
#[inline(never)]
pub fn check(problems: &mut Problems, holds: bool, path: &[&str], message: &str) {
    if !holds {
        problems.at(pointer(path), message);
    }
}

/// Adds a problem unless `name` may name an output, an action or a reason.
#[inline(never)]
pub fn check_name(problems: &mut Problems, path: &[&str], name: &str) {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut parts = name.split(['-', '_']);
    let is_name = name.len() <= 64
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && parts.all(|part| !part.is_empty() && part.bytes().all(is_letter))
        && !(name.contains('-') && name.contains('_'));
    check(
        problems,
        is_name,
        path,
        "must be a name of small letters, digits, and single `_` or `-`",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_escapes_its_steps() {
        assert_eq!(pointer(&["numbers", "a/b~c"]), "/numbers/a~1b~0c");
        assert_eq!(pointer(&[]), "");
    }

    #[test]
    fn a_name_has_small_letters_digits_and_one_kind_of_joint() {
        let is_name = |name: &str| {
            let mut problems = Problems::new();
            check_name(&mut problems, &["flag", name], name);
            problems.is_empty()
        };
        let long = "a".repeat(64);
        for name in ["a", "a1", "a_b", "a-b-c", long.as_str()] {
            assert!(is_name(name), "{name}");
        }
        let longer = "a".repeat(65);
        for name in ["", "1a", "A", "a__b", "a-", "_a", "a-b_c", "ä", "a b", longer.as_str()] {
            assert!(!is_name(name), "{name}");
        }
    }
}
