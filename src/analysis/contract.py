"""The canonical tables: every company's data, whatever system it comes from, is read into these.

Column types, as they stand in the loaded tables:

=========  =======================================================================================
`text`     text; ids stay text, `00017` stays `00017`
`date`     DATE, a calendar day in the company's time zone
`month`    DATE, the first day of the month
`instant`  two columns: `x` is the wall time in the company's time zone, `x_utc` the same in UTC, or
           null where the source gave only a calendar day (`x` is then that day's midnight); a wall time
           that comes twice when summer time ends is the later one
`money`    DECIMAL(20, 6) in the company's currency, converted at the date of the event
`number`   DECIMAL(20, 6)
`rate`     DECIMAL(18, 9)
`share`    DECIMAL(9, 6), between 0 and 1
`flag`     BOOLEAN, null counts as false
=========  =======================================================================================
"""

from collections.abc import Iterator
from dataclasses import dataclass

SQL_TYPES = {
    "text": "VARCHAR",
    "date": "DATE",
    "month": "DATE",
    "instant": "TIMESTAMP",
    "money": "DECIMAL(20, 6)",  # wider than 18: products of narrow decimals overflow in DuckDB
    "number": "DECIMAL(20, 6)",
    "rate": "DECIMAL(18, 9)",
    "share": "DECIMAL(18, 12)",  # rounded to DECIMAL(9, 6) once the shares of a deal are known to sum to 1
    "flag": "BOOLEAN",
}


@dataclass(frozen=True)
class Column:
    """A column of a canonical table; `values` are the only ones allowed, where there are any."""

    name: str
    type: str
    required: bool = False
    values: tuple[str, ...] = ()

    @property
    def physical(self) -> tuple[str, ...]:
        """The columns it has in the loaded table."""
        return (self.name, f"{self.name}_utc") if self.type == "instant" else (self.name,)


@dataclass(frozen=True)
class Interval:
    """`end` may not lie before the first known of `start`; `removed` rows do not stay in the table."""

    end: str
    start: tuple[str, ...]
    reason: str
    removed: bool = False


@dataclass(frozen=True)
class Table:
    """A canonical table and what time travel and the checks need to know about it.

    Attributes
    ----------
    key : the columns that name a row; empty where identical rows are different rows
    born : the row exists from the first of these that is known; none known: it always did
    later : facts that come to the row afterwards, unknown when they lie after the day looked from
    events : columns that count as something having happened, for `as_of: latest` and the first event
    money_at : the first known of these days gives an amount its rate; `_born` is the day of `born`
    added : columns that loading adds; `amount_created` is the amount at the rate of the creation
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    born: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    money_at: tuple[str, ...] = ()
    intervals: tuple[Interval, ...] = ()
    added: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, as params files use them."""
        return tuple(c.name for c in self.columns)

    @property
    def keeps_interval_faults(self) -> bool:
        """Whether rows with a broken interval stay, with `interval_ok` false."""
        return any(not i.removed for i in self.intervals)

    @property
    def physical(self) -> tuple[str, ...]:
        """The columns of the source in the loaded table."""
        return tuple(name for c in self.columns for name in c.physical)

    @property
    def loaded(self) -> tuple[str, ...]:
        """The columns of the loaded table, `interval_ok` aside."""
        return self.physical + self.added


def _columns(text: str, **values: tuple[str, ...]) -> tuple[Column, ...]:
    """`name*:type` words, a star for required; `values` holds the allowed values by column."""
    columns = []
    for word in text.split():
        name, _, kind = word.partition(":")
        bare = name.rstrip("*")
        columns.append(Column(bare, kind or "text", name != bare, values.get(bare, ())))
    return tuple(columns)


