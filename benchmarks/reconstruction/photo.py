"""How good heads from photographs are: against exact truth, on real photographs, and how fast.

    OMP_NUM_THREADS=2 python benchmarks/reconstruction/photo.py --fasseg ../shared/data/fasseg

writes photo.csv and photo.md beside this file (and the contact sheet of real faces to --sheet,
which is not kept: the photographs are not ours). `--weights DIR` takes another network,
`--samples N` renders of each condition, `--seed` subjects that no training has seen.

Truth: renders of new subjects under five conditions. Landmarks: mean distance of all 68 (also
hidden ones), in pixels of the 256 x 256 crop. Shape: distance of corresponding vertices of the face
after a rigid alignment (no scaling, no ICP), median and 95th percentile of a head, mean over heads.
Texture: PSNR and SSIM between the sheet and the true reflectance over the face's texels, both in
sRGB at 128 texels, after one gain a channel (a picture does not tell light from reflectance).
"Network" is its answer as it stands, with its own texture; "fitted" is refined by
`augment.portrait.fit`, with the texture of the photograph.

Real photographs: intersection over union of the projected nose, mouth and eyes with FASSEG's masks,
which serve nothing else.
"""

import argparse
import csv
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time

import cv2
import numpy as np
import torch
from conditions import FASSEG_FOLDER, fixed_condition, lit, real_photographs, render_maker
from skimage.metrics import structural_similarity

from augment.face_training.renders import skin_colour
from augment.geometry.rotation import align_points
from augment.morphable import load_face_model
from augment.pipeline.stages import posed_vertices, rest_vertices, sample_shots, sample_subject
from augment.portrait.crop import scale_of
from augment.portrait.estimate import estimate_faces
from augment.portrait.files import portrait_contents, portrait_overlay
from augment.portrait.fit import fit_portrait, unrefined
from augment.portrait.texture import PortraitTexture, portrait_texture, texture_sheet
from augment.portrait.view import PortraitView
from augment.raster.interpolate import interpolate
from augment.raster.rasterize import rasterize
from augment.reconstruct.rigid import transform_points
from augment.reconstruct.zones import face_zones
from augment.render.labels import FACE_CLASSES, face_class_of_region, regions_at

HERE = Path(__file__).parent
TRUTH_PX = 128
ALWAYS = (
    "render.size_px=320", "render.pitch_deg=[-8,8]", "render.roll_deg=[-5,5]",
    "render.fill=[0.6,0.75]", "render.focal_mm=[50,110]", "render.photometric=0.5",
    "render.albumentations=0", "render.labels=[]", "subject.age_years=[18,75]",
    "subject.expression=0.5",
)  # fmt: skip
YAW_DEG = {"side 45°": "[38,52]"}
CONDITIONS = ("frontal", "side 45°", "back light", "glasses", "drawn")
FASSEG = {"nose": 3, "mouth": 4, "eyes": 5}
FIELDS = ("landmarks_px", "shape_median_mm", "shape_p95_mm", "psnr_db", "ssim")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasseg", type=Path, default=FASSEG_FOLDER)
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--seed", type=int, default=77_000)
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--sheet", type=Path, default=Path("out/photo_sheet.png"))
    words = parser.parse_args()
    start, cpu = perf_counter(), process_time()
    model = load_face_model()
    rows = list(truth_rows(model, words))
    real, overlays = real_rows(model, words)
    words.sheet.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(words.sheet), contact_sheet(overlays)[..., ::-1])
    with (words.out / "photo.csv").open("w", encoding="utf-8", newline="") as file:
        table = [*rows, *real]
        names = list(dict.fromkeys(key for row in table for key in row))
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: text(v) for k, v in row.items()} for row in table)
    spent = f"{perf_counter() - start:.0f} s by the clock, {process_time() - cpu:.0f} core seconds"
    (words.out / "photo.md").write_text(report(rows, real, words, spent), encoding="utf-8")


# --- exact truth -----------------------------------------------------------------------------


def truth_rows(model, words) -> Iterator[dict]:
    """One row a render and method."""
    zone = face_zones(model).is_face
    for condition in CONDITIONS:
        overrides = (*ALWAYS, f"render.yaw_deg={YAW_DEG.get(condition, '[-8,8]')}")
        maker = render_maker(overrides, words.samples, words.seed)
        for number in range(words.samples):
            truth = one_render(maker, number, condition)
            yield from score_render(model, zone, truth, condition, number, words.weights)


