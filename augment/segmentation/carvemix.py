"""CarveMix: carve a structure with some surroundings out of one image, paste it into another.

Zhang et al., "CarveMix: a simple data augmentation method for brain lesion segmentation", MICCAI
2021 (arXiv:2108.06883) and NeuroImage 271 (2023). A competitor of the synthetic data, written
from the paper: with D the signed distance to the structure (negative inside) and a threshold t
drawn uniformly from -|min D| / 2 to |min D|, image and label of the receiver are replaced where
D < t. The threshold's range is that of the authors' published program.

The paper has one foreground class; with several, one of those present is drawn for each image.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8
from scipy import ndimage

SHRINK_TO, GROW_TO = -0.5, 1.0
"""Bounds of the threshold, as shares of the structure's inner radius |min D|."""


def carve_mix(
    rng: np.random.Generator,
    images: Float[np.ndarray, "batch channels *space"],
    labels: UInt8[np.ndarray, "batch *space"],
) -> tuple[Float[np.ndarray, "batch channels *space"], UInt8[np.ndarray, "batch *space"]]:
    """Give every image of a batch a structure of another one.

    Args:
        rng: Where partners, classes and thresholds are drawn.
        images: Images on one grid, in two or three dimensions.
        labels: Their classes, 0 for background.

    Returns:
        New images and labels of the same shapes. With a batch of one, or where the partner shows
        no structure, an image stays as it is.
    """
    mixed_images, mixed_labels = images.copy(), labels.copy()
    n_images = len(images)
    if n_images < 2:
        return mixed_images, mixed_labels
    for receiver in range(n_images):
        donor = (receiver + int(rng.integers(1, n_images))) % n_images
        classes = np.unique(labels[donor])
        classes = classes[classes > 0]
        if classes.size == 0:
            continue
        carved = draw_region(rng, labels[donor] == rng.choice(classes))
        mixed_images[receiver][:, carved] = images[donor][:, carved]
        mixed_labels[receiver][carved] = labels[donor][carved]
    return mixed_images, mixed_labels


def draw_region(
    rng: np.random.Generator, structure: Bool[np.ndarray, "*space"]
) -> Bool[np.ndarray, "*space"]:
    """Draw the region to carve: the structure, shrunk or grown.

    Args:
        rng: Where the threshold is drawn.
        structure: Mask that is not empty.

    Returns:
        Where the signed distance lies below the threshold.
    """
    distance = signed_distance(structure)
    return distance < rng.uniform(SHRINK_TO, GROW_TO) * -distance.min()


def signed_distance(structure: Bool[np.ndarray, "*space"]) -> Float64[np.ndarray, "*space"]:
    """Return the distance to the border of a mask in pixels, negative inside.

    Pixels on both sides of the border are half a pixel away from it.
    """
    inside = ndimage.distance_transform_edt(structure)
    outside = ndimage.distance_transform_edt(~structure)
    return np.where(structure, 0.5 - inside, outside - 0.5)
