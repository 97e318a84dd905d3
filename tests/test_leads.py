import random
from itertools import product

import pytest

from companies import cell, kpis_of, values

LEADS = ["leads"]


def mails(n: int, opened: int, machine: int, month: str = "2026-02", **more: str) -> str:
    """CSV of n delivered e-mails, some opened by people, some by machines, and one that bounced."""
    rows = ["email_id,campaign_id,variant,sent_at,bounced,opened_at,machine_open,clicked_at,unsubscribed_at"]
    for i in range(n):
        by_machine = i < machine
        at = f"{month}-11" if i < machine + opened else ""
        rows.append(f"E{i},spring,A,{month}-10,false,{at},{str(by_machine).lower()},{at if i == 0 else ''},")
    return "\n".join([*rows, f"bounced,spring,B,{month}-10,true,,false,,"])


@pytest.mark.kpi(
    "worked", "open_rate", "open_rate_adjusted", "bounce_rate", "click_to_open_rate", "emails_delivered"
)
def test_machine_opens_leave_both_sides_of_the_adjusted_open_rate(tmp_path):
    kpis = kpis_of(tmp_path, {"emails": mails(1000, 150, 400)}, LEADS)
    raw, adjusted = cell(kpis, "open_rate", "2026-02-01"), cell(kpis, "open_rate_adjusted", "2026-02-01")
    assert (raw["value"], raw["numerator"], raw["denominator"]) == (0.55, 550, 1000)
    assert (adjusted["value"], adjusted["numerator"], adjusted["denominator"]) == (0.25, 150, 600)
    assert cell(kpis, "bounce_rate", "2026-02-01")["value"] == 1 / 1001
    assert cell(kpis, "click_to_open_rate", "2026-02-01")["value"] == 1 / 550
    assert cell(kpis, "open_rate", "2026-02-01", dimension="campaign", member="spring")["value"] == 0.55
    assert values(kpis, "emails_delivered", dimension="variant") == {
        ("2026-02-01", "A"): 1000,
        ("2026-02-01", "B"): 0,
    }


def test_an_open_rate_is_provisional_until_three_days_after_its_period(tmp_path):
    table = {"emails": mails(10, 5, 0)}
    status = {}
    for day in ("2026-02-28", "2026-03-02", "2026-03-03"):
        kpis = kpis_of(tmp_path, table, LEADS, as_of=day)
        status[day] = cell(kpis, "open_rate", "2026-02-01")["status"]
        assert cell(kpis, "emails_delivered", "2026-02-01")["status"] == "ok"
    assert status == {"2026-02-28": "provisional", "2026-03-02": "provisional", "2026-03-03": "ok"}


def test_a_month_without_e_mails_has_no_open_rate_rather_than_none_opened(tmp_path):
    kpis = kpis_of(tmp_path, {"emails": mails(10, 5, 0)}, LEADS)
    march = cell(kpis, "open_rate", "2026-03-01")
    assert (march["status"], march["reason"]) == ("undefined", "no_denominator")
    assert values(kpis, "emails_delivered") == {"2026-02-01": 10, "2026-03-01": 0}


def test_without_word_of_machines_there_is_no_adjusted_rate(tmp_path):
    table = {"emails": "email_id,sent_at,opened_at\n1,2026-02-10,2026-02-11"}
    kpis = kpis_of(tmp_path, table, LEADS)
    assert cell(kpis, "open_rate", "2026-02-01")["value"] == 1
    assert cell(kpis, "open_rate_adjusted", "2026-02-01")["reason"] == "missing_column"


