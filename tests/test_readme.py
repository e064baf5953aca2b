"""The README says what the code does: its table of pathologies is the catalogue's."""

from pathlib import Path

from augment.pathology import PATHOLOGIES
from augment.recipe import recipe_names

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SHORT = {"published": "pub", "fitted": "fit", "proposal": "prop"}


def test_every_pathology_stands_in_the_table_with_its_grades():
    for entry in PATHOLOGIES.values():
        (row,) = [line for line in README.splitlines() if line.startswith(f"| `{entry.name}`")]
        for grade in entry.grades:
            assert f"{grade.low:g}-{grade.high:g} {SHORT[grade.basis]}" in row
        assert entry.norm in row


def test_every_recipe_is_named():
    for name in recipe_names():
        assert f"`{name}`" in README


def test_linked_files_exist():
    root = Path(__file__).parents[1]
    targets = [part.split(")")[0] for part in README.split("](")[1:]]
    assert targets
    assert [target for target in targets if not (root / target).exists()] == []
