//! What a brand's pages have in common: its words, its money, its clock; a decision with why and why not.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use playbook_model::{Digest, Kind, Minor, RefusalCode};
use playbook_online::{Brand, Decision, EffectSaid, NamedFacts, StageFacts, Version, VersionFacts};
use playbook_report::{Lang, kind_words};

use super::frame::{Say, short};
use super::visit::Visit;

/// A brand as its pages speak of it.
pub(super) struct Told<'v> {
    pub(super) visit: &'v Visit,
    pub(super) say: Say,
    pub(super) brand: Arc<Brand>,
    /// The version that decides.
    pub(super) version: Arc<Version>,
    zone: TimeZone,
    /// Facts of the versions that decisions of the page were made by.
    facts: RefCell<HashMap<String, Option<Arc<VersionFacts>>>>,
}

impl<'v> Told<'v> {
    pub(super) fn new(visit: &'v Visit, brand: Arc<Brand>) -> Self {
        let version = brand.version();
        let zone = TimeZone::get(&version.playbook().time_zone).unwrap_or(TimeZone::UTC);
        Self { visit, say: visit.say, brand, version, zone, facts: RefCell::default() }
    }

    /// A moment on the brand's clock.
    pub(super) fn time(&self, unix_ms: i64) -> Markup {
        let Ok(at) = Timestamp::from_millisecond(unix_ms) else {
            return html! { (unix_ms) };
        };
        let local = at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        html! { time datetime=(at.to_string()) { (local) } }
    }

    /// An amount with its currency.
    pub(super) fn cash(&self, minor: i64) -> String {
        format!("{} {}", self.version.playbook().currency, self.money(minor))
    }

    /// An amount without its currency.
    pub(super) fn money(&self, minor: i64) -> String {
        playbook_report::money(Minor(minor), self.version.playbook().currency_digits)
    }

    fn facts(&self, version: &str) -> Option<Arc<VersionFacts>> {
        let mut known = self.facts.borrow_mut();
        let read = || Digest::from_hex(version).and_then(|digest| self.brand.facts_of(&digest));
        known.entry(version.to_owned()).or_insert_with(read).clone()
    }

    /// Words of the version for a name that one of its stages has; the name where there are none.
    fn words(
        &self,
        (version, stage, name): (&str, &str, &str),
        of: impl Fn(&StageFacts) -> &[NamedFacts],
    ) -> String {
        let facts = self.facts(version);
        let stage = facts.as_ref().and_then(|facts| facts.stages.iter().find(|s| s.name == stage));
        let known = stage.and_then(|stage| of(stage).iter().find(|known| known.name == name));
        let text = known.map(|known| match (self.say.0, &known.zh) {
            (Lang::Zh, Some(zh)) => zh.clone(),
            _ => known.en.clone(),
        });
        text.filter(|text| !text.is_empty()).unwrap_or_else(|| name.to_owned())
    }

    /// A segment in words.
    pub(super) fn segment(&self, version: &str, stage: &str, name: &str) -> String {
        self.words((version, stage, name), |stage| &stage.segments)
    }

