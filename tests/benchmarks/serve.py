#!/usr/bin/env python3
"""Measures `playbook serve`: decisions with durable grants, beside an empty handler on the same server in the same minutes.

Needs the Python package duckdb, `oha` 1.16 or newer (`cargo install oha`), a built `playbook`, a home folder with the plugins
of the demo (`playbook demo` makes one), and a sample:

    playbook sample --members 1000000 --seed 7 --out /tmp/sample
    python3 tests/benchmarks/serve.py --playbook target/release/playbook --oha oha --sample /tmp/sample load
    python3 tests/benchmarks/serve.py --playbook target/release/playbook --oha oha --sample /tmp/sample swap
    python3 tests/benchmarks/serve.py --playbook target/release/playbook --oha oha --sample /tmp/sample loops
    python3 tests/benchmarks/serve.py --playbook target/release/playbook density --brands 1000
    python3 tests/benchmarks/serve.py --playbook target/release/playbook --oha oha growth --members 10000 100000 1000000

Load generator and service share the machine. What other processes take of it while something is measured is printed with
each row, and a row with more than a fifth is marked: it says nothing. Percentiles at a fixed rate count from the moment at
which a request was due, not from when it was sent (coordinated omission).
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT = "2026-07-01T00:00:00+08:00"
FOREIGN_MAX = 0.2
CONNECTIONS = 64
LINES = 10_000
TICK = os.sysconf("SC_CLK_TCK")
# Fields of members that the playbook reads.
PROFILE = {"joined", "region", "age_band", "community", "channel"}

HOST = """
[limits]
body_bytes = "8MiB"
[limits.key]
per_second = 1000000
burst = 1000000
in_flight = 4096
[limits.brand]
per_second = 1000000
burst = 1000000
in_flight = 4096
[data]
records = "{records}MiB"
"""


class Service:
    """A service of its own on loopback, stopped when this ends."""

    def __init__(self, options, folder, playbooks, records_mib=4096):
        self.folder = Path(folder)
        config = self.folder / "host.toml"
        brands = "".join(f'[[brand]]\nplaybook = "{path}"\n' for path in playbooks)
        config.write_text(HOST.format(records=records_mib) + brands)
        command = [options.playbook, "serve", "--config", config, "--data", self.folder / "data"]
        began = time.perf_counter()
        self.process = subprocess.Popen([*command, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        self.key = getattr(options, "key", None)
        for line in self.process.stdout:
            if found := re.search(r"at (?:http://)(\S+)", line):
                self.address = found[1]
            if found := re.search(r"pb_\S+", line):
                self.key = found[0]
            if "keys, ledgers, members" in line:
                break
        else:
            sys.exit("the service did not start")
        self.ready_s = time.perf_counter() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def client(self):
        return Client(self)

    def memory(self, name="VmRSS"):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024

    def metric(self, pattern):
        """The sum of all series whose name and labels match."""
        text = self.client().text("/metrics")
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if re.match(pattern, line))
        return sum(float(value) for _, value in rows)

    def longest_commit_ms(self):
        """Upper bound of the longest commit so far: the last bucket that has more than the one before."""
        text = self.client().text("/metrics")
        buckets = re.findall(r'playbook_commit_seconds_bucket\{le="([^"]+)"\} (\d+)', text)
        longest, before = "0", 0
        for bound, count in buckets:
            if int(count) > before:
                longest, before = bound, int(count)
        return float(longest) * 1e3


class Client:
    """One connection."""

    def __init__(self, service):
        self.service = service
        self.open = http.client.HTTPConnection(service.address)

    def text(self, path):
        self.open.request("GET", path, headers={"Authorization": f"Bearer {self.service.key}"})
        return self.open.getresponse().read().decode()

    def call(self, method, path, body, media="application/json"):
        headers = {"Authorization": f"Bearer {self.service.key}", "Content-Type": media, "Idempotency-Key": os.urandom(8).hex()}
        self.open.request(method, f"/v1/brands/{path}", body if isinstance(body, bytes) else json.dumps(body), headers)
        answer = self.open.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)


def processor_seconds(pid):
    """What a process and its children that ended have taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(value) for value in fields[11:15]) / TICK


def machine_seconds():
    """What all processes have taken."""
    fields = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / TICK


