import numpy as np

from augment.geometry.rows import cross_rows


def test_products_of_rows_equal_numpys():
    a, b = np.random.default_rng(0).normal(size=(2, 50, 3))
    np.testing.assert_array_equal(cross_rows(a, b), np.cross(a, b))