    /// A kind of plugins in words.
    pub(super) fn kind<'k>(&self, name: &'k str) -> &'k str {
        let known = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        known.map_or(name, |kind| kind_words(kind, self.say.0))
    }

    /// An action in words.
    pub(super) fn action(&self, version: &str, stage: &str, name: &str) -> String {
        self.words((version, stage, name), |stage| &stage.actions)
    }

    /// Segments of a decision.
    pub(super) fn segments(&self, decision: &Decision) -> Markup {
        html! {
            @for said in &decision.segments {
                span.badge title=(said.stage) { (self.segment(&decision.version, &said.stage, &said.segment)) } " "
            }
        }
    }

    /// Effects of a decision, those that were granted first, each with why or why not.
    pub(super) fn effects(&self, decision: &Decision) -> Markup {
        html! {
            @if decision.granted.is_empty() && decision.refused.is_empty() {
                p.dim { (self.say.say("Nothing was proposed.", "沒有提案。")) }
            } @else {
                ul.effects {
                    @for effect in decision.granted.iter().chain(&decision.refused) {
                        li { (self.effect(&decision.version, effect)) }
                    }
                }
            }
            @for out in &decision.left_out {
                p.note { (self.say.say("Left out: ", "未參與：")) code { (out.stage) } ", " (out.why.in_lang(self.say.0.code())) }
            }
        }
    }

    /// What the plugins of a decision took, and which closed cycle they rest on.
    pub(super) fn rests_on(&self, decision: &Decision) -> Markup {
        html! {
            @if decision.fuel.is_some() || decision.closed.is_some() {
                p.dim {
                    @if let Some(fuel) = decision.fuel {
                        (self.say.say("Fuel ", "燃料 ")) (playbook_report::whole(fuel)) " "
                    }
                    @if let Some(closed) = &decision.closed {
                        (self.say.say("Models of the cycle closed ", "模型來自已結週期 "))
                        (self.time(closed.at))
                    }
                }
            }
        }
    }

    fn effect(&self, version: &str, effect: &EffectSaid) -> Markup {
        let (class, status) = status(self.say, effect.status);
        html! {
            span class={ "badge " (class) } { (status) } " "
            strong { (self.action(version, &effect.stage, &effect.action)) }
            @if effect.quantity != 1 { " × " (playbook_report::signed(effect.quantity)) }
            " " span.money { (self.cash(effect.cost_minor)) }
            @if let Some(refusal) = &effect.refusal {
                p.why {
                    (self.say.say("Refused: ", "拒絕原因："))
                    strong { (refusal.code) " " (self.refusal(refusal.code)) }
                    @if !refusal.rule.is_empty() { " (" (refusal.rule) ")" }
                }
            }
            @if let Some((code, _)) = &effect.reason {
                p.why {
                    (self.say.say("Proposed because: ", "提議原因："))
                    (self.words((version, &effect.stage, code), |stage| &stage.reasons))
                    " " code.dim { (effect.stage) "/" (code) }
                }
            }
        }
    }

    /// A code of the host in words.
    pub(super) fn refusal(&self, code: &str) -> &'static str {
        let known = RefusalCode::ALL.into_iter().find(|known| known.code() == code);
        known.map_or("", |known| known.words(self.say.0.code()))
    }

    /// A link to a member's page; the pseudonym alone for whoever sees no ids.
    pub(super) fn member(&self, member: &str) -> Markup {
        self.named(&self.visit.key.role.names(&self.brand, member))
    }

    /// The same of a member as the role names it.
    pub(super) fn named(&self, member: &str) -> Markup {
        if !self.visit.key.role.names_members() {
            return html! { code { (member) } };
        }
        html! { a href={ (self.visit.to("/members")) "?" (query(&[("member", member)])) } { (member) } }
    }

    /// A decision as a row of a list: when, whom, in which segment, with its effects.
    pub(super) fn decision(&self, decision: &Decision) -> Markup {
        html! {
            article.decision {
                header {
                    (self.time(decision.at)) " " (self.member(&decision.member)) " "
                    (self.segments(decision))
                    @if let Some(id) = &decision.id {
                        a.more href={ (self.visit.to("/decisions/")) (id) } { (self.say.say("all of it", "詳情")) }
                    }
                }
                (self.effects(decision))
            }
        }
    }

    /// A version with a link to its page.
    pub(super) fn version(&self, digest: &str) -> Markup {
        html! {
            @if self.visit.may("list_activations") {
                a href={ (self.visit.to("/versions/")) (digest) } { (short(digest)) }
            } @else { (short(digest)) }
        }
    }
}

/// What became of a proposal, as a badge.
fn status(say: Say, status: &str) -> (&'static str, &'static str) {
    match status {
        "granted" => ("good", say.say("granted", "已發放")),
        "granted-before" => ("", say.say("granted before", "先前已發放")),
        "waits-for-approval" => ("warn", say.say("waits for approval", "待審批")),
        "held-for-review" => ("warn", say.say("held for review", "暫扣待審")),
        _ => ("critical", say.say("refused", "已拒絕")),
    }
}

/// Parameters of a link; those without a value are left out.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
}
