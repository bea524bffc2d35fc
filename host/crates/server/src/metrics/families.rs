//! The families of metrics: name, words and rows of each.

use std::fmt;

use playbook_model::{Distribution, Kind, RefusalCode};
use playbook_online::{AlertLevel, BudgetUse, Figures, WriterState};
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;

use super::{BrandSnapshot, Snapshot};

type Encoder<'a> = DescriptorEncoder<'a>;
type Label<'a> = (&'static str, &'a str);

/// Microseconds of a second.
const SECOND: f64 = 1e6;

/// Requests and connections.
pub(super) fn requests(now: &Snapshot, to: &mut Encoder<'_>) -> fmt::Result {
    let rows = now.requests.iter().flat_map(|of| {
        of.classes
            .iter()
            .map(|(class, count)| ([("operation", of.operation), ("status", *class)], *count))
    });
    counters(to, "playbook_requests", "Requests by operation and class of status.", rows)?;
    let rows = now.requests.iter().map(|of| ([("operation", of.operation)], &of.micros));
    let words = "Time from a request to the head of its answer.";
    histograms(to, "playbook_request_seconds", words, SECOND, rows)?;
    let rows = now.held.iter().map(|(reason, count)| ([("reason", *reason)], *count));
    counters(
        to,
        "playbook_requests_held",
        "Requests that came too often or too many at once.",
        rows,
    )?;
    let rows = now.denied.iter().map(|(role, count)| ([("role", *role)], *count));
    counters(to, "playbook_access_denied", "Calls that the role of a key may not make.", rows)?;
    let (open, waiting) = now.connections;
    let rows = [("open", open), ("waiting", waiting)];
    let rows = rows.map(|(state, count)| ([("state", state)], count as i64));
    gauges(
        to,
        "playbook_connections",
        "Connections that are served, and that wait for a place.",
        rows,
    )
}

/// A family of one number of each brand.
type Single = (&'static str, &'static str, fn(&Figures) -> u64);

/// What only grows.
const COUNTED: [Single; 11] = [
    ("playbook_brand_decisions", "Decisions that were made and kept.", |of| of.decisions),
    ("playbook_brand_decisions_repeated", "Decisions asked for again under the same key.", |of| {
        of.repeated
    }),
    ("playbook_brand_previews", "Looks without effect.", |of| of.previews),
    ("playbook_brand_effects_granted", "Effects that were granted.", |of| of.granted),
    ("playbook_brand_effects_granted_before", "Proposals of what was granted before.", |of| {
        of.granted_before
    }),
    ("playbook_brand_groups", "Commit groups of the writer.", |of| of.groups),
    ("playbook_brand_group_requests", "Requests in all commit groups.", |of| of.group_requests),
    ("playbook_brand_commits_failed", "Commit groups that failed.", |of| of.commits_failed),
    ("playbook_brand_candidates_returned", "Candidates that a guard took back.", |of| {
        of.candidates_returned
    }),
    (
        "playbook_brand_alerts_escalated",
        "Critical alerts that were told again, because nobody had seen them for an hour.",
        |of| of.alerts_escalated,
    ),
    (
        "playbook_brand_zones_unknown",
        "Decisions by the brand's clock, because the member's zone is not known.",
        |of| of.zones_unknown,
    ),
];

/// What only grows, too, of queue and memory.
const TURNED: [Single; 2] = [
    ("playbook_brand_queue_refused", "Requests that found too many waiting.", |of| of.turned_away),
    ("playbook_brand_records_evicted", "Records that left memory to make room.", |of| of.evicted),
];

/// What goes up and down.
const HELD: [Single; 3] = [
    ("playbook_brand_queue", "Requests that wait for the writer.", |of| of.waiting),
    ("playbook_brand_records", "Members whose records are in memory.", |of| of.records),
    ("playbook_brand_record_bytes", "Bytes of the records in memory.", |of| of.record_bytes),
];

