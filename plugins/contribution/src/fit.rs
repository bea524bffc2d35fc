//! What all members added: sums, and where the top of them begins.

use playbook_sdk::codec::encode;
use playbook_sdk::prelude::*;

use crate::{Contribution, Member, Settings, counts, known};

/// Members of the sample from which the tops are taken; of no more members each counts.
const SAMPLE_ROWS_MAX: usize = 65_536;
/// Stands for a number that is missing, in the sample.
const MISSING: f64 = -1.0;
/// Parts of a point in which sums are kept, so that they are exact whatever the order.
const PARTS: f64 = 1e6;

/// What was seen of the members so far.
#[derive(Debug, Clone)]
pub struct Seen {
    members: u64,
    /// Sum of all points and the most of one member, in millionths.
    parts: i128,
    most: i128,
    sample: Sample,
}

codec!(Seen { members, parts, most, sample });

/// What all members added together.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    members: u64,
    parts: i128,
    top_from: Option<f64>,
    leader_from: Option<f64>,
}

codec!(Whole { members, parts, top_from, leader_from });

impl Whole {
    /// Part of these points in all of them.
    pub(crate) fn share(&self, points: f64) -> Option<f64> {
        let share = || (parts(points) as f64 / self.parts as f64).min(1.0);
        (self.parts > 0).then(share)
    }

    /// Part of the members that so many partners are.
    pub(crate) fn partner_share(&self, partners: i64) -> Option<f64> {
        let share = || (partners.max(0) as f64 / self.members as f64).min(1.0);
        (self.members > 0).then(share)
    }

    /// Whether so many points are among the most.
    pub(crate) fn is_top(&self, points: f64) -> Option<bool> {
        self.top_from.map(|from| points >= from && points > 0.0)
    }

    /// Whether so many partners are among the most.
    pub(crate) fn leads(&self, partners: i64) -> bool {
        self.leader_from.is_some_and(|from| partners as f64 >= from)
    }
}

fn parts(points: f64) -> i128 {
    (points * PARTS).round() as i128
}

/// The greatest `share` of values, at least one; those given ascend.
fn top(ascending: &[f64], share: f64) -> &[f64] {
    let known = ascending.partition_point(|value| *value <= MISSING);
    let known = &ascending[known..];
    // Rounding that a fraction such as 0.01 carries must not add a member.
    let count = ((known.len() as f64 * share - 1e-9).ceil().max(1.0) as usize).min(known.len());
    &known[known.len() - count..]
}

impl Fit for Contribution {
    type State = Seen;

    fn begin(pass: &Pass<'_, Settings>) -> Result<Seen, Problems> {
        let sample = Sample::new(2, SAMPLE_ROWS_MAX, pass.context.seed);
        Ok(Seen { members: 0, parts: 0, most: 0, sample })
    }

    fn observe(pass: &Pass<'_, Settings>, seen: &mut Seen, rows: &Rows<'_>) -> Result<(), String> {
        let (weights, counts) = (pass.settings.points(), counts(rows));
        let partners = rows.get(Member::PARTNERS);
        for (row, key) in rows.get(Member::KEY).values().iter().enumerate() {
            let points = known(&weights, &counts, row).sum();
            let partners = partners.get(row).map_or(MISSING, |count| count.max(0) as f64);
            let own = points.map_or(0, parts);
            seen.members += 1;
            seen.parts += own;
            seen.most = seen.most.max(own);
            seen.sample.observe(*key, &[points.unwrap_or(MISSING), partners]);
        }
        Ok(())
    }

    fn merge(_: &Pass<'_, Settings>, left: Seen, right: Seen) -> Result<Seen, String> {
        Ok(Seen {
            members: left.members + right.members,
            parts: left.parts + right.parts,
            most: left.most.max(right.most),
            sample: left.sample.merge(right.sample)?,
        })
    }

    fn finish(pass: &Pass<'_, Settings>, seen: Seen) -> Result<Outcome, String> {
        let Settings { top_share, leader_share, .. } = *pass.settings;
        let (points, partners) = (seen.sample.ascending(0), seen.sample.ascending(1));
        let tops = top(&points, top_share);
        let mut measures = vec![("members", seen.members as f64)];
        if seen.parts > 0 {
            let all: f64 = points.iter().filter(|points| **points > MISSING).sum();
            measures.push(("top_1_share", seen.most as f64 / seen.parts as f64));
            measures.push(("top_share", tops.iter().sum::<f64>() / all));
        }
        let whole = Whole {
            members: seen.members,
            parts: seen.parts,
            top_from: tops.first().copied(),
            leader_from: top(&partners, leader_share).first().copied(),
        };
        let measure = |(name, value): (&str, f64)| Measure { name: name.to_owned(), value };
        let measures = measures.into_iter().map(measure).collect();
        Ok(Outcome::Model { model: encode(&whole), measures })
    }
}
