"""Cervical and upper thoracic spine with its cord, hyoid, larynx and the great vessels' neighbours
in front of it."""

import numpy as np

from augment.volume.anatomy.canvas import SOFT, Canvas
from augment.volume.anatomy.primitives import (
    Shape,
    both_sides,
    chain,
    curve,
    ellipsoid,
    join,
    sheet,
)
from augment.volume.anatomy.spec import AtlasSpec

N_VERTEBRAE = 12
ATLAS_HEIGHT_MM = 17.0
DISC_MM = 5.0
SPINE_MM = (
    (0, -8, -23),
    (0, -10, -47),
    (0, -12, -82),
    (0, -16, -117),
    (0, -26, -157),
    (0, -44, -212),
    (0, -62, -290),
)


def paint_spine(canvas: Canvas, spec: AtlasSpec) -> None:
    """Paint vertebrae, discs, spinal canal and cord, then hyoid and larynx."""
    axis = spine_axis(spec)
    canvas.paint(chain(axis, 8.5), "disc", SOFT)
    positions = _vertebra_positions(spec)
    frames = [_frame(axis, position) for position in positions]
    _paint_atlas_and_dens(canvas, *frames[0])
    for number, (centre, up, forward) in enumerate(frames[1:], start=2):
        _paint_vertebra(canvas, spec, number, centre, up, forward)
    canal = np.array(
        [
            _frame(axis, p)[0] - 15.0 * _frame(axis, p)[2]
            for p in np.linspace(-4.0, positions[-1], 60)
        ]
    )
    canvas.paint(
        chain(canal, 7.5), "csf", (*SOFT, "disc", "vertebra_cortical", "vertebra_trabecular")
    )
    canvas.paint(chain(canal, 4.5), "spinal_cord", ("csf",))
    _paint_hyoid_and_larynx(canvas, spec)


def spine_axis(spec: AtlasSpec) -> np.ndarray:
    """Return the curve through the vertebral bodies, 1 mm apart or less, from the atlas down."""
    points = np.array(SPINE_MM, float)
    points[1:5, 1] += spec.spine_sway_mm
    return curve(points, 320)


def _vertebra_positions(spec: AtlasSpec) -> np.ndarray:
    step = spec.vertebra_mm + DISC_MM
    growth = 1.0 + 0.035 * np.arange(N_VERTEBRAE - 1)
    return np.r_[6.0, 6.0 + ATLAS_HEIGHT_MM + np.r_[0.0, np.cumsum(step * growth[:-1])]]


def _frame(axis: np.ndarray, position_mm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre, upward and forward unit vectors at an arc length of the spine."""
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(axis, axis=0), axis=1))]

    def at(position: float) -> np.ndarray:
        return np.array([np.interp(position, arc, axis[:, i]) for i in range(3)])

    up = at(max(position_mm, 4.0) - 4.0) - at(max(position_mm, 4.0) + 4.0)
    up /= np.linalg.norm(up)
    forward = np.array((0.0, up[2], -up[1]))
    centre = at(position_mm) if position_mm >= 0 else axis[0] - up * position_mm
    return centre, up, forward


def _paint_atlas_and_dens(
    canvas: Canvas, centre: np.ndarray, up: np.ndarray, forward: np.ndarray
) -> None:
    angle = np.linspace(0, 2 * np.pi, 60)
    ring = (
        centre
        - 11 * forward
        + np.outer(np.cos(angle) * (17 + 4 * np.abs(np.cos(angle))), (1, 0, 0))
        + np.outer(16 * np.sin(angle), forward)
    )
    side = np.array((1.0, 0, 0))
    masses = both_sides(
        join(
            ellipsoid(centre + 18 * side - 6 * forward, (7.5, 9, 8)),
            chain([centre + 20 * side - 7 * forward, centre + 36 * side - 8 * forward], (4.0, 3.0)),
        )
    )
    dens = chain([centre - 4 * forward - 16 * up, centre - 3 * forward + 8 * up], (5.0, 4.2))
    canvas.paint_bone(
        join(chain(ring, 3.2), masses),
        "vertebra_cortical",
        "vertebra_trabecular",
        1.8,
        (*SOFT, "disc"),
    )
    canvas.paint_bone(dens, "vertebra_cortical", "vertebra_trabecular", 1.8, (*SOFT, "disc"))
    condyles = both_sides(ellipsoid(centre + 16 * side - 8 * forward + 13 * up, (7, 10, 5)))
    canvas.paint(condyles, "cranium_cortical", SOFT)


def _paint_vertebra(
    canvas: Canvas,
    spec: AtlasSpec,
    number: int,
    centre: np.ndarray,
    up: np.ndarray,
    forward: np.ndarray,
) -> None:
    half, growth, thoracic = 0.5 * spec.vertebra_mm, 1 + 0.04 * (number - 2), number > 7
    grid = [
        [
            centre + x * growth * np.array((1.0, 0, 0)) + 0.0 * forward + z * up
            for x in (-7.0, 0.0, 7.0)
        ]
        for z in (2.5 - half, 0.0, half - 2.5)
    ]
    body = (sheet(np.array(grid), 6.2 * growth),)
    canvas.paint_bone(body, "vertebra_cortical", "vertebra_trabecular", 1.3, (*SOFT, "disc"))
    canvas.paint(
        _arch(spec, number, centre, up, forward, thoracic), "vertebra_cortical", (*SOFT, "disc")
    )


def _arch(
    spec: AtlasSpec,
    number: int,
    centre: np.ndarray,
    up: np.ndarray,
    forward: np.ndarray,
    thoracic: bool,
) -> Shape:
    side = np.array((1.0, 0.0, 0.0))
    lamina = chain(
        [
            centre + 12 * side - 7 * forward,
            centre + 14 * side - 14 * forward,
            centre + 9 * side - 22 * forward - 2 * up,
            centre - 26 * forward - 4 * up,
        ],
        (3.2, 3.4, 2.6, 2.8),
        14,
    )
    facets = chain(
        [centre + 19 * side - 12 * forward + 7 * up, centre + 19 * side - 13 * forward - 7 * up],
        4.8,
    )
    transverse = chain(
        [
            centre + 12 * side - 5 * forward,
            centre + (34 if thoracic else 25) * side - (14 if thoracic else 5) * forward,
        ],
        3.2,
    )
    length = 24.0 if number in (6, 7, 8) else 16.0
    spinous = chain(
        [
            centre - 25 * forward - 4 * up,
            centre - (25 + length) * forward - (12 if thoracic else 7) * up,
        ],
        (3.0, 2.4),
    )
    return join(both_sides(join(lamina, facets, transverse)), spinous)


def _paint_hyoid_and_larynx(canvas: Canvas, spec: AtlasSpec) -> None:
    drop = spec.hyoid_drop_mm
    horn = curve([(0, 40, -95 - drop), (9, 38, -95 - drop), (20, 16, -91 - drop)], 20)
    canvas.paint(both_sides(chain(horn, (3.6, 2.4, 1.6))), "hyoid", (*SOFT, "tongue"))
    wing = both_sides(
        sheet(
            np.array(
                [
                    [(0.5, 31, z), (10, 22, z), (18, 10, z + 3)]
                    for z in (-133 - drop, -122 - drop, -110 - drop)
                ]
            ),
            1.3,
        )
    )
    cricoid = [
        (14 * np.cos(a), 12 + 12 * np.sin(a), -141 - drop) for a in np.linspace(0, 2 * np.pi, 30)
    ]
    canvas.paint(
        join(wing, chain(cricoid, 2.2)),
        "hyoid" if spec.ossified_larynx else "larynx_cartilage",
        SOFT,
    )
