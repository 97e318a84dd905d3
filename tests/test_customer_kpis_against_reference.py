"""Random companies whose orders have costs and whose leads name customers, against plain loops."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.company import Company
from analysis.kpi_table import kpi_table
from companies import make_company
from test_kpis_against_reference import AS_OF, NAMES, Maker, compare

EARLY = date(2024, 9, 20)
OURS = ("growth_effect", "clv_historic", "cac_lagged", "retention_12m_by_rep")


class CostedMaker(Maker):
    """Also with costs of some orders, leads that name customers, and subscriptions that last for years."""

    def order_rows(self):
        for row in super().order_rows():
            yield {**row, "cost": self.some([self.money()], 0.4)}

    def lead_rows(self):
        for row in super().lead_rows():
            yield {**row, "customer_id": self.some(self.buyers, 0.6)}
        for i, buyer in enumerate(self.buyers):
            lead = dict.fromkeys(row, "")
            yield {**lead, "lead_id": f"of {i}", "created_at": self.day(), "customer_id": buyer}

    def subscription_rows(self):
        for row in super().subscription_rows():
            yield row
        for i, buyer in enumerate(self.buyers):
            end = self.some([self.day()], 0.5)
            yield {
                **row,
                "subscription_id": f"L{i}",
                "customer_id": buyer,
                "started_on": EARLY,
                "ended_on": end,
            }


PARAMS = [
    {"churn": {"basis": "orders", "inactive_days": 200}, "revenue_from": "orders", "fiscal_year_start": 4},
    {"churn": {"basis": "subscriptions"}, "revenue_from": "orders", "gross_margin": 0.4},
    {"churn": {"basis": "subscriptions"}, "revenue_from": "opportunities", "gross_margin": 0.5},
]


def random_company(folder: Path, seed: int) -> tuple[Company, dict]:
    params = {**PARAMS[seed % 3], "history_months": [24, 7][seed % 2]}
    tables = {NAMES[k]: text for k, text in CostedMaker(seed).tables().items() if text}
    return make_company(folder, tables, as_of=str(AS_OF), timezone="UTC", **params), params


@pytest.mark.parametrize("seed", range(40, 46))
def test_a_random_company_gives_what_plain_loops_give(tmp_path, seed):
    company, params = random_company(tmp_path, seed)
    assert len(company.quarantine) == 0, company.quarantine.to_string()
    assert compare(company, params) > 500


def test_the_random_companies_have_values_of_every_kind(tmp_path):
    found = pd.concat(kpi_table(random_company(tmp_path / str(s), s)[0]) for s in range(40, 46))
    found = found[found["kpi"].isin(OURS)]
    told = found[found["value"].notna() & (found["value"] != 0)].groupby(["kpi", "dimension"]).size()
    assert (told > 10).all() and len(told) == 9, told.to_string()
    assert {"none_eligible", "no_denominator", "no_base"} <= set(found["reason"])
