"""Which cases, image and labels an export holds: the closed table of kinds of labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from augment.errors import AssetError, RecipeError
from augment.writer.content import decode_png, decode_volume
from augment.writer.export.source import Case, Source, StoredFile

BACKGROUND = "background"
MAX_FOLDS = 5


@dataclass(frozen=True)
class LabelKind:
    """One kind of labels that a network can learn.

    Attributes:
        file: Kind of the label file.
        image: Kind of the image file that it belongs to.
        table: Key of its names in `dataset.json`; empty where they are `names`.
        names: Value to name.
    """

    file: str
    image: str
    table: str = ""
    names: tuple[str, ...] = ()


LABEL_KINDS: Mapping[str, LabelKind] = {
    "regions": LabelKind("regions", "image", "regions"),
    "parts": LabelKind("parts", "image", "parts"),
    "pathology": LabelKind("pathology", "image", names=("pathology",)),
    "labels": LabelKind("volume_labels", "volume", "volume_labels"),
}
VOLUME_LABELS = "labels"


@dataclass(frozen=True)
class Selection:
    """What an export holds.

    Attributes:
        source: The data set.
        kind: Name of the kind of labels.
        cases: Its cases, each with an image and labels.
        names: Value of a label to its name, without the background.
    """

    source: Source
    kind: str
    cases: tuple[Case, ...]
    names: Mapping[int, str]

    @property
    def is_volume(self) -> bool:
        """Whether the cases are volumes, not pictures."""
        return self.kind == VOLUME_LABELS

    def image_of(self, case: Case) -> StoredFile:
        """Return the image file of a case."""
        return case.files[LABEL_KINDS[self.kind].image]

    def labels_of(self, case: Case) -> StoredFile:
        """Return the label file of a case."""
        return case.files[LABEL_KINDS[self.kind].file]

    def read_labels(self, case: Case) -> Shaped[np.ndarray, "..."]:
        """Return the labels of a case, with only values that have a name.

        Raises:
            AssetError: If a value has no name or the file is damaged.
        """
        file = self.labels_of(case)
        content = self.source.read(file)
        path = self.source.root / file.path
        values = decode_volume(content, path)[0] if self.is_volume else decode_png(content, path)
        unknown = set(np.unique(values).tolist()) - {0, *self.names}
        if unknown:
            raise AssetError(
                f"expected labels that dataset.json names in '{path}', got {sorted(unknown)}"
            )
        return values


def select_cases(source: Source, asked: str | None, allowed: Sequence[str], to: str) -> Selection:
    """Choose the cases of an export.

    Args:
        source: The data set.
        asked: Name of the wanted kind of labels; None takes the first allowed one that is there.
        allowed: Kinds that the target can hold, preferred ones first.
        to: Name of the target, for the message.

    Raises:
        RecipeError: If the target cannot hold this kind, or the data set lacks it.
    """
    present = [kind for kind in LABEL_KINDS if _cases_with(source, kind)]
    if asked is not None and asked not in allowed:
        raise RecipeError(f"--to {to} expects --labels {' or '.join(allowed)}, got {asked!r}")
    kind = asked or next((name for name in allowed if name in present), None)
    if kind is None or kind not in present:
        wanted = asked or " or ".join(allowed)
        raise RecipeError(
            f"--to {to} expects a data set with an image and {wanted}, got"
            f" '{source.root}' with {', '.join(present) or 'neither'}; choose another target or"
            " make a data set that has them"
        )
    entry = LABEL_KINDS[kind]
    names = source.names(entry.table) if entry.table else dict(enumerate(entry.names, start=1))
    return Selection(source, kind, _cases_with(source, kind), names)


def _cases_with(source: Source, kind: str) -> tuple[Case, ...]:
    entry = LABEL_KINDS[kind]
    cases = source.volumes if kind == VOLUME_LABELS else source.views
    return tuple(case for case in cases if {entry.file, entry.image} <= set(case.files))


def fold_of(cases: Sequence[Case]) -> dict[str, int]:
    """Deal cases into folds; all pictures, volumes and twins of one subject fall into the same.

    Args:
        cases: Cases of the export.

    Returns:
        Name of a case to its fold, 0 to 4 or fewer where there are fewer subjects.
    """
    subjects = {case.name: _subject(case) for case in cases}
    order = {subject: place for place, subject in enumerate(dict.fromkeys(subjects.values()))}
    n_folds = max(1, min(MAX_FOLDS, len(order)))
    return {name: order[subject] % n_folds for name, subject in subjects.items()}


def _subject(case: Case) -> str:
    subject = case.facts.get("subject")
    return f"sample {case.sample}" if subject is None else str(subject)


def describe_case(case: Case) -> dict[str, Any]:
    """Return what is known about a case as plain values: twin, subject, severities."""
    facts = {key: value for key, value in case.facts.items() if key != "sample"}
    return {
        "case": case.name,
        "sample": case.sample,
        "twin": case.twin,
        "view": case.view,
        "other_twin": case.other or None,
        **facts,
        "severities": [dict(row) for row in case.severities],
    }


def all_cases(source: Source) -> Iterator[Case]:
    """Yield pictures, then volumes."""
    yield from source.views
    yield from source.volumes


def write_new(path: Path, content: bytes) -> None:
    """Write a file of an export, with its folders.

    Args:
        path: The file.
        content: Its bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
