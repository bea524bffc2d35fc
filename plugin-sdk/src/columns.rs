//! Typed handles of columns: one list declares a column, gives its name in code and says its type.

use std::marker::PhantomData;

use crate::answer::Outputs;
use crate::rows::{Categories, Column, Lists, Rows, TextLists, Texts};
use crate::shape::{Action, Produce, Shape, Words};
use crate::types::Factor;

/// A column that a plugin reads, by its place among the needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct In<T>(usize, PhantomData<T>);

/// A column that a plugin gives, by its place among the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Out<T>(usize, PhantomData<T>);

impl<T> In<T> {
    /// The need at that place, for columns that settings name; others have a name from
    /// [`declare!`](crate::declare!).
    #[inline]
    #[must_use]
    pub const fn at(place: usize) -> Self {
        Self(place, PhantomData)
    }
}

impl<T> Out<T> {
    /// The output at that place, for columns that settings name.
    #[inline]
    #[must_use]
    pub const fn at(place: usize) -> Self {
        Self(place, PhantomData)
    }
}

/// What the cells of a column hold.
pub trait Cell {
    /// A column of such cells, as a plugin reads it.
    type View<'a>;
    /// One such cell, as a plugin gives it.
    type Value<'v>;
    #[doc(hidden)]
    fn view<'a>(rows: &Rows<'a>, place: usize) -> Self::View<'a>;
    #[doc(hidden)]
    fn set(out: &mut Outputs<'_>, place: usize, row: usize, value: Self::Value<'_>);
}

macro_rules! cells {
    ($($(#[$doc:meta])* $cell:ident: $view:ty, $value:ty, $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $cell;
        impl Cell for $cell {
            type View<'a> = $view;
            type Value<'v> = $value;
            #[inline]
            fn view<'a>(rows: &Rows<'a>, place: usize) -> $view {
                rows.$method(place)
            }
            #[inline]
            fn set(out: &mut Outputs<'_>, place: usize, row: usize, value: Self::Value<'_>) {
                out.$method(place, row, value);
            }
        }
    )*};
}

cells! {
    /// Finite numbers.
    Real: Column<'a, f64>, f64, real;
    /// Counts, days, money in minor units, flags as 0 or 1, keys.
    Integer: Column<'a, i64>, i64, integer;
    /// Positions in a closed list.
    Category: Categories<'a>, usize, category;
    /// Texts.
    Text: Texts<'a>, &'v str, text;
    /// Lists of reals.
    Reals: Lists<'a, f64>, &'v [f64], reals;
    /// Lists of integers.
    Integers: Lists<'a, i64>, &'v [i64], integers;
    /// Lists of texts.
    Texts_: TextLists<'a>, &'v [&'v str], texts;
}

/// The cells that the functions of `need` and `output` declare, by the names of these functions.
#[doc(hidden)]
#[allow(non_camel_case_types, reason = "named like the functions")]
pub mod cells {
    pub type real = super::Real;
    pub type integer = super::Integer;
    pub type key = super::Integer;
    pub type category = super::Category;
    pub type text = super::Text;
    pub type reals = super::Reals;
    pub type integers = super::Integers;
    pub type texts = super::Texts_;
}

impl<'a> Rows<'a> {
    /// The column of a need.
    ///
    /// # Panics
    /// If the shape declares no such column there, which the first native test of a plugin shows.
    #[inline]
    #[must_use]
    pub fn get<T: Cell>(&self, column: In<T>) -> T::View<'a> {
        T::view(self, column.0)
    }
}

impl Outputs<'_> {
    /// Sets the cell of a row; one that is never set is missing.
    ///
    /// # Panics
    /// If the shape declares no such output there, or there is no such row.
    #[inline]
    pub fn set<T: Cell>(&mut self, column: Out<T>, row: usize, value: T::Value<'_>) {
        T::set(self, column.0, row, value);
    }

    /// Sets the cell of a row where there is a value, else leaves it missing.
    ///
    /// # Panics
    /// As [`Outputs::set`].
    #[inline]
    pub fn set_or_missing<T: Cell>(
        &mut self,
        column: Out<T>,
        row: usize,
        value: Option<T::Value<'_>>,
    ) {
        match value {
            Some(value) => T::set(self, column.0, row, value),
            None => self.missing(column.0, row),
        }
    }
}

/// Says how much of an output came of an input, in the unit of the output.
#[must_use]
pub fn factor<T, U>(input: In<T>, output: Out<U>, contribution: f64) -> Factor {
    let place = |place| u32::try_from(place).unwrap_or(u32::MAX);
    Factor { input: place(input.0), output: place(output.0), contribution }
}

impl Shape {
    /// Adds output columns of the streamed rows.
    #[must_use]
    pub fn produces(self, outputs: impl IntoIterator<Item = Produce>) -> Self {
        outputs.into_iter().fold(self, Self::produce)
    }

    /// Adds output columns of the `table`-th whole table.
    #[must_use]
    pub fn produces_in(self, table: u32, outputs: impl IntoIterator<Item = Produce>) -> Self {
        outputs.into_iter().fold(self, |shape, output| shape.produce_in(table, output))
    }

