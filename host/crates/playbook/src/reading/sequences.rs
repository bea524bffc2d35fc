//! Sequences of features: sessions, funnels, conversions.

use playbook_model::{
    CellType, EventFilter, Give, Grain, MapType, SequenceDef, SequenceRule, SourceDef, Steps,
    Subject,
};

use super::Reading;
use super::aggregates::channels;
use super::references::Names;
use crate::problem::Problem;
use crate::spec::one_of;
use crate::tree::{Entry, Node, Table, Value};
use crate::values;

/// Keys that say which sequence a feature is.
pub(super) const SEQUENCES: [&str; 3] = ["sessions", "funnel", "conversion"];
/// Keys that only sequences have.
pub(super) const OF_SEQUENCES: [&str; 6] = ["steps", "gap", "session_id", "within", "give", "step"];

/// The key of the long form, whose value is one of [`SEQUENCES`].
pub(super) const LONG: &str = "sequence";

/// A sequence as it is declared, in the short or in the long form.
#[derive(Clone, Copy)]
struct Declared<'a> {
    /// Which of [`SEQUENCES`].
    name: &'a str,
    /// The key by which the feature is one.
    way: &'a Entry,
    /// The kinds of events of sessions, or the steps: the value of that key, of `events` or of `steps`.
    of: Option<&'a Entry>,
}

impl<'a> Declared<'a> {
    fn new(table: &'a Table, way: &'a Entry) -> Option<Self> {
        if way.key != LONG {
            return Some(Self { name: &way.key, way, of: Some(way) });
        }
        let name = way.node.text()?;
        let of = table.entry(if name == "sessions" { "events" } else { "steps" });
        Some(Self { name, way, of })
    }

    fn is_sessions(self) -> bool {
        self.name == "sessions"
    }
}

/// Time without an event after which a session has ended.
const GAP_MS: i64 = 30 * 60_000;

