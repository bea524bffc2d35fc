//! The graph of stages: which reads what of whom, and their topological order, in waves that run at the same time.

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::{
    Aggregate, CellType, DataClass, Definition, FeatureDef, Grain, Kind, Need, Playbook, Shape,
    Source, StageDef, Subject,
};

/// Where a column that a plugin wants is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Feature of the subject, a column of that name.
    Feature(String),
    /// `stage.output` of an earlier stage of this cycle.
    Output(String),
    /// `stage.output` so many closed cycles ago.
    Previous(u8, String),
    /// Columns of one feature, a list of their values in this order.
    List(Vec<String>),
    /// Pseudonym of the subject.
    Key,
    /// Not declared, and not required: all missing.
    Absent,
}

/// Inputs of one stage, resolved: the streamed rows first, then each whole table.
#[derive(Debug, Clone, Default)]
pub struct Wiring {
    /// Per column of `Shape::rows`.
    pub rows: Vec<Input>,
    /// Per table of `Shape::tables`, per column.
    pub tables: Vec<Vec<Input>>,
}

impl Wiring {
    /// The optional needs that nothing fills, each with its subject.
    pub fn unfilled<'a>(&'a self, shape: &'a Shape) -> impl Iterator<Item = (&'a str, &'a Need)> {
        let rows = shape.rows.iter().map(|table| (table, &self.rows));
        let tables = rows.chain(shape.tables.iter().zip(&self.tables));
        tables.flat_map(|(table, inputs)| {
            let absent = table.columns.iter().zip(inputs).filter(|(_, i)| **i == Input::Absent);
            absent.map(|(need, _)| (table.subject.as_str(), need))
        })
    }
}

/// A need that the playbook cannot meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphProblem {
    /// Stage that wants it.
    pub stage: String,
    /// Name of what it wants; `None` where the stages themselves are wrong.
    pub need: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What would help.
    pub hint: Option<String>,
}

/// What the playbook offers to needs.
#[derive(Debug)]
pub struct Offer<'a> {
    features: BTreeMap<(&'a str, &'a str), &'a FeatureDef>,
    outputs: BTreeSet<String>,
    /// Features that no plugin receives (H5).
    withheld: &'a BTreeMap<String, DataClass>,
    /// Features of the catalogue that the playbook cannot have, with the reason.
    absent: &'a BTreeMap<String, String>,
}

/// Outputs of a stage under its shape, as `stage.output`.
#[must_use]
pub fn outputs_of(stage: &StageDef, shape: &Shape) -> Vec<String> {
    let mut names: Vec<String> =
        shape.produces.iter().map(|p| format!("{}.{}", stage.name, p.name)).collect();
    if stage.kind == Kind::Segmentation {
        names.push(format!("{}.segment", stage.name));
    }
    names
}

impl<'a> Offer<'a> {
    /// Collects the features of a playbook and the outputs of its stages.
    #[must_use]
    pub fn new(playbook: &'a Playbook, stages: &[StageDef], shapes: &[Shape]) -> Self {
        let features = &playbook.features;
        Self {
            withheld: &playbook.withheld,
            absent: &playbook.catalogue.withheld,
            features: features
                .iter()
                .map(|f| ((f.subject.0.as_str(), f.name.as_str()), f))
                .collect(),
            outputs: stages
                .iter()
                .zip(shapes)
                .flat_map(|(s, shape)| outputs_of(s, shape))
                .collect(),
        }
    }

    /// The declared feature of `subject` that fills a column of that name; a split feature
    /// (`by`) fills `feature.value` for every value.
    fn feature(&self, subject: &str, name: &str) -> Option<&FeatureDef> {
        if let Some(found) = self.features.get(&(subject, name)) {
            return Some(found);
        }
        let (stem, value) = name.split_once('.')?;
        let found = self.features.get(&(subject, stem))?;
        found.definition.has_column(value).then_some(found)
    }

