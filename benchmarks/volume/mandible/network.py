"""The network and its input: shared by training and evaluation."""

import numpy as np
from monai.networks.nets import DynUNet
from torch import Tensor, nn

PATCH = (48, 48, 64)
"""Voxels of a training patch. Scans are taken as they are, without resampling: voxels of 2.7 to 5.4
mm in plane are part of what a network learns, and resampling to 4 x 4 x 3 mm and back alone costs a
real contour 0.02 of Dice (README.md)."""

WINDOW = (64, 64, 80)
"""Voxels seen at once at inference."""

LENGTH_MM = 270.0
"""How far below the top of a scan the network looks."""

FEATURES = (32, 48, 80, 128)
"""Three halvings after the folding: the deepest level still sees some voxels of a patch, so that
its instance normalisation means the same at training and inference."""


class FoldedUNet(nn.Module):
    """MONAI's DynUNet on voxels folded 2x2x2 into channels: every voxel goes in and comes out, at
    a third of the arithmetic."""

    def __init__(self) -> None:
        """Build the untrained network: one image channel in, background and mandible out."""
        super().__init__()
        self.unet = DynUNet(
            spatial_dims=3,
            in_channels=8,
            out_channels=16,
            kernel_size=[3] * len(FEATURES),
            strides=[1, 2, 2, 2],
            upsample_kernel_size=[2, 2, 2],
            filters=FEATURES,
        )

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


AIR = -0.8
"""Air after `normalised`."""
