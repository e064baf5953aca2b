"""Draw six generated and six real heads in one window, all three planes: `python figure.py OUT.png
GENERATED --data shared/data/openkbp`, where GENERATED is a data set of `facies generate
mandible_kbp`."""

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import nibabel as nib
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

import augment

WINDOW_HU = (-250, 1200)
N_HEADS = 6


def main() -> None:
    """Write the figure: upper three rows generated, lower three real."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("generated", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    figure, axes = plt.subplots(6, N_HEADS, figsize=(3 * N_HEADS, 18))
    cases = json.loads((arguments.data / "splits.json").read_text())["finetune"][:N_HEADS]
    rows = augment.load_volumes(arguments.generated)[: 2 * N_HEADS : 2]
    for column, row in enumerate(rows):
        image, share = nib.load(row["image"]), nib.load(row["mandible_share"])
        inside = np.asarray(share.dataobj) > 80
        planes(axes[:3, column], np.asarray(image.dataobj), inside, image.header.get_zooms())
    for column, case in enumerate(cases):
        image = nib.load(arguments.data / f"{case}_ct.nii.gz")
        truth = np.asarray(nib.load(arguments.data / f"{case}_seg.nii.gz").dataobj) == 1
        planes(axes[3:, column], np.asarray(image.dataobj), truth, image.header.get_zooms())
    figure.tight_layout()
    figure.savefig(arguments.out, dpi=60, facecolor="black")


def planes(axes, image, mandible, spacing) -> None:
    """Draw axial, coronal and sagittal slices through the mandible's ramus, 240 mm wide."""
    centre = np.argwhere(mandible).mean(0)
    spacing = np.asarray(spacing, float)
    at = [
        int(centre[0] + 20 / spacing[0]),
        int(centre[1] - 15 / spacing[1]),
        int(centre[2] + 5 / spacing[2]),
    ]
    low = np.maximum(0, (centre - 120 / spacing).astype(int))
    high = np.minimum(image.shape, (centre + 120 / spacing).astype(int))
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    for axis, direction in zip(axes, (2, 1, 0), strict=True):
        plane = np.take(image[box], at[direction] - low[direction], direction).T[::-1]
        first, second = [a for a in range(3) if a != direction]
        axis.imshow(
            plane,
            cmap="gray",
            vmin=WINDOW_HU[0],
            vmax=WINDOW_HU[1],
            aspect=spacing[second] / spacing[first],
        )
        axis.axis("off")


if __name__ == "__main__":
    main()
