//! How a plan is made: each feature finds its source.

use std::borrow::Cow;
use std::collections::BTreeMap;

use playbook_model::{AggregateDef, CellType, Definition, FeatureDef, Grain, MapType, UnixMs};

use super::events::RefundFields;
use super::fields::Fields;
use super::filter::Conditions;
use super::sequences::MemberSequence;
use super::{MemberPlan, MemberRecord, MemberRequest, MemberTally, Source, Texts, Unfit};
use crate::columns::field_type;
use crate::computed::{Computed, missing, without_rows};
use crate::law::Tracks;
use crate::local::Zones;
use crate::plan::{Item, Request, items};
use crate::rows::FieldType;
use crate::sequence::asked;
use crate::tally::{TallyPlan, gives_declared_type};
use crate::wall::WallField;

/// Makes a plan, or tells every feature that does not fit.
pub(super) fn build(request: &MemberRequest<'_>) -> Result<MemberPlan, Vec<Unfit>> {
    let of_members = request.features.iter().filter(|feature| feature.subject.0 == "member");
    let features: Vec<FeatureDef> = of_members.cloned().collect();
    let mut build = Build {
        request,
        fields: Fields::new(request.events),
        profile: Vec::new(),
        conditions: Conditions::default(),
        aggregates: Vec::new(),
        columns: Vec::new(),
        unfit: Vec::new(),
    };
    for feature in &features {
        if let Err(unfit) = build.take(feature) {
            build.unfit.push(unfit);
        }
    }
    build.finish(&features)
}

struct Build<'a> {
    request: &'a MemberRequest<'a>,
    fields: Fields,
    profile: Vec<String>,
    conditions: Conditions,
    /// Aggregates over events, one for each value of a split.
    aggregates: Vec<(AggregateDef, String, Option<String>)>,
    columns: Vec<(FeatureDef, String, Source)>,
    unfit: Vec<Unfit>,
}

