//! Deduplication, within a source and across sources. Rows that are equal in every mapped column count once. Paid rows
//! of one order id, member and time that differ elsewhere are lines of that order: amounts add up, the order counts
//! once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use arrow::array::{Array, RecordBatch};
use playbook_features::quote_name;
use playbook_model::{Dedupe, MapType, SourceDef, SourceTable};

use crate::Result;
use crate::findings::finding;
use crate::hashes::{HashedSet, for_each_hash};
use crate::intake::job::{IntakeJob, MappedSource};
use crate::intake::repeats::{Runs, all_but_first, repeated};
use crate::keys::texts;

const STAGE: &str = "duplicates";

/// The content of a row: two rows of one id are the same row where all of these that are mapped are equal.
const CONTENT: [&str; 9] = [
    "kind",
    "member",
    "time",
    "amount_minor",
    "cost_of_goods_minor",
    "quantity",
    "object",
    "original_order",
    "value",
];
/// Kind whose rows of one id may be the lines of one order.
const PAID: &str = "order_paid";
/// Kind of which one order id may have several rows: each refunds a part of the order.
const REFUNDED: &str = "order_refunded";

/// Removes duplicate rows from every source whose playbook entry asks for it.
pub(crate) fn remove_repeats(
    job: &IntakeJob<'_>,
    sources: &[&SourceDef],
    mapped: &mut [MappedSource],
) -> Result<()> {
    let mut rows: Vec<BTreeSet<u64>> = Vec::new();
    for (source, mapped) in sources.iter().zip(mapped.iter_mut()) {
        rows.push(of_source(job, source, mapped)?);
    }
    across_sources(job, sources, mapped, &mut rows)?;
    for (rows, mapped) in rows.into_iter().zip(mapped) {
        if rows.is_empty() {
            continue;
        }
        mapped.intake.duplicates = rows.len() as u64;
        mapped.intake.rows_kept -= mapped.intake.duplicates;
        let rows: Vec<u64> = rows.into_iter().collect();
        job.session.leave_out(STAGE, &mapped.raw, &rows)?;
    }
    Ok(())
}

/// Row numbers of the duplicates within a source.
fn of_source(
    job: &IntakeJob<'_>,
    source: &SourceDef,
    mapped: &mut MappedSource,
) -> Result<BTreeSet<u64>> {
    let view = mapped.view.clone();
    let may_have_lines = source.table == SourceTable::Events
        && source.dedupe != Dedupe::Content
        && mapped.fields.contains_key("event_id");
    if may_have_lines {
        mapped.lines = source.lines;
        if source.lines {
            return Ok(BTreeSet::new());
        }
        let ids = repeated(job, &view, "event_id")?;
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        return match source.dedupe {
            Dedupe::None => find_lines(job, mapped, ids).map(|()| BTreeSet::new()),
            _ => of_ids(job, mapped, ids),
        };
    }
    let Some(key) = content_key(source, mapped) else { return Ok(BTreeSet::new()) };
    let keys = repeated(job, &view, &key)?;
    if keys.is_empty() {
        return Ok(BTreeSet::new());
    }
    Ok(all_but_first(job, &view, &key, &HashedSet::new(keys))?.into_iter().collect())
}

/// Whether duplicates of a source are found by event id.
fn has_ids(source: &SourceDef, mapped: &MappedSource) -> bool {
    source.dedupe == Dedupe::EventId && mapped.fields.contains_key("event_id")
}

/// SQL of the key for `dedupe = "content"`: member, kind, second and object (domain H1).
fn content_key(source: &SourceDef, mapped: &MappedSource) -> Option<String> {
    if source.dedupe != Dedupe::Content || source.table != SourceTable::Events {
        return None;
    }
    let mut parts = vec!["CAST(member AS VARCHAR)", "kind", "CAST(time / 1000 AS VARCHAR)"];
    if mapped.fields.contains_key("object") {
        parts.push("coalesce(CAST(object AS VARCHAR), '')");
    }
    Some(parts.join(" || chr(31) || "))
}

/// Row numbers of the duplicates among rows whose id occurs more than once.
fn of_ids(
    job: &IntakeJob<'_>,
    mapped: &mut MappedSource,
    ids: HashSet<u64>,
) -> Result<BTreeSet<u64>> {
    let ids = HashedSet::new(ids);
    let sql = content_sql(&mapped.view, &common_content(&[mapped]), false);
    let rows = rows_of_ids(job, &sql, &ids)?;
    let mut contents: HashMap<String, HashSet<String>> = HashMap::new();
    for row in rows {
        let content = row.content();
        contents.entry(row.id).or_default().insert(content);
    }
    // The common case: rows of one id are equal, so the order of rows need not be looked at.
    if contents.values().all(|contents| contents.len() == 1) {
        return Ok(all_but_first(job, &mapped.view, "event_id", &ids)?.into_iter().collect());
    }
    drop(contents);
    let mut seen = Seen::default();
    let found = numbers(job, &sql, &ids, |row| seen.is_repeat(row))?;
    let name = mapped.intake.name.clone();
    if let Some(example) = seen.first_order_of_lines {
        mapped.lines = true;
        tell_of_lines(mapped, seen.lines, &example);
    }
    if seen.differ > 0 {
        // The range was read from the pages, and the row with its last time may be one of those left out.
        mapped.ranges.remove("time");
        let differ = seen.differ;
        mapped.findings.push(finding("ids-used-twice", Some(&name), differ, format!(
            "{differ} rows have the id of an earlier row and say something else; the first row of each id counts"
        ), format!("{differ} 行與先前的行編號相同而內容不同；每個編號只計第一行")));
    }
    Ok(found)
}

