"""Tables of channels, rewards and the brand; what the roi, campaign and diagnosis plugins make of them."""

import numpy as np
import pandas as pd

from .intake import since
from .terms import AS_OF, BRAND, COMMERCIAL_SHARE_MAX, DAY, TIERS

# Bounds of the 28 indicators (score 0, score 5), four a dimension.
HEALTH = {
    "activity": {
        "wau_ratio": (0.05, 0.30),
        "dau_ratio": (0.05, 0.15),
        "interactions_per_member_day": (0.2, 3.0),
        "retention_d30": (0.30, 0.68),
    },
    "interaction_quality": {
        "content_relevance": (2.0, 4.3),
        "reply_median_min": (60.0, 5.0),
        "thread_share": (0.10, 0.50),
        "idle_share": (0.50, 0.20),
    },
    "conversion_efficiency": {
        "monthly_conversion": (0.01, 0.08),
        "repurchase_90d": (0.10, 0.45),
        "contacts_to_first_order": (20.0, 5.0),
        "incentive_output_ratio": (1.0, 4.0),
    },
    "user_layering": {
        "tag_coverage": (0.20, 0.80),
        "tag_accuracy": (0.50, 0.85),
        "high_value_share": (0.01, 0.20),
        "precise_reach": (0.18, 0.60),
    },
    "content_innovation": {
        "ugc_share": (0.15, 0.65),
        "near_duplicate_share_30d": (0.70, 0.20),
        "video_share": (0.20, 0.70),
        "themes_4w": (0.0, 4.0),
    },
    "system_support": {
        "availability_30d": (0.99, 0.9999),
        "sync_lag_p95_min": (60.0, 5.0),
        "data_accuracy": (0.90, 0.98),
        "automation_rate": (0.20, 0.89),
    },
    "brand_fit": {
        "brand_tag_share": (0.10, 0.60),
        "nps": (0.0, 60.0),
        "brand_consistency": (0.70, 1.00),
        "positive_brand_share": (0.40, 0.80),
    },
}
# What lifts an indicator, most useful first.
PACKAGES = {
    "wau_ratio": ("activity-lift", "win-back"),
    "dau_ratio": ("activity-lift", "tasks-and-mall"),
    "interactions_per_member_day": ("interaction-levels", "activity-lift"),
    "retention_d30": ("win-back", "tasks-and-mall"),
    "content_relevance": ("content-mix", "hot-topic"),
    "reply_median_min": ("send-time", "interaction-levels"),
    "thread_share": ("interaction-levels", "hot-topic"),
    "idle_share": ("content-mix", "interaction-levels"),
    "monthly_conversion": ("scene-loop", "stages-4"),
    "repurchase_90d": ("ladder-exchange", "scene-loop"),
    "contacts_to_first_order": ("send-time", "scene-loop"),
    "incentive_output_ratio": ("roi-floor", "ladder-exchange"),
    "tag_coverage": ("tasks-and-mall", "recommend"),
    "tag_accuracy": ("recommend", "tasks-and-mall"),
    "high_value_share": ("membership", "ladder-exchange"),
    "precise_reach": ("send-time", "recommend"),
    "ugc_share": ("cocreate", "interaction-levels"),
    "near_duplicate_share_30d": ("content-mix", "cocreate"),
    "video_share": ("content-mix", "hot-topic"),
    "themes_4w": ("hot-topic", "content-mix"),
    "availability_30d": ("send-time", "stages-4"),
    "sync_lag_p95_min": ("send-time", "stages-4"),
    "data_accuracy": ("stages-4", "send-time"),
    "automation_rate": ("send-time", "tasks-and-mall"),
    "brand_tag_share": ("content-mix", "cocreate"),
    "nps": ("interaction-levels", "membership"),
    "brand_consistency": ("content-mix", "stages-4"),
    "positive_brand_share": ("interaction-levels", "cocreate"),
}
HEALTH_PREFIX = "health-7x28."
CALENDAR = ("date", "time", "stage", "phase", "place", "format", "layer", "theme", "commercial", "status")
LEVELS = ("critical", "weak", "watch", "healthy")
COEFFICIENTS = {"silent": 1.0, "prospect": 1.0, "active": 1.4, "core": 1.8}


