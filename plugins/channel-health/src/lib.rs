//! Health of channels, their new weights, and what should move away from the weak ones (domain RO-9).

use playbook_domain::{Channel, HealthTerms, Streak, WeightTerms, hold_core_share, split};
use playbook_sdk::prelude::*;

settings! {
    /// What makes a channel healthy, and how far that moves its weight.
    pub struct Settings {
        /// What the rows are.
        pub subject: String where length(1..) = "channel",
        /// Weight of the return in health; the four need not add up to 1.
        pub part_roi: f64 where within(0.0..=1.0) = 0.4,
        /// Weight of activity in health.
        pub part_activity: f64 where within(0.0..=1.0) = 0.2,
        /// Weight of delivery in health.
        pub part_delivery: f64 where within(0.0..=1.0) = 0.2,
        /// Weight of complaints in health.
        pub part_complaints: f64 where within(0.0..=1.0) = 0.2,
        /// Return that counts as full.
        pub roi_full: f64 where within(0.01..) = 3.2,
        /// Weekly activity that counts as full, as a fraction of the members.
        pub wau_full: f64 where within(0.001..=1.0) = 0.30,
        /// Complaints per delivered message that leave nothing of their part.
        pub complaint_worst: f64 where within(0.000001..=1.0) = 0.01,
        /// How strongly health moves a weight.
        pub health_pull: f64 where within(0.0..=10.0) = 0.5,
        /// Greatest relative change of a weight.
        pub weight_change_max: f64 where within(0.0..=1.0) = 0.20,
        /// Least weight of a channel.
        pub weight_min: f64 where within(0.0..=1.0) = 0.05,
        /// Greatest weight of a channel on trial.
        pub trial_weight_max: f64 where within(0.0..=1.0) = 0.10,
        /// Band of the sum of core weights; null leaves it to the stage that splits the platforms.
        pub core_share: Option<[f64; 2]> where each(within(0.0..=1.0)) = [0.55, 0.60],
        /// Health below which a channel is weak.
        pub weak_health: f64 where within(0.0..=1.0) = 0.40,
        /// Evaluations in a row, a week each, after which the unspent money of a weak channel should move.
        pub weak_periods: u32 where within(1..=12) = 2,
    }
}

