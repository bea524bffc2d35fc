//! Figures along the bands of another, and what was foreseen beside what came.

use playbook_cycle::CycleRun;
use playbook_model::{CurveDef, ForecastDef, Frame, Playbook};
use playbook_report::{Calibration, Curve, ForecastGroup};

/// Groups of members by their forecast.
const GROUPS: usize = 10;

/// The curves of the playbook; one whose subject has no rows is left out.
pub(super) fn curves(playbook: &Playbook, run: &CycleRun) -> Vec<Curve> {
    playbook.outputs.curves.iter().filter_map(|curve| of(playbook, run, curve)).collect()
}

fn of(playbook: &Playbook, run: &CycleRun, curve: &CurveDef) -> Option<Curve> {
    let feature = playbook.features.iter().find(|feature| feature.name == curve.feature)?;
    let table = run.frame(&feature.subject.0)?;
    let bands = bands(table, &curve.feature);
    let names = table.columns().first()?;
    let row = |row: usize| {
        let points = bands.iter().map(|(_, at)| table.columns()[*at].real(row)).collect();
        (names.text(row).unwrap_or_default().to_owned(), points)
    };
    let has_rows = table.rows() > 0 && !bands.is_empty();
    has_rows.then(|| Curve {
        words: curve.words.clone(),
        along: curve.along.clone(),
        feature: curve.feature.clone(),
        subject: feature.subject.0.clone(),
        unit: feature.unit.clone(),
        bands: bands.iter().map(|(band, _)| band.clone()).collect(),
        rows: (0..table.rows()).map(row).collect(),
    })
}

/// What each forecast of the cycle before came to.
pub(super) fn calibrations(playbook: &Playbook, run: &CycleRun) -> Vec<Calibration> {
    playbook.outputs.forecasts.iter().map(|forecast| calibration(run, forecast)).collect()
}

fn calibration(run: &CycleRun, forecast: &ForecastDef) -> Calibration {
    let columns = run.before("member", &forecast.output).zip(run.members.column(&forecast.came));
    let mut pairs: Vec<(f64, f64)> = match columns {
        Some((foreseen, came)) => (0..run.members.rows())
            .filter_map(|row| Some((foreseen.real(row)?, came.real(row)?)))
            .collect(),
        None => Vec::new(),
    };
    // Members of one forecast are in their order: so the same data gives the same groups.
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = pairs.len();
    let groups = (0..GROUPS).map(|at| &pairs[count * at / GROUPS..count * (at + 1) / GROUPS]);
    #[expect(clippy::cast_precision_loss, reason = "a number of members")]
    let group = |members: &[(f64, f64)]| {
        let mean = |sum: f64| sum / members.len() as f64;
        ForecastGroup {
            members: members.len() as u64,
            foreseen: mean(members.iter().map(|(foreseen, _)| foreseen).sum()),
            came: mean(members.iter().map(|(_, came)| came).sum()),
        }
    };
    Calibration {
        words: forecast.words.clone(),
        output: forecast.output.clone(),
        came: forecast.came.clone(),
        groups: groups.filter(|members| !members.is_empty()).map(group).collect(),
    }
}

/// The bands of a feature with their columns, by the number that a name begins with, then by name.
fn bands(table: &Frame, feature: &str) -> Vec<(String, usize)> {
    let band = |name: &str| Some(name.strip_prefix(feature)?.strip_prefix('.')?.to_owned());
    let columns = table.columns().iter().enumerate();
    let mut bands: Vec<(String, usize)> =
        columns.filter_map(|(at, column)| Some((band(&column.name)?, at))).collect();
    bands.sort_by(|(a, _), (b, _)| leading(a).total_cmp(&leading(b)).then_with(|| a.cmp(b)));
    bands
}

/// The number that a name begins with; names without one come last.
fn leading(name: &str) -> f64 {
    let end = name.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(name.len());
    name[..end].trim_end_matches('.').parse().unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::leading;

    #[test]
    fn bands_go_by_the_number_that_they_begin_with() {
        let mut names = ["10-19", "none", "0", "4-9", "1-3", "20 and more", "0.5"];
        names.sort_by(|a, b| leading(a).total_cmp(&leading(b)));
        assert_eq!(names, ["0", "0.5", "1-3", "4-9", "10-19", "20 and more", "none"]);
    }
}
