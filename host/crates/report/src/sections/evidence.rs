//! What plugins cost, what was read, and what makes the run repeatable.

use maud::{Markup, html};

use crate::document::{Ctx, cell, digest, empty, maybe, section};
use crate::number::{DASH, real, share_of, whole};
use crate::table::Table;
use crate::{Absence, Evidence, Header, PluginRow, SourceRow, TimingRow};

/// Calls, rows, fuel, faults and digests of plugins.
pub(crate) fn plugins(ctx: &Ctx<'_>, rows: &[PluginRow]) -> Markup {
    let p = ctx.p;
    let timed = rows.iter().any(|row| row.wall_ms.is_some());
    let body = if rows.is_empty() {
        empty(ctx, &Absence::Nothing)
    } else {
        let mut table = Table::new(p.plugins_caption)
            .words(p.stage)
            .words(p.plugin)
            .words(p.kind_head)
            .numbers(p.calls)
            .numbers(p.rows)
            .numbers(p.fuel)
            .numbers(p.fuel_per_row)
            .numbers(p.faults);
        if timed {
            table = table.numbers(p.milliseconds);
        }
        table = table.words(p.digest);
        for row in rows {
            let per_row = row.fuel.and_then(|fuel| fuel.checked_div(row.rows));
            let mut cells = vec![
                cell(&row.stage),
                html! { (row.plugin) " " code.dim { (row.version) } },
                cell(p.kind(row.kind)),
                cell(whole(row.calls)),
                cell(whole(row.rows)),
                maybe(row.fuel, whole),
                maybe(per_row, whole),
                html! { @if row.faults > 0 { span.more-bad { "▲ " (whole(row.faults)) } } @else { "0" } },
            ];
            if timed {
                cells.push(maybe(row.wall_ms, |ms| real(ms, 1)));
            }
            cells.push(digest(&row.digest));
            table.row(cells);
        }
        html! { (table.build(ctx)) @if !timed { p.note { (p.no_times) } } }
    };
    section("plugins", p.sec_plugins, p.lead_plugins, &body)
}

/// Rows read, kept and rejected.
pub(crate) fn intake(ctx: &Ctx<'_>, rows: &[SourceRow]) -> Markup {
    let p = ctx.p;
    let body = if rows.is_empty() {
        empty(ctx, &Absence::Nothing)
    } else {
        let mut table = Table::new(p.intake_caption)
            .words(p.source)
            .words(p.format)
            .numbers(p.rows_read)
            .numbers(p.rows_kept)
            .numbers(p.duplicates)
            .numbers(p.rejected)
            .words(p.reasons);
        for row in rows {
            let reasons: Vec<String> =
                row.reasons.iter().map(|(why, n)| format!("{why} ({})", whole(*n))).collect();
            table.row(vec![
                cell(&row.source),
                cell(&row.format),
                cell(whole(row.read)),
                cell(whole(row.kept)),
                cell(whole(row.duplicates)),
                html! { (whole(row.rejected)) @if row.rejected > 0 { " " span.dim { "(" (share_of(row.rejected, row.read)) ")" } } },
                cell(if reasons.is_empty() { DASH.to_owned() } else { reasons.join("; ") }),
            ]);
        }
        let sum = |of: fn(&SourceRow) -> u64| {
            cell(whole(rows.iter().map(of).fold(0, u64::saturating_add)))
        };
        table.sums(vec![
            cell(p.total),
            cell(""),
            sum(|r| r.read),
            sum(|r| r.kept),
            sum(|r| r.duplicates),
            sum(|r| r.rejected),
            cell(""),
        ]);
        table.build(ctx)
    };
    section("intake", p.sec_intake, p.lead_intake, &body)
}

/// Digests, seed, engine, and how to run it again.
pub(crate) fn evidence(ctx: &Ctx<'_>, header: &Header, evidence: &Evidence) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.evidence_caption).words(p.what).words(p.value);
    table.row(vec![cell(p.run), html! { code { (header.run_id) } }]);
    table.row(vec![cell(p.host_version), cell(&evidence.host_version)]);
    table.row(vec![cell(p.engine), cell(&evidence.engine)]);
    table.row(vec![cell(p.seed), html! { code { (evidence.seed) } }]);
    table.row(vec![cell(p.playbook_digest), html! { code { (header.playbook_digest.hex()) } }]);
    for (name, digest) in &evidence.digests {
        table.row(vec![cell(name), html! { code { (digest.hex()) } }]);
    }
    let body = html! {
        (table.build(ctx))
        @if !evidence.replay_command.is_empty() {
            h3 { (p.replay) }
            pre { code { (evidence.replay_command) } }
        }
    };
    section("evidence", p.sec_evidence, p.lead_evidence, &body)
}

/// Wall times of the parts of the run.
pub(crate) fn timings(ctx: &Ctx<'_>, rows: &[TimingRow]) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.sec_timings).words(p.part).numbers(p.milliseconds);
    for row in rows {
        table.row(vec![cell(&row.part), cell(real(row.ms, 1))]);
    }
    section("timings", p.sec_timings, p.lead_timings, &table.build(ctx))
}