/// Decides for a source without deduplication whether its rows are lines of orders: they are if all paid rows of each
/// id have the same member and time.
fn find_lines(job: &IntakeJob<'_>, mapped: &mut MappedSource, ids: HashSet<u64>) -> Result<()> {
    let ids = HashedSet::new(ids);
    let sql = content_sql(&mapped.view, &common_content(&[mapped]), false);
    let rows = rows_of_ids(job, &sql, &ids)?;
    let mut orders: BTreeMap<String, (String, u64)> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| row.kind == PAID) {
        let (when, rows) = orders.entry(row.id).or_insert_with(|| (row.when.clone(), 0));
        if *when != row.when {
            return Ok(());
        }
        *rows += 1;
    }
    let lines: u64 = orders.values().map(|(_, rows)| rows - 1).sum();
    let example = orders.into_iter().find(|(_, (_, rows))| *rows > 1).map(|(id, _)| id);
    if let Some(example) = example {
        mapped.lines = true;
        tell_of_lines(mapped, lines, &example);
    }
    Ok(())
}

/// Adds the finding that rows are taken for lines of orders.
fn tell_of_lines(mapped: &mut MappedSource, lines: u64, example: &str) {
    let name = mapped.intake.name.clone();
    mapped.findings.push(finding("lines-of-orders", Some(&name), lines, format!(
        "{lines} rows share the id of an order with another row, for example `{example}`: they are taken for lines of the \
         order, so that their amounts add up and the order counts once; say `lines = true` if they are, else give each \
         row an id of its own"
    ), format!(
        "{lines} 行與另一行的訂單號相同，例如 `{example}`：按同一訂單的明細處理，金額相加，訂單只計一次；若確為明細請寫 `lines = true`"
    )));
}

/// The rows seen so far, by id. Rows come in the order of the files, so that the first of them is always the same.
#[derive(Default)]
struct Seen {
    /// By id and kind: member and time of the first row, and the contents of all rows.
    groups: HashMap<(String, String), (String, HashSet<String>)>,
    lines: u64,
    first_order_of_lines: Option<String>,
    /// Rows whose content is new for their id and that are neither lines nor refunds: left out, and told.
    differ: u64,
}

impl Seen {
    /// Whether a row is a duplicate. A line of an order, or a further refund of it, is none.
    fn is_repeat(&mut self, row: Row) -> bool {
        let Row { id, kind, when, rest } = row;
        let is_paid = kind == PAID;
        let is_refund = kind == REFUNDED;
        let content = format!("{when}{rest}");
        let known = self.groups.get_mut(&(id.clone(), kind.clone()));
        let Some((first, contents)) = known else {
            self.groups.insert((id, kind), (when, HashSet::from([content])));
            return false;
        };
        let is_of_first = *first == when;
        let is_new = contents.insert(content);
        if is_new && (is_refund || (is_paid && is_of_first)) {
            if is_paid {
                self.lines += 1;
                self.first_order_of_lines.get_or_insert(id);
            }
            return false;
        }
        self.differ += u64::from(is_new);
        true
    }
}

