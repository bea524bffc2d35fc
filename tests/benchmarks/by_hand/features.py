"""Features of members: what groups well in DuckDB, what counts well in numpy."""

import numpy as np

from .intake import since, texts
from .terms import (
    AS_OF,
    CAMPAIGN_KINDS,
    CONSENT_SINCE,
    DAY,
    INTERACTIONS,
    MONTH_COUNTS,
    POINTS,
    PURPOSES,
    QUARTER_COUNTS,
    TODAY,
    ZONE,
)

# Days that a window of 30 days touches.
DAYS = 31


def order_features(db):
    """Features of orders by member, by way of the days with an order."""
    return db.execute(
        f"""
        WITH days AS (
          SELECT member, (time + {ZONE}) // {DAY} AS day, sum(weight) AS n, sum(amount) AS a,
            sum(weight) FILTER ({since(30)}) AS n30, sum(weight) FILTER ({since(90)}) AS n90,
            sum(weight) FILTER ({since(365)}) AS n365, sum(amount) FILTER ({since(30)}) AS a30,
            sum(amount) FILTER ({since(365)}) AS a365,
            count(amount) FILTER (weight = 1 AND {since(365)}) AS p365,
            min(time) FILTER (weight = 1) AS first, max(time) FILTER (weight = 1) AS last
          FROM orders GROUP BY ALL)
        SELECT member, ({AS_OF} - max(last)) // {DAY} AS days_since_last_order,
          coalesce(sum(n30), 0)::INTEGER AS orders_30d, coalesce(sum(n90), 0)::INTEGER AS orders_90d,
          coalesce(sum(n365), 0)::INTEGER AS orders_365d, coalesce(sum(a30), 0)::BIGINT AS spend_30d_minor,
          coalesce(sum(a365), 0)::BIGINT AS spend_365d_minor,
          round(sum(a365)::DOUBLE / nullif(sum(p365), 0)::DOUBLE)::BIGINT AS aov_minor,
          greatest(count(*) FILTER (n > 0) - 1, 0)::INTEGER AS repeat_days,
          (max(last) - min(first)) // {DAY} AS span_days,
          ({AS_OF} - min(first)) // {DAY} AS age_days,
          (sum(a) - coalesce(arg_min(a, day) FILTER (n > 0), 0))::BIGINT AS repeat_spend_minor
        FROM days GROUP BY member
        """
    ).fetchnumpy()


def last_and_first(db):
    """Of each account of events the last interaction and the first join."""
    return db.execute(
        f"""
        SELECT member, max(time) FILTER (kind IN {texts(INTERACTIONS)}) AS last,
          min(time) FILTER (kind = 'join') AS first
        FROM events WHERE time < {AS_OF} GROUP BY member
        """
    ).fetchnumpy()


def days_since(f, places, found):
    """Days since the last interaction and since the first join, over all accounts of a member."""
    rows = places.of(found["member"])
    for name, part, take, never in (
        ("days_since_last_interaction", found["last"], np.maximum, -1),
        ("days_since_join", found["first"], np.minimum, 1 << 62),
    ):
        times = np.full(len(f), never)
        take.at(times, rows, np.ma.filled(part, never))
        valid = times != never
        f.put(name, np.where(valid, (AS_OF - times) // DAY, 0).astype(np.int32), valid)


def coded(db, kinds, columns, condition):
    """Rows of events with their kind as a number, its position among `kinds`."""
    db.execute(
        "CREATE OR REPLACE TEMP TABLE kinds AS "
        f"SELECT unnest({list(kinds)}) AS kind, unnest(range({len(kinds)})) AS code"
    )
    joins = f"FROM events e JOIN kinds USING (kind) WHERE {condition}"
    return db.sql(f"SELECT member, code::TINYINT AS code, {columns} {joins}").to_arrow_table()


def by_kind(codes, kinds):
    """Positions of the rows of each kind."""
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(kinds) + 1))
    return {kind: order[bounds[at] : bounds[at + 1]] for at, kind in enumerate(kinds)}


def quarter(db, f, places):
    """Counts of 90 days."""
    kinds = tuple(QUARTER_COUNTS.values())
    table = coded(db, kinds, "time", since(90))
    rows = places.of(table["member"].to_numpy())
    at = by_kind(table["code"].to_numpy(), kinds)
    for name, kind in QUARTER_COUNTS.items():
        f.put(f"{name}_90d", np.bincount(rows[at[kind]], minlength=len(f)).astype(np.int32))


