//! The feeling of a text: words with a feeling, turned round by negations and weighed by degrees.

use std::collections::BTreeMap;

use playbook_domain::{Lexicon, folded};

use crate::Settings;

/// What an entry of the lists does.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    Feeling(f64),
    /// A negation or a degree: a factor of the next feeling.
    Factor(f64),
    Contrast(f64),
}

/// Makes a meaning of the number of an entry.
type Make = fn(f64) -> Meaning;

/// What a text comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mood {
    /// -1 to 1.
    pub(crate) sentiment: f64,
    /// Words with a feeling.
    pub(crate) hits: i64,
}

/// The lists of the settings, ready to be searched.
#[derive(Debug)]
pub(crate) struct Judge {
    lexicon: Lexicon,
    meanings: Vec<Meaning>,
    reach: u32,
    scale: f64,
    bare: f64,
}

/// A factor that waits for its feeling: what it is, and where it ended.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    factor: f64,
    unit: u32,
}

impl Judge {
    pub(crate) fn new(settings: &Settings) -> Self {
        let (mut meanings, mut entries) = (Vec::new(), Vec::new());
        let mut add = |word: &str, meaning: Meaning| {
            entries.push((folded(word, ""), meanings.len() as u32));
            meanings.push(meaning);
        };
        for group in settings.words.values() {
            group.words.iter().for_each(|word| add(word, Meaning::Feeling(group.feeling)));
        }
        // Of equal entries the last one holds: what a brand says itself comes last.
        let lists: [(&BTreeMap<String, f64>, Make); 4] = [
            (&settings.negations, Meaning::Factor),
            (&settings.degrees, Meaning::Factor),
            (&settings.contrasts, Meaning::Contrast),
            (&settings.own, Meaning::Feeling),
        ];
        for (list, meaning) in lists {
            list.iter().for_each(|(word, value)| add(word, meaning(*value)));
        }
        let Settings { reach, scale, bare_negation: bare, .. } = *settings;
        Self { lexicon: Lexicon::new(entries), meanings, reach, scale, bare }
    }

    /// Whether there is no entry at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.meanings.is_empty()
    }

    /// The factor of a feeling at a unit, of what waits within reach before it.
    fn factor(&self, waiting: &[Option<Waiting>], unit: u32) -> f64 {
        let near = |one: &&Waiting| unit - one.unit <= self.reach + 1;
        waiting.iter().flatten().filter(near).map(|one| one.factor).product()
    }

    /// Judges a text. A unit is a word, a Chinese character, or an entry of a list.
    pub(crate) fn mood(&self, text: &str) -> Mood {
        let text = folded(text, "");
        let bytes = text.as_bytes();
        let (mut at, mut unit, mut hits, mut sum) = (0, 0_u32, 0, 0.0);
        // More than three factors in a clause are rare, and then the last three count.
        let mut waiting: [Option<Waiting>; 3] = [None; 3];
        // Whether something is denied in this clause of which no feeling is told.
        let mut is_bare = false;
        while let Some(c) = text[at..].chars().next() {
            if let Some((end, number)) = self.lexicon.longest(bytes, at) {
                unit += 1;
                at = end;
                match self.meanings[number as usize] {
                    Meaning::Feeling(feeling) => {
                        sum += feeling * self.factor(&waiting, unit);
                        hits += i64::from(feeling != 0.0);
                        // A word without a feeling of its own hides its parts and takes nothing.
                        if feeling != 0.0 {
                            (waiting, is_bare) = ([None; 3], false);
                        }
                    }
                    Meaning::Factor(factor) => {
                        waiting.rotate_left(1);
                        waiting[2] = Some(Waiting { factor, unit });
                        is_bare |= factor < 0.0;
                    }
                    Meaning::Contrast(before) => {
                        sum = before * (sum + if is_bare { self.bare } else { 0.0 });
                        (waiting, is_bare) = ([None; 3], false);
                    }
                }
            } else if c.is_ascii_alphanumeric() {
                unit += 1;
                let is_same = |byte: &&u8| byte.is_ascii_digit() == c.is_ascii_digit();
                let word = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric());
                at += word.take_while(is_same).count();
            } else {
                at += c.len_utf8();
                if ends_clause(c) {
                    sum += if is_bare && c != '?' { self.bare } else { 0.0 };
                    (waiting, is_bare) = ([None; 3], false);
                } else if !c.is_ascii() {
                    unit += 1;
                }
            }
        }
        sum += if is_bare { self.bare } else { 0.0 };
        Mood { sentiment: sum / (sum * sum + self.scale * self.scale).sqrt(), hits }
    }
}

/// Whether nothing that was said before a character belongs to what comes after it.
fn ends_clause(c: char) -> bool {
    matches!(c, ',' | '.' | ';' | ':' | '!' | '?' | '\n' | '。' | '、' | '…' | '(' | ')')
}
