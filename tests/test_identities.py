"""What the run checks of itself: every identity is there, holds, and sees a fault that is planted."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest

from analysis.company import Company
from analysis.glossary import KPIS
from analysis.identities import FLOWS, STOCKS, identities
from analysis.kpi_table import kpi_table
from companies import make_company
from test_kpis_against_reference import AS_OF, NAMES, PARAMS, Maker

Kpis = pd.DataFrame


@pytest.fixture(scope="module")
def whole() -> Iterator[tuple[Company, Kpis]]:
    """A random company with every table, and its KPI table."""
    tables = {NAMES[k]: text for k, text in Maker(23).tables().items() if text}
    with TemporaryDirectory() as folder:
        company = make_company(Path(folder), tables, as_of=str(AS_OF), timezone="UTC", **PARAMS[0])
        yield company, kpi_table(company)


def found(company: Company, kpis: Kpis) -> dict[str, str]:
    return identities(company, kpis).set_index("identity")["status"].to_dict()


def one_more(kpi: str, dimension: str = "", grain: str = "month", column: str = "value") -> Callable:
    """A fault: one more in the last row of a KPI at a breakdown and grain."""

    def plant(kpis: Kpis) -> Kpis:
        at = (kpis["kpi"] == kpi) & (kpis["dimension"] == dimension) & (kpis["grain"] == grain)
        row = kpis.index[at & kpis[column].notna()][-1]
        changed = kpis[column].astype("float64").copy()
        changed[row] += 1
        return kpis.assign(**{column: changed})

    return plant


FAULTS = {
    "members of rep = company": one_more("revenue", "rep"),
    "members of team = company": one_more("new_leads", "team"),
    "members of channel = company": one_more("acquisition_cost", "channel"),
    "members of segment = company": one_more("mrr_churned", "segment"),
    "members of motion = company": one_more("new_opportunities", "motion"),
    "members of campaign = company": one_more("emails_delivered", "campaign"),
    "members of variant = company": one_more("emails_delivered", "variant"),
    "members of stage = company": one_more("open_pipeline", "stage"),
    "members of category = company": one_more("acquisition_cost", "category"),
    "months = quarter": one_more("won_deals", grain="quarter"),
    "months = year": one_more("units", grain="year"),
    "days = week": one_more("tasks_completed", grain="week"),
    "customers: opening + new + won back - lost = closing": one_more("customers_churned"),
    "MRR: opening + new + won back + expansion - contraction - churned = closing": one_more(
        "mrr_contraction", "segment"
    ),
    "retained + lost = customers at opening": one_more("retention_rate", "rep", column="numerator"),
    "growth effects = change of revenue": one_more("growth_effect", "driver", "quarter"),
    "cost per customer: cost of the channels = cost": one_more("cac_lagged", column="numerator"),
    "revenue of the months = revenue counted from the rows": one_more("revenue"),
}


def test_every_identity_is_checked_and_holds(whole):
    assert found(*whole) == dict.fromkeys([*FAULTS, "credits of a deal = 1"], "holds")


@pytest.mark.parametrize("identity", FAULTS)
def test_an_identity_sees_a_fault(whole, identity):
    company, kpis = whole
    assert found(company, FAULTS[identity](kpis))[identity] == "broken"


def test_a_deal_whose_credits_are_not_one_is_seen(whole):
    company, kpis = whole
    splits = company.table("opportunity_splits")
    more = splits.mutate(share=splits.share + splits.share)
    doubled = replace(company, _tables=company._tables | {"opportunity_splits": more})
    assert found(doubled, kpis)["credits of a deal = 1"] == "broken"


def test_half_a_cent_is_rounding_and_a_cent_is_a_fault(whole):
    company, kpis = whole
    rows = (kpis["kpi"] == "revenue") & (kpis["dimension"] == "channel") & (kpis["grain"] == "year")
    for step, status in ((0.004, "holds"), (0.01, "broken")):
        moved = kpis["value"] + step * (rows & ~rows.shift(fill_value=False))
        assert found(company, kpis.assign(value=moved))["members of channel = company"] == status


def test_what_adds_up_is_money_or_a_count():
    assert {KPIS[kpi].unit for kpi in (*FLOWS, *STOCKS)} == {"money", "count"}
