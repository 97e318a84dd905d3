"""The seeded generator of the three sample companies; run it with `python data/generate.py`."""
