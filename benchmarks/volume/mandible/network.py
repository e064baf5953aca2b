"""The network and its input: shared by training and evaluation."""

import numpy as np
import torch
from monai.networks.nets import BasicUNet

SPACING_MM = (4.0, 4.0, 3.0)
PATCH = (64, 56, 64)
WINDOW = (80, 64, 80)
FEATURES = (16, 16, 32, 64, 128, 16)


def build_network() -> BasicUNet:
    """Return the untrained network: one image channel in, background and mandible out."""
    return BasicUNet(spatial_dims=3, in_channels=1, out_channels=2, features=FEATURES).to(memory_format=torch.channels_last_3d)


def normalised(image_hu: np.ndarray) -> np.ndarray:
    """Return HU clipped to bone and soft tissue and brought near [-1, 2]."""
    return (np.clip(image_hu, -200, 1300).astype(np.float32) - 200.0) / 500.0
