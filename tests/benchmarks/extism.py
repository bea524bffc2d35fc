#!/usr/bin/env python3
"""Times the same kernel over the same rows in the sandbox of `playbook` and in Extism 1.30.0, side by side.

Needs the sandbox's own benchmark, and the host and guest of tests/benchmarks/extism. Cargo prints where it puts the
first; the commands for the other two stand in tests/benchmarks/extism/src/main.rs:

    cargo bench --workspace --bench sandbox --no-run
    python3 tests/benchmarks/extism.py --sandbox target/release/deps/sandbox-0123456789abcdef \\
        --extism target/extism/release/extism-bench \\
        --guest target/extism/wasm32-unknown-unknown/plugin/extism_guest.wasm

Prints microseconds a call and nanoseconds a row of each contender, medians of the rounds, and ratios to the sandbox
with all its limits. Every round runs both programs one after the other, the first of them by turns, so that a slow
moment of the machine meets both alike.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

SANDBOX = "sandbox, fuel and epoch"
EXTISM = "extism, fuel and timeout"


def measures(command):
    """What one run of a benchmark printed: nanoseconds a call by name and rows."""
    # With backtraces on, Extism takes one in every call without fuel: a call of one row then takes twice as long.
    env = {**os.environ, "RUST_BACKTRACE": "0", "RUST_LIB_BACKTRACE": "0"}
    # Where cargo runs it: the benchmark finds its guest from there.
    package = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../host/crates/runtime")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=package)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stderr}")
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not found:
        sys.exit(f"{command[0]} printed no measures")
    return {(one["name"], one["rows"]): one["ns_per_call"] for one in found}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sandbox", required=True, help="the sandbox's benchmark")
    parser.add_argument("--extism", required=True, help="the program extism-bench")
    parser.add_argument("--guest", required=True, help="the plugin extism_guest.wasm")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds is at least 1")
    sandbox, extism, guest = map(os.path.abspath, [arguments.sandbox, arguments.extism, arguments.guest])
    commands = [[sandbox, "--json"], [extism, guest]]
    seen = {}
    for number in range(arguments.rounds):
        for command in commands if number % 2 == 0 else reversed(commands):
            for key, ns in measures(command).items():
                seen.setdefault(key, []).append(ns)
    medians = {key: statistics.median(values) for key, values in seen.items()}
    sizes = sorted({rows for _, rows in medians})
    for rows in sizes:
        base = medians[SANDBOX, rows]
        print(f"{f'rows a call: {rows:,}':30} {'us a call':>10} {'ns a row':>10} {'min':>10} {'max':>10} {'ratio':>7}")
        for name in sorted((name for name, size in medians if size == rows), key=lambda name: medians[name, rows]):
            ns, values = medians[name, rows], [value / rows for value in seen[name, rows]]
            least, most = min(values), max(values)
            print(f"{name:30} {ns / 1e3:10.3f} {ns / rows:10.1f} {least:10.1f} {most:10.1f} {ns / base:7.2f}")
    ahead = {rows: medians[EXTISM, rows] / medians[SANDBOX, rows] for rows in sizes}
    print(f"the sandbox is ahead, both under all limits: {ahead[sizes[0]]:.2f} times a call at {sizes[0]:,} row, "
          f"{ahead[sizes[-1]]:.2f} times a row at {sizes[-1]:,} rows")


if __name__ == "__main__":
    main()
