"""The figures of benchmarks/scale.py by hand: DuckDB SQL straight from the Parquet files."""
# ruff: noqa: E501  (SQL reads better unwrapped)

from pathlib import Path

import duckdb

NONE = "(unassigned)"
CHECKS = {
    "customers": "customer_id IS NULL OR trim(customer_id) = ''",
    "reps": "rep_id IS NULL OR trim(rep_id) = '' OR name IS NULL",
    "opportunities": "opportunity_id IS NULL OR trim(opportunity_id) = '' OR outcome IS NULL "
    "OR outcome NOT IN ('open', 'won', 'lost') OR (outcome <> 'open' AND closed_at IS NULL)",
    "opportunity_splits": "opportunity_id IS NULL OR rep_id IS NULL OR share IS NULL",
    "orders": "order_id IS NULL OR trim(order_id) = '' OR ordered_at IS NULL OR amount IS NULL",
    "leads": "lead_id IS NULL OR trim(lead_id) = '' OR created_at IS NULL OR first_contact_at < created_at",
    "emails": "email_id IS NULL OR trim(email_id) = '' OR sent_at IS NULL",
    "subscriptions": "subscription_id IS NULL OR customer_id IS NULL OR started_on IS NULL OR mrr IS NULL "
    "OR ended_on < started_on",
    "costs": "month IS NULL OR amount IS NULL "
    "OR category NOT IN ('marketing', 'advertising', 'salaries', 'other')",
}
KEYS = {
    "customers": "customer_id", "reps": "rep_id", "opportunities": "opportunity_id", "orders": "order_id",
    "opportunity_splits": "opportunity_id, rep_id", "leads": "lead_id", "emails": "email_id",
    "subscriptions": "subscription_id",
}  # fmt: skip
DATES = {
    "customers": ("acquired_on",), "opportunities": ("created_at", "first_contact_at", "closed_at"),
    "orders": ("ordered_at",), "leads": ("created_at", "first_contact_at"), "costs": ("month",),
    "emails": ("sent_at", "opened_at", "clicked_at"), "subscriptions": ("started_on",),
}  # fmt: skip
REP_OF = ("customers", "opportunities", "opportunity_splits", "orders", "leads", "emails")
CUSTOMER_OF = ("opportunities", "orders", "subscriptions")


