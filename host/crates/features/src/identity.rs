//! Which accounts are one person, and what holds of a person with several (domain H2): an equal verified key joins, two verified
//! phones keep apart, the oldest account gives the id, of ages the youngest holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use playbook_model::{CellType, Definition, Digest, FeatureDef, Guardrails};

/// Accounts with one key that are tried with each other. A key held by more belongs to no person (a shared terminal, a placeholder):
/// only its oldest holder is tried, so that the work stays linear.
pub const HOLDERS_MAX: usize = 64;

const PHONE: u8 = 0;

/// A verified key: the rank of its kind (kinds join in that order), then a digest of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifiedKey {
    kind: u8,
    digest: [u8; 16],
}

impl VerifiedKey {
    /// The key of a kind with a hash.
    #[must_use]
    pub fn new(kind: &str, hash: &str) -> Self {
        let whole = Digest::of_parts([kind.as_bytes(), hash.as_bytes()]).0;
        let mut digest = [0; 16];
        digest.copy_from_slice(&whole[..16]);
        Self { kind: rank_of_kind(kind), digest }
    }

    /// What tells it apart from other keys.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        self.digest
    }
}

fn rank_of_kind(kind: &str) -> u8 {
    match kind {
        "phone" => PHONE,
        "union-id" => 1,
        "email" => 2,
        "card" => 3,
        _ => 4,
    }
}

/// A person with several accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The oldest account, whose id is the person's.
    pub oldest: u32,
    /// All accounts, that one included, ascending.
    pub accounts: Vec<u32>,
}

/// The persons with several accounts. `keys` are all verified keys of the accounts that share one with another, ascending by key and
/// then in one order of the accounts; `age` orders accounts, the oldest first, and tells every two apart; accounts that `apart` names
/// as pairs are never one person.
pub fn people<A: Ord>(
    keys: &[(VerifiedKey, u32)],
    age: impl Fn(u32) -> A,
    apart: &BTreeSet<(u32, u32)>,
) -> Vec<Person> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for group in keys.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
        groups.push(group.iter().map(|(_, account)| *account).collect());
    }
    let mut sets = Sets::new(keys, groups.iter().flatten().copied(), apart);
    for group in &mut groups {
        group.sort_by_cached_key(|account| age(*account));
        for (at, account) in group.iter().enumerate().skip(1) {
            let tried = if group.len() > HOLDERS_MAX { 1 } else { at };
            for earlier in &group[..tried] {
                if sets.join(*earlier, *account) {
                    break;
                }
            }
        }
    }
    let mut people: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut touched: Vec<u32> = sets.parent.keys().copied().collect();
    touched.sort_unstable();
    for account in touched {
        people.entry(sets.root(account)).or_default().push(account);
    }
    let with_oldest = |accounts: Vec<u32>| {
        let oldest = accounts.iter().copied().min_by_key(|account| age(*account))?;
        Some(Person { oldest, accounts })
    };
    people.into_values().filter(|accounts| accounts.len() > 1).filter_map(with_oldest).collect()
}

/// Union-find over accounts; each set knows its verified phones, and those it is kept apart from.
struct Sets {
    parent: HashMap<u32, u32>,
    phones: HashMap<u32, BTreeSet<[u8; 16]>>,
    /// By set: accounts that none of it may be joined with.
    apart: HashMap<u32, BTreeSet<u32>>,
}

impl Sets {
    fn new(
        keys: &[(VerifiedKey, u32)],
        accounts: impl Iterator<Item = u32>,
        pairs: &BTreeSet<(u32, u32)>,
    ) -> Self {
        let mut phones: HashMap<u32, BTreeSet<[u8; 16]>> = HashMap::new();
        for (key, account) in keys.iter().filter(|(key, _)| key.kind == PHONE) {
            phones.entry(*account).or_default().insert(key.digest);
        }
        let mut apart: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        for (one, other) in pairs {
            apart.entry(*one).or_default().insert(*other);
            apart.entry(*other).or_default().insert(*one);
        }
        Self { parent: accounts.map(|account| (account, account)).collect(), phones, apart }
    }

    fn root(&self, account: u32) -> u32 {
        let mut at = account;
        while let Some(parent) = self.parent.get(&at).filter(|parent| **parent != at) {
            at = *parent;
        }
        at
    }

    /// Joins two sets unless one person would have two verified phones, or accounts that are kept apart; returns whether they are one
    /// set now.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return true;
        }
        if self.apart.get(&a).is_some_and(|apart| apart.iter().any(|of| self.root(*of) == b)) {
            return false;
        }
        let none = BTreeSet::new();
        let (left, right) =
            (self.phones.get(&a).unwrap_or(&none), self.phones.get(&b).unwrap_or(&none));
        let both: BTreeSet<_> = left.union(right).copied().collect();
        // A set may have several phones because one account does; joining it with the same phones adds none.
        if both.len() > left.len().max(right.len()).max(1) {
            return false;
        }
        self.phones.insert(a, both);
        let apart = self.apart.remove(&b).unwrap_or_default();
        if !apart.is_empty() {
            self.apart.entry(a).or_default().extend(apart);
        }
        self.parent.insert(b, a);
        true
    }
}

