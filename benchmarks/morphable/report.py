"""What the default head model keeps and what its prior draws, written as results.md beside this
file.

    python benchmarks/morphable/report.py

Held-out heads come from streams that the model was not built from. The residual is the distance
between a head and its
reconstruction from 99 coefficients, vertex by vertex (correspondence, not closest point).
"""

import time
from pathlib import Path

import numpy as np
import torch

from augment.morphable import load_face_model
from augment.morphable.anthropometry import ADULT_NORMS, cranial_index, measure_head
from augment.morphable.build import TargetBank, draw_heads, read_bank, vertex_weights
from augment.morphable.model import FaceModel
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology import PathologyBasis, measures
from augment.pathology.anchors import all_points
from augment.streams import stream

HELD_OUT = {
    "adults 18-85": (18.0, 85.0, 200),
    "children 2-18": (2.0, 18.0, 200),
    "infants 0-2": (0.0, 2.0, 200),
}
N_SUBJECTS = 300


def residuals(model: FaceModel, bank: TargetBank, heads: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the share of variance kept on the head and the distances (heads, face vertices) in
    mm."""
    n = model.n_vertices
    mean, modes = (
        model.mean.numpy().astype(np.float64),
        model.identity_basis.numpy().astype(np.float64),
    )
    weights = vertex_weights(bank, np.concatenate([mean, np.zeros((5, 3))]))[:n]
    project = modes * weights[:, None] / (model.prior["sd_mm"] ** 2)[:, None, None]
    centred = heads[:, :n] - mean
    identity = np.einsum("npi,hpi->hn", project, centred, optimize=True)
    left = centred - np.einsum("hn,npi->hpi", identity, modes, optimize=True)
    kept = 1 - (left**2 * weights[:, None]).sum() / (centred**2 * weights[:, None]).sum()
    skin = model.part_vertices("skin").numpy()
    face = skin[(mean[skin, 2] > -100) & (mean[skin, 1] > 20) & (weights[skin] > 0.5)]
    return float(kept), np.linalg.norm(left[:, face], axis=2)


def adults(model: FaceModel, basis: PathologyBasis, sex: str) -> dict[str, np.ndarray]:
    """Return measures of young adults of one sex."""
    rows: dict[str, list[float]] = {}
    for k in range(N_SUBJECTS):
        subject = draw_subject(
            model,
            stream(1, k, f"adult {sex}"),
            PriorSpec(age_years=(18.0, 40.0), sex=sex, ancestry="caucasian"),
        )
        vertices = (
            model.rest(torch.as_tensor(subject.identity, dtype=torch.float32)[None])[0]
            .numpy()
            .astype(float)
        )
        points = basis.anchors.named(all_points(basis.anchors, model, vertices))
        measured = measure_head(points) | {
            "SNA": measures.sna_deg(points),
            "SNB": measures.snb_deg(points),
            "ANB": measures.anb_deg(points),
            "cranial_index": cranial_index(points),
        }
        for name, value in measured.items():
            rows.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in rows.items()}


def main() -> None:
    """Write the report."""
    started = time.perf_counter()
    model = load_face_model()
    loaded = time.perf_counter() - started
    bank = read_bank()
    basis = PathologyBasis(model)
    lines = [
        "# The default head model, measured",
        "",
        f"Made by `python benchmarks/morphable/report.py`. {model.name}: {model.n_vertices} "
        f"vertices, {len(model.faces)} triangles. Loaded from the cache in {loaded:.2f} s.",
        "",
        "## What 99 modes keep (held-out heads, face region, mm, vertex by vertex)",
        "",
        "| Heads | n | variance kept | residual median | residual 95 % |",
        "|---|---|---|---|---|",
    ]
    for group, heads in draw_heads(bank, "held out", HELD_OUT).items():
        kept, distance = residuals(model, bank, heads)
        lines.append(
            f"| {group} | {len(heads)} | {100 * kept:.2f} % | {np.median(distance):.2f} | "
            f"{np.percentile(distance, 95):.2f} |"
        )
    lines += [
        "",
        "## What the prior draws: adults of 18-40 years and European ancestry, "
        f"n = {N_SUBJECTS} of each sex (mm, degrees)",
        "",
        "| Measure | male | published | deviation, SD | female | published | deviation, SD |",
        "|---|---|---|---|---|---|---|",
    ]
    drawn = {sex: adults(model, basis, sex) for sex in ("male", "female")}
    for name, norms in ADULT_NORMS.items():
        cells = [name]
        for (mean, sd), values in zip(norms, drawn.values(), strict=True):
            off = (values[name].mean() - mean) / sd
            cells += [
                f"{values[name].mean():.1f} ± {values[name].std():.1f}",
                f"{mean} ± {sd}",
                f"{off:+.2f}",
            ]
        lines.append("| " + " | ".join(cells) + " |")
    (Path(__file__).parent / "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
