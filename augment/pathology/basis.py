"""Pathology columns of one face model: each field sampled once where it is needed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from augment.morphable.model import FaceModel
from augment.pathology.anchors import DEEP_MM, all_points, anchor_map, point_depths, vertex_depths
from augment.pathology.deformation import (
    MIRROR,
    Deformation,
    Field,
    Points,
    all_of,
    mirrored,
)
from augment.pathology.entry import Anchors, Pathology
from augment.pathology.limits import (
    LatticeGradients,
    coefficient_limits,
    exposed_faces,
    lattice_gradients,
)
from augment.pathology.orbit_surface import orbit_points

LIP_CONTACT_MM = 3.0
FISSURE_MM = 13.0  # how far from the cornea's apex a globe can show
SIDES = ("right", "left")
# The fullest smile against which the excursion of the mouth's corners is measured.
SMILE = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}


def sided(field: Field, side: str | None) -> Field:
    """Return a right-sided field on a side, on both, or as it is."""
    if side == "left":
        return mirrored(field)
    return all_of(field, mirrored(field)) if side == "both" else field


@dataclass(frozen=True)
class Column:
    """A deformation sampled where solving needs it.

    Attributes:
        deformation: The field.
        vertices: Displacement of each vertex per unit coefficient, mm.
        points: Displacement of each named point, then of both orbits' vertices.
        limits: Smallest and largest coefficient that tissue and sense allow.
        weight: For expression, the entry's weight at each vertex; None otherwise.
        outline: For a cut, where each vertex lies in its plane; None otherwise.
    """

    deformation: Deformation
    vertices: Float[np.ndarray, "vertices 3"]
    points: Float[np.ndarray, "points 3"]
    limits: tuple[float, float]
    weight: Float[np.ndarray, " vertices"] | None = None
    outline: Float[np.ndarray, "vertices 2"] | None = None

    @cached_property
    def gradients(self) -> LatticeGradients:
        """Gradients of the field on the lattice on which several fields are checked together."""
        return lattice_gradients(self.deformation)


class PathologyBasis:
    """Pathology columns of one face model, sampled once per pathology and side."""

    def __init__(self, model: FaceModel) -> None:
        """Read the template's anchors and depths."""
        self.model = model
        self.mean = model.mean.cpu().numpy().astype(np.float64)
        self.faces = model.faces.cpu().numpy()
        self.skin_faces = self.faces[model.part_of_triangle.cpu().numpy() == 1]
        self.anchors = anchor_map(model)
        self.template_points = all_points(self.anchors, model, self.mean)
        self.named_template = self.anchors.named(self.template_points)
        self.exposed_faces = self._without_lip_contact(exposed_faces(self.mean, self.skin_faces))
        self._columns: dict[tuple[str, str | None, bool], Column] = {}

    def _without_lip_contact(self, faces: np.ndarray) -> Int[np.ndarray, "triangles 3"]:
        """Leave out the mouth's inside and the strip where the lips meet: one slides along the
        other and its triangles shear."""
        centres = self.mean[faces].mean(axis=1)
        stomion = self.named_template["stomion"]
        from_line = np.hypot(
            centres[:, 2] - stomion[2], np.clip(stomion[1] - 25.0 - centres[:, 1], 0.0, None)
        )
        outside = self.depths[faces].min(axis=1) < LIP_CONTACT_MM
        return np.asarray(faces[(from_line > LIP_CONTACT_MM) & outside])

    @cached_property
    def depths(self) -> Float[np.ndarray, " vertices"]:
        """Depth of every template vertex below the skin."""
        return vertex_depths(self.model)

    @cached_property
    def outer_faces(self) -> Int[np.ndarray, "triangles 3"]:
        """Triangles of the outer surface: skin without the mouth's and the sockets' inside, and the
        part of the globes that lies in the lids' fissures."""
        uv = self.model.uv.cpu().numpy()[self.model.uv_faces.cpu().numpy()].mean(axis=1)
        # The lining of the sockets is an island of its own in texture space.
        socket = (uv[:, 0] > 0.6) & (uv[:, 1] > 0.76)
        skin = self.model.part_of_triangle.cpu().numpy() == 1
        inside = self.depths[self.faces].min(axis=1) >= LIP_CONTACT_MM
        faces = [self.faces[skin & ~socket & ~inside]]
        for side in SIDES:
            apex = self.named_template[f"corneal_apex_{side}"]
            globe = self.faces[np.isin(self.faces, self._globe_vertices[side]).all(axis=1)]
            from_apex = np.linalg.norm(self.mean[globe].mean(axis=1) - apex, axis=1)
            faces.append(globe[from_apex < FISSURE_MM])
        return np.concatenate(faces)

    @cached_property
    def smile(self) -> Float[np.ndarray, "vertices 3"]:
        """Displacement of each vertex in the fullest smile, mm."""
        names = self.model.expression_names
        rows = self.model.expression_basis.cpu().numpy().astype(np.float64)
        return np.asarray(sum(share * rows[names.index(n)] for n, share in SMILE.items()))

    def orbits(self, vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "orbits 3"]:
        """Return the vertices of the right, then the left orbit of a healthy head, mm.

        Its globes say where the orbits are, the width of the lids' fissures how large.
        """
        rows = {name: k for k, name in enumerate(self.anchors.names)}
        surfaces = []
        for side in SIDES:
            globe = self._globe_vertices[side]
            ends = [rows[f"exocanthion_{side}"], rows[f"endocanthion_{side}"]]
            width = np.linalg.norm(np.diff(self.anchors.skin(vertices)[ends], axis=0))
            template = np.linalg.norm(np.diff(self.template_points[ends], axis=0))
            surfaces.append(
                orbit_points(vertices[globe].mean(axis=0), side, float(width / template))
            )
        return np.concatenate(surfaces)

    @cached_property
    def _globe_vertices(self) -> dict[str, np.ndarray]:
        return {s: self.model.part_vertices(f"eye_{s}").cpu().numpy() for s in SIDES}

    @cached_property
    def template_orbits(self) -> Float[np.ndarray, "orbits 3"]:
        """Vertices of both orbits of the template."""
        return self.orbits(self.mean)

    def column(self, entry: Pathology, side: str | None, associated: bool = False) -> Column:
        """Return the sampled field of a pathology on a side.

        Args:
            entry: The pathology.
            side: One of its sides, or None.
            associated: With the changes that often come along.
        """
        key = (entry.name, side, associated)
        if key not in self._columns:
            self._columns[key] = self._sampled(entry, side, associated)
        return self._columns[key]

    def _sampled(self, entry: Pathology, side: str | None, associated: bool) -> Column:
        deformation = self._deformation(entry, side, associated)
        vertices = self._moved_vertices(entry, side, associated, deformation)
        points = deformation.displacement(self.template_points, point_depths(self.anchors))
        points[: self.anchors.n_skin] = self.anchors.skin(vertices)  # as read from the mesh
        orbits = self.template_orbits
        deep = np.full(len(orbits), DEEP_MM)
        right = self.column(entry, "right", associated) if side == "left" else None
        limits = right.limits if right else coefficient_limits(deformation)
        if entry.effect == "cut":  # a cut has no end where tissue would fold
            limits = entry.bounds
        return Column(
            deformation=deformation,
            vertices=vertices,
            points=np.concatenate([points, deformation.displacement(orbits, deep)]),
            limits=(max(limits[0], entry.bounds[0]), min(limits[1], entry.bounds[1])),
            weight=self._of_vertices(entry.weight, side),
            outline=self._of_vertices(entry.outline, side),
        )

    def _moved_vertices(
        self, entry: Pathology, side: str | None, associated: bool, deformation: Deformation
    ) -> Float[np.ndarray, "vertices 3"]:
        """Return what vertices do; the left side mirrors the right one vertex by vertex, since a
        few pairs of template vertices are no exact mirror images."""
        if side not in ("left", "both"):
            return deformation.displacement(self.mean, self.depths)
        right = self.column(entry, "right", associated).vertices
        left = np.asarray(right[self._mirror_vertex] * MIRROR)
        return left if side == "left" else right + left

    def _of_vertices(
        self, build: Callable[[Anchors], Callable[[Points], np.ndarray]] | None, side: str | None
    ) -> np.ndarray | None:
        """Return a right-sided function of template space at each vertex, on a side."""
        if build is None:
            return None
        values = build(self.named_template)(self.mean)
        return values[self._mirror_vertex] if side == "left" else values

    @cached_property
    def _mirror_vertex(self) -> Int[np.ndarray, " vertices"]:
        return np.asarray(self.model.mirror_vertex.cpu().numpy())

    def _deformation(self, entry: Pathology, side: str | None, associated: bool) -> Deformation:
        field = entry.field(self.named_template)
        if associated and entry.associated is not None:
            field = all_of(field, entry.associated(self.named_template))
        skin = None
        if entry.skin_field is not None:
            skin = sided(entry.skin_field(self.named_template), side)
        return Deformation(
            entry.name,
            side,
            sided(field, side),
            entry.bone_follow,
            entry.skin_follow,
            skin,
            entry.follow_depth_mm,
        )
