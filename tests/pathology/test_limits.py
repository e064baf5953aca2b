import numpy as np
import pytest

from augment.pathology.limits import LatticeGradients, inverted_triangles, joint_jacobian
from augment.streams import stream


def drawn_fields(n_fields):
    """Fields that move some points of a lattice of 400, on the skin and deep."""
    rng, fields = stream(0, n_fields, "fields"), []
    for _ in range(n_fields):
        moved = [np.sort(rng.choice(400, 250, replace=False)) for _ in range(2)]
        fields.append(
            LatticeGradients(tuple(moved), tuple(rng.normal(0, 0.1, (250, 3, 3)) for _ in moved))
        )
    return fields, rng.uniform(1, 3, n_fields)


@pytest.mark.parametrize("n_fields", [2, 3])
def test_the_joint_jacobian_is_the_least_determinant_where_fields_meet(n_fields):
    fields, coefficients = drawn_fields(n_fields)
    found = []
    for depth in range(2):
        for point in range(400):
            here = [np.flatnonzero(field.points[depth] == point) for field in fields]
            if sum(len(rows) for rows in here) < 2:
                continue
            total = np.eye(3)
            for field, rows, coefficient in zip(fields, here, coefficients, strict=True):
                total = total + coefficient * field.gradients[depth][rows].sum(axis=0)
            found.append(np.linalg.det(total))
    assert joint_jacobian(fields, coefficients) == pytest.approx(min(found), abs=1e-12)


def test_fields_that_do_not_meet_cannot_fold_together():
    apart = [
        LatticeGradients((rows, rows), (np.full((3, 3, 3), -9.0),) * 2)
        for rows in (np.arange(3), np.arange(3, 6))
    ]
    assert joint_jacobian(apart, np.ones(2)) == 1.0


def grid(n):
    x, y = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    first = np.stack([corner, corner + n, corner + 1], 1)
    second = np.stack([corner + 1, corner + n, corner + n + 1], 1)
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(n * n)], 1).astype(float)
    return vertices, np.concatenate([first, second])


def test_a_vertex_that_crosses_its_neighbours_turns_triangles_over():
    before, faces = grid(7)
    moved, folded = before.copy(), before.copy()
    moved[24] += [0.4, 0.4, 0.0]
    folded[24] += [2.4, 0.0, 0.0]
    assert inverted_triangles(before, moved, faces) == 0
    a, b, c = (folded[faces[:, k]] for k in range(3))
    turned = np.cross(b - a, c - a)[:, 2] < 0
    assert 0 < inverted_triangles(before, folded, faces) <= turned.sum()
    assert inverted_triangles(before, before, faces) == 0
