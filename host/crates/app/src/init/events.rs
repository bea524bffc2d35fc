//! Words of a kind column, and of names of files, to kinds of events.

use playbook_batch::profile::{ColumnProfile, Sure, words_of};
use playbook_toml::EVENT_KINDS;

use super::meanings::{Meaning, near, plain};

/// What tools call the host's kinds, in words joined by underscores.
const KNOWN: [(&str, &[&str]); 11] = [
    (
        "order_paid",
        &[
            "order_paid",
            "purchase",
            "purchased",
            "order",
            "sale",
            "paid",
            "buy",
            "completed",
            "fulfilled",
            "transaction",
            "已付款",
            "已完成",
        ],
    ),
    ("order_refunded", &["order_refunded", "refund", "refunded", "return", "returned", "已退款"]),
    ("view", &["view", "page_view", "product_view", "click", "visit", "浏览", "瀏覽"]),
    ("sign_in", &["sign_in", "login", "signin"]),
    ("join", &["join", "signup", "sign_up", "register", "registered", "registration"]),
    ("review", &["review", "rating"]),
    ("share", &["share", "shared"]),
    ("redeem", &["redeem", "redeemed", "redemption", "核销", "核銷"]),
    ("complaint", &["complaint", "投诉", "投訴"]),
    ("survey", &["survey"]),
    ("opt_out", &["opt_out", "unsubscribe", "unsubscribed"]),
];
/// Kinds that say what somebody agreed to: a word that is only like one of them is none.
const CONSENTS: &str = "consent_";

/// Each word of a kind column with its kind, and the kinds among them that are the brand's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) values: Vec<Meaning>,
    pub(super) own: Vec<String>,
    /// What a reader has to know of words that are taken for what they are near to.
    pub(super) notes: Vec<String>,
}

/// The kind that a word says, by the host's names and by those of tools.
fn known(plain: &str) -> Option<(&'static str, Sure)> {
    let exact = EVENT_KINDS.iter().find(|kind| **kind == plain).map(|kind| (*kind, Sure::Sure));
    let tools = || KNOWN.iter().find(|(_, words)| words.contains(&plain));
    exact.or_else(|| tools().map(|(kind, _)| (*kind, Sure::Likely)))
}

/// The kind that a word is like, and the name that it is like.
fn like(plain: &str) -> Option<(&'static str, &'static str)> {
    let tools = KNOWN.iter().flat_map(|(_, words)| words.iter().copied());
    let name = near(plain, EVENT_KINDS.iter().copied().chain(tools))?;
    known(name).map(|(kind, _)| (kind, name))
}

/// Reads the words of a column; `None` where the host knows none of them.
pub(super) fn kinds(column: &ColumnProfile) -> Option<Kinds> {
    let mut kinds = Kinds::default();
    let mut known_any = false;
    for (at, (word, rows)) in column.words.iter().enumerate() {
        let plain = plain(word);
        let found = known(&plain);
        let slip = if found.is_none() { like(&plain) } else { None };
        let told = slip.map(|(kind, name)| (kind, name, kind.starts_with(CONSENTS)));
        if let Some((kind, name, is_consent)) = told {
            let what = if is_consent { "not taken for" } else { "taken for" };
            kinds.notes.push(format!(
                "`{word}` ({rows} rows) is {what} `{kind}`, because it is written like `{name}`: not sure, please look"
            ));
        }
        let near = told.filter(|told| !told.2).map(|(kind, ..)| (kind, Sure::Unsure));
        let (means, sure) = match found.or(near) {
            Some((kind, sure)) => {
                known_any = true;
                (kind.to_owned(), sure)
            }
            None => {
                let own = own_name(&plain).unwrap_or_else(|| format!("kind_{}", at + 1));
                if !kinds.own.contains(&own) {
                    kinds.own.push(own.clone());
                }
                (own, Sure::Likely)
            }
        };
        kinds.values.push(Meaning { word: word.clone(), means, sure });
    }
    known_any.then_some(kinds)
}

/// The kind that the name of a file says: `coupon_redemptions` has redemptions.
pub(super) fn kind_of_file(stem: &str) -> Option<&'static str> {
    let of_word = |word: &String| {
        let one = word.strip_suffix('s').unwrap_or(word);
        known(word).or_else(|| known(one)).map(|(kind, _)| kind)
    };
    words_of(stem).iter().rev().find_map(of_word)
}

/// A name that a kind of the brand's own may have. It says that it is one, so that it is none of the host's.
fn own_name(plain: &str) -> Option<String> {
    let fine = plain.len() <= 48
        && plain.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (fine && !plain.is_empty()).then(|| format!("own_{plain}"))
}
