"""Faults of the kind that make a number quietly wrong, planted one at a time: each must fail a test.

    python tests/mutants.py [--only WORD] [--jobs 2]     or: make mutants

Every fault is a piece of the package's text and what it becomes. The package is copied, the fault planted in
the copy, and the tests named beside it are run on the copy; a fault that they let pass is a hole in the tests
and makes the exit status 1. The same tests must pass on the package as it is.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "analysis"
BOUNDARY = ("tests/test_boundary_days.py",)
TEAM, LEADS = ("tests/test_team.py",), ("tests/test_leads.py",)
DURATIONS, SURVIVAL = ("tests/test_durations.py",), ("tests/test_survival.py",)
GROWTH, CUSTOMERS = ("tests/test_growth.py",), ("tests/test_customers.py",)
PIPELINE = ("tests/test_pipeline.py",)
EFFECTS, COST = ("tests/test_growth_effects.py",), ("tests/test_acquisition.py",)
GOALS = ("tests/test_goals.py",)
WORTH, KEPT = ("tests/test_historic_value.py",), ("tests/test_retention_by_rep.py",)
FORECAST, LEAKS = ("tests/test_models_forecast.py",), ("tests/test_models_leakage.py",)
MODELS = ("tests/test_customer_models.py",)
REVIEW, TOUCHED = ("tests/test_review.py",), ("tests/test_follow_up.py",)


@dataclass(frozen=True)
class Mutant:
    """A fault: what it is, in which file of the package, the text it replaces, the tests that must see it."""

    fault: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = BOUNDARY

    def planted(self) -> str:
        """The text of the file with the fault. ValueError unless the old one is there exactly once."""
        text = (PACKAGE / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1 or self.old == self.new:
            raise ValueError(
                f"{self.fault}: its text is in {self.file} {text.count(self.old)} times, not once"
            )
        return text.replace(self.old, self.new)


MUTANTS = (
    # boundaries
    Mutant(
        "day 90 does not count", "growth.py",
        "in_time = leads.duration <= MATURE_DAYS", "in_time = leads.duration < MATURE_DAYS", GROWTH,
    ),
    Mutant(
        "a lead exactly 90 days old is too young", "growth.py",
        "so_far >= MATURE_DAYS *", "so_far > MATURE_DAYS *", GROWTH,
    ),
    Mutant(
        "a subscription still runs on the day it ends", "activity.py",
        "(days.on < paid.ended_on)", "(days.on <= paid.ended_on)",
    ),
    Mutant(
        "the window of an order is a day longer", "buying.py",
        "(ages < window)", "(ages <= window)", CUSTOMERS,
    ),
    Mutant(
        "the opening set is taken a day late", "activity.py",
        "on = [p.closing_day(facts.company.as_of) for p in months]",
        "on = [min(p.end, facts.company.as_of) for p in months]",
    ),
    Mutant(
        "who ordered is seen a day late", "buying.py",
        'closings = [Period("month", m).closing_day(as_of) for m in months]',
        'closings = [min(Period("month", m).end, as_of) for m in months]', CUSTOMERS,
    ),
    Mutant(
        "who came on the first day was there before", "activity.py",
        "is_first = each.first_on >= each.starts_on", "is_first = each.first_on > each.starts_on",
    ),
    Mutant(
        "a month is complete only the day after", "periods.py",
        "return self.last_day <= as_of", "return self.last_day < as_of", ("tests/test_periods.py", *TEAM),
    ),
    Mutant(
        "three days after the period do not suffice", "kpi_table.py",
        '(frame["age_days"] < settle)', '(frame["age_days"] <= settle)', LEADS,
    ),
    Mutant(
        "as many as min_n are still few", "kpi_table.py",
        'small = frame["n"] < np.array', 'small = frame["n"] <= np.array', TEAM,
    ),
    Mutant(
        "a fiscal quarter starts in the calendar's months", "periods.py",
        "offset = (fiscal_year_start - 1) % size", "offset = 0", ("tests/test_periods.py",),
    ),
    # ratios
    Mutant(
        "the mean of ratios instead of the ratio of sums", "team.py",
        'ratio_rows("win_rate", rolled, "won", "decided", n="n", interval=True)',
        'ratio_rows("win_rate", roll_up(frame.assign(won=ratio(frame["won"], frame["won"] + frame["lost"]), '
        'decided=1.0), ["won", "decided", "n"], DEAL_DIMS, facts.calendar), "won", "decided", n="n", '
        "interval=True)",
        ("tests/test_kpis_against_reference.py",),
    ),
    Mutant(
        "nothing to divide by is 0", "stats.py",
        "np.full(np.broadcast(n, d).shape, np.nan)", "np.full(np.broadcast(n, d).shape, 0.0)",
    ),
    Mutant(
        "a growth from a negative base", "stats.py",
        "np.where(base > 0, base, np.nan)", "np.where(base != 0, base, np.nan)", GROWTH,
    ),
    Mutant(
        "the plain interval of a proportion for Wilson's", "stats.py",
        "middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)", "middle = p", ("tests/test_stats.py",),
    ),
    Mutant(
        "machine opens are kept in the denominator", "leads.py",
        'delivered_to_people=frame["delivered"] - frame["by_machine"]',
        'delivered_to_people=frame["delivered"]', LEADS,
    ),
    Mutant(
        "machine opens are kept in the numerator", "leads.py",
        'opened_by_people=frame["opened"] - frame["by_machine"]', 'opened_by_people=frame["opened"]', LEADS,
    ),
    Mutant(
        "clicks per e-mail opened are clicks per e-mail delivered", "leads.py",
        '"click_to_open_rate": ("clicked", "opened")', '"click_to_open_rate": ("clicked", "delivered")',
    ),
    Mutant(
        "gross retention counts gains", "activity.py",
        "total(ibis.least(each.m0, each.m1), opening)", "total(each.m1, opening)", CUSTOMERS,
    ),
    Mutant(
        "a running month is in the mean churn", "customers.py",
        "rates = rates[[Period(\"month\", m).is_complete(facts.company.as_of) for m in rates.index]]",
        "rates = rates.loc[rates.index]", CUSTOMERS,
    ),
    # whose it is
    Mutant(
        "a deal belongs to who owns the customer now", "facts.py",
        "deals = deals.mutate(buyer=deals.customer_id, rep=deals.rep_id)",
        'deals = deals.mutate(buyer=deals.customer_id).left_join(self.customers().select("customer_id", '
        'rep="rep_id"), "customer_id").drop("customer_id_right")',
        (*BOUNDARY, *TEAM, "tests/test_worked.py"),
    ),
    Mutant(
        "a split deal counts whole for each", "facts.py",
        'share=table.split_share.fill_null(whole).cast("decimal(9, 6)")', 'share=whole', TEAM,
    ),
    Mutant(
        "what has no owner falls out of a breakdown", "facts.py",
        "return column.fill_null(UNASSIGNED)", "return column", ("tests/test_kpis_against_reference.py",),
    ),
    # time
    Mutant(
        "durations by the clock on the wall", "facts.py",
        'exact = table[f"{end}_utc"].delta(table[f"{start}_utc"], unit="microsecond")',
        'exact = table[end].delta(table[start], unit="microsecond")', TEAM,
    ),
    Mutant(
        "an amount has the rate of the day before", "sources/viewing.py",
        "_day >= _date", "_day > _date",
        ("tests/test_company.py", "tests/test_time_travel.py", "tests/test_sources_checks.py"),
    ),
    Mutant(
        "what happened on the day of the report is not known", "sources/viewing.py",
        'name in past else f"CAST({ident(name)} AS DATE) <= {day}"',
        'name in past else f"CAST({ident(name)} AS DATE) < {day}"',
        ("tests/test_company.py", "tests/test_time_travel.py", *CUSTOMERS),
    ),
    Mutant(
        "a comparison ends where the report begins", "periods.py",
        'return period_month(self.first_month, "year", self.fiscal_year_start) - 12',
        "return self.first_month", GROWTH,
    ),
    # growth
    Mutant(
        "compound growth of a month that is not over", "growth.py",
        "tomorrow = facts.company.as_of + timedelta(days=1)\n    running = set() if tomorrow.day == 1 else",
        "tomorrow = facts.company.as_of + timedelta(days=1)\n    running = set() if tomorrow.day >= 1 else",
        GROWTH,
    ),
    # pipeline
    Mutant(
        "a deal is open at the closing of the month it is closed in", "pipeline.py",
        "month_of(credits.closed_at))", "month_of(credits.closed_at) + 1)", PIPELINE,
    ),
    Mutant(
        "a quarter closes with its first month", "pipeline.py",
        "MONTHS_IN[grain] - 1", "MONTHS_IN[grain] * 0", PIPELINE,
    ),
    Mutant(
        "an open deal has the rate of the day it was closed", "pipeline.py",
        "credits.amount_created * credits.share", "credits.amount * credits.share", PIPELINE,
    ),
    Mutant(
        "the stage of today for every day", "pipeline.py",
        'today = frame["own"].where(frame["month"] == facts.calendar.last_month, "")', 'today = frame["own"]',
        PIPELINE,
    ),
    Mutant(
        "the furthest stage entered in a month instead of the last", "pipeline.py",
        'entries["at"], place', "place", PIPELINE,
    ),
    Mutant(
        "a deal looked back at names the stage it reached later", "sources/viewing.py",
        'f"CASE WHEN NOT ({_moved_since(tables, day)}) THEN stage END"', '"stage"', PIPELINE,
    ),
    Mutant(
        "a lead with a deal still waits", "pipeline.py",
        "qualified_at=ibis.coalesce(said, joined.deal_at)", "qualified_at=said", PIPELINE,
    ),
    Mutant(
        "a lead without a deal waits no more once it names a day", "pipeline.py",
        'linked.ifelse(joined.qualified_at, ibis.null("timestamp"))', "joined.qualified_at", PIPELINE,
    ),
    Mutant(
        "a stage entered again counts from there", "pipeline.py",
        "history.month.min(where=", "history.month.max(where=", PIPELINE,
    ),
    Mutant(
        "a deal won from a stage did not go on from it", "pipeline.py",
        "each.won_id.notnull() | (each.furthest > each.place)", "each.furthest > each.place", PIPELINE,
    ),
    Mutant(
        "a variant is held against the last one", "leads.py",
        '[counts].transform("first")', '[counts].transform("last")', LEADS,
    ),
    Mutant(
        "the ends of Newcombe's interval are changed about", "stats.py",
        "np.hypot(p - p_low, q_high - q)", "np.hypot(p - p_low, q - q_low)", ("tests/test_stats.py",),
    ),
    # customers' money
    Mutant(
        "a refund is a purchase", "facts.py", "bought=orders.amount > 0", "bought=orders.amount != 0",
        EFFECTS,
    ),
    Mutant(
        "rows without a customer are those of one customer", "growth_effects.py",
        "sales = facts.sales()\n",
        'sales = facts.sales()\n    sales = sales.mutate(customer_id=sales.customer_id.fill_null(""))\n',
        EFFECTS,
    ),
    Mutant(
        "volume at the price of before", "growth_effects.py",
        "(ratio(r0, q0) + ratio(r1, q1)) / 2", "ratio(r0, q0)", EFFECTS,
    ),
    Mutant(
        "a refund of a customer lost is not part of the loss", "growth_effects.py",
        '"went": amount * (before & ~now)', '"went": 0 * amount * (before & ~now)', EFFECTS,
    ),
    Mutant(
        "a change of revenue in the first month", "growth_effects.py",
        'long["first_month"] > month_index', 'long["first_month"] >= month_index', EFFECTS,
    ),
    Mutant(
        "months beyond the first 62 are forgotten", "growth_effects.py",
        "for word in range(len(words))]", "for word in range(1)]", EFFECTS,
    ),
    Mutant(
        "a sale before the acquisition counts before the customer", "historic_value.py",
        "ibis.greatest(found.month, found.acquired,", "ibis.greatest(found.month,", WORTH,
    ),
    Mutant(
        "only the customers of the months shown", "historic_value.py",
        'facts.acquired["month"].clip(lower=calendar.earliest_month)', 'facts.acquired["month"]', WORTH,
    ),
    Mutant(
        "what orders cost does not say what the others earned", "historic_value.py",
        "return float(ratio(amount - cost, amount))", "return np.nan", WORTH,
    ),
    Mutant(
        "a quarter has the value of its first month", "historic_value.py",
        "np.minimum(first + MONTHS_IN[grain] - 1, calendar.last_month)", "first", WORTH,
    ),
    Mutant(
        "a lead that came after the customer", "acquisition.py",
        "won.filter(won.created <= won.month)", "won", COST,
    ),
    Mutant(
        "the last lead of a customer", "acquisition.py", "known.created.min()", "known.created.max()", COST,
    ),
    Mutant(
        "thirteen months tell the lag", "acquisition.py", "LAG_MONTHS = 12", "LAG_MONTHS = 13", COST,
    ),
    Mutant(
        "the cost after the lag instead of before", "acquisition.py",
        'shares["first_month"] - shares["lag"]', 'shares["first_month"] + shares["lag"]', COST,
    ),
    Mutant(
        "the last deal of a customer is its first", "retention_by_rep.py",
        "order_by=[deals.closed_at, deals.opportunity_id]",
        "order_by=[deals.closed_at.desc(), deals.opportunity_id]", KEPT,
    ),
    Mutant(
        "the year of a deal of 29 February is over in March", "retention_by_rep.py",
        "day=ibis.date(closed.year() + 1, closed.month(), leap.ifelse(28, closed.day()))",
        "day=leap.ifelse(ibis.date(closed.year() + 1, 3, 1), "
        "ibis.date(closed.year() + 1, closed.month(), leap.ifelse(28, closed.day())))", KEPT,
    ),
    Mutant(
        "a split deal is several customers", "retention_by_rep.py",
        "once = each.n == 1", "once = each.n >= 0", KEPT,
    ),
    Mutant(
        "still a customer on the day the subscription ends", "activity.py",
        "(days.day < paid.until)", "(days.day <= paid.until)", KEPT,
    ),
    Mutant(
        "an order makes active a day longer", "activity.py",
        "inactive_days - 1)", "inactive_days)", KEPT,
    ),
    # durations that are not over
    Mutant(
        "what is still open is left out", "durations.py",
        "deals.interval_ok, is_open | deals.closed_at.notnull()",
        "deals.interval_ok, deals.closed_at.notnull()", DURATIONS,
    ),
    Mutant(
        "a lost deal might still be won", "durations.py",
        '("lost", LOST)', '("lost", OPEN)', DURATIONS,
    ),
    Mutant(
        "what is open has lasted until the report's day began", "durations.py",
        "tomorrow = facts.company.as_of + timedelta(days=1)", "tomorrow = facts.company.as_of", DURATIONS,
    ),
    Mutant(
        "midnight of another time zone", "durations.py",
        "ZoneInfo(facts.company.params.timezone)", "UTC", DURATIONS,
    ),
    Mutant(
        "a deal starts when it is created, contacted before or not", "durations.py",
        "start=contacted.ifelse(deals.first_contact_at, deals.created_at)",
        "start=deals.created_at", DURATIONS,
    ),
    Mutant(
        "a day nobody was followed to is known", "durations.py",
        "nobody_left | (longest >= day * MICROSECONDS_A_DAY)", "longest >= 0", DURATIONS,
    ),
    Mutant(
        "a day is unknown though nobody is left", "durations.py",
        'events["events"]).to_numpy()]] = True', 'events["events"]).to_numpy()]] = False', DURATIONS,
    ),
    Mutant(
        "a contact before the creation took no time", "durations.py",
        "known = ~contacted | (waited >= 0)", "known = contacted | ~contacted", DURATIONS,
    ),
    Mutant(
        "a lead younger than a day counts as not contacted in time", "durations.py",
        'eligible = frame["duration"].notna() & (frame["a_day_old"] == 1)',
        'eligible = frame["duration"].notna()', DURATIONS,
    ),
    Mutant(
        "twenty-four hours to the second are too late", "durations.py",
        '(frame["duration"] <= MICROSECONDS_A_DAY)', '(frame["duration"] < MICROSECONDS_A_DAY)', DURATIONS,
    ),
    Mutant(
        "followed for as long as the first of the days", "growth.py",
        "max(BY_DAYS)", "min(BY_DAYS)", DURATIONS,
    ),
    Mutant(
        "an impossible conversion is one that has not happened", "growth.py",
        'leads.converted_at.isnull().ifelse(longest', 'leads.duration.isnull().ifelse(longest', DURATIONS,
    ),
    Mutant(
        "a median just missed by the last bit", "survival.py",
        "HALF = 0.5 * (1 + LAST_BITS)", "HALF = 0.5", SURVIVAL,
    ),
    Mutant(
        "the share still open after an event instead of before it", "survival.py",
        "np.minimum(running(np.cumsum, before *", "np.minimum(running(np.cumsum, after *", SURVIVAL,
    ),
    Mutant(
        "a curve goes on from the group before it", "survival.py",
        "np.split(steps, at)", "np.split(steps, at[:0])", SURVIVAL,
    ),
    # the team's review
    Mutant(
        "a task is overdue on the day it is due", "review.py",
        "ibis.interval(days=1)", "ibis.interval(days=0)", REVIEW,
    ),
    Mutant(
        "a task settled on the closing day is still overdue", "review.py",
        "begins, ends = (np.searchsorted(closings, found[day], side=\"left\")",
        "begins, ends = (np.searchsorted(closings, found[day], side=\"right\")", REVIEW,
    ),
    Mutant(
        "a task cancelled is overdue for ever", "review.py",
        "ends=ibis.least(completed, cancelled)", "ends=completed", REVIEW,
    ),
    Mutant(
        "a task completed later counts as completed at every closing before", "review.py",
        "after.append(np.maximum(begins, ends))", "after.append(begins)", REVIEW,
    ),
    Mutant(
        "each activity is a task", "review.py", "here.task_id.nunique()", "here.task_id.count()", REVIEW,
    ),
    Mutant(
        "a day of the last weeks stands for its month", "review.py",
        "ifelse(of_month, number)", "ifelse(of_month, of_month)", REVIEW,
    ),
    Mutant(
        "a week begins on Sunday", "periods.py",
        "(index + 3) // 7 * 7 - 3", "(index + 4) // 7 * 7 - 4", REVIEW,
    ),
    Mutant(
        "a task due today is late in the list", "behind.py",
        "tasks.due_on < ibis", "tasks.due_on <= ibis", TOUCHED,
    ),
    Mutant(
        "a lead somebody called is listed", "behind.py",
        '"lead_id", acted_on(company))', '"lead_id", [])', TOUCHED,
    ),
    Mutant(
        "a cancelled task touches", "follow_up.py",
        "tasks[column].notnull(), tasks.cancelled_at.isnull()", "tasks[column].notnull()", TOUCHED,
    ),
    Mutant(
        "a lead is new a day longer", "follow_up.py", "maturity_days - 1", "maturity_days", TOUCHED,
    ),
    Mutant(
        "a follow-up is due on the report's own day", "follow_up.py",
        "facts.company.as_of + timedelta(days=1)", "facts.company.as_of", TOUCHED,
    ),
    # goals
    Mutant(
        "a target beyond its goal's end counts for others", "goals.py",
        "return np.clip(progress, 0, 1), np", "return np.clip(progress, 0, None), np", GOALS,
    ),
    Mutant(
        "a goal's target without a value counts as nothing", "goals.py",
        'known = [row for row in targets if not np.isnan(row["progress"])]',
        'known = [row | {"progress": np.nan_to_num(row["progress"])} for row in targets]', GOALS,
    ),
    Mutant(
        "the last day of a goal does not count", "goals.py",
        "due_on - start_on + timedelta(days=1)", "due_on - start_on", GOALS,
    ),
    Mutant(
        "a goal is overdue on its last day", "goals.py",
        "goal.due_on < as_of", "goal.due_on <= as_of", GOALS,
    ),
    Mutant(
        "a goal begins a day late", "goals.py",
        "goal.start_on <= as_of", "goal.start_on < as_of", GOALS,
    ),
    Mutant(
        "cancelled tasks stay in a goal's count", "goal_measures.py",
        "(done | tasks.cancelled_at.isnull())", "(done | ibis.literal(True))", GOALS,
    ),
    Mutant(
        "what will be done counts for its goal already", "goal_measures.py",
        "float(done <= as_of if", "float(True if", GOALS,
    ),
    Mutant(
        "a growing cohort judges a goal", "goal_measures.py",
        "timedelta(days=settle - 1)", "timedelta(days=-1)", GOALS,
    ),
    Mutant(
        "the last holdout alone decides between model and baseline", "models/contracts.py",
        'past.pooled["ibs"] if past', 'past.scores["ibs"] if past', ("tests/test_models_verdicts.py",),
    ),
    Mutant(
        "the spread of a feature forgets what is not known of its effects", "models/feature_spread.py",
        "(theta**2 + variance)[:-1]", "(theta**2)[:-1]", ("tests/test_models_few_events.py",),
    ),
    Mutant(
        "a rare level is drawn less to the mean than a frequent one", "models/feature_spread.py",
        "np.column_stack([Z * units, np.ones(len(Z))])", "np.column_stack([Z, np.ones(len(Z))])",
        ("tests/test_models_few_events.py",),
    ),
    Mutant(
        "a learner takes every customer for a founding one", "models/features.py",
        "age / max(as_day(cutoff) - day.min(initial=as_day(cutoff)), 1.0)", "age / age", FORECAST,
    ),
    Mutant(
        "the mean of all draws a learner's forecast to the middle", "models/candidates.py",
        'in forecasts.items() if one != "mean_rate"}', "in forecasts.items()}", FORECAST,
    ),
    Mutant(
        "learners take weeks that have not come for weeks without a purchase", "models/candidates.py",
        "share * min(weeks, (cutoff - int(at)) / DAYS_OF_WEEK)", "share * weeks", FORECAST,
    ),
    Mutant(
        "a refund leaves the purchase before it as it was", "models/orders.py",
        'np.maximum(result["amount"].to_numpy() + refund, 0)', 'np.maximum(result["amount"].to_numpy(), 0)',
        ("tests/test_models_purchases.py",),
    ),
    Mutant(
        "a leak is seen only as a straight line", "models/leakage.py",
        "found = (correlation(x, y), correlation(rankdata(x[both]), rankdata(y[both])))",
        "found = (correlation(x, y),)", LEAKS,
    ),
    Mutant(
        "bands of the duration pass for a feature", "models/leakage.py",
        "if ratio > SAME else None", "if ratio > 2 else None", LEAKS,
    ),
    Mutant(
        "a plan renamed when the contract ended stays a feature", "models/inputs.py",
        "any(leak.column == PLAN for leak in leaks)", "any(False for leak in leaks)", MODELS,
    ),
    Mutant(
        "who is silent for just as long as the params say counts as active", "models/buyers.py",
        "DAYS_OF_WEEK) < inactive", "DAYS_OF_WEEK) <= inactive", MODELS,
    ),
)  # fmt: skip


def run_tests(package: Path, tests: Sequence[str]) -> int:
    """Exit status of pytest on these tests with `package` in place of the installed one; 1: a test failed."""
    env = os.environ | {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1", "CI": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False).returncode


def killed(mutant: Mutant) -> bool:
    """Whether a test fails on a copy of the package with the fault."""
    text = mutant.planted()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "analysis"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / mutant.file).write_text(text, encoding="utf-8")
        return run_tests(Path(folder), mutant.tests) == 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="only faults whose words contain this")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    chosen = [m for m in MUTANTS if options.only in m.fault]
    if run_tests(PACKAGE.parent, sorted({test for m in chosen for test in m.tests})):
        sys.stdout.write("the tests fail without any fault: mend that first\n")
        return 2
    survivors = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for mutant, dead in zip(chosen, pool.map(killed, chosen), strict=True):
            survivors += not dead
            sys.stdout.write(f"{'killed  ' if dead else 'SURVIVES'}  {mutant.fault} ({mutant.file})\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - survivors} of {len(chosen)} faults killed\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
