"""Table and overlays of a study: `python table.py out/STUDY --data shared/data/openkbp`.

Reads the arm `synthetic` (networks that saw generated volumes alone) of `facies experiment
mandible_few_shot`. Red is the clinician's contour, cyan the network's; columns: six axial slices,
then sagittal ones from the midline outwards. No output is cleaned up; the last row, for
information, keeps the largest component.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import nibabel as nib
import numpy as np
import pandas as pd
from scipy import ndimage

mpl.use("Agg")
import matplotlib.pyplot as plt

WINDOW_HU = (-250, 1200)
MARGIN = 8
HERE = Path(__file__).parent


def main() -> None:
    """Write `table.md`, `best.png`, `median.png` and `worst.png` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    scores = pd.read_csv(arguments.study / "metrics.csv")
    scores = scores[(scores["arm"] == "synthetic") & (scores["label"] == "mandible")]
    dice = scores.pivot(index="case", columns="seed", values="dice")
    largest = pd.DataFrame(
        {
            seed: [largest_component_dice(arguments, case, seed) for case in dice.index]
            for seed in dice.columns
        }
    )
    (HERE / "table.md").write_text(table(dice, largest), encoding="utf-8")
    seed = int(dice.columns[0])
    order = dice[seed].sort_values()
    for name, row in (("worst", 0), ("median", len(order) // 2), ("best", -1)):
        image, truth, mask = read(arguments, str(order.index[row]), seed)
        figure = draw(np.asarray(image.dataobj), truth, mask, image.header.get_zooms())
        figure.suptitle(f"{order.index[row]}: Dice {order.iloc[row]:.3f}", color="white")
        figure.savefig(HERE / f"{name}.png", dpi=70, facecolor="black")


def table(dice: pd.DataFrame, largest: pd.DataFrame) -> str:
    """Return the table as Markdown."""
    rows = [(str(case), values) for case, values in zip(dice.index, dice.to_numpy(), strict=True)]
    rows.sort(key=lambda row: int(row[0].split("_")[1]))
    rows += [
        (f"**{name}**", values.to_numpy())
        for name, values in (
            ("mean", dice.mean()),
            ("median", dice.median()),
            ("worst", dice.min()),
            ("mean, largest component", largest.mean()),
        )
    ]
    lines = ["| Case | " + " | ".join(f"seed {seed}" for seed in dice.columns) + " |"]
    lines.append("|---" * (1 + len(dice.columns)) + "|")
    lines += [
        f"| {name} | " + " | ".join(f"{v:.3f}" for v in values) + " |" for name, values in rows
    ]
    return "Mandible Dice on the validation cases, no clean-up.\n\n" + "\n".join(lines) + "\n"


def read(arguments, case, seed):
    """Return scan, contour and the network's mask."""
    image = nib.load(arguments.data / f"{case}_ct.nii.gz")
    truth = np.asarray(nib.load(arguments.data / f"{case}_seg.nii.gz").dataobj) == 1
    path = arguments.study / "predictions" / f"synthetic_0_{seed}" / f"{case}.npz"
    with np.load(path) as stored:
        return image, truth, stored["mask"] == 1


def largest_component_dice(arguments, case, seed):
    """Return the Dice of the largest component alone."""
    _, truth, mask = read(arguments, case, seed)
    parts, n_parts = ndimage.label(mask)
    kept = parts == np.bincount(parts.ravel())[1:].argmax() + 1 if n_parts else mask
    return 2.0 * (kept & truth).sum() / (kept.sum() + truth.sum())


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
