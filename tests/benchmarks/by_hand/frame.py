"""The table of members as columns of numpy: a value a member, and a mask where values can be missing."""

import numpy as np
import pyarrow as pa

from .terms import MONTH_COUNTS, POINTS, PURPOSES, QUARTER_COUNTS


class Frame:
    """Columns by name; `valid` has a mask for those with gaps, `categories` the names behind codes."""

    def __init__(self, ids):
        self.ids, self.values, self.valid, self.categories = ids, {}, {}, {}

    def __getitem__(self, name):
        return self.values[name]

    def __len__(self):
        return len(self.ids)

    def known(self, name):
        """Where a column has a value."""
        return self.valid.get(name, np.ones(len(self), dtype=bool))

    def put(self, name, values, valid=None, categories=None):
        """Adds a column."""
        self.values[name] = values
        if valid is not None and not valid.all():
            self.valid[name] = valid
        if categories is not None:
            self.categories[name] = categories

    def scatter(self, places, found, gaps=()):
        """Adds columns of some members; others get 0, or nothing where `gaps` names the column."""
        for name, part in found.items():
            if name == "member":
                continue
            mask, part = ~np.ma.getmaskarray(part), np.ma.getdata(part)
            values = np.zeros(len(self), dtype=part.dtype)
            if mask.all():
                values[places] = part
            else:
                values[places[mask]] = part[mask]
            valid = None
            if name in gaps:
                valid = np.zeros(len(self), dtype=bool)
                valid[places[mask]] = True
            self.put(name, values, valid)

    def attributes(self, places, table):
        """Adds the texts of a table of members as categories."""
        for name in (name for name in table.column_names if name != "member"):
            coded = table[name].combine_chunks().dictionary_encode()
            codes, valid = np.zeros(len(self), dtype=np.int16), np.zeros(len(self), dtype=bool)
            codes[places] = coded.indices.fill_null(0).to_numpy()
            valid[places] = coded.is_valid().to_numpy(zero_copy_only=False)
            self.put(name, codes, valid, coded.dictionary.to_pylist())

    def arrow(self, order):
        """The columns of `order` as an Arrow table, categories as dictionaries."""
        columns = [pa.array(self.ids).cast(pa.string())]
        for name in order:
            values, valid = self.values[name], self.valid.get(name)
            mask = None if valid is None else ~valid
            array = pa.array(values, mask=mask)
            if name in self.categories:
                array = pa.DictionaryArray.from_arrays(array, pa.array(self.categories[name], type=pa.string()))
            columns.append(array)
        return pa.table(columns, names=["member", *order])


class Places:
    """From accounts to rows of members: a plain array where ids lie near together, else a search."""

    def __init__(self, ids, accounts, members):
        known = np.concatenate([ids, accounts])
        rows = np.concatenate([np.arange(len(ids)), np.searchsorted(ids, members)]).astype(np.int32)
        self.least, span = int(known.min()), int(known.max() - known.min()) + 1
        self.table, self.known = None, None
        if span <= 16 * len(known):
            self.table = np.zeros(span, dtype=np.int32)
            self.table[known - self.least] = rows
        else:
            order = np.argsort(known)
            self.known, self.rows = known[order], rows[order]

    def of(self, accounts):
        """Rows of accounts, all of which must be known."""
        accounts = np.ma.getdata(accounts)
        if self.table is not None:
            return self.table[accounts - self.least]
        return self.rows[np.searchsorted(self.known, accounts)]


def universe(listed, seen, accounts, members):
    """All members, ascending: those of the table of members, of joined accounts, and those of events alone."""
    new = seen[~np.isin(seen, np.concatenate([listed, accounts]))]
    more = np.concatenate([new, members[~np.isin(members, listed)]])
    return np.union1d(listed, more) if len(more) else listed


ORDER_GAPS = ("days_since_last_order", "aov_minor", "span_days", "age_days")

FEATURES = (
    "days_since_last_order",
    "orders_30d",
    "orders_90d",
    "orders_365d",
    "spend_30d_minor",
    "spend_365d_minor",
    "aov_minor",
    "repeat_days",
    "span_days",
    "age_days",
    "repeat_spend_minor",
    "days_since_join",
    "days_since_last_interaction",
    "interactions_1d",
    "interactions_7d",
    "interactions_prev7d",
    "interactions_30d",
    "active_days_30d",
    "campaigns_joined_30d",
    *(f"{name}_30d" for name in MONTH_COUNTS),
    *(f"{name}_90d" for name in QUARTER_COUNTS),
    "sentiment_30d",
    "open_complaints",
    *(f"{kind}_30d" for kind in POINTS),
    "age_band",
    "channel",
    "order_units_30d",
    "active_1d",
    "active_7d",
    "bought_30d",
    "bought_again_90d",
    "active_30d",
    "is_high_value",
    *(f"consent.{purpose}" for purpose in PURPOSES),
)


def expressions(f):
    """Features that are computed from others."""
    f.put("order_units_30d", np.floor(f["spend_30d_minor"] / 1000.0).astype(np.int64))
    flags = {
        "active_1d": f["interactions_1d"] > 0,
        "active_7d": f["interactions_7d"] > 0,
        "bought_30d": f["orders_30d"] > 0,
        "active_30d": (f["interactions_30d"] > 0) | (f["orders_30d"] > 0),
        "is_high_value": (f["orders_365d"] >= 6) & (f["spend_365d_minor"] >= 100_000),
    }
    for name, flag in flags.items():
        f.put(name, flag.astype(np.int8))
    f.put("bought_again_90d", (f["orders_90d"] > 1).astype(np.int8), f["orders_90d"] > 0)
