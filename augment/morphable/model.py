"""The 3D morphable model of the head: coefficients enter, vertices in the head frame (RAS+, mm)
leave.

    V = mean + B_identity · α + B_expression · β + offset,   then jaw, neck and gaze

`offset` is where pathology enters: a displacement per vertex, solved elsewhere to a clinical
measure.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from augment.errors import AssetError
from augment.morphable.pose import (
    ARTICULATION,
    GAZE,
    JAW,
    JAW_HINGE_MM,
    NECK,
    gaze_vectors,
    rotation_matrix,
    turn,
)
from augment.morphable.refinement import Refinement, refine
from augment.morphable.template import PARTS


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A linear head model with a rigid jaw, neck and eyes.

    Attributes:
        name: Which model this is, with its version.
        mean: Vertices of the mean head, float32 (v, 3), mm, head frame.
        identity_basis: Displacement per standard deviation of each identity mode (99, v, 3).
        identity_parity: +1 for a mode that keeps left-right symmetry, -1 for one that breaks it
            (99,).
        expression_basis: Displacement of each full expression (79, v, 3).
        expression_names: Their 79 names.
        joints_mean: Neck, head, jaw, left eye, right eye joints of the mean head (5, 3).
        joints_basis: Their motion per identity mode (99, 5, 3).
        faces: Triangles (t, 3). Concretely, faces[t] lists the vertices of triangle t,
            counter-clockwise from outside.
        part_of_triangle: Index into PARTS per triangle (t,).
        lash_faces: Triangles of the eyelashes, drawn in pictures and never in labels.
        uv: Texture coordinates in the unit square, v upwards (u, 2).
        uv_faces: Concretely, uv_faces[t, j] is the row of uv at corner j of triangle t.
        mirror_vertex: Concretely, mirror_vertex[i] = j means that vertex j is the mirror image of
            vertex i.
        jaw_weight: Share of a jaw rotation that each vertex follows, 0 to 1.
        neck_weight: Share of a neck rotation that each vertex follows, 0 to 1.
        landmark_names: Names of the landmarks, sorted.
        landmark_triangle: Triangle of each landmark.
        landmark_weights: Barycentric weights of each landmark in its triangle.
        region_map: Region number per texel of a square sheet in texture space (row 0 at v = 1),
            uint8.
        prior: Arrays that the prior draws subjects from (empty for models without one).
    """

    name: str
    mean: Float[Tensor, "vertices 3"]
    identity_basis: Float[Tensor, "identities vertices 3"]
    identity_parity: Int[Tensor, " identities"]
    expression_basis: Float[Tensor, "expressions vertices 3"]
    expression_names: tuple[str, ...]
    joints_mean: Float[Tensor, "5 3"]
    joints_basis: Float[Tensor, "identities 5 3"]
    faces: Int[Tensor, "triangles 3"]
    part_of_triangle: UInt8[Tensor, " triangles"]
    lash_faces: Int[Tensor, "lash_triangles 3"]
    uv: Float[Tensor, "uv_vertices 2"]
    uv_faces: Int[Tensor, "triangles 3"]
    mirror_vertex: Int[Tensor, " vertices"]
    jaw_weight: Float[Tensor, " vertices"]
    neck_weight: Float[Tensor, " vertices"]
    landmark_names: tuple[str, ...]
    landmark_triangle: Int[Tensor, " landmarks"]
    landmark_weights: Float[Tensor, "landmarks 3"]
    region_map: UInt8[Tensor, "texels texels"]
    prior: dict[str, np.ndarray]

    @property
    def n_vertices(self) -> int:
        """Number of vertices v."""
        return int(self.mean.shape[0])

    @property
    def device(self) -> torch.device:
        """Device that the arrays live on."""
        return self.mean.device

    def to(self, device: torch.device | str) -> "FaceModel":
        """Return the model with every tensor on a device; itself where they are there already."""
        if torch.device(device) == self.device:
            return self
        moved = {
            f.name: getattr(self, f.name).to(device)
            for f in fields(self)
            if isinstance(getattr(self, f.name), Tensor)
        }
        return replace(self, **moved)

    def rest(
        self,
        identity: Float[Tensor, "batch identities"],
        expression: Float[Tensor, "batch expressions"] | None = None,
        offset: Float[Tensor, "#batch vertices 3"] | None = None,
    ) -> Float[Tensor, "batch vertices 3"]:
        """Return unposed vertices: the linear part of the model.

        Args:
            identity: Coefficients in standard deviations.
            expression: Coefficients, 0 neutral and 1 full; None for neutral.
            offset: Displacement per vertex in mm, for example of a pathology or of a fit's detail.
        """
        flat = self.mean.flatten() + identity @ self.identity_basis.flatten(1)
        if expression is not None:
            flat = flat + expression @ self.expression_basis.flatten(1)
        vertices = flat.unflatten(1, (-1, 3))
        return vertices if offset is None else vertices + offset

    def posed(
        self,
        rest: Float[Tensor, "batch vertices 3"],
        identity: Float[Tensor, "batch identities"],
        pose: Float[Tensor, "batch 21"],
    ) -> Float[Tensor, "batch vertices 3"]:
        """Turn jaw, neck and eyes of rest vertices; the skull stays in the head frame."""
        pose = pose.to(rest.dtype)
        if not bool(pose[:, ARTICULATION].any()):
            return rest
        joints = self.joints_mean + (identity @ self.joints_basis.flatten(1)).unflatten(1, (-1, 3))
        hinge = torch.tensor(JAW_HINGE_MM, dtype=rest.dtype, device=rest.device)
        vertices = rest.clone()
        for vector, chosen, weight, centre in (
            (-pose[:, JAW], *self._movers["jaw"], hinge.expand(len(rest), 3)),
            (pose[:, NECK], *self._movers["neck"], joints[:, 1]),
        ):
            if bool(vector.any()):
                vertices[:, chosen] = turn(vertices[:, chosen], weight, vector, centre)
        for side, vector in zip(("left", "right"), gaze_vectors(pose[:, GAZE]), strict=True):
            chosen, _ = self._movers[f"eye_{side}"]
            globe = vertices[:, chosen]
            centre = globe.mean(dim=1, keepdim=True)
            vertices[:, chosen] = centre + (globe - centre) @ rotation_matrix(vector).mT
        return vertices

    def vertices(
        self,
        identity: Float[Tensor, "batch identities"],
        expression: Float[Tensor, "batch expressions"] | None = None,
        pose: Float[Tensor, "batch 21"] | None = None,
        offset: Float[Tensor, "#batch vertices 3"] | None = None,
    ) -> Float[Tensor, "batch vertices 3"]:
        """Return the vertices of a batch of heads in the head frame, mm.

        Args:
            identity: Identity coefficients in standard deviations.
            expression: Expression coefficients, or None for neutral.
            pose: The 21 pose numbers (:data:`augment.morphable.pose.POSE_NAMES`), or None for rest.
            offset: Displacement per vertex before posing, mm.
        """
        rest = self.rest(identity, expression, offset)
        return rest if pose is None else self.posed(rest, identity, pose)

    def landmarks(
        self, vertices: Float[Tensor, "batch vertices 3"], names: tuple[str, ...] | None = None
    ) -> Float[Tensor, "batch landmarks 3"]:
        """Return landmark positions on given vertices.

        Args:
            vertices: Vertices of this model, any pose.
            names: Which landmarks, None for all in the order of `landmark_names`.

        Raises:
            AssetError: If a name is unknown.
        """
        rows = self.landmark_rows(names)
        corners = vertices[:, self.faces[self.landmark_triangle[rows]]]
        return (corners * self.landmark_weights[rows][..., None]).sum(dim=2)

    def landmark_rows(self, names: tuple[str, ...] | None = None) -> list[int]:
        """Return the rows of named landmarks in the landmark table."""
        if names is None:
            return list(range(len(self.landmark_names)))
        missing = [name for name in names if name not in self._landmark_row]
        if missing:
            raise AssetError(
                f"model {self.name} has no landmark {missing[0]!r}; see landmark_names"
            )
        return [self._landmark_row[name] for name in names]

    def part_vertices(self, part: str) -> Int[Tensor, " chosen"]:
        """Return the vertices of one part of :data:`augment.morphable.template.PARTS`."""
        return torch.unique(self.faces[self.part_of_triangle == PARTS.index(part)])

    def mirrored(
        self, identity: Float[Tensor, "batch identities"]
    ) -> Float[Tensor, "batch identities"]:
        """Return the coefficients of the mirror-image heads."""
        return identity * self.identity_parity.to(identity.dtype)

    def refinement(self, level: int) -> Refinement:
        """Return the Loop refinement of the topology, computed once per level (0, 1 or 2)."""
        if level not in self._refinements:
            self._refinements[level] = refine(self, level)
        return self._refinements[level]

    @cached_property
    def _refinements(self) -> dict[int, Refinement]:
        return {}

    @cached_property
    def _landmark_row(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.landmark_names)}

    @cached_property
    def _movers(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Vertices that a joint moves, and their weights."""
        weighted = {"jaw": self.jaw_weight, "neck": self.neck_weight}
        movers = {}
        for joint, weight in weighted.items():
            chosen = torch.nonzero(weight).flatten()
            movers[joint] = (chosen, weight[chosen])
        for side in ("left", "right"):
            chosen = self.part_vertices(f"eye_{side}")
            movers[f"eye_{side}"] = (chosen, torch.ones(len(chosen), device=self.device))
        return movers