    /// What nothing computes may be entered: an entry on a subject fills the need that is named as its metric, where the playbook
    /// has a feature with the last entry of each metric, of the need's type.
    fn figure(&self, subject: &str, need: &Need, wanted: &str) -> Option<String> {
        let is_text = matches!(need.cell_type, CellType::Text | CellType::Category);
        let (field, by) = match is_text {
            // What an entry is about is its key, which a table asks for as `name`.
            true if wanted == "name" => ("key", None),
            true => return None,
            false => ("value", Some("metric")),
        };
        let fits = |feature: &FeatureDef| {
            let Definition::Aggregate(aggregate) = &feature.definition else { return false };
            aggregate.over == Grain::Entries
                && aggregate.function == Aggregate::Last
                && aggregate.field.as_deref() == Some(field)
                && aggregate.by.as_deref() == by
                && (is_text || feature.cell_type == need.cell_type)
                && (need.unit == feature.unit || feature.unit.is_empty() || need.unit.is_empty())
        };
        let of_subject = self.features.iter().filter(|((of, _), _)| *of == subject);
        let found = of_subject.map(|(_, feature)| *feature).find(|feature| fits(feature))?;
        Some(by.map_or_else(|| found.name.clone(), |_| format!("{}.{wanted}", found.name)))
    }

    fn input(&self, stage: &StageDef, subject: &str, need: &Need) -> Result<Input, GraphProblem> {
        let wanted = match &need.source {
            Source::Key => return Ok(Input::Key),
            Source::Previous((ago, output)) => {
                return Ok(Input::Previous(*ago, format!("{}.{output}", stage.name)));
            }
            Source::Feature(name) | Source::Output(name) => name,
        };
        let name = stage.bind.get(wanted).unwrap_or(wanted);
        let is_bound = stage.bind.contains_key(wanted);
        let refused = |what: String, hint: String| GraphProblem {
            stage: stage.name.clone(),
            need: Some(wanted.clone()),
            message: format!("feature `{name}` {what}"),
            hint: Some(format!("bind `{wanted}` to {hint}")),
        };
        if let Some(feature) = self.feature(subject, name) {
            if let Some(class) = self.withheld.get(&feature.name) {
                let what =
                    format!("is data of class {}, which no plugin receives (H5)", class.name());
                return Err(refused(what, "a feature of another class".to_owned()));
            }
            if !need.unit.is_empty() && !feature.unit.is_empty() && need.unit != feature.unit {
                let what = format!("has unit `{}`, the plugin wants `{}`", feature.unit, need.unit);
                return Err(refused(what, format!("a feature of unit `{}`", need.unit)));
            }
            if !feature.definition.is_split() || feature.name != *name {
                return Ok(Input::Feature(name.clone()));
            }
            let is_list = matches!(need.cell_type, CellType::Reals | CellType::Integers);
            if let Some(columns) = stretches_of(feature).filter(|_| is_list) {
                return Ok(Input::List(columns));
            }
            if need.required || is_bound {
                let one = need.cell_type.name();
                let what = format!("has several columns, the plugin wants one {one}");
                return Err(refused(what, format!("one of them, `{name}.COLUMN`")));
            }
            return Ok(Input::Absent);
        }
        if self.outputs.contains(name) {
            return Ok(Input::Output(name.clone()));
        }
        if let Some(figure) = self.figure(subject, need, wanted).filter(|_| !is_bound) {
            return Ok(Input::Feature(figure));
        }
        if need.required || is_bound {
            return Err(self.missing(stage, subject, need, name));
        }
        Ok(Input::Absent)
    }

    fn missing(&self, stage: &StageDef, subject: &str, need: &Need, name: &str) -> GraphProblem {
        let near = self
            .features
            .keys()
            .filter(|(of, _)| *of == subject)
            .map(|(_, name)| (*name).to_owned())
            .chain(self.outputs.iter().cloned())
            .map(|candidate| (strsim::jaro_winkler(name, &candidate), candidate))
            .filter(|(likeness, _)| *likeness > 0.85)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let unit = if need.unit.is_empty() {
            "no unit".to_owned()
        } else {
            format!("unit `{}`", need.unit)
        };
        GraphProblem {
            stage: stage.name.clone(),
            need: Some(need.source.name()),
            message: format!(
                "the plugin wants `{name}` of subject {subject} ({}, {unit}), which the playbook does not declare",
                need.cell_type.name()
            ),
            hint: Some(match near {
                _ if self.absent.contains_key(name) => {
                    format!("the catalogue's `{name}` cannot be had here: {}", self.absent[name])
                }
                Some((_, near)) => format!("bind it: bind = {{ {name} = \"{near}\" }}"),
                None => format!(
                    "declare [features.{name}], or bind the need to another feature or output"
                ),
            }),
        }
    }