@pytest.mark.kpi("worked", "new_leads", "new_opportunities", "pipeline_created")
def test_new_leads_and_opportunities_by_rep_channel_and_motion_with_the_unassigned_kept(tmp_path):
    tables = {
        "leads": """
            lead_id,created_at,channel,rep_id
            1,2026-01-31T23:59:59,web,ann
            2,2026-02-01,fair,
            3,2026-02-28,phone,ann
        """,
        "opportunities": """
            opportunity_id,outcome,created_at,amount,rep_id,lead_id,channel
            a,open,2026-02-03,100,ann,,web
            b,open,,40,,2,fair
        """,
        "opportunity_splits": "opportunity_id,rep_id,share\na,ann,0.5\na,bob,0.5",
    }
    kpis = kpis_of(tmp_path, tables, LEADS, channels={"web": "inbound", "fair": "outbound"})
    assert values(kpis, "new_leads") == {"2026-01-01": 1, "2026-02-01": 2, "2026-03-01": 0}
    motions = values(kpis, "new_leads", "quarter", "motion")
    assert {m: v for (_, m), v in motions.items()} == {"inbound": 1, "outbound": 1, "(unassigned)": 1}
    assert values(kpis, "new_opportunities") == {"2026-01-01": 0, "2026-02-01": 2, "2026-03-01": 0}
    reps = {m: v for (_, m), v in values(kpis, "new_opportunities", "quarter", "rep").items()}
    assert reps == {"ann": 0.5, "bob": 0.5, "(unassigned)": 1}
    assert values(kpis, "pipeline_created", "quarter") == {"2026-01-01": 140}


def variants_sent(*groups: tuple[str, str, str, int, int, int]) -> dict[str, str]:
    """E-mails of groups (campaign, variant, day sent, delivered, of them opened, bounced)."""
    rows = ["email_id,campaign_id,variant,sent_at,bounced,opened_at"]
    for campaign, variant, day, delivered, opened, bounced in groups:
        for i in range(delivered + bounced):
            seen = day if i < opened else ""
            rows.append(f"{len(rows)},{campaign},{variant},{day},{str(i >= delivered).lower()},{seen}")
    return {"emails": "\n".join(rows)}


@pytest.mark.kpi("worked", "open_rate_lift")
def test_a_variant_is_held_against_the_first_of_its_campaign_by_name(tmp_path):
    """56 of 70 against 48 of 80: Newcombe 1998 prints 0.20, from 0.0524 to 0.3339; 40 of 80 is 0.10 less."""
    day = "2026-02-10"
    tables = variants_sent(
        ("spring", "B", day, 70, 56, 3),
        ("spring", "A", day, 80, 48, 0),
        ("spring", "C", day, 80, 40, 0),
        ("spring", "", day, 9, 9, 0),
        ("", "B", day, 9, 9, 0),
        ("lone", "B", day, 9, 9, 0),
    )
    kpis = kpis_of(tmp_path, tables, LEADS)
    assert values(kpis, "open_rate_lift", dimension="variant") == pytest.approx(
        {("2026-02-01", "spring: B"): 0.2, ("2026-02-01", "spring: C"): -0.1}
    )
    row = cell(kpis, "open_rate_lift", "2026-02-01", "month", "variant", "spring: B")
    assert (round(row["low"], 4), round(row["high"], 4), row["n"]) == (0.0524, 0.3339, 70)
    assert row[["numerator", "denominator"]].isna().all()
    assert values(kpis, "open_rate_lift", "quarter", "variant", "spring: C") == pytest.approx(
        {"2026-01-01": -0.1}
    )
    whole = kpis[(kpis["kpi"] == "open_rate_lift") & (kpis["dimension"] == "")]
    assert list(whole["period_start"].dt.strftime("%Y-%m")) == ["2026-03"], "elsewhere the variants tell"


@pytest.mark.kpi("empty", "open_rate_lift")
def test_without_two_variants_or_a_delivered_mail_on_either_side_there_is_no_lift(tmp_path):
    tables = variants_sent(
        ("spring", "A", "2026-01-10", 5, 2, 0),
        ("spring", "A", "2026-02-10", 5, 2, 0),
        ("spring", "B", "2026-02-10", 0, 0, 4),  # every one bounced
        ("early", "A", "2026-02-10", 0, 0, 2),
        ("early", "B", "2026-02-10", 4, 2, 0),
    )
    kpis = kpis_of(tmp_path, tables, LEADS)
    reasons = {
        (str(r["period_start"].date()), r["member"]): r["reason"]
        for r in kpis[(kpis["kpi"] == "open_rate_lift") & (kpis["grain"] == "month")].to_dict("records")
    }
    assert reasons == {
        ("2026-01-01", ""): "none_eligible",
        ("2026-02-01", "spring: B"): "no_denominator",
        ("2026-02-01", "early: B"): "no_denominator",
        ("2026-03-01", ""): "none_eligible",
    }
    assert cell(kpis, "open_rate_lift", "2026-02-01", "month", "variant", "spring: B")["n"] == 0


