"""The scanner beside real scans: `python scanner.py OUT_FOLDER --data shared/data`.

Writes scanner.md (core seconds per stage and protocol, noise in a flat region, overshoot of
kernels), scanner_noise.png (noise power spectrum of flat regions, generated and real),
scanner_protocols.png (each protocol beside real scans in the same window) and scanner_metal.png.
"""

import argparse
import json
import time
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import nibabel as nib
import numpy as np
import torch

mpl.use("Agg")
import matplotlib.pyplot as plt

from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.streams import stream
from augment.volume import build_atlas, draw_atlas_spec, load_template
from augment.volume.case_scan import scan_head
from augment.volume.field.subject import subject_fields
from augment.volume.grid import Grid
from augment.volume.imaging.metal import metal_artefacts
from augment.volume.imaging.protocol import cephalostat_scan, draw_scan
from augment.volume.imaging.psf import convolved, plane_kernel
from augment.volume.imaging.radiograph import cephalogram
from augment.volume.imaging.scanner import acquire, expose
from augment.volume.imaging.tissue import Contrast
from augment.volume.labels import MANDIBLE
from augment.volume.sampling import draw_texture, pull_back

PROTOCOLS = ("diagnostic", "cbct", "radiotherapy")
FLAT_VOXELS = 16


def main() -> None:
    """Measure everything and write tables and pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = ["| Protocol | voxels | stage | core seconds, median |", "|---|---|---|---|"]
    for protocol in PROTOCOLS:
        lines += timed(protocol, arguments.repeats)
    lines += ["", *overshoots(), "", *noise(arguments.out, arguments.data)]
    protocols(arguments.out / "scanner_protocols.png", arguments.data)
    metal(arguments.out / "scanner_metal.png")
    films(arguments.out / "scanner_films.png")
    (arguments.out / "scanner.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


@cache
def head(index: int):
    """An adult's atlas and fields."""
    model, template = load_face_model(), load_template(1.0)
    subject = draw_subject(model, stream(8, index, "subject"), PriorSpec(age_years=(18.0, 85.0)))
    identity = torch.tensor(subject.identity[None], dtype=torch.float32)
    vertices = model.vertices(identity)[0].numpy().astype(float)[template.vertex_of_model]
    fields = subject_fields(template.vertices, vertices)
    spec = draw_atlas_spec(stream(8, index, "atlas"))
    return build_atlas(template.body, spec, template.seat), fields


def scanned(index: int, protocol: str, contrast=Contrast.CT, **changes):
    """One scan, with settings of the scanner changed."""
    atlas, fields = head(index % 2)
    scan = draw_scan(stream(8, index, "scan"), protocol, contrast)
    scan = replace(scan, scanner=replace(scan.scanner, **changes))
    there, back = fields.template_from_head, fields.head_from_template
    return scan, scan_head(atlas, there, back, scan, stream(8, index, "noise"), MANDIBLE)


def timed(protocol: str, repeats: int) -> list[str]:
    """Core seconds of pulling the atlas, of what twins share, and of one twin's acquisition."""
    atlas, fields = head(0)
    rows = []
    for index in range(repeats + 1):
        scan = draw_scan(stream(9, index, "scan"), protocol)
        rng, grid = stream(9, index, "noise"), scan.grid
        texture, field = draw_texture(rng), fields.template_from_head
        clock = [time.process_time()]
        image, _, _ = pull_back(atlas, field, scan.posture, scan.values, texture, grid, scan.n_sub)
        clock.append(time.process_time())
        exposure = expose(image, grid, scan.scanner, scan.n_sub, rng)
        clock.append(time.process_time())
        metal_mm = scan.posture.scan_from_head(fields.head_from_template.move(atlas.metal_mm))
        acquire(image, grid, scan.scanner, scan.n_sub, metal_mm, exposure)
        clock.append(time.process_time())
        rows.append(np.diff(clock))
    medians = np.median(rows[1:], axis=0)
    size = " x ".join(str(n) for n in scan.grid.shape)
    names = ("atlas pulled", "noise, shared by twins", "one twin acquired")
    return [
        f"| {protocol} | {size} | {name} | {seconds:.2f} |"
        for name, seconds in zip(names, medians, strict=True)
    ]


