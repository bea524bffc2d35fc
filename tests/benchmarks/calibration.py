#!/usr/bin/env python3
"""How well predictions of a sample community came true: as of 30 days before its end, against what its members then did.

Needs the Python packages pandas and pyarrow, a built `playbook` with the plugins installed, and a sample:

    playbook sample --members 100000 --seed 7 --out /tmp/sample
    python3 tests/benchmarks/calibration.py --playbook target/release/playbook --sample /tmp/sample

Accounts stand for members. Churned is who neither interacts nor orders in the 30 days. For each probability: ten bands of
what was said, with the mean that was said, the share that came, and the members; the calibration error is the mean gap
of the bands, by members.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd

END_MS = 1782835200000  # 2026-07-01T00:00 in Asia/Shanghai
DAY_MS = 86_400_000
AHEAD_DAYS = 30
INTERACTIONS = [
    "sign_in", "like", "comment", "share", "post", "topic_join", "vote", "answer", "live_interact",
    "task_done", "survey", "feedback", "review", "cocreate_submit",
]
PLAYBOOK = """
[playbook]
id = "calibration"
brand = "calibration"
title = "calibration"
currency = "CNY"
time_zone = "Asia/Shanghai"
seed = 1
pseudonym_salt = "calibration"

[cycle]
as_of = 2026-06-01
length = "30d"

[[source]]
name = "events"
table = "events"
path = "events.parquet"

[source.map]
event_id = "event_id"
member = "member"
kind = "kind"
time = { from = "time", format = "unix-ms" }
amount_minor = { from = "amount_minor", unit = "minor" }
original_order = "original_order"
sentiment = "sentiment"

[features]
interactions_7d = { count = "interaction", window = "7d" }
interactions_prev7d = { count = "interaction", window = { from = "14d", to = "7d" } }
days_since_last_interaction = { recency = "interaction" }
sentiment_30d = { mean = "sentiment", window = "30d" }
open_complaints = { count = "complaint", window = "30d" }
days_since_join = { age = "join" }
days_since_last_order = { recency = "order_paid" }
orders_365d = { count = "order_paid", window = "365d" }
aov_minor = { mean = "amount_minor", events = "order_paid", window = "365d", type = "integer" }
repeat_days = { repeat-days = "order_paid" }
span_days = { span = "order_paid" }
age_days = { age = "order_paid" }
repeat_spend_minor = { repeat-sum = "amount_minor", events = "order_paid" }

[[stage]]
name = "churn"
kind = "scoring"
plugin = "churn-7d@^0.1"

[[stage]]
name = "formula"
kind = "scoring"
plugin = "ltv@^0.1"
settings = { annual_retention = 0.85 }

[[stage]]
name = "bgnbd"
kind = "scoring"
plugin = "ltv-bgnbd@^0.1"

[[stage]]
name = "mbgnbd"
kind = "scoring"
plugin = "ltv-bgnbd@^0.1"
settings = { model = "mbgnbd" }

[[stage]]
name = "pareto"
kind = "scoring"
plugin = "ltv-pareto-nbd@^0.1"
"""


def run(args, folder):
    """The table of members as of 30 days before the end."""
    path = folder / "calibration.toml"
    path.write_text(PLAYBOOK)
    command = [args.playbook, "run", str(path), "--data", args.sample, "--out", str(folder / "out")]
    done = subprocess.run([*command, "--state", str(folder / "state"), "--dry-run"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr + done.stdout)
    table = pd.read_parquet(folder / "out" / "members.parquet")
    return table.set_index(table["member"].astype(str))


def later(sample):
    """Who interacted and who ordered in the 30 days."""
    began = END_MS - AHEAD_DAYS * DAY_MS
    columns = ["member", "kind", "time"]
    filters = [("time", ">=", began), ("time", "<", END_MS)]
    events = pd.read_parquet(pathlib.Path(sample) / "events.parquet", columns=columns, filters=filters)
    ordered = set(events[events["kind"] == "order_paid"]["member"].astype(str))
    active = set(events[events["kind"].isin(INTERACTIONS)]["member"].astype(str)) | ordered
    return active, ordered


def bands(said, came):
    """Prints the bands of a probability and its calibration error."""
    known = said.notna()
    said, came = said[known].astype(float).to_numpy(), came[known].to_numpy().astype(float)
    band = np.minimum((said * 10).astype(int), 9)
    error = 0.0
    for at in sorted(set(band)):
        part = band == at
        gap = said[part].mean() - came[part].mean()
        error += abs(gap) * part.mean()
        print(f"  {at / 10:.1f} to {at / 10 + 0.1:.1f}: said {said[part].mean():.3f}, came {came[part].mean():.3f}, members {part.sum():,}")
    print(f"  all: said {said.mean():.4f}, came {came.mean():.4f}, members {len(said):,}, calibration error {error:.4f}")


def main():
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--playbook", default="target/release/playbook")
    parser.add_argument("--sample", required=True, help="folder that `playbook sample` wrote")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = run(args, pathlib.Path(folder))
    active, ordered = later(args.sample)
    churned = pd.Series(~table.index.isin(active), index=table.index)
    bought = pd.Series(table.index.isin(ordered), index=table.index)
    print("churn-7d, level: members, share who churned in 30 days")
    level = table["churn.level"].astype(object).fillna("unknown")
    for name in ["ok", "watch", "warn", "critical", "lapsed", "none", "unknown"]:
        part = churned[level == name]
        if len(part):
            print(f"  {name}: {len(part):,}, {part.mean():.3f}")
    print("churn-7d, risk, against churn in 30 days")
    bands(table["churn.risk"], churned)
    for name in ["formula", "bgnbd", "mbgnbd", "pareto"]:
        print(f"{name}, purchase tendency, against an order in 30 days")
        bands(table[f"{name}.purchase_tendency"], bought)


if __name__ == "__main__":
    main()