class Peer:
    """One connection over the folder's files, with a view for each."""

    def __init__(self, folder: Path, threads: int):
        self.con = duckdb.connect()
        self.con.execute(f"SET threads = {threads}")
        self.con.execute("SET memory_limit = '2GB'")
        self.con.execute(f"SET temp_directory = '{folder / 'spilled'}'")
        self.con.execute("SET enable_progress_bar = false")
        self.con.execute("SET preserve_insertion_order = false")
        for path in sorted((folder / "data").glob("*.parquet")):
            self.con.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM '{path}'")
        self.parts: list[str] = []

    def check(self) -> dict[str, tuple[int, ...]]:
        """Faulty rows, keys seen twice, dates out of range and unknown ids of every table; then customers'
        acquisition.
        """
        found = {}
        for table, fault in CHECKS.items():
            days = DATES.get(table, ())
            outside = (
                " OR ".join(f"{d} < DATE '1900-01-01' OR {d} >= DATE '2026-01-01'" for d in days) or "false"
            )
            ends = ", ".join(f"min({d}), max({d})" for d in days) or "NULL"
            row = self.one(
                f"SELECT count(*), count(*) FILTER ({fault}), count(*) FILTER ({outside}), {ends} FROM {table}"
            )
            found[table] = row[:3]
        for table, key in KEYS.items():
            twice = self.one(
                f"SELECT count(*) FROM (SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1)"
            )
            found[table] += twice
        for table in REP_OF:
            found[table] += self.one(
                f"SELECT count(*) FROM {table} WHERE rep_id NOT IN (SELECT rep_id FROM reps)"
            )
        for table in CUSTOMER_OF:
            found[table] += self.one(
                f"SELECT count(*) FROM {table} WHERE customer_id NOT IN (SELECT customer_id FROM customers)"
            )
        uneven = (
            "SELECT opportunity_id FROM opportunity_splits GROUP BY ALL HAVING abs(sum(share) - 1) > 0.000002"
        )
        found["opportunity_splits"] += self.one(f"SELECT count(*) FROM ({uneven})")
        self.con.execute("""
            CREATE TABLE buyers AS
            WITH waiting AS (SELECT customer_id FROM customers WHERE acquired_on IS NULL),
            days AS (
                SELECT customer_id, CAST(closed_at AS DATE) AS day FROM opportunities WHERE outcome = 'won'
                UNION ALL SELECT customer_id, CAST(ordered_at AS DATE) FROM orders WHERE amount > 0
                UNION ALL SELECT customer_id, started_on FROM subscriptions),
            firsts AS (SELECT customer_id, min(day) AS day FROM days SEMI JOIN waiting USING (customer_id)
                GROUP BY customer_id)
            SELECT customer_id, coalesce(segment, '(unassigned)') AS segment,
                coalesce(channel, '(unassigned)') AS channel, coalesce(rep_id, '(unassigned)') AS rep,
                coalesce(acquired_on, day) AS acquired_on
            FROM customers LEFT JOIN firsts USING (customer_id)""")
        return found

    def one(self, sql: str) -> tuple:
        return self.con.execute(sql).fetchone() or ()

    # --- figures ----------------------------------------------------------------------------------------

    def compute(self, rows: Path) -> None:
        """Every figure into one Parquet file: kpi, grain, first_month, dimension, member, value, n."""
        self.con.execute(f"""
            CREATE MACRO month_of(d) AS CAST(year(d) * 12 + month(d) - 1 AS INTEGER);
            CREATE MACRO label(x) AS coalesce(x, '{NONE}');
            CREATE MACRO motion(c) AS CASE WHEN c IN ('search', 'newsletter', 'referral') THEN 'inbound'
                WHEN c IN ('cold_call', 'fair') THEN 'outbound' ELSE '{NONE}' END;
            CREATE MACRO utc(t) AS timezone('Europe/Berlin', t);
            CREATE TABLE months AS
                SELECT CAST(m AS INTEGER) AS month, grain, CAST(m - m % size AS INTEGER) AS first_month
                FROM range(2024 * 12, 2026 * 12) t(m),
                    (VALUES ('month', 1), ('quarter', 3), ('year', 12)) g(grain, size);
            CREATE TABLE periods AS
                SELECT grain, first_month, first_month - 1 AS opens, max(month) AS closes FROM months GROUP BY ALL""")
        for step in (self.deals, self.cycles, self.orders, self.leads, self.emails, self.activity, self.mrr):
            step()
        self.con.execute(f"COPY ({' UNION ALL '.join(self.parts)}) TO '{rows}' (FORMAT parquet)")

    def give(self, kpi: str, relation: str, value: str, n: str = "NULL") -> None:
        """Add one KPI's rows; `value` null where it is undefined."""
        self.parts.append(
            f"SELECT '{kpi}' AS kpi, grain, first_month, dimension, member, CAST({value} AS DOUBLE) AS value, "
            f"CAST({n} AS DOUBLE) AS n FROM {relation}"
        )

    def roll(self, name: str, fact: str, sums: dict[str, str], dims: tuple[str, ...]) -> None:
        """A fact by month into every grain and breakdown: table `name`."""
        out = []
        for dim in ("", *dims):
            kept = ", ".join(
                f"sum({sql.replace('@', '_' + dim if dim in ('rep', 'team') else '')}) AS {m}"
                for m, sql in sums.items()
            )
            out.append(
                f"SELECT grain, first_month, '{dim}' AS dimension, {dim or repr('')} AS member, {kept} "
                f"FROM {fact} JOIN months USING (month) GROUP BY ALL"
            )
        self.con.execute(f"CREATE TABLE {name} AS {' UNION ALL '.join(out)}")

    def deals(self) -> None:
        self.con.execute("""
            CREATE TABLE credits AS
                SELECT opportunity_id, rep_id, share,
                    row_number() OVER (PARTITION BY opportunity_id ORDER BY rep_id) = 1 AS n,
                    row_number() OVER (PARTITION BY opportunity_id, team ORDER BY rep_id) = 1 AS n_team
                FROM opportunity_splits LEFT JOIN reps USING (rep_id);
            CREATE VIEW credited AS
                SELECT o.outcome, o.created_at, o.first_contact_at, o.closed_at, o.amount, o.units,
                    coalesce(c.share, CAST(1 AS DECIMAL(9, 6))) AS share, label(coalesce(c.rep_id, o.rep_id)) AS rep,
                    label(r.team) AS team, label(o.channel) AS channel, label(b.segment) AS segment,
                    CAST(coalesce(c.n, true) AS INTEGER) AS n, CAST(coalesce(c.n_team, true) AS INTEGER) AS n_team,
                    1 AS n_rep
                FROM opportunities o LEFT JOIN credits c USING (opportunity_id)
                LEFT JOIN reps r ON r.rep_id = coalesce(c.rep_id, o.rep_id)
                LEFT JOIN buyers b ON b.customer_id = o.customer_id;
            CREATE TABLE closed AS
                SELECT month_of(closed_at) AS month, rep, team, channel, segment,
                    sum(share) FILTER (outcome = 'won') AS won, sum(share) FILTER (outcome = 'lost') AS lost,
                    sum(share * amount) FILTER (outcome = 'won') AS won_amount,
                    sum(share * amount) FILTER (outcome = 'lost') AS lost_amount,
                    sum(share * units) FILTER (outcome = 'won') AS units, sum(n) AS n, sum(n_team) AS n_team,
                    sum(n_rep) AS n_rep, sum(n) FILTER (outcome = 'won') AS won_n,
                    sum(n_team) FILTER (outcome = 'won') AS won_n_team,
                    sum(n_rep) FILTER (outcome = 'won') AS won_n_rep
                FROM credited WHERE outcome <> 'open' GROUP BY ALL;
            CREATE TABLE created AS
                SELECT month_of(created_at) AS month, rep, team, channel, motion(channel) AS motion,
                    sum(share) AS created, sum(share * amount) AS amount
                FROM credited GROUP BY ALL""")
        sums = {m: m for m in ("won", "lost", "won_amount", "lost_amount", "units")}
        self.roll(
            "deals", "closed", sums | {"n": "n@", "won_n": "won_n@"}, ("rep", "team", "channel", "segment")
        )
        zero = "coalesce({}, 0)".format
        self.give("won_deals", "deals", zero("won"), "won_n")
        self.give("lost_deals", "deals", zero("lost"), "n - coalesce(won_n, 0)")
        self.give("units", "deals", zero("units"), "won_n")
        both, won = f"CAST({zero('won')} + {zero('lost')} AS DOUBLE)", f"CAST({zero('won')} AS DOUBLE)"
        self.give("win_rate", "deals", f"{won} / nullif({both}, 0)", "n")
        self.give("deal_size", "deals", f"CAST(won_amount AS DOUBLE) / nullif({won}, 0)", "won_n")
        amounts = f"CAST({zero('won_amount')} + {zero('lost_amount')} AS DOUBLE)"
        self.give(
            "win_rate_amount", "deals", f"CAST({zero('won_amount')} AS DOUBLE) / nullif({amounts}, 0)", "n"
        )
        self.roll(
            "begun",
            "created",
            {"created": "created", "amount": "amount"},
            ("rep", "team", "channel", "motion"),
        )
        self.give("new_opportunities", "begun", "created")
        self.give("pipeline_created", "begun", "amount")

    def cycles(self) -> None:
        self.con.execute("""
            CREATE TABLE won AS
                SELECT month_of(closed_at) AS month, rep, team, channel, segment, n, n_team,
                    epoch_us(utc(closed_at)) - epoch_us(utc(coalesce(first_contact_at, created_at))) AS took
                FROM credited WHERE outcome = 'won' AND closed_at >= TIMESTAMP '2024-01-01'""")
        for counted, dims in (
            ("n = 1", ("", "channel", "segment")),
            ("n_team = 1", ("team",)),
            ("true", ("rep",)),
        ):
            sets = ", ".join(f"(grain, first_month, {d})" if d else "(grain, first_month)" for d in dims)
            names = " ".join(f"WHEN grouping({d}) = 0 THEN '{d}'" for d in dims if d)
            label = f"CASE {names} ELSE '' END" if "" in dims else f"'{dims[0]}'"
            member = f"coalesce({', '.join(d for d in dims if d)}, '')"
            self.con.execute(
                f"CREATE TABLE cycles_{dims[-1]} AS SELECT grain, first_month, {label} AS dimension, "
                f"{member} AS member, quantile_cont(took, [0.5, 0.9]) AS q, avg(took) AS mean, count(*) AS n "
                f"FROM won JOIN months USING (month) WHERE {counted} GROUP BY GROUPING SETS ({sets})"
            )
            for kpi, sql in {
                "cycle_days": "q[1]",
                "cycle_days_p90": "q[2]",
                "cycle_days_mean": "mean",
            }.items():
                self.give(kpi, f"cycles_{dims[-1]}", f"{sql} / 86400e6", "n")

    def orders(self) -> None:
        self.con.execute("""
            CREATE TABLE sold AS
                SELECT month_of(o.ordered_at) AS month, label(o.rep_id) AS rep, label(r.team) AS team,
                    label(o.channel) AS channel, label(b.segment) AS segment, sum(amount) AS amount, count(*) AS n,
                    sum(cost) AS cost, sum(amount) FILTER (cost IS NOT NULL) AS costed
                FROM orders o LEFT JOIN reps r USING (rep_id) LEFT JOIN buyers b ON b.customer_id = o.customer_id
                GROUP BY ALL;
            CREATE TABLE acquired AS
                SELECT month_of(acquired_on) AS month, rep, label(team) AS team, channel, segment, count(*) AS n
                FROM buyers LEFT JOIN reps ON reps.rep_id = buyers.rep WHERE acquired_on IS NOT NULL GROUP BY ALL""")
        dims = ("rep", "team", "channel", "segment")
        self.roll("sales", "sold", {m: m for m in ("amount", "n", "cost", "costed")}, dims)
        self.give("revenue", "sales", "amount", "n")
        margin = "CAST(costed - cost AS DOUBLE) / nullif(CAST(costed AS DOUBLE), 0)"
        self.give("gross_margin_rate", "sales WHERE dimension = ''", margin)
        self.roll("accounts", "acquired", {"n": "n"}, dims)
        self.give("new_accounts", "accounts", "n", "n")

    def leads(self) -> None:
        self.con.execute("""
            CREATE TABLE converted AS
                SELECT month_of(l.created_at) AS month, label(l.rep_id) AS rep, label(team) AS team,
                    label(l.channel) AS channel, motion(l.channel) AS motion,
                    o.opportunity_id IS NOT NULL AS qualified, o.outcome = 'won' AS won,
                    epoch_us(utc(o.closed_at)) - epoch_us(utc(l.created_at)) AS took,
                    utc(l.created_at) <= utc(TIMESTAMP '2026-01-01') - to_hours(24 * 90) AS grown
                FROM leads l LEFT JOIN reps USING (rep_id) LEFT JOIN opportunities o USING (opportunity_id);
            CREATE TABLE leads_by_month AS
                SELECT month, rep, team, channel, motion, count(*) AS n, count(*) FILTER (qualified) AS qualified,
                    count(*) FILTER (won) AS won, count(*) FILTER (grown) AS grown,
                    count(*) FILTER (grown AND won AND took <= 90 * 86400000000) AS in_time
                FROM converted GROUP BY ALL""")
        sums = {m: m for m in ("n", "qualified", "won", "grown", "in_time")}
        self.roll("cohorts", "leads_by_month", sums, ("rep", "team", "channel", "motion"))
        self.give("new_leads", "cohorts", "n", "n")
        untold = "cohorts WHERE dimension <> 'team'"
        self.give("lead_opportunity_ratio", untold, "qualified / n", "n")
        self.give("lead_conversion_rate", untold, "won / n", "n")
        self.give("lead_conversion_90d", untold, "in_time / nullif(grown, 0)", "grown")
        self.con.execute("""
            CREATE TABLE speeds AS
                SELECT grain, first_month, CASE WHEN grouping(channel) = 0 THEN 'channel' ELSE '' END AS dimension,
                    coalesce(channel, '') AS member, quantile_cont(took, 0.5) AS half, count(*) AS n
                FROM converted JOIN months USING (month) WHERE won AND took >= 0
                GROUP BY GROUPING SETS ((grain, first_month), (grain, first_month, channel))""")
        self.give("convert_days", "speeds", "half / 86400e6", "n")

    def emails(self) -> None:
        self.con.execute("""
            CREATE TABLE sent AS
                SELECT month_of(sent_at) AS month, label(campaign_id) AS campaign, label(variant) AS variant,
                    label(rep_id) AS rep, count(*) AS sent, count(*) FILTER (NOT bounced) AS delivered,
                    count(*) FILTER (NOT bounced AND opened_at IS NOT NULL) AS opened,
                    count(*) FILTER (NOT bounced AND opened_at IS NOT NULL AND machine_open) AS by_machine,
                    count(*) FILTER (NOT bounced AND clicked_at IS NOT NULL) AS clicked
                FROM emails GROUP BY ALL""")
        sums = {m: m for m in ("sent", "delivered", "opened", "by_machine", "clicked")}
        self.roll("mailed", "sent", sums, ("campaign", "variant", "rep"))
        self.give("emails_delivered", "mailed", "delivered")
        self.give("open_rate", "mailed", "opened / nullif(delivered, 0)", "delivered")
        people = "nullif(delivered - by_machine, 0)"
        self.give("open_rate_adjusted", "mailed", f"(opened - by_machine) / {people}")
        self.give(
            "click_rate", "mailed WHERE dimension IN ('', 'campaign')", "clicked / nullif(delivered, 0)"
        )
        self.give(
            "bounce_rate",
            "mailed WHERE dimension IN ('', 'campaign')",
            "(sent - delivered) / nullif(sent, 0)",
        )

    def activity(self) -> None:
        """Months of activity as the bits of an integer: bit k of `active` is the snapshot k months after 2023-01."""
        self.con.execute("""
            CREATE TABLE snapshots AS
                SELECT k, CAST(last_day(DATE '2022-12-01' + to_months(CAST(k AS INTEGER))) AS DATE) AS day
                FROM range(37) t(k);
            CREATE TABLE days AS
                SELECT d AS day, CAST(1 AS BIGINT) << (month_of(d) - 2023 * 12 + 1) AS bought,
                    (SELECT bit_or(CAST(1 AS BIGINT) << CAST(k AS INTEGER)) FROM snapshots s
                        WHERE d <= s.day AND d > s.day - 90) AS active
                FROM (SELECT CAST(DATE '2022-12-01' + CAST(i AS INTEGER) AS DATE) AS d FROM range(1127) t(i));
            CREATE TABLE active AS
                SELECT customer_id, bit_or(bought) AS bought, bit_or(active) AS active, min(d.day) AS first_on
                FROM orders o JOIN days d ON d.day = CAST(o.ordered_at AS DATE) WHERE amount > 0 GROUP BY customer_id;
            CREATE TABLE moved AS
                SELECT grain, first_month, CASE WHEN grouping(segment) = 0 THEN 'segment'
                        WHEN grouping(channel) = 0 THEN 'channel' WHEN grouping(rep) = 0 THEN 'rep' ELSE '' END
                        AS dimension, coalesce(segment, channel, rep, '') AS member,
                    sum(opening) AS opening, sum(closing) AS closing, sum(arrived * is_first) AS new,
                    sum(arrived * (1 - is_first)) AS reactivated, sum(churned) AS churned, sum(flash) AS flash
                FROM (SELECT grain, first_month, segment, channel, rep, sum(a0) AS opening, sum(a1) AS closing,
                        sum((1 - a0) * a1) AS arrived, sum(a0 * (1 - a1)) AS churned, is_first,
                        sum(is_first * (1 - a0) * (1 - a1)) AS flash
                    FROM (SELECT grain, first_month, customer_id,
                            CAST(active >> (opens - 2023 * 12 + 1) & 1 AS INTEGER) AS a0,
                            CAST(active >> (closes - 2023 * 12 + 1) & 1 AS INTEGER) AS a1,
                            CAST(month_of(first_on) BETWEEN first_month AND closes AS INTEGER) AS is_first
                        FROM active, periods)
                    JOIN buyers USING (customer_id) WHERE a0 + a1 + is_first > 0 GROUP BY ALL)
                GROUP BY GROUPING SETS ((grain, first_month), (grain, first_month, segment),
                    (grain, first_month, channel), (grain, first_month, rep));
            CREATE TABLE cohort AS
                SELECT month, first_month AS seen_in, CAST(sum(bought >> (first_month - 2023 * 12 + 1) & 1) AS BIGINT) AS active
                FROM (SELECT month_of(acquired_on) AS month, bought FROM buyers JOIN active USING (customer_id)),
                    (SELECT first_month FROM periods WHERE grain = 'month')
                WHERE month >= 2024 * 12 AND first_month >= month GROUP BY ALL;
            CREATE TABLE cohort_sizes AS
                SELECT month_of(acquired_on) AS month, count(*) AS n FROM buyers GROUP BY ALL""")
        seen = "opening + new + reactivated + flash"
        for move in ("opening", "new", "reactivated", "churned", "closing"):
            self.give(f"customers_{move}", "moved WHERE dimension IN ('', 'segment')", move, seen)
        self.give("customers_flash", "moved WHERE dimension = ''", "flash", seen)
        self.give("churn_rate", "moved", "churned / nullif(opening, 0)", "opening")
        self.give("retention_rate", "moved", "(opening - churned) / nullif(opening, 0)", "opening")
        ages = (
            "(SELECT 'month' AS grain, month AS first_month, 'age_months' AS dimension, "
            "CAST(seen_in - month AS VARCHAR) AS member, active, n FROM cohort JOIN cohort_sizes USING (month))"
        )
        self.give("cohort_retention", ages, "active / n", "n")
        both = "moved JOIN sales USING (grain, first_month, dimension, member)"
        self.give("arpa", f"{both} WHERE dimension IN ('', 'segment')", "amount / nullif(closing, 0)")

    def mrr(self) -> None:
        self.con.execute("""
            CREATE TABLE paying AS
                SELECT customer_id, k, sum(mrr) AS mrr FROM subscriptions JOIN snapshots s
                    ON started_on <= s.day AND (ended_on IS NULL OR s.day < ended_on)
                WHERE mrr > 0 AND (ended_on IS NULL OR ended_on > started_on) GROUP BY ALL;
            CREATE TABLE first_paid AS
                SELECT customer_id, min(started_on) AS first_on FROM subscriptions
                WHERE mrr > 0 AND (ended_on IS NULL OR ended_on > started_on) GROUP BY ALL;
            CREATE TABLE paid AS
                SELECT grain, first_month, segment, sum(m0) AS opening, sum(m1) AS closing,
                    sum(m1) FILTER (m0 = 0 AND is_first) AS new, sum(m1) FILTER (m0 = 0 AND NOT is_first) AS back,
                    sum(m0) FILTER (m1 = 0) AS churned, sum(m1 - m0) FILTER (m0 > 0 AND m1 > m0) AS more,
                    sum(m0 - m1) FILTER (m1 > 0 AND m1 < m0) AS less, sum(m1) FILTER (m0 > 0) AS kept,
                    sum(least(m0, m1)) AS kept_or_less
                FROM (SELECT grain, first_month, customer_id, sum(m0) AS m0, sum(m1) AS m1,
                        bool_or(month_of(first_on) >= first_month) AS is_first
                    FROM (SELECT grain, first_month, customer_id, mrr AS m0, 0 AS m1 FROM paying JOIN periods
                            ON k = opens - 2023 * 12 + 1
                        UNION ALL SELECT grain, first_month, customer_id, 0, mrr FROM paying JOIN periods
                            ON k = closes - 2023 * 12 + 1)
                    JOIN first_paid USING (customer_id) GROUP BY ALL)
                JOIN buyers USING (customer_id) GROUP BY ALL;
            CREATE TABLE recurring AS
                SELECT grain, first_month, CASE WHEN grouping(segment) = 0 THEN 'segment' ELSE '' END AS dimension,
                    coalesce(segment, '') AS member, coalesce(sum(opening), 0) AS opening, sum(closing) AS closing,
                    coalesce(sum(new), 0) AS new, coalesce(sum(back), 0) AS reactivated,
                    coalesce(sum(churned), 0) AS churned, coalesce(sum(more), 0) AS expansion,
                    coalesce(sum(less), 0) AS contraction, sum(kept) AS kept, sum(kept_or_less) AS kept_or_less
                FROM paid GROUP BY GROUPING SETS ((grain, first_month), (grain, first_month, segment))""")
        for move in ("opening", "new", "reactivated", "expansion", "contraction", "churned", "closing"):
            self.give(f"mrr_{move}", "recurring", move)
        self.give("nrr", "recurring", "CAST(kept AS DOUBLE) / nullif(CAST(opening AS DOUBLE), 0)")
        self.give("grr", "recurring", "CAST(kept_or_less AS DOUBLE) / nullif(CAST(opening AS DOUBLE), 0)")
