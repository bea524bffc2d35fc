//! What a manifest says of its plugin, so that people can read a registry without fetching components.

use std::collections::BTreeMap;

use playbook_model::one_line;

/// Letters of one entry; what is longer is cut.
const LETTERS_MAX: usize = 1_000;

/// What a manifest says of its plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Kebab-case name.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// "scoring", "segmentation" ...
    pub kind: String,
    /// Version of the contract that it was built against.
    pub contract: String,
    /// What it does, in English.
    pub summary: String,
    /// Languages that it was written in, as its producers say.
    pub languages: Vec<String>,
    /// Columns that it needs with its default settings.
    pub needs: Vec<String>,
}

/// Keys of annotations: those of the OCI specification where it has one.
const NAME: &str = "org.opencontainers.image.title";
const VERSION: &str = "org.opencontainers.image.version";
const SUMMARY: &str = "org.opencontainers.image.description";
const KIND: &str = "playbook.plugin.kind";
const CONTRACT: &str = "playbook.plugin.contract";
const LANGUAGES: &str = "playbook.plugin.languages";
const NEEDS: &str = "playbook.plugin.needs";

impl About {
    /// As annotations of a manifest.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        let said = [
            (NAME, self.name.clone()),
            (VERSION, self.version.clone()),
            (SUMMARY, self.summary.clone()),
            (KIND, self.kind.clone()),
            (CONTRACT, self.contract.clone()),
            (LANGUAGES, self.languages.join(", ")),
            (NEEDS, self.needs.join(", ")),
        ];
        let said = said.into_iter().filter(|(_, text)| !text.is_empty());
        said.map(|(key, text)| (key.to_owned(), cut(&text))).collect()
    }

    /// Of annotations, which may hold anything.
    pub(crate) fn of(annotations: &BTreeMap<String, String>) -> Self {
        let text = |key: &str| annotations.get(key).map(|text| cut(text)).unwrap_or_default();
        let list = |key: &str| {
            let text = text(key);
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.map(str::to_owned).collect()
        };
        Self {
            name: text(NAME),
            version: text(VERSION),
            kind: text(KIND),
            contract: text(CONTRACT),
            summary: text(SUMMARY),
            languages: list(LANGUAGES),
            needs: list(NEEDS),
        }
    }
}

fn cut(text: &str) -> String {
    one_line(&text.chars().take(LETTERS_MAX).collect::<String>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::About;

    #[test]
    fn what_is_said_is_read_again() {
        let about = About {
            name: "acme-score".to_owned(),
            version: "1.2.0".to_owned(),
            kind: "scoring".to_owned(),
            contract: "0.1.0".to_owned(),
            summary: "Scores, by visits".to_owned(),
            languages: vec!["Rust".to_owned()],
            needs: vec!["orders-90d".to_owned(), "output rfm.total".to_owned()],
        };
        assert_eq!(About::of(&about.annotations()), about);
    }

    #[test]
    fn what_a_stranger_says_is_cut_and_escaped() {
        let name = format!("\u{1b}[2J\n{}", "x".repeat(5_000));
        let about = About { name, ..About::default() };
        let read = About::of(&about.annotations());
        assert!(read.name.starts_with("\\u{1b}[2J\\n") && read.name.len() < 1_100);
    }
}