def month(db, f, places):
    """Features of the last 30 days, from the few columns of its events, counted in numpy."""
    kinds = tuple(dict.fromkeys([*CAMPAIGN_KINDS, *POINTS, *MONTH_COUNTS.values(), "complaint"]))
    table = coded(db, kinds, "time, campaign", since(30))
    rows, codes, times = places.of(table["member"].to_numpy()), table["code"].to_numpy(), table["time"].to_numpy()
    days = (TODAY - (times + ZONE) // DAY).astype(np.int64)
    at = by_kind(codes, kinds)

    def put(name, rows, weights=None):
        f.put(name, np.bincount(rows, weights, minlength=len(f)).astype(np.int32))

    def distinct(name, keys, width):
        put(name, np.unique(keys) // width)

    place_day = rows.astype(np.int64) * DAYS + days
    for name, kind in MONTH_COUNTS.items():
        put(f"{name}_30d", rows[at[kind]])
    put("open_complaints", rows[at["complaint"]])
    for kind, (_, cap) in POINTS.items():
        if cap is None:
            put(f"{kind}_30d", rows[at[kind]])
        else:
            each, counts = np.unique(place_day[at[kind]], return_counts=True)
            put(f"{kind}_30d", each // DAYS, np.minimum(counts, cap))
    inter = np.concatenate([at[kind] for kind in INTERACTIONS])
    ages = AS_OF - times[inter]
    put("interactions_30d", rows[inter])
    put("interactions_1d", rows[inter[ages <= DAY]])
    put("interactions_7d", rows[inter[ages <= 7 * DAY]])
    put("interactions_prev7d", rows[inter[(ages > 7 * DAY) & (ages <= 14 * DAY)]])
    distinct("active_days_30d", place_day[np.concatenate([inter, at["order_paid"]])], DAYS)
    campaign = table["campaign"].combine_chunks().dictionary_encode()
    named = campaign.is_valid().to_numpy(zero_copy_only=False) & (codes < len(CAMPAIGN_KINDS))
    many = len(campaign.dictionary) + 1
    distinct(
        "campaigns_joined_30d",
        rows[named].astype(np.int64) * many + campaign.indices.fill_null(0).to_numpy()[named],
        many,
    )


def sentiment(db, f, places):
    """Mean sentiment of the month, whatever it was said of; sums of millionths are the same in any order."""
    found = db.execute(f"SELECT member, sentiment FROM events WHERE {since(30)} AND sentiment IS NOT NULL").fetchnumpy()
    rows = places.of(found["member"])
    sums = np.bincount(rows, np.round(np.ma.getdata(found["sentiment"]) * 1e6), minlength=len(f))
    counts = np.bincount(rows, minlength=len(f))
    f.put("sentiment_30d", sums / (np.maximum(counts, 1) * 1e6), counts > 0)


def consents(db):
    """The latest answer of each account and purpose, the stricter of equals; of joined accounts the strictest."""
    # The time with a last bit of strictness: the greatest of them is the answer that holds.
    answer = f"2 * time + (state NOT IN ('granted', 'true', '1', 'yes') OR time < {CONSENT_SINCE})::BIGINT"
    latest = ", ".join(f"max({answer}) FILTER (purpose = '{purpose}') AS {purpose}" for purpose in PURPOSES)
    strictest = ", ".join(f"min(1 - {purpose} % 2)::INTEGER AS {purpose}" for purpose in PURPOSES)
    answers = (
        f"SELECT member AS account, {latest} FROM consents WHERE time < {AS_OF} AND state <> 'none' GROUP BY member"
    )
    flags = ", ".join(f"(1 - {purpose} % 2)::INTEGER AS {purpose}" for purpose in PURPOSES)
    return db.execute(
        f"""
        WITH answers AS MATERIALIZED ({answers}),
        people AS (FROM alias UNION SELECT member, member FROM alias)
        SELECT account AS member, {flags} FROM answers ANTI JOIN people USING (account)
        UNION ALL SELECT member, {strictest} FROM answers JOIN people USING (account) GROUP BY member
        """
    ).fetchnumpy()