def overshoots() -> list[str]:
    """How far kernels swing beside a step of 1000 HU, 0.5 mm voxels."""
    lines = ["| Kernel: sigma mm, edge | overshoot, HU of 1000 | 10 to 90 %, mm |", "|---|---|---|"]
    one = np.ones(1, np.float32)
    step = np.repeat(np.float32([0.0, 1000.0]), 40).reshape(-1, 1, 1)
    for sigma, edge in ((0.5, 0.0), (0.5, 0.15), (0.35, 0.4), (0.3, 0.8), (1.2, 0.0)):
        answer = convolved(step, (plane_kernel(sigma, edge, 0.5), one, one))[:, 0, 0]
        place = np.interp((100.0, 900.0), np.maximum.accumulate(answer), 0.5 * np.arange(80))
        lines.append(f"| {sigma}, {edge} | {answer.max() - 1000:.0f} | {place[1] - place[0]:.2f} |")
    return lines


def flat_spectrum(image: np.ndarray, spacing) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Radial noise power (frequency, share per mm) of the flattest regions within the brain."""
    n = FLAT_VOXELS if min(spacing[:2]) < 2 else 8
    found = []
    for k in range(0, image.shape[2], 2):
        for i in range(0, image.shape[0] - n, n // 2):
            for j in range(0, image.shape[1] - n, n // 2):
                part = image[i : i + n, j : j + n, k].astype(float)
                if 0 < part.mean() < 60 and part.min() > -150 and part.max() < 220:
                    found.append((part.std(), part))
    if len(found) < 6:
        return None
    found.sort(key=lambda entry: entry[0])
    chosen = [part for _, part in found[: max(6, len(found) // 3)]]
    x, y = np.meshgrid(*[np.linspace(-1, 1, n)] * 2, indexing="ij")
    trend = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1).reshape(-1, 6)
    power, deviations = 0.0, []
    for part in chosen:
        rest = part.ravel() - trend @ np.linalg.lstsq(trend, part.ravel(), rcond=None)[0]
        deviations.append(rest.std())
        power = power + np.abs(np.fft.fft2(rest.reshape(n, n))) ** 2
    axes = [np.fft.fftfreq(n, s) for s in spacing[:2]]
    radius = np.hypot(*np.meshgrid(*axes, indexing="ij"))
    edges = np.linspace(0, 0.5 / max(spacing[:2]), n // 2 + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    bands = np.array([power[(radius >= a) & (radius < b)].mean() for a, b in pairwise(edges)])
    return middle, bands / np.nansum(bands) / (edges[1] - edges[0]), float(np.median(deviations))


def noise(out: Path, data: Path) -> list[str]:
    """Spectra and strengths of noise, generated and real."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=False)
    lines = ["| Scan | noise in flat brain or muscle, HU |", "|---|---|"]
    cases = json.loads((data / "openkbp" / "splits.json").read_text())["finetune"][:6]
    for case in cases:
        image = nib.load(data / "openkbp" / f"{case}_ct.nii.gz")
        lines += drawn(axes[0], image.dataobj, image.header.get_zooms(), f"real {case}", "k", 1)
    for index in range(6):
        scan, volume = scanned(index, "radiotherapy")
        name = f"radiotherapy {index}"
        lines += drawn(axes[0], volume.image_hu, scan.grid.spacing_mm, name, "C1", 1)
    for index in range(4):
        scan, volume = scanned(index, "diagnostic")
        name = f"diagnostic {index}, peak {scan.scanner.noise_peak_per_mm:.2f}/mm"
        lines += drawn(axes[1], volume.image_hu, scan.grid.spacing_mm, name, f"C{index}", 1)
    for axis, title in zip(
        axes, ("radiotherapy: black real, orange ours", "diagnostic"), strict=True
    ):
        axis.set_title(title)
        axis.set_xlabel("frequency, 1/mm")
        axis.set_ylabel("noise power, share per 1/mm")
    figure.tight_layout()
    figure.savefig(out / "scanner_noise.png", dpi=70)
    return lines


def drawn(axis, image, spacing, name: str, colour: str, width: int) -> list[str]:
    """Draw one spectrum and return its row."""
    spectrum = flat_spectrum(np.asarray(image), spacing)
    if spectrum is None:
        return []
    axis.plot(*spectrum[:2], color=colour, lw=width)
    return [f"| {name} | {spectrum[2]:.1f} |"]


