#!/usr/bin/env python3
"""Lifetime models on real customers: fitted on 39 weeks, held against the 39 weeks after, beside the package lifetimes.

Needs the Python packages lifetimes, pandas and pyarrow, a built `playbook` with the plugins installed, and the CDNOW files:

    tests/fetch-cdnow /tmp/cdnow
    python3 tests/benchmarks/lifetime.py --playbook target/release/playbook --data /tmp/cdnow

All 23,570 customers of the master file. Each model of ours is a playbook of its own that the program runs, in the
sandbox, from the published file to the table of members; lifetimes gets the summary that it makes itself. Printed are
orders and spend of the second half as foretold and as they came, the error a customer, how well probabilities of an order
came true in ten bands, and seconds of the whole, on the clock and of the processor: on a busy machine compare the latter.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
END = "1997-09-30"
LAST = "1998-06-30"
DAYS = 273
WEEKS = 39
# Days from 1970 to 1997-01-01: weeks of opportunities begin there, so that the 39th ends with the calibration.
FIRST_DAY = 9862

PLAYBOOK = """
[playbook]
id = "lifetime"
brand = "lifetime"
title = "lifetime"
currency = "USD"
time_zone = "UTC"
seed = 1
pseudonym_salt = "lifetime"

[cycle]
length = "28d"

[[source]]
name = "orders"
table = "events"
path = "CDNOW_master.txt"
format = "whitespace"
event = "order_paid"
dedupe = "none"
rejects_max = 0.0

[source.map]
member = "customer_id"
time = {{ from = "date", format = "%Y%m%d" }}
quantity = "number_of_cds"
amount_minor = {{ from = "dollar_value", unit = "major" }}

[features]
{features}

[[stage]]
name = "model"
kind = "scoring"
plugin = "{plugin}@^0.1"

[stage.settings]
{settings}
"""
BY_DAY = """
repeat_days = { repeat-days = "order_paid" }
span_days = { span = "order_paid" }
age_days = { age = "order_paid" }
repeat_spend_minor = { repeat-sum = "amount_minor", events = "order_paid" }
"""
WEEK = f"(cast(floor((time / 86400000 - {FIRST_DAY}) / 7) as bigint))"


def by_week(value):
    """A feature of the weeks with an order of each member."""
    return f'{{ sql = "SELECT member AS subject, {value} AS value FROM events GROUP BY member", type = "integer", unit = "count" }}'


BY_WEEK = f"""
repeat_periods = {by_week(f"count(distinct {WEEK}) - 1")}
span_periods = {by_week(f"max({WEEK}) - min({WEEK})")}
age_periods = {by_week(f"{WEEKS - 1} - min({WEEK})")}
repeat_spend_minor = {{ repeat-sum = "amount_minor", events = "order_paid" }}
"""
BY_YEAR = """
orders_365d = { count = "order_paid", window = "365d" }
aov_minor = { mean = "amount_minor", events = "order_paid", window = "365d", type = "integer" }
days_since_last_order = { recency = "order_paid" }
"""
SAMPLE = "sample_max = 1000000\nmargin_rate = 1.0\n"
HORIZON = f"horizon_days = {DAYS}\ntendency_days = {DAYS}\n"
OURS = {
    "BG/NBD": ("ltv-bgnbd", BY_DAY, SAMPLE + HORIZON),
    "MBG/NBD": ("ltv-bgnbd", BY_DAY, SAMPLE + HORIZON + 'model = "mbgnbd"\n'),
    "Pareto/NBD": ("ltv-pareto-nbd", BY_DAY, SAMPLE + HORIZON),
    "BG/BB, weeks": ("ltv-bgbb", BY_WEEK, SAMPLE + f"horizon = {WEEKS}\ntendency = {WEEKS}\n"),
    # The years that it expects are set to the time ahead, and its orders of a year are those of the 39 weeks.
    "formula": ("ltv", BY_YEAR, "margin_rate = 1.0\nannual_retention = 1.0\nlife_years_max = 1.0\n"),
}


def orders(path):
    """Day sums of orders by customer."""
    names = ["customer", "date", "quantity", "amount"]
    rows = pd.read_csv(path, sep=r"\s+", skiprows=1, names=names, dtype={"customer": str})
    rows["date"] = pd.to_datetime(rows["date"], format="%Y%m%d")
    rows["amount"] = (rows["amount"] * 100).round()
    return rows


def holdout(rows):
    """Days with an order and spend after the calibration, by customer."""
    later = rows[(rows["date"] > END) & (rows["date"] <= LAST)]
    customers = pd.Index(sorted(rows["customer"].unique()))
    days = later.groupby("customer")["date"].nunique().reindex(customers, fill_value=0)
    spend = later.groupby("customer")["amount"].sum().reindex(customers, fill_value=0)
    return days, spend


def bands(said, came):
    """Mean absolute gap between the probability said and the share that came, over ten bands, by customers."""
    band = np.minimum((said * 10).astype(int), 9)
    gaps = [abs(said[band == at].mean() - came[band == at].mean()) * (band == at).mean() for at in set(band)]
    return sum(gaps)


def children():
    """Processor seconds of all programs that were run so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Clock:
    """Seconds of a block, on the clock and of the processor."""

    def __enter__(self):
        self.began, self.used = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.whole, self.processor = time.perf_counter() - self.began, time.process_time() - self.used


