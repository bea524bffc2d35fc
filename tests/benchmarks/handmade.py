#!/usr/bin/env python3
"""One cycle of playbooks/club.toml in `playbook` beside the same job written by hand, in DuckDB, pandas, lifetimes
and scikit-learn.

Needs the Python packages duckdb, pandas, pyarrow, numpy, scipy, scikit-learn and lifetimes, a built `playbook`
whose home has the reference plugins (`playbook demo` installs them), and a sample:

    playbook sample --members 1000000 --seed 7 --out /tmp/sample
    python3 tests/benchmarks/handmade.py --playbook target/release/playbook --sample /tmp/sample

Every round runs both, the first of them by turns, each with an empty state folder, after one run of each that does
not count. Prints seconds and peak memory, the ratios, and the parts of both. Then it compares what both wrote; any
difference beyond what is said below ends with exit code 1.

The job by hand is the folder by_hand. It reads only the columns that it needs, groups in DuckDB what groups well
there and counts whole arrays in numpy where that is faster, and runs what needs one core (digests, imports, the fit
of lifetimes, the table of members) beside the rest. It knows more than the playbook may: the terms of the playbook
and the offset of the time zone are constants, and there is one set of plugins. Where the product has a rule without a
natural counterpart, it does the nearest simple thing:

- models run in the process itself: no sandbox, no limits, no check of what they answer;
- the ledger is a table of grants with a unique key and a table of balances in SQLite, written in one transaction;
  entries are not chained by hashes, and a cycle that was granted cannot run again;
- nothing is kept for a replay or a comparison: there are digests of inputs and outputs, none of code or settings, and
  the next cycle's look back is the table of members itself;
- source rows are taken as they are: no mapping, no rejects, no counts of what was left out;
- event ids that ascend through a file repeat none; only where they do not are they compared with each other;
- the page has plain charts and tables, in one language; categories are not translated;
- caps look at earlier grants in SQLite; the floor of GR-5 refuses a stage as a whole and gives its slots to nobody;
  only the refusals that this playbook can give are told apart;
- a member's place in the holdout, pseudonyms and draws are the product's own hashes. They take a
  twentieth of the processor time, and with them proposals and grants can be compared one by one.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile

from measure import print_table, timed, usage

HERE = os.path.dirname(os.path.abspath(__file__))
# Parts that stand beside each other: words, those of the playbook, those of the job by hand.
PARTS = (
    ("start, intake", ("prepare", "intake", "keys"), ("start", "intake")),
    ("features of members", ("features",), ("features",)),
    ("models and scores", ("stages",), ("scores", "clusters", "lifetime values")),
    ("tables, plans", ("tables",), ("tables", "plans")),
    ("arbitration", ("arbitration",), ("arbitration",)),
    ("ledger", ("ledger",), ("ledger",)),
    ("outputs", ("outputs", "table of members"), ("other outputs", "table of members", "record")),
)
# Columns of members that may differ, by how much of their value, and of how many members; reasons in `check_members`.
FITTED = ("ltv-bgnbd.expected_orders", "ltv-bgnbd.p_alive", "ltv-bgnbd.purchase_tendency", "ltv-bgnbd.ltv_minor")
FITTED_TOLERANCE = 0.001
CLUSTERED_SHARE = 0.0001


class Differences:
    """What was compared and what was not equal."""

    def __init__(self):
        self.compared, self.found = [], []

    def note(self, what, is_equal, words):
        """Keeps the outcome of one comparison."""
        self.compared.append(what)
        if not is_equal:
            self.found.append(f"{what}: {words}")


def near(ours, theirs, relative, absolute=1e-9):
    """Where numbers are equal but for a tolerance; missing is equal to missing."""
    import numpy as np

    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return np.isclose(ours, theirs, rtol=relative, atol=absolute, equal_nan=True)


def check_members(differences, ours, theirs):
    """Every column of members.parquet that both have, member by member.

    Integers and texts must be equal, reals but for rounding. Values of the fitted order model follow its parameters,
    which two optimisers find to a millionth where this was seen, and money is rounded once more; clusters, which never
    differed, may for members between two centres.
    """
    import numpy as np
    import pandas as pd

    ours, theirs = (
        pd.read_parquet(os.path.join(path, "members.parquet")).set_index("member") for path in (ours, theirs)
    )
    differences.note("members", ours.index.equals(theirs.index), f"{len(ours):,} and {len(theirs):,}, or other ids")
    if not ours.index.equals(theirs.index):
        return
    lacking = sorted(set(ours.columns) ^ set(theirs.columns))
    differences.note("columns of members", not lacking, f"not in both: {lacking}")
    for name in (name for name in ours.columns if name in theirs.columns):
        left, right = ours[name], theirs[name]
        if name in FITTED:
            equal = near(left, right, FITTED_TOLERANCE, 1.0 if name.endswith("minor") else 1e-4)
        elif pd.api.types.is_float_dtype(left) or pd.api.types.is_float_dtype(right):
            equal = near(left, right, 1e-6 if name.startswith("kmeans") else 1e-9)
        else:
            left, right = left.astype(object), right.astype(object)
            equal = ((left == right) | (left.isna() & right.isna())).to_numpy()
        wrong = np.flatnonzero(~equal)
        allowed = CLUSTERED_SHARE * len(ours) if name.startswith("kmeans") else 0
        first = f"{ours.index[wrong[0]]}: {left.iloc[wrong[0]]} and {right.iloc[wrong[0]]}" if len(wrong) else ""
        differences.note(
            f"member column {name}", len(wrong) <= allowed, f"{len(wrong):,} members differ, such as {first}"
        )


def check_proposals(differences, ours, theirs):
    """Proposals by stage, action and what became of them: all alike, since both draw by the same hashes."""
    import pandas as pd

    def counts(path):
        granted, refused = (
            pd.read_csv(os.path.join(path, name), keep_default_na=False) for name in ("grants.csv", "refused.csv")
        )
        both = pd.concat([granted.assign(outcome=granted["status"]), refused.assign(outcome=refused["code"])])
        cells = both.groupby(["stage", "action", "outcome"]).agg(
            proposals=("quantity", "size"),
            quantity=("quantity", "sum"),
            cost_minor=("cost_minor", "sum"),
            expected_minor=("expected_output_minor", "sum"),
        )
        return cells, both.set_index(["member", "stage", "action"])["outcome"]

    (left, left_each), (right, right_each) = counts(ours), counts(theirs)
    cells = pd.concat({"playbook": left, "by hand": right}, axis=1)
    wrong = cells[~near(left.reindex(cells.index), right.reindex(cells.index), 0).all(axis=1)]
    differences.note("proposals and grants by action", wrong.empty, "\n" + wrong.to_string())
    each = pd.concat({"playbook": left_each, "by hand": right_each}, axis=1)
    wrong = each[each["playbook"] != each["by hand"]]
    words = f"{len(wrong):,} proposals differ, such as\n{wrong.head(3).to_string()}"
    differences.note("outcome of each proposal", wrong.empty, words)


def check_tables(differences, ours, theirs):
    """Tables of channels, rewards and the brand: returns to a millionth, the total of health to 0.0001."""
    import pandas as pd

    for subject in ("channel", "reward", "brand"):
        left, right = (
            pd.read_csv(os.path.join(path, "tables", f"{subject}.csv"), index_col=0) for path in (ours, theirs)
        )
        lacking = sorted(set(left.columns) ^ set(right.columns))
        differences.note(
            f"columns of {subject}", not lacking and left.index.equals(right.index), f"not in both: {lacking}"
        )
        for name in (name for name in left.columns if name in right.columns):
            tolerance = 1e-4 if name == "health-7x28.total" else 1e-6
            numbers = pd.api.types.is_numeric_dtype(left[name]) and pd.api.types.is_numeric_dtype(right[name])
            equal = near(left[name], right[name], 0, tolerance).all() if numbers else left[name].equals(right[name])
            differences.note(
                f"{subject} column {name}", bool(equal), f"{left[name].to_list()} and {right[name].to_list()}"
            )


def check(ours, theirs):
    """Compares everything that both wrote."""
    differences = Differences()
    check_members(differences, ours, theirs)
    check_proposals(differences, ours, theirs)
    check_tables(differences, ours, theirs)
    records = []
    for path in (ours, theirs):
        with open(os.path.join(path, "run.json"), encoding="utf-8") as file:
            records.append(json.load(file))
    fitted = next(plugin["model"]["measures"] for plugin in records[0]["plugins"] if plugin["stage"] == "ltv-bgnbd")
    for name, value in records[1]["models"]["ltv-bgnbd"].items():
        off = abs(value / fitted[name] - 1)
        differences.note(f"parameter {name}", off <= FITTED_TOLERANCE, f"{fitted[name]} and {value}")
    for name in ("members", "accounts_merged", "grants", "grants_cost_minor"):
        left, right = (record["counts"][name] for record in records)
        differences.note(f"count of {name}", left == right, f"{left} and {right}")
    plans = []
    for path in (ours, theirs):
        with open(os.path.join(path, "campaign.json"), encoding="utf-8") as file:
            plans.append(json.load(file))
        with open(os.path.join(path, "calendar.csv"), encoding="utf-8") as file:
            plans.append(file.read())
    same = plans[0]["stages"][0]["allocations"] == plans[2]["allocations"]
    differences.note("money by phase and channel", same, "campaign.json differs")
    differences.note("calendar", plans[1] == plans[3], "calendar.csv differs")
    return differences


def parts_of(path):
    """Seconds of the parts of a run."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)["timings"]