def protocols(path: Path, data: Path) -> None:
    """Draw axial and sagittal slices of every protocol and contrast beside real scans."""
    columns = []
    for index, protocol in enumerate(("radiotherapy", "radiotherapy", "diagnostic", "diagnostic")):
        scan, volume = scanned(index, protocol)
        columns.append((protocol, volume.image_hu, volume.share, scan.grid.spacing_mm, (-250, 600)))
    scan, volume = scanned(1, "cbct")
    columns.append(("cbct", volume.image_hu, volume.share, scan.grid.spacing_mm, (-500, 2000)))
    for contrast in (Contrast.T1, Contrast.RANDOM):
        scan, volume = scanned(0, "diagnostic", contrast)
        spacing = scan.grid.spacing_mm
        columns.append((str(contrast), volume.image_hu, volume.share, spacing, (0, 1000)))
    for case in json.loads((data / "openkbp" / "splits.json").read_text())["finetune"][:3]:
        image = nib.load(data / "openkbp" / f"{case}_ct.nii.gz")
        truth = np.asarray(nib.load(data / "openkbp" / f"{case}_seg.nii.gz").dataobj) == 1
        zooms = image.header.get_zooms()
        columns.append((f"real {case}", np.asarray(image.dataobj), 255 * truth, zooms, (-250, 600)))
    figure, axes = plt.subplots(3, len(columns), figsize=(2.6 * len(columns), 8))
    for axis, (name, image, share, spacing, window) in zip(axes.T, columns, strict=True):
        slices(axis, image, share > 80, np.asarray(spacing, float), window)
        axis[0].set_title(name, color="white", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=60, facecolor="black")


def slices(axes, image, mandible, spacing, window) -> None:
    """Draw axial slices through teeth and lower end and a sagittal one, 260 mm wide."""
    centre = np.argwhere(mandible).mean(0)
    teeth = int(min(image.shape[2] - 1, centre[2] + 12 / spacing[2]))
    low = max(2, int(centre[2] - 110 / spacing[2]))
    reach = 130 / spacing
    first, last = np.maximum(0, centre - reach).astype(int), (centre + reach).astype(int)
    box = [slice(a, b) for a, b in zip(first, last, strict=True)]
    planes = (
        (image[box[0], box[1], teeth], spacing[1] / spacing[0]),
        (image[:, :, low], spacing[1] / spacing[0]),
        (image[int(centre[0]), box[1], box[2]], spacing[2] / spacing[1]),
    )
    for axis, (plane, aspect) in zip(axes, planes, strict=True):
        axis.imshow(plane.T[::-1], cmap="gray", vmin=window[0], vmax=window[1], aspect=aspect)
        axis.axis("off")


def metal(path: Path) -> None:
    """Draw a water phantom with two restorations at four densities of metal."""
    n = 180
    grid = Grid((-0.5 * (n - 1),) * 2 + (-4.0,), (1.0, 1.0, 1.0), (n, n, 9))
    x, y, _ = grid.mesh_mm()
    inside = np.hypot(x / 75, y / 88) < 1
    image = np.broadcast_to(np.where(inside, 40.0, -1000.0), grid.shape).astype(np.float32)
    places = np.array([[-24.0, 40.0, 0.0], [25.0, 42.0, 0.0], [28.0, 30.0, 0.0]])
    figure, axes = plt.subplots(1, 4, figsize=(14, 4))
    for axis, strength in zip(axes, (0.4, 1.0, 2.0, 4.0), strict=True):
        rng = np.random.default_rng(0)
        added = metal_artefacts(image, grid, places, strength, rng)[4]
        plane = np.clip(image[:, :, 4] + added, -1024, 3071)
        axis.imshow(plane.T[::-1], cmap="gray", vmin=-400, vmax=600)
        axis.set_title(f"density {strength}", color="white")
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=60, facecolor="black")


def films(path: Path) -> None:
    """Draw lateral and PA cephalograms of two heads."""
    figure, axes = plt.subplots(1, 4, figsize=(16, 4.6))
    for index in range(2):
        atlas, fields = head(index)
        scan = cephalostat_scan(draw_scan(stream(8, index, "scan"), "diagnostic"))
        there, back = fields.template_from_head, fields.head_from_template
        volume = scan_head(atlas, there, back, scan, stream(8, index, "noise"))
        image = torch.from_numpy(volume.image_hu.astype(np.float32))
        for place, view in enumerate(("lateral", "pa")):
            film = cephalogram(image, scan.grid.spacing_mm, scan.grid.origin_mm, view)
            axes[2 * index + place].imshow(film.picture().numpy(), cmap="gray", vmin=0, vmax=1)
            axes[2 * index + place].axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=70, facecolor="black")


if __name__ == "__main__":
    main()
