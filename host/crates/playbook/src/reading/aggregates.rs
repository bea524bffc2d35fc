//! Aggregates of features: fields, kinds of events, windows, groups.

use std::collections::BTreeSet;

use playbook_features::{Expression, ExpressionError, WallField};
use playbook_model::{
    Aggregate, AggregateDef, CellType, EventFilter, Grain, MapType, SourceDef, SourceTable,
    Subject, Window, default_cell_type,
};

use super::events::{all_kinds, expanded, with_own_kind};
use super::host_tables::{COSTS, ENTRIES, EVENTS, Field, MEMBERS, attribute_row, own_prefix};
use super::references::{Names, bad_expression};
use super::{Reading, names_of};
use crate::layout::EVENT_GROUPS;
use crate::problem::{Place, Problem};
use crate::spec::one_of;
use crate::tree::{Entry, Node, Table, Value};
use crate::values;

/// Most columns into which a window is cut.
const STRETCHES_MAX: i64 = 64;

impl Reading<'_> {
    #[expect(clippy::too_many_arguments, reason = "one call site, all facts of one feature")]
    pub(super) fn aggregate(
        &mut self,
        entry: &Entry,
        table: &Table,
        way: &Entry,
        function: Aggregate,
        subject: &Subject,
        names: &Names,
        sources: &[SourceDef],
    ) -> Option<(AggregateDef, CellType, &'static str)> {
        let over = match table.text("over") {
            Some("members") => Grain::Members,
            Some("costs") => Grain::Costs,
            Some("entries") => Grain::Entries,
            _ => Grain::Events,
        };
        let is_long = way.key == "aggregate";
        let field =
            if is_long || !function.needs_field() { table.get("field") } else { Some(&way.node) };
        self.field_needed(entry, table, way, function, field.is_some());
        let field_type = field.and_then(|node| self.field_type(node, over, names, sources));
        let shape = self.typed(way, function, field, field_type);

        let events =
            if is_long || function.needs_field() { table.entry("events") } else { Some(way) };
        let kinds = self.kinds(events, over, table);
        let channels = channels(table);
        if let (Some(extra), false) =
            (table.entry("channel"), matches!(over, Grain::Events | Grain::Costs))
        {
            self.needless_over(extra, "only events and costs have channels");
        }
        self.subject_known(table, subject, over);
        let by = table.get("by").and_then(|node| self.by(node, over, names, sources));
        let condition = self.condition(table, over, sources);
        let window = self.window(table, over);
        let every_ms = self.every(table, window);
        let aggregate = AggregateDef {
            over,
            function,
            filter: EventFilter { kinds, channels, condition },
            window,
            field: field.and_then(Node::text).map(str::to_owned),
            cap: self.cap(entry, table, way, function),
            by,
            every_ms,
        };
        let unit = unit_of(function, aggregate.field.as_deref().unwrap_or_default());
        Some((aggregate, shape, unit))
    }

    /// The condition on the rows; reports one that is none, or names what rows do not have.
    pub(super) fn condition(
        &mut self,
        table: &Table,
        over: Grain,
        sources: &[SourceDef],
    ) -> Option<String> {
        let entry = table.entry("where")?;
        let text = entry.node.text()?;
        if over == Grain::Members {
            self.needless_over(entry, "members are chosen by features: take an expression");
            return None;
        }
        let type_of = |name: &str| {
            row_field(name, over, sources).map(|map_type| match map_type {
                MapType::Text => CellType::Text,
                MapType::Real => CellType::Real,
                _ => CellType::Integer,
            })
        };
        let checked = Expression::parse(text).and_then(|condition| {
            let names = condition.names();
            if let Some((name, at)) = names.iter().find(|(name, _)| type_of(name).is_none()) {
                return Err(ExpressionError {
                    at: at.clone(),
                    message: format!("the rows have no field `{name}`"),
                    expected: "a field of the rows, or one of the brand's own that a source maps"
                        .to_owned(),
                });
            }
            condition.condition_sql()?;
            if condition.compile(type_of)?.is_condition() {
                return Ok(());
            }
            Err(ExpressionError {
                at: 0..text.len(),
                message: "it is no condition".to_owned(),
                expected: "a comparison, such as field_department = 'GROCERY'".to_owned(),
            })
        });
        if let Err(fault) = checked {
            let place = entry.node.inside(self.texts, fault.at.clone());
            self.add(bad_expression(&fault, place));
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn needless_over(&mut self, extra: &Entry, why: &str) {
        self.add(
            Problem::new(
                "needless-key",
                extra.key_place,
                format!("`{}` has no effect here: {why}", extra.key),
            )
            .expected("a feature without it"),
        );
    }

    /// The cap of a capped count; reports one that is missing or has no effect.
    fn cap(
        &mut self,
        entry: &Entry,
        table: &Table,
        way: &Entry,
        function: Aggregate,
    ) -> Option<u32> {
        let cap = table.integer("cap").and_then(|cap| u32::try_from(cap).ok());
        match (function == Aggregate::CappedCount, table.entry("cap")) {
            (true, None) => self.add(
                Problem::new(
                    "missing-key",
                    way.node.place,
                    format!("`capped-count` of `{}` needs a cap", entry.key),
                )
                .expected("`cap`, the most rows of a day that count")
                .hint("for example cap = 10"),
            ),
            (false, Some(extra)) => self.needless_over(extra, "only `capped-count` has a cap"),
            _ => {}
        }
        cap
    }

    fn field_needed(
        &mut self,
        entry: &Entry,
        table: &Table,
        way: &Entry,
        function: Aggregate,
        named: bool,
    ) {
        let name = function_name(function);
        if function.needs_field() && !named {
            self.add(
                Problem::new(
                    "missing-key",
                    way.node.place,
                    format!("`{name}` of `{}` needs a field", entry.key),
                )
                .expected("`field`, a column of the rows")
                .hint("for example field = \"amount_minor\""),
            );
        }
        let (short, needs_field) = (way.key != "aggregate", function.needs_field());
        if let Some(extra) = table.entry("field")
            && (short || !needs_field)
        {
            let why = if needs_field {
                format!("the value of `{name}` names the field")
            } else {
                format!("`{name}` reads no field")
            };
            self.needless_over(extra, &why);
        }
        if let Some(extra) = table.entry("events")
            && short
            && !needs_field
        {
            self.needless_over(extra, &format!("the value of `{name}` names the events"));
        }
    }

    /// Type of a field that an aggregate reads; reports one that does not exist.
    pub(super) fn field_type(
        &mut self,
        node: &Node,
        over: Grain,
        names: &Names,
        sources: &[SourceDef],
    ) -> Option<MapType> {
        let name = node.text()?;
        let known = fields_of(over);
        if let Some(map_type) = row_field(name, over, sources) {
            return Some(map_type);
        }
        if over == Grain::Members {
            if let Some(row) = attribute_row(name, sources) {
                return Some(row);
            }
            self.reference_exists(names, name, node.place);
            return None;
        }
        let walls: &[WallField] = if over == Grain::Events { &WallField::ALL } else { &[] };
        let fields = known.iter().map(|field| field.name).chain(walls.iter().map(|w| w.name()));
        self.add(
            Problem::new("unknown-field", node.place, format!("the rows have no field `{name}`"))
                .expected(one_of(fields.clone()))
                .nearest(name, fields),
        );
        None
    }

    /// Type of the feature's values; reports arithmetic on texts.
    fn typed(
        &mut self,
        way: &Entry,
        function: Aggregate,
        field: Option<&Node>,
        field_type: Option<MapType>,
    ) -> CellType {
        use Aggregate::{First, Last, Max, Mean, Min, RepeatSum, Sum};
        let arithmetic = matches!(function, Sum | Mean | RepeatSum | Min | Max);
        match field_type {
            Some(MapType::Text | MapType::Flag) if arithmetic => {
                let place = field.map_or(way.node.place, |node| node.place);
                self.add(
                    Problem::new(
                        "type-mismatch",
                        place,
                        format!("`{}` cannot be taken of a text", function_name(function)),
                    )
                    .expected(
                        "a field with numbers, such as `amount_minor`, `quantity` or `value`",
                    ),
                );
                CellType::Real
            }
            Some(MapType::Text) if matches!(function, First | Last) => CellType::Text,
            Some(MapType::Real) if arithmetic || matches!(function, First | Last) => CellType::Real,
            _ => default_cell_type(function),
        }
    }

    /// Kinds of events after groups are expanded, in the order of the domain.
    fn kinds(&mut self, events: Option<&Entry>, over: Grain, table: &Table) -> Vec<String> {
        let Some(events) = events else {
            return Vec::new();
        };
        if over != Grain::Events {
            let short_any = events.node.text() == Some("any");
            if !short_any || table.get("events").is_some() {
                self.add(
                    Problem::new(
                        "needless-key",
                        events.key_place,
                        format!("`{}` names kinds of events, but the rows are none", events.key),
                    )
                    .expected("`any`, or a feature over events"),
                );
            }
            return Vec::new();
        }
        self.kinds_of(&events.node)
    }

    /// Kinds of events that a value names, after groups are expanded; none: any.
    pub(super) fn kinds_of(&mut self, events: &Node) -> Vec<String> {
        let names = names_of(Some(events));
        let is_known = |name: &str| {
            EVENT_GROUPS.contains(&name) || all_kinds(&self.own_kinds).any(|kind| kind == name)
        };
        let (known, unknown): (Vec<_>, Vec<_>) =
            names.iter().partition(|(name, _)| is_known(name.as_str()));
        unknown.into_iter().for_each(|(name, place)| self.unknown_kind(name, *place));
        let names: BTreeSet<&str> = known.into_iter().map(|(name, _)| name.as_str()).collect();
        if names.contains("any") { Vec::new() } else { expanded(&names, &self.own_kinds) }
    }

    fn unknown_kind(&mut self, name: &str, place: Place) {
        let names = EVENT_GROUPS.iter().copied().chain(all_kinds(&self.own_kinds));
        self.sink.add_with(|| {
            let problem =
                Problem::new("unknown-event", place, format!("`{name}` is no kind of event"))
                    .expected(one_of(names.clone()))
                    .nearest(name, names);
            with_own_kind(problem, name)
        });
    }

    pub(super) fn window(&mut self, table: &Table, over: Grain) -> Window {
        let mut window = Window::default();
        let Some(entry) = table.entry("window") else {
            return window;
        };
        if over == Grain::Members {
            self.needless_over(entry, "members have no time");
        }
        match &entry.node.value {
            Value::Text(text) => window.from_ms = values::duration_ms(text),
            Value::Table(bounds) => {
                window.from_ms = bounds.text("from").and_then(values::duration_ms);
                window.to_ms = bounds.text("to").and_then(values::duration_ms).unwrap_or(0);
            }
            _ => {}
        }
        if window.from_ms.is_some_and(|from| from <= window.to_ms) {
            self.add(
                Problem::new("empty-window", entry.node.place, "the window is empty").expected(
                    "`from` further back than `to`, such as { from = \"14d\", to = \"7d\" }",
                ),
            );
        }
        window
    }

    /// The length of the stretches into which a window is cut; reports one that does not fit the window.
    fn every(&mut self, table: &Table, window: Window) -> Option<i64> {
        let entry = table.entry("every")?;
        let every = values::duration_ms(entry.node.text()?).filter(|every| *every > 0)?;
        if let Some(by) = table.entry("by") {
            self.add(
                Problem::new(
                    "conflicting-keys",
                    by.key_place,
                    "columns are split by `every` or by `by`",
                )
                .expected("one of the two")
                .related(entry.key_place, "the other"),
            );
        }
        let length = window.from_ms.map(|from| from - window.to_ms);
        let fits = length.is_some_and(|length| {
            length % every == 0 && (1..=STRETCHES_MAX).contains(&(length / every))
        });
        if !fits {
            let problem = Problem::new(
                "out-of-range",
                entry.node.place,
                "`every` does not cut the window into whole stretches",
            );
            self.add(
                problem
                    .expected(format!(
                        "a `window` of 1 to {STRETCHES_MAX} times that length, such as window = \"28d\", every = \"7d\""
                    )),
            );
        }
        fits.then_some(every)
    }

    pub(super) fn subject_known(&mut self, table: &Table, subject: &Subject, over: Grain) {
        let columns: &[&str] = match over {
            Grain::Events => &[
                "member",
                "brand",
                "channel",
                "community",
                "campaign",
                "topic",
                "place",
                "object",
                "partner",
                "content",
                "order",
                "day",
            ],
            Grain::Costs => &["brand", "channel", "campaign", "community", "kind", "day"],
            Grain::Members | Grain::Entries => return,
        };
        if let Some(node) = table.get("subject")
            && !columns.contains(&subject.0.as_str())
        {
            self.add(
                Problem::new(
                    "unknown-subject",
                    node.place,
                    format!("the rows cannot be grouped by `{}`", subject.0),
                )
                .expected(one_of(columns))
                .nearest(&subject.0, columns.iter().copied()),
            );
        }
    }

    pub(super) fn by(
        &mut self,
        node: &Node,
        over: Grain,
        names: &Names,
        sources: &[SourceDef],
    ) -> Option<String> {
        let name = node.text()?;
        if row_field(name, over, sources).is_none() {
            self.reference_exists(names, name, node.place);
        }
        Some(name.to_owned())
    }
}

/// The channels that a feature counts; none: all.
pub(super) fn channels(table: &Table) -> Vec<String> {
    names_of(table.get("channel")).into_iter().map(|(name, _)| name).collect()
}

/// Fields of the host that rows may have.
fn fields_of(over: Grain) -> &'static [Field] {
    match over {
        Grain::Events => EVENTS,
        Grain::Costs => COSTS,
        Grain::Entries => ENTRIES,
        Grain::Members => MEMBERS,
    }
}

