//! Languages that a component was written in, as its producers say.

use wasmparser::{KnownCustom, Parser, Payload};

/// Languages that are told at most.
const LANGUAGES_MAX: usize = 8;

/// Returns what compilers wrote into a component of the language of its source; empty where they wrote nothing, or where it was
/// stripped. It is their word: nothing checks it.
#[must_use]
pub fn languages(component: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else { break };
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Producers(fields) = section.as_known() else { continue };
        for field in fields.into_iter().filter_map(Result::ok).filter(|f| f.name == "language") {
            found
                .extend(field.values.into_iter().filter_map(Result::ok).map(|v| v.name.to_owned()));
        }
    }
    found.sort();
    found.dedup();
    found.truncate(LANGUAGES_MAX);
    found
}

#[cfg(test)]
mod tests {
    use super::languages;

    #[test]
    fn what_is_no_component_has_no_language() {
        assert!(languages(b"").is_empty());
        assert!(languages(b"\0asm\x0d\0\x01\0").is_empty());
        assert!(languages(b"no component at all").is_empty());
    }

    #[test]
    fn producers_say_the_language() {
        // A core module with one section: producers, one field `language`, one value `Rust` of no version.
        let section = b"\x09producers\x01\x08language\x01\x04Rust\x00";
        let mut module = b"\0asm\x01\0\0\0\0".to_vec();
        module.push(u8::try_from(section.len()).unwrap_or_default());
        module.extend_from_slice(section);
        assert_eq!(languages(&module), ["Rust"]);
    }
}
