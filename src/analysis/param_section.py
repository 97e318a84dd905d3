"""What the models of a params file's mappings have in common."""

from datetime import date
from typing import Annotated, Any

from babel.numbers import list_currencies
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from analysis import param_values as check

Currency = Annotated[str, check.one_of("currency code", list_currencies(), "EUR")]
Day = Annotated[date, BeforeValidator(check.day)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Section(BaseModel):
    """A mapping of the file; each field's description is what an error tells the user to write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: Any) -> Any:
        """A key with nothing after it takes its default, as if the line were not there."""
        if data is None:
            return {}
        if not isinstance(data, dict):
            return data
        fields = cls.model_fields
        return {k: v for k, v in data.items() if v is not None or k not in fields or fields[k].is_required()}
