"""A head fitted to a labelled photograph by its masks alone, and the photograph moved with it.

The masks of eyes, nose and mouth give 15 points; a weak-perspective camera and a few identity
coefficients are fitted to them. Pixels: x right, y down; the centre of pixel (0, 0) is (0.5, 0.5).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import find_objects, label
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from augment.errors import GeometryError, RecipeError
from augment.morphable import FaceModel
from augment.segmentation.tasks import Case, Task

N_FITTED = 20
"""Leading identity modes that are fitted."""
PRIOR_PX = 0.015
"""One standard deviation of identity weighs as much as this share of the face's height."""
PARTS = ("eyes", "nose", "mouth")
LANDMARKS = (
    "ibug_36", "ibug_39", "ibug_42", "ibug_45", "ibug_37", "ibug_41", "ibug_44", "ibug_46",
    "alare_right", "alare_left", "ibug_33", "ibug_48", "ibug_54", "ibug_51", "ibug_57",
)  # fmt: skip
N_NODES, N_BORDER, LATTICE = 260, 10, (28, 22)
SMOOTHING = 1e-3


@dataclass(frozen=True, eq=False)
class PhotographFit:
    """A head in a photograph.

    Attributes:
        model: The face model.
        identity: Fitted coefficients.
        rotation: From the head frame to (right, down, forward) of the picture.
        scale: Pixels per mm.
        centre: Pixel of the head frame's origin.
        residual_px: Mean distance of the fitted points.
        nodes: Vertices that face the camera and lie in the picture, thinned out.
    """

    model: FaceModel
    identity: Float[np.ndarray, " identities"]
    rotation: Float[np.ndarray, "3 3"]
    scale: float
    centre: Float[np.ndarray, "2"]
    residual_px: float
    nodes: np.ndarray

    def vertices(
        self, identity: Float[np.ndarray, " identities"], offset_mm: np.ndarray | float = 0.0
    ) -> Float[np.ndarray, "nodes 3"]:
        """Return the nodes of a head, head frame, mm."""
        rest = self.model.vertices(torch.from_numpy(identity)[None].float())[0].double().numpy()
        return (rest + offset_mm)[self.nodes]

    def projected(
        self, points_mm: Float[np.ndarray, "points 3"], turn: Float[np.ndarray, "3 3"] | None = None
    ) -> Float[np.ndarray, "points 2"]:
        """Return pixels of points in the head frame, after a turn of the head."""
        turned = points_mm if turn is None else points_mm @ turn.T
        return self.scale * (turned @ self.rotation.T)[:, :2] + self.centre

    def changed(
        self, identity: Float[np.ndarray, " identities"], offset_mm: Float[np.ndarray, "vertices 3"]
    ) -> Float[np.ndarray, "nodes 3"]:
        """Return the nodes of this head with a change of identity and a displacement, mm."""
        return self.vertices(self.identity + identity, offset_mm)


