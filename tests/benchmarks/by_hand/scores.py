"""What the scoring and segmentation plugins say of members, in numpy, lifetimes and scikit-learn."""

import warnings

import numpy as np

from .terms import CHURN, MEMBERS_FITTED_MAX, POINTS, ROWS_FITTED_MAX, SEED, TIERS


def rung(values, bounds):
    """How many of the bounds a value reaches."""
    return np.searchsorted(np.asarray(bounds), values, side="right")


def _round(x):
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def mix(keys, seed=SEED):
    """Bits drawn for each key, the same in every run."""
    return _round(_round(keys.astype(np.uint64)) ^ _round(np.array([seed], dtype=np.uint64)))


def value_rfm(f):
    """SC-4: digits of recency, frequency and spend, their sum, and a level."""
    days, bought = f["days_since_last_order"], f.known("days_since_last_order")
    old = days > 365
    r = 5 - np.searchsorted([7, 30, 90, 180], days, side="left")
    m = 1 + rung(f["spend_365d_minor"], [10_000, 30_000, 100_000, 300_000])
    n = 1 + rung(f["orders_365d"], [2, 3, 6, 12])
    r, n, m = (np.where(old, 1, digit) for digit in (r, n, m))
    bonus = (f["reviews_90d"] + f["coupon_shares_90d"] >= 5).astype(int)
    total = np.where(bought, np.minimum(r + n + m + bonus, 15), 0)
    codes = ["000", *(f"{x}{y}{z}" for x in range(1, 6) for y in range(1, 6) for z in range(1, 6))]
    place = np.where(bought, 25 * (r - 1) + 5 * (n - 1) + m, 0)
    f.put("value-rfm.code", place.astype(np.int8), categories=codes)
    f.put("value-rfm.sum", total.astype(np.int8))
    f.put(
        "value-rfm.tier", np.where(bought, rung(total, [7, 12]), 0).astype(np.int8), categories=["low", "mid", "high"]
    )


def behaviour_points(f):
    """SC-1: capped counts by what each is worth, and a point for each full 10 CNY of orders."""
    points = np.maximum(f["order_units_30d"], 0).astype(np.int64)
    for kind, (worth, cap) in POINTS.items():
        count = f[f"{kind}_30d"]
        points += worth * (count if cap is None else np.minimum(count, 30 * cap))
    f.put("behaviour-points.points_30d", points)
    f.put("behaviour-points.points_today", np.zeros(len(f), dtype=np.int8), np.zeros(len(f), dtype=bool))


def participation(f):
    """SC-2: eight indicators against their targets; each is known of everybody here."""
    indicators = (
        (f["interactions_30d"], 50),
        (f["posts_30d"] + f["answers_30d"], 8),
        (f["orders_90d"], 3),
        (f["active_days_30d"], 20),
        (f["shares_30d"] + 3 * f["referral_join_90d"], 10),
        (f["campaigns_joined_30d"], 4),
        (f["cocreate_submit_90d"] + 2 * f["cocreate_accepted_90d"], 2),
        (f["feedback_90d"] + f["surveys_90d"], 3),
    )
    index = np.zeros(len(f))
    for value, target in indicators:
        index += 0.125 * np.minimum(value / target, 1.0)
    f.put("participation-8.index", np.minimum(100 * index, 100.0))
    f.put("participation-8.coverage", np.ones(len(f)))


def churn(f):
    """SC-6: a level by the drop of a week, else by silence; raised by sentiment and complaints."""
    joined, has_joined = f["days_since_join"], f.known("days_since_join")
    silent, has_interacted = f["days_since_last_interaction"], f.known("days_since_last_interaction")
    judged = ~(has_joined & (joined < 14))
    before, now = f["interactions_prev7d"].astype(np.int64), f["interactions_7d"]
    has_drop = (before >= 3) & judged
    drop = np.zeros(len(f))
    drop[has_drop] = (before - now)[has_drop] / before[has_drop]
    sentiment = np.where(f.known("sentiment_30d"), f["sentiment_30d"], 0.0)
    days = np.where(has_interacted, silent, joined)
    by_silence = np.array([0, 1, 4])[rung(days, [14, 30])]
    level = np.where(has_drop, rung(drop, [0.3, 0.5, 0.8]), by_silence)
    worried = (sentiment < -0.3) | (f["open_complaints"] > 0)
    level = np.where(worried, np.array([1, 2, 3, 3, 4])[level], level)
    risk = (
        0.6 * np.maximum(drop, 0)
        + 0.2 * np.minimum(np.where(has_interacted, silent, 0) / 30, 1)
        + 0.2 * np.maximum(-sentiment, 0)
    )
    level = np.where(judged, level, CHURN.index("none"))
    f.put("churn-7d.level", level.astype(np.int8), has_drop | has_interacted | has_joined, CHURN)
    f.put("churn-7d.risk", np.clip(risk, 0, 1), has_drop)
    f.put("churn-7d.drop", drop, has_drop)