class Machine:
    """How much of the machine others take."""

    def __init__(self, pids):
        self.pids = [os.getpid(), *pids]
        self.own = sum(processor_seconds(pid) for pid in self.pids)
        self.all = machine_seconds()
        self.began = time.perf_counter()

    def foreign(self):
        own = sum(processor_seconds(pid) for pid in self.pids) - self.own
        whole = (time.perf_counter() - self.began) * os.cpu_count()
        return max(0.0, machine_seconds() - self.all - own) / whole


def oha(options, service, path, seconds, rate=None, bodies=None):
    """One run of the load generator: requests a second, percentiles in ms, foreign share."""
    command = [options.oha, "--no-tui", "--output-format", "json", "-z", f"{seconds}s", "-c", str(CONNECTIONS)]
    command += ["-H", f"Authorization: Bearer {service.key}"]
    if bodies:
        command += ["-m", "POST", "-Z", bodies, "-H", f"Idempotency-Key: {os.urandom(8).hex()}"]
        command += ["-H", "Content-Type: application/json"]
    if rate:
        command += ["-q", str(int(rate)), "--latency-correction"]
    machine = Machine([service.process.pid])
    done = subprocess.run([*command, f"http://{service.address}{path}"], capture_output=True, text=True, check=True)
    foreign = machine.foreign()
    said = json.loads(done.stdout)
    bad = {status: count for status, count in said["statusCodeDistribution"].items() if status != "200"}
    # What was in flight when the time was over is no failure.
    bad |= {why: count for why, count in said["errorDistribution"].items() if "deadline" not in why}
    percentiles = said["latencyPercentiles"]
    return {
        "rate": said["summary"]["requestsPerSec"],
        **{name: percentiles[name] * 1e3 for name in ("p50", "p99", "p99.9")},
        "foreign": foreign,
        "bad": bad,
    }


def table(rows):
    print(f"{'':44} {'a second':>9} {'p50 ms':>8} {'p99 ms':>8} {'p99.9 ms':>8} {'foreign':>8}")
    for name, row in rows:
        mark = " THROWN AWAY" if row["foreign"] > FOREIGN_MAX else ""
        bad = f" failed: {row['bad']}" if row["bad"] else ""
        print(
            f"{name:44} {row['rate']:9.0f} {row['p50']:8.1f} {row['p99']:8.1f} {row['p99.9']:8.1f}"
            f" {row['foreign']:8.2f}{mark}{bad}",
            flush=True,
        )


def events_of(sample, folder):
    """The sample's events as lines of JSON, in order of time."""
    import duckdb

    lines = folder / "events.ndjson"
    columns = duckdb.sql(f"DESCRIBE SELECT * FROM '{sample}/events.parquet'").fetchall()
    texts = {"event_id", "member", "original_order", "object"}
    chosen = ", ".join(f"{name}::VARCHAR AS {name}" if name in texts else name for name, *_ in columns)
    duckdb.sql(f"COPY (SELECT {chosen} FROM '{sample}/events.parquet' ORDER BY time) TO '{lines}' (FORMAT json)")
    return lines


def members_of(sample):
    """Members with what a change of theirs says."""
    import duckdb

    consents = {}
    for member, purpose, state, at in duckdb.sql(
        f"SELECT member::VARCHAR, purpose, state, time FROM '{sample}/consents.parquet'"
    ).fetchall():
        consents.setdefault(member, []).append({"purpose": purpose, "state": state, "time": at})
    rows = duckdb.sql(f"SELECT * FROM '{sample}/members.parquet'")
    names = rows.columns
    for row in rows.fetchall():
        known = {name: value for name, value in zip(names, row) if value is not None}
        member = str(known.pop("member"))
        profile = {name: known[name] for name in known if name in PROFILE}
        yield member, {"profile": profile, "consents": consents.get(member, [])}


