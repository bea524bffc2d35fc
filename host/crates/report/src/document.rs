//! The page around the sections: policy, style, head, table and section frames.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use playbook_model::{Digest, Minor, Words, steers};

use crate::charts::{self, Bar, Caption};
use crate::number::{self, DASH};
use crate::phrases::{Phrases, fill};
use crate::{Absence, Currency, Lang};

const STYLE: &str = include_str!("page.css");
/// Rows of a table that are shown at once; the others are folded, unless they are but a few.
const ROWS_MOST: usize = 12;
const ROWS_FEW: usize = 4;
/// Bars, or pairs of bars, that one drawing has.
const BARS_MOST: usize = 12;
/// Letters of a cell that has a line for itself where rows are written one below the other.
const LONG_LETTERS: usize = 24;
/// Width that a table may have on a telephone, in letters.
const PHONE_LETTERS: usize = 46;

/// What every section needs: language, currency, the brand's own words for names.
pub(crate) struct Ctx<'a> {
    pub(crate) lang: Lang,
    pub(crate) p: &'static Phrases,
    pub(crate) currency: &'a Currency,
    labels: &'a BTreeMap<String, Words>,
}

impl<'a> Ctx<'a> {
    pub(crate) fn new(
        lang: Lang,
        currency: &'a Currency,
        labels: &'a BTreeMap<String, Words>,
    ) -> Self {
        Self { lang, p: Phrases::of(lang), currency, labels }
    }

    /// A name of the data, such as a channel's, in the brand's words where the playbook has some.
    pub(crate) fn name<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        self.labels.get(name).map_or(name, |words| words.in_lang(self.lang.code()))
    }

    pub(crate) fn words<'w>(&self, words: &'w Words) -> &'w str {
        words.in_lang(self.lang.code())
    }

    /// An amount without its currency, for tables whose heads name it.
    pub(crate) fn money(&self, amount: Minor) -> String {
        number::money(amount, self.currency.digits)
    }

    /// An amount with its currency.
    pub(crate) fn cash(&self, amount: Minor) -> String {
        format!("{} {}", self.currency.code, self.money(amount))
    }

    /// An amount without its currency, and without its minor units where it is large.
    pub(crate) fn short_money(&self, amount: Minor) -> String {
        let text = self.money(amount);
        match text.split_once('.') {
            Some((units, _)) if units.len() >= "100,000".len() => units.to_owned(),
            _ => text,
        }
    }

    /// A head with the currency in brackets.
    pub(crate) fn in_currency(&self, head: &str) -> String {
        format!("{head} ({})", self.currency.code)
    }

    /// A measured value in its unit (contract: "ratio", "minor", "count", "day", or a name).
    #[expect(clippy::cast_possible_truncation, reason = "a value of unit minor for display")]
    pub(crate) fn measured(&self, value: f64, unit: &str) -> String {
        match unit {
            _ if !value.is_finite() => DASH.to_owned(),
            "ratio" => number::share(value),
            "minor" if value.abs() < 9e18 => self.cash(Minor(value.round() as i64)),
            "" | "count" => number::short_real(value),
            "day" => format!("{} {}", number::short_real(value), self.p.unit_days),
            "minute" | "min" => format!("{} {}", number::short_real(value), self.p.unit_minutes),
            other => format!("{} {other}", number::short_real(value)),
        }
    }
}

/// A section with its anchor and heading.
pub(crate) fn section(id: &str, title: &str, lead: &str, body: &Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-h" } {
            h2 id={ (id) "-h" } { (title) }
            @if !lead.is_empty() { p.lead { (lead) } }
            (body)
        }
    }
}

