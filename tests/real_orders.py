"""Public orders as the models take them; a test that asks for them is skipped by name where they are not."""

from functools import cache

import pandas as pd

from conftest import real_data


@cache
def cdnow(name: str) -> pd.DataFrame:
    """CDNOW's orders, `sample` (2,357 customers) or `master` (23,570): customer_id, day, amount."""
    path = real_data("cdnow") / f"CDNOW_{name}.txt"
    columns = ["customer_id", "day", "units", "amount"]
    names, skip = (["master_id", *columns], 0) if name == "sample" else (columns, 1)
    orders = pd.read_csv(
        path, sep=r"\s+", header=None, names=names, skiprows=skip, dtype={"customer_id": str}
    )
    orders["day"] = pd.to_datetime(orders["day"].astype(str), format="%Y%m%d")
    return orders[["customer_id", "day", "amount"]]


@cache
def online_retail() -> pd.DataFrame:
    """Online Retail's sale lines with a customer: customer_id, day, amount."""
    path = real_data("online_retail") / "online_retail.csv.gz"
    lines = pd.read_csv(path, dtype={"InvoiceNo": str, "CustomerID": str, "StockCode": str})
    valid = ~lines["InvoiceNo"].str.startswith("C") & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)
    lines = lines[valid & lines["CustomerID"].notna()]
    return pd.DataFrame(
        {
            "customer_id": lines["CustomerID"],
            "day": pd.to_datetime(lines["InvoiceDate"]),
            "amount": lines["Quantity"] * lines["UnitPrice"],
        }
    )
