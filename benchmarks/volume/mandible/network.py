"""The network and its input: shared by training and evaluation."""

import numpy as np
from monai.networks.nets import BasicUNet
from torch import Tensor, nn

SPACING_MM = (4.0, 4.0, 3.0)
PATCH = (64, 56, 64)
WINDOW = (80, 64, 80)
FEATURES = (32, 48, 80, 128, 128, 32)


class FoldedUNet(nn.Module):
    """MONAI's BasicUNet on voxels folded 2x2x2 into channels: every voxel goes in and comes out, at
    a third of the arithmetic."""

    def __init__(self) -> None:
        """Build the untrained network: one image channel in, background and mandible out."""
        super().__init__()
        self.unet = BasicUNet(spatial_dims=3, in_channels=8, out_channels=16, features=FEATURES)

    def forward(self, image: Tensor) -> Tensor:
        """Map an image (n, 1, x, y, z) with even sides to scores (n, 2, x, y, z)."""
        n, _, x, y, z = image.shape
        folded = image.view(n, x // 2, 2, y // 2, 2, z // 2, 2).permute(0, 2, 4, 6, 1, 3, 5)
        scores = self.unet(folded.reshape(n, 8, x // 2, y // 2, z // 2))
        scores = scores.view(n, 2, 2, 2, 2, x // 2, y // 2, z // 2).permute(0, 1, 5, 2, 6, 3, 7, 4)
        return scores.reshape(n, 2, x, y, z)


def build_network() -> FoldedUNet:
    """Return the untrained network."""
    return FoldedUNet()


def normalised(image_hu: np.ndarray) -> np.ndarray:
    """Return HU clipped to bone and soft tissue and brought near [-1, 2]."""
    return (np.clip(image_hu, -200, 1300).astype(np.float32) - 200.0) / 500.0