/// Why there is nothing to show.
pub(crate) fn empty(ctx: &Ctx<'_>, why: &Absence) -> Markup {
    let p = ctx.p;
    let text = match why {
        Absence::NoStage(kind) => fill(p.empty_no_stage, &[p.kind(*kind)]),
        Absence::FirstCycle => p.empty_first_cycle.to_owned(),
        Absence::Nothing => p.empty_nothing.to_owned(),
        Absence::NoBudget => p.empty_no_budget.to_owned(),
        Absence::Skipped { stage, fault } => fill(p.empty_skipped, &[stage, ctx.words(fault)]),
        Absence::OneSideOnly => p.empty_one_side.to_owned(),
        Absence::Because(words) => ctx.words(words).to_owned(),
    };
    html! { p.empty { (text) } }
}

/// A drawing in its frame.
pub(crate) fn figure(svg: &str) -> Markup {
    html! { @if !svg.is_empty() { figure { (PreEscaped(svg)) } } }
}

/// Bars, at most so many that they are no page of their own, with what of them is not drawn or not drawn whole. `per` bars
/// of one name stay together.
pub(crate) fn bar_chart(
    ctx: &Ctx<'_>,
    caption: &Caption<'_>,
    bars: Vec<Bar>,
    per: usize,
) -> Markup {
    let (drawn, left) = longest(bars, per);
    let more = fill(ctx.p.bars_more, &[&number::whole(left as u64)]);
    html! {
        (figure(&charts::bars(caption, &drawn, charts::HALF_PX)))
        @if left > 0 { p.note { (more) } }
        (cut_note(ctx, &drawn))
    }
}

/// What the end of the axis hides.
pub(crate) fn cut_note(ctx: &Ctx<'_>, bars: &[Bar]) -> Markup {
    let size = |bar: &&Bar| bar.value.filter(|v| v.is_finite()).map_or(0.0, f64::abs);
    let longest = bars.iter().max_by(|a, b| size(a).total_cmp(&size(b)));
    let Some((cut, longest)) = charts::cut_of(bars).zip(longest) else { return html! {} };
    let beyond = number::whole(cut.beyond as u64);
    html! { p.note { (fill(ctx.p.bars_beyond, &[&beyond, &longest.figure])) } }
}

