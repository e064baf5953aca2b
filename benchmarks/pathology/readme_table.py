"""Write the README's table of pathologies from the catalogue.

python benchmarks/pathology/readme_table.py
"""

from pathlib import Path

from augment.pathology import PATHOLOGIES, Pathology

README = Path(__file__).parents[2] / "README.md"
SHORT = {"published": "pub", "fitted": "fit", "proposal": "prop"}
SIGN = {"deg": "°", "cm3": "cm³", "cm2": "cm²", "percent": "%"}
HEAD = "| Pathology | Measure | Healthy | Mild | Moderate | Severe |"


def row(entry: Pathology) -> str:
    """Return the table's row of one pathology."""
    sides = f" ({'/'.join(entry.sides)})" if entry.sides else ""
    low, high = entry.ages
    ages = f", {low:g}-{high:g} years" if high < 100 else ""
    grades = " | ".join(f"{g.low:g}-{g.high:g} {SHORT[g.basis]}" for g in entry.grades)
    measure = f"{entry.parameter}, {SIGN.get(entry.unit, entry.unit)}{ages}"
    return f"| `{entry.name}`{sides} | {measure} | {entry.norm} | {grades} |"


def main() -> None:
    """Replace the table in place."""
    before, after = README.read_text(encoding="utf-8").split(HEAD)
    rest = after.split("\n\n", 1)[1]
    table = "\n".join([HEAD, "|---|---|---|---|---|---|", *map(row, PATHOLOGIES.values())])
    README.write_text(f"{before}{table}\n\n{rest}", encoding="utf-8")


if __name__ == "__main__":
    main()