_ALL = (
    Table(
        "reps",
        _columns("rep_id* name* team manager_id email started_on:date ended_on:date"),
        key=("rep_id",),
        born=("started_on",),
        later=("ended_on",),
        intervals=(Interval("ended_on", ("started_on",), "ended before it started"),),
    ),
    Table(
        "customers",
        _columns("customer_id* name segment region industry channel rep_id acquired_on:date"),
        key=("customer_id",),
        later=("acquired_on",),
        events=("acquired_on",),
    ),
    Table(
        "leads",
        _columns(
            "lead_id* created_at*:instant channel rep_id first_contact_at:instant qualified_at:instant "
            "opportunity_id customer_id"
        ),
        key=("lead_id",),
        born=("created_at",),
        later=("first_contact_at", "qualified_at"),
        events=("created_at", "first_contact_at", "qualified_at"),
        intervals=(
            Interval("first_contact_at", ("created_at",), "contacted before it was created"),
            Interval("qualified_at", ("created_at",), "qualified before it was created"),
        ),
    ),
    Table(
        "opportunities",
        _columns(
            "opportunity_id* outcome* created_at:instant first_contact_at:instant closed_at:instant stage "
            "amount:money units:number currency kind customer_id lead_id rep_id channel",
            outcome=("open", "won", "lost"),
            kind=("new", "expansion", "renewal"),
        ),
        key=("opportunity_id",),
        born=("created_at", "first_contact_at"),
        later=("first_contact_at", "closed_at"),
        events=("created_at", "first_contact_at", "closed_at"),
        money_at=("closed_at", "_born"),
        intervals=(Interval("closed_at", ("first_contact_at", "created_at"), "closed before it started"),),
        added=("amount_created",),
    ),
    Table(
        "opportunity_splits",
        _columns("opportunity_id* rep_id* share*:share"),
        key=("opportunity_id", "rep_id"),
    ),
    Table(
        "stage_history",
        _columns("opportunity_id* stage* entered_at*:instant"),
        key=("opportunity_id", "stage", "entered_at"),
        born=("entered_at",),
        events=("entered_at",),
    ),
    Table(
        "subscriptions",
        _columns("subscription_id* customer_id* started_on*:date ended_on:date mrr*:money currency plan"),
        key=("subscription_id",),
        born=("started_on",),
        later=("ended_on",),
        events=("started_on",),
        money_at=("started_on",),
        intervals=(Interval("ended_on", ("started_on",), "ended before it started", removed=True),),
    ),
    Table(
        "orders",
        _columns(
            "order_id* customer_id ordered_at*:instant amount*:money cost:money currency channel rep_id"
        ),
        key=("order_id",),
        born=("ordered_at",),
        events=("ordered_at",),
        money_at=("ordered_at",),
    ),
    Table(
        "emails",
        _columns(
            "email_id* campaign_id subject variant recipient rep_id sent_at*:instant bounced:flag "
            "opened_at:instant machine_open:flag clicked_at:instant unsubscribed_at:instant"
        ),
        key=("email_id",),
        born=("sent_at",),
        later=("opened_at", "clicked_at", "unsubscribed_at"),
        events=("sent_at", "opened_at", "clicked_at", "unsubscribed_at"),
    ),
    Table(
        "costs",
        _columns(
            "month*:month category* channel amount*:money currency",
            category=("marketing", "advertising", "salaries", "other"),
        ),
        born=("month",),
        events=("month",),
        money_at=("month",),
    ),
    Table(
        "targets",
        _columns(
            "metric* scope* scope_id period_start*:date period* target*:number valid_from:date",
            metric=("revenue", "units", "new_accounts"),
            scope=("company", "team", "rep"),
            period=("month", "quarter", "year"),
        ),
        key=("metric", "scope", "scope_id", "period_start", "period", "valid_from"),
        born=("valid_from",),
    ),
    Table(
        "tasks",
        _columns(
            "task_id* rep_id title created_at*:instant due_on:date completed_at:instant cancelled_at:instant "
            "points:number lead_id opportunity_id"
        ),
        key=("task_id",),
        born=("created_at",),
        later=("completed_at", "cancelled_at"),
        events=("created_at", "completed_at", "cancelled_at"),
        intervals=(Interval("completed_at", ("created_at",), "completed before it was created"),),
    ),
    Table(
        "activities",
        _columns("activity_id* rep_id* at*:instant kind task_id lead_id opportunity_id"),
        key=("activity_id",),
        born=("at",),
        events=("at",),
    ),
    Table(
        "notifications",
        _columns("notification_id* rep_id* created_at*:instant cleared_at:instant"),
        key=("notification_id",),
        born=("created_at",),
        later=("cleared_at",),
        events=("created_at", "cleared_at"),
    ),
    Table(
        "rates",
        _columns("currency* date*:date rate*:rate"),
        key=("currency", "date"),
        born=("date",),
    ),
    Table(
        "annotations",
        _columns("date*:date text* end:date kpi"),
        born=("date",),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _ALL}
"""The canonical tables by name, in the order of the documentation."""

REP_IDS = (
    "customers", "leads", "opportunities", "opportunity_splits", "orders", "emails", "tasks", "activities",
    "notifications",
)  # fmt: skip
"""Tables whose `rep_id` names a salesperson."""

CUSTOMER_IDS = ("opportunities", "orders", "subscriptions")
"""Tables whose `customer_id` makes a customer."""
