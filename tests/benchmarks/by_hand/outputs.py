"""Files of a run: tables for programs and spreadsheets, plans as JSON, the page, the record with its digests."""

import csv
import html
import json
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from .intake import digests
from .money import ACTIONS, CODES, REASON_CODES, REASONS, STAGE_POOLS, STAGES, WHY
from .terms import BRAND, CHURN, PLAYBOOK, TIERS


def members(table, path):
    """members.parquet; a dictionary for texts alone, which takes a fifth less time."""
    texts = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    pq.write_table(table, path, compression="zstd", use_dictionary=texts)


def _names(places, names):
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(list(names), type=pa.string()))


def _same(text, rows):
    return _names(np.zeros(rows, dtype=np.int32), [text])


def _write(columns, path):
    options = pacsv.WriteOptions(quoting_style="needed", quoting_header="none")
    pacsv.write_csv(pa.table(columns), path, options)


def decisions(p, ids, out):
    """grants.csv and refused.csv, both in order of arbitration."""
    flat = [action for actions in ACTIONS for action in actions]
    action = p["action"] + len(ACTIONS[0]) * p["stage"]

    def of(rows):
        return {
            "member": ids[p["row"][rows]],
            "stage": _names(p["stage"][rows], STAGES),
            "action": _names(action[rows], flat),
            "quantity": p["quantity"][rows],
            "cost_minor": p["cost"][rows],
            "expected_output_minor": p["expected"][rows],
            "reason_code": _names(p["reason"][rows], REASON_CODES),
        }

    granted, refused = np.flatnonzero(p["code"] == 0), np.flatnonzero(p["code"] > 0)
    status = ((p["stage"] == 0) & (p["action"] == 2))[granted]
    _write(
        of(granted)
        | {
            "reason": _names(p["reason"][granted], REASONS.values()),
            "not_before": _same("2026-07-01T00:00:00+08:00", len(granted)),
            "not_after": _same("", len(granted)),
            "status": _names(status, ["granted", "waits for approval"]),
        },
        os.path.join(out, "grants.csv"),
    )
    code = p["code"][refused]
    # A message is lost to the one that took the last slot of the member: the better of its two.
    lost = np.zeros(len(refused), dtype=np.int64)
    for at in np.flatnonzero(code == CODES.index("R14")):
        rivals = np.flatnonzero(
            (p["row"] == p["row"][refused[at]]) & (p["code"] != CODES.index("R14")) & p["commercial"]
        )
        lost[at] = 1 + action[rivals[0]] if len(rivals) else 0
    winners = ["", *(f"{stage}/{action}" for stage, actions in zip(STAGES, ACTIONS) for action in actions)]
    _write(
        of(refused)
        | {
            "code": _names(code, CODES),
            "why": _names(code, ["", *(why for why, _ in WHY.values())]),
            "rule": _names(code, ["", *(rule for _, rule in WHY.values())]),
            "lost_to": _names(lost, winners),
        },
        os.path.join(out, "refused.csv"),
    )


def ledger(entries, path):
    """ledger.csv."""
    entry, stage, action, member, quantity, cost = zip(*entries) if entries else [()] * 6
    accounts = {stage: f"{BRAND}/{PLAYBOOK}/{pool}/{stage}" for stage, pool in zip(STAGES, STAGE_POOLS)}
    stage, action = pa.array(stage, type=pa.string()), pa.array(action, type=pa.string())
    coded = stage.dictionary_encode()
    account = pa.DictionaryArray.from_arrays(
        coded.indices, pa.array([accounts[one.as_py()] for one in coded.dictionary], type=pa.string())
    )
    _write(
        {
            "entry": pa.array(entry),
            "kind": _same("reserve", len(entry)),
            "account": account,
            "amount_minor": pa.array(cost),
            "stage": stage,
            "action": action,
            "member_pseudonym": pa.array(member),
            "quantity": pa.array(quantity),
        },
        path,
    )


def rows(path, header, lines):
    """A small CSV file."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


def as_json(path, value):
    """A JSON file."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=2, sort_keys=True, default=str)
        file.write("\n")