/// Whether a field of the table of members holds age bands, for which the youngest of several rows holds: a feature gives it as that.
#[must_use]
pub fn holds_ages<'f>(
    rules: &Guardrails,
    features: impl IntoIterator<Item = &'f FeatureDef>,
    field: &str,
) -> bool {
    let is_age = |feature: &'f FeatureDef| {
        let gives =
            matches!(&feature.definition, Definition::Attribute { field: of } if of == field);
        let guarded = rules.age_band_feature.as_ref() == Some(&feature.name);
        gives
            && (guarded || field == "age_band")
            && matches!(feature.cell_type, CellType::Text | CellType::Category)
    };
    features.into_iter().any(is_age)
}

/// The band of those whose age is not known.
const UNKNOWN: &str = "unknown";

/// The youngest age band among the rows of a member.
#[derive(Debug, Clone, Default)]
pub struct YoungestAge<T> {
    /// The youngest band so far; `None` where no row has one.
    band: Option<T>,
    /// Whether any row has none.
    is_open: bool,
}

/// Rank of a band: bands of those who may be minors come before those of adults.
fn rank_of_age(band: &str) -> u8 {
    match band {
        "under_14" => 0,
        "14_17" => 1,
        "adult" => 3,
        _ => 2,
    }
}

impl<'a, T: AsRef<str> + From<&'a str>> YoungestAge<T> {
    /// Hears a row: its band, or that it has none.
    pub fn hear(&mut self, band: Option<&'a str>) {
        let Some(band) = band else {
            self.is_open = true;
            return;
        };
        let known = self.band.as_ref().map(|known| rank_of_age(known.as_ref()));
        if known.is_none_or(|known| rank_of_age(band) < known) {
            self.band = Some(T::from(band));
        }
    }

    /// The band that holds. Fails closed: an adult's band holds only where no row leaves the age open.
    pub fn holds(self) -> Option<T> {
        let unsure = |band: &T| self.is_open && rank_of_age(band.as_ref()) > rank_of_age(UNKNOWN);
        self.band.map(|band| if unsure(&band) { T::from(UNKNOWN) } else { band })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Person, VerifiedKey, YoungestAge, people};

    fn found(keys: &[(&str, &str, u32)], apart: &[(u32, u32)]) -> Vec<(u32, Vec<u32>)> {
        let mut keys: Vec<_> =
            keys.iter().map(|(kind, hash, of)| (VerifiedKey::new(kind, hash), *of)).collect();
        keys.sort_unstable();
        let apart: BTreeSet<(u32, u32)> = apart.iter().copied().collect();
        // The higher the number, the older the account.
        let people = people(&keys, std::cmp::Reverse, &apart);
        people.into_iter().map(|Person { oldest, accounts }| (oldest, accounts)).collect()
    }

    #[test]
    fn an_equal_key_joins_two_phones_keep_apart_and_so_does_a_parting() {
        let chain = [("phone", "1", 1), ("phone", "1", 2), ("email", "x", 2), ("email", "x", 3)];
        assert_eq!(found(&chain, &[]), [(3, vec![1, 2, 3])]);
        assert_eq!(found(&[("email", "1", 1), ("phone", "1", 2)], &[]), [], "a kind is its own");
        let other = [&chain[..], &[("phone", "2", 3)]].concat();
        assert_eq!(found(&other, &[]), [(2, vec![1, 2])]);
        // Whoever was parted from one of a person is not joined with that person, by whatever key.
        assert_eq!(found(&chain, &[(3, 1)]), [(2, vec![1, 2])]);
        assert_eq!(found(&chain, &[(1, 2)]), [(3, vec![2, 3])]);
        let ring = [&chain[..], &[("card", "c", 1), ("card", "c", 3)]].concat();
        assert_eq!(found(&ring, &[(3, 2)]), [(2, vec![1, 2])]);
        assert_eq!(found(&ring, &[(3, 2), (3, 1), (2, 1)]), []);
    }

    #[test]
    fn the_youngest_band_holds_and_a_row_without_one_makes_nobody_an_adult() {
        for (rows, want) in [
            (&[Some("adult"), Some("14_17"), Some("under_14")][..], Some("under_14")),
            (&[Some("adult"), Some("unknown")], Some("unknown")),
            (&[None, Some("adult")], Some("unknown")),
            (&[Some("14_17"), None], Some("14_17")),
            (&[Some("adult"), Some("adult")], Some("adult")),
            (&[None, None], None),
        ] {
            let mut age = YoungestAge::<String>::default();
            rows.iter().for_each(|band| age.hear(*band));
            assert_eq!(age.holds().as_deref(), want, "{rows:?}");
        }
    }
}