def one_render(maker, number, condition) -> dict:
    """A picture under a condition with its truth."""
    recipe, model = maker.recipe, maker.pipeline.model
    subject = sample_subject(recipe, model, None, number)
    vertices = posed_vertices(model, subject, [rest_vertices(model, subject)])
    shot = sample_shots(recipe, model, subject, vertices, number)[0]
    shot = lit(shot, condition)
    view = maker.pipeline.views(vertices, shot)[0]
    return {
        "image": fixed_condition(condition, view.image, view.landmarks_px),
        "landmarks": view.landmarks_px.astype(float),
        "vertices": vertices[0].numpy().astype(float),
        "albedo": skin_colour(model, shot.appearance),
    }


def score_render(model, zone, truth, condition, number, weights) -> Iterator[dict]:
    """The network alone and fitted; nothing where no face was found."""
    estimates = estimate_faces(truth["image"], weights)
    if not estimates:
        yield {"set": condition, "case": number, "method": "network", "found": 0}
        yield {"set": condition, "case": number, "method": "fitted", "found": 0}
        return
    view = PortraitView(truth["image"], estimates[0])
    zoom = scale_of(estimates[0].crop_from_picture)
    for method in ("network", "fitted"):
        fit = unrefined(model, view) if method == "network" else fit_portrait(model, [view])
        points = estimates[0].landmarks_px if method == "network" else fit.views[0].landmarks_px
        distance = shape_distance(fit.views[0].vertices_mm, truth["vertices"], zone)
        psnr, ssim = texture_scores(model, fit, estimates[0], truth["albedo"], method)
        yield {
            "set": condition,
            "case": number,
            "method": method,
            "found": 1,
            "landmarks_px": np.linalg.norm(points - truth["landmarks"], axis=1).mean() * zoom,
            "shape_median_mm": np.median(distance),
            "shape_p95_mm": np.percentile(distance, 95),
            "psnr_db": psnr,
            "ssim": ssim,
            "confidence": fit.confidence,
        }


def shape_distance(found, true, zone):
    """Distances of corresponding face vertices after a rigid alignment, mm."""
    found, true = found[zone], true[zone]
    true_from_found = align_points(torch.from_numpy(found), torch.from_numpy(true)).numpy()
    return np.linalg.norm(transform_points(true_from_found, found) - true, axis=1)


def texture_scores(model, fit, estimate, albedo, method):
    """PSNR and SSIM over the texels of the face."""
    if method == "network" and estimate.texture is None:
        return np.nan, np.nan
    found = estimate.texture if method == "network" else portrait_texture(fit).colour
    size = (TRUTH_PX, TRUTH_PX)
    found = cv2.resize(found, size, interpolation=cv2.INTER_AREA).astype(float)
    truth = cv2.resize(albedo, size, interpolation=cv2.INTER_AREA).astype(float)
    mask = face_texels(model)
    gain = (found[mask] * truth[mask]).sum(0) / np.maximum((found[mask] ** 2).sum(0), 1e-9)
    found = np.clip(found * gain, 0, 255)
    error = np.mean((found[mask] - truth[mask]) ** 2)
    _, every = structural_similarity(found, truth, channel_axis=-1, data_range=255, full=True)
    return 10 * np.log10(255**2 / error), float(every[mask].mean())


def face_texels(model):
    """Texels of the sheet that show the face, without eyes and ears."""
    sheet = texture_sheet(model)
    part = model.part_of_triangle[sheet.fragments.triangle[0].long().clamp_min(0)].numpy()
    mask = (sheet.takes_pixels & (part == 1)).astype(np.uint8)
    return cv2.resize(mask, (TRUTH_PX, TRUTH_PX), interpolation=cv2.INTER_NEAREST) > 0


# --- real photographs ------------------------------------------------------------------------


def real_rows(model, words):
    """One row a photograph: found, IoU before and after, seconds."""
    rows, overlays = [], []
    for name, image, mask in real_photographs(words.fasseg):
        lap = Lap()
        estimates = estimate_faces(image, words.weights)
        estimated = lap()
        if not estimates:
            rows.append({"set": "real", "case": name, "found": 0})
            overlays.append(np.zeros((384, 4 * 384, 3), np.uint8))
            continue
        view = PortraitView(image, estimates[0])
        alone = unrefined(model, view)
        portrait_contents(alone, network_texture(alone))
        without = lap()
        fit = fit_portrait(model, [view])
        fitted = lap()
        texture = portrait_texture(fit)
        painted = lap()
        portrait_contents(fit, texture)
        written = lap()
        row = {
            "set": "real", "case": name, "found": 1, "confidence": fit.confidence,
            "landmark_residual_px": fit.views[0].landmark_residual_px,
            "seconds_network": estimated, "seconds_without_fit": estimated + without,
            "seconds_fit": fitted, "seconds_texture": painted, "seconds_files": written,
            "seconds_with_fit": estimated + fitted + painted + written,
        }  # fmt: skip
        if mask is not None:
            for method, result in (("network", alone), ("fitted", fit)):
                row |= {f"{part}_{method}": iou for part, iou in overlap(result, mask).items()}
        rows.append(row)
        overlays.append(portrait_overlay(fit, texture))
    return rows, overlays


