"""What is photographed: the refined bust of each twin with the hair and clothes that both share.

Enters: posed vertices of the face model in the head frame, mm. Leaves: one triangle mesh whose
first vertices are the refined model's, so that landmarks stay valid.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from augment.morphable.model import FaceModel
from augment.morphable.refinement import Refinement, RowSums
from augment.morphable.template import PARTS

SCENE_PARTS = (*PARTS, "hair", "clothing")
"""Parts of a picture in the order of their label; 0 is background."""
PART_ID = {name: number for number, name in enumerate(SCENE_PARTS)}
REFINEMENT_LEVEL = 1


@dataclass(frozen=True, eq=False)
class Attachment:
    """Hair or clothes: a mesh that is bound to the healthy head and worn by both twins.

    Attributes:
        vertices: Positions in the head frame, mm.
        normals: Unit vectors at the vertices.
        faces: Triangles.
        part: Name in SCENE_PARTS.
        shade: What its own shader needs at the vertices.
        beneath: Refined vertex of the body whose shadows fall on each vertex, or None.
    """

    vertices: Float[Tensor, "vertices 3"]
    normals: Float[Tensor, "vertices 3"]
    faces: Int64[Tensor, "triangles 3"]
    part: str
    shade: Float[Tensor, "vertices channels"]
    beneath: Int64[Tensor, " vertices"] | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """The twins of one sample, with one numbering of vertices and triangles.

    Attributes:
        vertices: Positions in the head frame, mm; twin 0 is healthy.
        normals: Unit vectors at the vertices.
        moved: Pathological minus healthy position of each vertex, mm; 0 without a pathology.
        faces: Triangles: what is not covered of the refined model, then hair's and clothes'.
        part_of_triangle: Entry of SCENE_PARTS.
        uv: Texture coordinates of the model; one more row, 0, for hair and clothes.
        uv_faces: Rows of `uv` at the corners of triangles.
        is_changed: Whether the pathological twin's triangle moved or turned at any corner.
        n_body: How many vertices belong to the model; those of the attachments follow.
        first_triangle: First triangle of each attachment.
        attachments: Hair and clothes, in the order of their triangles.
    """

    vertices: Float[Tensor, "twins vertices 3"]
    normals: Float[Tensor, "twins vertices 3"]
    moved: Float[Tensor, "vertices 3"]
    faces: Int64[Tensor, "triangles 3"]
    part_of_triangle: UInt8[Tensor, " triangles"]
    uv: Float[Tensor, "uv_vertices 2"]
    uv_faces: Int64[Tensor, "triangles 3"]
    is_changed: Bool[Tensor, " triangles"]
    n_body: int
    first_triangle: tuple[int, ...]
    attachments: tuple[Attachment, ...]


def build_scene(
    model: FaceModel,
    body: Float[Tensor, "twins refined 3"],
    attachments: tuple[Attachment, ...] = (),
    covered: Bool[Tensor, " refined_triangles"] | None = None,
) -> Scene:
    """Return the mesh of one sample's twins.

    Args:
        model: The face model.
        body: Refined vertices of the healthy head and, where there is one, of the pathological one.
        attachments: Hair and clothes, bound to the healthy head.
        covered: Refined triangles that clothes cover and that are left out, None for none.

    Returns:
        The scene.
    """
    finer = model.refinement(REFINEMENT_LEVEL)
    n_twins, n_body = body.shape[:2]
    shown = slice(None) if covered is None else torch.nonzero(~covered)[:, 0]
    parts, faces = [finer.part_of_triangle[shown]], [finer.faces[shown]]
    vertices, normals = [body], [refined_normals(finer, body)]
    start, first_triangle = n_body, []
    for worn in attachments:
        first_triangle.append(sum(len(block) for block in faces))
        faces.append(worn.faces + start)
        vertices.append(worn.vertices.expand(n_twins, -1, -1))
        normals.append(worn.normals.expand(n_twins, -1, -1))
        parts.append(parts[0].new_full((len(worn.faces),), PART_ID[worn.part]))
        start += len(worn.vertices)
    moved = torch.zeros((start, 3), dtype=body.dtype, device=body.device)
    if n_twins > 1:
        moved[:n_body] = body[1] - body[0]
    n_worn = sum(len(worn.faces) for worn in attachments)
    all_faces, all_normals = torch.cat(faces), torch.cat(normals, 1)
    changed = (moved != 0).any(1) | (all_normals[0] != all_normals[-1]).any(1)
    no_uv = finer.uv_faces.new_full((n_worn, 3), len(finer.uv))
    return Scene(
        vertices=torch.cat(vertices, 1),
        normals=all_normals,
        moved=moved,
        faces=all_faces,
        part_of_triangle=torch.cat(parts),
        uv=torch.cat((finer.uv, finer.uv.new_zeros(1, 2))),
        uv_faces=torch.cat((finer.uv_faces[shown], no_uv)),
        is_changed=changed[all_faces].any(1),
        n_body=n_body,
        first_triangle=tuple(first_triangle),
        attachments=attachments,
    )


@lru_cache(maxsize=8)
def incidence_sums(finer: Refinement) -> RowSums:
    """Return the matrix (refined vertices, triangles) that is 1 where a triangle has a vertex."""
    corners = finer.faces.reshape(-1)
    counts = torch.bincount(corners)
    order = torch.argsort(corners, stable=True)
    ones = torch.ones(len(corners), device=corners.device)
    triangle = torch.div(order, 3, rounding_mode="floor")
    return RowSums(triangle, counts.cumsum(0) - counts, ones)


def refined_normals(
    finer: Refinement, vertices: Float[Tensor, "twins vertices 3"]
) -> Float[Tensor, "twins vertices 3"]:
    """Return area-weighted unit normals at the refined vertices."""
    n_twins, n_vertices = vertices.shape[:2]
    rows = vertices.permute(1, 0, 2).reshape(n_vertices, n_twins * 3)
    a, b, c = (rows.index_select(0, finer.faces[:, corner]) for corner in range(3))
    first, second = (edge.sub_(a).T.contiguous() for edge in (b, c))
    first, second = first.reshape(n_twins, 3, -1), second.reshape(n_twins, 3, -1)
    vectors = [
        first[:, k - 2] * second[:, k - 1] - first[:, k - 1] * second[:, k - 2] for k in range(3)
    ]
    flat = torch.stack(vectors, 1).reshape(n_twins * 3, -1).T.contiguous()
    summed = incidence_sums(finer).times(flat).reshape(n_vertices, n_twins, 3)
    return torch.nn.functional.normalize(summed.permute(1, 0, 2), dim=-1, eps=1e-30).contiguous()
