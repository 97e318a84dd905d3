"""Sales KPIs from clean tables: params and data in, one tidy KPI table out."""
