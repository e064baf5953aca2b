"""Labels of volumes from what a data set recorded, without drawing anything again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from augment.errors import AssetError
from augment.morphable import FaceModel
from augment.pipeline.anchoring import Anchor, open_anchor
from augment.pipeline.heads import HeadPair
from augment.pipeline.plain import read_plain
from augment.pipeline.subject_file import FittedHead
from augment.pipeline.volume_plan import VolumePlan
from augment.pipeline.volumes import VolumeMaker, open_maker
from augment.recipe import RecipeSpec
from augment.record import HEALTHY, PATHOLOGICAL, VolumeRecord
from augment.subject_folder import SUBJECT_FILE
from augment.volume.files import FILE_NAMES, read_written
from augment.volume.real_scan import RealScan

VolumeLabel = tuple[str, str, Shaped[np.ndarray, "..."]]

FIELD_LABELS = ("displacement_mm", "jacobian")
# The image of a generated volume is no label; surfaces and radiographs are none of voxels.
VOLUME_LABELS = ("labels", "mandible_share", "fracture", *FIELD_LABELS)
# Of a real CT the moved image follows from the healthy one as the labels do.
ANCHORED_LABELS = ("image", "labels", *FIELD_LABELS)


@dataclass(frozen=True)
class VolumeDerivation:
    """Derives the volumes of one data set; what all samples share is opened once.

    Attributes:
        root: Folder of the data set.
        spec: Its recipe.
        fitted: The head that it was fitted to, if any.
        model: The face model.
    """

    root: Path
    spec: RecipeSpec
    fitted: FittedHead | None
    model: FaceModel

    def __call__(
        self, index: int, pair: HeadPair, values: Mapping[str, Any] | None
    ) -> Iterator[VolumeLabel]:
        """Return twin, kind and voxels of every label of a sample.

        Args:
            index: Number of the sample.
            pair: Its heads.
            values: What `parameters.json` recorded under `volume`; None for a real CT.

        Raises:
            AssetError: If a file that the labels follow from is missing.
        """
        if values is None:
            records, kinds = self._anchored(index, pair)
        else:
            kinds = tuple(kind for kind in VOLUME_LABELS if kind in self.spec.volume.files)
            maker = replace(self._maker, wanted=replace(self.spec.volume, files=kinds))
            records = maker(pair, read_plain(VolumePlan, values), index)
        for twin in list(records) if self.spec.twins else list(records)[-1:]:
            for kind, array in records[twin].arrays.items():
                if kind in kinds:
                    yield twin, kind, array

    def _anchored(
        self, index: int, pair: HeadPair
    ) -> tuple[dict[str, VolumeRecord], tuple[str, ...]]:
        stored = self._stored(index)
        if not stored:
            return {}, ()
        values, affine = next(iter(stored.values()))
        absent = np.zeros(values.shape[:3], np.int16), affine
        image, _ = stored.get((HEALTHY, "image"), absent)
        labels, _ = stored.get((HEALTHY, "labels"), (None, affine))
        # Without the healthy twin the field alone can be derived.
        kinds = tuple(k for _, k in stored if k in FIELD_LABELS or (HEALTHY, k) in stored)
        anchor = replace(self._anchor, scan=RealScan(image, labels, affine))
        return anchor.volumes(pair.moves, kinds), kinds

    def _stored(self, index: int) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
        """What a sample keeps of its two volumes, with the affine."""
        folder = self.root / "samples" / f"{index:06d}"
        return {
            (twin, kind): read_written(folder / twin / FILE_NAMES[kind])
            for twin in (HEALTHY, PATHOLOGICAL)
            for kind in ANCHORED_LABELS
            if (folder / twin / FILE_NAMES[kind]).is_file()
        }

    @cached_property
    def _maker(self) -> VolumeMaker:
        return open_maker(self.spec.volume, self.spec.seed, self.model)

    @cached_property
    def _anchor(self) -> Anchor:
        if self.fitted is None:
            raise AssetError(
                f"expected '{self.root / SUBJECT_FILE}' of a data set made from a CT, got none"
            )
        empty = RealScan(np.zeros((1, 1, 1), np.int16), None, np.eye(4))
        return open_anchor(empty, self.fitted, self.model, self.spec.volume.atlas_mm)