/// Type of a field that rows have: the host's, or the brand's own, where a source maps it.
pub(super) fn row_field(name: &str, over: Grain, sources: &[SourceDef]) -> Option<MapType> {
    if let Some(field) = fields_of(over).iter().find(|field| field.name == name) {
        return Some(field.map_type);
    }
    if over == Grain::Events && WallField::named(name).is_some() {
        return Some(MapType::Integer);
    }
    let table = match over {
        Grain::Events => SourceTable::Events,
        Grain::Costs => SourceTable::Costs,
        Grain::Entries | Grain::Members => return None,
    };
    let own = own_prefix(table).filter(|prefix| name.starts_with(prefix));
    let mut rows = sources.iter().filter(|s| s.table == table).flat_map(|s| &s.mapping);
    own.and_then(|_| rows.find(|row| row.to == name)).map(|row| row.map_type)
}

fn function_name(function: Aggregate) -> &'static str {
    Aggregate::ALL.iter().find(|(_, other)| *other == function).map_or("", |(name, _)| name)
}

fn unit_of(function: Aggregate, field: &str) -> &'static str {
    match function {
        Aggregate::Count | Aggregate::CappedCount | Aggregate::Distinct | Aggregate::RepeatDays => {
            "count"
        }
        Aggregate::DistinctDays
        | Aggregate::Recency
        | Aggregate::Age
        | Aggregate::Span
        | Aggregate::GapMean
        | Aggregate::GapSd => "day",
        _ if field.ends_with("_minor") => "minor",
        _ if field == "quantity" || field == "delivered" || field == "complaints" => "count",
        _ if field == "time" || field == "day" || field == "joined" => "unix-ms",
        _ => "",
    }
}
