//! The table `[features]`: aggregates in short and long form, attributes, expressions, SQL.

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::{
    Aggregate, AggregateDef, CellType, Definition, EventFilter, FeatureDef, Grain, Subject, Window,
};

use super::sources::{COSTS, ENTRIES, EVENTS, Field, MEMBERS};
use super::{Reading, expression, names_of};
use crate::layout::{EVENT_GROUPS, EVENT_KINDS, INTERACTION_KINDS};
use crate::merge::entry_name;
use crate::problem::{Place, Problem};
use crate::spec::one_of;
use crate::tree::{Entry, Node, Table, Value};
use crate::types::{MapType, SourceDef, SourceTable, default_cell_type};
use crate::values;

/// Names that references may point at.
pub(crate) struct Names {
    /// Features with their subjects.
    pub(crate) features: BTreeMap<String, String>,
    /// Stages.
    pub(crate) stages: BTreeSet<String>,
}

impl Names {
    pub(crate) fn of(root: &Table) -> Self {
        let mut features = BTreeMap::new();
        for entry in root
            .table("features")
            .map(|table| table.entries.as_slice())
            .unwrap_or_default()
        {
            let subject = entry
                .node
                .table()
                .and_then(|table| table.text("subject"))
                .unwrap_or("member");
            features.insert(entry.key.clone(), subject.to_owned());
        }
        let stages = root
            .list("stage")
            .iter()
            .filter_map(|node| node.table().and_then(entry_name))
            .collect();
        Self { features, stages }
    }
}

/// Keys that say how a feature is computed, beside the short forms of aggregates.
const WAYS: [&str; 5] = ["aggregate", "attribute", "expression", "constant", "sql"];
/// Keys that only aggregates have.
const OF_AGGREGATES: [&str; 6] = ["field", "events", "window", "channel", "over", "by"];

