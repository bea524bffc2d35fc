"""The terms of playbooks/club.toml as constants: time, kinds of events, caps, points, money and guardrails."""

DAY = 86_400_000
AS_OF = 1_782_835_200_000  # 2026-07-01T00:00 in Asia/Shanghai
ZONE = 8 * 3_600_000  # that zone has had no other offset since 1991
TODAY = (AS_OF + ZONE) // DAY
CYCLE = TODAY // 28
CONSENT_SINCE = 1_719_763_200_000  # 24 months earlier
BRAND = "demo-club"
PLAYBOOK = "demo-club"
SALT = f"{BRAND}\0demo-club-2026".encode()
SEED = 2026

INTERACTIONS = (
    "sign_in",
    "like",
    "comment",
    "share",
    "post",
    "topic_join",
    "vote",
    "answer",
    "live_interact",
    "task_done",
    "survey",
    "feedback",
    "review",
    "cocreate_submit",
)
CAMPAIGN_KINDS = (*INTERACTIONS, "live_join", "offline_attend", "order_paid")

# Points a count, and how many of a day count.
POINTS = {
    "sign_in": (1, 1),
    "like": (1, 10),
    "vote": (1, 3),
    "comment": (3, 10),
    "topic_join": (4, 3),
    "live_interact": (3, 5),
    "survey": (5, 1),
    "task_done": (5, 3),
    "share": (5, 3),
    "answer": (6, 5),
    "review": (6, 2),
    "post": (8, 3),
    "feedback": (10, 2),
    "feedback_adopted": (15, None),
    "cocreate_submit": (15, 1),
    "cocreate_accepted": (30, None),
    "referral_join": (20, 5),
}
# Plain counts of a month and of 90 days: name of the feature and kind.
MONTH_COUNTS = {"posts": "post", "answers": "answer", "shares": "share"}
QUARTER_COUNTS = {
    "referral_join": "referral_join",
    "cocreate_submit": "cocreate_submit",
    "cocreate_accepted": "cocreate_accepted",
    "feedback": "feedback",
    "surveys": "survey",
    "reviews": "review",
    "coupon_shares": "coupon_share",
}
PURPOSES = ("marketing", "profiling", "service")
TIERS = ("silent", "prospect", "active", "core")
CHURN = ("ok", "watch", "warn", "critical", "lapsed", "none")

# A fit looks at the members of the lowest keys, and at no more rows of them.
MEMBERS_FITTED_MAX = 131_072
ROWS_FITTED_MAX = 65_536

TOTAL_MINOR = 20_000_000
RESERVE = 0.10
POOLS = {"base": 0.40, "daily": 0.35, "burst": 0.25}
PLUGIN_SHARE_MAX = 0.6
SINGLE_INVESTMENT_MAX = 0.20
INCENTIVE_RATIO_MIN = 4.0
COMMERCIAL_SHARE_MAX = 0.20
HOLDOUT = 0.05
# By tier: messages a day, commercial ones a day, commercial ones in 7 days.
CONTACT_CAPS = {"silent": (1, 1, 1), "prospect": (2, 1, 3), "active": (2, 1, 3), "core": (5, 2, 5)}
REWARDS = (("welcome-coupon", 300, 0.12, 0.5), ("repeat-coupon", 500, 0.18, 0.3), ("sharing-gift", 250, 0.10, 0.2))
