"""A torch data set over the volumes of a data set folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from augment.errors import AssetError
from augment.volume.files import read_written
from augment.writer.reader import VOLUME_KEYS, load_volumes

KINDS = tuple(VOLUME_KEYS.values())
WHOLE_SHARE = 255.0


class VolumeDataset(Dataset[dict[str, Any]]):
    """Volumes as tensors, channels first, as MONAI's transforms take them.

    An item holds, for each kind asked for:

    - `image`: float32 (1, x, y, z), HU, or arbitrary units for random contrast and T1;
    - `labels`: int64 (1, x, y, z);
    - `displacement_mm`: float32 (3, x, y, z), RAS mm; zeros for a healthy twin;
    - `jacobian`: float32 (1, x, y, z); ones for a healthy twin;
    - `mandible_share`: float32 (1, x, y, z), 0 to 1;

    and `affine` float64 (4, 4) from voxel centres to RAS mm, `sample`, `twin`.
    """

    def __init__(
        self,
        folder: str | Path,
        kinds: Sequence[str] = ("image", "labels"),
        twins: Sequence[str] = ("healthy", "pathological"),
    ) -> None:
        """Open a data set.

        Args:
            folder: Folder of a finished data set.
            kinds: What an item holds.
            twins: Which heads to list.

        Raises:
            AssetError: If the data set lacks a kind.
        """
        self.volumes = [row for row in load_volumes(folder) if row["twin"] in twins]
        self.kinds = tuple(kinds)
        if not self.volumes:
            raise AssetError(f"expected volumes in '{folder}', got none; its card lists the files")
        for kind in self.kinds:
            if kind not in KINDS or not any(kind in row for row in self.volumes):
                raise AssetError(
                    f"kinds expects what '{folder}' holds, got {kind!r}; its card lists the files"
                )

    def __len__(self) -> int:
        """Return the number of volumes."""
        return len(self.volumes)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """Return one volume as tensors."""
        row = self.volumes[number]
        item: dict[str, Any] = {key: row[key] for key in ("sample", "twin")}
        read = {kind: read_written(Path(row[kind])) for kind in self.kinds if kind in row}
        shape, affine = next((values.shape[:3], place) for values, place in read.values())
        for kind in self.kinds:
            values = read[kind][0] if kind in read else _unmoved(kind, shape)
            item[kind] = _tensor(kind, values)
        item["affine"] = torch.from_numpy(affine)
        return item


def _unmoved(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """The field of a healthy twin, which no file holds."""
    if kind == "jacobian":
        return np.ones(shape, np.float32)
    return np.zeros((*shape, 3), np.float32)


def _tensor(kind: str, values: np.ndarray) -> torch.Tensor:
    if kind == "displacement_mm":
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(values, -1, 0)))
    if kind == "labels":
        return torch.from_numpy(values.astype(np.int64))[None]
    signal = torch.from_numpy(values.astype(np.float32))[None]
    return signal / WHOLE_SHARE if kind == "mandible_share" else signal
