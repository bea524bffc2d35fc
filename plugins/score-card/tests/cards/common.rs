//! What the tests of all cards ask.

use playbook_sdk::testing::{Data, TablesGiven, Test, plugin};
use playbook_sdk::types::{Finding, Level, Role};
use score_card::ScoreCard;

/// A test of the engine under a card.
pub(crate) fn test(card: &str) -> Test<ScoreCard> {
    plugin::<ScoreCard>().card(card)
}

/// The answer for a table under a card.
pub(crate) fn diagnose(card: &str, data: Data) -> TablesGiven {
    test(card).table(data).open().unwrap().diagnose().unwrap()
}

/// Names of the indicators in the order of the card.
pub(crate) fn order(card: &str) -> Vec<String> {
    let shape = test(card).shape().unwrap();
    let indicators = shape.produces.iter().filter(|p| p.role == Role::Indicator);
    indicators.map(|p| p.name.strip_suffix("_score").unwrap().to_owned()).collect()
}

/// Names of the dimensions in the order of the card.
pub(crate) fn dimensions(card: &str) -> Vec<String> {
    let shape = test(card).shape().unwrap();
    let dimensions = shape.produces.iter().filter(|p| p.role == Role::Dimension);
    dimensions.map(|p| p.name.clone()).collect()
}

/// Column of each indicator, by the need that its output names.
pub(crate) fn columns(card: &str) -> Vec<(String, String)> {
    let shape = test(card).shape().unwrap();
    let indicators = shape.produces.iter().filter(|p| p.role == Role::Indicator);
    let column = |input: u32| shape.tables[0].columns[input as usize].source.name();
    indicators
        .map(|p| (p.name.strip_suffix("_score").unwrap().to_owned(), column(p.input)))
        .collect()
}

/// The full score of a card.
pub(crate) fn full(card: &str) -> f64 {
    let shape = test(card).shape().unwrap();
    shape.produces.iter().find(|p| p.role == Role::Total).unwrap().most.unwrap()
}

/// Every indicator of `bounds` at the share of its way from score 0 to the full score.
pub(crate) fn even(card: &str, bounds: &[(&str, f64, f64)], share: f64) -> Data {
    let columns = columns(card);
    bounds.iter().fold(Data::new(), |data, (name, low, high)| {
        let column = &columns.iter().find(|(known, _)| known == name).expect(name).1;
        data.real(column, [low + share * (high - low)])
    })
}

/// Holds indicators to the measures of score 0, of the full score, and between.
pub(crate) fn holds(card: &str, wanted: &[(&str, f64, f64)]) {
    let full = full(card);
    let columns = columns(card);
    for (name, low, high) in wanted {
        let column = &columns.iter().find(|(known, _)| known == name).expect(name).1;
        for share in [0.0, 0.01, 0.5, 0.99, 1.0] {
            let given = diagnose(card, Data::new().real(column, [low + share * (high - low)]));
            let score = given.table(0).real(&format!("{name}_score"), 0).unwrap();
            assert!((score - share * full).abs() < 1e-9, "{name} at {share}: {score}");
        }
    }
}

/// The names of the weakest.
pub(crate) fn named(given: &TablesGiven, count: usize) -> Vec<&str> {
    (1..=count).filter_map(|nth| given.table(0).category(&format!("weakest_{nth}"), 0)).collect()
}

/// The packages that a finding suggests.
pub(crate) fn suggested(card: &str, finding: &Finding) -> Vec<String> {
    let shape = test(card).shape().unwrap();
    finding.suggests.iter().map(|at| shape.actions[*at as usize].name.clone()).collect()
}

/// Level of the first finding of a reason.
pub(crate) fn level(given: &TablesGiven, reason: &str) -> Option<Level> {
    given.findings_of(reason).next().map(|finding| finding.level)
}

/// Holds indicators with a limit to the bound on which it turns: whether the bound itself is in order, and whether
/// more is in order.
pub(crate) fn limits(card: &str, wanted: &[(&str, f64, bool, bool)]) {
    let columns = columns(card);
    for (name, bound, on, over) in wanted {
        let column = &columns.iter().find(|(known, _)| known == name).expect(name).1;
        let code = format!("limit-{}", name.replace('_', "-"));
        let step = bound.abs().max(1.0) * 1e-6;
        for (x, in_order) in [(bound - step, !over), (*bound, *on), (bound + step, *over)] {
            let given = diagnose(card, Data::new().real(column, [x]));
            assert_eq!(given.findings_of(&code).count() == 0, in_order, "{name} at {x}");
        }
    }
}
