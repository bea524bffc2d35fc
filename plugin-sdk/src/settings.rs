//! Settings: from JSON text to the author's struct, every problem with its place.

use std::collections::BTreeMap;

pub use crate::json::{Json, escaped};
use crate::problem::Problems;
pub use crate::schema::{Bound, Docs, Field, Rule, Schema, listed, nearest};
use crate::types::Comparison;
use crate::{decimal, json, schema};

/// Largest settings text, in bytes.
pub const SETTINGS_BYTES_MAX: usize = 256 << 10;

/// A value that settings may hold; [`settings!`](crate::settings!) makes structs and enums such values.
pub trait Setting: Sized {
    /// What such a value may be.
    const SCHEMA: &'static Schema;
    /// Documentation of the settings within; only what writes the schema refers to it, so that a component holds it once.
    const DOCS: &'static Docs = &Docs(&[]);

    /// Takes over a value of JSON that the schema accepts; none for any other.
    fn take(value: Json<'_>) -> Option<Self>;
}

/// Returns the JSON Schema 2020-12 of `S`, as `describe` hands it out.
#[must_use]
pub fn schema<S: Setting>() -> String {
    crate::schema_text::owned(S::SCHEMA, S::DOCS)
}

/// Reads settings from JSON text.
///
/// # Errors
/// Every problem that shows: too long, not JSON, all that the schema refuses.
pub fn parse<S: Setting>(text: &str) -> Result<S, Problems> {
    if text.len() > SETTINGS_BYTES_MAX {
        return Err(Problems::one("", format!("longer than {SETTINGS_BYTES_MAX} bytes")));
    }
    let value = json::read(text)?;
    schema::check(S::SCHEMA, &value).into_result()?;
    S::take(value).ok_or_else(|| Problems::one("", "a setting is not what its schema says"))
}

/// The text of a default; `null` alone is no literal of Rust, so that nothing was caught of it. A number of Rust that is none of
/// JSON ends the build: no host could read the schema.
#[doc(hidden)]
#[must_use]
pub const fn or_null(text: &'static str) -> &'static str {
    let (mut at, mut is_quoted) = (0, false);
    while at < text.len() {
        match text.as_bytes()[at] {
            b'\\' => at += 1,
            b'"' => is_quoted = !is_quoted,
            b'_' => assert!(is_quoted, "a default is written in JSON: no `_` between digits"),
            _ => {}
        }
        at += 1;
    }
    if text.is_empty() { "null" } else { text }
}

/// Takes the value of a key out of a table, or its default.
#[doc(hidden)]
pub fn field<T: Setting>(
    table: &mut [(std::borrow::Cow<'_, str>, Json<'_>)],
    field: &Field,
) -> Option<T> {
    T::take(given(table, field)?)
}

/// Not once for each type: a guest has many.
#[inline(never)]
fn given<'j>(
    table: &mut [(std::borrow::Cow<'_, str>, Json<'j>)],
    field: &Field,
) -> Option<Json<'j>> {
    match table.iter_mut().find(|(key, _)| key == field.name) {
        Some((_, value)) => Some(std::mem::replace(value, Json::Null)),
        None => json::read(field.default).ok(),
    }
}

/// Returns which of these names a value is.
#[doc(hidden)]
#[inline(never)]
#[must_use]
pub fn choice(value: &Json<'_>, names: &[&str]) -> Option<usize> {
    let Json::Text(text) = value else { return None };
    names.iter().position(|name| *name == text.as_ref())
}

impl Setting for bool {
    const SCHEMA: &'static Schema = &Schema::Flag;
    fn take(value: Json<'_>) -> Option<Self> {
        if let Json::Flag(flag) = value { Some(flag) } else { None }
    }
}

/// One way to read them all.
#[inline(never)]
fn integer(value: &Json<'_>) -> Option<i64> {
    if let Json::Number(text) = value { text.parse().ok() } else { None }
}

macro_rules! integers {
    ($($integer:ty: $least:expr, $most:expr;)*) => {$(
        impl Setting for $integer {
            const SCHEMA: &'static Schema = &Schema::Integer($least, $most);
            fn take(value: Json<'_>) -> Option<Self> {
                <$integer>::try_from(integer(&value)?).ok()
            }
        }
    )*};
}

