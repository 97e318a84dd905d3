"""Reading a company's sources into the canonical tables of `contract`: the only place that knows file formats."""
