//! Entries of a word list in texts, Chinese and others: folding, and longest match (domain SC-7, DG-11).

/// Stands for no node and for no entry.
const NONE: u32 = u32::MAX;

/// A step of the tree: a byte, what may follow it, what else may stand in its place, and the entry that ends with it.
#[derive(Debug, Clone, Copy)]
struct Node {
    byte: u8,
    /// The first of what may follow; of a first node the place of its second ones.
    child: u32,
    sibling: u32,
    entry: u32,
}

/// A list of words and phrases that is searched for the longest one.
///
/// Chinese has no spaces: of the entries that begin at a place the longest is taken, and the search goes on behind it.
/// Entries that begin or end with a letter or digit of ASCII stand for whole words and numbers.
#[derive(Debug, Clone)]
pub struct Lexicon {
    /// First nodes by their byte.
    roots: Vec<u32>,
    /// Second nodes by their byte, 256 for each first node: thousands of Chinese characters share a handful of first bytes, and a
    /// search along their siblings would take most of the time.
    seconds: Vec<u32>,
    nodes: Vec<Node>,
}

/// Whether two bytes beside each other belong to one word or one number.
fn is_joined(left: u8, right: u8) -> bool {
    left.is_ascii_alphabetic() && right.is_ascii_alphabetic()
        || left.is_ascii_digit() && right.is_ascii_digit()
}

impl Lexicon {
    /// Makes a list of entries, each with its number; they are to be [`folded`]. Of equal entries the last one holds.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut list = Self { roots: vec![NONE; 256], seconds: Vec::new(), nodes: Vec::new() };
        for (entry, number) in entries {
            list.add(entry.as_bytes(), number);
        }
        list
    }

    fn add(&mut self, entry: &[u8], number: u32) {
        let mut last = None;
        for (depth, byte) in entry.iter().enumerate() {
            let next = self.after(last, depth, *byte);
            last = Some(next.unwrap_or_else(|| self.grow(last, depth, *byte)));
        }
        if let Some(at) = last {
            self.nodes[at].entry = number;
        }
    }

    /// Adds a node behind another, or a first one.
    fn grow(&mut self, last: Option<usize>, depth: usize, byte: u8) -> usize {
        let at = self.nodes.len();
        let mut node = Node { byte, child: NONE, sibling: NONE, entry: NONE };
        match (last, depth) {
            (Some(first), 1) => {
                let place = self.nodes[first].child as usize + usize::from(byte);
                self.seconds[place] = at as u32;
            }
            (Some(last), _) => {
                node.sibling = std::mem::replace(&mut self.nodes[last].child, at as u32);
            }
            (None, _) => {
                self.roots[usize::from(byte)] = at as u32;
                node.child = self.seconds.len() as u32;
                self.seconds.resize(self.seconds.len() + 256, NONE);
            }
        }
        self.nodes.push(node);
        at
    }

    /// The node of a byte behind another, which has so many before it, or a first one.
    fn after(&self, last: Option<usize>, depth: usize, byte: u8) -> Option<usize> {
        let known = |at: u32| (at != NONE).then_some(at as usize);
        let mut at = match (last, depth) {
            (None, _) => return known(self.roots[usize::from(byte)]),
            (Some(first), 1) => {
                let place = self.nodes[first].child as usize + usize::from(byte);
                return known(self.seconds[place]);
            }
            (Some(last), _) => self.nodes[last].child,
        };
        while let Some(node) = self.nodes.get(at as usize) {
            if node.byte == byte {
                return Some(at as usize);
            }
            at = node.sibling;
        }
        None
    }

    /// Returns where the longest entry that begins at `from` ends, and its number.
    #[inline]
    #[must_use]
    pub fn longest(&self, text: &[u8], from: usize) -> Option<(usize, u32)> {
        // Most places begin no entry.
        if self.roots[usize::from(*text.get(from)?)] == NONE {
            return None;
        }
        self.search(text, from)
    }

    fn search(&self, text: &[u8], from: usize) -> Option<(usize, u32)> {
        let joined =
            |at: usize| text.get(at).zip(text.get(at + 1)).is_some_and(|(l, r)| is_joined(*l, *r));
        if from.checked_sub(1).is_some_and(joined) {
            return None;
        }
        let (mut last, mut found) = (None, None);
        for (at, byte) in text.iter().enumerate().skip(from) {
            let Some(next) = self.after(last, at - from, *byte) else { break };
            last = Some(next);
            let entry = self.nodes[next].entry;
            if entry != NONE && !joined(at) {
                found = Some((at + 1, entry));
            }
        }
        found
    }
}