declare! {
    /// What is known of a channel.
    needs Row {
        WEIGHT: real("weight").unit("ratio").optional(),
        ROI: real("roi").unit("ratio").optional(),
        WAU_RATIO: real("wau_ratio").unit("ratio").optional(),
        DELIVERY_RATE: real("delivery_rate").unit("ratio").optional(),
        COMPLAINT_RATE: real("complaint_rate").unit("ratio").optional(),
        CORE: integer("core").optional(),
        TRIAL: integer("trial").optional(),
        ROI_ADJ: real("roi_adj").unit("ratio").optional(),
        UNSPENT: integer("unspent_minor").unit("minor").optional(),
        WEAK_BEFORE: integer("weak_run").previous(1),
        GAPS_BEFORE: integer("unmeasured_run").previous(1),
    }
    /// What is said of it.
    outputs Said {
        HEALTH: real("health").role(Role::Score).unit("ratio").between(0.0, 1.0)
            .meaning(words("Health of the channel", "渠道健康度")),
        COVERAGE: real("coverage").role(Role::Coverage).unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of the weight of health that was known", "健康度中已知權重佔比")),
        WEIGHT: real("weight").unit("ratio").between(0.0, 1.0)
            .meaning(words("New share of the budget", "新預算權重")),
        CHANGE: real("weight_change").unit("ratio").at_least(-1.0)
            .meaning(words("Relative change of the weight", "權重相對變化")),
        WEAK: integer("weak_run").unit("count").at_least(0.0)
            .meaning(words("Evaluations in a row in which it was weak", "連續偏弱期數")),
        GAPS: integer("unmeasured_run").unit("count").at_least(0.0)
            .meaning(words("Evaluations without a measure since the last one with it", "最近無數據期數")),
        ROI: real("return").role(Role::ReturnOnCost).unit("ratio").meaning(words(
            "Return by which moves are judged: less its risk where that is known",
            "調撥所依據的回報率（已知時經風險調整）",
        )),
    }
    reasons Why {
        UNKNOWN: "health-unknown" => words(
            "less than half of what makes up health is known: the weight stays",
            "健康度可用指標不足一半，權重不變",
        ),
        WEAK: "weak-channel" => words("the channel is in poor health", "渠道健康度偏低"),
        STAYS_WEAK: "stays-weak" => words(
            "the channel has been in poor health for weeks: its unspent money should move",
            "渠道健康度連續偏低，建議調出未用預算",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct ChannelHealth {
    settings: Settings,
}

impl Plugin for ChannelHealth {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "channel-health",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Health of channels, their new weights, and moves away from the weak",
            "渠道健康度監測與動態權重",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let parts = settings.health_terms().parts;
        problems.check(parts.iter().sum::<f64>() > 0.0, "/part_roi", "one part must be above 0");
        let band = settings.core_share.is_none_or(|[least, most]| least <= most);
        problems.check(band, "/core_share", "must be a band of shares");
        problems.into_result()?;
        let rows = table(settings.subject.clone()).needs(Row::all());
        Ok(Shape::whole_tables().table(rows).produces_in(0, Said::all()).reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Settings {
    fn health_terms(&self) -> HealthTerms {
        HealthTerms {
            parts: [self.part_roi, self.part_activity, self.part_delivery, self.part_complaints],
            roi_full: self.roi_full,
            wau_full: self.wau_full,
            complaint_worst: self.complaint_worst,
        }
    }

    fn weight_terms(&self) -> WeightTerms {
        WeightTerms {
            pull: self.health_pull,
            change_max: self.weight_change_max,
            least: self.weight_min,
            trial_most: self.trial_weight_max,
        }
    }
}

fn read(rows: &Rows<'_>) -> Vec<Channel> {
    let flag = |column: In<Integer>, row: usize| rows.get(column).get(row).is_some_and(|f| f != 0);
    (0..rows.len())
        .map(|row| Channel {
            weight: rows.get(Row::WEIGHT).get(row),
            roi: rows.get(Row::ROI).get(row),
            wau_ratio: rows.get(Row::WAU_RATIO).get(row),
            delivery_rate: rows.get(Row::DELIVERY_RATE).get(row),
            complaint_rate: rows.get(Row::COMPLAINT_RATE).get(row),
            core: flag(Row::CORE, row),
            trial: flag(Row::TRIAL, row),
        })
        .collect()
}

impl ChannelHealth {
    /// Evaluations in a row in which a channel was weak, this one included.
    fn weak_run(&self, rows: &Rows<'_>, row: usize, health: Option<f64>) -> Streak {
        let count = |column: In<Integer>| {
            rows.get(column).get(row).and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
        };
        let mut run = Streak::resumed(count(Row::WEAK_BEFORE), count(Row::GAPS_BEFORE));
        run.next(health.map(|health| health < self.settings.weak_health));
        run
    }

    /// Proposes what a weak channel has not spent to the others, by weight: to those that are known to be well and to
    /// return more.
    fn propose(
        &self,
        from: usize,
        unspent_minor: i64,
        healths: &[Option<f64>],
        returns: &[Option<f64>],
        weights: &[f64],
        out: &mut TableAnswer<'_>,
    ) {
        let Some(own) = returns[from] else { return };
        let is_well = |row: usize| {
            healths[row].is_some_and(|health| health >= self.settings.weak_health)
                && returns[row].is_some_and(|other| other > own)
        };
        let places: Vec<usize> = (0..healths.len()).filter(|row| is_well(*row)).collect();
        let shares: Vec<f64> = places.iter().map(|row| weights[*row]).collect();
        for (to, amount) in places.into_iter().zip(split(unspent_minor, &shares)) {
            if amount > 0 {
                let (from_row, to_row) = (from as u32, to as u32);
                out.transfer(Transfer {
                    table: 0,
                    from_row,
                    to_row,
                    amount,
                    reason: Why::STAYS_WEAK,
                });
            }
        }
    }
}

impl Roi for ChannelHealth {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let rows = tables.table(0);
        let channels = read(&rows);
        let health = self.settings.health_terms();
        let known: Vec<_> = channels.iter().map(|channel| health.health(channel)).collect();
        let healths: Vec<Option<f64>> = known.iter().map(|known| known.mean(1.0)).collect();
        let terms = self.settings.weight_terms();
        let old = terms.old(&channels);
        let mut weights = old.clone();
        terms.reweigh(&mut weights, &channels, &healths);
        if let Some(band) = self.settings.core_share {
            hold_core_share(&mut weights, |row| channels[row].core, band);
        }
        let (adjusted, unspent) = (rows.get(Row::ROI_ADJ), rows.get(Row::UNSPENT));
        let returns: Vec<Option<f64>> =
            (0..rows.len()).map(|row| adjusted.get(row).or(channels[row].roi)).collect();
        for row in 0..rows.len() {
            let run = self.weak_run(&rows, row, healths[row]);
            let outputs = out.table(0);
            outputs.set_or_missing(Said::HEALTH, row, healths[row]);
            outputs.set(Said::COVERAGE, row, known[row].covered());
            outputs.set(Said::WEIGHT, row, weights[row].min(1.0));
            let change = (old[row] > 0.0).then(|| weights[row] / old[row] - 1.0);
            outputs.set_or_missing(Said::CHANGE, row, change);
            outputs.set(Said::WEAK, row, i64::from(run.count()));
            outputs.set(Said::GAPS, row, i64::from(run.gaps()));
            outputs.set_or_missing(Said::ROI, row, returns[row]);
            let weak = self.settings.weak_health;
            let stays = run.count() >= self.settings.weak_periods;
            let finding = match healths[row] {
                None => Finding::new(Level::Watch, Why::UNKNOWN),
                Some(health) if health >= weak => continue,
                Some(health) if stays => {
                    Finding::new(Level::Warn, Why::STAYS_WEAK).measured(health, weak)
                }
                Some(health) => Finding::new(Level::Watch, Why::WEAK).measured(health, weak),
            };
            let proposes = finding.reason == Why::STAYS_WEAK;
            out.finding(finding.at(0, row as u32));
            if let Some(unspent) = unspent.get(row).filter(|_| proposes) {
                self.propose(row, unspent, &healths, &returns, &weights, out);
            }
        }
        Ok(())
    }
}

export!(ChannelHealth: roi);
