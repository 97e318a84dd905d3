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
