"""What the face network is worth on renders that it never saw, and on real photographs.

Renders: `python benchmarks/reconstruction/face_network.py renders 200` photographs new heads (seed
900000) in five conditions, finds them from a drawn crop as a detector places it, and writes
`face_network.csv`. Photographs: `… photographs DIR` writes an overlay sheet to DIR (never
committed) and prints what was found.
"""

import csv
import sys
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import torch
from conditions import drawn_condition, real_photographs, render_maker

from augment.face_training.loss import face_basis
from augment.face_training.renders import ALBEDO_PX
from augment.face_training.truth import TruthTable
from augment.morphable import load_face_model
from augment.morphable.landmarks import IBUG_NAMES
from augment.portrait.crop import apply_similarity, cut_crop, landmark_crop, scale_of
from augment.portrait.crop_pose import read_pose
from augment.portrait.estimate import (
    CROP_PX,
    NO_FACE,
    estimate_faces,
    joined_landmarks,
    look,
    look_both_ways,
)
from augment.portrait.weights import load_network
from augment.streams import stream

HERE = Path(__file__).parent
SEED = 900_000
CROP_GROWTH = 1.6
"""Side of a crop over the landmarks' box; the middle of what the network was taught."""
ALWAYS = ("render.size_px=256", "render.albumentations=0", "render.labels=[]",
          "render.roll_deg=[-5,5]", "render.pitch_deg=[-10,10]", "render.fill=[0.6,0.9]",
          "subject.expression=0.5", "render.focal_mm=[50,120]")  # fmt: skip
CONDITIONS = {
    "frontal": ("render.yaw_deg=[-8,8]",),
    "side_45": ("render.yaw_deg=[40,50]",),
    "profile": ("render.yaw_deg=[70,85]",),
    "back_light": ("render.yaw_deg=[-20,20]",),
    "glasses": ("render.yaw_deg=[-20,20]",),
    "drawn": ("render.yaw_deg=[-20,20]",),
}
SHEET_COLUMNS = 7


def placed(rng, landmarks):
    """Return a crop as a detector places it: off by up to a tenth, 15 % too large or small."""
    crop = landmark_crop(landmarks, CROP_GROWTH * float(rng.uniform(0.85, 1.15)), 0.0, CROP_PX)
    crop[:, 2] += rng.uniform(-0.1, 0.1, 2) * CROP_PX / CROP_GROWTH
    return crop


def score_renders(n, weights):
    model, network = load_face_model(), load_network(weights)
    basis, table, rows = face_basis(model, ALBEDO_PX), TruthTable(model), []
    for condition, overrides in CONDITIONS.items():
        make = render_maker((*ALWAYS, *overrides), n, SEED)
        for number in range(n):
            render = make(number)
            rng = stream(SEED, number, condition)
            landmarks = render.landmarks_px.astype(np.float64)
            picture = drawn_condition(condition, rng, render.picture, landmarks)
            with torch.inference_mode():
                crop = placed(rng, landmarks)
                output = look_both_ways(network, model, picture, crop)
                truth = table(render, crop, CROP_PX, False)
                joined, _ = joined_landmarks(output, model)
                one_way, _ = joined_landmarks(look(network, picture, [crop]), model)
                points = basis.points(output)
            true = apply_similarity(crop, landmarks)
            seen = {
                "joined": joined[0].numpy(),
                "one_way": one_way[0].numpy(),
                "heat": output.landmarks[0].numpy(),
                "mesh": read_pose(output.pose).project(points[:, basis.n_vertices :])[0].numpy(),
            }
            # Pixels of the 256 px picture, not of the crop, which is larger or smaller.
            scale = scale_of(crop)
            errors = {
                f"{k}_px": np.linalg.norm(v * CROP_PX - true, axis=1).mean() / scale
                for k, v in seen.items()
            }
            coefficients = [torch.from_numpy(v)[None] for v in (truth.identity, truth.expression)]
            rest = basis.mean + (torch.cat(coefficients, 1) @ basis.basis).unflatten(1, (-1, 3))
            off = (points - rest)[0, : basis.n_vertices].norm(dim=-1)
            mean = (basis.mean - rest[0])[: basis.n_vertices].norm(dim=-1)
            rotations = [
                read_pose(p).rotation[0] for p in (output.pose, torch.from_numpy(truth.pose)[None])
            ]
            cosine = (torch.trace(rotations[0].T @ rotations[1]) - 1) / 2
            rows.append({
                "condition": condition, "number": number, **errors,
                "box_px": float(np.ptp(landmarks, axis=0).max()),
                "shape_mm": float(off.mean()), "shape_p95_mm": float(off.quantile(0.95)),
                "mean_head_mm": float(mean.mean()),
                "turn_deg": float(torch.rad2deg(torch.arccos(cosine.clamp(-1, 1)))),
                "score": float(output.score.sigmoid()[0]),
            })  # fmt: skip
    return rows


def score_photographs(out, weights):
    out.mkdir(parents=True, exist_ok=True)
    tiles, n_found, seconds = [], 0, []
    model = load_face_model()
    for name, picture, _ in real_photographs():
        start = perf_counter()
        found = estimate_faces(picture, weights)
        seconds.append(perf_counter() - start)
        n_found += bool(found)
        if not found:
            print(name, NO_FACE.format(width=picture.shape[1], height=picture.shape[0]))
            tiles.append(np.zeros((CROP_PX, CROP_PX, 3), np.uint8))
            continue
        face = found[0]
        print(name, f"score {face.score:.3f}, confidence {face.landmark_confidence.mean():.2f}",
              *face.warnings, sep="; ")  # fmt: skip
        values = (face.identity, face.expression, face.pose)
        vertices = model.vertices(*(torch.from_numpy(v.astype(np.float32))[None] for v in values))
        camera = face.camera(picture.shape[1], picture.shape[0])
        mesh = camera.project(model.landmarks(vertices, IBUG_NAMES))[0][0].numpy()
        tile = cut_crop(picture, face.crop_from_picture, CROP_PX).copy()
        for points, colour in ((mesh, (255, 60, 60)), (face.landmarks_px, (0, 255, 0))):
            for x, y in apply_similarity(face.crop_from_picture, points):
                cv2.circle(tile, (int(x), int(y)), 1, colour, -1, cv2.LINE_AA)
        tiles.append(tile)
    rows = [np.hstack(tiles[k : k + SHEET_COLUMNS]) for k in range(0, len(tiles), SHEET_COLUMNS)]
    cv2.imwrite(str(out / "photographs.png"), np.vstack(rows)[..., ::-1])
    print(f"{n_found} of {len(tiles)} found, median {np.median(seconds):.2f} s a picture")


def main(words):
    torch.set_num_threads(1)
    weights = words[2] if len(words) > 2 else None
    if words[0] == "photographs":
        score_photographs(Path(words[1]), weights)
        return
    rows = score_renders(int(words[1]), weights)
    with (HERE / "face_network.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for condition in CONDITIONS:
        chosen = [row for row in rows if row["condition"] == condition]
        medians = {k: float(np.median([row[k] for row in chosen])) for k in list(rows[0])[2:]}
        print(condition, len(chosen), *(f"{k} {v:.2f}" for k, v in medians.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
