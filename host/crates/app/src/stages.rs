//! What pages and output files ask a finished cycle's stages and tables for.

use playbook_cycle::{CycleRun, StageRun};
use playbook_model::{Column, Comparison, Fault, Frame, Kind, Limit, Place, Produce, Words};
use playbook_report::Absence;

pub(crate) fn of_kind(run: &CycleRun, kind: Kind) -> impl Iterator<Item = &StageRun> {
    run.stages.iter().filter(move |s| s.kind() == kind)
}

/// Why a part is empty: no stage of the kind, or all of them skipped.
pub(crate) fn absent(run: &CycleRun, kind: Kind) -> Absence {
    match of_kind(run, kind).find_map(|s| s.fault.as_ref().map(|f| (s, f))) {
        Some((stage, fault)) => {
            Absence::Skipped { stage: stage.name.clone(), fault: fault_words(fault) }
        }
        None if of_kind(run, kind).next().is_none() => Absence::NoStage(kind),
        None => Absence::Nothing,
    }
}

/// A fault in words; what the plugin itself says stays as it says it.
pub(crate) fn fault_words(fault: &Fault) -> Words {
    let zh = match fault {
        Fault::Refusal(text) => format!("拒絕執行：{text}"),
        Fault::Settings(problems) => {
            let problems: Vec<String> =
                problems.iter().map(|p| format!("`{}` {}", p.path, p.message)).collect();
            format!("拒絕設定：{}", problems.join("；"))
        }
        Fault::Trap { trap, panic: Some(panic) } => format!("異常中止（{trap}）：{panic}"),
        Fault::Trap { trap, panic: None } => format!("異常中止（{trap}）"),
        Fault::LimitHit { limit, used, max } => {
            let limit = match limit {
                Limit::Fuel => "燃料",
                Limit::Deadline => "時限",
                Limit::Memory => "記憶體",
                Limit::Stack => "呼叫深度",
                Limit::ReturnedBytes => "返回數據量",
                Limit::LogLines => "日誌行數",
            };
            format!("觸及{limit}上限而停止（用量 {used}，上限 {max}）")
        }
        Fault::Malformed(text) => format!("回答不合約定：{text}"),
        Fault::BreakerOpen { retry_ms } => {
            format!("近來失敗過多，{} 秒內不再呼叫", retry_ms.div_ceil(1_000))
        }
    };
    Words { en: fault.to_string(), zh: Some(zh) }
}

/// The feature of a figure that a table has.
pub(crate) fn figure_of<'t>(table: &'t Frame, features: &[String]) -> Option<&'t Column> {
    features.iter().find_map(|feature| table.column(feature))
}

pub(crate) fn place_name(stage: &StageRun, place: Option<Place>) -> String {
    place
        .and_then(|p| stage.places.get(p.table as usize)?.get(p.row as usize).cloned())
        .unwrap_or_default()
}

pub(crate) fn reason_words(stage: &StageRun, reason: u32) -> Words {
    match stage.shape.reasons.get(reason as usize) {
        Some(reason) => reason.text.clone(),
        None => Words { en: stage.name.clone(), zh: None },
    }
}

/// What the plugin says of the output, else its name.
pub(crate) fn meaning(produce: &Produce) -> Words {
    if produce.meaning.en.is_empty() {
        produce.name.replace('_', " ").as_str().into()
    } else {
        produce.meaning.clone()
    }
}

/// Name and version of a stage's plugin, after the name of the stage where that is another.
pub(crate) fn plugin_of(stage: &StageRun) -> String {
    let about = &stage.about;
    match stage.name == about.name {
        true => format!("{} {}", about.name, about.version),
        // A card's engine, or a stage that the brand named.
        false => format!("{} ({} {})", stage.name, about.name, about.version),
    }
}

/// The stage at a position of the playbook.
pub(crate) fn stage_of(run: &CycleRun, position: u16) -> Option<&StageRun> {
    run.stages.iter().find(|s| s.position == usize::from(position))
}

/// The sign of a comparison.
pub(crate) fn comparison(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::AtLeast => ">=",
        Comparison::MoreThan => ">",
        Comparison::AtMost => "<=",
        Comparison::LessThan => "<",
    }
}
