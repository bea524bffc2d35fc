//! The layout of the database: a schema of its own, whose tables hold all brands, each under rules that show a connection its own
//! brand alone; and how it is made and brought up to date.

use ::postgres::Error;

use super::link::{Link, Spot};
use crate::store::Depth;
use crate::{LedgerError, Place};

/// What each layout has beyond the one before; the last one is today's.
const LAYOUTS: [&str; 1] = [FIRST];

/// `brands` holds the row that writers take turns at. Tables begin with the brand, and so do their keys.
const FIRST: &str = r#"
CREATE TABLE brands (
    brand text COLLATE "C" PRIMARY KEY, turns bigint NOT NULL DEFAULT 0,
    lease bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
CREATE TABLE accounts (
    brand text COLLATE "C" NOT NULL, id bigint NOT NULL, path text COLLATE "C" NOT NULL,
    allocated bigint NOT NULL, planned bigint NOT NULL, reserved bigint NOT NULL,
    spent bigint NOT NULL, frozen boolean NOT NULL, cycle_limit bigint NOT NULL,
    CONSTRAINT accounts_id PRIMARY KEY (brand, id),
    CONSTRAINT accounts_path UNIQUE (brand, path)) WITH (fillfactor = 50);
CREATE TABLE groups (
    brand text COLLATE "C" NOT NULL, number bigint NOT NULL, purpose bigint NOT NULL,
    at bigint NOT NULL, playbook text COLLATE "C" NOT NULL, cycle bigint NOT NULL,
    payload bytea NOT NULL, first bigint NOT NULL, past bigint NOT NULL, seal bytea NOT NULL,
    accounts bytea, CONSTRAINT groups_number PRIMARY KEY (brand, number));
CREATE INDEX groups_cycle ON groups (brand, playbook, cycle, number);
CREATE INDEX groups_first ON groups (brand, first, number);
CREATE TABLE entries (
    brand text COLLATE "C" NOT NULL, number bigint NOT NULL, kind bigint NOT NULL,
    account bigint NOT NULL, recipient bigint, amount bigint NOT NULL, closes bigint,
    bound bigint NOT NULL, key bytea NOT NULL, request bytea NOT NULL, member bigint NOT NULL,
    stage text NOT NULL, action text NOT NULL, family text NOT NULL, quantity bigint NOT NULL,
    expected_output bigint NOT NULL, flags bigint NOT NULL, hash bytea NOT NULL,
    CONSTRAINT entries_number PRIMARY KEY (brand, number),
    CONSTRAINT entries_key UNIQUE (brand, key));
CREATE UNIQUE INDEX entries_closes ON entries (brand, closes) WHERE closes IS NOT NULL;
CREATE INDEX entries_member ON entries (brand, member) WHERE kind = 1;
CREATE TABLE cycles (
    brand text COLLATE "C" NOT NULL, playbook text COLLATE "C" NOT NULL, cycle bigint NOT NULL,
    run_key bytea NOT NULL, opening_entry bigint NOT NULL, summary bytea,
    CONSTRAINT cycles_number PRIMARY KEY (brand, playbook, cycle));
CREATE TABLE openings (
    brand text COLLATE "C" NOT NULL, playbook text COLLATE "C" NOT NULL, cycle bigint NOT NULL,
    account bigint NOT NULL, committed bigint NOT NULL,
    CONSTRAINT openings_account PRIMARY KEY (brand, playbook, cycle, account));
CREATE TABLE rows (
    brand text COLLATE "C" NOT NULL, space smallint NOT NULL, owner bigint NOT NULL,
    key bytea NOT NULL, value bytea NOT NULL,
    CONSTRAINT rows_key PRIMARY KEY (brand, space, owner, key));

CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'entries of a ledger never %', CASE TG_OP WHEN 'UPDATE' THEN 'change' ELSE 'go' END;
END $$;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries FOR EACH ROW EXECUTE FUNCTION stay();
CREATE TRIGGER entries_remain BEFORE DELETE ON entries FOR EACH ROW EXECUTE FUNCTION stay();

-- To empty a table asks no rule about rows.
CREATE FUNCTION keep_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'tables of ledgers are never emptied: they hold all brands';
END $$;
DO $$ DECLARE name text; BEGIN
    FOREACH name IN ARRAY ARRAY['brands', 'accounts', 'groups', 'entries', 'cycles', 'openings', 'rows'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I EXECUTE FUNCTION keep_all()', name || '_whole', name);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_brand ON %I USING (brand = current_setting(''playbook.brand'', true))', name);
    END LOOP;
END $$;
"#;

const TABLES: [&str; 7] = ["accounts", "brands", "cycles", "entries", "groups", "openings", "rows"];
const INDEXES: [&str; 13] = [
    "accounts_id",
    "accounts_path",
    "brands_pkey",
    "cycles_number",
    "entries_closes",
    "entries_key",
    "entries_member",
    "entries_number",
    "groups_cycle",
    "groups_first",
    "groups_number",
    "openings_account",
    "rows_key",
];
const TRIGGERS: [&str; 9] = [
    "accounts_whole",
    "brands_whole",
    "cycles_whole",
    "entries_remain",
    "entries_stay",
    "entries_whole",
    "groups_whole",
    "openings_whole",
    "rows_whole",
];

/// The one rule of each table, as the database says it: for everybody, reading and writing.
const RULE: &str = "* {0} (brand = current_setting('playbook.brand'::text, true))";

/// Parts of the layout that are not there, or do not hold.
const MISSING: &str = "\
    SELECT 'table ' || name FROM unnest($1::text[]) name WHERE NOT EXISTS (\
        SELECT FROM pg_catalog.pg_class c WHERE c.oid = to_regclass('playbook_ledger.' || quote_ident(name)) \
        AND c.relrowsecurity AND c.relforcerowsecurity AND ARRAY[$4::text] = ARRAY(\
            SELECT concat_ws(' ', p.polcmd::text, p.polroles::text, pg_get_expr(p.polqual, p.polrelid), \
                pg_get_expr(p.polwithcheck, p.polrelid)) \
            FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)) UNION ALL \
    SELECT 'index ' || name FROM unnest($2::text[]) name WHERE NOT EXISTS (\
        SELECT FROM pg_catalog.pg_index i WHERE i.indisvalid \
        AND i.indexrelid = to_regclass('playbook_ledger.' || quote_ident(name))) UNION ALL \
    SELECT 'trigger ' || name FROM unnest($3::text[]) name WHERE NOT EXISTS (\
        SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid \
        WHERE t.tgname = name AND t.tgenabled IN ('O', 'A') AND c.relnamespace = 'playbook_ledger'::regnamespace) \
    ORDER BY 1 LIMIT 1";

/// Checks an index against its table where the database has the means and lets the user.
const CHECKED: &str = "SELECT to_regprocedure('public.bt_index_check(regclass, boolean)') IS NOT NULL \
    AND has_function_privilege(to_regprocedure('public.bt_index_check(regclass, boolean)'), 'EXECUTE')";
const CHECK: &str =
    "SELECT public.bt_index_check(to_regclass('playbook_ledger.' || quote_ident($1)), true)";

/// Number of today's layout.
fn today() -> i64 {
    LAYOUTS.len() as i64
}

/// Makes the layout, or brings it up to date, unless another host has just done so.
pub(super) fn make(link: &mut Link, place: &Place) -> Result<(), LedgerError> {
    match found(link)? {
        Some(layout) if layout == today() => Ok(()),
        Some(layout) if layout > today() => Err(other(place, layout)),
        _ => {
            let done = bring(link, place, &LAYOUTS);
            if done.is_err() {
                link.undo();
            }
            done
        }
    }
}

/// The layout that the database has.
fn found(link: &mut Link) -> Result<Option<i64>, Error> {
    // Read as rows: looked up by name it may come from what the session remembers from before it waited for a lock.
    let is_there = "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                    WHERE n.nspname = 'playbook_ledger' AND c.relname = 'layouts'";
    if link.query(is_there, &[])?.is_empty() {
        return Ok(None);
    }
    link.query("SELECT max(number) FROM playbook_ledger.layouts", &[])?[0].try_get(0)
}

fn other(place: &Place, found: i64) -> LedgerError {
    LedgerError::OtherLayout { place: place.clone(), found, wanted: today() }
}

/// Adds what the database does not have of `layouts`, whole or not at all.
fn bring(link: &mut Link, place: &Place, layouts: &[&str]) -> Result<(), LedgerError> {
    // Whoever comes first does it, and the others find it done.
    link.told(
        "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('playbook ledger layout', 0))",
    )?;
    if found(link)?.is_none() {
        link.told(
            "CREATE SCHEMA IF NOT EXISTS playbook_ledger; CREATE TABLE playbook_ledger.layouts (\
             number bigint PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now())",
        )?;
    }
    let has = found(link)?.unwrap_or(0);
    if has > layouts.len() as i64 {
        return Err(other(place, has));
    }
    for (number, layout) in (1_i64..).zip(layouts).filter(|(number, _)| *number > has) {
        link.told(layout)?;
        link.execute("INSERT INTO playbook_ledger.layouts (number) VALUES ($1)", &[&number])?;
    }
    link.told("COMMIT")?;
    Ok(())
}

/// Makes an empty ledger of the connection's brand, unless there is one.
pub(super) fn admit(link: &mut Link) -> Result<(), LedgerError> {
    let is_there = "SELECT FROM brands WHERE brand = current_setting('playbook.brand')";
    if link.query(is_there, &[])?.is_empty() {
        link.told(
            "INSERT INTO brands (brand) VALUES (current_setting('playbook.brand')) ON CONFLICT DO NOTHING",
        )?;
    }
    Ok(())
}

/// Refuses a database that has no ledger of the connection's brand, or a layout that is not known.
pub(super) fn find(link: &mut Link, spot: &Spot) -> Result<(), LedgerError> {
    let absent = || LedgerError::Absent { place: spot.place.clone(), brand: spot.brand.clone() };
    let layout = found(link)?.ok_or_else(absent)?;
    if layout > today() {
        return Err(other(&spot.place, layout));
    }
    let is_there =
        "SELECT FROM playbook_ledger.brands WHERE brand = current_setting('playbook.brand')";
    if link.query(is_there, &[])?.is_empty() { Err(absent()) } else { Ok(()) }
}

/// Says what of the layout is missing or does not hold and, looking further, what the database finds wrong with its indexes.
pub(super) fn inspect(link: &mut Link, depth: Depth) -> Result<Option<String>, LedgerError> {
    let missing = link.query(MISSING, &[&&TABLES[..], &&INDEXES[..], &&TRIGGERS[..], &RULE])?;
    if let Some(part) = missing.first() {
        let part: String = part.try_get(0)?;
        return Ok(Some(format!("the database has lost its {part}, or what holds on it")));
    }
    if depth == Depth::Quick || !link.query(CHECKED, &[])?[0].try_get::<_, bool>(0)? {
        return Ok(None);
    }
    for index in INDEXES {
        match link.query(CHECK, &[&index]).map_err(LedgerError::from) {
            Ok(_) => {}
            Err(LedgerError::Damaged(what)) => return Ok(Some(what)),
            Err(other) => return Err(other),
        }
    }
    Ok(None)
}

#[cfg(test)]
pub(super) use for_tests::*;

#[cfg(test)]
mod for_tests {
    use super::{FIRST, LedgerError, Link, Place};

    /// Brings a database to a layout beyond today's.
    pub(in super::super) fn bring_beyond(
        link: &mut Link,
        place: &Place,
        next: &str,
    ) -> Result<(), LedgerError> {
        super::bring(link, place, &[FIRST, next])
    }
}
