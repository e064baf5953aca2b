"""Draw best, median and worst case: `python overlays.py RESULT.json MASKS OUT --data
shared/data/openkbp`.

Red is the clinician's contour, cyan the network's. Columns: six axial slices, then sagittal ones
from the midline outwards.
"""

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import nibabel as nib
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

WINDOW_HU = (-250, 1200)
MARGIN = 8


def main() -> None:
    """Write one picture per chosen case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    rows = sorted(json.loads(arguments.result.read_text())["cases"], key=lambda row: row["dice"])
    for name, row in (("worst", rows[0]), ("median", rows[len(rows) // 2]), ("best", rows[-1])):
        image = nib.load(arguments.data / f"{row['case']}_ct.nii.gz")
        truth = np.asarray(nib.load(arguments.data / f"{row['case']}_seg.nii.gz").dataobj) == 1
        mask = np.load(arguments.masks / f"{row['case']}.npz")["mask"]
        figure = draw(np.asarray(image.dataobj), truth, mask, image.header.get_zooms())
        figure.suptitle(f"{row['case']}: Dice {row['dice']:.3f}", color="white")
        figure.savefig(arguments.out / f"{name}.png", dpi=70, facecolor="black")


def draw(image, truth, mask, spacing):
    """Return a figure of axial and sagittal slices with both contours."""
    found = np.argwhere(truth)
    low, high = np.maximum(found.min(0) - MARGIN, 0), found.max(0) + MARGIN + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    image, truth, mask = image[box], truth[box], mask[box]
    figure, axes = plt.subplots(1, 9, figsize=(27, 3.6))
    middle = image.shape[0] // 2
    half = middle - MARGIN
    slices = [(2, int(k)) for k in np.linspace(MARGIN + 1, image.shape[2] - MARGIN - 2, 6)]
    slices += [(0, int(middle + share * half)) for share in (0.0, 0.5, 0.85)]
    for axis, (direction, index) in zip(axes, slices, strict=True):
        planes = [np.take(volume, index, direction).T[::-1] for volume in (image, truth, mask)]
        aspect = spacing[1] / spacing[0] if direction == 2 else spacing[2] / spacing[1]
        axis.imshow(planes[0], cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], aspect=aspect)
        for plane, colour in zip(planes[1:], ("red", "cyan"), strict=True):
            if plane.any():
                axis.contour(plane, [0.5], colors=colour, linewidths=1.2)
        axis.axis("off")
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    main()
