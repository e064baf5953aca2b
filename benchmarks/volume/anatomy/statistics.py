"""Size of generated adults beside real label maps: `python statistics.py OUT.md GENERATED --data
shared/data`, where GENERATED is a data set of `facies generate mandible_kbp samples=200`.

Mandible: volume and extents along its principal axes, which do not depend on how the head lies;
the contour of the bone, as clinicians draw it, on the voxels of planning CT. Globes: volume and
distance of their centres (the "orbit" of the DeepMind labels is the globe). Brain: volume, where
the field of view holds all of it.
"""

import argparse
import json
from pathlib import Path

import nibabel as nib
import numpy as np

import augment

MEASURES = (
    "mandible_ml",
    "mandible_width_mm",
    "mandible_length_mm",
    "mandible_height_mm",
    "globe_ml",
    "globe_distance_mm",
    "brain_ml",
)


def main() -> None:
    """Measure both and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("generated", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--adults", type=int, default=200)
    arguments = parser.parse_args()
    text = (arguments.generated / "volume_labels.json").read_text(encoding="utf-8")
    numbers = {row["name"]: row["number"] for row in json.loads(text)["labels"]}
    rows = augment.load_volumes(arguments.generated)[: arguments.adults]
    synthetic = [generated(row, numbers) for row in rows]
    real = [openkbp(path) for path in sorted((arguments.data / "openkbp").glob("*_seg.nii.gz"))]
    real += [
        deepmind(path) for path in sorted((arguments.data / "deepmind_labels").glob("*.nii.gz"))
    ]
    lines = [
        f"{len(synthetic)} generated adults, {len(real)} real label maps.",
        "",
        "| Measure | Real, n | Real, mean ± sd | Ours, n | Generated, mean ± sd | Difference |",
        "|---|---|---|---|---|---|",
    ]
    for name in MEASURES:
        a, b = (
            np.array([row[name] for row in measured if name in row])
            for measured in (real, synthetic)
        )
        change = 100 * (b.mean() / a.mean() - 1)
        lines.append(
            f"| {name} | {len(a)} | {a.mean():.1f} ± {a.std():.1f} | {len(b)} | {b.mean():.1f} ± "
            f"{b.std():.1f} | {change:+.0f} % |"
        )
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def generated(row: dict, numbers: dict[str, int]) -> dict[str, float]:
    """Measure one generated scan: the mandible as clinicians contour it; globes and brain where the
    field of view holds them."""
    share = nib.load(row["mandible_share"])
    labels = np.asarray(nib.load(row["labels"]).dataobj)
    spacing = np.array(share.header.get_zooms()[:3], float)
    sides = ("left", "right")
    eyes = [np.isin(labels, [numbers[f"globe_{s}"], numbers[f"lens_{s}"]]) for s in sides]
    brain = np.isin(labels, [numbers[name] for name in ("brain", "white_matter", "csf")])
    is_cut = {"eyes": any(cut_off(eye) for eye in eyes), "brain": cut_off(brain)}
    return measures(
        np.asarray(share.dataobj) > 127,
        None if is_cut["eyes"] else eyes,
        None if is_cut["brain"] else brain,
        spacing,
    )


def cut_off(mask) -> bool:
    """Tell whether a structure is missing or reaches the top of the field of view."""
    return not mask.any() or bool(mask[:, :, -1].any())


def openkbp(path: Path) -> dict[str, float]:
    """Measure the mandible of one OpenKBP case."""
    image = nib.load(path)
    return measures(
        np.asarray(image.dataobj) == 1, None, None, np.array(image.header.get_zooms()[:3], float)
    )


def deepmind(path: Path) -> dict[str, float]:
    """Measure one DeepMind label map."""
    image = nib.load(path)
    labels, spacing = np.asarray(image.dataobj), np.array(image.header.get_zooms()[:3], float)
    eyes = [np.isin(labels, (2, 4)), np.isin(labels, (3, 5))]
    return measures(labels == 1, eyes, labels == 14, spacing)


def measures(mandible, globes, brain, spacing_mm) -> dict[str, float]:
    """Return the measures of one label map."""
    ml = float(np.prod(spacing_mm)) / 1000
    points = np.argwhere(mandible) * spacing_mm
    centred = points - points.mean(0)
    axes = np.linalg.svd(centred[:: max(1, len(points) // 4000)], full_matrices=False)[2]
    extents = np.sort(np.ptp(centred @ axes.T, axis=0))[::-1]
    found = {
        "mandible_ml": len(points) * ml,
        "mandible_width_mm": float(np.ptp(points[:, 0])),
        "mandible_length_mm": float(extents[1]),
        "mandible_height_mm": float(extents[2]),
    }
    if globes is not None:
        centres = [np.argwhere(globe).mean(0) * spacing_mm for globe in globes]
        found["globe_ml"] = 0.5 * ml * sum(int(globe.sum()) for globe in globes)
        found["globe_distance_mm"] = float(np.linalg.norm(centres[0] - centres[1]))
    if brain is not None:
        found["brain_ml"] = int(brain.sum()) * ml
    return found


if __name__ == "__main__":
    main()