def mask_points(case: Case, task: Task) -> Float[np.ndarray, "15 2"]:
    """Return the pixels that LANDMARKS are fitted to.

    Raises:
        RecipeError: If the task has no eyes, nose and mouth.
        GeometryError: If the masks do not show two eyes.
    """
    absent = [name for name in PARTS if name not in task.names]
    if absent:
        raise RecipeError(
            f"anchored expects photographs of faces with the classes {', '.join(PARTS)}, got"
            f" {', '.join(task.names[1:])}; leave that arm out"
        )
    eyes, nose, mouth = (case.label == task.names.index(name) for name in PARTS)
    parts, n_parts = label(eyes)
    sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)[1:]
    if n_parts < 2:
        raise GeometryError(
            f"case {case.name} expects two eyes apart in its mask, got {n_parts}; correct the mask"
            " or leave the anchored arm out"
        )
    both = np.argsort(sizes)[-2:] + 1
    right, left = sorted((parts == k for k in both), key=lambda eye: np.argwhere(eye)[:, 1].mean())
    a, b = _extremes(right), _extremes(left)
    (box,) = find_objects(nose.astype(int))
    low_half = nose.copy()
    low_half[: (box[0].start + box[0].stop) // 2] = False
    c, m = _extremes(low_half), _extremes(mouth)
    return np.array(
        [a[0], a[1], b[0], b[1], a[2], a[3], b[2], b[3], c[0], c[1], c[3], m[0], m[1], m[2], m[3]]
    )


def _extremes(mask: Bool[np.ndarray, "rows columns"]) -> Float[np.ndarray, "4 2"]:
    """Return the leftmost, rightmost, topmost and lowest pixel, (x, y)."""
    rows, columns = np.nonzero(mask)
    found = []
    for values, pick in ((columns, min), (columns, max), (rows, min), (rows, max)):
        at = values == pick(values)
        found.append((columns[at].mean() + 0.5, rows[at].mean() + 0.5))
    return np.array(found)


def fit_photograph(case: Case, task: Task, model: FaceModel) -> PhotographFit:
    """Fit a head to the masks of a photograph.

    Args:
        case: The labelled photograph.
        task: Its data set.
        model: The face model.
    """
    target = mask_points(case, task)
    n = N_FITTED
    unit = torch.eye(n, model.identity_basis.shape[0])
    mean = model.landmarks(model.mean[None], LANDMARKS)[0].double().numpy()
    basis = model.landmarks(model.vertices(unit), LANDMARKS).double().numpy() - mean
    height = float(np.ptp(target[:, 1]))
    # A camera before the face: right is the patient's left (-x), down is -z, forward is -y.
    facing = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])

    def parts(values: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        return facing @ Rotation.from_rotvec(values[:3]).as_matrix(), values[3], values[4:6]

    def residuals(values: np.ndarray) -> np.ndarray:
        rotation, log_scale, centre = parts(values)
        points = mean + np.tensordot(values[6:], basis, 1)
        found = np.exp(log_scale) * (points @ rotation.T)[:, :2] + centre
        prior = values[6:] * PRIOR_PX * height
        return np.concatenate([(found - target).ravel(), prior, 40.0 * values[:3]])

    start = np.zeros(6 + n)
    first = mean @ facing.T
    start[3] = np.log(height / np.ptp(first[:, 1]))
    start[4:6] = target.mean(0) - np.exp(start[3]) * first.mean(0)[:2]
    found = least_squares(residuals, start)
    rotation, log_scale, centre = parts(found.x)
    identity = np.zeros(model.identity_basis.shape[0])
    identity[:n] = found.x[6:]
    error = float(np.linalg.norm(found.fun[: 2 * len(target)].reshape(-1, 2), axis=1).mean())
    fit = PhotographFit(
        model,
        identity,
        rotation,
        float(np.exp(log_scale)),
        centre,
        error,
        np.arange(model.n_vertices),
    )
    return _with_nodes(fit, case.label.shape)


def _with_nodes(fit: PhotographFit, shape: tuple[int, ...]) -> PhotographFit:
    """Choose the vertices that move the picture: in front, facing the camera, spread evenly."""
    vertices = fit.vertices(fit.identity)
    faces = fit.model.faces.numpy()
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, faces[:, k], np.cross(b - a, c - a))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    towards = -(normals @ fit.rotation.T)[:, 2]
    pixels = fit.projected(vertices)
    inside = ((pixels > 0) & (pixels < np.array(shape[::-1]))).all(1)
    # Behind the ears nothing is seen; the trunk has no say.
    front = np.flatnonzero(
        (towards > 0.35) & inside & (vertices[:, 1] > 0) & (vertices[:, 2] > -140)
    )
    order = [int(front[0])]
    distance = np.linalg.norm(pixels[front] - pixels[order[0]], axis=1)
    while len(order) < min(N_NODES, len(front)):
        far = int(distance.argmax())
        order.append(int(front[far]))
        distance = np.minimum(distance, np.linalg.norm(pixels[front] - pixels[front[far]], axis=1))
    return PhotographFit(
        fit.model,
        fit.identity,
        fit.rotation,
        fit.scale,
        fit.centre,
        fit.residual_px,
        np.array(order),
    )


def deform_photograph(
    case: Case,
    fit: PhotographFit,
    moved_mm: Float[np.ndarray, "nodes 3"],
    rng: np.random.Generator,
    turn_deg: float,
) -> Case:
    """Move a photograph and its mask with its head.

    Args:
        case: The labelled photograph.
        fit: The head in it.
        moved_mm: Where the nodes are afterwards, head frame.
        rng: Where the turn is drawn.
        turn_deg: Largest turn about each axis.

    Returns:
        The moved case; its border stays where it is.
    """
    turn = Rotation.from_euler("xyz", rng.uniform(-turn_deg, turn_deg, 3), degrees=True)
    before = fit.projected(fit.vertices(fit.identity))
    after = fit.projected(moved_mm, turn.as_matrix())
    # A head that was only moved or sized has not changed: that part is taken out.
    after = _aligned(after, before)
    rows, columns = case.label.shape
    border = _border(rows, columns)
    nodes = np.concatenate([after, border])
    values = np.concatenate([before - after, np.zeros_like(border)])
    nodes, kept = np.unique(np.round(nodes, 2), axis=0, return_index=True)
    size = float(max(rows, columns))
    field = RBFInterpolator(nodes / size, values[kept], smoothing=SMOOTHING)
    v, u = (np.linspace(0.0, n, k) for n, k in zip((rows, columns), LATTICE, strict=True))
    lattice = np.stack(np.meshgrid(u, v), -1).reshape(-1, 2)
    coarse = field(lattice / size).reshape(*LATTICE, 2)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    at_x = ((x + 0.5) / columns * (LATTICE[1] - 1)).astype(np.float32)
    at_y = ((y + 0.5) / rows * (LATTICE[0] - 1)).astype(np.float32)
    dense = cv2.remap(coarse.astype(np.float32), at_x, at_y, cv2.INTER_CUBIC)
    source_x, source_y = x + dense[..., 0], y + dense[..., 1]
    image = cv2.remap(
        case.image, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    mask = cv2.remap(
        case.label, source_x, source_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return Case(case.name, image, mask, case.spacing)


def _aligned(
    points: Float[np.ndarray, "points 2"], reference: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "points 2"]:
    """Return points moved and scaled so that they lie on the reference as well as they can."""
    a, b = points - points.mean(0), reference - reference.mean(0)
    return a * ((a * b).sum() / (a * a).sum()) + reference.mean(0)


def _border(rows: int, columns: int) -> Float[np.ndarray, "points 2"]:
    share = np.linspace(0.0, 1.0, N_BORDER)
    edges = [(share, 0 * share), (share, 0 * share + 1), (0 * share, share), (0 * share + 1, share)]
    points = np.concatenate([np.stack(edge, 1) for edge in edges])
    return np.unique(points, axis=0) * (columns, rows)
