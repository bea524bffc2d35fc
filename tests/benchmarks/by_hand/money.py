"""What the incentive plugins propose, which proposals the guardrails let through, and the ledger that books them."""

import sqlite3

import numpy as np
import pyarrow as pa

from .scores import mix, rung
from .terms import (
    AS_OF,
    BRAND,
    CONTACT_CAPS,
    CYCLE,
    DAY,
    HOLDOUT,
    INCENTIVE_RATIO_MIN,
    PLAYBOOK,
    PLUGIN_SHARE_MAX,
    POOLS,
    RESERVE,
    REWARDS,
    SALT,
    SEED,
    SINGLE_INVESTMENT_MAX,
    TIERS,
    TOTAL_MINOR,
)

LADDER, FLOOR = 0, 1
STAGES = ("ladder-exchange", "roi-floor")
STAGE_POOLS = ("daily", "base")
ACTIONS = (("points", "coupon", "custom"), tuple(name for name, *_ in REWARDS))
REASONS = {
    "rung-points": "any behaviour earns points",
    "rung-coupon": "points of 90 days open a coupon",
    "rung-custom": "points of 90 days open a custom reward",
    "fell-back": "a higher rung is not payable or not worth its cost",
    "unproven": "the reward has cost nothing yet",
    "learning": "the reward is in its learning window",
    "full": "the reward returns at least its floor",
    "throttled": "the reward returns less than its floor and goes to fewer members",
}
REASON_CODES = tuple(REASONS)
WHY = {
    "R05": ("no consent for the purpose", "GR-13"),
    "R06": ("holdout or other experiment arm", "H10"),
    "R07": ("law, claim or label rule", "GR-13"),
    "R10": ("commercial cap of the stage", "GR-12"),
    "R13": ("frequency cap", "H9"),
    "R14": ("lost arbitration", "H9"),
    "R15": ("budget", "GR-7"),
}
CODES = ("", *WHY)


def ladder(f):
    """IN-2: the highest reward that is open and worth its cost."""
    points, aov, has_aov = f["behaviour-points.points_30d"], f["aov_minor"], f.known("aov_minor")
    top = rung(points, [1, 200, 2000]) - 1
    order = np.maximum(np.where(has_aov, aov, 10_000), 0).astype(np.float64)
    expected = [np.floor(order * response).astype(np.int64) for response in (0.01, 0.40, 0.60)]
    covered = [np.floor(part / 4.0).astype(np.int64) for part in expected]
    coupon = np.minimum(np.minimum(np.floor(order * 0.10).astype(np.int64), 5000), covered[1])
    costs = [np.full(len(f), 10), coupon, np.full(len(f), 3000)]
    fits = [covered[0] >= 10, has_aov & (coupon > 0), covered[2] >= 3000]
    offered = np.full(len(f), -1)
    for at in range(3):
        offered = np.where((top >= at) & fits[at], at, offered)
    rows = np.flatnonzero(offered >= 0)
    action = offered[rows]
    return {
        "row": rows,
        "stage": np.full(len(rows), LADDER),
        "action": action,
        "quantity": np.where(action == 0, 10, 1),
        "cost": np.choose(action, [cost[rows] for cost in costs]),
        "expected": np.choose(action, [part[rows] for part in expected]),
        "reason": np.where(top[rows] > action, 3, action),
    }


