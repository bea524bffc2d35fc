//! What a transaction asks of the database, as text. The first parameter is the brand: that a rule of the database shows no other
//! is the second lock, not the only one.
//!
//! Each is written so that it can go no other way than that of its key, whatever the planner knows of the tables: they are planned
//! once, perhaps when there is nothing in them. A test looks at the plans.

macro_rules! entries {
    ($tail:literal) => {
        concat!(
            "SELECT e.number, e.kind, e.account, e.recipient, e.amount, e.closes, e.bound, e.key, e.request, \
             e.member, e.stage, e.action, e.family, e.quantity, e.expected_output, e.flags, e.hash",
            $tail
        )
    };
}

pub(super) const FROM: &str = entries!(
    ", 0::bigint FROM entries e WHERE e.brand = $1 AND e.number >= $2 ORDER BY e.number LIMIT $3"
);
/// Of each group its entries; not the other way round, whatever the planner thinks (`OFFSET 0`).
pub(super) const CYCLE: &str = entries!(
    ", g.at FROM groups g CROSS JOIN LATERAL (SELECT * FROM entries e \
     WHERE e.brand = $1 AND e.number >= g.first AND e.number < g.past ORDER BY e.number OFFSET 0) e \
     WHERE g.brand = $1 AND g.playbook = $2 AND g.cycle = $3 ORDER BY g.number, e.number"
);
pub(super) const SINCE: &str = entries!(
    ", g.at FROM groups g CROSS JOIN LATERAL (SELECT * FROM entries e \
     WHERE e.brand = $1 AND e.number >= g.first AND e.number < g.past ORDER BY e.number OFFSET 0) e \
     WHERE g.brand = $1 AND g.number >= (SELECT min(number) FROM groups WHERE brand = $1 AND at > $2) \
     AND (g.at > $2 OR e.closes IS NOT NULL) ORDER BY g.number, e.number"
);
/// Of groups that begin where an entry could be, the last one holds it: those before it are empty. The first entry from a
/// grant's number on is the grant; asked so, one index alone has the order.
pub(super) const MEMBERS: &str = entries!(
    ", (SELECT g.at FROM groups g WHERE g.brand = $1 AND g.first <= e.number \
     ORDER BY g.first DESC, g.number DESC LIMIT 1) \
     FROM unnest($2::bigint[]) AS w (member) CROSS JOIN LATERAL (\
         SELECT number FROM entries WHERE brand = $1 AND member = w.member AND kind = 1 OFFSET 0) m \
     CROSS JOIN LATERAL (\
         (SELECT * FROM entries own WHERE own.brand = $1 AND own.number >= m.number \
         ORDER BY own.number LIMIT 1) UNION ALL \
         (SELECT * FROM entries c WHERE c.brand = $1 AND c.closes = m.number LIMIT 1)) e \
     ORDER BY e.number"
);
pub(super) const SPAN: &str = entries!(
    ", (SELECT g.at FROM groups g WHERE g.brand = $1 AND g.first <= e.number \
     ORDER BY g.first DESC, g.number DESC LIMIT 1) FROM entries e \
     WHERE e.brand = $1 AND e.number >= $2 AND e.number < $3 ORDER BY e.number"
);
pub(super) const CLOSING: &str =
    "SELECT number, request FROM entries WHERE brand = $1 AND closes = $2";
pub(super) const GROUPS: &str = "SELECT number, purpose, at, playbook, cycle, payload, first, past, seal, accounts \
     FROM groups WHERE brand = $1 AND number >= $2 ORDER BY number";
/// Keys with the entries that bear them and what closes those; looked for one by one, as rows are.
pub(super) const KEYS: &str = "SELECT k.key, e.number, e.request, e.account, e.amount, c.number, c.request \
     FROM unnest($2::bytea[]) AS k (key) LEFT JOIN LATERAL (SELECT * FROM entries e \
         WHERE e.brand = $1 AND e.key = k.key LIMIT 1) e ON true \
     LEFT JOIN LATERAL (SELECT * FROM entries c \
         WHERE c.brand = $1 AND c.closes = e.number LIMIT 1) c ON true";
/// Rows by their keys, looked for one by one.
pub(super) const FIND_ROWS: &str = "SELECT g.space, g.owner, g.key, r.value \
     FROM unnest($2::smallint[], $3::bigint[], $4::bytea[]) AS g (space, owner, key) \
     CROSS JOIN LATERAL (SELECT value FROM rows r WHERE r.brand = $1 AND r.space = g.space AND r.owner = g.owner \
         AND r.key = g.key LIMIT 1) r";
pub(super) const PUT_ROWS: &str = "INSERT INTO rows (brand, space, owner, key, value) \
     SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[], $5::bytea[]) \
     ON CONFLICT (brand, space, owner, key) DO UPDATE SET value = excluded.value";
pub(super) const OWN_ROWS: &str = "SELECT owner, key, value FROM rows \
     WHERE brand = $1 AND space = $2 AND owner = $3 AND key >= $4 ORDER BY key LIMIT $5";
pub(super) const ALL_ROWS: &str = "SELECT owner, key, value FROM rows \
     WHERE brand = $1 AND space = $2 AND (owner, key) >= ($3, $4) ORDER BY owner, key LIMIT $5";

/// Heard by who listens once the transaction is kept.
pub(super) const ANNOUNCE: &str = "SELECT pg_notify($1, '')";

/// All statements that look for something by its key, for a test of their plans.
#[cfg(test)]
pub(super) const BY_KEY: [&str; 12] = [
    FROM, CYCLE, SINCE, MEMBERS, SPAN, CLOSING, GROUPS, KEYS, FIND_ROWS, PUT_ROWS, OWN_ROWS,
    ALL_ROWS,
];