class Lap:
    """Core seconds since the last call: another program on the machine does not count."""

    def __init__(self):
        self.last = process_time()

    def __call__(self):
        now = process_time()
        seconds, self.last = now - self.last, now
        return seconds


def network_texture(fit):
    """The network's own texture, or that of the photograph where it has none."""
    sheet = fit.views[0].view.estimate.texture
    if sheet is None:
        return portrait_texture(fit)
    return PortraitTexture(sheet, np.zeros(sheet.shape[:2]))


def overlap(fit, mask):
    """Intersection over union of the projected parts with a mask."""
    fitted, model = fit.views[0], fit.model
    height, width = mask.shape
    camera = replace(fitted.view.estimate, pose=fitted.pose).camera(width, height)
    vertices = torch.from_numpy(fitted.vertices_mm).float()
    fragments = rasterize(vertices[None], model.faces, camera)
    uv = interpolate(fragments, model.uv_faces, model.uv)[0]
    part = fragments.of_triangle(model.part_of_triangle)[0]
    region = regions_at(model, part, uv).numpy()
    parsed = face_class_of_region().numpy()[region]
    found = {}
    for name, label in FASSEG.items():
        ours = (parsed == FACE_CLASSES.index(name)) & (part.numpy() > 0)
        theirs = mask == label
        found[name] = (ours & theirs).sum() / max((ours | theirs).sum(), 1)
    return found


def contact_sheet(overlays, columns=3):
    """All overlays, small."""
    small = [cv2.resize(o, (640, 160), interpolation=cv2.INTER_AREA) for o in overlays]
    small += [np.zeros_like(small[0])] * (-len(small) % columns)
    return np.vstack([np.hstack(small[k : k + columns]) for k in range(0, len(small), columns)])


# --- report ----------------------------------------------------------------------------------


def report(rows, real, words, spent) -> str:
    lines = ["# Heads from photographs", "", *__doc__.splitlines()[2:], ""]
    lines += [f"{words.samples} renders of each condition, seed {words.seed}; {spent}.", ""]
    lines += ["| Condition | Method | Found | Landmarks, px | Shape median, mm | p95, mm |"
              " PSNR, dB | SSIM |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for condition in CONDITIONS:
        for method in ("network", "fitted"):
            chosen = [r for r in rows if r["set"] == condition and r["method"] == method]
            good = [r for r in chosen if r["found"]]
            means = [np.mean([r[key] for r in good]) if good else np.nan for key in FIELDS]
            cells = " | ".join(f"{value:.2f}" for value in means)
            lines.append(f"| {condition} | {method} | {len(good)} of {len(chosen)} | {cells} |")
    found = [r for r in real if r["found"]]
    lines += ["", "## Real photographs", "",
              f"Faces found: {len(found)} of {len(real)} (astronaut and FASSEG).", "",
              "| Part | IoU, network | IoU, fitted |", "|---|---|---|"]  # fmt: skip
    masked = [r for r in found if "nose_network" in r]
    for part in FASSEG:
        pair = [np.mean([r[f"{part}_{m}"] for r in masked]) for m in ("network", "fitted")]
        lines.append(f"| {part} | {pair[0]:.3f} | {pair[1]:.3f} |")
    means = [
        np.mean([[r[f"{part}_{method}"] for part in FASSEG] for r in masked])
        for method in ("network", "fitted")
    ]
    lines += [f"| mean | {means[0]:.3f} | {means[1]:.3f} |", ""]
    keys = [key for key in found[0] if key.startswith("seconds")]
    speed = [f"{key.removeprefix('seconds_').replace('_', ' ')} "
             f"{np.median([r[key] for r in found]):.2f}" for key in keys]  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines += ["## Speed", "",
              f"Core seconds a photograph, median of {len(found)}, model and weights loaded: "
              + ", ".join(speed) + f". Peak memory {peak:.0f} MB.", ""]  # fmt: skip
    return "\n".join(lines)


def text(value: object) -> str:
    """A cell."""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