integers! {
    i64: i64::MIN, i64::MAX;
    u32: 0, u32::MAX as i64;
    u16: 0, u16::MAX as i64;
}

impl Setting for f64 {
    const SCHEMA: &'static Schema = &Schema::Real;
    fn take(value: Json<'_>) -> Option<Self> {
        if let Json::Number(text) = value { Some(decimal::real(text)) } else { None }
    }
}

impl Setting for String {
    const SCHEMA: &'static Schema = &Schema::Text;
    fn take(value: Json<'_>) -> Option<Self> {
        if let Json::Text(text) = value { Some(text.into_owned()) } else { None }
    }
}

impl<T: Setting> Setting for Option<T> {
    const SCHEMA: &'static Schema = &Schema::Maybe(T::SCHEMA);
    const DOCS: &'static Docs = T::DOCS;
    fn take(value: Json<'_>) -> Option<Self> {
        if value == Json::Null { Some(None) } else { T::take(value).map(Some) }
    }
}

impl<T: Setting> Setting for Vec<T> {
    const SCHEMA: &'static Schema = &Schema::List(T::SCHEMA, None);
    const DOCS: &'static Docs = T::DOCS;
    fn take(value: Json<'_>) -> Option<Self> {
        let Json::List(mut list) = value else { return None };
        let mut taken = Self::with_capacity(list.len());
        for entry in &mut list {
            taken.push(T::take(std::mem::replace(entry, Json::Null))?);
        }
        Some(taken)
    }
}

impl<T: Setting, const N: usize> Setting for [T; N] {
    const SCHEMA: &'static Schema = &Schema::List(T::SCHEMA, Some(N));
    const DOCS: &'static Docs = T::DOCS;
    fn take(value: Json<'_>) -> Option<Self> {
        Vec::take(value)?.try_into().ok()
    }
}

impl<T: Setting> Setting for BTreeMap<String, T> {
    const SCHEMA: &'static Schema = &Schema::Map(T::SCHEMA);
    const DOCS: &'static Docs = T::DOCS;
    fn take(value: Json<'_>) -> Option<Self> {
        let Json::Table(table) = value else { return None };
        let mut map = Self::new();
        // One by one: a collected map is sorted first, and that sort would be 5 KB of a guest.
        for (key, value) in table {
            map.insert(key.into_owned(), T::take(value)?);
        }
        Some(map)
    }
}

impl Setting for Comparison {
    const SCHEMA: &'static Schema = &Schema::Choice(COMPARISONS);
    fn take(value: Json<'_>) -> Option<Self> {
        let all = [Self::AtLeast, Self::MoreThan, Self::AtMost, Self::LessThan];
        all.get(choice(&value, COMPARISONS)?).copied()
    }
}

/// Names of comparisons, as the contract writes them.
const COMPARISONS: &[&str] = &["at-least", "more-than", "at-most", "less-than"];

