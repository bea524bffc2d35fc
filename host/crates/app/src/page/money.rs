//! Grants and refusals by action and code, and what the budgets hold.

use playbook_cycle::CycleRun;
use playbook_model::{Kind, Minor, Playbook, RefusalCode, Words};
use playbook_report::{Absence, BudgetRow, GrantRow, Incentives, RefusalRow, Section};

use crate::counts::Counts;
use crate::stages::{absent, stage_of};

pub(super) fn incentives(run: &CycleRun, counts: &Counts) -> Section<Incentives> {
    if run.decisions.is_empty() {
        return Section::Empty(absent(run, Kind::Incentive));
    }
    let grants = counts.actions.iter().map(|(&(stage, action), of)| {
        let stage = stage_of(run, stage);
        let action = stage.and_then(|s| s.shape.actions.get(usize::from(action)));
        GrantRow {
            plugin: stage.map_or_else(String::new, |s| s.name.clone()),
            action: action.map_or_else(String::new, |a| a.name.clone()),
            words: action.map_or_else(Words::default, |a| a.text.clone()),
            proposed: of.proposals,
            granted: of.granted.grants,
            granted_before: of.before.grants,
            quantity: of.quantity,
            cost: of.granted.cost,
            expected_output: of.granted.expected_output,
        }
    });
    let refusals = counts.refused.iter().map(|(&code, of)| RefusalRow {
        code,
        proposals: of.proposals,
        cost: of.cost,
        detail: of.main_rule().map(|rule| rule_words(code, rule)),
    });
    Section::Filled(Incentives { grants: grants.collect(), refusals: refusals.collect() })
}

/// What a guardrail asks for, in a few words.
fn rule_words(code: RefusalCode, rule: &str) -> Words {
    let (en, zh) = match rule {
        "H7" if code == RefusalCode::R12 => {
            ("the cycle has granted it already", "本周期已經發放過")
        }
        "GR-1" => ("commercial cap of the member's participation stage", "參與階段的商業上限"),
        "GR-5" => {
            ("the batch promises less than its floor of output by cost", "批次產出投入比低於底線")
        }
        "GR-6" => ("the pool has no money left", "資金池餘額不足"),
        "GR-7" => ("the stage has taken its share of the pool", "單項投入達到資金池上限"),
        "GR-8" => ("neither the list price nor one that was approved", "非官方價格，亦未獲授權"),
        "GR-12" => {
            ("open complaint or critical churn: service only", "投訴未結或嚴重流失風險：僅限服務")
        }
        "GR-13" if code == RefusalCode::R05 => ("no consent for the purpose", "未獲該用途的同意"),
        "GR-13" => ("a minor, or nobody knows the age", "未成年，或年齡不明"),
        "H2" => ("identity", "身份"),
        "H7" => ("no pool pays for the stage", "該環節無資金池"),
        "H9" => ("duplicates, caps and arbitration", "去重、頻次與仲裁"),
        "H10" => ("held out for measurement", "留出用於測量"),
        "H11" => ("the cycle is closed", "周期已結束"),
        "H13" => ("frozen", "已凍結"),
        "H14" => (
            "a claim without a report, or an inducement without a label",
            "宣稱無檢測報告，或誘導無標識",
        ),
        _ => ("", ""),
    };
    if en.is_empty() {
        return Words { en: rule.to_owned(), zh: None };
    }
    Words { en: format!("{rule}: {en}"), zh: Some(format!("{rule}：{zh}")) }
}

pub(super) fn budgets(playbook: &Playbook, run: &CycleRun) -> Section<Vec<BudgetRow>> {
    if playbook.budget.is_none() {
        return Section::Empty(Absence::NoBudget);
    }
    let rows = run
        .accounts
        .iter()
        .map(|a| {
            let taken = a.allocated.0.saturating_sub(a.available.0);
            BudgetRow {
                path: a.path.split('/').map(ToOwned::to_owned).collect(),
                allocated: a.allocated,
                taken_before: Minor(taken.saturating_sub(a.granted.0)),
                granted: a.granted,
                reserved: a.reserved,
                settled: a.spent,
                available: a.available,
            }
        })
        .collect();
    Section::Filled(rows)
}
