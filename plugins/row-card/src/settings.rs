//! Settings of a row card, and the shape that follows from them.

playbook_domain::card_settings! {
    indicator {}
    dimension {}
    total {}
    level {}
}

settings! {
    /// A card: what is measured of a row, and how it adds up.
    pub struct Settings {
        /// What a row is: member, content, partner ...
        pub subject: String where length(1..) = "member",
        /// Indicators in the order in which they are given; those that are left out follow by name. Dimensions stand in the
        /// order of their first indicators.
        pub order: Vec<String> where distinct = [],
        /// Indicators by name.
        pub indicator: Named<Indicator> = { "interactions_30d": { "unit": "count", "hi": 50.0 } },
        /// Dimensions by name.
        pub dimension: Named<Dimension> = {},
        /// The score over all.
        pub total: Total = {},
        /// Levels of the total by name; without any the card gives none.
        pub level: Named<Level> = {},
        /// Conditions that a row must meet, by name; where one is broken the total is 0.
        pub gate: Named<Gate> = {},
        /// Which outputs the card gives beside the total.
        pub shows: Shows = {},
    }
}

settings! {
    /// A condition without which the total is 0. A row of which the column is missing meets it.
    pub struct Gate {
        /// Why the total is 0, in English; the name of its table where nothing is given.
        pub en: String = "",
        /// Why the total is 0, in Chinese; the English words where nothing is given.
        pub zh: String = "",
        /// Feature, or "stage.output"; without one the feature of the gate's own name.
        pub input: String = "",
        /// Unit of the column.
        pub unit: String = "count",
        /// The value must reach this.
        pub at_least: Option<f64> = null,
        /// The value must not exceed this.
        pub at_most: Option<f64> = null,
        /// The value must exceed this.
        pub above: Option<f64> = null,
        /// The value must stay under this.
        pub below: Option<f64> = null,
    }
}

settings! {
    /// Outputs beside the total.
    pub struct Shows {
        /// A score of each indicator, NAME_score.
        pub indicators: bool = false,
        /// A score of each dimension, by its name.
        pub dimensions: bool = true,
        /// Share of the weight that was known, "coverage".
        pub coverage: bool = true,
    }
}

/// Places of the outputs.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) indicators: Option<usize>,
    pub(crate) dimensions: Option<usize>,
    pub(crate) total: usize,
    pub(crate) level: Option<usize>,
    pub(crate) coverage: Option<usize>,
}

/// A card that is ready: its arithmetic, columns, gates and outputs.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) built: Built,
    /// Column and condition of each gate.
    pub(crate) gates: Vec<(usize, Limit)>,
    pub(crate) places: Places,
    outputs: Vec<Produce>,
}

impl Row {
    /// Reason of a row without a total.
    pub(crate) const TOO_LITTLE_KNOWN: u32 = 0;
    /// Reason of the first gate.
    pub(crate) const FIRST_GATE: u32 = 1;

    pub(crate) fn shape(self, settings: &Settings) -> Shape {
        let mut shape = Shape::rows(settings.subject.as_str()).needs(needs(&self.built));
        shape = shape.produces(self.outputs);
        shape = shape.reason(
            "too-little-known",
            words("less than half of the weight is known", "可用指標權重不足一半"),
        );
        for (name, gate) in settings.gate.iter() {
            shape = shape.reason(code(&[name]), both(&gate.en, &gate.zh, name));
        }
        with_level_terms(shape, &ascending(&settings.level))
    }
}

impl Settings {
    /// Makes the card.
    pub(crate) fn row(&self) -> Result<Row, Problems> {
        let Self { order, total, indicator, dimension, level, .. } = self;
        let (built, mut problems) = resolve(order, total, indicator, dimension, level);
        let mut limits = Vec::new();
        for (name, gate) in self.gate.iter() {
            let limit = Limit::one_of(gate.at_least, gate.at_most, gate.above, gate.below);
            match limit {
                Ok(Some(limit)) => limits.push(limit),
                Ok(None) => {
                    problems.at(place("gate", name, ""), "has no condition").hint("at_most = 0");
                }
                Err(why) => {
                    problems.at(place("gate", name, ""), why);
                }
            }
        }
        problems.into_result()?;
        let Some(mut built) = built else { return Err(Problems::one("", "is no card")) };
        let mut gates = Vec::new();
        for ((name, gate), limit) in self.gate.iter().zip(limits) {
            let name = if gate.input.is_empty() { name } else { &gate.input };
            let unit = gate.unit.clone();
            let wanted =
                Wanted { name: name.clone(), unit, required: false, categories: Vec::new() };
            gates.push((built.want(wanted), limit));
        }
        let (places, outputs) = self.outputs(&built);
        Ok(Row { built, gates, places, outputs })
    }

    fn outputs(&self, built: &Built) -> (Places, Vec<Produce>) {
        let (indicators, dimensions) = score_outputs(built, &self.indicator, &self.dimension);
        let mut outputs = Vec::new();
        let mut add = |is: bool, list: Vec<Produce>| {
            let at = outputs.len();
            if is {
                outputs.extend(list);
            }
            is.then_some(at)
        };
        let dimensions_at = !dimensions.is_empty() && self.shows.dimensions;
        let indicators_at = add(self.shows.indicators, indicators);
        let dimensions_at = add(dimensions_at, dimensions);
        // Alone it is a score of its own kind, and beside its parts the total of them.
        let has_parts = indicators_at.is_some() || dimensions_at.is_some();
        let role = if has_parts { Role::Total } else { Role::Score };
        let (total, level) = total_outputs(&self.total, role, &ascending(&self.level));
        let total_at = add(true, vec![total]).unwrap_or_default();
        let level_at = add(level.is_some(), level.into_iter().collect());
        let coverage = output::real("coverage")
            .role(Role::Coverage)
            .unit("ratio")
            .between(0.0, 1.0)
            .meaning(words("Share of the weight that was known", "可用指標的權重佔比"));
        let coverage_at = add(self.shows.coverage, vec![coverage]);
        let places = Places {
            indicators: indicators_at,
            dimensions: dimensions_at,
            total: total_at,
            level: level_at,
            coverage: coverage_at,
        };
        (places, outputs)
    }

    /// Where levels begin.
    pub(crate) fn bounds(&self) -> Vec<f64> {
        bounds(&ascending(&self.level))
    }
}