impl Reading<'_> {
    pub(super) fn features(&mut self, names: &Names, sources: &[SourceDef]) -> Vec<FeatureDef> {
        let Some(table) = self.root.table("features") else {
            return Vec::new();
        };
        let features: Vec<FeatureDef> = table
            .entries
            .iter()
            .filter_map(|entry| self.feature(entry, entry.node.table()?, names, sources))
            .collect();
        self.expression_loops(table, &features);
        features
    }

    fn feature(
        &mut self,
        entry: &Entry,
        table: &Table,
        names: &Names,
        sources: &[SourceDef],
    ) -> Option<FeatureDef> {
        let way = self.way(entry, table)?;
        let subject = Subject(table.text("subject").unwrap_or("member").to_owned());
        let short = Aggregate::ALL.iter().find(|(name, _)| *name == way.key);
        let long = (way.key == "aggregate")
            .then(|| {
                Aggregate::ALL
                    .iter()
                    .find(|(name, _)| Some(*name) == way.node.text())
            })
            .flatten();
        if short.is_none() && way.key != "aggregate" {
            for key in OF_AGGREGATES {
                if let Some(extra) = table.entry(key) {
                    self.add(
                        Problem::new(
                            "needless-key",
                            extra.key_place,
                            format!("`{key}` has no effect beside `{}`", way.key),
                        )
                        .expected("only aggregates have it"),
                    );
                }
            }
        }
        let (definition, cell_type, unit) = match (short.or(long), way.key.as_str()) {
            (Some((_, function)), _) => {
                let (aggregate, cell_type, unit) =
                    self.aggregate(entry, table, way, *function, &subject, names, sources)?;
                (Definition::Aggregate(aggregate), cell_type, unit)
            }
            (None, "attribute") => self.attribute(way, &subject, sources)?,
            (None, "expression") => {
                self.expression(entry, way, &subject, names);
                (
                    Definition::Expression(way.node.text()?.to_owned()),
                    CellType::Real,
                    "",
                )
            }
            (None, "constant") => (Definition::Constant(way.node.real()?), CellType::Real, ""),
            (None, "sql") => (
                Definition::Sql(way.node.text()?.to_owned()),
                CellType::Real,
                "",
            ),
            _ => return None,
        };
        let cell_type = match table.text("type") {
            Some("real") => CellType::Real,
            Some("integer") => CellType::Integer,
            Some("category") => CellType::Category,
            Some("text") => CellType::Text,
            _ => cell_type,
        };
        let unit = table.text("unit").unwrap_or(unit).to_owned();
        Some(FeatureDef {
            name: entry.key.clone(),
            subject,
            cell_type,
            unit,
            definition,
        })
    }

    /// Returns the one key that says how the feature is computed.
    fn way<'a>(&mut self, entry: &Entry, table: &'a Table) -> Option<&'a Entry> {
        let is_way =
            |key: &str| WAYS.contains(&key) || Aggregate::ALL.iter().any(|(name, _)| *name == key);
        let mut ways = table.entries.iter().filter(|entry| is_way(&entry.key));
        let first = ways.next();
        match (first, ways.next()) {
            (Some(first), Some(second)) => {
                self.add(
                    Problem::new(
                        "conflicting-keys",
                        second.key_place,
                        format!("`{}` is computed in two ways", entry.key),
                    )
                    .expected(
                        "one way: an aggregate, `attribute`, `expression`, `constant` or `sql`",
                    )
                    .related(first.key_place, "the first way"),
                );
                None
            }
            (Some(first), None) => Some(first),
            (None, _) => {
                self.add(
                    Problem::new("missing-key", entry.key_place, format!("nothing says how `{}` is computed", entry.key))
                        .expected("an aggregate such as `count`, or `attribute`, `expression`, `constant` or `sql`")
                        .hint("for example { count = \"order_paid\", window = \"30d\" }"),
                );
                None
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call site, all facts of one feature"
    )]
    fn aggregate(
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
        let field = if is_long || !function.needs_field() {
            table.get("field")
        } else {
            Some(&way.node)
        };
        self.field_needed(entry, table, way, function, field.is_some());
        let field_type = field.and_then(|node| self.field_type(node, over, names, sources));
        let shape = self.typed(way, function, field, field_type);

        let events = if is_long || function.needs_field() {
            table.entry("events")
        } else {
            Some(way)
        };
        let kinds = self.kinds(events, over, table);
        let channels: Vec<String> = names_of(table.get("channel"))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        if let (Some(extra), false) = (
            table.entry("channel"),
            matches!(over, Grain::Events | Grain::Costs),
        ) {
            self.needless_over(extra, "only events and costs have channels");
        }
        self.subject_known(table, subject, over);
        let by = table.get("by").and_then(|node| self.by(node, over, names));
        let aggregate = AggregateDef {
            over,
            function,
            filter: EventFilter { kinds, channels },
            window: self.window(table, over),
            field: field.and_then(Node::text).map(str::to_owned),
            by,
        };
        let unit = unit_of(function, aggregate.field.as_deref().unwrap_or_default());
        Some((aggregate, shape, unit))
    }

    fn needless_over(&mut self, extra: &Entry, why: &str) {
        self.add(
            Problem::new(
                "needless-key",
                extra.key_place,
                format!("`{}` has no effect here: {why}", extra.key),
            )
            .expected("a feature without it"),
        );
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
    fn field_type(
        &mut self,
        node: &Node,
        over: Grain,
        names: &Names,
        sources: &[SourceDef],
    ) -> Option<MapType> {
        let name = node.text()?;
        let known: &[Field] = match over {
            Grain::Events => EVENTS,
            Grain::Costs => COSTS,
            Grain::Entries => ENTRIES,
            Grain::Members => MEMBERS,
        };
        if let Some(field) = known.iter().find(|field| field.name == name) {
            return Some(field.map_type);
        }
        if over == Grain::Members {
            if let Some(row) = attribute_row(name, sources) {
                return Some(row);
            }
            self.reference_exists(names, name, node.place);
            return None;
        }
        let fields = known.iter().map(|field| field.name);
        self.add(
            Problem::new(
                "unknown-field",
                node.place,
                format!("the rows have no field `{name}`"),
            )
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
                        format!(
                            "`{}` names kinds of events, but the rows are none",
                            events.key
                        ),
                    )
                    .expected("`any`, or a feature over events"),
                );
            }
            return Vec::new();
        }
        let mut kinds = BTreeSet::new();
        let mut any = false;
        for (name, place) in names_of(Some(&events.node)) {
            match name.as_str() {
                "any" => any = true,
                "interaction" => kinds.extend(INTERACTION_KINDS.iter().copied()),
                "active" => kinds.extend(INTERACTION_KINDS.iter().copied().chain(["order_paid"])),
                name => match EVENT_KINDS.iter().find(|kind| **kind == name) {
                    Some(kind) => {
                        kinds.insert(*kind);
                    }
                    None => self.unknown_kind(name, place),
                },
            }
        }
        if any {
            Vec::new()
        } else {
            EVENT_KINDS
                .iter()
                .filter(|kind| kinds.contains(*kind))
                .map(|kind| (*kind).to_owned())
                .collect()
        }
    }

    fn unknown_kind(&mut self, name: &str, place: Place) {
        let names = EVENT_GROUPS.iter().chain(EVENT_KINDS).copied();
        self.sink.add_with(|| {
            Problem::new(
                "unknown-event",
                place,
                format!("`{name}` is no kind of event"),
            )
            .expected(one_of(names.clone()))
            .nearest(name, names)
        });
    }

    fn window(&mut self, table: &Table, over: Grain) -> Window {
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

    fn subject_known(&mut self, table: &Table, subject: &Subject, over: Grain) {
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

    fn by(&mut self, node: &Node, over: Grain, names: &Names) -> Option<String> {
        let name = node.text()?;
        let known: &[Field] = match over {
            Grain::Events => EVENTS,
            Grain::Costs => COSTS,
            Grain::Entries => ENTRIES,
            Grain::Members => MEMBERS,
        };
        if !known.iter().any(|field| field.name == name) {
            self.reference_exists(names, name, node.place);
        }
        Some(name.to_owned())
    }

    fn attribute(
        &mut self,
        way: &Entry,
        subject: &Subject,
        sources: &[SourceDef],
    ) -> Option<(Definition, CellType, &'static str)> {
        let name = way.node.text()?;
        let known = MEMBERS
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.map_type);
        let mapped = attribute_row(name, sources);
        if known.is_none() && mapped.is_none() {
            let mut names: Vec<&str> = MEMBERS.iter().map(|field| field.name).collect();
            names.extend(
                members_rows(sources)
                    .map(|(to, _)| to)
                    .filter(|to| to.starts_with("attr_")),
            );
            self.add(
                Problem::new(
                    "unknown-field",
                    way.node.place,
                    format!("members have no field `{name}`"),
                )
                .expected(format!(
                    "{}, or an `attr_*` that a source maps",
                    one_of(&names)
                ))
                .nearest(name, names.iter().copied()),
            );
        }
        if subject.0 != "member" {
            self.add(
                Problem::new(
                    "unknown-subject",
                    way.key_place,
                    format!("`attribute` describes members, not `{}`", subject.0),
                )
                .expected("the subject `member`"),
            );
        }
        let (cell_type, unit) = match mapped.or(known) {
            Some(MapType::Time) => (CellType::Integer, "unix-ms"),
            Some(MapType::Money) => (CellType::Integer, "minor"),
            Some(MapType::Integer | MapType::Flag) => (CellType::Integer, ""),
            Some(MapType::Real) => (CellType::Real, ""),
            Some(MapType::Text) | None => (CellType::Text, ""),
        };
        Some((
            Definition::Attribute {
                field: name.to_owned(),
            },
            cell_type,
            unit,
        ))
    }

    fn expression(&mut self, entry: &Entry, way: &Entry, subject: &Subject, names: &Names) {
        let Some(text) = way.node.text() else { return };
        let whole = way.node.place;
        // Only in a plain one-line string do bytes of the value stand where the text says.
        let at = |offset: usize, len: usize| {
            if whole.len == text.len() + 2 {
                Place {
                    start: whole.start + 1 + offset,
                    len,
                    ..whole
                }
            } else {
                whole
            }
        };
        let found = match expression::names(text) {
            Ok(found) => found,
            Err(broken) => {
                self.add(
                    Problem::new("bad-expression", at(broken.at, 1), broken.why)
                        .expected("an SQL scalar expression"),
                );
                return;
            }
        };
        if found.is_empty() {
            self.add(
                Problem::new(
                    "bad-expression",
                    whole,
                    format!("`{}` refers to no feature", entry.key),
                )
                .expected("an SQL scalar expression over features")
                .hint("a fixed number is written constant = 0.3"),
            );
        }
        for (offset, name) in found {
            let place = at(offset, name.len());
            match names.features.get(name) {
                None => self.unknown_feature(names, name, place),
                Some(other) if *other != subject.0 => self.add(
                    Problem::new(
                        "subject-mismatch",
                        place,
                        format!(
                            "`{name}` describes {other}, `{}` describes {}",
                            entry.key, subject.0
                        ),
                    )
                    .expected("features of one subject"),
                ),
                Some(_) => {}
            }
        }
    }

    /// Reports expressions that lead back to themselves.
    fn expression_loops(&mut self, table: &Table, features: &[FeatureDef]) {
        let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for feature in features {
            if let Definition::Expression(text) = &feature.definition {
                let names = expression::names(text).unwrap_or_default();
                needs.insert(
                    &feature.name,
                    names.into_iter().map(|(_, name)| name).collect(),
                );
            }
        }
        // What rests on nothing unresolved goes, then what nothing unresolved rests on: loops stay.
        let open = unresolved(&needs);
        let mut back: BTreeMap<&str, BTreeSet<&str>> =
            open.iter().map(|name| (*name, BTreeSet::new())).collect();
        for name in &open {
            for need in needs[name].iter().filter(|need| open.contains(*need)) {
                back.entry(need).or_default().insert(name);
            }
        }
        for name in unresolved(&back) {
            if let Some(entry) = table.entry(name) {
                self.add(
                    Problem::new(
                        "feature-loop",
                        entry.key_place,
                        format!("`{name}` is computed from itself"),
                    )
                    .expected("expressions over features that do not lead back here"),
                );
            }
        }
    }

    fn unknown_feature(&mut self, names: &Names, name: &str, place: Place) {
        self.sink.add_with(|| {
            Problem::new(
                "unknown-feature",
                place,
                format!("there is no feature `{name}`"),
            )
            .expected(one_of(names.features.keys()))
            .nearest(name, names.features.keys().map(String::as_str))
        });
    }

    /// Reports a feature that does not exist; a column of a feature with `by` counts as the feature.
    pub(super) fn feature_exists(&mut self, names: &Names, name: &str, place: Place) {
        let split = name.split_once('.').map_or(name, |(feature, _)| feature);
        if !names.features.contains_key(split) {
            self.unknown_feature(names, name, place);
        }
    }

    /// Reports a feature, or the stage of `stage.output`, that does not exist.
    pub(super) fn reference_exists(&mut self, names: &Names, name: &str, place: Place) {
        match name.split_once('.') {
            Some((stage, output)) => {
                if !names.stages.contains(stage) && !names.features.contains_key(stage) {
                    self.sink.add_with(|| {
                        let problem = Problem::new(
                            "unknown-stage",
                            place,
                            format!("there is no stage `{stage}`"),
                        )
                        .expected(one_of(&names.stages));
                        match crate::problem::nearest(
                            stage,
                            names.stages.iter().map(String::as_str),
                        ) {
                            Some(near) => problem.hint(format!("did you mean `{near}.{output}`?")),
                            None => problem,
                        }
                    });
                }
            }
            None => self.feature_exists(names, name, place),
        }
    }
}

