"""`kpi serve`: reports on this machine's own address, which follow their data."""