def month_rows(db):
    """What the tables need of orders, costs and entries."""
    orders = db.execute(f"SELECT member, channel, amount, goods, weight FROM orders WHERE {since(28)}").df()
    costs = db.execute(
        f"""SELECT channel, sum(amount_minor)::BIGINT AS cost_minor,
              coalesce(sum(delivered), 0)::BIGINT AS delivered_28d,
              coalesce(sum(complaints), 0)::BIGINT AS complaints_28d
            FROM costs WHERE day >= {AS_OF - 28 * DAY} AND day < {AS_OF} GROUP BY channel"""
    ).df()
    entries = db.execute(
        f"""SELECT subject, key, metric, arg_max(value, day) AS value FROM entries WHERE day < {AS_OF}
            GROUP BY ALL ORDER BY ALL"""
    ).df()
    channels = db.execute(
        f"SELECT DISTINCT channel FROM events WHERE time < {AS_OF} AND channel IS NOT NULL ORDER BY 1"
    ).df()
    return orders, costs, entries, channels


def tables(f, places, rows):
    """The three tables."""
    orders, costs, entries, channels = rows
    orders["tier"] = np.array(TIERS)[f["tier-interactions.tier"][places.of(orders["member"].to_numpy())]]
    by = orders.groupby("channel")
    channel = pd.DataFrame(index=pd.Index(channels["channel"], name="channel").union(costs["channel"]))
    channel["revenue_minor"], channel["orders_28d"] = by["amount"].sum(), by["weight"].sum()
    channel["goods_minor"] = by["goods"].sum()
    split = orders.pivot_table(index="channel", columns="tier", values="amount", aggfunc="sum")
    for tier in sorted(TIERS):
        channel[f"revenue_by_tier.{tier}"] = split[tier] if tier in split else 0
    channel = channel.join(costs.set_index("channel")).fillna(0).astype("int64")
    names = np.array(f.categories["channel"])
    active = pd.Series(f["active_7d"]).groupby(f["channel"]).mean()
    channel["channel_wau_ratio"] = pd.Series(active.to_numpy(), index=names[active.index])
    shares = entries[entries["subject"] == "channel"].pivot(index="key", columns="metric", values="value")
    for metric in shares:
        channel[f"channel_share.{metric}"] = shares[metric]
    for metric in shares:
        channel[f"channel_flag.{metric}"] = np.floor(shares[metric] + 0.5).astype("Int64")
    revenue = channel["revenue_minor"]
    channel["margin_rate"] = (revenue - channel["goods_minor"]) / revenue.where(revenue != 0)
    channel["complaint_rate"] = channel["complaints_28d"] / channel["delivered_28d"].where(
        channel["delivered_28d"] != 0
    )

    reward = entries[entries["subject"] == "reward"].pivot(index="key", columns="metric", values="value")
    reward = reward.round().astype("Int64").add_prefix("reward_record.")
    reward.insert(0, "reward_name", reward.index)
    reward.index.name = "reward"

    again = f.known("bought_again_90d")
    brand = {
        "wau_ratio": f["active_7d"].mean(),
        "active_members": int(f["active_30d"].sum()),
        "dau_ratio": f["active_1d"].mean(),
        "interactions_mean_30d": f["interactions_30d"].mean(),
        "monthly_conversion": f["bought_30d"].mean(),
        "repurchase_90d": f["bought_again_90d"][again].mean(),
        "high_value_share": f["is_high_value"].mean(),
    }
    figures = entries[entries["subject"] == "brand"]
    brand |= {f"figure.{metric}": value for metric, value in zip(figures["metric"], figures["value"])}
    brand["interactions_per_member_day"] = brand["interactions_mean_30d"] / 30.0
    return channel, reward, brand


