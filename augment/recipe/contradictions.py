"""Values that are each allowed but do not go together: all of them are found before any work."""

from itertools import pairwise

from augment.recipe.schema import CEPHALOGRAMS, RecipeSpec
from augment.recipe.sharing import sharing_mistakes

UPRIGHT_PROTOCOLS = ("diagnostic", "cbct")


def contradictions(spec: RecipeSpec) -> list[str]:
    """Return one sentence for each pair of values that exclude each other.

    Args:
        spec: A recipe whose values are each allowed.
    """
    return [
        *sharing_mistakes(spec.engine, spec.ray_address, spec.shard, spec.device),
        *_subject(spec),
        *_pathologies(spec),
        *_series(spec),
        *_volume(spec),
        *_anchored(spec),
    ]


def _subject(spec: RecipeSpec) -> list[str]:
    found = []
    subject = spec.subject
    if subject.source != "prior" and subject.path in (None, "???"):
        found.append(
            f"subject.path expects a file for subject.source={subject.source},"
            " got none; add subject.path=FILE"
        )
    if subject.labels is not None and not spec.volume.anchored:
        found.append(
            "subject.labels expects volume.anchored=true, which moves them, got false;"
            " use the recipe ct_anchored"
        )
    if subject.label_table is not None and subject.labels is None:
        found.append(
            "subject.label_table expects subject.labels, whose values it names, got none;"
            " add subject.labels=FILE"
        )
    return found


def _pathologies(spec: RecipeSpec) -> list[str]:
    found = []
    if spec.assign == "one" and not spec.pathologies:
        found.append("assign=one expects at least one entry in pathologies, got none")
    for number, pathology in enumerate(spec.pathologies):
        if not pathology.name:
            found.append(f"pathologies[{number}].name expects the name of a pathology, got none")
    return found


def _series(spec: RecipeSpec) -> list[str]:
    course, times = spec.series.course, spec.series.times
    found = []
    if (course == "none") != (not times):
        found.append(
            "series.course and series.times expect each other, got"
            f" course={course} and times={list(times)}; give both or none"
        )
    if course != "none" and not spec.pathologies:
        found.append("series.course expects at least one entry in pathologies, got none")
    if any(a >= b for a, b in pairwise(times)):
        found.append(f"series.times expects rising times, got {list(times)}; put them in order")
    if course == "synostosis_growth" and spec.subject.source != "prior":
        found.append(
            "series.course=synostosis_growth expects subject.source=prior, whose heads grow, got"
            f" {spec.subject.source}"
        )
    return found


def _volume(spec: RecipeSpec) -> list[str]:
    found = []
    volume = spec.volume
    films = [name for name in volume.files if name in CEPHALOGRAMS]
    if spec.render.views == 0 and not volume.is_wanted:
        found.append(
            "render.views=0 expects volumes to write instead, got volume.protocol=none;"
            " add volume.protocol=diagnostic or render.views=1"
        )
    if volume.is_wanted and not volume.files:
        found.append("volume.files expects at least one file, got none; add volume.files=[image]")
    if films and volume.contrast != "ct":
        found.append(
            f"volume.files={films[0]} expects volume.contrast=ct, whose HU absorb X-rays,"
            f" got {volume.contrast}; leave one of the two out"
        )
    if films and volume.is_wanted and volume.protocol not in UPRIGHT_PROTOCOLS:
        got = "anchored=true" if volume.anchored else f"protocol={volume.protocol}"
        found.append(
            f"volume.files={films[0]} expects volume.protocol=diagnostic or cbct, which show the"
            f" whole head upright, got {got}; leave one of the two out"
        )
    if volume.fractures and not volume.is_wanted:
        found.append(
            "volume.fractures expects a volume to break, got volume.protocol=none;"
            " add volume.protocol=diagnostic"
        )
    if "fracture" in volume.files and not volume.fractures:
        found.append(
            "volume.files=fracture expects an entry in volume.fractures, got none;"
            " add volume.fractures=[{bone: zygoma}]"
        )
    return found


def _anchored(spec: RecipeSpec) -> list[str]:
    volume = spec.volume
    if not volume.anchored:
        return []
    found = []
    if spec.subject.source != "ct":
        found.append(
            "volume.anchored=true expects subject.source=ct, whose scan it moves,"
            f" got {spec.subject.source}; add subject.source=ct subject.path=scan.nii.gz"
        )
    if not spec.pathologies and spec.assign != "grid":
        found.append(
            "volume.anchored=true expects at least one entry in pathologies, got none;"
            " a healthy CT is your own"
        )
    for key, value, own in (
        ("protocol", volume.protocol, "none"),
        ("contrast", volume.contrast, "ct"),
        ("spacing_mm", volume.spacing_mm, None),
        ("atlases", volume.atlases, ()),
        ("expression", volume.expression, False),
        ("jaw_opening_deg", volume.jaw_opening_deg, (0.0, 0.0)),
        ("fractures", volume.fractures, ()),
    ):
        if value != own:
            text = list(value) if isinstance(value, tuple) else value
            found.append(
                f"volume.anchored=true keeps the grid and texture of the CT and expects"
                f" volume.{key} left out, got {text}; remove one of the two"
            )
    if "mandible_share" in volume.files:
        found.append(
            "volume.files=mandible_share expects a generated volume, got anchored=true;"
            " remove it, subject.labels are moved instead"
        )
    return found
