//! Tables: what is more than a reader takes in is folded, and what is wider than a telephone is written row by row there.

use maud::{Markup, html};

use crate::document::{Ctx, fold};
use crate::number;
use crate::phrases::fill;

/// Rows of a table that are shown at once; the others are folded, unless they are but a few.
const ROWS_MOST: usize = 12;
const ROWS_FEW: usize = 4;
/// Letters of a cell that has a line for itself where rows are written one below the other.
const LONG_LETTERS: usize = 24;
/// Width that a table may have on a telephone, in letters.
const PHONE_LETTERS: usize = 46;

/// A table under construction.
#[derive(Debug)]
pub struct Table {
    caption: String,
    quiet: bool,
    heads: Vec<(String, bool)>,
    rows: Vec<Vec<Markup>>,
    foot: Option<Vec<Markup>>,
}

impl Table {
    /// Begins a table; its caption says what it holds.
    #[must_use]
    pub fn new(caption: &str) -> Self {
        Self {
            caption: caption.to_owned(),
            quiet: false,
            heads: Vec::new(),
            rows: Vec::new(),
            foot: None,
        }
    }

    /// Leaves the caption to those who cannot see the heading above it, which says the same.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Adds a column of words.
    #[must_use]
    pub fn words(mut self, head: &str) -> Self {
        self.heads.push((head.to_owned(), false));
        self
    }

    /// Adds a column of numbers.
    #[must_use]
    pub fn numbers(mut self, head: &str) -> Self {
        self.heads.push((head.to_owned(), true));
        self
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Markup>) {
        self.rows.push(cells);
    }

    /// Sets the row of sums.
    pub(crate) fn sums(&mut self, cells: Vec<Markup>) {
        self.foot = Some(cells);
    }

    /// The table; what is more than a reader takes in at once is folded below it.
    pub(crate) fn build(self, ctx: &Ctx<'_>) -> Markup {
        if self.rows.len() <= ROWS_MOST + ROWS_FEW {
            return self.part(&self.rows, self.foot.as_ref(), self.quiet);
        }
        let (first, rest) = self.rows.split_at(ROWS_MOST);
        let line = fill(ctx.p.rows_more, &[&number::whole(rest.len() as u64)]);
        html! {
            (self.part(first, self.foot.as_ref(), self.quiet))
            (fold(&line, &self.part(rest, None, true)))
        }
    }

    /// The table with all of its rows.
    #[must_use]
    pub fn whole(&self) -> Markup {
        self.part(&self.rows, self.foot.as_ref(), self.quiet)
    }

    fn part(&self, rows: &[Vec<Markup>], foot: Option<&Vec<Markup>>, quiet: bool) -> Markup {
        let class = |i: usize| self.heads.get(i).is_some_and(|h| h.1).then_some("num");
        let head = |i: usize| self.heads.get(i).map_or("", |h| h.0.as_str());
        let cells = |row: &[Markup]| {
            html! {
                tr {
                    @for (i, cell) in row.iter().enumerate() {
                        @if i == 0 { th scope="row" class=[class(i)] { (cell) } }
                        @else {
                            @let long = (letters(cell) > LONG_LETTERS).then_some("long");
                            td class=[class(i).or(long)] data-head=(head(i)) { (cell) }
                        }
                    }
                }
            }
        };
        let stacked = (!self.fits_a_phone()).then_some("stack");
        html! {
            div.scroll tabindex="0" role="region" aria-label=(self.caption) {
                table class=[stacked] {
                    caption class=[quiet.then_some("quiet")] { (self.caption) }
                    thead { tr { @for (i, (head, _)) in self.heads.iter().enumerate() {
                        th scope="col" class=[class(i)] { (head) }
                    } } }
                    tbody { @for row in rows { (cells(row)) } }
                    @if let Some(foot) = foot { tfoot { (cells(foot)) } }
                }
            }
        }
    }

    /// Whether all columns lie beside each other on a telephone; where they do not, a row is written below its name there.
    fn fits_a_phone(&self) -> bool {
        let widest = |at: usize| {
            let cells = self.rows.iter().chain(&self.foot).filter_map(|row| row.get(at));
            cells.map(letters).max().unwrap_or(0)
        };
        let width = |(at, (head, is_number)): (usize, &(String, bool))| {
            let head = head.split(' ').map(|word| letters_of(word).min(12)).max().unwrap_or(0);
            // Words break into lines, numbers do not.
            let cells = if *is_number { widest(at) } else { widest(at).min(12) };
            cells.max(head) + 2
        };
        self.heads.iter().enumerate().map(width).sum::<usize>() <= PHONE_LETTERS
    }
}

/// Letters of a cell without its tags.
fn letters(cell: &Markup) -> usize {
    let parts = cell.0.split('<');
    parts.map(|part| letters_of(part.split_once('>').map_or(part, |(_, text)| text))).sum()
}

/// Letters of a text; those of double width are two.
fn letters_of(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{2e80}' { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::document::cell;
    use crate::{Currency, Lang};

    #[test]
    fn tags_are_no_letters_of_a_cell() {
        assert_eq!(letters(&html! { "ab " code.dim { "c" } "中" }), 6);
    }

    #[test]
    fn a_table_that_is_wider_than_a_telephone_is_written_row_by_row_there() {
        let currency = Currency { code: "EUR".to_owned(), digits: 2 };
        let labels = BTreeMap::new();
        let ctx = Ctx::new(Lang::En, &currency, &labels);
        let built = |amounts: &[&str]| {
            let mut table = Table::new("sums").words("Name");
            for _ in amounts {
                table = table.numbers("Sum");
            }
            table.row(
                [cell("a long name that breaks")]
                    .into_iter()
                    .chain(amounts.iter().map(cell))
                    .collect(),
            );
            table.build(&ctx).0.contains("class=\"stack\"")
        };
        assert!(!built(&["1.00", "2.00", "3.00"]));
        assert!(built(&["1,234,567.00", "2,345,678.00", "3,456,789.00"]));
        assert!(built(&["1.00"; 8]));
    }
}