def imported(options, sample, folder):
    """Takes a sample into a data folder before its service runs, as the files of an export; returns the members."""
    import duckdb

    export = folder / "export"
    export.mkdir()
    texts = {"event_id", "member", "original_order", "object"}
    for table in ("events", "members", "consents"):
        names = [name for name, *_ in duckdb.sql(f"DESCRIBE SELECT * FROM '{sample}/{table}.parquet'").fetchall()]
        chosen = [name for name in names if table != "members" or name in PROFILE | {"member"}]
        columns = ", ".join(f"{name}::VARCHAR AS {name}" if name in texts else name for name in chosen)
        duckdb.sql(f"COPY (SELECT {columns} FROM '{sample}/{table}.parquet') TO '{export}/{table}-0.parquet'")
    began = time.perf_counter()
    command = [options.playbook, "data", "import", ROOT / "playbooks/club.toml", "--data", folder / "data", "--from", export]
    said = json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout)
    took = time.perf_counter() - began
    print(f"{said['events']} events and {said['members']} members imported in {took:.1f} s", flush=True)
    members = duckdb.sql(f"SELECT member FROM '{export}/members-0.parquet'").fetchall()
    return [member for member, in members]


def put_members(service, changes):
    client = service.client()
    for member, change in changes:
        client.call("PUT", f"demo-club/members/{member}", change)


def feed(options, service, folder):
    """Takes the sample into the service; returns members and what it took."""
    lines = events_of(options.sample, folder)
    client, count, began = service.client(), 0, time.perf_counter()
    with lines.open("rb") as file:
        while batch := list(_take(file, LINES)):
            answer = client.call("POST", "demo-club/events/batch", b"".join(batch), "application/x-ndjson")
            if answer["refused"]:
                sys.exit(f"events are refused: {answer['refused'][:3]}")
            count += answer["accepted"]
    took = time.perf_counter() - began
    print(f"{count} events in {took:.1f} s: {count / took:.0f} a second, in batches of {LINES}", flush=True)
    changes = list(members_of(options.sample))
    began = time.perf_counter()
    # Clients that wait for one answer at a time: so many share the groups of the writer.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda part: put_members(service, changes[part::8]), range(8)))
    print(f"{len(changes)} members in {time.perf_counter() - began:.1f} s", flush=True)
    return [member for member, _ in changes]


def _take(lines, count):
    for _ in range(count):
        line = lines.readline()
        if not line:
            return
        yield line


def bodies_of(members, folder):
    """Requests, a line each; the load generator takes any of them."""
    path = folder / "bodies.ndjson"
    path.write_text("".join(json.dumps({"member": member, "at": AT}) + "\n" for member in members))
    return path


def close_cycle(service):
    began = time.perf_counter()
    service.client().call("POST", "demo-club/cycles/close", {"at": AT})
    print(f"a cycle closed in {time.perf_counter() - began:.1f} s", flush=True)


class Feeding:
    """Sends events at a rate in batches, and measures how long one takes to be seen in a member's features."""

    def __init__(self, service, members, rate, seconds):
        self.service, self.members, self.rate, self.seconds = service, members, rate, seconds
        self.sent, self.lags = 0, []
        self.threads = [threading.Thread(target=self.send), threading.Thread(target=self.probe)]

    def event(self, member, name):
        return {"event_id": name, "member": member, "kind": "comment", "time": "2026-06-30T09:00:00+08:00"}

    def send(self):
        client, began, number = self.service.client(), time.perf_counter(), 0
        run, size = os.urandom(4).hex(), max(1, int(self.rate / 10))
        while (at := number / 10) < self.seconds:
            time.sleep(max(0.0, began + at - time.perf_counter()))
            chosen = (self.members[(number * size + i) * 7919 % len(self.members)] for i in range(size))
            batch = "\n".join(json.dumps(self.event(member, f"{run}-{number}-{i}")) for i, member in enumerate(chosen))
            client.call("POST", "demo-club/events/batch", batch.encode(), "application/x-ndjson")
            number += 1
            self.sent += size

    def probe(self):
        client, began, run = self.service.client(), time.perf_counter(), os.urandom(4).hex()
        member, number = f"probe-{run}", 0
        while time.perf_counter() - began < self.seconds:
            number += 1
            sent = time.perf_counter()
            client.call("POST", "demo-club/events", self.event(member, f"{run}-{number}"))
            ask = {"member": member, "at": AT}
            while client.call("POST", "demo-club/decisions/preview", ask)["features"]["interactions_7d"] < number:
                pass
            self.lags.append(time.perf_counter() - sent)
            time.sleep(0.2)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            thread.join()


