//! What a plugin says of itself: its description and its shape.

use std::collections::HashSet;

use super::{Checked, at_most, finite, unique};
use crate::{
    CellType, Description, Kind, NONE_INDEX, Need, Produce, Role, Shape, Source, is_kebab, is_snake,
};

/// Bounds of a shape.
const COLUMNS_MAX: usize = 1_024;
const TABLES_MAX: usize = 64;
const NAMED_MAX: usize = 4_096;
const SCHEMA_BYTES_MAX: usize = 64 << 10;

/// Holds what a component of `kind` says of itself. That its settings' schema is JSON is left to readers of JSON.
///
/// # Errors
/// What does not fit, in words.
pub fn check_description(kind: Kind, said: &Description) -> Checked {
    if said.kind != kind {
        return Err(format!("says it is {}, exports {}", said.kind.name(), kind.name()));
    }
    if !is_kebab(&said.name) {
        return Err("its name is not kebab-case of at most 64 letters".to_owned());
    }
    if semver::Version::parse(&said.version).is_err() {
        return Err(format!("its version `{}` is no semantic version such as 1.2.3", said.version));
    }
    at_most("settings-schema", said.settings_schema.len(), SCHEMA_BYTES_MAX)
}

/// Holds a shape of a component of `kind`, `fitted` where it exports `fitting`.
///
/// # Errors
/// What does not fit, in words.
pub fn check_shape(kind: Kind, fitted: bool, shape: &Shape) -> Checked {
    at_most("tables", shape.tables.len(), TABLES_MAX)?;
    at_most("produces", shape.produces.len(), COLUMNS_MAX)?;
    at_most("segments", shape.segments.len(), NAMED_MAX)?;
    at_most("actions", shape.actions.len(), NAMED_MAX)?;
    at_most("reasons", shape.reasons.len(), NAMED_MAX)?;
    at_most("terms", shape.terms.len(), NAMED_MAX)?;
    unique("term", shape.terms.iter().map(|term| &term.name))?;
    for table in shape.tables.iter().chain(&shape.rows) {
        at_most("columns", table.columns.len(), COLUMNS_MAX)?;
        table.columns.iter().try_for_each(need)?;
    }
    if shape.rows.is_none() && matches!(kind, Kind::Scoring | Kind::Segmentation | Kind::Incentive)
    {
        return Err(format!("a {} plugin needs `rows`", kind.name()));
    }
    if shape.fit_passes_max > 0 && !fitted {
        return Err("asks for a fit, but exports no `fitting`".to_owned());
    }
    produces(shape)?;
    unique("segment", shape.segments.iter().map(|s| &s.name))?;
    unique("action", shape.actions.iter().map(|a| &a.name))?;
    unique("reason", shape.reasons.iter().map(|r| &r.code))
}

fn produces(shape: &Shape) -> Checked {
    let mut names = HashSet::new();
    for p in &shape.produces {
        if !is_kebab(&p.name) && !is_snake(&p.name) {
            return Err(format!(
                "output `{}` is named neither in kebab-case nor in snake_case",
                p.name
            ));
        }
        let of_table = match p.table {
            None => shape.rows.as_ref(),
            Some(table) => shape.tables.get(table as usize),
        };
        let Some(table) = of_table else {
            return Err(format!("output `{}` belongs to no table", p.name));
        };
        if !names.insert((p.table, &p.name)) {
            return Err(format!("output `{}` is declared twice", p.name));
        }
        if p.input != NONE_INDEX && p.input as usize >= table.columns.len() {
            return Err(format!("output `{}` is the score of no need of its table", p.name));
        }
        finite(&p.name, p.least).and_then(|()| finite(&p.name, p.most))?;
        if p.cell_type == CellType::Category && p.categories.is_empty() {
            return Err(format!("category `{}` lists no values", p.name));
        }
        bounds(p)?;
        alarms(p)?;
    }
    Ok(())
}