def roi(channel, brand):
    """RO-1 and RO-2: return of every channel and of the brand, premium of its activity."""
    tiered = channel[[f"revenue_by_tier.{tier}" for tier in TIERS]].clip(lower=0)
    weighted = sum(tiered[f"revenue_by_tier.{tier}"] * coefficient for tier, coefficient in COEFFICIENTS.items())
    whole = np.maximum(channel["revenue_minor"], tiered.sum(axis=1))
    coefficient = ((weighted + (whole - tiered.sum(axis=1))) / whole.where(whole > 0)).astype(float)
    cost = channel["cost_minor"].where(channel["cost_minor"] > 0)
    channel["roi-base.margin_ratio"] = channel["revenue_minor"] * channel["margin_rate"].fillna(0.30) / cost
    channel.insert(len(channel.columns) - 1, "roi-base.roi", channel["roi-base.margin_ratio"] * coefficient.fillna(1.0))
    channel["roi-base.ltv_coefficient"] = coefficient
    known = channel["roi-base.roi"].notna()
    costs = channel["cost_minor"][known]
    brand["roi-base.brand_roi"] = (channel["roi-base.roi"][known] * costs).sum() / costs.sum()
    brand["roi-base.premium"] = min(max(1 + 0.03 * (brand["wau_ratio"] - 0.20) / 0.10, 1.0), 1.30)
    brand["roi-base.brand_value_factor"] = None
    return [
        {"level": "warn", "code": "below-floor", "key": key, "value": value, "threshold": 1.5}
        for key, value in channel["roi-base.roi"].items()
        if value < 1.5
    ]


def health(brand):
    """DG-1: scores of indicators, dimensions and the whole, the weakest, and what would lift them."""
    scores, measures, findings = {}, {}, []
    for indicators in HEALTH.values():
        for name, (low, high) in indicators.items():
            measure = brand.get(name, brand.get(f"figure.{name}"))
            if measure is not None:
                measures[name] = measure
                scores[name] = 5 * min(max((measure - low) / (high - low), 0.0), 1.0) + 0.0
    dimensions = {}
    for dimension, indicators in HEALTH.items():
        known = [scores[name] for name in indicators if name in scores]
        dimensions[dimension] = sum(known) / len(known) if len(known) >= 2 else None
    known = [score for score in dimensions.values() if score is not None]
    total = sum(known) / len(known) if len(known) >= 5 else None
    weakest = sorted(scores, key=scores.get)[:3]
    level = None if total is None else LEVELS[sum(total >= bound for bound in (2, 3, 4))]
    out = {f"health-7x28.{name}_score": score for name, score in scores.items()}
    out |= {f"health-7x28.{name}": score for name, score in dimensions.items()}
    out |= {"health-7x28.total": total, "health-7x28.level": level}
    out |= {f"health-7x28.weakest_{nth}": name for nth, name in enumerate(weakest, 1)}
    if total is not None and total < 3:
        findings.append(
            {"level": "critical" if total < 2 else "warn", "code": "total-low", "value": total, "threshold": 3.0}
        )
    for name in (name for indicators in HEALTH.values() for name in indicators):
        if name in weakest and scores[name] < 3:
            low, high = next(indicators[name] for indicators in HEALTH.values() if name in indicators)
            findings.append(
                {
                    "level": "warn" if scores[name] < 1.5 else "watch",
                    "code": f"low-{name.replace('_', '-')}",
                    "place": {"subject": "brand", "key": BRAND},
                    "value": measures[name],
                    "threshold": low + 0.6 * (high - low),
                    "suggests": PACKAGES[name],
                }
            )
    brand |= out
    return findings


def split(amount, shares):
    """An amount by shares without losing a unit: floors, then one each to the greatest remainders."""
    exact = amount * (np.asarray(shares) / np.sum(shares))
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[: int(amount - parts.sum())]] += 1
    return parts


def _next(targets, planned):
    lag = np.asarray(targets) - planned / max(planned.sum(), 1)
    best = 0
    for at in range(1, len(lag)):
        best = at if lag[at] > lag[best] + 1e-9 else best
    planned[best] += 1
    return best


