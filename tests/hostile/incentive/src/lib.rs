//! An incentive plugin whose proposals break the contract in the way its settings name.

#![allow(unsafe_code, missing_docs, unreachable_pub, reason = "generated from wit/v0.1")]
#![allow(clippy::all, reason = "generated from wit/v0.1")]
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only guests export"))]

use std::cell::RefCell;

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "incentive-plugin" });

use exports::playbook::plugin::{incentive, plugin};
use playbook::plugin::types::{
    ActionInfo, Batch, CellType, Context, Description, Frequency, Kind, Need, Opening, Priority,
    Problem, Proposals, ReasonInfo, Shape, Source, TableNeed, Words,
};

struct Hostile;
#[cfg(target_arch = "wasm32")]
export!(Hostile);

thread_local! {
    static MODE: RefCell<String> = const { RefCell::new(String::new()) };
}

fn words(en: &str) -> Words {
    Words { en: en.to_owned(), zh: None }
}

impl plugin::Guest for Hostile {
    fn describe() -> Description {
        Description {
            kind: Kind::Incentive,
            name: "hostile-incentive".to_owned(),
            version: "0.1.0".to_owned(),
            summary: words(SUMMARY),
            settings_schema: "{\"type\":\"object\"}".to_owned(),
        }
    }

    fn check(_settings: String) -> Result<Shape, Vec<Problem>> {
        let key = Need {
            source: Source::Key,
            cell_type: CellType::Integer,
            unit: String::new(),
            required: true,
            categories: Vec::new(),
        };
        let action = ActionInfo {
            name: "points".to_owned(),
            priority: Priority::Promotion,
            family: "points".to_owned(),
            purpose: String::new(),
            commercial: true,
            contacts_member: false,
            frequency: Frequency::OnceACycle,
            needs_approval: false,
            text: words("Points"),
        };
        Ok(Shape {
            rows: Some(TableNeed { subject: "member".to_owned(), columns: vec![key] }),
            tables: Vec::new(),
            produces: Vec::new(),
            segments: Vec::new(),
            actions: vec![action],
            reasons: vec![ReasonInfo { code: "on-purpose".to_owned(), text: words("On purpose") }],
            terms: Vec::new(),
            fit_passes_max: 0,
        })
    }

    fn open(_ctx: Context, opening: Opening) -> Result<(), Vec<Problem>> {
        let mode = opening.settings.trim_start_matches("{\"mode\":\"").trim_end_matches("\"}");
        MODE.with(|m| *m.borrow_mut() = mode.to_owned());
        Ok(())
    }
}

const SUMMARY: &str = "Breaks proposals on purpose";

/// No more of a copy of the component in whose summary a test has changed the last letter.
fn is_meant() -> bool {
    std::hint::black_box(SUMMARY).ends_with('e')
}

/// 2026-07-01T00:00 in Shanghai.
const JULY: i64 = 1_782_835_200_000;

/// So many rounds, of which the compiler cannot leave out any.
fn rounds(count: u64) -> u64 {
    (0..count).fold(1, |n, round| std::hint::black_box(n).wrapping_mul(3) ^ round)
}

impl incentive::Guest for Hostile {
    fn propose(ctx: Context, rows: Batch) -> Result<Proposals, String> {
        let count = rows.rows as usize;
        let mut answer = Proposals {
            row: (0..rows.rows).collect(),
            action: vec![0; count],
            quantity: vec![1; count],
            cost: vec![100; count],
            expected_output: vec![500; count],
            reason: vec![0; count],
            after_min: Vec::new(),
            until_min: Vec::new(),
        };
        match MODE.with(|m| m.borrow().clone()).as_str() {
            "negative-cost" => answer.cost[count - 1] = -100,
            "negative-quantity" => answer.quantity[count - 1] = -1,
            "negative-output" => answer.expected_output[count - 1] = i64::MIN,
            "unknown-action" => answer.action[0] = 1,
            "unknown-row" => answer.row[count - 1] = rows.rows,
            "unsorted" => answer.row.reverse(),
            "short-list" => drop(answer.cost.pop()),
            "no-reason" => answer.reason[count - 1] = u32::MAX,
            "endless-start" => answer.after_min = vec![u32::MAX; count],
            "mixed-ends" => {
                answer.after_min = vec![10; count];
                answer.until_min = (0..count).map(|row| [u32::MAX, 10, 15][row % 3]).collect();
            }
            "ends-now" => {
                answer.after_min = vec![10; count];
                answer.until_min = (0..count).map(|row| [u32::MAX, 0][row % 2]).collect();
            }
            "late" => {
                answer.after_min = vec![10; count];
                answer.until_min = vec![5; count];
            }
            // Sound, and some 20 ms late.
            "loop" => drop(std::hint::black_box(rounds(u64::MAX))),
            "slow" => drop(std::hint::black_box(rounds(15_000_000))),
            "trap" => panic!("on purpose"),
            "trap-on-some" if rows.columns.integers.iter().any(|key| key % 101 == 0) => {
                panic!("on purpose")
            }
            "greedy" => {
                answer.cost = vec![1 << 40; count];
                answer.expected_output = vec![1 << 44; count];
            }
            "dear-later" => answer.cost = vec![if ctx.now > JULY { 90 } else { 1 }; count],
            "fails-before-july" if ctx.now < JULY && is_meant() => answer.cost[count - 1] = -100,
            "twenty-each" => {
                let times = |list: &[i64]| list.iter().flat_map(|v| [*v; 20]).collect::<Vec<_>>();
                answer.row = answer.row.iter().flat_map(|r| [*r; 20]).collect();
                answer.action = vec![0; 20 * count];
                answer.quantity = times(&answer.quantity);
                answer.cost = times(&answer.cost);
                answer.expected_output = times(&answer.expected_output);
                answer.reason = vec![0; 20 * count];
            }
            _ => {}
        }
        Ok(answer)
    }
}