/// Whether a character is one that Chinese is written with.
#[must_use]
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Lower case of ASCII, full-width forms as narrow ones, one form of the apostrophe.
fn fold(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(c as u32 - 0xfee0).unwrap_or(c).to_ascii_lowercase()
        }
        '\u{2018}' | '\u{2019}' => '\'',
        c => c.to_ascii_lowercase(),
    }
}

/// Returns a text as word lists are searched in it: folded, and without those of `ignored` that stand between two
/// Chinese characters, which hide words from a search and from nobody else.
#[must_use]
pub fn folded(text: &str, ignored: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut after_han, mut held) = (false, String::new());
    for c in text.chars().map(fold) {
        if after_han && ignored.contains(c) {
            held.push(c);
            continue;
        }
        if !is_han(c) {
            out.push_str(&held);
        }
        held.clear();
        after_han = is_han(c);
        out.push(c);
    }
    out.push_str(&held);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Lexicon {
        Lexicon::new((0..).zip(entries).map(|(number, entry)| ((*entry).to_owned(), number)))
    }

    /// What is found in a text, one after the other.
    fn found(list: &Lexicon, text: &str) -> Vec<u32> {
        let (mut at, mut numbers) = (0, Vec::new());
        while at < text.len() {
            match list.longest(text.as_bytes(), at) {
                Some((end, number)) => {
                    numbers.push(number);
                    at = end;
                }
                None => at += 1,
            }
        }
        numbers
    }

    #[test]
    fn the_longest_entry_wins() {
        let list = list(&["不", "不错", "错", "good", "good for nothing"]);
        assert_eq!(found(&list, "不错"), [1]);
        assert_eq!(found(&list, "不对错"), [0, 2]);
        assert_eq!(found(&list, "a good for nothing"), [4]);
        assert_eq!(found(&list, "a good for you"), [3]);
    }

    #[test]
    fn words_of_letters_are_whole_words_also_beside_chinese() {
        let list = list(&["bad", "ok", "差"]);
        assert_eq!(found(&list, "badge bad, abad"), [0]);
        assert_eq!(found(&list, "这个ok吗bad差bad"), [1, 0, 2, 0]);
        assert_eq!(found(&list, "bad2 2bad"), [0, 0]);
    }

    #[test]
    fn characters_that_share_their_first_bytes_are_told_apart() {
        // All of them begin with the same byte, and many with the same two.
        let words: Vec<String> =
            ('\u{5000}'..'\u{5800}').step_by(7).map(|c| format!("{c}{c}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let list = list(&words);
        for (number, word) in (0..).zip(&words) {
            assert_eq!(found(&list, &format!("的{word}x")), [number]);
            let alone: String = word.chars().take(1).collect();
            assert_eq!(found(&list, &format!("{alone}的{alone}")), Vec::<u32>::new());
        }
    }

    #[test]
    fn an_empty_list_finds_nothing_and_equal_entries_are_one() {
        assert_eq!(found(&list(&[]), "anything 好"), Vec::<u32>::new());
        assert_eq!(found(&list(&["好", "好"]), "好"), [1]);
    }

    #[test]
    fn folding_makes_forms_alike_and_drops_what_hides_words() {
        assert_eq!(folded("ＧＯＯＤ　Don’t ！", ""), "good don't !");
        assert_eq!(folded("加*微 - 信 abc", "* -"), "加微信 abc");
        assert_eq!(folded("a-b 加-v", "-"), "a-b 加-v");
        assert_eq!(folded("加-", "-"), "加-");
    }
}