def weights(channel):
    """RO-9 and RO-10: new weights of channels by their health, the core ones held in their band."""
    parts = (
        (0.4, np.clip(channel["roi-base.roi"] / 3.2, 0, 1)),
        (0.2, np.clip(channel["channel_wau_ratio"] / 0.30, 0, 1)),
        (0.2, np.clip(channel["channel_share.delivery_rate"], 0, 1)),
        (0.2, 1 - np.clip(channel["complaint_rate"] / 0.01, 0, 1)),
    )
    known = sum(weight * part.notna() for weight, part in parts)
    health = (sum(weight * part.fillna(0) for weight, part in parts) / known.where(known >= 0.5 - 1e-9)).clip(upper=1)
    old = channel["channel_share.weight"].fillna(0.05).clip(lower=0)
    old = old / old.sum()
    wanted = old * (1 + 0.5 * (health - health.mean()).fillna(0))
    new = wanted.clip(old * 0.8, old * 1.2).clip(lower=0.05)
    new = new.where(channel["channel_flag.trial"].fillna(0) == 0, new.clip(upper=0.10))
    new = new / new.sum()
    core = channel["channel_flag.core"].fillna(0) != 0
    whole = new[core].sum()
    if core.any() and (~core).any() and 0 < whole < 1:
        held = min(max(whole, 0.55), 0.60)
        new = new * np.where(core, held / whole, (1 - held) / (1 - whole))
    return health, new


def campaign(channel, budget):
    """CA-1 and CA-4: three phases with money by channel, content shares, and publications by day."""
    health, new = weights(channel)
    names, days, shares = ("preheat", "burst", "extension"), (7, 3, 6), (0.20, 0.50, 0.30)
    themes = ("brand-story", "user-value", "emotional-resonance")
    mixes = {
        "format": (("image-text", "short-video", "live"), (0.30, 0.40, 0.30)),
        "layer": (("base", "core", "value-added"), (0.60, 0.25, 0.15)),
        "commercial": (("value", "commercial"), (0.80, 0.20)),
    }
    planned = {mix: np.zeros(len(targets)) for mix, (_, targets) in mixes.items()} | {"place": np.zeros(len(new))}
    money, first = split(budget, shares), 0
    plan = {"phases": [], "allocations": [], "content": [], "findings": []}
    slots, all_slots, commercial_slots = [], 0, 0
    for name, length, amount, theme in zip(names, days, money, themes):
        plan["phases"].append({"name": name, "from": _date(first), "days": length, "budget_minor": int(amount)})
        for place, part in zip(channel.index, split(amount, new)):
            plan["allocations"].append({"phase": name, "place": place, "amount_minor": int(part)})
        for mix, (categories, targets) in mixes.items():
            for category, target in zip(categories, targets):
                plan["content"].append(
                    {
                        "phase": name,
                        "mix": mix,
                        "category": category,
                        "least": max(target - 0.05, 0),
                        "target": target,
                        "most": min(target + 0.05, 1),
                    }
                )
        for day in range(first, first + length):
            for minute in (600, 840, 1200):
                place = channel.index[_next(new, planned["place"])]
                chosen = {mix: categories[_next(targets, planned[mix])] for mix, (categories, targets) in mixes.items()}
                commercial = chosen["commercial"] == "commercial"
                over = commercial and commercial_slots + 1 > max(COMMERCIAL_SHARE_MAX * (all_slots + 1), 1)
                if not over:
                    all_slots, commercial_slots = all_slots + 1, commercial_slots + commercial
                slots.append(
                    (
                        _date(day),
                        f"{minute // 60:02}:{minute % 60:02}",
                        "phases-3",
                        name,
                        place,
                        chosen["format"],
                        chosen["layer"],
                        theme,
                        str(commercial).lower(),
                        "refused: R10 (GR-2)" if over else "planned",
                    )
                )
        first += length
    plan["findings"] = [
        {"level": "watch", "code": "weak-channel", "key": key, "value": value, "threshold": 0.40}
        for key, value in health.items()
        if value < 0.40
    ]
    return plan, slots


def _date(day):
    return str(np.datetime64("2026-07-01") + day)