/// Finds the rows of later sources that an earlier source has too.
fn across_sources(
    job: &IntakeJob<'_>,
    sources: &[&SourceDef],
    mapped: &mut [MappedSource],
    rows: &mut [BTreeSet<u64>],
) -> Result<()> {
    let with_ids: Vec<usize> = (0..mapped.len())
        .filter(|at| {
            mapped[*at].table == SourceTable::Events && has_ids(sources[*at], &mapped[*at])
        })
        .collect();
    if with_ids.len() < 2 {
        return Ok(());
    }
    let types = with_ids.iter().map(|at| mapped[*at].fields["event_id"]);
    let as_text = !types.clone().all(|id| id == MapType::Integer);
    let id = if as_text { "CAST(event_id AS VARCHAR)" } else { "event_id" };
    let mut all: Vec<Runs> = Vec::new();
    for at in &with_ids {
        let view = &mapped[*at].view;
        // Grouped: an id that repeats within one source is not yet shared by two.
        let sql = format!("SELECT {id} AS id FROM {view} GROUP BY {id}");
        all.extend(job.session.fold(STAGE, &sql, |runs: &mut Runs, batch| {
            for_each_hash(batch.column(0), |_, hash| runs.add(hash));
        })?);
    }
    let shared = Runs::repeated(all);
    if shared.is_empty() {
        return Ok(());
    }
    let shared = HashedSet::new(shared);
    let columns = {
        let these: Vec<&MappedSource> = with_ids.iter().map(|at| &mapped[*at]).collect();
        common_content(&these)
    };
    // Contents by id of the sources before this one.
    let mut known: HashMap<String, HashSet<String>> = HashMap::new();
    for at in with_ids {
        let name = mapped[at].intake.name.clone();
        let sql = content_sql(&mapped[at].view, &columns, as_text);
        let (mut same, mut other) = (0_u64, HashSet::new());
        let own = rows_of_ids(job, &sql, &shared)?;
        for row in &own {
            match known.get(&row.id) {
                Some(contents) if contents.contains(&row.content()) => same += 1,
                Some(_) => {
                    other.insert(row.id.clone());
                }
                None => {}
            }
        }
        if same > 0 {
            rows[at].extend(numbers(job, &sql, &shared, |row| {
                known.get(&row.id).is_some_and(|contents| contents.contains(&row.content()))
            })?);
            mapped[at].findings.push(finding("in-two-sources", Some(&name), same, format!(
                "{same} events are in an earlier source too, with the same id and content; they count once"
            ), format!("{same} 個事件在先前的來源中已有，編號與內容相同；只計一次")));
        }
        if !other.is_empty() {
            let count = other.len() as u64;
            mapped[at].findings.push(finding("id-in-two-sources", Some(&name), count, format!(
                "{count} ids are in an earlier source too, with other content; both count: give the ids of one source a \
                 prefix if they are two shops', or correct the export if they are the same events"
            ), format!("{count} 個編號在先前的來源中也有而內容不同；兩者都計入")));
        }
        for row in own {
            let content = row.content();
            known.entry(row.id).or_default().insert(content);
        }
    }
    Ok(())
}

/// The columns of [`CONTENT`] that all of these sources map.
fn common_content(sources: &[&MappedSource]) -> Vec<&'static str> {
    let all_map = |name: &&str| sources.iter().all(|source| source.fields.contains_key(*name));
    CONTENT.into_iter().filter(all_map).collect()
}

/// SQL of ids and contents. No cast to text here: it would convert all rows, and only those of repeated ids need it.
fn content_sql(view: &str, columns: &[&str], id_as_text: bool) -> String {
    let id = if id_as_text { "CAST(event_id AS VARCHAR)" } else { "event_id" };
    let columns = columns.iter().map(|name| quote_name(name));
    let selected: Vec<_> = [format!("{id} AS id")].into_iter().chain(columns).collect();
    format!("SELECT {} FROM {view}", selected.join(", "))
}

/// A row with its id and its content, as texts.
struct Row {
    id: String,
    kind: String,
    /// Member and time.
    when: String,
    /// The other columns of [`CONTENT`].
    rest: String,
}

impl Row {
    /// The content, by which it is compared with other rows of its id.
    fn content(&self) -> String {
        [self.kind.as_str(), &self.when, &self.rest].concat()
    }
}

/// The rows whose ids are in the set, in any order; `sql` is made by [`content_sql`].
fn rows_of_ids(job: &IntakeJob<'_>, sql: &str, ids: &HashedSet) -> Result<Vec<Row>> {
    let among = |batch: &RecordBatch| Ok(ids.among(batch.column(0)));
    let batches = job.session.pick_selective(STAGE, sql, among)?;
    Ok(batches.iter().flat_map(rows_of).collect())
}

/// The rows of a batch of [`content_sql`] that have an id.
fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let all: Vec<_> = batch.columns().iter().map(texts).collect();
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let row = |at: usize| {
        let mut row = Row {
            id: all[0].value(at).to_owned(),
            kind: String::new(),
            when: String::new(),
            rest: String::new(),
        };
        for (column, name) in all.iter().zip(&names).skip(1) {
            // NUL marks a missing value, which differs from an empty text.
            let text = if column.is_valid(at) { column.value(at) } else { "\u{0}" };
            match *name {
                "kind" => row.kind.push_str(text),
                "member" | "time" => row.when.extend(["\u{1f}", text]),
                _ => row.rest.extend(["\u{1f}", text]),
            }
        }
        row
    };
    (0..batch.num_rows()).filter(|at| all[0].is_valid(*at)).map(row).collect()
}

/// Row numbers of the duplicates, by `is_repeat`, which gets the rows whose ids are in the set in the order of the
/// files.
fn numbers(
    job: &IntakeJob<'_>,
    sql: &str,
    ids: &HashedSet,
    mut is_repeat: impl FnMut(Row) -> bool,
) -> Result<BTreeSet<u64>> {
    let mut found = BTreeSet::new();
    let mut first = 0;
    job.session.stream_in_order(STAGE, sql, |batch| {
        let mut candidates = Vec::new();
        for_each_hash(batch.column(0), |row, hash| {
            if ids.has(hash) {
                candidates.push(row);
            }
        });
        for at in candidates {
            // A slice of one row gives one.
            if rows_of(&batch.slice(at, 1)).into_iter().any(&mut is_repeat) {
                found.insert(first + at as u64);
            }
        }
        first += batch.num_rows() as u64;
        Ok(())
    })?;
    Ok(found)
}