def tiers(f):
    """SG-1: tiers by interactions of a month. No cycle was closed before, so that no fall is held back."""
    tier = rung(f["interactions_30d"], [1, 11, 51]).astype(np.int8)
    for name in ("segment", "tier", "counted_tier"):
        f.put(f"tier-interactions.{name}", tier, categories=TIERS)
    f.put("tier-interactions.lower_run", np.zeros(len(f), dtype=np.int8))
    f.put("tier-interactions.young", (f["days_since_join"] < 7).astype(np.int8), f.known("days_since_join"))


def fitted_rows(keys, is_candidate=None):
    """Rows that a fit looks at, by key: of the members of the lowest keys, those of the lowest drawn bits."""
    rows = (
        np.arange(len(keys))
        if len(keys) <= MEMBERS_FITTED_MAX
        else np.argpartition(keys, MEMBERS_FITTED_MAX)[:MEMBERS_FITTED_MAX]
    )
    if is_candidate is not None:
        rows = rows[is_candidate[rows]]
    if len(rows) > ROWS_FITTED_MAX:
        rows = rows[np.argpartition(mix(keys[rows]), ROWS_FITTED_MAX)[:ROWS_FITTED_MAX]]
    return rows[np.argsort(keys[rows])]


def consistent(f):
    """Buyers whose history does not contradict itself."""
    repeats, span, age = f["repeat_days"], f["span_days"], f["age_days"]
    return f.known("age_days") & ((repeats > 0) | (span == 0)) & (span >= 0) & (span <= age)


def fit_ltv(f, keys):
    """SC-10: BG/NBD and Gamma-Gamma on a sample of buyers, equal histories together."""
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    rows = fitted_rows(keys, consistent(f))
    repeats, spend = f["repeat_days"][rows], f["repeat_spend_minor"][rows]
    packed = (repeats.astype(np.int64) << 40) | (f["span_days"][rows].astype(np.int64) << 20) | f["age_days"][rows]
    packed, buyers = np.unique(packed, return_counts=True)
    low = (1 << 20) - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        orders = BetaGeoFitter().fit(packed >> 40, (packed >> 20 & low) / 7, (packed & low) / 7, weights=buyers)
        pays = (repeats > 0) & (spend > 0)
        purses, buyers = np.unique(np.stack([repeats[pays], spend[pays]]), axis=1, return_counts=True)
        purse = GammaGammaFitter().fit(purses[0], purses[1] / purses[0] / 100, weights=buyers)
    return orders, purse