def tables(channel, reward, brand, out):
    """A file for each subject, and roi.csv with those that were valued."""
    os.makedirs(os.path.join(out, "tables"), exist_ok=True)
    of_brand = pd.DataFrame([brand], index=pd.Index([BRAND], name="brand"))
    for name, table in (("channel", channel), ("reward", reward), ("brand", of_brand)):
        table.to_csv(os.path.join(out, "tables", f"{name}.csv"))
    valued = pd.concat({"brand": of_brand, "channel": channel}, names=["subject", "key"])
    valued.to_csv(os.path.join(out, "roi.csv"))


def bars(title, values):
    """A chart of bars as SVG in a section with a heading."""
    most = max([abs(value) for value in values.values()] + [1e-9])
    lines = []
    for at, (name, value) in enumerate(values.items()):
        width, y = 380 * abs(value) / most, 22 * at + 16
        lines.append(
            f'<text x="150" y="{y}" text-anchor="end">{html.escape(str(name))}</text>'
            f'<rect x="158" y="{y - 12}" width="{width:.1f}" height="15" fill="#47c"/>'
            f'<text x="{164 + width:.1f}" y="{y}">{value:,.4g}</text>'
        )
    size = f'width="640" height="{22 * len(values) + 8}" font-family="sans-serif" font-size="12"'
    svg = f"<svg {size}>{''.join(lines)}</svg>"
    return f"<section><h2>{html.escape(title)}</h2>{svg}</section>"


def report(f, p, channel, brand, plan, findings, path):
    """The page: figures, charts and tables."""
    count = lambda name, names: dict(zip(names, np.bincount(f[name][f.known(name)], minlength=len(names)).tolist()))
    granted = p["code"] == 0
    flat = [f"{stage}/{action}" for stage, actions in zip(STAGES, ACTIONS) for action in actions]
    action = np.array(p["action"] + len(ACTIONS[0]) * p["stage"])
    points = np.histogram(f["behaviour-points.points_30d"], bins=[0, 1, 5, 10, 25, 50, 100, 200, 500, 1 << 40])[0]
    sections = [
        bars("Tiers", count("tier-interactions.segment", TIERS)),
        bars("Churn", count("churn-7d.level", CHURN)),
        bars("Value", count("value-rfm.tier", f.categories["value-rfm.tier"])),
        bars("Clusters", count("kmeans.segment", f.categories["kmeans.segment"])),
        bars(
            "Points of 30 days",
            dict(zip(["0", "1+", "5+", "10+", "25+", "50+", "100+", "200+", "500+"], points.tolist())),
        ),
        bars("Granted", dict(zip(flat, np.bincount(action[granted], minlength=6).tolist()))),
        bars(
            "Cost of grants, minor units",
            dict(zip(flat, np.bincount(action[granted], p["cost"][granted], minlength=6).tolist())),
        ),
        bars("Refused", dict(zip(CODES[1:], np.bincount(p["code"], minlength=len(CODES))[1:].tolist()))),
        bars("Return by channel", channel["roi-base.roi"].to_dict()),
        bars(
            "Health",
            {
                name[12:]: value
                for name, value in brand.items()
                if name.startswith("health-7x28.") and isinstance(value, float)
            },
        ),
        bars(
            "Campaign, minor units",
            {f"{one['phase']} {one['place']}": one["amount_minor"] for one in plan["allocations"]},
        ),
        "<section><h2>Findings</h2>" + pd.DataFrame(findings).to_html(index=False) + "</section>",
        "<section><h2>Channels</h2>" + channel.to_html() + "</section>",
    ]
    figures = f"<p>{len(f):,} members, {int(granted.sum()):,} grants for {p['cost'][granted].sum() / 100:,.2f} CNY</p>"
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            '<!doctype html><meta charset="utf-8"><title>Demo club</title><h1>Demo club</h1>'
            f"{figures}{''.join(sections)}"
        )


def record(out, facts, laps):
    """run.json, the last file: what stands in it, the digest of every other file, and the seconds of the parts."""
    names = sorted(
        os.path.relpath(os.path.join(folder, name), out) for folder, _, files in os.walk(out) for name in files
    )
    facts |= {"outputs": digests(out, names)}
    laps.end("record")
    as_json(os.path.join(out, "run.json"), facts | {"timings": {"seconds": laps.parts, "beside": laps.beside}})
