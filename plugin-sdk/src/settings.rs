//! Settings: from JSON text to the author's struct, every problem with its place.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::problem::Problems;

/// Largest settings text, in bytes.
pub const SETTINGS_BYTES_MAX: usize = 256 << 10;

/// Returns the JSON Schema 2020-12 of `S`, as `describe` hands it out.
#[must_use]
pub fn schema<S: JsonSchema>() -> String {
    schemars::schema_for!(S).as_value().to_string()
}

/// Reads settings from JSON text.
///
/// # Errors
/// Every problem that shows: too long, not JSON, all that its schema refuses, and what the struct
/// refuses beyond that.
pub fn parse<S: DeserializeOwned + JsonSchema>(text: &str) -> Result<S, Problems> {
    if text.len() > SETTINGS_BYTES_MAX {
        return Err(Problems::one("", format!("longer than {SETTINGS_BYTES_MAX} bytes")));
    }
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| Problems::one("", format!("not JSON: {error}")))?;
    let schema = schemars::schema_for!(S);
    crate::schema::check(schema.as_value(), &value).into_result()?;
    serde_path_to_error::deserialize(value)
        .map_err(|error| Problems::one(pointer(error.path()), error.inner().to_string()))
}

/// JSON Pointer (RFC 6901) of a place.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("/{index}")),
            Segment::Map { key } => text.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

/// A key as one step of a JSON Pointer.
#[must_use]
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Declares settings: a struct with a default for every field, or an enum of names.
///
/// Each documented field becomes a described property of the JSON Schema; `#[schemars(range(min =
/// .., max = ..))]` and `#[schemars(length(..))]` are checked before the plugin sees the settings;
/// unknown keys are refused; a key that is left out has its default.
///
/// ```
/// use playbook_sdk::settings;
/// settings! {
///     /// How to count.
///     pub struct Settings {
///         /// Days that count, at least one.
///         #[schemars(range(min = 1, max = 365))]
///         pub days: u32 = 30,
///         /// What to count.
///         pub what: What = What::Orders,
///     }
/// }
/// settings! {
///     /// Things to count.
///     pub enum What { Orders, Reviews }
/// }
/// let settings: Settings = playbook_sdk::settings::parse(r#"{ "what": "reviews" }"#)?;
/// assert_eq!((settings.days, settings.what), (30, What::Reviews));
/// # Ok::<(), playbook_sdk::Problems>(())
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty = $default:expr),* $(,)?
        }
    ) => {
        #[derive(
            Debug, Clone, PartialEq,
            $crate::serde::Deserialize, $crate::serde::Serialize, $crate::schemars::JsonSchema,
        )]
        #[serde(crate = "playbook_sdk::serde", deny_unknown_fields, default)]
        #[schemars(crate = "playbook_sdk::schemars")]
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type),*
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident),* $(,)?
        }
    ) => {
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq,
            $crate::serde::Deserialize, $crate::serde::Serialize, $crate::schemars::JsonSchema,
        )]
        #[serde(crate = "playbook_sdk::serde", rename_all = "kebab-case")]
        #[schemars(crate = "playbook_sdk::schemars")]
        $(#[$meta])*
        #[allow(missing_docs, reason = "a name may say all there is to say")]
        $vis enum $name {
            $($(#[$variant_meta])* $variant),*
        }
    };
}
