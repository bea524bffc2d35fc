//! How a plan is made: each feature finds its source.

use std::collections::BTreeMap;

use playbook_model::{AggregateDef, CellType, Definition, FeatureDef, Grain, MapType, UnixMs};

use super::events::RefundFields;
use super::fields::{FieldAt, Fields};
use super::filter::Conditions;
use super::sequences::MemberSequence;
use super::{MemberPlan, MemberRecord, MemberRequest, Source, Texts, Unfit};
use crate::columns::field_type;
use crate::computed::{Computed, missing};
use crate::law::Tracks;
use crate::local::Zones;
use crate::plan::{Item, Request};
use crate::recipe::recipe;
use crate::rows::FieldType;
use crate::sequence::asked;
use crate::tally::{TallyPlan, gives_declared_type};

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
                    let mut nothing = missing(feature, 1);
                    if recipe(aggregate).zero_when_empty {
                        nothing.valid = None;
                    }
                    self.push(feature, feature.name.clone(), Source::Nothing(nothing));
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
        let named: Vec<(String, Option<String>)> = match self.splits(feature) {
            None => vec![(feature.name.clone(), None)],
            Some(values) => values
                .into_iter()
                .map(|value| (format!("{}.{value}", feature.name), Some(value)))
                .collect(),
        };
        for (name, value) in named {
            self.aggregates.push((aggregate.clone(), name.clone(), value));
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
        let tally = self.tally();
        let (Some(tally), true) = (tally, self.unfit.is_empty()) else { return Err(self.unfit) };
        let mut texts = Vec::new();
        for dimension in tally.dimensions() {
            texts.push(match &dimension.condition {
                Some(text) => {
                    self.conditions.number("", text, &mut self.fields).map(Texts::Condition)
                }
                None => self.fields.at("", &dimension.column).map(|(at, _)| Texts::Field(at)),
            });
        }
        let dimensions = texts.into_iter().collect::<Result<_, _>>();
        let names = tally.fields().iter();
        let tally_fields: Result<Vec<FieldAt>, _> =
            names.map(|field| self.fields.at("", &field.name).map(|(at, _)| at)).collect();
        let (dimensions, tally_fields) = match (dimensions, tally_fields) {
            (Ok(dimensions), Ok(fields)) => (dimensions, fields),
            (Err(error), _) | (_, Err(error)) => return Err(vec![Unfit::Feature(error)]),
        };
        // Last: which fields hold money that anybody reads.
        let refunds = self.refunds();
        let tallied = (0..self.columns.len())
            .filter(|at| matches!(self.columns[*at].2, Source::Tallied))
            .collect();
        let mut plan = MemberPlan {
            clock: self.request.clock.clone(),
            fields: self.fields.read,
            profile: self.profile,
            purposes: self.request.purposes.to_vec(),
            rules: self.request.rules.clone(),
            tracks: Tracks::default(),
            zones: Zones::default(),
            tally,
            dimensions,
            tally_fields,
            tallied,
            conditions: self.conditions,
            sequences,
            refunds,
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

    fn tally(&mut self) -> Option<TallyPlan> {
        let items = self.aggregates.iter().map(|(aggregate, name, value)| Item {
            name: name.clone(),
            aggregate,
            by_value: value.clone(),
        });
        let request = Request {
            rows: self.fields.table(),
            key: Some("member"),
            as_of: UnixMs(0),
            clock: &self.request.clock,
            items: items.collect(),
            parts_max: usize::MAX,
        };
        match TallyPlan::new(&request) {
            Ok((plan, rest)) => {
                for at in rest {
                    let feature = self.aggregates[at].1.clone();
                    self.unfit
                        .push(Unfit::Whole { feature, why: "tells too many kinds of rows apart" });
                }
                Some(plan)
            }
            Err(error) => {
                self.unfit.push(Unfit::Feature(error));
                None
            }
        }
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
