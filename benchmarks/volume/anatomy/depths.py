"""Depth of bone below skin landmarks of the atlas beside published means: `python depths.py
OUT.md`."""

import argparse
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from augment.morphable import load_face_model
from augment.morphable.landmarks import SOFT_TISSUE_DEPTH_MM
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.atlas import build_atlas
from augment.volume.labels import LABELS
from augment.volume.template import load_template

BONE_WORDS = ("cortical", "trabecular", "petrous", "skull_base", "nasal_bone", "root", "crown")


def main() -> None:
    """Measure the nearest bone below each landmark and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--spacing", type=float, default=1.0)
    arguments = parser.parse_args()
    template = load_template(arguments.spacing)
    atlas = build_atlas(template.body, AtlasSpec(), template.seat)
    bone = [label.number for label in LABELS if any(word in label.name for word in BONE_WORDS)]
    voxels = np.argwhere(np.isin(atlas.labels, bone))
    tree = cKDTree(voxels * atlas.grid.spacing_mm + atlas.grid.origin_mm)
    model = load_face_model()
    points = model.landmarks(model.mean[None], model.landmark_names)[0].double().numpy()
    lines = ["| Landmark | Published mean, mm | Atlas, mm | Difference |", "|---|---|---|---|"]
    for name, place in zip(model.landmark_names, points, strict=True):
        stem = name.removesuffix("_right")
        if stem in SOFT_TISSUE_DEPTH_MM:
            depth = tree.query(place)[0] - 0.5 * arguments.spacing
            published = SOFT_TISSUE_DEPTH_MM[stem]
            lines.append(f"| {name} | {published:.1f} | {depth:.1f} | {depth - published:+.1f} |")
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
