"""Size of generated adults beside real label maps: `python statistics.py OUT.md --data shared/data
--adults 200`.

Mandible: volume and extents along its principal axes, which do not depend on how the head lies.
Globes: volume and distance of their
centres (the "orbit" of the DeepMind labels is the globe). Brain: volume.
"""

import argparse
from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.streams import stream
from augment.volume.anatomy.spec import draw_atlas_spec
from augment.volume.atlas import build_atlas
from augment.volume.grid import grid_over
from augment.volume.labels import MANDIBLE, NUMBER
from augment.volume.posture import UPRIGHT
from augment.volume.sampling import draw_texture, pull_back
from augment.volume.subject import subject_fields
from augment.volume.template import load_template
from augment.volume.tissue import draw_tissue_values

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
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--adults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    synthetic = [generated(arguments.seed, index) for index in range(arguments.adults)]
    real = [openkbp(path) for path in sorted((arguments.data / "openkbp").glob("*_seg.nii.gz"))]
    real += [
        deepmind(path) for path in sorted((arguments.data / "deepmind_labels").glob("*.nii.gz"))
    ]
    lines = [
        f"{len(synthetic)} generated adults (seed {arguments.seed}), {len(real)} real label maps.",
        "",
        "| Measure | Real, n | Real, mean ± sd | Generated, mean ± sd | Difference of means |",
        "|---|---|---|---|---|",
    ]
    for name in MEASURES:
        a = np.array([row[name] for row in real if name in row])
        b = np.array([row[name] for row in synthetic])
        change = 100 * (b.mean() / a.mean() - 1)
        lines.append(
            f"| {name} | {len(a)} | {a.mean():.1f} ± {a.std():.1f} | {b.mean():.1f} ± "
            f"{b.std():.1f} | {change:+.0f} % |"
        )
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def generated(seed: int, index: int) -> dict[str, float]:
    """Generate one upright adult at 2 mm and measure it."""
    model, template = load_face_model(), load_template(1.5)
    subject = draw_subject(model, stream(seed, index, "subject"), PriorSpec(age_years=(18.0, 85.0)))
    identity = torch.tensor(subject.identity[None], dtype=torch.float32)
    vertices = model.vertices(identity)[0].numpy().astype(float)[template.vertex_of_model]
    fields = subject_fields(template.vertices, vertices)
    atlas = build_atlas(template.body, draw_atlas_spec(stream(seed, index, "atlas")), template.seat)
    grid = grid_over((-90, -130, -150), (90, 125, 160), 2.0)
    rng = stream(seed, index, "tissue")
    values, texture = draw_tissue_values(rng), draw_texture(rng)
    _, labels, share = pull_back(
        atlas, fields.template_from_head, UPRIGHT, values, texture, grid, 2, MANDIBLE
    )
    globes = [labels == NUMBER[name] for name in ("globe_left", "globe_right")]
    lenses = [labels == NUMBER[name] for name in ("lens_left", "lens_right")]
    brain = np.isin(labels, [NUMBER["brain"], NUMBER["csf"]])
    brain[:, :, : int((-30 + 150) / 2)] = False
    eyes = [globe | lens for globe, lens in zip(globes, lenses, strict=True)]
    return measures(share > 0.5, eyes, brain, np.diag(grid.head_from_voxel)[:3])


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
