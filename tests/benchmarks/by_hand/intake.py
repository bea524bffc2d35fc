"""Intake in DuckDB: accounts to members, events cut at the as-of time, refunds set off, repeated events found."""

import hashlib
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .terms import AS_OF, DAY

KEY_RANK = {"phone": 0, "union-id": 1, "email": 2, "card": 3}
SOURCES = ("members", "events", "identities", "consents", "costs", "entries")


def texts(values):
    """A list of texts in SQL."""
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def since(days, until=0):
    """The condition of a window."""
    return f"time >= {AS_OF - days * DAY} AND time < {AS_OF - until * DAY}"


def digests(folder, names):
    """SHA-256 of files."""
    found = {}
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def repeated_rows(path):
    """Rows of a Parquet file whose event id came before, by position.

    Ids that ascend, as those of one shop do, repeat none: then a look at them as they stream by is enough.
    """
    last, ascend = None, True
    file = pq.ParquetFile(path)
    for batch in file.iter_batches(columns=["event_id"], batch_size=1 << 18):
        ids = batch.column(0).to_numpy()
        ascend = ascend and (last is None or ids[0] > last) and bool((ids[1:] > ids[:-1]).all())
        last = ids[-1]
        if not ascend:
            break
    if ascend:
        return np.array([], dtype=np.int64)
    ids = pq.read_table(path, columns=["event_id"])["event_id"].to_numpy()
    return np.flatnonzero(pd.Series(ids).duplicated())


def views(db, sample):
    """A view of each source."""
    for name in SOURCES:
        db.execute(f"CREATE VIEW {name} AS FROM read_parquet('{sample}/{name}.parquet')")
    db.execute("CREATE TABLE alias (account BIGINT, member BIGINT)")


def leave_out(db, sample, repeats):
    """Takes repeated events out of the view of events."""
    if len(repeats):
        db.register("repeats", pa.table({"row": repeats}))
        events = f"read_parquet('{sample}/events.parquet', file_row_number = true)"
        db.execute(
            f"CREATE OR REPLACE VIEW events AS FROM {events} WHERE file_row_number NOT IN (SELECT row FROM repeats)"
        )


def sharing_accounts(db):
    """Accounts of which a verified key, by its hash, is also that of another row."""
    keys = db.execute("SELECT hash(key_kind, key_hash) AS h, member FROM identities WHERE verified").fetchnumpy()
    hashes = np.ma.getdata(keys["h"])
    order = np.argsort(hashes)
    again = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]])
    return np.unique(np.ma.getdata(keys["member"])[order[np.concatenate([again, again + 1])]])


def unify(db):
    """Joins accounts on an equal verified key, never two verified phones; the oldest account gives the id.

    Returns the accounts that were joined to others, and their members.
    """
    db.register("touched", pa.table({"account": sharing_accounts(db)}))
    held = "SELECT key_kind, key_hash, member FROM identities SEMI JOIN touched ON member = account WHERE verified"
    by_key, phones = {}, {}
    for kind, key, account in db.execute(held).fetchall():
        by_key.setdefault((KEY_RANK.get(kind, 4), kind, key), set()).add(account)
        if kind == "phone":
            phones[account] = phones.get(account, frozenset()) | {key}
    of = "SELECT member, min(joined) FROM members SEMI JOIN touched ON member = account GROUP BY member"
    joined = dict(db.execute(of).fetchall())
    groups = [by_key[key] for key in sorted(by_key) if len(by_key[key]) > 1]
    parent = {account: account for group in groups for account in group}
    age = {account: (joined.get(account) or 1 << 62, account) for account in parent}
    nobody = frozenset()

    def root(account):
        while parent[account] != account:
            account = parent[account]
        return account

    def join(one, other):
        one, other = root(one), root(other)
        left, right = phones.get(one, nobody), phones.get(other, nobody)
        if one != other:
            if len(left | right) > max(len(left), len(right), 1):
                return False
            phones[one], parent[other] = left | right, one
        return True

    # A few thousand groups of two or three accounts: union-find has no shape that an array would make faster.
    for group in groups:
        group = sorted(group, key=age.get)
        for at, account in enumerate(group[1:], 1):
            any(join(earlier, account) for earlier in group[:at])
    people = {}
    for account in sorted(parent):
        people.setdefault(root(account), []).append(account)
    pairs = [
        (account, oldest)
        for accounts in people.values()
        for oldest in [min(accounts, key=age.get)]
        for account in accounts
        if account != oldest
    ]
    pairs = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    db.register("alias_rows", pa.table({"account": pairs[:, 0], "member": pairs[:, 1]}))
    db.execute("INSERT INTO alias FROM alias_rows")
    return pairs[:, 0], pairs[:, 1]


def orders(db):
    """The table of orders before the as-of time; a refund is a row of weight 0 at the time of its order."""
    columns = "event_id, kind, time, channel, amount_minor, cost_of_goods_minor, original_order"
    db.execute(
        f"""
        CREATE TEMP TABLE paid_or_back AS SELECT coalesce(a.member, e.member) AS member, {columns}
        FROM events e LEFT JOIN alias a ON e.member = a.account WHERE kind IN ('order_paid', 'order_refunded')
        """
    )
    db.execute(
        f"""
        CREATE TEMP TABLE orders AS
        SELECT member, time, channel, amount_minor AS amount, cost_of_goods_minor AS goods, 1 AS weight
        FROM paid_or_back WHERE kind = 'order_paid' AND time < {AS_OF}
        UNION ALL
        SELECT coalesce(o.member, r.member), coalesce(o.time, r.time),
               CASE WHEN o.time IS NULL THEN r.channel ELSE o.channel END,
               -r.amount_minor, -r.cost_of_goods_minor, 0
        FROM paid_or_back r LEFT JOIN (FROM paid_or_back WHERE kind = 'order_paid') o ON r.original_order = o.event_id
        WHERE r.kind = 'order_refunded' AND r.amount_minor IS NOT NULL AND r.time < {AS_OF}
          AND coalesce(o.time, r.time) < {AS_OF}
        """
    )
    db.execute("DROP TABLE paid_or_back")


def members(db, sample):
    """Members of the table of members, ascending, with their attributes: of several accounts the last row counts, and the
    youngest age, which is unknown where one account tells none."""
    return db.sql(
        f"""
        WITH listed AS (
          SELECT member AS account, age_band, channel, file_row_number AS row
          FROM read_parquet('{sample}/members.parquet', file_row_number = true)),
        joined AS (SELECT account, member FROM alias UNION SELECT member, member FROM alias),
        several AS (
          SELECT j.member, arg_max_null(channel, row) AS channel,
            CASE WHEN bool_or(age_band = 'under_14') THEN 'under_14' WHEN bool_or(age_band = '14_17') THEN '14_17'
                 WHEN count(*) > count(age_band) AND count(age_band) > 0 THEN 'unknown'
                 ELSE min(age_band) FILTER (age_band <> 'adult') END AS younger,
            coalesce(younger, max(age_band)) AS age_band
          FROM listed JOIN joined j USING (account) GROUP BY j.member)
        SELECT account AS member, age_band, channel FROM listed ANTI JOIN joined USING (account)
        UNION ALL SELECT member, age_band, channel FROM several ORDER BY 1
        """
    ).to_arrow_table()