    /// Resolves every need of `stage`.
    ///
    /// # Errors
    /// All needs that cannot be met.
    pub fn wire(&self, stage: &StageDef, shape: &Shape) -> Result<Wiring, Vec<GraphProblem>> {
        let mut problems = Vec::new();
        let mut resolve = |subject: &str, needs: &[Need]| -> Vec<Input> {
            needs
                .iter()
                .filter_map(|need| {
                    self.input(stage, subject, need).map_err(|p| problems.push(p)).ok()
                })
                .collect()
        };
        let rows = shape.rows.as_ref().map_or_else(Vec::new, |t| resolve(&t.subject, &t.columns));
        let tables = shape.tables.iter().map(|t| resolve(&t.subject, &t.columns)).collect();
        if problems.is_empty() { Ok(Wiring { rows, tables }) } else { Err(problems) }
    }
}

/// The columns of a feature that has one for each stretch of its window, the oldest first.
fn stretches_of(feature: &FeatureDef) -> Option<Vec<String>> {
    let Definition::Aggregate(aggregate) = &feature.definition else { return None };
    aggregate.every_ms?;
    Some(
        (1..=aggregate.stretch_count())
            .rev()
            .map(|nth| format!("{}.{nth}", feature.name))
            .collect(),
    )
}

/// Stages that a feature table of `subject` reads through `by` or features over members.
fn stages_behind(
    features: &[FeatureDef],
    subject: &Subject,
    stages: &[StageDef],
) -> BTreeSet<usize> {
    let named = |text: &str| {
        text.split_once('.').and_then(|(stem, _)| stages.iter().position(|s| s.name == stem))
    };
    let mut found = BTreeSet::new();
    for feature in features.iter().filter(|f| f.subject == *subject) {
        found.extend(feature.definition.by().and_then(named));
        if let Definition::Aggregate(a) = &feature.definition
            && a.over == Grain::Members
        {
            found.extend(a.field.as_deref().and_then(named));
        }
    }
    // A subject that is itself an output ("segment" tables) needs its stage.
    found.extend(named(&subject.0));
    found
}

/// Sorts the stages topologically, in waves whose stages do not wait for each other: inputs before readers, else
/// kind in the order of the loop, else the order of the file.
///
/// # Errors
/// A loop, named by its stages.
pub fn order(
    stages: &[StageDef],
    shapes: &[Shape],
    wirings: &[Wiring],
    features: &[FeatureDef],
) -> Result<Vec<Vec<usize>>, GraphProblem> {
    let position: BTreeMap<&str, usize> =
        stages.iter().enumerate().map(|(i, s)| (s.name.as_str(), i)).collect();
    let mut before: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); stages.len()];
    for (i, (shape, wiring)) in shapes.iter().zip(wirings).enumerate() {
        for input in wiring.rows.iter().chain(wiring.tables.iter().flatten()) {
            if let Input::Output(name) = input
                && let Some((stem, _)) = name.split_once('.')
                && let Some(&from) = position.get(stem)
            {
                before[i].insert(from);
            }
        }
        let subjects = shape.tables.iter().chain(&shape.rows).map(|t| Subject(t.subject.clone()));
        for subject in subjects.filter(|s| *s != Subject::member()) {
            before[i].extend(stages_behind(features, &subject, stages));
        }
    }
    let mut done = Vec::with_capacity(stages.len());
    let mut waves: Vec<Vec<usize>> = Vec::new();
    let mut left: Vec<usize> = (0..stages.len()).collect();
    left.sort_by_key(|&i| (stages[i].kind, i));
    while !left.is_empty() {
        let ready = left.iter().position(|&i| before[i].iter().all(|b| done.contains(b)));
        let Some(at) = ready else {
            let names: Vec<&str> = left.iter().map(|&i| stages[i].name.as_str()).collect();
            return Err(GraphProblem {
                stage: names[0].to_owned(),
                need: None,
                message: format!("stages wait for each other: {}", names.join(", ")),
                hint: Some("cut the loop: read the `previous` output of one of them".to_owned()),
            });
        };
        let next = left.remove(at);
        done.push(next);
        match waves.last_mut().filter(|wave| wave.iter().all(|stage| !before[next].contains(stage)))
        {
            Some(wave) => wave.push(next),
            None => waves.push(vec![next]),
        }
    }
    Ok(waves)
}
