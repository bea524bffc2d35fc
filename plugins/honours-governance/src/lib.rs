//! Votes of members on proposals, weighted by what they contribute (domain IN-9).

use std::collections::BTreeMap;

use playbook_sdk::prelude::*;

settings! {
    /// When a proposal passes, and what that means.
    pub struct Settings {
        /// Share of the weight cast that must be in favour.
        pub pass_share: f64 where within(0.0..=1.0) = 0.50,
        /// Share of those who may vote that must have voted.
        pub turnout: f64 where within(0.0..=1.0) = 0.20,
        /// Contribution that weighs 1.
        pub full_contribution: f64 where within(0.01..) = 100.0,
        /// The result binds: what follows needs no person's approval.
        pub binding: bool = false,
    }
}

/// Positions of the tables.
const PROPOSALS: usize = 0;
const VOTES: usize = 1;

/// What a vote came to.
const RESULTS: [&str; 3] = ["fails", "no-quorum", "passes"];

declare! {
    /// What is known of a proposal.
    needs Proposed {
        NAME: text("name"),
        ELIGIBLE: integer("eligible").unit("count"),
    }
    /// What is known of a vote.
    needs Vote {
        PROPOSAL: text("proposal"),
        VOTER: integer("voter"),
        APPROVES: integer("approves"),
        AT: integer("at").unit("unix-ms").optional(),
        CONTRIBUTION: real("contribution").optional(),
    }
    /// What is said of a proposal.
    outputs Said {
        RESULT: category("result", RESULTS).meaning(words("What the vote came to", "表決結果")),
        SHARE: real("approval").role(Role::Score).unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of the weight cast in favour", "加權贊成率")),
        TURNOUT: real("turnout").role(Role::Coverage).unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of those who may vote that voted", "投票率")),
        VOTERS: integer("voters").unit("count").at_least(0.0)
            .meaning(words("Members who voted, each once", "投票人數")),
        FOR: real("weight_for").at_least(0.0).meaning(words("Weight in favour", "贊成權重")),
        AGAINST: real("weight_against").at_least(0.0).meaning(words("Weight against", "反對權重")),
        UNWEIGHTED: integer("without_weight").unit("count").at_least(0.0).meaning(words(
            "Voters without a known contribution: they count for the turnout alone",
            "貢獻未知的投票人數，僅計入投票率",
        )),
    }
    reasons Why {
        PASSES: "passes" => words("the vote recommends the proposal", "表決通過：建議採納"),
        BINDS: "passes-binding" => words("the vote adopts the proposal", "表決通過：具約束力"),
        NO_QUORUM: "no-quorum" => words("too few have voted", "投票率不足"),
        TOO_MANY: "more-votes-than-voters" => words(
            "more members have voted than may vote",
            "投票人數超過有權投票人數",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct HonoursGovernance {
    settings: Settings,
}

impl Plugin for HonoursGovernance {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "honours-governance",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Weighted votes of members on proposals", "共同治理：加權投票"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let adopt = action("adopt", Priority::Service, words("Adopt the proposal", "採納提案"));
        Ok(Shape::whole_tables()
            .table(table("proposal").needs(Proposed::all()))
            .table(table("vote").needs(Vote::all()))
            .produces_in(PROPOSALS as u32, Said::all())
            .action(if settings.binding { adopt } else { adopt.needs_approval() })
            .term("fails", words("fails", "未通過"))
            .term("no-quorum", words("too few votes", "投票率不足"))
            .term("passes", words("passes", "通過"))
            .reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// Votes on a proposal.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    voters: i64,
    in_favour: f64,
    against: f64,
    without_weight: i64,
}

/// The row of the last vote of each voter on each proposal; of votes at the same time the later row.
fn last_votes<'a>(votes: &Rows<'a>) -> BTreeMap<(&'a str, i64), usize> {
    let (proposal, voter) = (votes.get(Vote::PROPOSAL), votes.get(Vote::VOTER));
    let at = votes.get(Vote::AT);
    let mut last: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    for row in 0..votes.len() {
        let (Some(proposal), Some(voter)) = (proposal.get(row), voter.get(row)) else { continue };
        if votes.get(Vote::APPROVES).get(row).is_none() {
            continue;
        }
        let place = last.entry((proposal, voter)).or_insert(row);
        if at.get(row) >= at.get(*place) {
            *place = row;
        }
    }
    last
}

impl HonoursGovernance {
    fn count<'a>(&self, votes: &Rows<'a>) -> BTreeMap<&'a str, Count> {
        let approves = votes.get(Vote::APPROVES);
        let contribution = votes.get(Vote::CONTRIBUTION);
        let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
        for ((proposal, _), row) in last_votes(votes) {
            let count = counts.entry(proposal).or_default();
            count.voters += 1;
            let weight =
                contribution.get(row).map(|score| score.max(0.0) / self.settings.full_contribution);
            match (weight, approves.get(row)) {
                (None, _) => count.without_weight += 1,
                (Some(weight), Some(0)) => count.against += weight,
                (Some(weight), _) => count.in_favour += weight,
            }
        }
        counts
    }

    fn finding(&self, result: usize, share: Option<f64>, turnout: f64) -> Option<Finding> {
        let Settings { pass_share, turnout: least, binding, .. } = self.settings;
        match result {
            1 => Some(Finding::new(Level::Watch, Why::NO_QUORUM).measured(turnout, least)),
            2 => {
                let why = if binding { Why::BINDS } else { Why::PASSES };
                let finding = Finding::new(Level::Watch, why).suggests([0]);
                Some(share.map_or(finding.clone(), |share| finding.measured(share, pass_share)))
            }
            _ => None,
        }
    }
}

impl Diagnosis for HonoursGovernance {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let (proposals, votes) = (tables.table(PROPOSALS), tables.table(VOTES));
        let counts = self.count(&votes);
        let names = proposals.get(Proposed::NAME);
        for row in 0..proposals.len() {
            let Some(name) = names.get(row) else { continue };
            let count = counts.get(name).copied().unwrap_or_default();
            let eligible = proposals.get(Proposed::ELIGIBLE).get(row).filter(|n| *n > 0);
            let turnout = eligible.map(|n| (count.voters as f64 / n as f64).min(1.0));
            let cast = count.in_favour + count.against;
            let share = (cast > 0.0).then(|| (count.in_favour / cast).min(1.0));
            let result = turnout.map(|turnout| match share {
                _ if turnout < self.settings.turnout => 1,
                Some(share) if share >= self.settings.pass_share => 2,
                _ => 0,
            });
            let mut find = |finding: Finding| out.finding(finding.at(PROPOSALS as u32, row as u32));
            if let Some(n) = eligible.filter(|n| count.voters > *n) {
                let finding = Finding::new(Level::Critical, Why::TOO_MANY);
                find(finding.measured(count.voters as f64, n as f64));
            }
            if let Some(finding) = result
                .zip(turnout)
                .and_then(|(result, turnout)| self.finding(result, share, turnout))
            {
                find(finding);
            }
            let outputs = out.table(PROPOSALS);
            outputs.set_or_missing(Said::RESULT, row, result);
            outputs.set_or_missing(Said::SHARE, row, share);
            outputs.set_or_missing(Said::TURNOUT, row, turnout);
            outputs.set(Said::VOTERS, row, count.voters);
            outputs.set(Said::FOR, row, count.in_favour);
            outputs.set(Said::AGAINST, row, count.against);
            outputs.set(Said::UNWEIGHTED, row, count.without_weight);
        }
        Ok(())
    }
}

export!(HonoursGovernance: diagnosis);
