//! The report page as a whole.

use maud::html;

use crate::document::{Ctx, document};
use crate::{Lang, Report, sections};

/// Returns the whole page of `report` in `lang`: one file without network, script or outside style.
///
/// The same report gives the same bytes. Every text of the report is escaped, whatever it holds.
#[must_use]
pub fn render(report: &Report, lang: Lang) -> String {
    let ctx = Ctx::new(lang, &report.header.currency, &report.labels);
    let p = ctx.p;
    let dry = report.header.dry_run;
    let body = html! {
        (sections::data_findings(&ctx, &report.data_findings))
        (sections::summary(&ctx, report))
        (sections::indicators(&ctx, &report.indicators, &report.evidence))
        (sections::goals(&ctx, &report.goals))
        (sections::targets(&ctx, &report.targets))
        (sections::findings(&ctx, &report.findings))
        (sections::segments(&ctx, &report.segmentation))
        (sections::scores(&ctx, &report.scores))
        (sections::curves(&ctx, &report.curves, &report.calibrations))
        (sections::grants(&ctx, &report.incentives, dry))
        (sections::budgets(&ctx, &report.budgets))
        (sections::campaign(&ctx, &report.campaign))
        (sections::roi(&ctx, &report.roi, &report.tables))
        (sections::health(&ctx, &report.health, &report.tables))
        (sections::plugins(&ctx, &report.plugins))
        (sections::intake(&ctx, &report.intake))
        (sections::evidence(&ctx, &report.header, &report.evidence))
        @if let Some(rows) = &report.timings { (sections::timings(&ctx, rows)) }
    };
    let mut links = vec![
        ("summary", p.sec_summary),
        ("findings", p.sec_findings),
        ("segments", p.sec_segments),
        ("scores", p.sec_scores),
        ("grants", p.sec_grants),
        ("budgets", p.sec_budgets),
        ("campaign", p.sec_campaign),
        ("roi", p.sec_roi),
        ("health", p.sec_health),
        ("plugins", p.sec_plugins),
        ("intake", p.sec_intake),
        ("evidence", p.sec_evidence),
    ];
    if !report.curves.is_empty() || !report.calibrations.is_empty() {
        links.insert(4, ("curves", p.sec_curves));
    }
    if !report.targets.is_empty() {
        links.insert(1, ("targets", p.sec_targets));
    }
    if !report.goals.rows.is_empty() {
        links.insert(1, ("goals", p.sec_goals));
    }
    if !report.indicators.is_empty() {
        links.insert(1, ("indicators", p.sec_indicators));
    }
    if !report.data_findings.is_empty() {
        links.insert(0, ("data", p.sec_data));
    }
    if report.timings.is_some() {
        links.push(("timings", p.sec_timings));
    }
    let title = format!("{} · {}", report.header.brand, p.report_kind);
    document(lang, &title, &links, &sections::head(&ctx, &report.header), &body)
}