def ltv(f, orders, purse):
    """Expected orders, chance to be alive and to buy, and expected margin of every buyer."""
    good = consistent(f)
    rows = np.flatnonzero(good)
    x, span, age = f["repeat_days"][rows], f["span_days"][rows] / 7, f["age_days"][rows] / 7
    r, alpha = orders.params_["r"], orders.params_["alpha"]
    expected, tendency, alive = (np.empty(len(rows)) for _ in range(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Who bought once is told by the day of it alone.
        once, at = np.flatnonzero(x == 0), np.flatnonzero(x > 0)
        ages, which = np.unique(age[once], return_inverse=True)
        zero = np.zeros(len(ages))
        expected[once] = orders.conditional_expected_number_of_purchases_up_to_time(365 / 7, zero, zero, ages)[which]
        expected[at] = orders.conditional_expected_number_of_purchases_up_to_time(365 / 7, x[at], span[at], age[at])
        alive[once] = 1.0
        alive[at] = orders.conditional_probability_alive(x[at], span[at], age[at])
        mean = np.maximum(f["repeat_spend_minor"][rows], 0) / np.maximum(x, 1) / 100
        order = purse.conditional_expected_average_profit(x, mean)
    tendency = alive * -np.expm1((r + x) * np.log((alpha + age) / (alpha + age + 30 / 7)))
    margin = np.floor(np.maximum(expected, 0) * order * 100 * 0.30 + 0.5)
    columns = {
        "expected_orders": np.maximum(expected, 0),
        "p_alive": alive,
        "purchase_tendency": tendency,
        "ltv_minor": margin,
    }
    for name, part in columns.items():
        values = np.zeros(len(f), dtype=np.int64 if name == "ltv_minor" else np.float64)
        values[rows] = part
        f.put(f"ltv-bgnbd.{name}", values, good)


CLUSTERED = ("interactions_30d", "active_days_30d", "orders_365d", "spend_365d_minor")


CLUSTERS, STARTS, ROUNDS_MAX, TRIED_MAX = 4, 8, 50, 4096


def picked(rows, pick):
    """Rows to begin with, one after the other by their squared distances to those before."""
    start, gaps = [], np.full(len(rows), np.inf)
    for nth in range(CLUSTERS):
        start.append(rows[pick(nth, gaps)])
        gaps = np.minimum(gaps, ((rows - start[-1]) ** 2).sum(axis=1))
    return np.array(start)


def drawn(seed):
    """k-means++ with numbers that the seed gives."""

    def pick(nth, gaps):
        fraction = float(mix(np.array([nth + 1]), seed)[0] >> np.uint64(11)) / float(1 << 53)
        if nth == 0:
            return int(fraction * len(gaps))
        sums = np.cumsum(gaps)
        return np.searchsorted(sums, fraction * sums[-1], side="right")

    return pick


def lloyd(rows, start):
    """Lloyd's algorithm from one start."""
    from sklearn.cluster import KMeans

    return KMeans(CLUSTERS, init=start, n_init=1, max_iter=ROUNDS_MAX, tol=0, algorithm="lloyd").fit(rows)


def best_of_starts(rows):
    """The farthest rows, or the best of the drawn starts, which are tried on a part of the rows; clusters stand in the
    order of their first rows."""
    best = lloyd(rows, picked(rows, lambda _, gaps: gaps.argmax()))
    part = rows[:: -(-len(rows) // TRIED_MAX)]
    seeds = (mix(np.array([nth]), SEED)[0] for nth in range(1, STARTS))
    tried = min((lloyd(part, picked(part, drawn(seed))) for seed in seeds), key=lambda model: model.inertia_)
    tried = lloyd(rows, tried.cluster_centers_)
    if tried.inertia_ < best.inertia_:
        best = tried
    _, first = np.unique(best.labels_, return_index=True)
    best.cluster_centers_ = best.cluster_centers_[np.argsort(first)]
    return best


def clusters(f, keys):
    """SG-9: four clusters of standardised features."""
    whole = np.stack([f[name] for name in CLUSTERED], axis=1).astype(np.float64)
    rows = whole[fitted_rows(keys)]
    means, deviations = rows.mean(axis=0), rows.std(axis=0)
    deviations[deviations == 0] = 1.0
    model = best_of_starts((rows - means) / deviations)
    whole -= means
    whole /= deviations
    cluster = model.predict(whole)
    distance = np.sqrt(((whole - model.cluster_centers_[cluster]) ** 2).sum(axis=1))
    f.put("kmeans.segment", cluster.astype(np.int8), categories=[f"cluster-{nth}" for nth in range(1, 5)])
    f.put("kmeans.distance", distance)
    names = [f"{side}-{name.replace('_', '-')}" for name in CLUSTERED for side in ("high", "low")]
    largest = np.argsort(-np.abs(model.cluster_centers_), axis=1, kind="stable")
    for name, place in (("mark", 0), ("second_mark", 1)):
        feature = largest[:, place]
        side = model.cluster_centers_[np.arange(4), feature] < 0
        f.put(f"kmeans.{name}", (2 * feature + side).astype(np.int8)[cluster], categories=names)
    return model


SCORES = (
    "value-rfm.code",
    "value-rfm.sum",
    "value-rfm.tier",
    "behaviour-points.points_30d",
    "behaviour-points.points_today",
    "participation-8.index",
    "participation-8.coverage",
    "churn-7d.level",
    "churn-7d.risk",
    "churn-7d.drop",
    "ltv-bgnbd.expected_orders",
    "ltv-bgnbd.p_alive",
    "ltv-bgnbd.purchase_tendency",
    "ltv-bgnbd.ltv_minor",
    "tier-interactions.segment",
    "tier-interactions.tier",
    "tier-interactions.counted_tier",
    "tier-interactions.lower_run",
    "tier-interactions.young",
    "kmeans.segment",
    "kmeans.distance",
    "kmeans.mark",
    "kmeans.second_mark",
)
