"""What stands on the dashboard: what the params file lists, else a layout that fits the tables there are."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.dashboard_params import Widget
from analysis.labels import Labels

TILES = (
    "revenue", "sales_per_rep", "win_rate", "cycle_days", "new_leads", "lead_conversion_rate", "open_rate",
    "churn_rate", "clv", "cac", "open_pipeline", "mrr_closing", "customers_closing", "nrr", "new_accounts",
    "deal_size", "gross_margin_rate", "arpa", "ltv_cac", "new_opportunities", "won_deals",
)  # fmt: skip
"""The KPIs of the headline: the first MOST_TILES that have a figure, the article's ten before others."""
HEADLINE = TILES[:10]  # of which a reader is told when one is missing
MOST_TILES = 10

PLACES: tuple[tuple[tuple[str, str, str], ...], ...] = (
    (("line", "revenue", ""), ("line", "new_leads", ""), ("line", "new_opportunities", "")),
    (("battery", "", ""), ("battery", "attainment_revenue", ""), ("battery", "attainment_new_accounts", ""),
     ("battery", "attainment_units", "")),
    (("bar", "open_pipeline", "stage"), ("bar", "growth_effect", "driver"), ("bar", "pipeline_created", "")),
    (("pie", "revenue", "channel"), ("pie", "revenue", "segment"), ("pie", "new_leads", "channel"),
     ("pie", "acquisition_cost", "channel")),
    (("line", "mrr_closing", ""), ("line", "customers_closing", ""), ("line", "win_rate", "")),
    (("bar", "win_rate", "channel"), ("bar", "growth_effect", "driver"), ("line", "churn_rate", ""),
     ("line", "gross_margin_rate", "")),
    (("bar", "new_leads", ""), ("bar", "customers_new", ""), ("bar", "new_opportunities", ""),
     ("bar", "emails_delivered", "")),
    (("table", "attainment_revenue", "rep"), ("table", "revenue", "rep"), ("table", "cac", "channel"),
     ("table", "revenue", "channel"), ("table", "open_rate", "campaign"), ("table", "revenue", "")),
    (("calculation", "revenue", ""), ("calculation", "new_leads", "")),
)  # fmt: skip
"""The places of the default layout, each with the widgets (kind, KPI, breakdown) that may fill it."""
CALCULATED = 12  # periods


def layout(
    listed: Sequence[Widget], kpis: Mapping[str, pd.DataFrame], labels: Labels, goals: bool
) -> tuple[list[Widget], list[Widget]]:
    """The tiles and the other widgets, in their order.

    Parameters
    ----------
    listed : the params' `dashboard`
    kpis : the rows of each KPI
    goals : whether there are any
    """
    tiles = [widget for widget in listed if widget.widget == "tile"]
    others = [widget for widget in listed if widget.widget != "tile"]
    return tiles or default_tiles(kpis, labels), others or default_widgets(kpis, labels, goals)


def default_tiles(kpis: Mapping[str, pd.DataFrame], labels: Labels) -> list[Widget]:
    """The first KPIs of TILES that have a figure, and those of HEADLINE that have none."""
    shown = [kpi for kpi in TILES if has_value(kpis, labels, kpi)][:MOST_TILES]
    return [Widget(widget="tile", kpi=kpi) for kpi in TILES if kpi in shown or kpi in HEADLINE]


def default_widgets(kpis: Mapping[str, pd.DataFrame], labels: Labels, goals: bool) -> list[Widget]:
    """In each place the first widget that has figures and stands nowhere yet."""
    chosen: list[tuple[str, str, str]] = []
    for place in PLACES:
        for kind, kpi, by in place:
            there = goals if not kpi else has_value(kpis, labels, kpi, by)
            if there and (kind, kpi, by) not in chosen:
                chosen.append((kind, kpi, by))
                break
    return [_widget(*one) for one in chosen]


def _widget(kind: str, kpi: str, by: str) -> Widget:
    """A widget of the default layout."""
    given: dict[str, object] = {"widget": kind}
    given |= {"kpi": kpi} if kpi else {}
    given |= {"by": by} if by else {}
    given |= {"calculation": "sum", "last": CALCULATED} if kind == "calculation" else {}
    return Widget.model_validate(given)


def has_value(kpis: Mapping[str, pd.DataFrame], labels: Labels, kpi: str, by: str = "") -> bool:
    """Whether the KPI has a figure; by a breakdown, those of two members that have a name."""
    if kpi not in kpis or labels.lacking(kpi):
        return False
    found = kpis[kpi]
    found = found[(found["dimension"] == by) & found["value"].notna()]
    if not by:
        return not found.empty
    return found.loc[~found["member"].str.startswith("("), "member"].nunique() > 1
