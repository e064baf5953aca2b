"""Mandible: body, symphysis, ramus with angle, condyle in its joint, coronoid; opening turns it
about the condyles.

The average adult's distances come from label maps of 28 patients (condyle to chin 119 mm, gonion to
chin 70, ramus 64, symphysis 29 high and 16 deep, bicondylar 109, bigonial 95); its place under the
skin from 12 patients whose skin was fitted, to the nearest half millimetre.
"""

from collections.abc import Callable

import numpy as np

from augment.volume.anatomy.canvas import SOFT, Canvas
from augment.volume.anatomy.primitives import (
    Shape,
    both_sides,
    chain,
    curve,
    ellipsoid,
    join,
    moved,
    polygon,
    sheet,
)
from augment.volume.anatomy.spec import MandibleSpec

HINGE_MM = np.array((0.0, 10.0, -2.0))
CONDYLE_MM = np.array((52.5, 10.0, 0.5))
LOWER_BORDER_MM = (
    (45, 18, -60),
    (41.5, 28, -68),
    (39, 40, -74.5),
    (35, 52.5, -80),
    (29, 61, -84),
    (23, 68, -86.5),
    (16.5, 74, -88.5),
    (8.5, 78.5, -89),
    (0, 79.5, -88),
)
CREST_MM = (
    (36.5, 32.5, -47),
    (31.5, 37, -48.5),
    (28, 45, -51),
    (23.5, 53.5, -54),
    (20, 62.5, -57),
    (16, 72, -60),
    (9, 78, -61),
    (0, 80.5, -61.5),
)
RAMUS_MM = (
    (43.5, 17, -58),
    (44, 14, -47),
    (46, 14, -35.5),
    (48.5, 12.5, -24),
    (50, 14, -18),
    (48.5, 20, -21),
    (47, 28, -20),
    (48, 36.5, -8.5),
    (47, 39.5, -9),
    (44, 37, -21.5),
    (40.5, 34, -33.5),
    (34.5, 38, -49.5),
    (32.5, 39, -63),
    (37, 27.5, -62),
)
"""Outline of the ramus, mm, from the angle up the posterior border and round by notch and coronoid
process; its front lies nearer to the midline than its back."""

N_ALONG, N_ACROSS = 40, 7


def paint_mandible(canvas: Canvas, spec: MandibleSpec) -> None:
    """Paint the mandible and the disc in the joint space."""
    pose = mandible_pose(spec)
    disc = both_sides(
        ellipsoid(
            CONDYLE_MM + np.array((0, 1.5, spec.condyle_radius_mm + 0.3)),
            (9, 6.5, spec.joint_space_mm),
        )
    )
    canvas.paint(moved(disc, pose), "joint_disc", SOFT)
    shapes = tuple(moved(shape, pose) for shape in mandible_shapes(spec))
    onto = (
        *SOFT,
        "tongue",
        "joint_disc",
        "parotid_left",
        "parotid_right",
        "submandibular_left",
        "submandibular_right",
        "airway_oral",
        "vessel",
    )
    box, distance = canvas.distance(shapes, blend_mm=4.0)
    canvas.paint_mask(box, distance < spec.periosteum_mm, "periosteum", onto)
    canvas.paint_mask(box, distance < 0.0, "mandible_cortical", (*onto, "periosteum"))
    canvas.paint_mask(
        box, distance < -spec.cortex_mm, "mandible_trabecular", ("mandible_cortical",)
    )
    canal = both_sides(chain([(44, 25, -35), (38, 33, -58), (31, 49, -70), (25, 62, -74)], 1.3, 20))
    canvas.paint(moved(canal, pose), "mandibular_canal", ("mandible_trabecular",))


def mandible_pose(spec: MandibleSpec) -> Callable[[np.ndarray], np.ndarray]:
    """Return the map from the average closed mandible to this one: size about the joints, then
    opening."""
    angle = np.deg2rad(spec.opening_deg)
    turn = np.array(
        [[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]]
    )
    glide = np.array((0.0, 0.28, -0.14)) * spec.opening_deg * (spec.opening_deg > 2)
    scale = np.asarray(spec.scale)
    return lambda points: ((np.asarray(points) - HINGE_MM) * scale) @ turn.T + HINGE_MM + glide


def mandible_shapes(spec: MandibleSpec) -> tuple[Shape, ...]:
    """Return the mandible's parts, jaw closed, average size: body, chin, rami, processes."""
    return (_body(spec), _chin(spec), both_sides(_ramus(spec)), both_sides(_condyle(spec)))


