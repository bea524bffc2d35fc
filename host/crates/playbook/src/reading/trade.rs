//! The tables `[prices]` and `[claims]`, and what actions offer and say.

use std::collections::BTreeMap;

use playbook_model::{ClaimDef, Minor, PriceGrant, SaysDef, TradeDef, UnixMs};

use super::Reading;
use super::references::Names;
use crate::problem::Problem;
use crate::spec::{Shape, one_of};
use crate::tree::{Node, Table, Value};
use crate::values;

impl Reading<'_> {
    pub(super) fn trade(&mut self, names: &Names) -> TradeDef {
        let mut trade = TradeDef { claims: self.claims(), ..TradeDef::default() };
        let Some(table) = self.root.table("prices") else { return trade };
        if let Some(node) = table.get("community_feature")
            && let Some(name) = node.text()
        {
            self.feature_exists(names, name, node.place);
            trade.community_feature = Some(name.to_owned());
        }
        for entry in table.table("list").map(|list| list.entries.as_slice()).unwrap_or_default() {
            if let Some(price) = self.price(&entry.node, &entry.key) {
                trade.list.insert(entry.key.clone(), price);
            }
        }
        for node in table.list("grants") {
            let Some(table) = node.table() else { continue };
            let grant = self.price_grant(node, table, &trade);
            trade.grants.extend(grant);
        }
        trade
    }

    fn claims(&mut self) -> BTreeMap<String, ClaimDef> {
        let table = self.root.table("claims");
        let mut claims = BTreeMap::new();
        for entry in table.map(|table| table.entries.as_slice()).unwrap_or_default() {
            let Some(table) = entry.node.table() else { continue };
            let report = table.text("report").map(str::to_owned);
            let until = table.get("until").and_then(|node| self.instant(node, "until"));
            claims.insert(entry.key.clone(), ClaimDef { report, until });
        }
        claims
    }

    pub(super) fn price(&mut self, node: &Node, key: &str) -> Option<Minor> {
        let digits = self.digits;
        let text = node.text()?;
        let price = values::money(text, digits);
        if price.is_none() {
            self.add(
                Problem::new("bad-money", node.place, format!("`{key}` cannot be `{text}`"))
                    .expected(format!("an amount like \"29.00\" with at most {digits} decimals")),
            );
        }
        price
    }

    pub(super) fn instant(&mut self, node: &Node, key: &str) -> Option<UnixMs> {
        let (Value::Text(text) | Value::Time(text)) = &node.value else { return None };
        let at = values::parse_instant(text, &self.zone);
        if at.is_none() {
            self.add(
                Problem::new("bad-time", node.place, format!("`{key}` cannot be `{text}`"))
                    .expected(Shape::Instant.words()),
            );
        }
        at
    }

    fn sku_exists(&mut self, node: &Node, list: &BTreeMap<String, Minor>) {
        let Some(sku) = node.text().filter(|sku| !list.contains_key(*sku)) else { return };
        self.sink.add_with(|| {
            Problem::new("unknown-sku", node.place, format!("`{sku}` has no official price"))
                .expected(format!("a thing of [prices] `list`: {}", one_of(list.keys())))
                .nearest(sku, list.keys().map(String::as_str))
        });
    }

    fn price_grant(&mut self, node: &Node, table: &Table, trade: &TradeDef) -> Option<PriceGrant> {
        if let Some(sku) = table.get("sku") {
            self.sku_exists(sku, &trade.list);
        }
        let mut price = |key: &str| table.get(key).and_then(|node| self.price(node, key));
        let (single, least, most) = (price("price"), price("price_min"), price("price_max"));
        let has = |key: &str| table.get(key).is_some();
        let (least, most) = match (has("price"), has("price_min"), has("price_max")) {
            (true, false, false) => (single, single),
            (false, true, true) => (least, most),
            _ => {
                self.add(
                    Problem::new("missing-key", node.place, "a grant has one price, or a range")
                        .expected("`price`, or `price_min` and `price_max`"),
                );
                (None, None)
            }
        };
        let texts = |key: &str| {
            table.list(key).iter().filter_map(Node::text).map(str::to_owned).collect::<Vec<_>>()
        };
        let (segments, communities) = (texts("segments"), texts("communities"));
        if let (Some(entry), None) = (table.entry("communities"), &trade.community_feature) {
            self.add(
                Problem::new(
                    "missing-key",
                    entry.key_place,
                    "`communities` without `community_feature` are nobody's",
                )
                .expected("`community_feature` of [prices], the feature with a member's community"),
            );
        }
        let from = table.get("from").and_then(|node| self.instant(node, "from"));
        let to = table.get("to").and_then(|node| self.instant(node, "to"));
        if let (Some(begin), Some(end), Some(node)) = (from, to, table.get("to"))
            && end <= begin
        {
            self.add(
                Problem::new("empty-window", node.place, "the grant ends before it begins")
                    .expected("`to` after `from`"),
            );
        }
        if let (Some(low), Some(high), Some(node)) = (least, most, table.get("price_max"))
            && high < low
        {
            self.add(
                Problem::new("out-of-range", node.place, "`price_max` is below `price_min`")
                    .expected("the greater of the two"),
            );
        }
        let text = |key: &str| table.text(key).map(str::to_owned);
        Some(PriceGrant {
            sku: text("sku")?,
            least: least?,
            most: most?,
            segments,
            communities,
            from: from?,
            to: to?,
            approver: text("approver")?,
            reason: text("reason")?,
        })
    }

    /// What the actions of a stage offer and say.
    pub(super) fn says(&mut self, stage: &Table, trade: &TradeDef) -> BTreeMap<String, SaysDef> {
        let entries = stage.table("actions").map(|table| table.entries.as_slice());
        let mut all = BTreeMap::new();
        for entry in entries.unwrap_or_default() {
            let Some(table) = entry.node.table() else { continue };
            let says = self.action_says(table, trade);
            if says != SaysDef::default() {
                all.insert(entry.key.clone(), says);
            }
        }
        all
    }

    fn action_says(&mut self, table: &Table, trade: &TradeDef) -> SaysDef {
        let price = match (table.entry("sku"), table.entry("price")) {
            (Some(sku), Some(price)) => {
                self.sku_exists(&sku.node, &trade.list);
                let amount = self.price(&price.node, "price");
                sku.node.text().map(str::to_owned).zip(amount)
            }
            (Some(one), None) | (None, Some(one)) => {
                self.add(
                    Problem::new(
                        "missing-key",
                        one.key_place,
                        format!("`{}` alone says no price of anything", one.key),
                    )
                    .expected("`sku` and `price`"),
                );
                None
            }
            (None, None) => None,
        };
        let mut claims = Vec::new();
        for node in table.list("claims") {
            let Some(name) = node.text() else { continue };
            if !trade.claims.contains_key(name) {
                self.sink.add_with(|| {
                    Problem::new("unknown-claim", node.place, format!("there is no claim `{name}`"))
                        .expected(one_of(trade.claims.keys()))
                        .nearest(name, trade.claims.keys().map(String::as_str))
                });
            }
            claims.push(name.to_owned());
        }
        let is_inducement = table.flag("inducement").unwrap_or(false);
        let label = table.text("label").map(str::to_owned);
        let topics = table.list("topics").iter().filter_map(Node::text).map(str::to_owned);
        SaysDef { price, claims, is_inducement, label, topics: topics.collect() }
    }
}