/// What brands do.
pub(super) fn brands(now: &Snapshot, to: &mut Encoder<'_>) -> fmt::Result {
    for (name, words, read) in COUNTED.into_iter().chain(TURNED) {
        let rows = now.brands.iter().map(|of| ([("brand", of.name.as_str())], read(&of.figures)));
        counters(to, name, words, rows)?;
    }
    for (name, words, read) in HELD {
        let rows =
            now.brands.iter().map(|of| ([("brand", of.name.as_str())], signed(read(&of.figures))));
        gauges(to, name, words, rows)?;
    }
    let rows = now.brands.iter().flat_map(|of| {
        let codes = RefusalCode::ALL.iter().zip(&of.figures.refused);
        codes.map(|(code, count)| ([("brand", of.name.as_str()), ("code", code.code())], *count))
    });
    counters(to, "playbook_brand_effects_refused", "Proposals that were refused, by code.", rows)?;
    let rows = now.brands.iter().flat_map(|of| {
        let results = [("closed", of.figures.cycles_closed), ("failed", of.figures.cycles_failed)];
        results.map(|(result, count)| ([("brand", of.name.as_str()), ("result", result)], count))
    });
    counters(to, "playbook_brand_cycles", "Cycles that were to be closed.", rows)?;
    let rows = now.brands.iter().flat_map(|of| {
        let transfers = of.figures.transfers;
        let fates = [
            ("moved", transfers.moved),
            ("moved-before", transfers.moved_before),
            ("suggested", transfers.suggested),
            ("refused", transfers.refused),
        ];
        fates.map(|(result, count)| ([("brand", of.name.as_str()), ("result", result)], count))
    });
    let words = "Transfers between pools that closed cycles asked for.";
    counters(to, "playbook_brand_transfers", words, rows)?;
    let rows = now.brands.iter().flat_map(|of| {
        let events = of.figures.events;
        let fates = [
            ("accepted", events.accepted),
            ("duplicate", events.duplicate),
            ("other-event", events.other_event),
            ("record-full", events.record_full),
            ("order-unknown", events.without_order),
            ("invalid", events.invalid),
        ];
        fates.map(|(fate, count)| ([("brand", of.name.as_str()), ("result", fate)], count))
    });
    counters(to, "playbook_brand_events", "Events by what became of them.", rows)?;
    let rows = now.brands.iter().flat_map(|of| {
        let stages = of.figures.stages;
        let states = [
            ("answering", stages.answering),
            ("waiting", stages.waiting),
            ("failed", stages.failed),
            ("open", stages.open),
        ];
        states
            .map(|(state, count)| ([("brand", of.name.as_str()), ("state", state)], signed(count)))
    });
    gauges(
        to,
        "playbook_brand_stages",
        "Stages of the version that decides, by how they do.",
        rows,
    )?;
    let rows = now.brands.iter().flat_map(|of| {
        let levels = AlertLevel::ALL.iter().zip(of.figures.alerts);
        levels.map(|(level, open)| {
            ([("brand", of.name.as_str()), ("level", level.name())], signed(open))
        })
    });
    gauges(to, "playbook_brand_alerts", "Alerts that are open, by level.", rows)?;
    let works = |writer| i64::from(writer == WriterState::Works);
    let rows = now.brands.iter().map(|of| ([("brand", of.name.as_str())], works(of.writer)));
    gauges(
        to,
        "playbook_brand_writes",
        "1 where the brand can keep what it answers, else 0.",
        rows,
    )?;
    let commits = now.brands.iter().map(|of| &of.figures.commit_micros);
    let all = commits.cloned().reduce(|mut all, more| {
        all.add(&more);
        all
    });
    let rows = all.iter().map(|all| ([], all));
    let words = "Time of a commit group, over all brands.";
    histograms::<[Label<'_>; 0]>(to, "playbook_commit_seconds", words, SECOND, rows)
}

/// What is left of budgets, and how much of them is used.
pub(super) fn money(now: &Snapshot, to: &mut Encoder<'_>) -> fmt::Result {
    let accounts = || now.brands.iter().flat_map(|of| of.budget.iter().map(move |used| (of, used)));
    fn labels<'a>(of: &'a BrandSnapshot, used: &'a BudgetUse) -> [Label<'a>; 2] {
        [("brand", of.name.as_str()), ("account", used.balance.path.as_str())]
    }
    let rows = accounts().map(|(of, used)| (labels(of, used), used.balance.available().0));
    let words = "What is free in an account, in minor units.";
    gauges(to, "playbook_brand_budget_left_minor", words, rows)?;
    let rows = accounts().filter_map(|(of, used)| Some((labels(of, used), used.idle_share?)));
    let words = "Share of an account that is neither reserved nor spent.";
    gauges(to, "playbook_brand_budget_idle_ratio", words, rows)?;
    let rows = accounts().filter_map(|(of, used)| Some((labels(of, used), used.recovered_share?)));
    let words = "Share of what was reserved in an account that came back.";
    gauges(to, "playbook_brand_budget_recovered_ratio", words, rows)
}

