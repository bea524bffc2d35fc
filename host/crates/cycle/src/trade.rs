//! Prices and claims of an action, looked up once for a policy: what refuses it (R07, R08; domain H14, GR-8).

use playbook_model::{Minor, PriceGrant, SaysDef, TradeDef, UnixMs};

/// What an action offers and says, with what covers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trade {
    /// Whether a claim has no report, or an inducement no label.
    lacks_proof: bool,
    /// From when on a report is no longer good.
    proven_until: Option<UnixMs>,
    price: Option<Priced>,
}

/// An offered price, and what it is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Priced {
    price: Minor,
    list: Option<Minor>,
    /// Grants for the thing.
    grants: Vec<PriceGrant>,
}

impl Trade {
    pub(crate) fn new(says: &SaysDef, of: &TradeDef) -> Self {
        let claims = || says.claims.iter().map(|name| of.claims.get(name));
        let is_shown = |claim: Option<&playbook_model::ClaimDef>| {
            claim.is_some_and(|claim| claim.report.is_some())
        };
        let has_label = says.label.is_some() || !says.is_inducement;
        let price = says.price.as_ref().map(|(sku, price)| {
            let grants = of.grants.iter().filter(|grant| grant.sku == *sku);
            Priced {
                price: *price,
                list: of.list.get(sku).copied(),
                grants: grants.cloned().collect(),
            }
        });
        Self {
            lacks_proof: !has_label || !claims().all(is_shown),
            proven_until: claims().flatten().filter_map(|claim| claim.until).min(),
            price,
        }
    }

    /// Whether all that it says is covered at a moment.
    pub(crate) fn is_proven(&self, at: UnixMs) -> bool {
        !self.lacks_proof && self.proven_until.is_none_or(|until| at < until)
    }

    /// Whether its price depends on whom it is offered to.
    pub(crate) fn asks_who(&self) -> bool {
        self.price.as_ref().is_some_and(|priced| priced.list != Some(priced.price))
    }

    /// Whether a member may be offered its price at a moment: that of the list, or one that a grant allows. Where several
    /// single prices are granted to a member, the lowest applies.
    pub(crate) fn has_price(
        &self,
        at: UnixMs,
        segment: Option<&str>,
        community: Option<&str>,
    ) -> bool {
        let Some(Priced { price, list, grants }) = &self.price else { return true };
        if *list == Some(*price) {
            return true;
        }
        let hold = || grants.iter().filter(|grant| grant.holds(at, segment, community));
        let is_single = |grant: &&PriceGrant| grant.least == grant.most;
        let lowest = hold().filter(is_single).map(|grant| grant.least).min();
        let in_range = |grant: &PriceGrant| (grant.least..=grant.most).contains(price);
        lowest == Some(*price) || hold().any(|grant| !is_single(&grant) && in_range(grant))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use playbook_model::{ClaimDef, Minor, PriceGrant, SaysDef, TradeDef, UnixMs};

    use super::Trade;

    fn grant(least: i64, most: i64, segments: &[&str], communities: &[&str]) -> PriceGrant {
        let texts = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect();
        PriceGrant {
            sku: "tea".to_owned(),
            least: Minor(least),
            most: Minor(most),
            segments: texts(segments),
            communities: texts(communities),
            from: UnixMs(10),
            to: UnixMs(20),
            approver: "jo".to_owned(),
            reason: "spring".to_owned(),
        }
    }

    fn at_price(price: i64, grants: Vec<PriceGrant>) -> Trade {
        let list = BTreeMap::from([("tea".to_owned(), Minor(100))]);
        let says = SaysDef { price: Some(("tea".to_owned(), Minor(price))), ..SaysDef::default() };
        Trade::new(&says, &TradeDef { list, grants, ..TradeDef::default() })
    }

    #[test]
    fn y110_a_price_is_that_of_the_list_or_one_that_a_grant_allows() {
        let holds = |price, at, segment, community| {
            let grants = vec![
                grant(80, 80, &["core"], &[]),
                grant(70, 70, &["core"], &["north"]),
                grant(40, 50, &[], &["south"]),
            ];
            at_price(price, grants).has_price(UnixMs(at), segment, community)
        };
        assert!(holds(100, 0, None, None), "the list");
        assert!(holds(80, 10, Some("core"), None) && holds(80, 19, Some("core"), None));
        for (at, segment) in [(9, Some("core")), (20, Some("core")), (15, Some("new")), (15, None)]
        {
            assert!(!holds(80, at, segment, None), "{at} {segment:?}");
        }
        assert!(!holds(79, 15, Some("core"), None) && !holds(81, 15, Some("core"), None));
        // Of two single prices for one member the lowest applies.
        assert!(holds(70, 15, Some("core"), Some("north")));
        assert!(!holds(80, 15, Some("core"), Some("north")));
        for (price, is_within) in [(39, false), (40, true), (45, true), (50, true), (51, false)] {
            assert_eq!(holds(price, 15, None, Some("south")), is_within, "{price}");
            assert!(!holds(price, 15, None, None), "nobody knows where the member is");
        }
        assert!(!at_price(90, Vec::new()).has_price(UnixMs(15), Some("core"), None));
    }

    #[test]
    fn y110_a_claim_needs_a_report_that_is_good_and_an_inducement_a_label() {
        let proven = |report: Option<&str>, until: Option<i64>, at: i64| {
            let claim = ClaimDef { report: report.map(str::to_owned), until: until.map(UnixMs) };
            let claims = BTreeMap::from([("pure".to_owned(), claim)]);
            let says = SaysDef { claims: vec!["pure".to_owned()], ..SaysDef::default() };
            Trade::new(&says, &TradeDef { claims, ..TradeDef::default() }).is_proven(UnixMs(at))
        };
        assert!(proven(Some("lab-1"), None, 99) && proven(Some("lab-1"), Some(20), 19));
        assert!(!proven(None, None, 5) && !proven(Some("lab-1"), Some(20), 20));
        let unknown = SaysDef { claims: vec!["pure".to_owned()], ..SaysDef::default() };
        assert!(!Trade::new(&unknown, &TradeDef::default()).is_proven(UnixMs(5)));
        for (label, is_proven) in [(None, false), (Some("ad".to_owned()), true)] {
            let says = SaysDef { is_inducement: true, label, ..SaysDef::default() };
            let trade = Trade::new(&says, &TradeDef::default());
            assert_eq!(trade.is_proven(UnixMs(5)), is_proven);
        }
    }
}
