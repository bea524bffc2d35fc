//! Codes of rules: what is cited anywhere is defined on the page of the domain.

use std::collections::BTreeSet;

use crate::tree::Tree;

/// The page that defines every code.
pub(crate) const DOMAIN: &str = "docs/domain.md";

/// Pages that are rendered, and paths of vectors in them look like codes; their words come from sources.
const RENDERED: [&str; 3] = [".html", ".css", ".lock"];

/// Every code that is cited is defined on the page of the domain, once.
pub(crate) fn codes(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut defined = BTreeSet::new();
    for (at, line) in tree.text(DOMAIN).lines().enumerate() {
        if let Some(code) = definition(line)
            && !defined.insert(code)
        {
            complaints.push(format!("{DOMAIN}:{}: `{code}` is defined twice", at + 1));
        }
    }
    let cited = tree.0.iter().filter(|(path, _)| !RENDERED.iter().any(|end| path.ends_with(end)));
    for (path, text) in cited {
        for (at, line) in text.lines().enumerate() {
            for code in citations(line).into_iter().filter(|code| !defined.contains(code)) {
                complaints.push(format!("{path}:{}: `{code}` is not in {DOMAIN}", at + 1));
            }
        }
    }
    complaints
}

/// The code that a line of the page defines: a heading `### CODE Name` or the first cell of a table's row.
fn definition(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("### ").or_else(|| line.strip_prefix("| "))?;
    let code = rest.split(' ').next()?;
    (is_code(code) || is_section(code)).then_some(code)
}

/// Codes in a line: `GR-5`, `R15`, `H9`, `P0`, and `0.1` after the word "domain".
fn citations(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (end, c) in line.char_indices().chain([(line.len(), ' ')]) {
        let joins = c == '-' || c == '.' || c == '_' || c.is_alphanumeric();
        if joins {
            continue;
        }
        let word = line[start..end].trim_end_matches(['.', '-']);
        let after_domain = line[..start].ends_with("domain ");
        if after_domain && is_section(word) {
            found.push(word);
        }
        // `RO-9..RO-10` and `R01-R15` cite two each.
        found.extend(word.split("..").flat_map(parts).filter(|part| is_code(part)));
        start = end + c.len_utf8();
    }
    found
}

/// A word as a whole where it is one code, else what stands between its hyphens.
fn parts(word: &str) -> Vec<&str> {
    if is_code(word) { vec![word] } else { word.split('-').collect() }
}

fn is_code(word: &str) -> bool {
    let digits = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    if let Some((family, number)) = word.split_once('-') {
        return family.len() == 2
            && family.bytes().all(|b| b.is_ascii_uppercase())
            && digits(number, 1, 2);
    }
    let numbered = |letter, least, most| {
        word.strip_prefix(letter).is_some_and(|number| digits(number, least, most))
    };
    numbered('H', 1, 2) || numbered('R', 2, 2) || numbered('P', 1, 1)
}

/// A section of the conventions, such as `0.1`.
fn is_section(word: &str) -> bool {
    let numbers = word.split_once('.');
    numbers.is_some_and(|(major, minor)| {
        [major, minor].iter().all(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()))
    })
}