/// How effects go out.
pub(super) fn webhooks(now: &Snapshot, to: &mut Encoder<'_>) -> fmt::Result {
    let webhooks = || now.brands.iter().filter_map(|of| Some((&of.name, of.webhook.as_ref()?)));
    let rows = webhooks().flat_map(|(name, of)| {
        let results = [("sent", of.sent), ("failed", of.failed), ("given-up", of.given_up)];
        results.map(|(result, count)| ([("brand", name.as_str()), ("result", result)], count))
    });
    counters(
        to,
        "playbook_brand_webhook_messages",
        "Messages that the receiver of a webhook took, and did not; effects that were given up.",
        rows,
    )?;
    let rows = webhooks().map(|(name, of)| ([("brand", name.as_str())], signed(of.waiting)));
    gauges(to, "playbook_brand_webhook_waiting", "Effects that wait for a webhook.", rows)?;
    let age = |at: i64| (now.at_ms - at).max(0) / 1_000;
    let rows =
        webhooks().map(|(name, of)| ([("brand", name.as_str())], of.oldest_at.map_or(0, age)));
    gauges(
        to,
        "playbook_brand_webhook_oldest_seconds",
        "Age of the first effect that waits for a webhook.",
        rows,
    )?;
    let rows = webhooks().map(|(name, of)| ([("brand", name.as_str())], signed(of.undelivered)));
    gauges(
        to,
        "playbook_brand_webhook_undelivered",
        "Effects that were given up and not sent again.",
        rows,
    )
}

/// What calls of plugins take.
pub(super) fn calls(now: &Snapshot, to: &mut Encoder<'_>) -> fmt::Result {
    let Some(calls) = &now.calls else { return Ok(()) };
    let kinds = || Kind::ALL.into_iter().map(|kind| ([("kind", kind.name())], calls.of(kind)));
    let read: Vec<_> = kinds().map(|(kind, of)| (kind, of.micros.read(), of.fuel.read())).collect();
    let rows = read.iter().map(|(kind, micros, _)| (*kind, micros));
    let words = "Time of a call into a plugin, by the kind of its stage.";
    histograms(to, "playbook_plugin_call_seconds", words, SECOND, rows)?;
    let rows = read.iter().map(|(kind, _, fuel)| (*kind, fuel));
    let words = "Fuel of a call into a plugin, by the kind of its stage.";
    histograms(to, "playbook_plugin_call_fuel", words, 1.0, rows)?;
    let rows = kinds().map(|(kind, of)| (kind, of.faults()));
    counters(to, "playbook_plugin_faults", "Faults of plugins, by the kind of their stage.", rows)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn counters<L: EncodeLabelSet>(
    to: &mut Encoder<'_>,
    name: &str,
    words: &str,
    rows: impl IntoIterator<Item = (L, u64)>,
) -> fmt::Result {
    let mut family = to.encode_descriptor(name, words, None, MetricType::Counter)?;
    for (labels, value) in rows {
        family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
    }
    Ok(())
}

fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
    to: &mut Encoder<'_>,
    name: &str,
    words: &str,
    rows: impl IntoIterator<Item = (L, V)>,
) -> fmt::Result {
    let mut family = to.encode_descriptor(name, words, None, MetricType::Gauge)?;
    for (labels, value) in rows {
        family.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

/// `unit`: how many of what was counted make one of what is told.
fn histograms<'d, L: EncodeLabelSet>(
    to: &mut Encoder<'_>,
    name: &str,
    words: &str,
    unit: f64,
    rows: impl IntoIterator<Item = (L, &'d Distribution)>,
) -> fmt::Result {
    let mut family = to.encode_descriptor(name, words, None, MetricType::Histogram)?;
    for (labels, of) in rows {
        histogram(&mut family.encode_family(&labels)?, of, unit)?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "bounds are small, and a sum is told as a float")]
fn histogram(to: &mut MetricEncoder<'_>, of: &Distribution, unit: f64) -> fmt::Result {
    let bounds = of.bounds.iter().map(|bound| *bound as f64 / unit).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(of.counts.iter().copied()).collect();
    to.encode_histogram::<NoLabelSet>(of.sum as f64 / unit, of.count(), &buckets, None)
}
