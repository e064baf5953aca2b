"""A real CT as the healthy twin: opened once, then moved by the pathologies of each sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from augment.errors import AssetError, GeometryError
from augment.morphable import FaceModel
from augment.pathology import Deformation
from augment.pipeline.stages import posed_vertices, rest_vertices
from augment.pipeline.subject_file import FittedHead
from augment.pipeline.volumes import (
    DISPLACEMENT_STEPS_PER_MM,
    JACOBIAN_STEPS,
    chosen,
    rounded,
)
from augment.record import HEALTHY, PATHOLOGICAL, MeshRecord, VolumeRecord
from augment.volume.anchored import (
    AnchoredTwin,
    anchored_twin,
    pathological_from_healthy,
    world_jacobian,
)
from augment.volume.field.inversion import inverse
from augment.volume.field.lattice import Field, grid_points
from augment.volume.field.subject import SubjectFields, subject_fields
from augment.volume.real_scan import RealScan
from augment.volume.surfaces import BONE_HU, mask_surface
from augment.volume.template import Template, load_template

LATTICE_MM = 3.0
"""Spacing of the lattice that carries the CT; pathologies are smooth over centimetres."""

MOVED_MM = 0.5
LEAST_IN_VIEW = 0.5
"""A pathology of which less lies in the field of view is not the one that was asked for."""


@dataclass(frozen=True)
class Anchor:
    """A real CT with the head that was fitted to it.

    Attributes:
        scan: The CT and its labels.
        world_from_head: Where the head lies in the CT's world.
        template: The template, for depths.
        fields: Fields between the template and the fitted head.
        skin_mm: Fitted skin, head frame.
    """

    scan: RealScan
    world_from_head: Float[np.ndarray, "4 4"]
    template: Template
    fields: SubjectFields
    skin_mm: Float[np.ndarray, "vertices 3"]

    def volumes(
        self, moves: Sequence[tuple[Deformation, float]], files: Sequence[str]
    ) -> dict[str, VolumeRecord]:
        """Return the CT and its pathological twin.

        Args:
            moves: Deformation and solved coefficient of each pathology.
            files: Which files are wanted.

        Raises:
            GeometryError: If the CT does not show what the pathologies move.
        """
        forward = pathological_from_healthy(self.fields, moves, self.template.body)
        self._require_in_view(forward, moves)
        twin = anchored_twin(
            self.scan.image_hu,
            self.scan.ras_from_voxel,
            inverse(forward, forward.grid),
            self.world_from_head,
            self.scan.labels,
        )
        surfaces = self._surfaces(forward) if "meshes" in files else {HEALTHY: {}, PATHOLOGICAL: {}}
        affine = self.scan.ras_from_voxel
        healthy = chosen({"image": self.scan.image_hu, "labels": self.scan.labels}, files)
        return {
            HEALTHY: VolumeRecord(affine, healthy, surfaces[HEALTHY]),
            PATHOLOGICAL: VolumeRecord(
                affine, chosen(self._moved(twin), files), surfaces[PATHOLOGICAL]
            ),
        }

    def _moved(self, twin: AnchoredTwin) -> dict[str, np.ndarray | None]:
        jacobian = world_jacobian(twin.displacement_mm, self.scan.ras_from_voxel)
        return {
            "image": twin.image_hu,
            "labels": twin.labels,
            "displacement_mm": rounded(twin.displacement_mm, DISPLACEMENT_STEPS_PER_MM),
            "jacobian": rounded(jacobian, JACOBIAN_STEPS),
        }

    def _require_in_view(self, forward: Field, moves: Sequence[tuple[Deformation, float]]) -> None:
        moves_far = np.linalg.norm(forward.displacement_mm, axis=-1) > MOVED_MM
        points = grid_points(forward.grid)[moves_far]
        if not len(points):
            return
        voxel_from_head = np.linalg.inv(self.scan.ras_from_voxel) @ self.world_from_head
        voxels = points @ voxel_from_head[:3, :3].T + voxel_from_head[:3, 3]
        last = np.array(self.scan.image_hu.shape) - 0.5
        share = float(((voxels > -0.5) & (voxels < last)).all(axis=1).mean())
        if share < LEAST_IN_VIEW:
            names = ", ".join(deformation.name for deformation, _ in moves)
            raise GeometryError(
                f"expected {names} within the CT's field of view, got {share:.0%} of what it moves"
                " inside: choose another pathology, or a CT that shows this part of the head"
            )

    def _surfaces(self, forward: Field) -> dict[str, dict[str, MeshRecord]]:
        found: dict[str, dict[str, MeshRecord]] = {HEALTHY: {}, PATHOLOGICAL: {}}
        place, faces = self.world_from_head, self.template.faces.astype(np.int64)
        meshes = {"mesh_skin": (_moved_points(place, self.skin_mm), faces)}
        for kind, mask in self._masks().items():
            surface = mask_surface(mask, self.scan.ras_from_voxel)
            if surface is not None:
                meshes[kind] = surface
        head_from_world = np.linalg.inv(place)
        for kind, (vertices, triangles) in meshes.items():
            moved = forward.move(_moved_points(head_from_world, vertices))
            found[HEALTHY][kind] = MeshRecord(vertices, triangles)
            found[PATHOLOGICAL][kind] = MeshRecord(_moved_points(place, moved), triangles)
        return found

    def _masks(self) -> dict[str, np.ndarray]:
        """Bone by its HU; the mandible where the user's labels name one."""
        masks = {"mesh_skull": self.scan.image_hu > BONE_HU}
        named = [n for n, name in self.scan.names.items() if "mandible" in name.lower()]
        if self.scan.labels is not None and named:
            mandible = np.isin(self.scan.labels, named)
            masks["mesh_mandible"] = mandible
            masks["mesh_skull"] &= ~mandible
        return masks


def open_anchor(scan: RealScan, fitted: FittedHead, model: FaceModel, atlas_mm: float) -> Anchor:
    """Prepare a CT for its twins.

    Args:
        scan: The CT.
        fitted: The head that was fitted to it.
        model: The face model.
        atlas_mm: Voxel size of the template.

    Raises:
        AssetError: If it is not known where the head lies in the CT.
    """
    if fitted.world_from_head is None:
        raise AssetError(
            "expected a head that was fitted to the CT, got one whose place is not known; make it"
            " again with `facies reconstruct ct`"
        )
    template = load_template(atlas_mm)
    rest = rest_vertices(model, fitted.subject)
    posed = posed_vertices(model, fitted.subject, [rest])[0].cpu().numpy()
    skin = posed[template.vertex_of_model].astype(float)
    fields = subject_fields(template.vertices, skin, LATTICE_MM)
    return Anchor(scan, fitted.world_from_head, template, fields, skin)


def _moved_points(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.asarray(points @ transform[:3, :3].T + transform[:3, 3])