def test_fewer_than_a_hundred_on_a_side_are_few_and_opens_settle_for_three_days(tmp_path):
    status = {}
    for n in (99, 100):
        tables = variants_sent(("s", "A", "2026-02-10", 200, 9, 0), ("s", "B", "2026-02-10", n, 9, 0))
        for day in ("2026-03-02", "2026-03-03"):
            kpis = kpis_of(tmp_path / f"{n}{day}", tables, LEADS, as_of=day)
            status[n, day] = cell(kpis, "open_rate_lift", "2026-02-01", "month", "variant", "s: B")["status"]
    assert status == {
        (99, "2026-03-02"): "provisional",
        (99, "2026-03-03"): "small_n",
        (100, "2026-03-02"): "provisional",
        (100, "2026-03-03"): "ok",
    }


@pytest.mark.kpi("boundary", "open_rate_lift")
def test_a_variant_is_compared_in_the_month_its_mails_were_sent(tmp_path):
    tables = variants_sent(
        ("s", "A", "2026-01-31T23:59:59", 4, 1, 0),
        ("s", "B", "2026-01-31", 4, 2, 0),
        ("s", "A", "2026-02-01", 4, 4, 0),
        ("s", "B", "2026-02-28", 4, 3, 0),
        ("s", "B", "2026-03-01", 4, 3, 0),
    )
    kpis = kpis_of(tmp_path, tables, LEADS)
    assert values(kpis, "open_rate_lift", dimension="variant") == {
        ("2026-01-01", "s: B"): 0.25,
        ("2026-02-01", "s: B"): -0.25,
    }
    assert cell(kpis, "open_rate_lift", "2026-03-01")["reason"] == "none_eligible"
    assert values(kpis, "open_rate_lift", "quarter", "variant") == pytest.approx(
        {("2026-01-01", "s: B"): 8 / 12 - 5 / 8}
    )


@pytest.mark.kpi("law", "open_rate_lift")
@pytest.mark.parametrize("seed", range(3))
def test_the_lift_is_the_difference_of_the_rates_and_turns_its_sign_with_the_names(tmp_path, seed):
    rng = random.Random(seed)
    groups = []
    for campaign, variant in product(["x", "y"], ["A", "B"]):
        delivered = rng.randint(1, 40)
        groups.append((campaign, variant, "2026-02-03", delivered, rng.randint(0, delivered), 1))
    swapped = [(c, {"A": "B", "B": "A"}[v], *more) for c, v, *more in groups]
    kpis, turned = (
        kpis_of(tmp_path / name, variants_sent(*rows), LEADS)
        for name, rows in (("as_is", groups), ("turned", swapped))
    )
    rate = {(c, v): opened / delivered for c, v, _, delivered, opened, _ in groups}
    for campaign in ("x", "y"):
        row, back = (
            cell(k, "open_rate_lift", "2026-02-01", "month", "variant", f"{campaign}: B")
            for k in (kpis, turned)
        )
        assert row["value"] == pytest.approx(rate[campaign, "B"] - rate[campaign, "A"])
        assert [row["value"], row["low"], row["high"]] == pytest.approx(
            [-back["value"], -back["high"], -back["low"]]
        )
        assert row["low"] <= row["value"] <= row["high"]
        assert row["n"] == back["n"]


def test_without_word_of_variants_or_campaigns_there_is_no_lift(tmp_path):
    for column in ("campaign_id", "variant"):
        table = {"emails": f"email_id,sent_at,opened_at,{column}\n1,2026-02-10,2026-02-11,A"}
        kpis = kpis_of(tmp_path / column, table, LEADS)
        assert cell(kpis, "open_rate_lift", "2026-02-01")["reason"] == "missing_column"