def ours(args, name, folder):
    """Answers of a model of ours by customer, and seconds of the run."""
    plugin, features, settings = OURS[name]
    path = folder / "lifetime.toml"
    path.write_text(PLAYBOOK.format(plugin=plugin, features=features, settings=settings))
    out = folder / "out"
    command = [args.playbook, "run", str(path), "--data", args.data, "--out", str(out), "--state", str(folder / "state")]
    command += ["--as-of", f"{END}T23:59:59Z", "--dry-run"]
    began, used = time.perf_counter(), children()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds, processor = time.perf_counter() - began, children() - used
    if done.returncode != 0:
        sys.exit(f"{name}: {done.stderr}{done.stdout}")
    record = json.loads((out / "run.json").read_text())
    table = pd.read_parquet(out / "members.parquet")
    key = next(column for column in ("member", "id", "subject") if column in table.columns)
    table = table.set_index(table[key].astype(str)).sort_index()
    column = lambda part: table.get(f"model.{part}")
    measures = next(p for p in record["plugins"])["model"]
    return {
        "orders": column("expected_orders"),
        "spend": column("ltv_minor"),
        "tendency": column("purchase_tendency") if plugin != "ltv" else None,
        "whole": seconds,
        "processor": processor,
        "measures": (measures or {}).get("measures", {}),
    }


def peers(rows):
    """Answers of the package lifetimes, with the seconds of fit and answers."""
    import lifetimes as lt
    from lifetimes.utils import summary_data_from_transaction_data

    with Clock() as shared:
        summary = summary_data_from_transaction_data(
            rows, "customer", "date", "amount", observation_period_end=END, freq="D"
        ).sort_index()
        f, r, t = summary["frequency"], summary["recency"] / 7, summary["T"] / 7
        payers = (f > 0) & (summary["monetary_value"] > 0)
        spend = lt.GammaGammaFitter()
        money = summary["monetary_value"] / 100
        spend.fit(f[payers], money[payers])
        mean = spend.conditional_expected_average_profit(f, money) * 100
    fitters = {"BG/NBD": lt.BetaGeoFitter, "MBG/NBD": lt.ModifiedBetaGeoFitter, "Pareto/NBD": lt.ParetoNBDFitter}
    for name, fitter in fitters.items():
        try:
            with Clock() as own:
                fitted = fitter(penalizer_coef=0.0)
                fitted.fit(f, r, t)
                said = fitted.conditional_expected_number_of_purchases_up_to_time(WEEKS, f, r, t)
        except Exception as fault:  # The package is old; what fails is told, not hidden.
            print(f"lifetimes, {name}: {type(fault).__name__}: {fault}", file=sys.stderr)
            continue
        said = pd.Series(said, index=summary.index)
        yield name, {
            "orders": said,
            "spend": said * mean,
            "tendency": None,
            "whole": shared.whole + own.whole,
            "processor": shared.processor + own.processor,
            "measures": {key: float(value) for key, value in fitted.params_.items()},
        }


def line(name, given, days, spend):
    """One row of the table."""
    cells = [f"{name:24}"]
    for said, came, unit in ((given["orders"], days, 1), (given["spend"], spend, 100)):
        if said is None:
            cells += [f"{'':>7} {'':>7} {'':>7}"]
            continue
        said = said.reindex(came.index).astype(float)
        known = said.notna()
        gap = (said - came)[known] / unit
        ratio = said[known].sum() / came[known].sum()
        cells.append(f"{ratio:7.3f} {gap.abs().mean():7.3f} {np.sqrt((gap**2).mean()):7.3f}")
    tendency = given["tendency"]
    if tendency is None:
        cells.append(f"{'':>7}")
    else:
        said = tendency.reindex(days.index).astype(float).to_numpy()
        cells.append(f"{bands(said, (days > 0).to_numpy().astype(float)):7.4f}")
    cells.append(f"{given['whole']:7.2f} {given['processor']:7.2f}")
    print("  ".join(cells))


def main():
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--playbook", default="target/release/playbook")
    parser.add_argument("--data", required=True, help="folder of the CDNOW files")
    args = parser.parse_args()
    rows = orders(pathlib.Path(args.data) / "CDNOW_master.txt")
    days, spend = holdout(rows)
    print(f"{len(days)} customers, {days.sum()} days with an order and {spend.sum() / 100:.2f} USD in the second half")
    print(f"{'':24}  {'orders':>7} {'MAE':>7} {'RMSE':>7}  {'spend':>7} {'MAE':>7} {'RMSE':>7}  {'bands':>7}  {'whole s':>7} {'cpu s':>7}")
    fits = {}
    for name in OURS:
        with tempfile.TemporaryDirectory() as folder:
            given = ours(args, name, pathlib.Path(folder))
        fits[f"playbook, {name}"] = given["measures"]
        line(f"playbook, {name}", given, days, spend)
    for name, given in peers(rows):
        fits[f"lifetimes, {name}"] = given["measures"]
        line(f"lifetimes, {name}", given, days, spend)
    for name, measures in fits.items():
        kept = {key: round(value, 4) for key, value in measures.items() if len(key) < 6 or key == "log_likelihood"}
        print(f"{name}: {kept}")


if __name__ == "__main__":
    main()
