//! What words of the data mean in the host's closed lists, and how sure that is.

use playbook_model::SourceTable;
use playbook_toml::closed_values;

use playbook_batch::profile::{ColumnProfile, Sure, words_of};

/// Likeness from which a word that nobody knows is taken for a slip of a known one.
const NEAR: f64 = 0.8;

/// What a word of the data means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// As it is written.
    pub word: String,
    /// What the host keeps.
    pub means: String,
    /// How sure that is.
    pub sure: Sure,
}

/// A word as words joined by underscores, in lower case.
pub(super) fn plain(word: &str) -> String {
    words_of(word).join("_")
}

/// The known name that a word is a slip of: `order_payed` of `order_paid`.
pub(super) fn near<'n>(plain: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let like = |name: &&str| strsim::normalized_damerau_levenshtein(plain, name);
    let best = known.max_by(|a, b| like(a).total_cmp(&like(b)))?;
    // A short word is like many others by chance.
    (plain.len() >= 5 && like(&best) >= NEAR).then_some(best)
}

/// What the words of a column mean in a closed list; words that are in it, or that `known` has. `None` where no word is.
pub(super) fn meanings(
    column: &ColumnProfile,
    (table, field): (SourceTable, &str),
    known: impl Fn(&str) -> Option<&'static str>,
) -> Option<Meanings> {
    let closed = closed_values(table, field).unwrap_or_default();
    let mut found = Meanings::default();
    for (word, _) in &column.words {
        let exact = closed.iter().find(|value| *value == word).map(|value| (*value, Sure::Sure));
        let said = || known(&plain(word)).map(|value| (value, Sure::Likely));
        match exact.or_else(said) {
            Some((means, sure)) => {
                found.known.push(Meaning { word: word.clone(), means: means.to_owned(), sure });
            }
            None => found.unknown.push(word.clone()),
        }
    }
    (!found.known.is_empty()).then_some(found)
}

/// Words that mean something, and words of which nobody knows what they mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Meanings {
    pub(super) known: Vec<Meaning>,
    pub(super) unknown: Vec<String>,
}

/// What tools call the states of a consent. A slip of such a word is no consent: nobody guesses one.
pub(super) fn consent_state(plain: &str) -> Option<&'static str> {
    match plain {
        "yes" | "y" | "true" | "1" | "opt_in" | "opted_in" | "optin" | "subscribed"
        | "accepted" | "allowed" | "granted" | "confirmed" | "同意" | "已同意" => {
            Some("granted")
        }
        "no" | "n" | "false" | "0" | "opt_out" | "opted_out" | "optout" | "unsubscribed"
        | "declined" | "denied" | "revoked" | "withdrawn" | "拒绝" | "拒絕" | "已撤回" => {
            Some("withdrawn")
        }
        "never_asked" | "not_asked" | "none" | "未询问" | "未詢問" => Some("none"),
        "pending" | "pending_confirmation" | "unconfirmed" => Some("pending_second"),
        "requested" | "asked" => Some("requested"),
        "expired" => Some("expired"),
        _ => None,
    }
}

/// What tools call the purposes of a consent.
pub(super) fn consent_purpose(plain: &str) -> Option<&'static str> {
    match plain {
        "marketing" | "newsletter" | "promotions" | "advertising" | "ads" | "营销" | "營銷" => {
            Some("marketing")
        }
        "service" | "services" | "transactional" => Some("service"),
        "profiling" | "personalisation" | "personalization" => Some("profiling"),
        "location" | "sharing" => closed_values(SourceTable::Consents, "purpose")
            .unwrap_or_default()
            .iter()
            .find(|purpose| **purpose == plain)
            .copied(),
        _ => None,
    }
}

/// What tools call kinds of costs.
pub(super) fn cost_kind(plain: &str) -> Option<&'static str> {
    match plain {
        "media" | "ads" | "ad" | "advertising" | "ad_spend" | "campaign" | "广告" | "廣告" => {
            Some("media")
        }
        "people" | "staff" | "salary" | "salaries" | "wages" | "personnel" | "人力" => {
            Some("people")
        }
        "platform" | "platforms" | "saas" | "licence" | "license" | "平台" => Some("platform"),
        "tech" | "technology" | "it" | "hosting" | "技术" | "技術" => Some("tech"),
        "reward" | "rewards" | "coupon" | "coupons" | "gift" | "gifts" | "奖励" | "獎勵" => {
            Some("reward")
        }
        _ => None,
    }
}

/// What tools call kinds of keys of accounts.
pub(super) fn key_kind(plain: &str) -> Option<&'static str> {
    match plain {
        "phone" | "mobile" | "tel" | "telephone" | "手机" | "手機" => Some("phone"),
        "email" | "e_mail" | "mail" => Some("email"),
        "union_id" | "unionid" | "openid" => Some("union-id"),
        "card" | "loyalty_card" | "card_number" | "会员卡" | "會員卡" => Some("card"),
        _ => None,
    }
}

/// The age band of a word, of an age, of a range of ages. What may be several bands is none that opens anything.
pub(super) fn age_band(plain: &str) -> Option<&'static str> {
    match plain {
        "adult" | "adults" | "成年" => return Some("adult"),
        "minor" | "child" | "unknown" | "na" | "n_a" | "未成年" | "未知" => {
            return Some("unknown");
        }
        _ => {}
    }
    let words: Vec<&str> = plain.split('_').collect();
    let numbers: Vec<u32> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let says = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let (from, to) = match (numbers.as_slice(), says(&["under", "below"])) {
        ([most], true) => (0, most.checked_sub(1)?),
        ([from, to], false) if from <= to => (*from, *to),
        // `65+`, `over 18`, `18`: the mark goes with the other marks.
        ([from], false) => (*from, 200),
        _ => return None,
    };
    Some(match (from, to) {
        (18.., _) => "adult",
        (14.., ..=17) => "14_17",
        (_, ..=13) => "under_14",
        _ => "unknown",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_on_the_safe_side() {
        for (word, band) in [
            ("adult", Some("adult")),
            ("19-24", Some("adult")),
            ("65+", Some("adult")),
            ("18", Some("adult")),
            ("14-17", Some("14_17")),
            ("Under 14", Some("under_14")),
            ("Under_18", Some("unknown")),
            ("10-13", Some("under_14")),
            ("12-20", Some("unknown")),
            ("16", Some("unknown")),
            ("minor", Some("unknown")),
            ("gold", None),
            ("24-19", None),
        ] {
            assert_eq!(age_band(&plain(word)), band, "{word}");
        }
    }

    #[test]
    fn only_slips_of_longer_words_are_near() {
        let known = || ["order_paid", "like", "live_join"].into_iter();
        assert_eq!(near("order_payed", known()), Some("order_paid"));
        assert_eq!(near("liek", known()), None);
        assert_eq!(near("checkout", known()), None);
    }
}
