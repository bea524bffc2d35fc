//! Moves of money from communities whose conversion is weak to the one with the highest return (domain RO-11, H7).
//!
//! Weak is who stayed below the benchmark for two closed weeks in a row. How much of a pool leaves it, how often and into which is
//! the host's arithmetic: the plugin only says from where to where, and how much at most.

use playbook_domain::mean;
use playbook_sdk::prelude::*;

settings! {
    /// What a row is held against, and how much it may lose at once.
    pub struct Settings {
        /// What the rows are: community, channel.
        pub subject: String where length(1..) = "community",
        /// What the conversion of a week is held against.
        pub against: Against = "mean",
        /// Conversion of the industry; only read with `against = "benchmark"`.
        pub benchmark: f64 where within(0.0..=1.0) = 0.05,
        /// Most that one move takes, minor units; the bounds of the playbook's `[budget.transfers]` hold below it.
        pub most_minor: i64 where within(1..) = 100000000,
    }
}

settings! {
    /// What the conversion of a week is held against.
    pub enum Against { Mean = "mean", Benchmark = "benchmark" }
}

/// Weeks in a row that make a row weak.
const WEEKS: usize = 2;

declare! {
    /// What is known of a row.
    needs Row {
        LAST_WEEK: real("conversion_week_1").unit("ratio").optional(),
        WEEK_BEFORE: real("conversion_week_2").unit("ratio").optional(),
        ROI_ADJ: real("roi_adj").unit("ratio"),
    }
    /// What is said of a row.
    outputs Said {
        ROI_ADJ: real("roi_adj").role(Role::ReturnOnCost).unit("ratio").meaning(words(
            "Return that is expected of the row, less its risk",
            "經風險調整的預期回報",
        )),
        WEAK_WEEKS: integer("weak_weeks").unit("count").between(0.0, 2.0).meaning(words(
            "Weeks in a row below the benchmark, up to the last one",
            "連續低於基準的周數",
        )),
    }
    reasons Why {
        WEAK: "weak-conversion" => words(
            "conversion was below the benchmark for two weeks in a row",
            "轉化率連續兩周低於基準",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct ElasticPool {
    settings: Settings,
}

impl Plugin for ElasticPool {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "elastic-pool",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Moves money from pools whose conversion is weak to the best one",
            "彈性資源池：低轉化社群的資源轉向回報最高者",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let rows = table(settings.subject.clone()).needs(Row::all());
        Ok(Shape::whole_tables().table(rows).produces_in(0, Said::all()).reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// Weeks in a row in which a row is below what it is held against, from the last one back. A week that is not known ends them.
fn weak_weeks(row: [Option<f64>; WEEKS], against: [Option<f64>; WEEKS]) -> usize {
    let weeks = row.iter().zip(against);
    weeks
        .take_while(|(own, bound)| matches!((own, bound), (Some(own), Some(bound)) if own < bound))
        .count()
}

/// The row with the highest return among those that are not weak; the first of equals.
fn best(returns: &[Option<f64>], weak: &[usize]) -> Option<usize> {
    let known = returns.iter().zip(weak).enumerate();
    let strong =
        known.filter_map(|(row, (value, weak))| Some((row, (*value)?)).filter(|_| *weak < WEEKS));
    let best = strong.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(row, _)| row)
}

impl Roi for ElasticPool {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let rows = tables.table(0);
        let all = |column: Column<'_, f64>| -> Vec<Option<f64>> {
            (0..rows.len()).map(|row| column.get(row)).collect()
        };
        let weeks = [all(rows.get(Row::LAST_WEEK)), all(rows.get(Row::WEEK_BEFORE))];
        let returns = all(rows.get(Row::ROI_ADJ));
        let against = match self.settings.against {
            Against::Mean => [mean(&weeks[0], 1), mean(&weeks[1], 1)],
            Against::Benchmark => [Some(self.settings.benchmark); WEEKS],
        };
        let weak: Vec<usize> = (0..rows.len())
            .map(|row| weak_weeks([weeks[0][row], weeks[1][row]], against))
            .collect();
        for row in 0..rows.len() {
            out.table(0).set_or_missing(Said::ROI_ADJ, row, returns[row]);
            out.table(0).set(Said::WEAK_WEEKS, row, weak[row] as i64);
        }
        let best = best(&returns, &weak);
        for row in (0..rows.len()).filter(|row| weak[*row] == WEEKS) {
            let finding = Finding::new(Level::Watch, Why::WEAK).at(0, row as u32);
            let measured = weeks[0][row].zip(against[0]);
            out.finding(match measured {
                Some((own, bound)) => finding.measured(own, bound),
                None => finding,
            });
            // A row whose return is not known moves nothing: the host could not tell that the other one brings more.
            if let (Some(to), Some(own)) = (best, returns[row])
                && returns[to].is_some_and(|other| other > own)
            {
                out.transfer(Transfer {
                    table: 0,
                    from_row: row as u32,
                    to_row: to as u32,
                    amount: self.settings.most_minor,
                    reason: Why::WEAK,
                });
            }
        }
        Ok(())
    }
}

export!(ElasticPool: roi);
