//! The patterns of `like`.

/// Whether a text matches a pattern: `%` stands for any characters, `_` for one, a backslash takes the next as it is.
pub(super) fn like(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    // Where to go on when what follows the last `%` does not fit.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match pattern.get(in_pattern) {
            Some('%') => {
                retry = Some((in_pattern + 1, at));
                in_pattern += 1;
                continue;
            }
            Some('_') if at < text.len() => {
                at += 1;
                in_pattern += 1;
                continue;
            }
            Some('\\')
                if pattern.len() > in_pattern + 1
                    && text.get(at) == pattern.get(in_pattern + 1) =>
            {
                at += 1;
                in_pattern += 2;
                continue;
            }
            Some(wanted) if *wanted != '\\' && text.get(at) == Some(wanted) => {
                at += 1;
                in_pattern += 1;
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        match retry {
            Some((after, from)) if from < text.len() => {
                retry = Some((after, from + 1));
                (at, in_pattern) = (from + 1, after);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn patterns_stand_for_characters() {
        let fits = |text: &str, pattern: &str| {
            like(&text.chars().collect::<Vec<_>>(), &pattern.chars().collect::<Vec<_>>())
        };
        for (text, pattern, want) in [
            ("vip", "vip", true),
            ("vip", "v%", true),
            ("vip", "%p", true),
            ("vip", "v_p", true),
            ("vip", "v_", false),
            ("", "%", true),
            ("aab", "%ab", true),
            ("a%b", "a\\%b", true),
            ("axb", "a\\%b", false),
            ("abcabd", "%ab_", true),
            ("abc", "_%_%d", false),
        ] {
            assert_eq!(fits(text, pattern), want, "{text} like {pattern}");
        }
    }
}
