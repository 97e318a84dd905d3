"""Reading a company's sources into the canonical tables of `contract`; only here are file formats known."""
