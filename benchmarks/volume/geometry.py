"""Geometry of random heads, one pathology each: `python geometry.py OUT.md --cases 26`.

Skin: the template's outer skin, at three points of each triangle and carried by the field, against
the subject's mesh (closest point) and against the very point of the mesh (correspondence). Inverse:
there and back from nodes of its lattice, and from points anywhere. Heads are adults, of the
measure's own ages where those are younger. Severity: the clinical measure
taken on points that the volume's fields carried, and on bone voxels of both label maps.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from augment.errors import FaciesError
from augment.geometry.distance import triangle_tree
from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology import PATHOLOGIES, PathologyBasis, Request, solve_case
from augment.pathology.anchors import CORNEAL_APEXES, all_points
from augment.pathology.entry import HeadGeometry
from augment.streams import stream
from augment.volume import build_atlas, load_template, twin_fields
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.field.lattice import jacobian
from augment.volume.field.subject import outer_skin
from augment.volume.grid import grid_over
from augment.volume.imaging.tissue import draw_tissue_values
from augment.volume.labels import LABELS
from augment.volume.posture import UPRIGHT
from augment.volume.sampling import draw_texture, pull_back

GRID = grid_over((-99.5, -129.5, -127.5), (99.5, 109.5, 127.5), 1.0)
STEP_MM = 2.0
"""Spacing of the lattice on which a scan keeps its inverses."""

SKIN_ABOVE_MM = -110.0
ADULTS = (18.0, 85.0)
LIDS = ("lid_retraction", "ptosis")
NOT_OF_POINTS = ("facial_palsy", "cranial_defect")
"""Measured on a smile, and by the area that is cut from the bone."""
CORNERS = np.array([(0.8, 0.1, 0.1), (0.1, 0.8, 0.1), (1 / 3, 1 / 3, 1 / 3)])


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=540.0, help="stop after so long")
    arguments = parser.parse_args()
    model, template = load_face_model(), load_template(1.0)
    atlas = build_atlas(template.body, AtlasSpec(), template.seat)
    world = (model, template, PathologyBasis(model), atlas, arguments.seed)
    rows, refused, end = [], [], time.monotonic() + arguments.seconds
    for index in range(arguments.cases):
        if time.monotonic() > end:
            print(f"stopped before case {index}")
            break
        try:
            rows.append(measured(*world, index))
            print(rows[-1], flush=True)
        except FaciesError as error:
            refused.append(f"{index}: {error}")
            print(refused[-1], flush=True)
    text = table(rows, refused)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


def table(rows: list[dict], refused: list[str]) -> str:
    """Return the report."""
    lines = [f"{len(rows)} cases, {len(refused)} refused.", ""]
    groups = {ages: [row for row in rows if row["ages"] == ages] for ages in ("adults", "infants")}
    heads = [f"{len(group)} {ages}: median | worst" for ages, group in groups.items() if group]
    lines += ["| Measure | " + " | ".join(heads) + " |", "|---" * (1 + 2 * len(heads)) + "|"]
    for name in rows[0]:
        if name in ("pathology", "ages", "unit", "points", "bone voxels"):
            continue
        cells = [name]
        for group in filter(None, groups.values()):
            values = np.array([row[name] for row in group])
            worst = values.min() if name.startswith("least") else values.max()
            cells += [f"{np.median(values):.3f}", f"{worst:.3f}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| Severity, volume against request | n | unit | median | worst |"]
    lines.append("|---|---|---|---|---|")
    for key in ("points", "bone voxels"):
        for name in sorted({row["pathology"] for row in rows}):
            chosen = [r for r in rows if r["pathology"] == name and r.get(key) is not None]
            if chosen:
                values, unit = np.array([abs(r[key]) for r in chosen]), chosen[0]["unit"]
                numbers = f"{np.median(values):.3f} | {values.max():.3f}"
                lines.append(f"| {name}, {key} | {len(chosen)} | {unit} | {numbers} |")
    return "\n".join(lines) + "\n"


def measured(model, template, basis, atlas, seed: int, index: int) -> dict:
    """Return the measures of one case with one pathology."""
    rng = stream(seed, index, "pathology")
    entry = PATHOLOGIES[sorted(PATHOLOGIES)[index % len(PATHOLOGIES)]]
    ages = ADULTS if entry.ages[1] >= ADULTS[0] else entry.ages
    subject = draw_subject(model, stream(seed, index, "subject"), PriorSpec(age_years=ages))
    grade = entry.grades[rng.integers(len(entry.grades))]
    severity = float(rng.uniform(grade.low, grade.high))
    side = entry.sides[0] if entry.sides else None
    case = solve_case(basis, subject, [Request(entry.name, severity, side)])
    chosen = template.vertex_of_model
    healthy, pathological = case.healthy_mm[chosen], case.pathological_mm[chosen]
    solved = [(p.deformation, p.coefficient) for p in case.pathologies]
    lattice = grid_over(GRID.origin_mm, (99.5, 109.5, 127.5), STEP_MM)
    fields = twin_fields(template.vertices, healthy, solved, template.body, lattice)
    row = {"pathology": entry.name, "unit": entry.unit}
    row["ages"] = "adults" if ages is ADULTS else "infants"
    for twin, mesh in (("healthy", healthy), ("pathological", pathological)):
        field = getattr(fields, f"{twin}_from_template")
        surface, same = skin_errors(template, field, mesh)
        row[f"{twin} skin RMS, mm"] = float(np.sqrt((surface**2).mean()))
        row[f"{twin} skin max, mm"] = float(surface.max())
        row[f"{twin} corresponding points RMS, mm"] = float(np.sqrt((same**2).mean()))
        row[f"{twin} corresponding points max, mm"] = float(same.max())
    between = rng.uniform(-1, 1, (100_000, 3)) * (70.0, 90.0, 90.0)
    nodes = np.array(GRID.origin_mm) + STEP_MM * np.rint((between - GRID.origin_mm) / STEP_MM)
    for name, points in (("at nodes", nodes), ("anywhere", between)):
        back = fields.template_from_pathological.move(points)
        loop = np.linalg.norm(fields.pathological_from_template.move(back) - points, axis=1)
        row[f"inverse, {name}, 99.9 %, mm"] = float(np.quantile(loop, 0.999))
        row[f"inverse, {name}, max, mm"] = float(loop.max())
    row["least Jacobian"] = float(jacobian(fields.pathological_from_template).min())
    if entry.name in NOT_OF_POINTS:
        return row
    return row | severity_error(model, basis, template, atlas, fields, case, entry, side)


def skin_errors(template, field, mesh) -> tuple[np.ndarray, np.ndarray]:
    """Return distances of the carried skin to the mesh and to its own points, mm."""
    outer = outer_skin(template.vertices, template.body) & (template.vertices[:, 2] > SKIN_ABOVE_MM)
    faces = template.faces[outer[template.faces].all(axis=1)]
    start = np.einsum("pc,tcd->tpd", CORNERS, template.vertices[faces]).reshape(-1, 3)
    goal = np.einsum("pc,tcd->tpd", CORNERS, mesh[faces]).reshape(-1, 3)
    carried = field.move(start)
    closest = triangle_tree(mesh, template.faces).closest(carried)
    return closest.distance_mm, np.linalg.norm(carried - goal, axis=1)


def severity_error(model, basis, template, atlas, fields, case, entry, side) -> dict:
    """Return the measure on the volume minus the request, by points and by bone voxels."""
    names, n = basis.anchors.names, len(basis.anchors.names)
    landmarks = all_points(basis.anchors, model, case.healthy_mm)
    before = np.concatenate([landmarks, basis.orbits(case.healthy_mm)])
    after = fields.pathological_from_template.move(fields.template_from_healthy.move(before))
    if entry.name in LIDS:
        # The lid slides over the globe. A field cannot: it drags the globe's front along. The lid's
        # margin is taken from the volume, the pupil from the mesh, whose globe stays.
        rows = [names.index(name) for name in CORNEAL_APEXES]
        after[rows] = basis.anchors.skin(case.pathological_mm)[rows]
    requested = case.pathologies[0].requested
    if entry.unit == "cm3":
        inside = np.argwhere(template.body.inside & (template.body.depth_mm < 30))[::5]
        points = inside * np.array(template.body.grid.spacing_mm) + template.body.grid.origin_mm
        points = points[points[:, 2] > SKIN_ABOVE_MM]
        change = [
            jacobian_at(f, points)
            for f in (fields.pathological_from_template, fields.healthy_from_template)
        ]
        volume = 5 * template.body.grid.voxel_ml * float((change[0] - change[1]).sum())
        return {"points": volume - requested, "bone voxels": None}

    def value(points: np.ndarray) -> float:
        orbits = dict(zip(("right", "left"), np.split(after[n:], 2), strict=True))
        head = HeadGeometry(
            points=dict(zip(names, points, strict=True)),
            vertices=case.pathological_mm,
            healthy_vertices=case.healthy_mm,
            faces=basis.skin_faces,
            orbits=orbits,
            sex=case.subject.sex,
        )
        return entry.measure(head, side) - requested

    error = {"points": value(after[:n]), "bone voxels": None}
    if entry.name in ("hypertelorism", "mandibular_prognathism", "mandibular_retrognathia"):
        moved = bone_shift(atlas, fields, entry.name, names, before, after)
        error["bone voxels"] = value(
            np.array([moved.get(k, p) for k, p in zip(names, after[:n], strict=True)])
        )
    return error


def jacobian_at(field, points) -> np.ndarray:
    """Return the Jacobian at the nearest node."""
    index = np.rint((points - field.grid.origin_mm) / field.grid.spacing_mm).astype(int)
    return jacobian(field)[tuple(index.T)]


def bone_shift(atlas, fields, name, names, before, after) -> dict:
    """Return the measure's bony points, moved as the walls of bone in both label maps moved."""
    texture, values = draw_texture(stream(0, 0, "texture")), draw_tissue_values(stream(0, 0, "t"))
    backs = (fields.template_from_healthy, fields.template_from_pathological)
    maps = [pull_back(atlas, back, UPRIGHT, values, texture, GRID, 1)[1] for back in backs]
    result = {}
    if name == "hypertelorism":
        for side, sign in (("right", 1), ("left", -1)):
            row = names.index(f"dacryon_{side}")
            orbit = numbers("orbit_fat", "globe", "lens", "eye_muscle")
            place = [
                wall(labels, orbit, points[row] + (sign * 8.0, -3.0, 0.0), 0, -sign)
                for labels, points in zip(maps, (before, after), strict=True)
            ]
            shift = after[row] - before[row]
            shift[0] = place[1] - place[0]
            result[names[row]] = before[row] + shift
        return result
    row = names.index("B")
    bone = numbers("mandible", "teeth_lower_root")
    place = [
        wall(labels, bone, points[row] + (0.0, -4.0, 0.0), 1, 1)
        for labels, points in zip(maps, (before, after), strict=True)
    ]
    shift = after[row] - before[row]
    shift[1] = place[1] - place[0]
    result["B"] = before[row] + shift
    return result


def numbers(*names: str) -> list[int]:
    """Return the labels whose names begin so."""
    return [label.number for label in LABELS if label.name.startswith(names)]


def wall(labels, chosen, start, axis: int, direction: int) -> float:
    """Return where a structure ends on rays along an axis, mm, mean of 25 rays about a start.

    The first voxel after the start that is not of the structure, once inside it.
    """
    index = np.rint((start - np.array(GRID.origin_mm)) / GRID.spacing_mm).astype(int)
    others = [a for a in range(3) if a != axis]
    ends = []
    for a in range(-2, 3):
        for b in range(-2, 3):
            place = index.copy()
            place[others[0]] += a
            place[others[1]] += b
            steps = place[axis] + direction * np.arange(-3, 20)
            line = np.isin(
                labels[tuple(place[o] if o != axis else steps for o in range(3))], chosen
            )
            if line.any():
                first = int(line.argmax())
                rest = ~line[first:]
                end = first + int(rest.argmax()) if rest.any() else len(line)
                ends.append(GRID.axis_mm(axis)[steps[0]] + direction * (end - 0.5))
    return float(np.mean(ends)) if ends else float("nan")


if __name__ == "__main__":
    main()
