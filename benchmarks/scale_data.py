"""A large company as Parquet, the same for the same sizes: every value is a hash of its row number."""
# ruff: noqa: E501  (SQL reads better unwrapped)

from pathlib import Path

import duckdb

DAYS = 1096  # 2023, 2024, 2025
REPS = 200
MACROS = """
CREATE MACRO pick(i, salt, n) AS CAST(hash(i * 128 + salt) >> 1 AS BIGINT) % CAST(n AS BIGINT);
CREATE MACRO chance(i, salt) AS pick(i, salt, 1000000) / 1000000.0;
CREATE MACRO rep(i, salt) AS 'R' || lpad(CAST(pick(i, salt, {reps}) AS VARCHAR), 3, '0');
CREATE MACRO channel(i, salt) AS
    ['search', 'newsletter', 'referral', 'cold_call', 'fair', NULL][1 + pick(i, salt, 6)];
CREATE MACRO customer(n) AS 'C' || lpad(CAST(n AS VARCHAR), 8, '0');
CREATE MACRO deal(n) AS 'D' || lpad(CAST(n AS VARCHAR), 9, '0');
CREATE MACRO instant(seconds) AS TIMESTAMP '2023-01-01' + to_seconds(CAST(seconds AS BIGINT));
CREATE MACRO known(t) AS CASE WHEN t < TIMESTAMP '2026-01-01' THEN t END;
CREATE MACRO money(i, salt, most) AS CAST(pick(i, salt, most * 100) AS DECIMAL(14, 2)) / 100;
CREATE MACRO arrives(c) AS pick(c, 1, 900);
CREATE MACRO stays(c) AS 20 + pick(c, 2, 700);
CREATE MACRO deal_created(i) AS instant(pick(i, 10, {days} * 86400));
"""
TABLES = {
    "reps": """
        SELECT 'R' || lpad(CAST(i AS VARCHAR), 3, '0') AS rep_id, 'Rep ' || i AS name,
            'team ' || i % 10 AS team FROM range({reps}) t(i)""",
    "customers": """
        SELECT customer(i) AS customer_id, 'Customer ' || i AS name,
            ['small', 'middle', 'large', 'public'][1 + pick(i, 3, 4)] AS segment, channel(i, 4) AS channel,
            rep(i, 5) AS rep_id,
            CASE WHEN pick(i, 6, 5) > 0 THEN DATE '2023-01-01' + CAST(arrives(i) AS INTEGER) END
                AS acquired_on
        FROM range({customers}) t(i)""",
    "opportunities": """
        SELECT deal(i) AS opportunity_id,
            CASE WHEN closed_at IS NULL THEN 'open' WHEN pick(i, 11, 100) < 45 THEN 'won' ELSE 'lost' END
                AS outcome,
            created_at, first_contact_at, closed_at,
            ['prospect', 'qualified', 'proposal'][1 + pick(i, 12, 3)] AS stage,
            CAST(money(i, 13, 20000) AS DECIMAL(14, 2)) AS amount, 1 + pick(i, 14, 20) AS units,
            customer(pick(i, 15, {customers})) AS customer_id, rep(i, 16) AS rep_id, channel(i, 17) AS channel
        FROM (SELECT i, created_at, first_contact_at,
                known(coalesce(first_contact_at, created_at) + to_seconds(3600 + pick(i, 18, 120 * 86400)))
                    AS closed_at
            FROM (SELECT i, deal_created(i) AS created_at,
                    CASE WHEN pick(i, 19, 10) < 7
                        THEN known(deal_created(i) + to_seconds(60 + pick(i, 20, 432000))) END
                        AS first_contact_at
                FROM range({opportunities}) t(i)))""",
    "opportunity_splits": """
        SELECT deal(20 * i) AS opportunity_id, rep(i, 21 + k) AS rep_id,
            CAST(CASE WHEN k = 0 THEN 0.6 ELSE 0.4 END AS DECIMAL(9, 6)) AS share
        FROM range({opportunities} // 20) t(i), range(2) s(k) WHERE rep(i, 21) <> rep(i, 22)""",
    "orders": """
        SELECT 'O' || lpad(CAST(i AS VARCHAR), 9, '0') AS order_id, customer(c) AS customer_id,
            instant(arrives(c) * 86400 + pick(i, 30, least(stays(c), {days} - arrives(c)) * 86400)) AS ordered_at,
            CAST(CASE WHEN pick(i, 31, 50) = 0 THEN -amount ELSE amount END AS DECIMAL(14, 2)) AS amount,
            CAST(amount * 6 // 10 AS DECIMAL(14, 2)) AS cost, channel(i, 32) AS channel, rep(c, 5) AS rep_id
        FROM (SELECT i, pick(i, 33, {customers}) AS c, 1 + money(i, 34, 400) AS amount
            FROM range({orders}) t(i))""",
    "leads": """
        SELECT 'L' || lpad(CAST(i AS VARCHAR), 9, '0') AS lead_id, created_at, channel(i, 40) AS channel,
            rep(i, 41) AS rep_id,
            CASE WHEN pick(i, 42, 5) > 0 THEN known(created_at + to_seconds(60 + pick(i, 43, 432000))) END
                AS first_contact_at,
            CASE WHEN linked THEN deal(10 * i) END AS opportunity_id
        FROM (SELECT i, pick(i, 44, 5) < 2 AS linked,
                CASE WHEN pick(i, 44, 5) < 2 THEN deal_created(10 * i) - to_seconds(pick(i, 45, 86400))
                    ELSE instant(pick(i, 46, {days} * 86400)) END AS created_at
            FROM range({leads}) t(i))""",
    "emails": """
        SELECT 'E' || lpad(CAST(i AS VARCHAR), 9, '0') AS email_id, 'campaign ' || pick(i, 50, 40) AS campaign_id,
            ['A', 'B'][1 + pick(i, 51, 2)] AS variant, rep(i, 52) AS rep_id, sent_at,
            pick(i, 53, 33) = 0 AS bounced,
            CASE WHEN opens THEN known(sent_at + to_seconds(30 + pick(i, 54, 345600))) END AS opened_at,
            opens AND pick(i, 55, 3) = 0 AS machine_open,
            CASE WHEN opens AND pick(i, 56, 5) = 0
                THEN known(sent_at + to_seconds(400000 + pick(i, 57, 3600))) END AS clicked_at
        FROM (SELECT i, instant(pick(i, 58, {days} * 86400)) AS sent_at, pick(i, 59, 5) < 2 AS opens
            FROM range({emails}) t(i))""",
    "subscriptions": """
        SELECT 'S' || lpad(CAST(i AS VARCHAR), 8, '0') AS subscription_id,
            customer(pick(i, 60, {customers})) AS customer_id, started_on,
            CASE WHEN pick(i, 61, 2) = 0 THEN started_on + CAST(30 + pick(i, 62, 500) AS INTEGER) END
                AS ended_on,
            CAST(money(i, 63, 500) AS DECIMAL(14, 2)) AS mrr
        FROM (SELECT i, DATE '2023-01-01' + CAST(pick(i, 64, {days}) AS INTEGER) AS started_on
            FROM range({subscriptions}) t(i))""",
    "costs": """
        SELECT CAST(DATE '2023-01-01' + to_months(CAST(m AS INTEGER)) AS DATE) AS month, category, channel,
            CAST(money(m * 64 + hash(category || channel) % 64, 70, 90000) AS DECIMAL(14, 2)) AS amount
        FROM range(36) t(m), (VALUES ('marketing'), ('advertising'), ('salaries')) c(category),
            (VALUES ('search'), ('newsletter'), ('referral'), ('cold_call'), ('fair')) h(channel)""",
}
PARAMS = """\
company: scale
name: A large company
as_of: 2025-12-31
currency: EUR
timezone: Europe/Berlin
locale: de_DE
country: DE
history_months: 24
revenue_from: orders
churn: {basis: orders, inactive_days: 90}
gross_margin: 0.7
channels: {search: inbound, newsletter: inbound, referral: inbound, cold_call: outbound, fair: outbound}
source: {connect: %s}
"""


def sizes(opportunities: int, orders: int) -> dict[str, int]:
    """Rows of the tables, in proportion to the two that are given."""
    return {
        "opportunities": opportunities, "orders": orders, "customers": orders // 25, "leads": opportunities // 10,
        "emails": opportunities // 5, "subscriptions": orders // 100, "reps": REPS, "days": DAYS,
    }  # fmt: skip


def generate(folder: Path, rows: dict[str, int]) -> None:
    """Write what is not there yet: data/<table>.parquet and scale.yaml."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute("SET memory_limit = '1500MB'")
    con.execute(f"SET temp_directory = '{folder / 'spilled'}'")
    con.execute(MACROS.format(**rows))
    for name, sql in TABLES.items():
        path = data / f"{name}.parquet"
        if not path.exists():
            part = path.with_suffix(".part")
            con.execute(f"COPY ({sql.format(**rows)}) TO '{part}' (FORMAT parquet)")
            part.rename(path)
    con.close()
    (folder / "scale.yaml").write_text(PARAMS % data, encoding="utf-8")