    /// Adds segments in ascending rank.
    #[must_use]
    pub fn segments(self, segments: impl IntoIterator<Item = (&'static str, Words)>) -> Self {
        segments.into_iter().fold(self, |shape, (name, text)| shape.segment(name, text))
    }

    /// Adds actions.
    #[must_use]
    pub fn actions(self, actions: impl IntoIterator<Item = Action>) -> Self {
        actions.into_iter().fold(self, Self::action)
    }

    /// Adds reasons.
    #[must_use]
    pub fn reasons(self, reasons: impl IntoIterator<Item = (&'static str, Words)>) -> Self {
        reasons.into_iter().fold(self, |shape, (code, text)| shape.reason(code, text))
    }
}

/// Declares what a shape lists, each thing once: it gets a name in code and a place in its list.
///
/// `needs` and `outputs` are columns with a type: `rows.get(Member::DAYS)` and `out.set(Said::SCORE, row, 1.0)` take
/// and give that type and no other. `reasons`, `segments` and `actions` are positions. `all()` is the list for
/// the shape, `COUNT` its length. `needs Member(settings: &Settings)` hands `all` what the list depends on; `after N` begins the places at N, where other columns come before.
///
/// ```
/// use playbook_sdk::prelude::*;
/// declare! {
///     /// What is known of a member.
///     needs Member {
///         DAYS: integer("active_days_30d").unit("day"),
///         MOOD: real("sentiment_30d").optional(),
///     }
///     /// What is said of a member.
///     outputs Said {
///         SCORE: real("score").between(0.0, 100.0),
///     }
///     reasons Why {
///         UNHAPPY: "unhappy" => english("Halved by negative sentiment"),
///     }
/// }
/// let shape = Shape::rows("member").needs(Member::all()).produces(Said::all()).reasons(Why::all());
/// assert_eq!((shape.facts().produces.len(), Member::COUNT, Why::UNHAPPY), (1, 2, 0));
/// ```
#[macro_export]
macro_rules! declare {
    ($(
        $(#[$meta:meta])*
        $vis:vis $list:ident $name:ident $(($($given:tt)*))? $(after $base:tt)? { $($items:tt)* }
    )*) => {
        $($crate::__declare! {
            $list [$(#[$meta])* $vis] $name [[$($($given)*)?] $($base +)? 0] $($items)*
        })*
    };
}

/// One list of `declare!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __declare {
    (needs $head:tt $name:ident $base:tt $(
        $(#[$meta:meta])* $item:ident: $cell:ident ($($argument:tt)*) $(. $method:ident ($($of:tt)*))*
    ),* $(,)?) => {
        $crate::__declare! { @list $head $name $base ($crate::Need) need $(
            [$(#[$meta])*] $item ($crate::In<$crate::columns::cells::$cell>) [In]
            [$crate::need::$cell($($argument)*) $(. $method ($($of)*))*]
        )* }
    };
    (outputs $head:tt $name:ident $base:tt $(
        $(#[$meta:meta])* $item:ident: $cell:ident ($($argument:tt)*) $(. $method:ident ($($of:tt)*))*
    ),* $(,)?) => {
        $crate::__declare! { @list $head $name $base ($crate::Produce) output $(
            [$(#[$meta])*] $item ($crate::Out<$crate::columns::cells::$cell>) [Out]
            [$crate::output::$cell($($argument)*) $(. $method ($($of)*))*]
        )* }
    };
    (reasons $($rest:tt)*) => { $crate::__declare! { @named $($rest)* } };
    (segments $($rest:tt)*) => { $crate::__declare! { @named $($rest)* } };
    (@named $head:tt $name:ident $base:tt $(
        $(#[$meta:meta])* $item:ident: $code:expr => $words:expr
    ),* $(,)?) => {
        $crate::__declare! { @list $head $name $base ((&'static str, $crate::Words)) named $(
            [$(#[$meta])*] $item (u32) [] [($code, $words)]
        )* }
    };
    (actions $head:tt $name:ident $base:tt $(
        $(#[$meta:meta])* $item:ident: $action:expr
    ),* $(,)?) => {
        $crate::__declare! { @list $head $name $base ($crate::Action) action $(
            [$(#[$meta])*] $item (u32) [] [$action]
        )* }
    };
    (@list [$(#[$meta:meta])* $vis:vis] $name:ident [[$($given:tt)*] $($base:tt)*] ($of:ty) $kind:ident $(
        [$($item_meta:tt)*] $item:ident ($type:ty) [$($handle:ident)?] [$($make:tt)*]
    )*) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        $vis struct $name;
        const _: () = {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "counts the items")]
            enum Place { $($item,)* END }
            const BASE: usize = $($base)*;
            #[allow(dead_code, missing_docs, reason = "the list says what each is")]
            impl $name {
                $(
                    $($item_meta)*
                    pub const $item: $type =
                        $crate::__declare!(@place [$($handle)?] (BASE + Place::$item as usize));
                )*
                /// Length of the list.
                pub const COUNT: usize = Place::END as usize;
                /// The list in order, for the shape.
                #[must_use]
                pub fn all($($given)*) -> [$of; Self::COUNT] {
                    [$($($make)*),*]
                }
            }
        };
    };
    (@place [] ($($place:tt)*)) => { ($($place)*) as u32 };
    (@place [$handle:ident] ($($place:tt)*)) => { $crate::$handle::at($($place)*) };
}
