//! Payouts of a pool to those who contributed, once a month (domain IN-8).
//!
//! The shares need everybody, so the payees come as a table when the plugin is opened; the rows are then asked one by
//! one. Each proposal is the statement of its payee: the margin that is theirs, what is paid of it, and why.

pub mod shares;

use std::collections::BTreeMap;

use playbook_domain::{local_day, product};
use playbook_sdk::prelude::*;
use shares::{Due, Level as Part, dues, pool_minor};

settings! {
    /// How much is shared, and what the grades earn.
    pub struct Settings {
        /// Who is paid: member or partner.
        pub subject: String where length(1..) = "member",
        /// Share of the attributed margin that goes into the pool.
        pub rate: f64 where within(0.0..=0.10) = 0.10,
        /// Points a month of a payee of grade A.
        pub points_a: i64 where within(0..) = 300,
        /// Points of grade B.
        pub points_b: i64 where within(0..) = 200,
        /// Points of grade C.
        pub points_c: i64 where within(0..) = 100,
        /// Points of grade D.
        pub points_d: i64 where within(0..) = 0,
        /// Cost of one point to the brand in minor units.
        pub point_cost_minor: i64 where within(0..) = 1,
        /// Days of a cycle: payouts go out in the cycle in which a month has closed.
        pub cycle_days: i64 where within(1..=28) = 14,
    }
}

/// Levels of cooperation.
const LEVELS: [&str; 3] = ["agreement", "points", "revenue-share"];
/// Grades of partners, best first.
const GRADES: [&str; 4] = ["A", "B", "C", "D"];

declare! {
    /// The payee that is asked about.
    needs Row {
        KEY: key(),
    }
    /// What is known of a payee.
    needs Payee {
        KEY: key(),
        LEVEL: category("cooperation_level", LEVELS).optional(),
        CONTRIBUTION: real("contribution").optional(),
        GRADE: category("grade", GRADES).optional(),
    }
    /// What is known of the brand.
    needs Brand {
        MARGIN: integer("attributed_margin_minor").unit("minor"),
    }
    actions Reward {
        PAYOUT: action("payout", Priority::Retention, words("Share of the margin", "收益分成"))
            .needs_approval(),
        POINTS: action("cooperation-points", Priority::Retention,
            words("Points of the cooperation", "合作積分")),
    }
    reasons Why {
        SHARE: "revenue-share" => words(
            "a share of the pool by contribution to the month",
            "按當月貢獻分配收益池",
        ),
        GRADE: "grade-points" => words("points of the month by grade", "按評級發放當月積分"),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct BenefitShare {
    settings: Settings,
    due: BTreeMap<i64, (Part, Due)>,
}

impl Plugin for BenefitShare {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "benefit-share",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Payouts of a pool by contribution", "利益共享：按貢獻分成"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        Ok(Shape::rows(settings.subject.clone())
            .needs(Row::all())
            .table(table(settings.subject.clone()).needs(Payee::all()))
            .table(table("brand").needs(Brand::all()))
            .actions(Reward::all())
            .reasons(Why::all()))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let (payees, brand) = (opening.tables.table(0), opening.tables.table(1));
        let margin = brand.get(Brand::MARGIN).get(0).unwrap_or(0).max(0);
        let parts: Vec<Part> = (0..payees.len()).map(|row| part(&payees, row)).collect();
        let contributions: Vec<Option<f64>> = (parts.iter().enumerate())
            .map(|(row, part)| {
                payees.get(Payee::CONTRIBUTION).get(row).filter(|_| *part == Part::Share)
            })
            .collect();
        let all = dues(pool_minor(margin, settings.rate), margin, &contributions);
        let mut due = BTreeMap::new();
        for (row, (part, own)) in parts.into_iter().zip(all).enumerate() {
            if let Some(key) = payees.get(Payee::KEY).get(row) {
                due.insert(key, (part, own));
            }
        }
        Ok(Self { settings, due })
    }
}

/// How a payee takes part; a level or a grade that is not known is due nothing.
fn part(payees: &Rows<'_>, row: usize) -> Part {
    match payees.get(Payee::LEVEL).get(row) {
        Some(2) => Part::Share,
        Some(1) => payees.get(Payee::GRADE).get(row).map_or(Part::Agreement, Part::Points),
        _ => Part::Agreement,
    }
}

impl BenefitShare {
    fn points(&self, grade: usize) -> i64 {
        let Settings { points_a, points_b, points_c, points_d, .. } = self.settings;
        [points_a, points_b, points_c, points_d].get(grade).copied().unwrap_or(0)
    }

    fn proposal(&self, row: usize, part: Part, due: Due) -> Option<Proposal> {
        match part {
            Part::Share if due.payout_minor > 0 => Some(Proposal {
                cost: due.payout_minor,
                expected_output: due.margin_minor,
                ..Proposal::new(row, Reward::PAYOUT, Why::SHARE)
            }),
            Part::Points(grade) if self.points(grade) > 0 => {
                let quantity = self.points(grade);
                Some(Proposal {
                    quantity,
                    cost: product(quantity, self.settings.point_cost_minor),
                    ..Proposal::new(row, Reward::POINTS, Why::GRADE)
                })
            }
            _ => None,
        }
    }
}

impl Incentive for BenefitShare {
    fn propose(
        &self,
        context: &Context,
        rows: &Rows<'_>,
        out: &mut Proposals,
    ) -> Result<(), String> {
        if local_day(context.local_min).day > self.settings.cycle_days {
            return Ok(());
        }
        let keys = rows.get(Row::KEY);
        for row in 0..rows.len() {
            let due = keys.get(row).and_then(|key| self.due.get(&key));
            let proposal = due.and_then(|(part, due)| self.proposal(row, *part, *due));
            if let Some(proposal) = proposal {
                out.push(proposal);
            }
        }
        Ok(())
    }
}

export!(BenefitShare: incentive);