impl Reading<'_> {
    pub(super) fn sequence(
        &mut self,
        table: &Table,
        way: &Entry,
        subject: &Subject,
        names: &Names,
        sources: &[SourceDef],
    ) -> Option<(SequenceDef, CellType, &'static str)> {
        let over = Grain::Events;
        let declared = Declared::new(table, way)?;
        self.needless_in(table, declared);
        let kinds = match declared.of {
            Some(of) if declared.is_sessions() => self.kinds_of(&of.node),
            _ => Vec::new(),
        };
        let rule = match declared.name {
            "sessions" => self.sessions(table, names, sources),
            "funnel" => SequenceRule::Funnel(self.steps(table, declared, sources)?),
            _ => SequenceRule::Conversion(self.steps(table, declared, sources)?),
        };
        self.subject_known(table, subject, over);
        let condition = self.condition(table, over, sources);
        let filter = EventFilter { kinds, channels: channels(table), condition };
        let give = self.give(table, declared, &rule, subject)?;
        let by = table.get("by").and_then(|node| self.by(node, over, names, sources));
        let window = self.window(table, over);
        Some((SequenceDef { rule, give, filter, window, by }, give.cell_type(), give.unit()))
    }

    /// Reports keys of another sequence, or of the other form.
    fn needless_in(&mut self, table: &Table, declared: Declared<'_>) {
        let (own, of): (&[&str], &str) = match declared.is_sessions() {
            true => (&["within", "step"], "only `funnel` and `conversion` have it"),
            false => (&["gap", "session_id"], "only `sessions` has it"),
        };
        self.needless_beside(table, declared.way, own, of);
        let is_long = declared.way.key == LONG;
        if !(is_long && declared.is_sessions()) {
            let of = "only aggregates and `sequence = \"sessions\"` have it";
            self.needless_beside(table, declared.way, &["events"], of);
        }
        if !is_long || declared.is_sessions() {
            let of = "only the long form of `funnel` and `conversion` has it";
            self.needless_beside(table, declared.way, &["steps"], of);
        }
    }

    fn sessions(&mut self, table: &Table, names: &Names, sources: &[SourceDef]) -> SequenceRule {
        let gap = table.entry("gap");
        let gap_ms = gap.and_then(|gap| values::duration_ms(gap.node.text()?)).unwrap_or(GAP_MS);
        let Some(id) = table.entry("session_id") else {
            return SequenceRule::SessionsByGap(gap_ms);
        };
        if let Some(gap) = gap {
            self.add(
                Problem::new(
                    "conflicting-keys",
                    gap.key_place,
                    "`gap` and `session_id` exclude each other",
                )
                .expected("one of them: where a session ends, or its id")
                .related(id.key_place, "the id"),
            );
        }
        if let Some(MapType::Real) = self.field_type(&id.node, Grain::Events, names, sources) {
            self.add(
                Problem::new(
                    "type-mismatch",
                    id.node.place,
                    "the id of a session is a number with decimals",
                )
                .expected("a field of type text or integer")
                .hint("read it with transform = \"whole\", or with type = \"text\""),
            );
        }
        SequenceRule::SessionsById(id.node.text().unwrap_or_default().to_owned())
    }

    fn steps(
        &mut self,
        table: &Table,
        declared: Declared<'_>,
        sources: &[SourceDef],
    ) -> Option<Steps> {
        let name = declared.name;
        let Some(of) = declared.of else {
            self.add(
                Problem::new(
                    "missing-key",
                    declared.way.node.place,
                    format!("`{name}` has no steps"),
                )
                .expected("`steps`, a list of at least two, in order")
                .hint("for example steps = [\"view\", \"order_paid\"]"),
            );
            return None;
        };
        let Value::List(items) = &of.node.value else { return None };
        if items.len() < 2 {
            self.add(
                Problem::new(
                    "missing-key",
                    of.node.place,
                    format!("`{name}` has {} of its steps", items.len()),
                )
                .expected("at least two steps, in order")
                .hint("for example [\"view\", \"order_paid\"]"),
            );
            return None;
        }
        if name == "conversion" && declared.way.key == LONG && items.len() > 2 {
            self.add(
                Problem::new(
                    "too-many",
                    of.node.place,
                    format!("`conversion` has two steps, not {}", items.len()),
                )
                .expected("two steps: whether the first is followed by the second")
                .hint("sequence = \"funnel\" takes more"),
            );
            return None;
        }
        let steps = items.iter().map(|item| self.step(item, sources)).collect();
        let within_ms = table.text("within").and_then(values::duration_ms);
        Some(Steps { steps, within_ms })
    }

    fn step(&mut self, item: &Node, sources: &[SourceDef]) -> EventFilter {
        let Some(step) = item.table() else {
            return EventFilter { kinds: self.kinds_of(item), ..EventFilter::default() };
        };
        let kinds = step.get("events").map(|events| self.kinds_of(events)).unwrap_or_default();
        let condition = self.condition(step, Grain::Events, sources);
        EventFilter { kinds, channels: Vec::new(), condition }
    }

    /// What is told; reports what the sequence, or the subject, does not have.
    fn give(
        &mut self,
        table: &Table,
        declared: Declared<'_>,
        rule: &SequenceRule,
        subject: &Subject,
    ) -> Option<Give> {
        let gives = rule.gives();
        let node = table.get("give");
        let name = node.and_then(Node::text).unwrap_or(gives[0].0);
        let place = node.unwrap_or(&declared.way.node).place;
        let Some((_, give)) = gives.iter().find(|(known, _)| *known == name) else {
            let known = gives.iter().map(|(name, _)| *name);
            self.add(
                Problem::new(
                    "bad-choice",
                    place,
                    format!("`{}` does not give `{name}`", declared.name),
                )
                .expected(one_of(known.clone()))
                .nearest(name, known),
            );
            return None;
        };
        if *give == Give::Deepest && subject.0 != "member" {
            self.add(
                Problem::new(
                    "bad-choice",
                    place,
                    format!("`deepest` is told of a member, not of a `{}`", subject.0),
                )
                .expected("`give`: `reached`, `complete`, `share` or `time`")
                .hint("give = \"reached\" counts the members at each step"),
            );
        }
        self.reached(table, declared, *give)
    }

    /// The step that `reached` counts; reports one that there is not, or that nothing reads.
    fn reached(&mut self, table: &Table, declared: Declared<'_>, give: Give) -> Option<Give> {
        let step = table.entry("step");
        match (give, step) {
            (Give::Reached(_), None) => {
                if let Some(by) = table.entry("by") {
                    self.add(
                        Problem::new(
                            "missing-key",
                            by.key_place,
                            "`by` splits one column, and `reached` gives one for each step",
                        )
                        .expected("`step`, the one that is counted")
                        .hint("for example step = 2"),
                    );
                }
                Some(give)
            }
            (Give::Reached(_), Some(entry)) => {
                let Value::List(steps) = &declared.of?.node.value else { return None };
                let at = table.integer("step").and_then(|step| usize::try_from(step).ok())?;
                if at > steps.len() {
                    self.add(
                        Problem::new(
                            "out-of-range",
                            entry.node.place,
                            format!("there is no step {at}"),
                        )
                        .expected(format!("a step from 1 to {}", steps.len())),
                    );
                }
                Some(Give::Reached(Some(at)))
            }
            (_, Some(entry)) if !declared.is_sessions() => {
                self.needless_over(entry, "only `give = \"reached\"` counts one step");
                Some(give)
            }
            _ => Some(give),
        }
    }
}
