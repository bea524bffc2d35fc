"""Works out, in DuckDB and from the files as they are, what a run of playbooks/grocery.toml should give, and prints as
JSON how many members differ in each feature, and the totals. Usage: grocery.py DATA OUT"""

import json
import sys

data, out = sys.argv[1:3]
sys.path.insert(0, data + "/python")

import duckdb

db = duckdb.connect()
# It goes to standard output where a query takes long.
db.execute("set enable_progress_bar = false")
db.execute(f"create view lines as select * from '{data}/transactions.parquet'")
db.execute(f"create view products as select * from '{data}/products.parquet'")
db.execute(f"create view got as select * from '{out}/members.parquet'")
db.execute("""
    create table wanted as
    with line as (
        select household_id::varchar as member, basket_id, department, brand,
               cast(round(sales_value * 100) as bigint) as paid,
               cast(round((retail_disc + coupon_disc + coupon_match_disc) * 100) as bigint) as saved,
               -- Whole days of the shop's own calendar.
               datediff('day', ((transaction_timestamp at time zone 'UTC') at time zone 'America/New_York')::date,
                        date '2018-01-01') - 1 as days
        from lines left join products using (product_id))
    select member, count(distinct basket_id) as orders_365d, sum(paid) as spend_365d_minor,
           min(days) as days_since_last_order,
           coalesce(sum(paid) filter (department in ('MEAT', 'MEAT-PCKGD')), 0) as meat_365d_minor,
           coalesce(sum(paid) filter (department = 'PRODUCE'), 0) as produce_365d_minor,
           coalesce(sum(paid) filter (brand = 'Private'), 0) as private_365d_minor,
           sum(saved) as saved_365d_minor
    from line group by member""")
for name, file in [("mailings_365d", "campaigns"), ("coupons_365d", "coupon_redemptions")]:
    # What came before the year began is outside the window.
    when = {
        "campaigns": f"join '{data}/campaign_descriptions.parquet' using (campaign_id) where start_date >= date '2017-01-01'",
        "coupon_redemptions": "where redemption_date >= date '2017-01-01'",
    }[file]
    db.execute(f"""
        create table {file} as
        select household_id::varchar as member, count(*) as {name} from '{data}/{file}.parquet' {when} group by 1""")
db.execute("""
    create table expected as
    select wanted.*, coalesce(mailings_365d, 0) as mailings_365d, coalesce(coupons_365d, 0) as coupons_365d
    from wanted left join campaigns using (member) left join coupon_redemptions using (member)""")
names = [row[0] for row in db.execute("describe expected").fetchall() if row[0] != "member"]
differing = {}
for name in names:
    sql = f"select count(*) from expected full join got using (member) where expected.{name} is distinct from got.{name}"
    differing[name] = db.execute(sql).fetchone()[0]
members, orders, revenue = db.execute(
    "select count(*), sum(orders_365d), sum(spend_365d_minor) from expected").fetchone()
unlisted = db.execute("select count(*) from lines anti join products using (product_id)").fetchone()[0]
mailings = db.execute(f"select count(*) from '{data}/campaigns.parquet'").fetchone()[0]
coupons = db.execute(f"select count(*) from '{data}/coupon_redemptions.parquet'").fetchone()[0]
print(json.dumps({
    "differing": differing,
    "members": members,
    "lines_without_product": unlisted,
    "orders_total": str(orders),
    "revenue_total_minor": str(revenue),
    "mailings_total": str(mailings),
    "coupons_total": str(coupons),
}))