impl Build<'_> {
    fn take(&mut self, feature: &FeatureDef) -> Result<(), Unfit> {
        let whole = |why| Err(Unfit::Whole { feature: feature.name.clone(), why });
        match &feature.definition {
            Definition::Aggregate(aggregate) => match aggregate.over {
                Grain::Events => return self.aggregate(feature, aggregate),
                Grain::Members => return whole("aggregates members"),
                Grain::Costs | Grain::Entries if self.request.dated_of_members => {
                    return whole("aggregates costs or entries");
                }
                Grain::Costs | Grain::Entries if aggregate.by.is_none() => {
                    for nothing in without_rows(feature, aggregate, 1) {
                        self.push(feature, nothing.name.clone(), Source::Nothing(nothing));
                    }
                }
                Grain::Costs | Grain::Entries => {}
            },
            Definition::Sequence(_) => {
                for asked in asked(std::slice::from_ref(feature)) {
                    let sequence = MemberSequence::new(
                        asked,
                        self.splits(feature),
                        &mut self.fields,
                        &mut self.conditions,
                    )?;
                    let names: Vec<String> = sequence.columns().map(|(_, name, _)| name).collect();
                    names.into_iter().for_each(|name| self.push(feature, name, Source::Sequence));
                }
            }
            Definition::Attribute { field } => {
                let source = self.attribute(feature, field)?;
                self.push(feature, feature.name.clone(), source);
            }
            Definition::Sql(_) => return whole("is computed by SQL"),
            Definition::Expression(_) | Definition::Constant(_) => {}
        }
        Ok(())
    }

    fn push(&mut self, feature: &FeatureDef, name: String, source: Source) {
        self.columns.push((feature.clone(), name, source));
    }

    /// The values of a split; `None` without one.
    fn splits(&self, feature: &FeatureDef) -> Option<Vec<String>> {
        feature.definition.by()?;
        Some(self.request.splits.get(&feature.name).cloned().unwrap_or_default())
    }

    fn aggregate(&mut self, feature: &FeatureDef, aggregate: &AggregateDef) -> Result<(), Unfit> {
        let whole = |why| Unfit::Whole { feature: feature.name.clone(), why };
        if !gives_declared_type(feature, aggregate, self.fields.table()) {
            return Err(whole("changes the type of its field"));
        }
        let wall = aggregate.by.as_deref().and_then(WallField::named);
        let values = wall.map(WallField::values).or_else(|| self.splits(feature));
        for item in items(&feature.name, aggregate, values.as_deref()) {
            let Item { name, aggregate, by_value } = item;
            self.aggregates.push((aggregate.into_owned(), name.clone(), by_value));
            self.push(feature, name, Source::Tallied);
        }
        Ok(())
    }

    fn attribute(&mut self, feature: &FeatureDef, field: &str) -> Result<Source, Unfit> {
        if matches!(field, "member" | "account") {
            return Ok(Source::Id);
        }
        if self.request.profile.is_empty() {
            return Ok(Source::Nothing(missing(feature, 1)));
        }
        let known = self.request.profile.get(field).copied();
        let Some(map_type) = known else {
            let known = self.request.profile.keys().map(|name| format!("`{name}`"));
            return Err(Unfit::Feature(crate::FeatureError::UnknownField {
                feature: feature.name.clone(),
                field: field.to_owned(),
                rows: "members".to_owned(),
                known: known.collect::<Vec<_>>().join(", "),
            }));
        };
        if field_type(map_type) == FieldType::Text
            && matches!(feature.cell_type, CellType::Integer | CellType::Real)
        {
            return Err(Unfit::Feature(crate::FeatureError::NotANumber {
                feature: feature.name.clone(),
                function: "a number",
                field: field.to_owned(),
            }));
        }
        let at = self.profile.iter().position(|known| known == field);
        Ok(Source::Profile(at.unwrap_or_else(|| {
            self.profile.push(field.to_owned());
            self.profile.len() - 1
        })))
    }

    fn finish(mut self, features: &[FeatureDef]) -> Result<MemberPlan, Vec<Unfit>> {
        let sequences = self.sequences(features);
        let plans = self.plans();
        if !self.unfit.is_empty() {
            return Err(self.unfit);
        }
        let tallies = plans.into_iter().map(|(plan, columns)| self.tally(plan, columns));
        let tallies = match tallies.collect::<Result<_, _>>() {
            Ok(tallies) => tallies,
            Err(error) => return Err(vec![Unfit::Feature(error)]),
        };
        // Last: which fields hold money that anybody reads.
        let refunds = self.refunds();
        let read = self.fields.read.iter().enumerate();
        let walls = read.filter_map(|(at, name)| Some((at, WallField::named(name)?))).collect();
        let mut plan = MemberPlan {
            clock: self.request.clock.clone(),
            fields: self.fields.read,
            profile: self.profile,
            purposes: self.request.purposes.to_vec(),
            rules: self.request.rules.clone(),
            tracks: Tracks::default(),
            zones: Zones::default(),
            tallies,
            conditions: self.conditions,
            sequences,
            refunds,
            walls,
            columns: self.columns,
            computed: Computed::default(),
        };
        // Expressions are compiled for the columns that a member without any event has.
        let like = plan
            .gathered(&mut MemberRecord::default(), 0)
            .expect("a member without events has no sum that could be too large");
        plan.computed = Computed::new(features, &like).map_err(|error| vec![error.into()])?;
        Ok(plan)
    }

    /// The sequences, those that differ only in what is asked joined, with the places of their columns.
    fn sequences(&mut self, features: &[FeatureDef]) -> Vec<MemberSequence> {
        let mut all = Vec::new();
        for asked in asked(features) {
            let splits = self.splits(&asked.asks[0].feature);
            let made = MemberSequence::new(asked, splits, &mut self.fields, &mut self.conditions);
            // A sequence that does not fit was told when its feature was taken.
            let Ok(mut sequence) = made else { continue };
            let place = |name: String| self.columns.iter().position(|(_, known, _)| *known == name);
            sequence.places = sequence.columns().filter_map(|(_, name, _)| place(name)).collect();
            all.push(sequence);
        }
        all
    }

    /// Plans for all aggregates, each with the columns that it fills: as many as it takes to tell rows apart.
    fn plans(&mut self) -> Vec<(TallyPlan, Vec<usize>)> {
        let tallied =
            (0..self.columns.len()).filter(|at| matches!(self.columns[*at].2, Source::Tallied));
        let mut left: Vec<(usize, usize)> = tallied.enumerate().collect();
        let mut plans = Vec::new();
        while !left.is_empty() {
            let items = left.iter().map(|(at, _)| {
                let (aggregate, name, value) = &self.aggregates[*at];
                let aggregate = Cow::Borrowed(aggregate);
                Item { name: name.clone(), aggregate, by_value: value.clone() }
            });
            let request = Request {
                rows: self.fields.table(),
                key: Some("member"),
                as_of: UnixMs(0),
                clock: &self.request.clock,
                items: items.collect(),
                parts_max: usize::MAX,
            };
            let (plan, rest) = match TallyPlan::new(&request) {
                Ok(planned) => planned,
                Err(error) => {
                    self.unfit.push(Unfit::Feature(error));
                    break;
                }
            };
            if rest.len() == left.len() {
                let whole = |(at, _): &(usize, usize)| Unfit::Whole {
                    feature: self.aggregates[*at].1.clone(),
                    why: "tells too many kinds of rows apart",
                };
                let unfit: Vec<Unfit> = left.iter().map(whole).collect();
                self.unfit.extend(unfit);
                break;
            }
            let is_left = |at: &usize| rest.binary_search(at).is_ok();
            let taken = (0..left.len()).filter(|at| !is_left(at)).map(|at| left[at].1).collect();
            plans.push((plan, taken));
            left = rest.iter().map(|at| left[*at]).collect();
        }
        plans
    }

    /// A tally of a plan: where the texts and the fields that it reads stand.
    fn tally(
        &mut self,
        plan: TallyPlan,
        columns: Vec<usize>,
    ) -> Result<MemberTally, crate::FeatureError> {
        let mut dimensions = Vec::new();
        for dimension in plan.dimensions() {
            dimensions.push(match &dimension.condition {
                Some(text) => {
                    Texts::Condition(self.conditions.number("", text, &mut self.fields)?)
                }
                None => Texts::Field(self.fields.at("", &dimension.column)?.0),
            });
        }
        let fields = plan.fields().iter().map(|field| self.fields.at("", &field.name));
        let fields = fields.map(|at| at.map(|(at, _)| at)).collect::<Result<_, _>>()?;
        Ok(MemberTally { plan, dimensions, fields, columns })
    }

    /// Where the fields of refunds stand, where events have amounts and any feature reads events.
    fn refunds(&mut self) -> Option<RefundFields> {
        let columns: &BTreeMap<String, MapType> = self.request.events;
        if !columns.contains_key("amount_minor") {
            return None;
        }
        let is_money = |name: &String| columns.get(name) == Some(&MapType::Money);
        let amount = self.fields.position("amount_minor");
        let read = self.fields.read.iter().enumerate();
        let money = read.filter(|(at, name)| *at == amount || is_money(name));
        let money = money.map(|(at, _)| at).collect();
        let original_order = columns.contains_key("original_order");
        let original_order = original_order.then(|| self.fields.position("original_order"));
        Some(RefundFields { kind: self.fields.position("kind"), amount, original_order, money })
    }
}
