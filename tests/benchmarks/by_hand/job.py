"""One cycle of playbooks/club.toml by hand: `python3 -m by_hand.job SAMPLE OUT STATE THREADS` in tests/benchmarks.

The order is that of the playbook's own cycle. What needs one core alone (digests, imports, the fit of lifetimes, the
table of members) runs beside what does not.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

BEGAN = time.perf_counter()

import duckdb
import numpy as np

from . import features, frame, intake, money, outputs, plans, scores
from .terms import AS_OF, CYCLE, PURPOSES


class Laps:
    """Seconds of each part, and of what ran beside them in threads of its own."""

    def __init__(self):
        self.last, self.parts, self.beside = BEGAN, {}, {}
        self.pool = ThreadPoolExecutor(4)

    def end(self, part):
        """Ends a part."""
        now = time.perf_counter()
        self.parts[part] = self.parts.get(part, 0.0) + now - self.last
        self.last = now

    def beside_all(self, part, work, *arguments):
        """Starts work that runs beside what follows."""

        def timed():
            began = time.perf_counter()
            try:
                return work(*arguments)
            finally:
                self.beside[part] = time.perf_counter() - began

        return self.pool.submit(timed)


def heavy_imports():
    """Loads the libraries of the models, which takes a second, while DuckDB reads."""
    import lifetimes  # noqa: F401
    import sklearn.cluster  # noqa: F401


def read(db, sample, laps):
    """Sources, people and orders; returns what the members come from."""
    again = laps.beside_all("repeated events", intake.repeated_rows, os.path.join(sample, "events.parquet"))
    intake.views(db, sample)
    aliases = intake.unify(db)
    listed = intake.members(db, sample)
    repeats = again.result()
    intake.leave_out(db, sample, repeats)
    intake.orders(db)
    laps.end("intake")
    return aliases, listed, len(repeats)


def measure(db, aliases, listed, ready, laps):
    """The frame of members with all features; the order models are fitted meanwhile."""
    bought, seen = features.order_features(db), features.last_and_first(db)
    ids = frame.universe(listed["member"].to_numpy(), np.ma.getdata(seen["member"]), *aliases)
    f, places = frame.Frame(ids), frame.Places(ids, *aliases)
    f.scatter(places.of(bought["member"]), bought, frame.ORDER_GAPS)
    features.days_since(f, places, seen)
    keys = money.pseudonyms(db, places, ids)
    ready.result()
    fit = laps.beside_all("fit of lifetimes", scores.fit_ltv, f, keys)
    for part in (features.quarter, features.month, features.sentiment):
        part(db, f, places)
    f.attributes(places.of(listed["member"].to_numpy()), listed)
    answers = features.consents(db)
    flags = {f"consent.{purpose}": answers[purpose] for purpose in PURPOSES}
    f.scatter(places.of(answers["member"]), flags, flags.keys())
    frame.expressions(f)
    laps.end("features")
    return f, places, keys, fit


def judge(db, f, places, keys, fit, laps):
    """Scores, segments and tables; returns the tables and the fitted models."""
    for score in (scores.value_rfm, scores.behaviour_points, scores.participation, scores.churn, scores.tiers):
        score(f)
    laps.end("scores")
    tables = plans.tables(f, places, plans.month_rows(db))
    laps.end("tables")
    clusters = scores.clusters(f, keys)
    laps.end("clusters")
    orders, purse = fit.result()
    scores.ltv(f, orders, purse)
    laps.end("lifetime values")
    return tables, (orders, purse, clusters)


def decide(db, f, places, keys, reward, book, laps):
    """Proposals through guardrails and budget into the ledger."""
    proposals = [money.ladder(f), money.roi_floor(f, keys, reward)]
    asked = np.unique(np.concatenate([part["row"] for part in proposals]))
    held_out = money.in_holdout(db, places, f.ids[asked], len(f))
    consent = np.where(f.known("consent.marketing"), f["consent.marketing"], 0)
    decided, cost_by_pool = money.arbitrate(f, keys, consent, proposals, held_out, book)
    laps.end("arbitration")
    book.book(decided, cost_by_pool)
    laps.end("ledger")
    return decided


def write(f, decided, book, tables, plan, slots, findings, out):
    """Every file but the table of members and the record."""
    at = lambda name: os.path.join(out, name)
    channel, reward, brand = tables
    outputs.decisions(decided, f.ids, out)
    outputs.ledger(book.entries(), at("ledger.csv"))
    outputs.tables(channel, reward, brand, out)
    outputs.as_json(at("campaign.json"), plan)
    outputs.rows(at("calendar.csv"), plans.CALENDAR, slots)
    health = {name: value for name, value in brand.items() if name.startswith(plans.HEALTH_PREFIX)}
    outputs.as_json(at("diagnosis.json"), {"findings": findings, "scores": health})
    outputs.rows(at("transfers.csv"), ["stage", "subject", "from", "to", "amount_minor", "reason_code", "reason"], [])
    outputs.rows(at("rejects.csv"), ["source", "file", "line", "reason", "raw"], [])
    outputs.report(f, decided, channel, brand, plan, findings, at("report.html"))


def facts(f, aliases, repeats, decided, models, digests):
    """What the record says beside digests of outputs and timings."""
    orders, purse, clusters = models
    granted = decided["code"] == 0
    parameters = {name: float(value) for fitted in (orders, purse) for name, value in fitted.params_.items()}
    centres = {"centroids": clusters.cluster_centers_.tolist(), "rounds": clusters.n_iter_}
    counts = {
        "members": len(f),
        "accounts_merged": len(aliases[0]),
        "events_repeated": repeats,
        "grants": int(granted.sum()),
        "grants_cost_minor": int(decided["cost"][granted].sum()),
    }
    models = {"ltv-bgnbd": parameters, "kmeans": centres}
    return {"as_of_ms": AS_OF, "cycle": CYCLE, "input": digests, "models": models, "counts": counts}


def main():
    sample, out, state, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    laps = Laps()
    os.makedirs(out)
    os.makedirs(state)
    laps.end("start")
    names = [f"{name}.parquet" for name in intake.SOURCES]
    digests = laps.beside_all("digests of the input", intake.digests, sample, names)
    ready = laps.beside_all("imports", heavy_imports)
    db = duckdb.connect()
    db.execute(f"SET threads = {threads}; SET preserve_insertion_order = false")
    aliases, listed, repeats = read(db, sample, laps)
    f, places, keys, fit = measure(db, aliases, listed, ready, laps)
    tables, models = judge(db, f, places, keys, fit, laps)
    order = (*frame.FEATURES, *scores.SCORES)
    table = os.path.join(out, "members.parquet")
    written = laps.beside_all("table of members", lambda: outputs.members(f.arrow(order), table))
    channel, reward, brand = tables
    findings = plans.roi(channel, brand)
    book = money.Ledger(os.path.join(state, "ledger.sqlite"))
    plan, slots = plans.campaign(channel, book.may_spend("burst"))
    findings += plans.health(brand)
    laps.end("plans")
    decided = decide(db, f, places, keys, reward, book, laps)
    write(f, decided, book, tables, plan, slots, findings, out)
    laps.end("other outputs")
    written.result()
    laps.end("table of members")
    record = facts(f, aliases, repeats, decided, models, digests.result())
    outputs.record(out, record, laps)


if __name__ == "__main__":
    main()