/// Declares settings: a struct with a default for every field, or an enum of names.
///
/// Documentation becomes descriptions in the JSON Schema. A default is written as a playbook would give it, in JSON:
/// a number (no `_` between its digits), a text, `[..]`, `{..}` or `null`. After `where` stand rules, which are checked before the plugin
/// sees the settings and told in the schema:
///
/// | rule | holds for |
/// |---|---|
/// | `within(1..=365)`, `within(0.0..)`, `above(0)` | a number |
/// | `each(within(0..))` | every entry of a list |
/// | `length(1..=32)`, `length(1..)` | a list, a map, a text |
/// | `distinct`, `distinct(name)` | entries of a list; tables by the field `name` |
///
/// Unknown keys are refused, and a key that is left out has its default, which must keep the rules too.
///
/// ```
/// use playbook_sdk::settings;
/// settings! {
///     /// How to count.
///     pub struct Settings {
///         /// Days that count, at least one.
///         pub days: u32 where within(1..=365) = 30,
///         /// What to count.
///         pub what: What = "orders",
///     }
/// }
/// settings! {
///     /// Things to count.
///     pub enum What { Orders = "orders", Reviews = "reviews" }
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
            $(
                $(#[doc = $doc:expr])*
                $field_vis:vis $field:ident : $type:ty
                $(where $($rule:ident $(($($argument:tt)*))?),+)?
                = $($value:literal)? $([$($entry:tt)*])? $({$($key:tt)*})? $(null)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $($(#[doc = $doc])* $field_vis $field: $type),*
        }

        const _: () = {
            use $crate::settings::{Docs, Field, Json, Schema, Setting};
            const FIELDS: &[Field] = &[$(Field {
                name: stringify!($field),
                schema: <$type as Setting>::SCHEMA,
                rules: &[$($($crate::__rule!($rule $(($($argument)*))?)),+)?],
                default: $crate::settings::or_null(concat!(
                    $(stringify!($value))?
                    $("[", stringify!($($entry)*), "]")?
                    $("{", stringify!($($key)*), "}")?
                )),
            }),*];

            impl Setting for $name {
                const SCHEMA: &'static Schema = &Schema::Table(FIELDS);
                const DOCS: &'static Docs =
                    &Docs(&[$((&[$($doc),*], <$type as Setting>::DOCS)),*]);
                fn take(value: Json<'_>) -> ::core::option::Option<Self> {
                    let Json::Table(mut table) = value else { return None };
                    let mut fields = FIELDS.iter();
                    ::core::option::Option::Some(Self {
                        $($field: $crate::settings::field(&mut table, fields.next()?)?),*
                    })
                }
            }

            impl ::core::default::Default for $name {
                fn default() -> Self {
                    let standard = Self::take(Json::Table(::std::vec::Vec::new()));
                    standard.expect("the defaults of settings are of their types")
                }
            }
        };
    };
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "a name may say all there is to say")]
        $vis enum $name {
            $($(#[$variant_meta])* $variant),*
        }

        impl $crate::settings::Setting for $name {
            const SCHEMA: &'static $crate::settings::Schema =
                &$crate::settings::Schema::Choice(&[$($text),*]);
            fn take(value: $crate::settings::Json<'_>) -> ::core::option::Option<Self> {
                let at = $crate::settings::choice(&value, &[$($text),*])?;
                [$(Self::$variant),*].get(at).copied()
            }
        }
    };
}

/// One rule after `where`.
#[doc(hidden)]
#[macro_export]
macro_rules! __rule {
    (within($($range:tt)*)) => {{
        const BOUNDS: [::core::option::Option<$crate::settings::Bound>; 2] = $crate::__bounds!($($range)*);
        $crate::settings::Rule::Within(BOUNDS[0], BOUNDS[1])
    }};
    (above($bound:literal)) => {
        $crate::settings::Rule::Above($crate::settings::Bound($bound as f64, stringify!($bound)))
    };
    (each($($rule:tt)*)) => {{
        const RULE: $crate::settings::Rule = $crate::__rule!($($rule)*);
        $crate::settings::Rule::Each(&RULE)
    }};
    (length($least:literal ..)) => {
        $crate::settings::Rule::Length($least, ::core::option::Option::None)
    };
    (length($least:literal ..= $most:expr)) => {
        $crate::settings::Rule::Length($least, ::core::option::Option::Some($most))
    };
    (distinct) => {
        $crate::settings::Rule::Distinct(::core::option::Option::None)
    };
    (distinct($field:ident)) => {
        $crate::settings::Rule::Distinct(::core::option::Option::Some(stringify!($field)))
    };
}

/// The bounds of a range of numbers.
#[doc(hidden)]
#[macro_export]
macro_rules! __bounds {
    ($least:literal ..) => {
        [$crate::__bound!($least), ::core::option::Option::None]
    };
    (..= $most:literal) => {
        [::core::option::Option::None, $crate::__bound!($most)]
    };
    ($least:literal ..= $most:literal) => {
        [$crate::__bound!($least), $crate::__bound!($most)]
    };
}

/// One bound, as a number and as it is written.
#[doc(hidden)]
#[macro_export]
macro_rules! __bound {
    ($bound:literal) => {
        ::core::option::Option::Some($crate::settings::Bound($bound as f64, stringify!($bound)))
    };
}
