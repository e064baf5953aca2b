"""Make radiotherapy-like synthetic volumes with their mandible: `python make.py OUT --samples 400
--seed 0`.

Sample k depends on (seed, k) alone; two scans in different postures share one subject, whose
anatomy costs most of the time. Each file holds the image (int16 HU), the mandible's share per voxel
(uint8, 0-255) and the spacing.
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
from augment.volume.case_scan import scan_head
from augment.volume.labels import MANDIBLE_CONTOUR
from augment.volume.protocol import draw_scan
from augment.volume.subject import subject_fields
from augment.volume.template import load_template, with_open_jaw

ATLAS_MM = 1.5
SCANS = 2
LENGTH_MM = 270.0
OPENINGS_DEG, OPENING_SHARES = (0.0, 5.0, 10.0), (0.62, 0.23, 0.15)
"""How far the jaw is open."""


def main() -> None:
    """Make the samples that are still missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = load_face_model()
    for first in range(arguments.first, arguments.samples, SCANS):
        paths = [arguments.out / f"{first + k:05d}.npz" for k in range(SCANS)]
        if all(path.exists() for path in paths):
            continue
        for path, sample in zip(paths, make_samples(model, arguments.seed, first), strict=True):
            partial = path.with_suffix(".part.npz")
            np.savez_compressed(partial, **sample)
            partial.rename(path)


def make_samples(model, seed: int, first: int) -> list[dict[str, np.ndarray]]:
    """Return the scans of one subject, whose draws carry the number of its first scan."""
    rng = stream(seed, first, "subject")
    opening_deg = float(rng.choice(OPENINGS_DEG, p=OPENING_SHARES))
    template = load_template(ATLAS_MM, opening_deg)
    subject = draw_subject(model, rng, PriorSpec(age_years=(18.0, 85.0)))
    identity = torch.tensor(subject.identity[None], dtype=torch.float32)
    rest = model.vertices(identity)[0].double().numpy()
    vertices = with_open_jaw(model, rest, opening_deg)
    fields = subject_fields(template.vertices, vertices[template.vertex_of_model])
    spec = draw_atlas_spec(stream(seed, first, "atlas"), opening_deg, is_patient=True)
    atlas = build_atlas(template.body, spec, template.seat)
    return [make_sample(atlas, fields, seed, index) for index in range(first, first + SCANS)]


def make_sample(atlas, fields, seed: int, index: int) -> dict[str, np.ndarray]:
    """Return image, contour of the mandible and spacing of one scan, cropped to the body."""
    scan = draw_scan(stream(seed, index, "scan"), "radiotherapy")
    noise = stream(seed, index, "noise")
    volume = scan_head(
        atlas, fields.template_from_head, fields.head_from_template, scan, noise, MANDIBLE_CONTOUR
    )
    body = np.argwhere(volume.labels > 0)
    low, high = body.min(0), body.max(0) + 1
    low[2] = max(low[2], high[2] - round(LENGTH_MM / scan.grid.spacing_mm[2]))
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return {
        "image_hu": volume.image_hu[box],
        "mandible": volume.share[box],
        "spacing_mm": np.array(scan.grid.spacing_mm),
    }


if __name__ == "__main__":
    main()
