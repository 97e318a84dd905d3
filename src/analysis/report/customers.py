"""The customer table as files of a report, handed over by the notebook of the models.

In a batch the kernel is told the folder of the report; a notebook that is opened by hand has none, and
writes nothing.
"""

import json
import os
from pathlib import Path

import pandas as pd
from babel.numbers import format_decimal

from analysis.company import Company
from analysis.display import Note
from analysis.full_table import merged, model_table
from analysis.models.customers import CustomerModels
from analysis.report.files import json_text, parquet_bytes, write_text
from analysis.report.sheets import customer_book
from analysis.tables.risks import NAMES, VERDICTS
from analysis.texts import ENGLISH, current, mark, say

FOLDER = "KPI_REPORT_FOLDER"
"""The environment variable of a kernel that names the folder of the report."""
HANDED_OVER = ".kpis-of-models.json"
PARQUET, SHEET = "customers.parquet", "customers.xlsx"
NOT_WRITTEN = mark("Nothing was written: in a report these are {table} and {sheet}, with {rows} rows.")
WRITTEN = mark("Written beside this report: {table} and {sheet}, with {rows} rows.")
CALL_HEADS = (
    mark("Customer"), mark("id"), mark("Model"), mark("Can it be used?"), mark("Risk in the next quarter"),
    mark("Worth"), mark("At stake"), mark("Why"),
)  # fmt: skip
MEANINGS = {
    "customer_id": mark("the customer, by the id in the data"),
    "model": mark("contractual: under contract; non_contractual: who order"),
    "horizon_end": mark("the last day that the forecast looks at"),
    "p_active": mark(
        "the chance of being under contract at the end of that day, or of ordering at least once until then"
    ),
    "churn_risk": mark("1 - p_active"),
    "expected_orders": mark("days with an order until then; empty under contract"),
    "expected_orders_low": mark("where the 95 % interval of expected_orders begins"),
    "expected_orders_high": mark("where the 95 % interval of expected_orders ends"),
    "expected_value": mark("margin until then, not discounted"),
    "clv": mark("worth: margin within the months of the lifetime horizon, {months}, discounted"),
    "clv_low": mark("where the 95 % interval of clv begins"),
    "clv_high": mark("where the 95 % interval of clv ends"),
    "verdict": mark("whether the model can be used: usable, indicative, do not use"),
    "fallback": mark("what was used instead of the full model; empty where nothing was"),
    "reason_1": mark("why this customer, the strongest reason"),
    "reason_2": mark("the second reason"),
    "reason_3": mark("the third reason"),
}
DAYS = ("period_start", "period_end")
NUMBERS = ("value", "numerator", "denominator", "n", "low", "high")


def save(company: Company, models: CustomerModels, folder: str | Path | None = None) -> Note:
    """Write `customers.parquet` and `customers.xlsx` into the report's folder, or the one given.

    In a batch the models' rows of the KPI table go with them, to be taken up by `take_over`. The sentence
    that comes back says what was done, and no path.
    """
    place = folder or os.environ.get(FOLDER, "")
    rows = len(models.customers)
    count = f"{rows:,}" if current() == ENGLISH else format_decimal(rows, locale=company.params.locale)
    named = {"table": PARQUET, "sheet": SHEET, "rows": count}
    if not place:
        return Note(say(NOT_WRITTEN, **named))
    target = Path(place)
    (target / PARQUET).write_bytes(parquet_bytes(models.customers))
    (target / SHEET).write_bytes(packed(models, company.params.currency))
    if not folder:
        write_text(target / HANDED_OVER, json_text(model_table(company, models)))
    return Note(say(WRITTEN, **named))


def packed(models: CustomerModels, currency: str) -> bytes:
    """The spreadsheet: all customers, whom to call, and what the columns mean."""
    return customer_book(models.customers, whom_to_call(models), explained(models), currency)


def whom_to_call(models: CustomerModels) -> pd.DataFrame:
    """The action list in words, a customer without a name by the id."""
    found = models.actions
    words = {name: say(VERDICTS[outcome.verdict.word]) for name, outcome in models.outcomes.items()}
    columns = (
        found["name"].where(found["name"].notna() & (found["name"] != ""), found["customer_id"]),
        found["customer_id"],
        found["model"].map({name: say(text) for name, text in NAMES.items()}),
        found["model"].map(words),
        *(found[name] for name in ("quarter_risk", "clv", "at_stake", "reasons")),
    )
    return pd.concat(columns, axis="columns").set_axis([say(head) for head in CALL_HEADS], axis="columns")


def explained(models: CustomerModels) -> pd.DataFrame:
    """Each column of the customer table, and of the action list, in words."""
    told = {
        say("Can it be used?"): say(MEANINGS["verdict"]),
        say("Risk in the next quarter"): say(
            "the chance that the contract ends, or that no order comes, in the next quarter"
        ),
        say("Worth"): say(MEANINGS["clv"], months=models.months),
        say("At stake"): say("risk x worth: the list is sorted by it"),
        say("Why"): say("what is unusual about this customer, or raises the risk; no proof of a cause"),
    } | {name: say(text, months=models.months) for name, text in MEANINGS.items()}
    return pd.DataFrame({"column": list(told), "meaning": list(told.values())})


def take_over(kpis: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The KPI table with the rows that a notebook has left in the folder, which are gone from it then."""
    left = folder / HANDED_OVER
    if not left.is_file():
        return kpis
    rows = pd.DataFrame(json.loads(left.read_text(encoding="utf-8")), columns=list(kpis.columns))
    left.unlink()
    if rows.empty:
        return kpis
    kinds = {day: kpis[day].dtype for day in DAYS} | {number: "float64" for number in NUMBERS}
    return merged(kpis, rows.astype(kinds))
