//! Writes report and comparison pages of made-up figures, to look at their design: `demo_report FOLDER`.

mod campaign;
mod diff;
mod health;
mod machine;
mod members;
mod money;
mod words;

use std::{collections::BTreeMap, env, fs, path::Path};

use playbook_model::{Kind, Minor, TargetState, Words};
use playbook_report::{
    Absence, Goals, Header, Lang, Report, Section, Summary, TargetRow, Told, render, render_diff,
};

use crate::words::{currency, digest, w};

fn targets() -> Vec<TargetRow> {
    let row =
        |name: &str, words: Words, value: Option<f64>, target: f64, unit: &str, state| TargetRow {
            words,
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
            comparison: ">=".to_owned(),
            target,
            state,
            source: String::new(),
            form: false,
        };
    let (wau, nps) = (w("weekly active share", "周活躍佔比"), w("net promoter score", "淨推薦值"));
    let csat = w("satisfaction", "用戶滿意度");
    vec![
        row("wau_ratio", wau, Some(0.31), 0.20, "ratio", TargetState::Met),
        row("nps", nps, Some(38.0), 40.0, "", TargetState::Near),
        row("csat", csat, None, 4.8, "", TargetState::NoData),
    ]
}

fn main() -> std::io::Result<()> {
    let folder = env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    for lang in [Lang::En, Lang::Zh] {
        fs::write(folder.join(format!("report-{}.html", lang.code())), render(&report(), lang))?;
        fs::write(
            folder.join(format!("first-{}.html", lang.code())),
            render(&first_cycle(), lang),
        )?;
        fs::write(
            folder.join(format!("diff-{}.html", lang.code())),
            render_diff(&diff::diff(), lang),
        )?;
    }
    Ok(())
}

fn report() -> Report {
    Report {
        header: header(false),
        data_findings: machine::data_findings(),
        labels: BTreeMap::new(),
        summary: summary(),
        findings: machine::findings(),
        segmentation: members::segmentation(),
        scores: members::scores(),
        incentives: money::incentives(),
        budgets: money::budgets(),
        campaign: campaign::campaign(),
        roi: money::roi(),
        indicators: Vec::new(),
        targets: targets(),
        goals: Goals::default(),
        curves: Vec::new(),
        calibrations: Vec::new(),
        health: Section::Filled(vec![health::health()]),
        tables: Vec::new(),
        plugins: machine::plugins(),
        intake: machine::intake(),
        evidence: machine::evidence(),
        timings: None,
    }
}

fn summary() -> Summary {
    Summary {
        members: 100_000,
        active: Told::Value(22_431),
        orders: Told::Value(18_204),
        revenue: Told::Value(Minor(1_152_013_215)),
        grants: 19_505,
        refused: 11_846,
        grants_cost: Minor(8_412_050),
        cost: Told::Value(Minor(61_200_000)),
        roi: Some(1.98),
        health: Some(3.12),
        health_most: Some(5.0),
        health_level: Some(w("watch", "關注")),
    }
}

fn header(dry_run: bool) -> Header {
    Header {
        brand: "山茶茶業 Camellia Tea".to_owned(),
        title: w("Tea community, spring cycle", "茶友社群 · 春季週期"),
        as_of: "2026-03-01 00:00 (Asia/Shanghai)".to_owned(),
        cycle: "2026-W09".to_owned(),
        run_id: digest("run").hex(),
        playbook_digest: digest("playbook"),
        dry_run,
        currency: currency(),
    }
}

/// Level of a score where weak begins at 2, watch at 3 and healthy at 4.

fn first_cycle() -> Report {
    let mut report = report();
    report.header = header(true);
    if let Section::Filled(all) = &mut report.segmentation {
        let s = &mut all[0];
        s.flows = Section::Empty(Absence::FirstCycle);
        for row in &mut s.segments {
            row.members_before = None;
        }
    }
    report.data_findings.clear();
    report.findings = Section::Filled(vec![]);
    report.campaign = Section::Empty(Absence::NoStage(Kind::Campaign));
    report.budgets = Section::Empty(Absence::NoBudget);
    report.roi = Section::Empty(Absence::Skipped {
        stage: "roi".to_owned(),
        fault: w("stopped at the fuel limit", "觸及燃料上限而停止"),
    });
    report
}
