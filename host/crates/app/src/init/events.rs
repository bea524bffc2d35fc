//! Words of a kind column to kinds of events.

use playbook_batch::profile::{ColumnProfile, words_of};
use playbook_toml::EVENT_KINDS;

/// What tools call the host's kinds, in words joined by underscores.
const KNOWN: [(&str, &[&str]); 8] = [
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
    ("view", &["view", "page_view", "product_view", "click", "浏览", "瀏覽"]),
    ("sign_in", &["sign_in", "login", "signin"]),
    ("join", &["join", "signup", "sign_up", "register", "registered"]),
    ("review", &["review", "rating"]),
    ("share", &["share", "shared"]),
    ("opt_out", &["opt_out", "unsubscribe", "unsubscribed"]),
];

/// Each word of a kind column with its kind, and the kinds among them that are the brand's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) values: Vec<(String, String)>,
    pub(super) own: Vec<String>,
}

/// Reads the words of a column; `None` where the host knows none of them.
pub(super) fn kinds(column: &ColumnProfile) -> Option<Kinds> {
    let mut kinds = Kinds::default();
    let mut known_any = false;
    for (at, (word, _)) in column.words.iter().enumerate() {
        let plain = words_of(word).join("_");
        let tools = KNOWN.iter().find(|(_, words)| words.contains(&plain.as_str()));
        let known = tools.map(|(kind, _)| *kind);
        let kind = match known.or_else(|| EVENT_KINDS.iter().copied().find(|kind| *kind == plain)) {
            Some(kind) => {
                known_any = true;
                kind.to_owned()
            }
            None => {
                let own = own_name(&plain).unwrap_or_else(|| format!("kind_{}", at + 1));
                if !kinds.own.contains(&own) {
                    kinds.own.push(own.clone());
                }
                own
            }
        };
        kinds.values.push((word.clone(), kind));
    }
    known_any.then_some(kinds)
}

/// A name that a kind of the brand's own may have. It says that it is one, so that it is none of the host's.
fn own_name(plain: &str) -> Option<String> {
    let fine = plain.len() <= 48
        && plain.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (fine && !plain.is_empty()).then(|| format!("own_{plain}"))
}
