"""Write `docs/bad_inputs.md` from the list that the tests meet: `python bad_inputs.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))


def main() -> None:
    """Write the table."""
    from hostile_cases import markdown
    from hostile_list import CASES

    (ROOT / "docs" / "bad_inputs.md").write_text(markdown(CASES), encoding="utf-8")


if __name__ == "__main__":
    main()
