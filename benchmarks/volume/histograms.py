"""HU of tissues, generated beside real: `python histograms.py OUT.png GENERATED --data
shared/data/openkbp`, where GENERATED is a data set of `facies generate mandible_kbp`.

Real tissues are what clinicians contoured in the twelve fine-tuning cases: mandible, parotid
glands, brainstem, cord. What is no contour (fat, muscle, dense bone, air in the head) is compared
as the histogram of the body: everything that is not the air around it.
"""

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import nibabel as nib
import numpy as np
from scipy import ndimage

mpl.use("Agg")
import matplotlib.pyplot as plt

import augment

# Panel to real label values and to the beginnings of our names.
TISSUES = {
    "mandible": ((1,), ("mandible_cortical", "mandible_trabecular", "periosteum", "teeth_lower_r")),
    "parotids": ((2, 3), ("parotid",)),
    "brainstem (ours: brain)": ((4,), ("brain", "white_matter")),
    "spinal cord": ((5,), ("spinal_cord",)),
    "body": ((), ()),
}
EDGES_HU = np.arange(-1050, 2500, 25)
BODY_ABOVE_HU = -300


def main() -> None:
    """Draw the panels and print medians and quartiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("generated", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--heads", type=int, default=40)
    arguments = parser.parse_args()
    text = (arguments.generated / "volume_labels.json").read_text(encoding="utf-8")
    numbers = {row["name"]: row["number"] for row in json.loads(text)["labels"]}
    rows = augment.load_volumes(arguments.generated)[: arguments.heads]
    ours = [(voxels(row["image"]), voxels(row["labels"])) for row in rows]
    cases = json.loads((arguments.data / "splits.json").read_text())["finetune"]
    real = [
        (voxels(arguments.data / f"{c}_ct.nii.gz"), voxels(arguments.data / f"{c}_seg.nii.gz"))
        for c in cases
    ]
    figure, axes = plt.subplots(1, len(TISSUES), figsize=(4 * len(TISSUES), 3.5))
    print("| Tissue | real: 25, 50, 75 % | generated: 25, 50, 75 % |\n|---|---|---|")
    for axis, (name, (values, names)) in zip(axes, TISSUES.items(), strict=True):
        chosen = [number for label, number in numbers.items() if label.startswith(names)]
        sides = (pooled(real, values), pooled(ours, chosen))
        for hu, label in zip(sides, ("real", "generated"), strict=True):
            axis.hist(hu, EDGES_HU, density=True, histtype="step", label=f"{label}, {len(hu)}")
        low, high = np.quantile(np.concatenate(sides), (0.005, 0.995))
        axis.set(title=name, xlabel="HU", xlim=(low, high), yticks=[])
        axis.legend(fontsize=7)
        quartiles = [
            ", ".join(f"{q:.0f}" for q in np.quantile(hu, (0.25, 0.5, 0.75))) for hu in sides
        ]
        print(f"| {name} | {quartiles[0]} | {quartiles[1]} |")
    figure.tight_layout()
    figure.savefig(arguments.out, dpi=70)


def voxels(path) -> np.ndarray:
    """Return the voxels of a file."""
    return np.asarray(nib.load(path).dataobj)


def pooled(heads, values) -> np.ndarray:
    """Return HU of the voxels with some labels, all heads together; without labels, of the body."""
    if len(values):
        return np.concatenate([image[np.isin(labels, values)] for image, labels in heads])
    return np.concatenate([image[body(image)] for image, _ in heads])


def body(image) -> np.ndarray:
    """Return the largest dense part with what it encloses."""
    parts, _ = ndimage.label(image > BODY_ABOVE_HU)
    largest = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return np.stack([ndimage.binary_fill_holes(s) for s in np.moveaxis(largest, 2, 0)], axis=2)


if __name__ == "__main__":
    main()
