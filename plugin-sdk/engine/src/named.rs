//! Settings by name, and words.

use std::borrow::Cow;

use playbook_sdk::settings;
use playbook_sdk::settings::{Docs, Json, Schema, Setting};
use playbook_sdk::types::Words;

/// Settings by name, in the order of the names. A map of the standard library would be 5 KB of a guest for each type.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T>(Vec<(String, T)>);

impl<T: Setting> Setting for Named<T> {
    const SCHEMA: &'static Schema = &Schema::Map(T::SCHEMA);
    const DOCS: &'static Docs = T::DOCS;

    #[inline(never)]
    fn take(value: Json<'_>) -> Option<Self> {
        let Json::Table(mut table) = value else { return None };
        // Settings are canonical JSON, in which names ascend.
        let mut named = Vec::with_capacity(table.len());
        for at in 0..table.len() {
            let (name, value) = entry(&mut table, at);
            named.push((name, T::take(value)?));
        }
        Some(Self(named))
    }
}

/// Takes an entry out of a table; not once for each type.
#[inline(never)]
fn entry<'j>(table: &mut [(Cow<'_, str>, Json<'j>)], at: usize) -> (String, Json<'j>) {
    let (name, value) = &mut table[at];
    (String::from(&**name), std::mem::replace(value, Json::Null))
}

impl<T> Named<T> {
    /// Names with what they stand for.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The names.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(name, _)| name)
    }

    /// What the names stand for.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The entry of a name.
    #[inline(never)]
    pub fn entry(&self, name: &str) -> Option<(&String, &T)> {
        self.iter().find(|(known, _)| *known == name)
    }

    /// What a name stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.entry(name).map(|(_, value)| value)
    }

    /// Whether a name is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it as a list.
    #[must_use]
    pub fn entries(&self) -> &[(String, T)] {
        &self.0
    }
}

settings! {
    /// A text in both languages of pages.
    pub struct Text {
        /// English.
        pub en: String where length(1..=300) = "",
        /// Chinese, traditional characters; empty: the English text is shown.
        pub zh: String where length(0..=300) = "",
    }
}

impl From<&Text> for Words {
    fn from(text: &Text) -> Self {
        Self { en: text.en.clone(), zh: (!text.zh.is_empty()).then(|| text.zh.clone()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use playbook_sdk::settings::parse;

    #[test]
    fn what_is_named_is_found_by_name_and_stands_in_order() {
        let named: Named<i64> = parse(r#"{ "a": 1, "b": 2 }"#).unwrap();
        assert_eq!((named.len(), named.is_empty()), (2, false));
        assert_eq!((named.get("b"), named.get("c")), (Some(&2), None));
        assert!(named.has("a") && !named.has("A"));
        assert_eq!(named.entries(), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
        assert!(named.keys().eq(["a", "b"]) && named.values().eq(&[1, 2]));
        assert!(parse::<Named<i64>>("{}").unwrap().is_empty());
        assert_eq!(parse::<Named<i64>>(r#"{ "a": "1" }"#).unwrap_err().list()[0].path, "/a");
    }

    #[test]
    fn a_text_without_chinese_is_english() {
        let text = |zh: &str| Text { en: "a".to_owned(), zh: zh.to_owned() };
        assert_eq!(Words::from(&text("")), Words { en: "a".to_owned(), zh: None });
        assert_eq!(Words::from(&text("甲")).zh.as_deref(), Some("甲"));
    }
}
