"""A crop and its mirror image: the same head twice, for truth and for a steadier answer.

A mirrored head is a change of signs of its identity coefficients, expressions whose sides change
places, and signs of the raw pose numbers; the mean of a network's answers about both has less error
than either.
"""

import re
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int

from augment.morphable import FaceModel
from augment.morphable.landmarks import IBUG_MIRROR
from augment.portrait.network import FaceNetwork, NetworkOutput

MIRRORED_LANDMARK = np.arange(68)
"""Row of each landmark's mirror image."""
for _right, _left in IBUG_MIRROR.items():
    MIRRORED_LANDMARK[_right], MIRRORED_LANDMARK[_left] = _left, _right

POSE_SIGN = np.array([1, -1, -1, -1, 1, 1, -1, 1, 1, 1, 1, -1], dtype=np.float64)
"""Signs that mirror the raw numbers of `augment.portrait.crop_pose`: two columns of the rotation,
place, size, distance, pitch and yaw of the gaze."""


def mirrored_names(names: tuple[str, ...]) -> Int[np.ndarray, " names"]:
    """Return the row of the mirror image of each expression: Left and Right change places."""
    row = {name: number for number, name in enumerate(names)}

    def swapped(name: str) -> str:
        sides = {"Left": "Right", "Right": "Left", "left": "right", "right": "left"}
        return re.sub("Left|Right|left|right", lambda found: sides[found[0]], name)

    return np.array([row.get(swapped(name), row[name]) for name in names])


def both_ways(
    network: FaceNetwork, model: FaceModel, pixels: Float[torch.Tensor, "1 3 size size"]
) -> NetworkOutput:
    """Return the mean of what a network says about a crop and about its mirror image.

    Heat maps and texture are those of the crop itself.

    Args:
        network: On the device of the pixels.
        model: The face model.
        pixels: RGB, 0 to 1.
    """
    output = network(torch.cat((pixels, pixels.flip(-1))), 1)
    device = pixels.device
    sides = torch.from_numpy(MIRRORED_LANDMARK).to(device)
    across = output.landmarks.new_tensor((-1.0, 1.0))
    edge = output.landmarks.new_tensor((1.0, 0.0))
    there = {
        "landmarks": output.landmarks[1][sides] * across + edge,
        "spread": output.spread[1][sides],
        "identity": output.identity[1] * model.identity_parity.to(output.identity),
        "expression": output.expression[1][mirrored_names(model.expression_names)],
        "pose": output.pose[1] * torch.from_numpy(POSE_SIGN).to(output.pose),
        "score": output.score[1],
    }
    means = {name: ((getattr(output, name)[0] + value) / 2)[None] for name, value in there.items()}
    return replace(output, heat=output.heat[:1], **means)
