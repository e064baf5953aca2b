"""Make radiotherapy-like synthetic volumes with their mandible: `python make.py OUT --samples 400 --seed 0`.

Sample k depends on (seed, k) alone. Each file holds the image (int16 HU), the mandible's share per voxel (uint8, 0-255) and the spacing.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.streams import stream
from augment.volume.anatomy.spec import draw_atlas_spec
from augment.volume.atlas import build_atlas
from augment.volume.radiotherapy import draw_radiotherapy_scan, scan_radiotherapy
from augment.volume.subject import subject_fields
from augment.volume.template import load_template

ATLAS_MM = 1.5


def main() -> None:
    """Make the samples that are still missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model, template = load_face_model(), load_template(ATLAS_MM)
    for index in range(arguments.first, arguments.samples):
        path = arguments.out / f"{index:05d}.npz"
        if not path.exists():
            sample = make_sample(model, template, arguments.seed, index)
            partial = path.with_suffix(".part.npz")
            np.savez_compressed(partial, **sample)
            partial.rename(path)


def make_sample(model, template, seed: int, index: int) -> dict[str, np.ndarray]:
    """Return image, mandible share and spacing of one sample, cropped to the body."""
    subject = draw_subject(model, stream(seed, index, "subject"), PriorSpec(age_years=(18.0, 85.0)))
    vertices = (
        model.vertices(torch.tensor(subject.identity[None], dtype=torch.float32))[0]
        .numpy()
        .astype(float)
    )
    fields = subject_fields(template.vertices, vertices[template.vertex_of_model])
    atlas = build_atlas(template.body, draw_atlas_spec(stream(seed, index, "atlas")), template.seat)
    scan = draw_radiotherapy_scan(stream(seed, index, "scan"))
    volume = scan_radiotherapy(
        atlas,
        fields.head_from_template,
        fields.template_from_head,
        scan,
        stream(seed, index, "noise"),
    )
    body = np.argwhere(volume.labels > 0)
    low, high = body.min(0), body.max(0) + 1
    low[2] = max(low[2], high[2] - 96)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    share = np.rint(255 * volume.mandible[box]).astype(np.uint8)
    return {
        "image_hu": volume.image_hu[box],
        "mandible": share,
        "spacing_mm": np.array(volume.grid.spacing_mm),
    }


if __name__ == "__main__":
    main()