/// Names that cannot be put in an order in which each follows what it needs.
fn unresolved<'a>(needs: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut users: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
    for (name, own) in needs {
        let known = own.iter().filter(|need| needs.contains_key(*need));
        waiting.insert(name, known.clone().count());
        known.for_each(|need| users.entry(need).or_default().push(name));
    }
    let mut open: BTreeSet<&'a str> = needs.keys().copied().collect();
    let mut free: Vec<&'a str> = open
        .iter()
        .copied()
        .filter(|name| waiting[name] == 0)
        .collect();
    while let Some(name) = free.pop() {
        open.remove(name);
        for user in users.get(name).into_iter().flatten().copied() {
            let left = waiting.get_mut(user).expect("every user is counted");
            *left -= 1;
            if *left == 0 {
                free.push(user);
            }
        }
    }
    open
}

fn members_rows(sources: &[SourceDef]) -> impl Iterator<Item = (&str, MapType)> {
    let rows = sources
        .iter()
        .filter(|source| source.table == SourceTable::Members)
        .flat_map(|source| &source.mapping);
    rows.map(|row| (row.to.as_str(), row.map_type))
}

/// Type of an own field of members, where a source maps it.
fn attribute_row(name: &str, sources: &[SourceDef]) -> Option<MapType> {
    members_rows(sources)
        .find(|(to, _)| *to == name)
        .map(|(_, map_type)| map_type)
}

fn function_name(function: Aggregate) -> &'static str {
    Aggregate::ALL
        .iter()
        .find(|(_, other)| *other == function)
        .map_or("", |(name, _)| name)
}

fn unit_of(function: Aggregate, field: &str) -> &'static str {
    match function {
        Aggregate::Count | Aggregate::Distinct | Aggregate::RepeatDays => "count",
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
