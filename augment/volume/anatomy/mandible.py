"""Mandible: body, symphysis, ramus with angle, condyle in its joint, coronoid; opening turns it
about the condyles.

The average adult's distances come from label maps of 28 patients (condyle to chin 119 mm, gonion to
chin 70, ramus 64,
symphysis 29 high and 16 deep, bicondylar 109, bigonial 95).
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

HINGE_MM = np.array((0.0, 11.0, -2.0))
CONDYLE_MM = np.array((52.5, 11.0, 0.0))
LOWER_BORDER_MM = (
    (44.5, 18, -57),
    (43.5, 27, -65),
    (40.5, 38, -71),
    (35.5, 53, -77),
    (28, 69, -82.5),
    (20.5, 77.5, -85),
    (11, 82.5, -86),
    (0, 84, -86),
)
CREST_MM = (
    (39.0, 33, -46),
    (35, 39, -47),
    (30, 46, -49),
    (26, 54, -51),
    (21.5, 63, -53),
    (16, 71.5, -55),
    (8.5, 78, -57),
    (0, 80, -57.5),
)
RAMUS_MM = (
    (13, -56),
    (10.5, -40),
    (9.0, -24),
    (9.5, -13),
    (14.0, -15),
    (18.5, -22.5),
    (24.0, -22),
    (31.0, -8.0),
    (33.5, -8.5),
    (34.0, -20),
    (35.5, -34),
    (41, -50),
    (37, -65),
    (25, -64),
)
"""Outline of the ramus in (anterior, superior), mm, from the angle up the posterior border and
round."""

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
    canvas.paint_bone(
        shapes, "mandible_cortical", "mandible_trabecular", spec.cortex_mm, onto, blend_mm=4.0
    )
    canal = both_sides(chain([(44, 26, -35), (41, 36, -60), (34, 55, -69), (27, 66, -70)], 1.3, 20))
    canvas.paint(moved(canal, pose), "vessel", ("mandible_trabecular",))


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
    crest[:, 2] -= spec.crest_loss_mm
    along = np.linspace(0, 1, N_ALONG)
    thickness = np.interp(along, (0, 0.15, 0.45, 0.7, 0.85, 1), (0.68, 0.95, 1.0, 0.97, 1.05, 1.0))
    base = np.interp(
        along, (0, 0.6, 1), (spec.body_radius_mm, spec.body_radius_mm, spec.symphysis_radius_mm)
    )
    rows, radii = [], []
    for across in np.linspace(0.0, 1.0, N_ACROSS):
        profile = np.interp(across, (0, 0.25, 0.6, 1), (0.85, 1.0, 1.0, 0.78))
        radius = base * thickness * profile
        row = lower * (1 - across) + crest * across
        row[:, 2] += radius * (1 - across) - 0.9 * radius * across
        row[:, :2] += _outward(row) * (1.2 * np.sin(np.pi * across))[..., None]
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
    radius = spec.symphysis_radius_mm
    mental = chain(
        [(-11, 82, -79), (0, 84.5, -78.5), (11, 82, -79)], (0.8 * radius, radius, 0.8 * radius), 9
    )
    spines = chain([(0, 77, -77), (0, 74, -76)], (2.5, 1.5))
    return join(mental, spines)


def _ramus(spec: MandibleSpec) -> Shape:
    """Flat plate in the plane of the ramus, thicker along its posterior border and at the angle."""
    outline = np.array(RAMUS_MM, float)
    front = np.clip((outline[:, 0] - 10) / 35, 0, 1)
    outline[:, 0] += spec.ramus_width_mm * front
    low = np.clip((-45 - outline[:, 1]) / 20, 0, 1) * (1 - front)
    outline[:, 0] -= spec.gonial_shift_mm * low
    outline[[7, 8], 1] += spec.coronoid_mm
    x = 45.2 + 0.11 * (outline[:, 1] + 61) - 0.09 * (outline[:, 0] - 16)
    radius = spec.ramus_radius_mm * np.where(outline[:, 0] < 15, 1.25, 1.0)
    radius[[7, 8]] *= 0.85
    radius[[11, 12]] *= 1.3
    points = np.c_[x, outline]
    centre = polygon(points, radius)
    oblique = chain(
        [points[9], points[10], (39.5, 42, -52), (35.5, 51, -58)], (2.2, 2.6, 3.4, 3.0), 14
    )
    return join(centre, oblique)


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
        CONDYLE_MM + np.array([(0, 0, -1), (-1.2, -0.3, -9), (-2.2, 1.0, -18)]),
        (0.9 * radius, 0.78 * radius, 1.2 * spec.ramus_radius_mm),
        10,
    )
    return join(head, neck)
