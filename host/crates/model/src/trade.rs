//! What actions offer and say: prices, claims, inducements (domain H14).

use std::collections::BTreeMap;

use crate::{Minor, UnixMs};

/// What an action offers and says, as the playbook declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaysDef {
    /// The thing that it offers, and at which price.
    pub price: Option<(String, Minor)>,
    /// Claims that it makes, by name.
    pub claims: Vec<String>,
    /// Whether it promises a gain for acting.
    pub is_inducement: bool,
    /// The label that says so.
    pub label: Option<String>,
    /// Topics that a person has to approve: health, finance, minors.
    pub topics: Vec<String>,
}

/// Prices and claims of a brand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradeDef {
    /// Feature of members with their community; `None`: no grant is for communities.
    pub community_feature: Option<String>,
    /// Official price of each thing.
    pub list: BTreeMap<String, Minor>,
    /// Prices beside the list that somebody approved.
    pub grants: Vec<PriceGrant>,
    /// Claims by name.
    pub claims: BTreeMap<String, ClaimDef>,
}

/// A price beside the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceGrant {
    /// The thing.
    pub sku: String,
    /// Least price.
    pub least: Minor,
    /// Greatest price; that of a single price is the least one.
    pub most: Minor,
    /// Segments of members that it is for; empty: all.
    pub segments: Vec<String>,
    /// Communities that it is for; empty: all.
    pub communities: Vec<String>,
    /// From then on.
    pub from: UnixMs,
    /// Before then.
    pub to: UnixMs,
    /// Who approved it.
    pub approver: String,
    /// Why.
    pub reason: String,
}

impl PriceGrant {
    /// Whether it holds at a moment for a member; who has no known segment or community has none of those named.
    #[must_use]
    pub fn holds(&self, at: UnixMs, segment: Option<&str>, community: Option<&str>) -> bool {
        let is_for = |named: &[String], of: Option<&str>| {
            named.is_empty() || of.is_some_and(|of| named.iter().any(|name| name == of))
        };
        (self.from..self.to).contains(&at)
            && is_for(&self.segments, segment)
            && is_for(&self.communities, community)
    }
}

/// A claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimDef {
    /// Id of the report that shows it.
    pub report: Option<String>,
    /// Until when the report is good; `None`: for good.
    pub until: Option<UnixMs>,
}