def roi_floor(f, keys, reward):
    """IN-5: a reward drawn by its share of the volume, throttled by what it brought."""
    cost = reward["reward_record.cost_minor"].reindex([name for name, *_ in REWARDS]).fillna(0).to_numpy(dtype=float)
    output = (
        reward["reward_record.attributed_output_minor"]
        .reindex([name for name, *_ in REWARDS])
        .to_numpy(dtype=float, na_value=np.nan)
    )
    age = (
        reward["reward_record.age_days"].reindex([name for name, *_ in REWARDS]).to_numpy(dtype=float, na_value=np.nan)
    )
    realised = np.divide(output, cost, out=np.full(len(cost), np.nan), where=cost > 0)
    learning = age < 14
    proven = np.where(learning, np.nan, realised)
    factor = np.where(learning | np.isnan(realised) | (realised >= 4), 1.0, np.where(realised >= 2, realised / 4, 0.0))
    reason = np.where(learning, 5, np.where(np.isnan(realised), 4, np.where((realised >= 4) | (realised < 2), 6, 7)))
    shares = np.array([share for *_, share in REWARDS])
    shares = shares / shares.sum()
    if np.isfinite(proven).sum() >= 2 and np.nanmin(proven) < np.nanmax(proven):
        low, high = np.nanargmin(proven), np.nanargmax(proven)
        moved = min(0.10, shares[low])
        shares[low] -= moved
        shares[high] += moved
    rows = np.flatnonzero(f.known("aov_minor"))
    bits = mix(keys[rows])
    unit = lambda bits: (bits >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    at = np.minimum(np.searchsorted(np.cumsum(shares), unit(bits), side="right"), len(shares) - 1)
    response, price = np.array([one[2] for one in REWARDS])[at], np.array([one[1] for one in REWARDS])[at]
    expected = np.floor(np.maximum(f["aov_minor"][rows], 0) * response).astype(np.int64)
    goes = (unit(mix(bits, SEED)) < factor[at]) & (expected >= 4.0 * price)
    rows, at = rows[goes], at[goes]
    return {
        "row": rows,
        "stage": np.full(len(rows), FLOOR),
        "action": at,
        "quantity": np.ones(len(rows), dtype=np.int64),
        "cost": price[goes],
        "expected": expected[goes],
        "reason": reason[at],
    }


def in_holdout(db, places, asked, size):
    """H10: a member's place by a hash of its id, the same in every cycle; of the members that are asked for."""
    found, first = first_words(db, asked, "'holdout:' || id")
    held_out = np.zeros(size, dtype=bool)
    held_out[places.of(found)] = first % np.uint64(10_000) < HOLDOUT * 10_000
    return held_out


def pseudonyms(db, places, ids):
    """A number that stands for a member wherever an id must not be."""
    salt = "".join(f"\\x{byte:02X}" for byte in len(SALT).to_bytes(8, "big") + SALT)
    found, first = first_words(db, ids, f"'{salt}'::BLOB || id::VARCHAR::BLOB")
    keys = np.empty(len(ids), dtype=np.int64)
    keys[places.of(found)] = first & np.uint64((1 << 63) - 1)
    return keys


def first_words(db, ids, text):
    """The first eight bytes of a hash of each id, as a number, with the id: threads hand them back in any order."""
    db.register("hashed", pa.table({"id": ids}))
    table = db.sql(f"SELECT id, unhex(left(sha256({text}), 16)) AS h FROM hashed").to_arrow_table()
    words = [
        np.frombuffer(chunk.buffers()[2], dtype=">u8", count=len(chunk), offset=8 * chunk.offset)
        for chunk in table["h"].chunks
    ]
    return table["id"].to_numpy(), np.concatenate(words).astype(np.uint64)


def afford(cost, left):
    """Which of the costs, one after the other, are paid from what is left; one that does not fit is passed over."""
    paid, open_ = np.zeros(len(cost), dtype=bool), np.arange(len(cost))
    while len(open_):
        sums = np.cumsum(cost[open_])
        fit = int(np.searchsorted(sums, left, side="right"))
        paid[open_[:fit]] = True
        left -= int(sums[fit - 1]) if fit else 0
        rest = open_[fit:]
        open_ = rest[cost[rest] <= left]
    return paid


class Ledger:
    """Grants and balances in SQLite."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            CREATE TABLE IF NOT EXISTS accounts (
              path TEXT PRIMARY KEY, allocated INTEGER NOT NULL, reserved INTEGER NOT NULL DEFAULT 0,
              CHECK (reserved BETWEEN 0 AND allocated)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS grants (
              entry INTEGER PRIMARY KEY, cycle INTEGER NOT NULL, stage TEXT NOT NULL, action TEXT NOT NULL,
              member INTEGER NOT NULL, quantity INTEGER NOT NULL, cost INTEGER NOT NULL, expected INTEGER NOT NULL,
              contacts INTEGER NOT NULL, time INTEGER NOT NULL);
            CREATE UNIQUE INDEX IF NOT EXISTS grants_key ON grants (member, cycle, stage, action);
            """
        )
        reserve = round(TOTAL_MINOR * RESERVE)
        rest = TOTAL_MINOR - reserve
        root = f"{BRAND}/{PLAYBOOK}"
        allocated = {BRAND: TOTAL_MINOR, root: rest} | {
            f"{root}/{pool}": int(rest * share) for pool, share in POOLS.items()
        }
        self.db.executemany("INSERT OR IGNORE INTO accounts (path, allocated) VALUES (?, ?)", allocated.items())

    def free(self, pool):
        """Money of a pool that nothing is set aside of."""
        path = f"{BRAND}/{PLAYBOOK}/{pool}"
        return self.db.execute("SELECT allocated - reserved FROM accounts WHERE path = ?", (path,)).fetchone()[0]

    def may_spend(self, pool):
        """Money that one plan or stage may take from a pool."""
        free = self.free(pool)
        return min(int(free * SINGLE_INVESTMENT_MAX), int(free * PLUGIN_SHARE_MAX))

    def contacts(self):
        """Messages of the last day and week by member, and keys that this cycle granted."""
        since = "SELECT member, sum(time > ?), count(*) FROM grants WHERE contacts AND time > ? GROUP BY member"
        past = self.db.execute(since, (AS_OF - DAY, AS_OF - 7 * DAY)).fetchall()
        keys = self.db.execute("SELECT member, stage, action FROM grants WHERE cycle = ?", (CYCLE,)).fetchall()
        return past, keys

    def book(self, p, cost_by_pool):
        """Sets money aside for what was granted: all of it or nothing."""
        granted = np.flatnonzero(p["code"] == 0)
        stages, actions = p["stage"][granted].tolist(), p["action"][granted].tolist()
        names = ((STAGES[stage], ACTIONS[stage][action]) for stage, action in zip(stages, actions))
        numbers = zip(*(p[name][granted].tolist() for name in ("key", "quantity", "cost", "expected", "commercial")))
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(
            f"INSERT INTO grants (cycle, stage, action, member, quantity, cost, expected, contacts, time) "
            f"VALUES ({CYCLE}, ?, ?, ?, ?, ?, ?, ?, {AS_OF})",
            (name + number for name, number in zip(names, numbers)),
        )
        for pool, cost in cost_by_pool.items():
            for path in (BRAND, f"{BRAND}/{PLAYBOOK}", f"{BRAND}/{PLAYBOOK}/{pool}"):
                self.db.execute("UPDATE accounts SET reserved = reserved + ? WHERE path = ?", (cost, path))
        self.db.execute("COMMIT")

    def entries(self):
        """The entries of this cycle."""
        return self.db.execute(
            "SELECT entry, stage, action, member, quantity, cost FROM grants WHERE cycle = ? ORDER BY entry", (CYCLE,)
        ).fetchall()


