//! Forms by which a person answers: a line of text, and a button for each answer.

use maud::{Markup, html};

use super::told::Told;

/// A form that answers something.
pub(super) struct Answering<'a> {
    /// What is answered, as a path of the brand's pages; the form goes to `step` below it.
    pub(super) of: &'a str,
    /// Where the form goes.
    pub(super) step: &'a str,
    /// Name of the text.
    pub(super) field: &'a str,
    /// What the text is, in words.
    pub(super) label: &'a str,
    /// Letters of the text at most.
    pub(super) letters_max: u16,
    /// Whether the answer needs a text.
    pub(super) needs_text: bool,
    /// Name of the answer.
    pub(super) choice: &'a str,
    /// Each answer with its words.
    pub(super) choices: &'a [(&'a str, &'a str)],
}

impl Answering<'_> {
    pub(super) fn form(&self, told: &Told<'_>) -> Markup {
        let Self { of, step, field, label, letters_max, needs_text, choice, choices } = *self;
        // More than one such form stands on a page.
        let id = format!("{field}{}", of.replace('/', "-"));
        html! {
            form.close method="post" action={ (told.visit.to(of)) "/" (step) } {
                (told.visit.token())
                label for=(id) { (label) }
                input id=(id) name=(field) maxlength=(letters_max) required[needs_text];
                @for (value, words) in choices {
                    button type="submit" name=(choice) value=(value) { (words) } " "
                }
            }
        }
    }
}
