#!/usr/bin/env python3
"""Times the same eight features and four tiers in `playbook`, DuckDB and pandas, side by side.

Needs the Python packages duckdb, pandas and pyarrow, a built `playbook` and a sample:

    playbook sample --members 1000000 --seed 1 --out /tmp/sample
    python3 tests/benchmarks/peers.py --playbook target/release/playbook --sample /tmp/sample

Prints seconds and peak memory of each, the median of the rounds, and the ratios to `playbook`. Every round runs all of
them one after the other, so that a slow moment of the machine meets all alike. Results are compared: tiers must be equal.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile

from measure import peak, print_table, timed

AS_OF_MS = 1782835200000  # 2026-07-01T00:00 in Asia/Shanghai
DAY_MS = 86_400_000
INTERACTIONS = [
    "sign_in", "like", "comment", "share", "post", "topic_join", "vote", "answer", "live_interact",
    "task_done", "survey", "feedback", "review", "cocreate_submit",
]
BOUNDS = [1, 11, 51]
TIERS = ["silent", "prospect", "active", "core"]

DUCKDB = """
import duckdb, sys
sample, out, as_of, kinds, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(","), int(sys.argv[5])
day = 86400000
kinds = ", ".join(f"'{kind}'" for kind in kinds)
db = duckdb.connect()
db.execute(f"SET threads = {threads}")
def window(start, end=0):
    return f"time >= {as_of - start * day} AND time < {as_of - end * day}"
db.execute(f'''
COPY (
  WITH f AS (
    SELECT member,
      count(*) FILTER (kind = 'order_paid' AND {window(90)}) AS orders_90d,
      count(*) FILTER (kind = 'order_paid' AND {window(365)}) AS orders_365d,
      coalesce(sum(amount_minor) FILTER (kind = 'order_paid' AND {window(365)}), 0)::BIGINT AS spend_365d_minor,
      ({as_of} - max(time) FILTER (kind = 'order_paid')) // {day} AS days_since_last_order,
      count(*) FILTER (kind IN ({kinds}) AND {window(7)}) AS interactions_7d,
      count(*) FILTER (kind IN ({kinds}) AND {window(14, 7)}) AS interactions_prev7d,
      count(*) FILTER (kind IN ({kinds}) AND {window(30)}) AS interactions_30d,
      ({as_of} - max(time) FILTER (kind IN ({kinds}))) // {day} AS days_since_last_interaction
    FROM read_parquet('{sample}/events.parquet') WHERE time < {as_of} GROUP BY member)
  SELECT *, CASE WHEN interactions_30d < 1 THEN 'silent' WHEN interactions_30d < 11 THEN 'prospect'
                 WHEN interactions_30d < 51 THEN 'active' ELSE 'core' END AS tier
  FROM f ORDER BY member
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)''')
"""

PANDAS = """
import sys
import pandas as pd
sample, out, as_of, kinds = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
day = 86400000
e = pd.read_parquet(f"{sample}/events.parquet", columns=["member", "kind", "time", "amount_minor"])
e = e[e.time < as_of]
index = pd.Index(sorted(e.member.unique()), name="member")
orders, inter = e[e.kind == "order_paid"], e[e.kind.isin(kinds)]
def within(rows, start, end=0):
    return rows[(rows.time >= as_of - start * day) & (rows.time < as_of - end * day)]
def count(rows):
    return rows.groupby("member").size().reindex(index, fill_value=0)
f = pd.DataFrame(index=index)
f["orders_90d"] = count(within(orders, 90))
f["orders_365d"] = count(within(orders, 365))
f["spend_365d_minor"] = within(orders, 365).groupby("member").amount_minor.sum().reindex(index, fill_value=0)
f["days_since_last_order"] = ((as_of - orders.groupby("member").time.max()) // day).reindex(index)
f["interactions_7d"] = count(within(inter, 7))
f["interactions_prev7d"] = count(within(inter, 14, 7))
f["interactions_30d"] = count(within(inter, 30))
f["days_since_last_interaction"] = ((as_of - inter.groupby("member").time.max()) // day).reindex(index)
f["tier"] = pd.cut(f.interactions_30d, [-1, 0, 10, 50, 10**9], labels=["silent", "prospect", "active", "core"]).astype(str)
f.to_parquet(out, compression="zstd")
"""


def tiers_of(path, column):
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=[column])
    counts = pc.value_counts(table[column].cast("string"))
    return {entry["values"].as_py(): entry["counts"].as_py() for entry in counts}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--playbook", required=True)
    parser.add_argument("--sample", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--cycle", action="store_true", help="also the whole cycle of playbooks/club.toml")
    arguments = parser.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    work = tempfile.mkdtemp(prefix="peers-")
    kinds = ",".join(INTERACTIONS)
    threads = str(arguments.threads)

    def run(playbook, out):
        return [
            arguments.playbook, "run", playbook, "--data", arguments.sample, "--out", os.path.join(work, out),
            "--state", os.path.join(work, "state-" + out), "--threads", threads, "--json", "--color", "never",
        ]

    commands = {
        "playbook": run(os.path.join(here, "features.toml"), "features"),
        "duckdb": [sys.executable, "-c", DUCKDB, arguments.sample, os.path.join(work, "duckdb.parquet"),
                   str(AS_OF_MS), kinds, threads],
        "pandas": [sys.executable, "-c", PANDAS, arguments.sample, os.path.join(work, "pandas.parquet"),
                   str(AS_OF_MS), kinds],
    }
    if arguments.cycle:
        commands["whole cycle"] = run(os.path.join(here, "../../playbooks/club.toml"), "cycle")
    seconds = {name: [] for name in commands}
    for command in commands.values():
        timed(command)  # warms caches; not counted
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            seconds[name].append(timed(command))
    print_table(seconds, {name: peak(command) for name, command in commands.items()}, "playbook")
    if arguments.cycle:
        ratio = statistics.median(seconds["whole cycle"]) / statistics.median(seconds["duckdb"])
        print(f"whole cycle / duckdb {ratio:.2f}")
        with open(os.path.join(work, "cycle", "run.json"), encoding="utf-8") as file:
            timings = json.load(file)["timings"]
        print("shares of the whole cycle, s: " + ", ".join(f"{k} {v:.2f}" for k, v in timings["seconds"].items()))
    seen = {
        "playbook": tiers_of(os.path.join(work, "features", "members.parquet"), "tier-interactions.segment"),
        "duckdb": tiers_of(os.path.join(work, "duckdb.parquet"), "tier"),
        "pandas": tiers_of(os.path.join(work, "pandas.parquet"), "tier"),
    }
    for name, tiers in seen.items():
        print(f"{name:14} " + ", ".join(f"{tier} {tiers.get(tier, 0)}" for tier in TIERS))
    if len({json.dumps({t: v.get(t, 0) for t in TIERS}) for v in seen.values()}) != 1:
        sys.exit("the tiers differ")


if __name__ == "__main__":
    main()