/// Holds the bounds of a level.
fn bounds(p: &Produce) -> Checked {
    if p.bounds.is_empty() {
        return Ok(());
    }
    if p.role != Role::Level || p.bounds.len() + 1 != p.categories.len() {
        return Err(format!(
            "`{}` has {} bounds and {} categories: a level has one bound less than categories, others have none",
            p.name,
            p.bounds.len(),
            p.categories.len()
        ));
    }
    if !p.bounds.iter().all(|bound| bound.is_finite()) || !p.bounds.is_sorted_by(|a, b| a < b) {
        return Err(format!("the bounds of `{}` do not ascend", p.name));
    }
    Ok(())
}

/// Holds what is said of the categories of a level.
fn alarms(p: &Produce) -> Checked {
    let (said, categories) = (p.alarms.len(), p.categories.len());
    match p.role {
        _ if said == 0 => Ok(()),
        Role::Level if said == categories => Ok(()),
        _ => Err(format!(
            "`{}` has {said} alarms and {categories} categories: a level has one for each, others have none",
            p.name
        )),
    }
}

fn need(need: &Need) -> Checked {
    match &need.source {
        Source::Previous((ago, name)) if *ago == 0 || *ago > 2 => {
            Err(format!("`{name}` is asked for {ago} cycles ago; 1 and 2 are kept"))
        }
        Source::Key if need.cell_type != CellType::Integer => {
            Err("the key is an integer".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{alarms, bounds, check_description};
    use crate::{CellType, Description, Kind, Level, NONE_INDEX, Produce, Role, Words};

    #[test]
    fn a_version_is_a_semantic_one() {
        let said = |version: &str| Description {
            kind: Kind::Scoring,
            name: "own-score".to_owned(),
            version: version.to_owned(),
            summary: Words::default(),
            settings_schema: String::new(),
        };
        for version in ["0.1.0", "1.2.3-beta.1+build.7"] {
            assert_eq!(check_description(Kind::Scoring, &said(version)), Ok(()), "{version}");
        }
        for version in ["1.2", "01.2.3", "1.2.3-", "1.2.3.4", "v1.2.3", ""] {
            assert!(check_description(Kind::Scoring, &said(version)).is_err(), "{version}");
        }
    }

    fn level(bounds: &[f64]) -> Produce {
        Produce {
            name: "level".to_owned(),
            role: Role::Level,
            group: String::new(),
            input: NONE_INDEX,
            table: None,
            cell_type: CellType::Category,
            unit: String::new(),
            least: None,
            most: None,
            categories: ["poor", "fair", "good"].map(str::to_owned).to_vec(),
            bounds: bounds.to_vec(),
            alarms: Vec::new(),
            meaning: Words::default(),
        }
    }

    #[test]
    fn a_level_has_one_ascending_bound_less_than_categories_or_none() {
        assert_eq!(bounds(&level(&[])), Ok(()));
        assert_eq!(bounds(&level(&[-1.0, 2.5])), Ok(()));
        for wrong in [&[1.0][..], &[1.0, 2.0, 3.0], &[2.0, 1.0], &[1.0, 1.0], &[1.0, f64::NAN]] {
            assert!(bounds(&level(wrong)).is_err(), "{wrong:?}");
        }
        let other = Produce { role: Role::Score, ..level(&[1.0, 2.0]) };
        assert!(bounds(&other).is_err(), "only a level has bounds");
    }

    #[test]
    fn a_level_says_of_each_category_how_serious_it_is_or_of_none() {
        let said = |role, alarms: &[Level]| {
            super::alarms(&Produce { role, alarms: alarms.to_vec(), ..level(&[]) })
        };
        assert_eq!(alarms(&level(&[])), Ok(()));
        assert_eq!(said(Role::Level, &[Level::Warn, Level::Watch, Level::None]), Ok(()));
        assert!(said(Role::Level, &[Level::Warn, Level::Watch]).is_err());
        assert!(said(Role::Score, &[Level::None; 3]).is_err(), "only a level has alarms");
    }
}