/// The groups of `per` bars with the greatest values, in their order, and how many groups are left out.
fn longest(bars: Vec<Bar>, per: usize) -> (Vec<Bar>, usize) {
    let groups = bars.len().div_ceil(per.max(1));
    if groups <= BARS_MOST + ROWS_FEW {
        return (bars, 0);
    }
    let size = |group: &[Bar]| {
        let values = group.iter().filter_map(|bar| bar.value).filter(|value| value.is_finite());
        values.map(f64::abs).fold(-1.0, f64::max)
    };
    let mut order: Vec<(f64, usize)> =
        bars.chunks(per).enumerate().map(|(at, group)| (size(group), at)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut kept: Vec<usize> = order[..BARS_MOST].iter().map(|(_, at)| *at).collect();
    kept.sort_unstable();
    let drawn = bars.into_iter().enumerate();
    let drawn = drawn.filter(|(at, _)| kept.binary_search(&(at / per)).is_ok());
    (drawn.map(|(_, bar)| bar).collect(), groups - BARS_MOST)
}

/// A drawing with its table beside it, or below it on narrow pages.
pub(crate) fn beside(drawing: &Markup, table: &Markup) -> Markup {
    html! { div.pair { div { (drawing) } div { (table) } } }
}

/// A table under construction.
pub(crate) struct Table {
    caption: String,
    quiet: bool,
    heads: Vec<(String, bool)>,
    rows: Vec<Vec<Markup>>,
    foot: Option<Vec<Markup>>,
}

impl Table {
    pub(crate) fn new(caption: &str) -> Self {
        Self {
            caption: caption.to_owned(),
            quiet: false,
            heads: Vec::new(),
            rows: Vec::new(),
            foot: None,
        }
    }

    /// Leaves the caption to those who cannot see the heading above it, which says the same.
    pub(crate) fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Adds a column of words.
    pub(crate) fn words(mut self, head: &str) -> Self {
        self.heads.push((head.to_owned(), false));
        self
    }

    /// Adds a column of numbers.
    pub(crate) fn numbers(mut self, head: &str) -> Self {
        self.heads.push((head.to_owned(), true));
        self
    }

    pub(crate) fn row(&mut self, cells: Vec<Markup>) {
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

/// What is there to be looked up, behind a line that says what it is.
pub(crate) fn fold(line: &str, body: &Markup) -> Markup {
    html! { details { summary { (line) } (body) } }
}

/// A cell of plain text.
pub(crate) fn cell(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}

/// A cell of something that may not have been measured.
pub(crate) fn maybe<T>(value: Option<T>, write: impl FnOnce(T) -> String) -> Markup {
    cell(value.map_or_else(|| DASH.to_owned(), write))
}

/// Words with the name that files use below them, where the two differ.
pub(crate) fn named(words: &str, name: &str) -> Markup {
    html! { (words) @if words != name && !name.is_empty() { " " code.dim { (name) } } }
}

/// The first letters of a digest, with the whole for a pointer that rests on it.
pub(crate) fn digest(digest: &Digest) -> Markup {
    let hex = digest.hex();
    html! { code title=(hex) { (&hex[..12]) } }
}

/// The whole page.
pub(crate) fn document(
    lang: Lang,
    title: &str,
    links: &[(&str, &str)],
    top: &Markup,
    body: &Markup,
) -> String {
    let p = Phrases::of(lang);
    let style = format!("{}{}", STYLE.trim(), charts::STYLE.trim());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        base64(&Digest::of(style.as_bytes()).0)
    );
    let page = html! {
        (DOCTYPE)
        html lang=(p.html_lang) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(&style)) }
            }
            body {
                a.skip href="#main" { (p.skip) }
                (top)
                nav aria-label=(p.contents) { ul { @for (id, name) in links { li { a href={ "#" (id) } { (name) } } } } }
                main id="main" { (body) }
                footer { p { (p.dash_is) } p { (p.footer) } }
            }
        }
    };
    readable(&page.into_string())
}

/// Drops letters that can only mislead on a page; those that join letters stay, as scripts need them.
fn readable(page: &str) -> String {
    let stays = |c: char| matches!(c, '\n' | '\u{200c}' | '\u{200d}') || !steers(c);
    page.chars().filter(|c| stays(*c)).collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0u32, |sum, b| sum << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let at = (bits >> (18 - 6 * i) & 63) as usize;
            text.push(if i > three.len() { '=' } else { char::from(LETTERS[at]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_precision_loss, reason = "small numbers")]

    use super::*;

    #[test]
    fn base64_of_known_texts() {
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foo"), "Zm9v");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }

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

    #[test]
    fn the_longest_bars_are_drawn_in_their_order_and_pairs_stay_together() {
        let bar = |value: usize| Bar {
            label: value.to_string(),
            value: Some(value as f64),
            figure: String::new(),
            mark: None,
            series: 0,
        };
        let values = |bars: &[Bar]| bars.iter().map(|b| b.label.clone()).collect::<Vec<_>>();
        let (drawn, left) = longest((0..60).map(|n| bar(n * 7 % 60)).collect(), 1);
        assert_eq!((drawn.len(), left), (BARS_MOST, 48));
        assert_eq!(values(&drawn)[..3], ["49", "56", "52"].map(str::to_owned));
        let (drawn, left) = longest((0..60).map(bar).collect(), 2);
        assert_eq!((drawn.len(), left, values(&drawn)[0].as_str()), (24, 18, "36"));
        let (drawn, left) = longest((0..16).map(bar).collect(), 1);
        assert_eq!((drawn.len(), left), (16, 0));
    }

    #[test]
    fn letters_that_mislead_are_dropped() {
        assert_eq!(readable("a\u{202e}b\u{0}c\nd\u{7}"), "abc\nd");
    }
}
