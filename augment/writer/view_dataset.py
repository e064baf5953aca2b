"""A torch data set over the views of a data set folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from augment.errors import AssetError
from augment.writer.decode import read_image, read_pixels
from augment.writer.reader import load_dataset

UNSIGNED = "u"


class ViewDataset(Dataset[dict[str, Any]]):
    """Views as tensors.

    An item holds, for each kind asked for:

    - `image`: float32 (3, height, width), 0 to 1;
    - 8-bit labels (`regions`, `pathology`, `parts`): int64 (height, width);
    - `depth_mm`: float32 (1, height, width); `normals`, `position_mm`, `displacement_mm`: float32
      (3, height, width); `uv`: float32 (2, height, width);
    - `landmarks`: float32 (68, 2) in pixels, with `landmarks_mm` (68, 3) and `landmarks_visible`
      bool (68,);
    - `camera`: `focal_px` float32 (), `principal_px` (2,), `camera_from_world` float64 (4, 4);

    and `sample`, `twin`, `view`.
    """

    def __init__(
        self,
        folder: str | Path,
        kinds: Sequence[str] = ("image", "regions", "landmarks"),
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
        self.views = [view for view in load_dataset(folder) if view["twin"] in twins]
        self.kinds = tuple(kinds)
        for kind in self.kinds:
            if any(kind not in view for view in self.views):
                raise AssetError(
                    f"kinds expects what '{folder}' holds, got {kind!r}; its card lists the files"
                )

    def __len__(self) -> int:
        """Return the number of views."""
        return len(self.views)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """Return one view as tensors."""
        view = self.views[number]
        item: dict[str, Any] = {key: view[key] for key in ("sample", "twin", "view")}
        for kind in self.kinds:
            item.update(_load(kind, Path(view[kind])))
        return item


def _load(kind: str, path: Path) -> dict[str, Any]:
    if kind == "image":
        return {kind: torch.from_numpy(read_image(path)).permute(2, 0, 1).float() / 255}
    if kind == "landmarks":
        table = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=range(1, 7))
        return {
            "landmarks": torch.from_numpy(table[:, :2]).float(),
            "landmarks_mm": torch.from_numpy(table[:, 2:5]).float(),
            "landmarks_visible": torch.from_numpy(table[:, 5] > 0),
        }
    if kind == "camera":
        return _load_camera(path)
    values = read_pixels(path, kind)
    if values.dtype.kind == UNSIGNED:
        return {kind: torch.from_numpy(values.astype(np.int64))}
    channels = values.reshape(*values.shape[:2], -1).astype(np.float32)
    return {kind: torch.from_numpy(channels).permute(2, 0, 1)}


def _load_camera(path: Path) -> dict[str, Any]:
    camera = json.loads(path.read_text(encoding="utf-8"))
    return {
        "focal_px": torch.tensor(camera["focal_px"], dtype=torch.float32),
        "principal_px": torch.tensor(camera["principal_px"], dtype=torch.float32),
        "camera_from_world": torch.tensor(camera["camera_from_world"], dtype=torch.float64),
    }