def print_parts(runs):
    """Medians of the parts of both, side by side."""

    def median(name, one):
        return statistics.median(run["seconds"].get(one, 0.0) for run in runs[name])

    print(f"{'part, s':22} {'playbook':>9} {'by hand':>9}")
    for words, ours, theirs in PARTS:
        left, right = sum(median("playbook", one) for one in ours), sum(median("by hand", one) for one in theirs)
        print(f"{words:22} {left:9.2f} {right:9.2f}")
    for name in runs:
        names = list(runs[name][-1]["seconds"])
        print(f"{name}: " + ", ".join(f"{one} {median(name, one):.2f}" for one in names))
    beside = runs["by hand"][-1]["beside"]
    print("by hand, beside these: " + ", ".join(f"{one} {took:.2f}" for one, took in beside.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--playbook", required=True)
    parser.add_argument("--sample", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds is at least 1")
    work = tempfile.mkdtemp(prefix="handmade-")
    os.environ["PYTHONPATH"] = HERE
    sample, threads = os.path.abspath(arguments.sample), str(arguments.threads)
    out = {name: os.path.join(work, folder) for name, folder in (("playbook", "playbook"), ("by hand", "hand"))}
    state = {name: f"{path}-state" for name, path in out.items()}
    commands = {
        "playbook": [
            arguments.playbook,
            "run",
            os.path.join(HERE, "../../playbooks/club.toml"),
            "--data",
            sample,
            "--out",
            out["playbook"],
            "--state",
            state["playbook"],
            "--threads",
            threads,
            "--json",
            "--color",
            "never",
        ],
        "by hand": [sys.executable, "-m", "by_hand.job", sample, out["by hand"], state["by hand"], threads],
    }

    def fresh(name):
        for path in (out[name], state[name]):
            shutil.rmtree(path, ignore_errors=True)
        return commands[name]

    seconds, runs = {name: [] for name in commands}, {name: [] for name in commands}
    for name in commands:
        timed(fresh(name))  # warms caches; not counted
    for number in range(arguments.rounds):
        for name in commands if number % 2 == 0 else reversed(commands):
            seconds[name].append(timed(fresh(name)))
            runs[name].append(parts_of(os.path.join(out[name], "run.json")))
    used = {name: usage(fresh(name)) for name in commands}
    peaks = {name: bytes_ for name, (bytes_, _) in used.items()}
    print_table(seconds, peaks, "playbook")
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(
        f"by hand / playbook: {medians['by hand'] / medians['playbook']:.2f} times the seconds, "
        f"{peaks['by hand'] / peaks['playbook']:.2f} times the memory"
    )
    print("processor seconds: " + ", ".join(f"{name} {processor:.1f}" for name, (_, processor) in used.items()))
    print_parts(runs)
    differences = check(out["playbook"], out["by hand"])
    print(f"{len(differences.compared)} comparisons, {len(differences.found)} differences")
    shutil.rmtree(work)
    if differences.found:
        sys.exit("\n".join(differences.found))


if __name__ == "__main__":
    main()