def arbitrate(f, keys, consent, proposals, held_out, ledger):
    """H6, H9 and the budget: proposals in order of rank, and the code of the first check that refuses each."""
    p = {name: np.concatenate([part[name] for part in proposals]) for name in proposals[0]}
    key = keys[p["row"]]
    commercial = ~((p["stage"] == LADDER) & (p["action"] == 0))
    # Points are of class retention, everything else here is promotion.
    order = np.lexsort((p["action"], p["stage"], key, p["cost"] - p["expected"], commercial))
    p = {name: part[order] for name, part in p.items()}
    commercial, row, key = commercial[order], p["row"], key[order]
    churn, bands = f["churn-7d.level"], np.array(f.categories["age_band"])
    adult = (bands == "adult")[f["age_band"]] & f.known("age_band")
    service_only = (f["open_complaints"] > 0) | (churn == 3) | ~f.known("churn-7d.level")
    code = np.zeros(len(row), dtype=np.int8)
    checks = (
        ("R05", commercial & (consent[row] != 1)),
        ("R06", held_out[row]),
        ("R07", commercial & ~adult[row]),
        ("R10", service_only[row]),
    )
    for name, fails in checks:
        code[(code == 0) & fails] = CODES.index(name)
    past, granted = ledger.contacts()
    if granted:
        raise SystemExit("this cycle has been granted already")
    used = {member: counts for member, *counts in past}
    caps = np.array([CONTACT_CAPS[tier] for tier in TIERS])[f["tier-interactions.tier"][row]]
    before = (
        np.array([used.get(int(member), (0, 0)) for member in key]) if used else np.zeros((len(row), 2), dtype=np.int64)
    )
    room = np.minimum(np.minimum(caps[:, 0], caps[:, 1]) - before[:, 0], caps[:, 2] - before[:, 1])
    asks = np.flatnonzero((code == 0) & commercial)
    by_member = asks[np.argsort(row[asks], kind="stable")]
    ids = row[by_member]
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]) if len(ids) else np.array([], dtype=int)
    nth = np.arange(len(ids)) - np.repeat(starts, np.diff(np.r_[starts, len(ids)]))
    over = nth >= room[by_member]
    code[by_member[over]] = np.where(room[by_member[over]] <= 0, CODES.index("R13"), CODES.index("R14"))
    cost_by_pool = {}
    for stage, pool in enumerate(STAGE_POOLS):
        asks = np.flatnonzero((code == 0) & (p["stage"] == stage))
        paid = afford(p["cost"][asks], ledger.may_spend(pool))
        cost, expected = p["cost"][asks][paid].sum(), p["expected"][asks][paid].sum()
        if expected < INCENTIVE_RATIO_MIN * cost:
            paid[:] = False
        code[asks[~paid]] = CODES.index("R15")
        cost_by_pool[pool] = int(p["cost"][asks][paid].sum())
    p |= {"code": code, "key": key, "commercial": commercial}
    return p, cost_by_pool
