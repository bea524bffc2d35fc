//! The page around the sections: policy, style, head, table and section frames.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use playbook_model::{Digest, Minor, Words, steers};

use crate::number::{self, DASH};
use crate::phrases::{Phrases, fill};
use crate::{Absence, Currency, Lang, charts};

const STYLE: &str = include_str!("page.css");

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

/// A drawing with its table beside it, or below it on narrow pages.
pub(crate) fn beside(drawing: &Markup, table: &Markup) -> Markup {
    html! { div.pair { div { (drawing) } div { (table) } } }
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

/// The style of a page with its charts.
#[must_use]
pub fn style() -> String {
    format!("{}{}", STYLE.trim(), charts::STYLE.trim())
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
    let style = style();
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
#[must_use]
pub fn readable(page: &str) -> String {
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
    fn letters_that_mislead_are_dropped() {
        assert_eq!(readable("a\u{202e}b\u{0}c\nd\u{7}"), "abc\nd");
    }
}