def raw_commits(folder, group, row_bytes, seconds):
    """Rows a second that SQLite commits durably in groups, as the ledger does: write-ahead log, every commit synced, keys in order
    of time. It is what a service that did nothing but commit could reach."""
    store = sqlite3.connect(folder / f"raw-{os.urandom(4).hex()}.sqlite", isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 100"):
        store.execute(f"PRAGMA {pragma}")
    store.execute("CREATE TABLE row (key INTEGER PRIMARY KEY, value BLOB)")
    count, value, began = 0, os.urandom(row_bytes), time.perf_counter()
    while time.perf_counter() - began < seconds:
        store.execute("BEGIN IMMEDIATE")
        store.executemany("INSERT INTO row VALUES (?, ?)", ((count + i, value) for i in range(group)))
        store.execute("COMMIT")
        count += group
    rate = count / (time.perf_counter() - began)
    store.close()
    return rate


def stored_bytes(service):
    """Bytes of the brand's ledger on disk, its log included."""
    files = (service.folder / "data").rglob("ledger.sqlite*")
    return sum(path.stat().st_size for path in files if not path.name.endswith("-shm"))


def load(options, service, folder):
    members = feed(options, service, folder)
    close_cycle(service)
    print(f"memory {service.memory() / 2**20:.0f} MiB, peak {service.memory('VmHWM') / 2**20:.0f} MiB", flush=True)
    bodies = bodies_of(members, folder)
    decisions, seconds = "/v1/brands/demo-club/decisions", options.seconds
    rows, raws = [], []
    made_of = lambda: [service.metric(f"playbook_brand_{name}_total") for name in ("decisions", "groups")]
    for _ in range(options.rounds):
        rows.append(("empty handler, as fast as it goes", oha(options, service, "/health/live", seconds)))
        (made, groups), stored = made_of(), stored_bytes(service)
        rows.append(("decisions, as fast as it goes", oha(options, service, decisions, seconds, bodies=bodies)))
        made, groups = (after - before for after, before in zip(made_of(), (made, groups)))
        group, row_bytes = round(made / groups), max(1, round((stored_bytes(service) - stored) / made))
        raws.append(raw_commits(folder, group, row_bytes, seconds))
        print(f"raw commits of {group} rows of {row_bytes} bytes: {raws[-1]:.0f} rows a second", flush=True)
    highest = statistics.median(row["rate"] for name, row in rows if name.startswith("decisions"))
    empty = statistics.median(row["rate"] for name, row in rows if name.startswith("empty"))
    half = highest / 2
    for _ in range(options.rounds):
        rows.append((f"decisions at {half:.0f} a second", oha(options, service, decisions, seconds, half, bodies)))
        with Feeding(service, members, half, seconds) as feeding:
            row = oha(options, service, decisions, seconds, half, bodies)
        rows.append((f"the same, and {half:.0f} events a second", row))
        lags = sorted(feeding.lags)
        print(
            f"event to feature: median {statistics.median(lags) * 1e3:.1f} ms, longest {lags[-1] * 1e3:.1f} ms,"
            f" {len(lags)} probes beside {feeding.sent} events",
            flush=True,
        )
    table(rows)
    repeated = service.metric("playbook_brand_decisions_repeated_total")
    made = service.metric("playbook_brand_decisions_total")
    print(f"decisions by empty handler: {highest / empty:.2f}; by raw commits: {highest / statistics.median(raws):.2f}")
    print(f"{made:.0f} decisions made, {repeated:.0f} asked for again; longest commit below {service.longest_commit_ms():.0f} ms")
    print(f"memory {service.memory() / 2**20:.0f} MiB, peak {service.memory('VmHWM') / 2**20:.0f} MiB", flush=True)


def swap(options, service, folder):
    members = feed(options, service, folder)
    close_cycle(service)
    bodies = bodies_of(members, folder)
    decisions = "/v1/brands/demo-club/decisions"
    text = (ROOT / "playbooks/club.toml").read_text()
    other, changed = re.subn(r'(?m)^total = "200_000.00"', 'total = "200_001.00"', text)
    assert changed == 1
    offered = service.client().call("POST", "demo-club/versions", other.encode(), "application/toml")["version"]

    def first_by(version):
        while True:
            said = probe.call("POST", "demo-club/decisions/preview", {"member": members[0], "at": AT})
            if said["version"] == version:
                return time.perf_counter()

    def timed(path):
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(client.call, "POST", f"demo-club/versions/{path}", {})
            version = answer.result()["version"]
            answered = time.perf_counter()
        return (first_by(version) - began) * 1e3, (answered - began) * 1e3

    whole, seconds = oha(options, service, decisions, options.seconds, bodies=bodies), options.seconds
    half = whole["rate"] / 2
    rows = [("decisions, as fast as it goes", whole)]
    rows.append((f"decisions at {half:.0f} a second", oha(options, service, decisions, seconds, half, bodies)))
    took = {"activate, with its trial": [], "roll back": []}
    # Now, because the service closes connections that are idle for long.
    client, probe = service.client(), service.client()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        beside = pool.submit(oha, options, service, decisions, seconds, half, bodies)
        while not beside.done():
            took["activate, with its trial"].append(timed(f"{offered}/activate"))
            took["roll back"].append(timed("rollback"))
            time.sleep(0.5)
        rows.append(("the same, while versions are swapped", beside.result()))
    table(rows)
    for name, values in took.items():
        firsts = sorted(first for first, _ in values)
        print(
            f"{name}: {len(values)} times, from the call to the first decision by it median {statistics.median(firsts):.1f} ms,"
            f" longest {firsts[-1]:.1f} ms"
        )


HEAD = """
[playbook]
id = "bench"
brand = "{brand}"
currency = "CNY"
time_zone = "Asia/Shanghai"
pseudonym_salt = "{brand}"

[cycle]
length = "28d"

[[source]]
name = "events"
table = "events"
path = "events.csv"
[source.map]
event_id = "id"
member = "member"
kind = "kind"
time = "time"
"""

SMALL = HEAD + """\
channel = "channel"
amount_minor = "amount"

[features]
interactions_7d = {{ count = "interaction", window = "7d" }}
interactions_prev7d = {{ count = "interaction", window = {{ from = "14d", to = "7d" }} }}
days_since_last_interaction = {{ recency = "interaction" }}
days_since_join = {{ age = "join" }}
interactions_30d = {{ count = "interaction", window = "30d" }}
points_90d = {{ expression = "interactions_30d * 100", type = "integer" }}

[[stage]]
kind = "scoring"
plugin = "churn-7d@^0.1"

[[stage]]
card = "tier-interactions"

[[stage]]
kind = "incentive"
plugin = "ladder-exchange@^0.1"
bind = {{ points_balance = "points_90d" }}

[budget]
total = "1000.00"
"""


def density(options, folder):
    playbooks = []
    for number in range(options.brands):
        path = folder / f"brand-{number:04}.toml"
        path.write_text(SMALL.format(brand=f"brand-{number:04}"))
        playbooks.append(path)
    for start in ("first start", "start again"):
        with Service(options, folder, playbooks, records_mib=8) as service:
            options.key = service.key
            print(
                f"{options.brands} brands with three plugins each, {start}: ready after {service.ready_s:.2f} s,"
                f" {service.memory() / 2**20:.0f} MiB resident",
                flush=True,
            )
            client, firsts = service.client(), []
            for number in range(0, options.brands, max(1, options.brands // 50)):
                began = time.perf_counter()
                client.call("POST", f"brand-{number:04}/decisions", {"member": f"m-{start}", "at": AT})
                firsts.append((time.perf_counter() - began) * 1e3)
            firsts.sort()
            print(
                f"first decision of an idle brand: median {statistics.median(firsts):.1f} ms, longest {firsts[-1]:.1f} ms;"
                f" then {service.memory() / 2**20:.0f} MiB",
                flush=True,
            )


LOOP = HEAD + """\
[features]
interactions = {{ count = "interaction", window = "7d" }}

[[stage]]
name = "loops"
kind = "incentive"
plugin = {{ path = "{component}" }}
settings = {{ mode = "loop" }}
on_fault = "skip"

[budget]
total = "1000.00"
"""


def loops(options, folder):
    """A brand at a fixed rate, alone and beside brands whose plugins never return, each of them asked all the time."""
    built = [options.playbook, "plugin", "build", "--json", ROOT / "tests/hostile/incentive"]
    built = subprocess.run(built, capture_output=True, text=True, check=True)
    component = json.loads(built.stdout)[0]["component"]
    playbooks = [ROOT / "playbooks/club.toml"]
    for number in range(options.loops):
        path = folder / f"loop-{number:03}.toml"
        path.write_text(LOOP.format(brand=f"loop-{number:03}", component=component))
        playbooks.append(path)
    with Service(options, folder, playbooks, options.records) as service:
        members = feed(options, service, folder)
        close_cycle(service)
        bodies, decisions = bodies_of(members, folder), "/v1/brands/demo-club/decisions"
        rows, seconds = [], options.seconds
        whole = oha(options, service, decisions, seconds, bodies=bodies)
        rate = whole["rate"] / 4
        rows.append(("decisions, as fast as it goes", whole))
        urls = folder / "loops.txt"
        urls.write_text("".join(f"http://{service.address}/v1/brands/loop-{n:03}/decisions\n" for n in range(options.loops)))
        ask = folder / "loop.json"
        ask.write_text(json.dumps({"member": "m", "at": AT}))
        for number in range(options.rounds):
            rows.append((f"decisions at {rate:.0f} a second, alone", oha(options, service, decisions, seconds, rate, bodies)))
            # Each of these brands is asked once a second, until its breaker opens; faults are counted below.
            beside = [options.oha, "--no-tui", "-z", f"{seconds + 4}s", "-c", str(options.loops), "-m", "POST", "-D", ask]
            beside += ["-q", str(options.loops)]
            beside += ["-H", f"Authorization: Bearer {service.key}", "-H", "Content-Type: application/json"]
            beside += ["-H", f"Idempotency-Key: loop-{number}", "--urls-from-file", urls]
            asking = subprocess.Popen(beside, stdout=subprocess.DEVNULL)
            time.sleep(2)
            name = f"the same, beside {options.loops} plugins that never return"
            rows.append((name, oha(options, service, decisions, seconds, rate, bodies)))
            asking.wait()
        table(rows)
        alone, beside = ([row["p99"] for name, row in rows if name.endswith(end)] for end in ("alone", "return"))
        print(f"p99 beside loops by p99 alone: {statistics.median(beside) / statistics.median(alone):.2f}")
        print(f"faults of plugins: {service.metric('playbook_plugin_faults_total'):.0f}")


def growth(options, folder):
    """One service after another over communities of growing size: memory, time to close a cycle, time of decisions."""
    for count in options.members:
        sample = folder / f"sample-{count}"
        subprocess.run([options.playbook, "sample", "--members", str(count), "--seed", "7", "--out", sample], check=True)
        options.sample, options.key = sample, None
        own = folder / str(count)
        own.mkdir()
        print(f"--- {count} members", flush=True)
        members = imported(options, sample, own)
        with Service(options, own, [ROOT / "playbooks/club.toml"], options.records) as service:
            print(f"ready after {service.ready_s:.2f} s", flush=True)
            close_cycle(service)
            bodies, decisions = bodies_of(members, own), "/v1/brands/demo-club/decisions"
            rows = [("decisions, as fast as it goes", oha(options, service, decisions, options.seconds, bodies=bodies))]
            half = rows[0][1]["rate"] / 2
            rows.append((f"decisions at {half:.0f} a second", oha(options, service, decisions, options.seconds, half, bodies)))
            table(rows)
            print(
                f"memory {service.memory() / 2**20:.0f} MiB, peak {service.memory('VmHWM') / 2**20:.0f} MiB,"
                f" on disk {stored_bytes(service) / 2**20:.0f} MiB",
                flush=True,
            )
            options.key = service.key
        with Service(options, own, [ROOT / "playbooks/club.toml"], options.records) as service:
            print(f"start again: ready after {service.ready_s:.2f} s, {service.memory() / 2**20:.0f} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--playbook", required=True, help="the built program")
    parser.add_argument("--oha", default="oha", help="the load generator")
    parser.add_argument("--sample", help="folder of a sample community")
    parser.add_argument("--seconds", type=int, default=20, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--records", type=int, default=4096, help="MiB of records in memory")
    parser.add_argument("--brands", type=int, default=1000)
    parser.add_argument("--loops", type=int, default=100, help="plugins that never return")
    parser.add_argument("--members", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("what", choices=["load", "swap", "loops", "density", "growth"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.what in ("density", "growth"):
            return {"density": density, "growth": growth}[options.what](options, folder)
        if options.sample is None:
            parser.error("a sample is needed: --sample DIR")
        if options.what == "loops":
            return loops(options, folder)
        with Service(options, folder, [ROOT / "playbooks/club.toml"], options.records) as service:
            {"load": load, "swap": swap}[options.what](options, service, folder)


if __name__ == "__main__":
    main()
