"""What the canonical tables, columns and values are called in exports: CRMs and shops, English and Polish.

All words are in the form that `normal` gives: lower case, without accents, `_` between words. The likelier
name of a column stands first.
"""

import re
import unicodedata


def normal(text: str) -> str:
    """`Data zamknięcia` -> `data_zamkniecia`, `CloseDate` -> `close_date`, `Amount (EUR)` -> `amount`."""
    text = re.sub(r"\s*[(\[][^)\]]*[)\]]\s*$", "", text) or text
    text = re.sub(r"(?<=[a-ząćęłńóśźż0-9])(?=[A-ZĄĆĘŁŃÓŚŹŻ])", "_", text)
    text = unicodedata.normalize("NFKD", text.lower().replace("ł", "l"))
    plain = "".join(c for c in text if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


FILES: dict[str, str] = {
    "reps": "reps rep owners users salespeople sales_reps sales_team sales_teams agents sales_agents "
    "handlowcy opiekunowie sprzedawcy pracownicy przedstawiciele",
    "customers": "customers customer accounts companies clients organizations organisations klienci "
    "kontrahenci firmy odbiorcy",
    "leads": "leads lead mql mqls inquiries enquiries prospects leady zapytania",
    "opportunities": "opportunities opportunity opps deals deal pipeline szanse szanse_sprzedazy "
    "transakcje lejek",
    "opportunity_splits": "opportunity_splits splits deal_splits opportunity_split podzial prowizje",
    "stage_history": "stage_history stage_changes opportunity_history deal_stage_history historia_etapow "
    "etapy",
    "subscriptions": "subscriptions subscription contracts recurring abonamenty subskrypcje umowy",
    "orders": "orders order sales invoices purchases transactions zamowienia sprzedaz faktury zakupy "
    "paragony",
    "emails": "emails email mailing mailings email_events email_activity wiadomosci kampanie_mailowe",
    "costs": "costs cost spend ad_spend expenses marketing_costs koszty wydatki",
    "targets": "targets target quotas quota plans cele plany plan",
    "tasks": "tasks task todos todo zadania",
    "activities": "activities activity calls meetings engagements aktywnosci dzialania",
    "notifications": "notifications notification alerts powiadomienia",
    "rates": "rates fx_rates exchange_rates currency_rates kursy kursy_walut",
    "annotations": "annotations annotation notes_on_charts adnotacje",
}
"""Words of a file's name, by canonical table."""

PREFIXES: dict[str, str] = {
    "opportunities": "deal opportunity opp szansa",
    "leads": "lead",
    "customers": "customer account company organization klient",
    "reps": "user owner rep",
    "orders": "order",
    "subscriptions": "subscription",
    "tasks": "task activity",
    "activities": "activity",
    "emails": "email",
}
"""What exports put before every column of a table, as in `Deal - Title`."""

_REP = (
    "sales_rep_id sales_rep owner_id deal_owner_id deal_owner opportunity_owner lead_owner account_owner "
    "owner hubspot_owner_id sales_agent agent_id agent salesperson_id salesperson seller rep "
    "sales_rep_name owner_name sr_id sdr_id assigned_to user_id handlowiec_id handlowiec opiekun_id "
    "opiekun sprzedawca przedstawiciel wlasciciel"
)
_CUSTOMER = (
    "account_id company_id client_id organization_id customer_number customer_no account_no client_no "
    "customer_user_id account customer client company organization account_name company_name "
    "associated_company primary_associated_company_id seller_id id_klienta klient_id nr_klienta "
    "kontrahent_id kontrahent klient firma nabywca odbiorca nip customer_email email"
)
_CHANNEL = (
    "source lead_source original_source original_traffic_source traffic_source utm_source origin "
    "came_from acquisition_channel referral_source marketing_channel sales_channel source_name kanal "
    "zrodlo zrodlo_leada kanal_sprzedazy"
)
_CURRENCY = "currency_code deal_currency currency_iso_code order_currency ccy waluta kod_waluty"
_CREATED = (
    "created created_date create_date creation_date created_time created_on date_created deal_created "
    "lead_created add_time opened_at open_date start_date data_utworzenia utworzono data_dodania "
    "data_rozpoczecia"
)
_OPPORTUNITY = "deal_id deal_no opportunity_no opportunity deal associated_deal_id id_szansy szansa_id"
_LEAD = "mql_id lead_no lead lead_number id_leada"

COLUMNS: dict[str, dict[str, str]] = {
    "reps": {
        "rep_id": f"id {_REP} employee_id name full_name imie_i_nazwisko",
        "name": "full_name rep_name sales_agent salesperson agent owner_name user_name imie_i_nazwisko "
        "nazwisko handlowiec",
        "team": "team_name region regional_office office department zespol dzial oddzial",
        "manager_id": "manager manager_name supervisor reports_to kierownik przelozony",
        "email": "e_mail email_address mail",
        "started_on": "start_date hire_date hired_on created_at data_zatrudnienia od",
        "ended_on": "end_date left_on termination_date data_odejscia do",
    },
    "customers": {
        "customer_id": f"id record_id {_CUSTOMER} name nazwa",
        "name": "customer_name account_name company_name client_name company account nazwa nazwa_firmy "
        "nazwa_klienta",
        "segment": "customer_segment tier plan_tier size type customer_type segment_klienta typ",
        "region": "state country office_location billing_country territory wojewodztwo kraj",
        "industry": "sector branch business_segment branza sektor",
        "channel": _CHANNEL,
        "rep_id": _REP,
        "acquired_on": "signup_date customer_since became_customer_on first_order_date klient_od "
        "data_pozyskania",
    },
    "leads": {
        "lead_id": f"id record_id contact_id {_LEAD}",
        "created_at": f"{_CREATED} date data first_contact_date",
        "channel": _CHANNEL,
        "rep_id": _REP,
        "first_contact_at": "first_contact first_contact_date first_contacted_at first_response_at "
        "contacted_at first_outreach_date pierwszy_kontakt data_pierwszego_kontaktu",
        "qualified_at": "qualified_date qualification_date mql_date sql_date "
        "became_a_sales_qualified_lead_date data_kwalifikacji",
        "opportunity_id": f"{_OPPORTUNITY} converted_opportunity_id",
        "customer_id": f"{_CUSTOMER} converted_account_id",
    },
    "opportunities": {
        "opportunity_id": f"id record_id no deal_number {_OPPORTUNITY} numer_szansy",
        "outcome": "status is_won won result state deal_stage stage stage_name wynik stan etap",
        "created_at": _CREATED,
        "first_contact_at": "engage_date first_contact first_meeting first_contact_date "
        "first_contacted_at pierwszy_kontakt data_pierwszego_kontaktu",
        "closed_at": "close_date closed closed_date closed_on deal_closed_on closed_time won_time "
        "won_date closing_date data_zamkniecia data_wygrania zamknieto",
        "stage": "deal_stage stage_name pipeline_stage sales_stage etap",
        "amount": "value deal_value close_value amount_in_company_currency total total_value revenue "
        "price kwota wartosc wartosc_netto wartosc_szansy kwota_netto",
        "units": "quantity seats qty number_of_units ilosc liczba_sztuk",
        "currency": _CURRENCY,
        "kind": "deal_type opportunity_type type typ rodzaj",
        "customer_id": _CUSTOMER,
        "lead_id": _LEAD,
        "rep_id": _REP,
        "channel": _CHANNEL,
    },
    "opportunity_splits": {
        "opportunity_id": _OPPORTUNITY,
        "rep_id": _REP,
        "share": "split split_percentage percentage credit udzial procent",
    },
    "stage_history": {
        "opportunity_id": _OPPORTUNITY,
        "stage": "stage_name new_stage to_stage deal_stage etap",
        "entered_at": "entered_on changed_at changed_on date timestamp created_at created_date data "
        "data_zmiany",
    },
    "subscriptions": {
        "subscription_id": "id contract_id subscription umowa_id numer_umowy nr_umowy",
        "customer_id": _CUSTOMER,
        "started_on": "start_date started_at start created_at current_period_start od data_rozpoczecia "
        "data_od",
        "ended_on": "end_date ended_at end canceled_at cancelled_at do data_zakonczenia data_do",
        "mrr": "mrr_amount monthly_recurring_revenue monthly_amount monthly_price abonament "
        "oplata_miesieczna kwota_miesieczna",
        "currency": _CURRENCY,
        "plan": "plan_name plan_tier tier product taryfa pakiet",
    },
    "orders": {
        "order_id": "id order_no sales_order_number order_number number invoice_no invoice_number invoice "
        "invoice_id transaction_id numer_zamowienia nr_zamowienia numer numer_faktury name",
        "customer_id": _CUSTOMER,
        "ordered_at": "order_date created_at paid_at order_purchase_timestamp purchase_date invoice_date "
        "date date_created transaction_date data_zamowienia data_sprzedazy data_wystawienia data",
        "amount": "total sales_amount dollar_value order_total order_total_amount total_amount "
        "total_price net_amount amount_paid value revenue price kwota wartosc wartosc_netto "
        "wartosc_zamowienia suma razem netto",
        "cost": "cogs total_cost total_product_cost cost_of_goods koszt koszt_zakupu",
        "currency": _CURRENCY,
        "channel": _CHANNEL,
        "rep_id": _REP,
    },
    "emails": {
        "email_id": "id message_id",
        "campaign_id": "campaign campaign_name kampania",
        "subject": "email_subject subject_line temat",
        "variant": "ab_variant version wariant",
        "recipient": "email recipient_email to to_email odbiorca adresat",
        "rep_id": _REP,
        "sent_at": "sent sent_on send_time sent_date delivered_at wyslano data_wysylki",
        "bounced": "bounce is_bounced odbity",
        "opened_at": "opened first_opened_at open_time otwarto",
        "machine_open": "is_machine_open bot_open apple_mpp",
        "clicked_at": "clicked first_clicked_at click_time kliknieto",
        "unsubscribed_at": "unsubscribed unsubscribe_time wypisano",
    },
    "costs": {
        "month": "date period miesiac okres data",
        "category": "type cost_type kategoria rodzaj",
        "channel": f"{_CHANNEL} campaign platform",
        "amount": "cost spend value total kwota koszt wartosc",
        "currency": _CURRENCY,
    },
    "targets": {
        "metric": "kpi measure miara wskaznik",
        "scope": "level poziom zakres",
        "scope_id": f"team {_REP}",
        "period_start": "month date start_date from od miesiac okres",
        "period": "grain frequency okresowosc",
        "target": "quota goal plan value amount cel kwota wartosc",
        "valid_from": "set_on valid_since obowiazuje_od",
    },
    "tasks": {
        "task_id": "id record_id",
        "rep_id": _REP,
        "title": "subject task_name name temat nazwa tytul",
        "created_at": _CREATED,
        "due_on": "due_date due deadline termin",
        "completed_at": "completed_date done_time done_at completed_on closed_at wykonano data_wykonania",
        "cancelled_at": "canceled_at cancelled_on anulowano",
        "points": "story_points weight punkty",
        "lead_id": _LEAD,
        "opportunity_id": _OPPORTUNITY,
    },
    "activities": {
        "activity_id": "id engagement_id record_id",
        "rep_id": _REP,
        "at": "date activity_date occurred_at timestamp created_at due_date data",
        "kind": "type activity_type typ rodzaj",
        "task_id": "task",
        "lead_id": _LEAD,
        "opportunity_id": _OPPORTUNITY,
    },
    "notifications": {
        "notification_id": "id alert_id",
        "rep_id": _REP,
        "created_at": _CREATED,
        "cleared_at": "read_at seen_at dismissed_at przeczytano",
    },
    "rates": {
        "currency": f"{_CURRENCY} code symbol kod",
        "date": "rate_date day data",
        "rate": "mid value exchange_rate kurs",
    },
    "annotations": {
        "date": "day start data",
        "text": "note comment tekst opis",
        "end": "to do",
        "kpi": "metric",
    },
}
"""Other names of a canonical column, by table; its own name goes without saying."""

VALUES: dict[str, dict[str, str]] = {
    "outcome": {
        "won": "won win closed_won closedwon zamknieta_wygrana wygrana wygrane wygrany wygrano sold "
        "sprzedane",
        "lost": "lost closed_lost closedlost zamknieta_przegrana przegrana przegrane przegrany przegrano "
        "utracona stracona rejected odrzucona disqualified",
        "open": "",
    },
    "kind": {
        "new": "new newbusiness new_business new_customer nowy nowa nowy_klient",
        "expansion": "expansion existingbusiness existing_business upsell cross_sell upgrade rozszerzenie "
        "dosprzedaz",
        "renewal": "renewal renew odnowienie przedluzenie",
    },
    "category": {
        "marketing": "marketing content events promocja targi",
        "advertising": "advertising ads ad adwords google_ads facebook_ads media reklama reklamy",
        "salaries": "salaries salary payroll wages wynagrodzenia pensje place",
        "other": "",
    },
    "metric": {
        "revenue": "revenue sales amount przychod przychody sprzedaz obrot",
        "units": "units quantity sztuki ilosc",
        "new_accounts": "new_accounts new_customers nowi_klienci",
    },
    "scope": {
        "company": "company total firma calosc",
        "team": "team region zespol dzial",
        "rep": "rep person salesperson owner handlowiec osoba",
    },
    "period": {
        "month": "month monthly m miesiac miesieczny",
        "quarter": "quarter quarterly q kwartal kwartalny",
        "year": "year yearly annual y rok roczny",
    },
}
"""Other words for a canonical value; an empty one takes every value that is in no other."""

CONSTANTS: dict[str, dict[str, str]] = {
    "opportunities": {"outcome": "won"},
    "costs": {"category": "marketing"},
    "targets": {"metric": "revenue", "scope": "rep", "period": "month"},
}
"""What a required column with listed values most likely is, where no column of the source says it."""

DELETED = "is_deleted deleted is_archived archived usuniete usuniety"
"""Columns that say a row is no longer there."""
