"""Fit the face model to every real scan at hand, and tell how far it is from the measured skin.

    OMP_NUM_THREADS=1 python benchmarks/reconstruction/real.py --data ../shared/data

writes overlays/NAME.png, results.csv and results.md beside this file. No case gets a hint.
Distances are in mm: from each vertex of facial skin in the field of view to the measured surface
("to skin"), and from each measured vertex at the face to the model ("to model"). "Coefficients" is
the head of the 99 identity coefficients, expression and jaw alone; "with detail" adds the smooth
detail. The 95th percentile counts whatever is no skin: tubes, dressings, masks, a mouth's slit.
"""

import argparse
import csv
import resource
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from scipy.spatial.transform import Rotation

from augment.errors import FaciesError
from augment.morphable import load_face_model
from augment.morphable.pose import JAW_OPEN
from augment.reconstruct import Fit, fit_ct, fit_scan
from augment.reconstruct.overlay import overlay_png

HERE = Path(__file__).parent
TARGET_MM = {"ct": 2.5, "scan": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=HERE.parents[1].parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=HERE)
    words = parser.parse_args()
    (words.out / "overlays").mkdir(parents=True, exist_ok=True)
    model = load_face_model()
    rows = []
    start = perf_counter()
    for name, kind, path in cases(words.data):
        before = process_time()
        try:
            fit = fit_scan(path, model) if kind == "scan" else fit_ct(path, model)
        except FaciesError as error:
            rows.append({"case": name, "kind": kind, "error": str(error)})
            print(name, error)
            continue
        rows.append(row(name, kind, fit, process_time() - before))
        (words.out / "overlays" / f"{name}.png").write_bytes(overlay_png(fit))
        print({key: value for key, value in rows[-1].items() if key in SHOWN}, flush=True)
    write(words.out, rows, perf_counter() - start)


def cases(data: Path) -> Iterator[tuple[str, str, Path]]:
    """Name, kind and path of every scan."""
    folder = data / "openkbp"
    for path in sorted(folder.glob("pt_*_ct.nii.gz"), key=lambda p: int(p.name.split("_")[1])):
        yield path.name.removesuffix("_ct.nii.gz"), "ct", path
    yield "headsq", "ct", data / "headsq" / "headsq_ct.nii.gz"
    yield "DemoFace_10K", "scan", data / "scan" / "DemoFace_10K.obj"


def row(name: str, kind: str, fit: Fit, seconds: float) -> dict[str, object]:
    """What the tables say of one case."""
    plain, detailed = fit.coefficient_residuals, fit.residuals
    pitch, yaw, roll = Rotation.from_matrix(fit.world_from_head[:3, :3]).as_euler("xzy", True)
    # The frame of a scan's file has no front, so angles in it say nothing.
    pitch, yaw, roll = (pitch, yaw, roll) if kind == "ct" else (np.nan, np.nan, np.nan)
    voxel = "" if fit.volume is None else " x ".join(f"{x:.1f}" for x in fit.volume.spacing_mm)
    return {
        "case": name,
        "kind": kind,
        "voxel_mm": voxel,
        "coefficients_to_skin_median": plain.face_median_mm,
        "coefficients_to_skin_p95": plain.face_p95_mm,
        "coefficients_to_model_median": plain.skin_to_model_median_mm,
        "coefficients_to_model_p95": plain.skin_to_model_p95_mm,
        "detail_to_skin_median": detailed.face_median_mm,
        "detail_to_skin_p95": detailed.face_p95_mm,
        "detail_to_model_median": detailed.skin_to_model_median_mm,
        "detail_to_model_p95": detailed.skin_to_model_p95_mm,
        "face_in_view": detailed.face_in_view,
        "confidence": fit.confidence,
        "largest_coefficient": float(np.abs(fit.subject.identity).max()),
        "largest_detail_mm": float(np.linalg.norm(fit.subject.detail_mm, axis=1).max()),
        "jaw_open_deg": float(np.degrees(fit.subject.pose[JAW_OPEN])),
        "pitch_deg": float(pitch),
        "yaw_deg": float(yaw),
        "roll_deg": float(roll),
        "cpu_seconds": seconds,
    }


SHOWN = (
    "case",
    "coefficients_to_skin_median",
    "detail_to_skin_median",
    "confidence",
    "cpu_seconds",
)
COLUMNS = {
    "case": "Case",
    "voxel_mm": "Voxel, mm",
    "coefficients_to_skin_median": "Coefficients: to skin, median",
    "coefficients_to_skin_p95": "p95",
    "coefficients_to_model_median": "to model, median",
    "coefficients_to_model_p95": "p95",
    "detail_to_skin_median": "With detail: to skin, median",
    "detail_to_skin_p95": "p95",
    "detail_to_model_median": "to model, median",
    "detail_to_model_p95": "p95",
    "face_in_view": "Face in view",
    "confidence": "Confidence",
    "largest_coefficient": "Largest coefficient, sd",
    "pitch_deg": "Head extended, degrees",
    "cpu_seconds": "CPU, s",
}


def write(out: Path, rows: list[dict[str, object]], wall: float) -> None:
    """Write results.csv and results.md."""
    fields = list(dict.fromkeys(key for each in rows for key in each))
    with (out / "results.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: text(value) for key, value in each.items()} for each in rows)
    fitted = [each for each in rows if "error" not in each]
    lines = ["# Heads fitted to real scans", "", *__doc__.splitlines()[2:], ""]
    lines += ["Overlays of every case: `overlays/`.", ""]
    for kind, target in TARGET_MM.items():
        lines += summary(kind, target, rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines += [f"All together {wall:.0f} s by the clock, peak memory {peak:.0f} MB.", ""]
    lines += ["| " + " | ".join(COLUMNS.values()) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(text(each[key]) for key in COLUMNS) + " |" for each in fitted]
    lines += [f"- {each['case']}: {each['error']}" for each in rows if "error" in each]
    (out / "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def summary(kind: str, target: float, rows: list[dict[str, object]]) -> list[str]:
    """One paragraph for CT and one for scans."""
    chosen = [each for each in rows if each["kind"] == kind]
    fitted = [each for each in chosen if "error" not in each]
    if not fitted:
        return [f"**{kind}**: none of {len(chosen)} fitted.", ""]

    def spread(key: str) -> str:
        values = np.array([each[key] for each in fitted], dtype=float)
        return f"{np.median(values):.2f} (from {values.min():.2f} to {values.max():.2f})"

    return [
        f"**{kind}**: {len(fitted)} of {len(chosen)} fitted. Median distance to the skin over the "
        f"face, median over cases: {spread('coefficients_to_skin_median')} mm by coefficients, "
        f"{spread('detail_to_skin_median')} mm with detail; target {target} mm. 95th percentile: "
        f"{spread('coefficients_to_skin_p95')} and {spread('detail_to_skin_p95')} mm. "
        f"CPU seconds a case: {spread('cpu_seconds')}.",
        "",
    ]


def text(value: object) -> str:
    """A cell."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.2f}"
    return str(value)


if __name__ == "__main__":
    main()