def _body(spec: MandibleSpec) -> Shape:
    """Curved plate between the lower border and the alveolar crest, its thickness varying along and
    across."""
    lower, crest = curve(LOWER_BORDER_MM, N_ALONG), curve(CREST_MM, N_ALONG)
    lower[:8, 1] -= spec.gonial_shift_mm * np.linspace(1, 0, 8)
    along = np.linspace(0, 1, N_ALONG)
    crest[:, 2] -= spec.crest_loss_mm * np.interp(along, (0, 0.25), (0.3, 1.0))
    thickness = np.interp(along, (0, 0.15, 0.45, 0.7, 0.85, 1), (0.6, 0.9, 1.05, 1.2, 1.15, 1.0))
    base = np.interp(
        along, (0, 0.6, 1), (spec.body_radius_mm, spec.body_radius_mm, spec.symphysis_radius_mm)
    )
    rows, radii = [], []
    for across in np.linspace(0.0, 1.0, N_ACROSS):
        profile = np.interp(across, (0, 0.25, 0.6, 1), (0.85, 1.0, 1.0, 0.82))
        radius = base * thickness * profile
        row = lower * (1 - across) + crest * across
        row[:, 2] += radius * (1 - across) - 0.9 * radius * across
        row[:, :2] += _outward(row) * (-0.6 * np.sin(np.pi * across))[..., None]
        rows.append(row)
        radii.append(radius)
    return both_sides(sheet(np.array(rows), np.array(radii)))


def _outward(row: np.ndarray) -> np.ndarray:
    """Unit vectors in the axial plane, square to a row of the body, pointing away from the
    tongue."""
    tangent = np.gradient(row[:, :2], axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return np.c_[-tangent[:, 1], tangent[:, 0]] * np.sign(
        -tangent[:, 1:2] * row[:, :1] + tangent[:, :1] * row[:, 1:2] + 1e-9
    )


def _chin(spec: MandibleSpec) -> Shape:
    """Mental protuberance in front, genial and digastric thickening behind."""
    radius = spec.symphysis_radius_mm
    mental = chain(
        [(-11, 80, -80), (0, 84, -80), (11, 80, -80)], np.array((0.75, 0.95, 0.75)) * radius, 9
    )
    genial = chain(
        [(-9, 73.5, -77), (0, 75, -77), (9, 73.5, -77)], np.array((0.7, 0.75, 0.7)) * radius, 9
    )
    return join(mental, genial)


def _ramus(spec: MandibleSpec) -> Shape:
    """Plate of the ramus, thicker along its posterior border and at the angle."""
    outline = np.array(RAMUS_MM, float)
    front = np.clip((outline[:, 1] - 14) / 24, 0, 1)
    outline[:, 1] += spec.ramus_width_mm * front
    low = np.clip((-43 - outline[:, 2]) / 15, 0, 1) * (1 - front)
    outline[:, 1] -= spec.gonial_shift_mm * low
    outline[[7, 8], 2] += spec.coronoid_mm
    radius = spec.ramus_radius_mm * np.where(front < 0.2, 1.25, 1.0)
    radius[[7, 8]] *= 0.85
    radius[[11, 12]] *= 1.3
    oblique = chain(
        [outline[9], outline[10], (35.5, 40, -50), (32.5, 47, -56)], (2.2, 2.6, 3.4, 3.0), 14
    )
    return join(polygon(outline, radius), oblique)


def _condyle(spec: MandibleSpec) -> Shape:
    """Head of the condyle, some 20 mm wide and turned by 20 degrees, on its neck."""
    half, radius = 5.8, spec.condyle_radius_mm
    axis = np.array((np.cos(0.33), np.sin(0.33), 0.0))
    head = chain(
        [
            CONDYLE_MM - half * axis - (0, 0, 0.8),
            CONDYLE_MM,
            CONDYLE_MM + half * axis - (0, 0, 1.2),
        ],
        (0.85 * radius, radius, 0.85 * radius),
    )
    neck = chain(
        CONDYLE_MM + np.array([(0, 0, -1), (-0.8, 0.8, -9), (-2.0, 2.3, -19)]),
        (0.9 * radius, 0.78 * radius, 1.2 * spec.ramus_radius_mm),
        10,
    )
    return join(head, neck)
