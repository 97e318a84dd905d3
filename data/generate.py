"""Write the sample companies' CSVs and `truth.json`: `python data/generate.py [folder]`.

The same seed gives the same bytes. `folder` defaults to the folder of this file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from generator import acme, forge, shop


def main(folder: Path) -> None:
    """Write every company below `folder`, and `truth.json` beside them."""
    companies = {"acme": acme, "shop": shop, "forge": forge}
    truth = {name: module.generate(folder / name) for name, module in companies.items()}
    content = json.dumps(truth, indent=2, ensure_ascii=False) + "\n"
    (folder / "truth.json").write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
