"""The KPI table with what only the models know: all of it, in its time."""

import pandas as pd

from analysis.company import Company
from analysis.facts import Facts
from analysis.goals import is_modelled
from analysis.kpi_table import COLUMNS, finished, goal_rows, in_order, kpi_table
from analysis.models.customers import CustomerModels, customer_models
from analysis.models.kpi import clv_rows


def full_table(company: Company) -> pd.DataFrame:
    """Every KPI of the glossary, those of the models too; otherwise as `kpi_table`."""
    return merged(kpi_table(company), model_table(company, customer_models(company)))


def model_table(company: Company, models: CustomerModels) -> pd.DataFrame:
    """The rows of the KPI table that rest on the models, those of the goals where a target does."""
    facts = Facts(company)
    rows = finished(facts, clv_rows(facts, models))
    if not is_modelled(company):
        return rows
    return pd.concat([rows, goal_rows(facts, merged(kpi_table(company), rows))], ignore_index=True)


def merged(kpis: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Both tables' rows in the KPI table's order; where both have a KPI, the other table's."""
    mine = kpis[~kpis["kpi"].isin(set(others["kpi"]))]
    return in_order(pd.concat([mine, others], ignore_index=True))[COLUMNS]
