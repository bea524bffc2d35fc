"""Seconds and peak memory of commands, for the benchmarks that run several programs side by side."""

import statistics
import subprocess
import sys
import time


def timed(command):
    """Seconds of one run of a command."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, error = process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{error.decode()}")
    return seconds


def usage(command):
    """Peak resident memory of one run in bytes and its processor seconds.

    From a child of its own, so that runs do not mix.
    """
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL,"
        " stderr=subprocess.DEVNULL); used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        " print(used.ru_maxrss * 1024, used.ru_utime + used.ru_stime)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    memory, processor = done.stdout.split()
    return int(memory), float(processor)


def peak(command):
    """Peak resident memory of one run in bytes."""
    return usage(command)[0]


def print_table(seconds, peaks, base):
    """Median, least and most seconds of each name, its ratio to `base`, and its peak in MiB."""
    whole = statistics.median(seconds[base])
    print(f"{'':14} {'median s':>9} {'min':>7} {'max':>7} {'ratio':>7} {'peak MiB':>9}")
    for name, values in seconds.items():
        median = statistics.median(values)
        memory = peaks[name] / 2**20
        print(f"{name:14} {median:9.2f} {min(values):7.2f} {max(values):7.2f} {median / whole:7.2f} {memory:9.0f}")
