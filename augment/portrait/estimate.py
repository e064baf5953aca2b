"""What a network says about the faces of a photograph, before any fitting.

Candidates come from a detector; the network says which of them are faces, and then looks once at
each face's crop and its mirror image.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from augment.geometry.camera import Camera
from augment.morphable import FaceModel, load_face_model
from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.pose import GAZE
from augment.portrait.crop import (
    Similarity,
    apply_similarity,
    cut_crop,
    invert_similarity,
    landmark_crop,
    scale_of,
    square_crop,
)
from augment.portrait.crop_pose import CropPose, read_pose
from augment.portrait.detect import Candidate, detected_faces
from augment.portrait.mirror import both_ways
from augment.portrait.network import FaceNetwork, NetworkOutput
from augment.portrait.pose import camera_of_pose, pose_of_camera
from augment.portrait.quality import FACE_PX, measure_quality, quality_warnings
from augment.portrait.weights import load_network

CROP_PX = 256
"""Width and height of the aligned crop that a network sees."""
TEXTURE_PX = 256
DETECTOR_GROWTH, DETECTOR_DROP = 1.23, 0.13
"""The detector's boxes hold the forehead: crops are so much larger, lower by this share. Mean of 40
renders (benchmarks/reconstruction/photo.py): the longer side of a box is 1.30 times that of the
landmarks' box, its middle lies 0.17 of that side higher."""
LIGHT, MOST_LIGHT = 0.45, 0.4
"""Mean that the middle of a dark crop is lightened to, and the smallest exponent that is used."""
MIN_SCORE = 0.5
SURE_SPREAD = 0.1
"""Spread of a heat map, share of the crop's side, at which its confidence is exp(-1): of seven
values from 0.02 to 1 the one with the least error on 144 renders of six conditions
(benchmarks/reconstruction/network.md)."""
NO_FACE = (
    "no face was found in a picture of {width} x {height} px; use one where a face is upright, well"
    " lit and at least 64 px wide, or crop it to the face"
)


@dataclass(frozen=True, eq=False)
class FaceEstimate:
    """One face of a photograph.

    Attributes:
        landmarks_px: The 68 iBUG points in the photograph, (x, y); the centre of pixel (0, 0) is
            (0.5, 0.5). Hidden ones lie where the head's surface has them.
        landmark_confidence: How sure the network is of each, 0 to 1.
        identity: Coefficients in standard deviations.
        expression: Coefficients, 0 neutral, 1 full action.
        pose: The 21 pose numbers for the whole photograph, in the world of
            `augment.portrait.pose`; `camera` makes the camera of them.
        texture: Colour of the skin in the template's texture space, sRGB, row 0 at v = 1, or None.
        box_px: Left, top, right and bottom of the face in the photograph.
        crop_from_picture: Similarity from pixels of the photograph to those of the 256 x 256 crop
            that the network saw.
        score: How sure the network is that this is a face, 0 to 1.
        warnings: What speaks against a good result, each with its number; empty if nothing does.
    """

    landmarks_px: Float[np.ndarray, "68 2"]
    landmark_confidence: Float[np.ndarray, "68"]
    identity: Float[np.ndarray, "99"]
    expression: Float[np.ndarray, "79"]
    pose: Float[np.ndarray, "21"]
    texture: UInt8[np.ndarray, "256 256 3"] | None
    box_px: tuple[float, float, float, float]
    crop_from_picture: Float[np.ndarray, "2 3"]
    score: float = 1.0
    warnings: tuple[str, ...] = ()

    def camera(self, width: int, height: int) -> Camera:
        """Return the camera of a photograph of this size; see `camera_of_pose`."""
        return camera_of_pose(self.pose, width, height)


def estimate_faces(
    picture: UInt8[np.ndarray, "height width 3"],
    weights: str | Path | None = None,
    every: bool = False,
    device: str = "cpu",
) -> tuple[FaceEstimate, ...]:
    """Return what the network says about the faces of a photograph, the largest first.

    Args:
        picture: RGB, upright, see `augment.portrait.picture_file.read_photograph`.
        weights: Folder of weights that `facies train` wrote, None for the shipped ones.
        every: Whether every face is wanted; otherwise the largest alone comes back, with a warning
            that says how many there are.
        device: Where the network calculates.

    Returns:
        Estimates; none where there is no face (`NO_FACE` says so and what to do).

    Raises:
        AssetError: If the weights are missing or damaged.
    """
    network = load_network(weights, device)
    with torch.inference_mode():
        found = _search(network, picture)
        if not found:
            return ()
        chosen = found if every else found[:1]
        estimates = [_estimate(network, picture, crop) for crop in chosen]
    if len(found) > 1 and not every:
        notice = f"{len(found)} faces were found; the largest was taken"
        estimates[0] = replace(estimates[0], warnings=(notice, *estimates[0].warnings))
    return tuple(estimates)


def _search(network: FaceNetwork, picture: np.ndarray) -> list[Similarity]:
    """Return the crops of the faces, the largest first."""
    crops = [_detector_crop(candidate) for candidate in detected_faces(picture)]
    if not crops:
        return []
    scores = look(network, picture, crops).score.sigmoid().tolist()
    return [crop for crop, score in zip(crops, scores, strict=True) if score >= MIN_SCORE]


def _detector_crop(candidate: Candidate) -> Similarity:
    down = DETECTOR_DROP * candidate.side_px
    shift = np.array([-np.sin(candidate.roll_rad), np.cos(candidate.roll_rad)]) * down
    side = DETECTOR_GROWTH * candidate.side_px
    return square_crop(np.array(candidate.centre_px) + shift, side, candidate.roll_rad, CROP_PX)


def look(
    network: FaceNetwork,
    picture: UInt8[np.ndarray, "height width 3"],
    crops: list[Similarity],
) -> NetworkOutput:
    """Return what a network says about crops of a picture, without textures.

    Args:
        network: On any device.
        picture: RGB.
        crops: crop_from_picture of each.
    """
    return network(_pixels(network, picture, crops), 0)


def look_both_ways(
    network: FaceNetwork,
    model: FaceModel,
    picture: UInt8[np.ndarray, "height width 3"],
    crop: Similarity,
) -> NetworkOutput:
    """Return the mean of what a network says about a crop and about its mirror image.

    Args:
        network: On any device.
        model: The face model.
        picture: RGB.
        crop: crop_from_picture.
    """
    return both_ways(network, model, _pixels(network, picture, [crop]))


def _pixels(
    network: FaceNetwork, picture: np.ndarray, crops: list[Similarity]
) -> Float[torch.Tensor, "batch 3 size size"]:
    """Return crops of a picture as the network takes them; dark ones (back light) lightened."""
    cut = np.stack([cut_crop(picture, crop, CROP_PX) for crop in crops])
    device = next(network.parameters()).device
    pixels = torch.from_numpy(cut).permute(0, 3, 1, 2).to(device).float() / 255.0
    edge = CROP_PX // 4
    middle = pixels[:, :, edge:-edge, edge:-edge].mean((1, 2, 3)).clamp(1e-3, 1 - 1e-3)
    power = (math.log(LIGHT) / middle.log()).clamp(MOST_LIGHT, 1.0)
    return pixels ** power[:, None, None, None]


def _estimate(network: FaceNetwork, picture: np.ndarray, crop: Similarity) -> FaceEstimate:
    """Return everything about the face in a crop."""
    model = load_face_model()
    output = look_both_ways(network, model, picture, crop)
    places, confidence = joined_landmarks(output, model)
    landmarks = apply_similarity(invert_similarity(crop), CROP_PX * places[0].double().numpy())
    height, width = picture.shape[:2]
    pose = picture_pose(read_pose(output.pose.cpu()), crop, width, height)
    texture = None
    if output.texture is not None:
        sheet = output.texture[0].clamp(0, 1).mul(255.0).add(0.5).to(torch.uint8)
        texture = sheet.permute(1, 2, 0).contiguous().cpu().numpy()
    rotation = camera_of_pose(pose, width, height).camera_from_world[0, :3, :3].numpy()
    square = landmark_crop(landmarks, 1.0, 0.0, FACE_PX)
    quality = measure_quality(picture, landmarks, square, rotation, float(confidence.mean()))
    low, high = landmarks.min(0), landmarks.max(0)
    return FaceEstimate(
        landmarks_px=landmarks,
        landmark_confidence=confidence[0].double().numpy(),
        identity=output.identity[0].double().cpu().numpy(),
        expression=output.expression[0].double().clamp(0, 1).cpu().numpy(),
        pose=pose,
        texture=texture,
        box_px=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        crop_from_picture=crop,
        score=float(output.score.sigmoid()[0]),
        warnings=quality_warnings(quality),
    )


def joined_landmarks(
    output: NetworkOutput, model: FaceModel
) -> tuple[Float[torch.Tensor, "batch 68 2"], Float[torch.Tensor, "batch 68"]]:
    """Return landmarks and their confidence, places in shares of the crop's side.

    ``p = c h + (1 - c) m`` with heat-map landmark h, mesh landmark m and ``c = exp(-spread /
    SURE_SPREAD)``: where a heat map is narrow it is right; where it is wide, as for hidden
    landmarks, the mesh, which knows what a head looks like, is better.

    Args:
        output: Of the network.
        model: The face model.
    """
    rest = model.rest(output.identity.float().cpu(), output.expression.float().cpu())
    mesh = read_pose(output.pose.cpu()).project(model.landmarks(rest, IBUG_NAMES))
    sure = torch.exp(-output.spread.cpu() / SURE_SPREAD)
    return mesh + sure[..., None] * (output.landmarks.cpu() - mesh), sure


def picture_pose(
    pose: CropPose, crop: Similarity, width: int, height: int
) -> Float[np.ndarray, "21"]:
    """Return the 21 pose numbers in a picture of a pose in its crop.

    The optical axis stays where the network saw it, in the middle of the crop, so that the mesh
    appears in the picture exactly as in the crop.

    Args:
        pose: Of one face.
        crop: crop_from_picture.
        width: Pixels in a row of the picture.
        height: Pixels in a column.
    """
    scale = scale_of(crop)
    picture_from_crop = np.eye(4)
    picture_from_crop[:2, :2] = crop[:, :2].T / scale
    in_crop = np.eye(4)
    in_crop[:3, :3] = _orthonormal(pose.rotation[0].double().numpy())
    in_crop[:3, 3] = pose.translation_mm[0].double().numpy()
    principal = apply_similarity(invert_similarity(crop), np.full((1, 2), CROP_PX / 2))
    camera = Camera(
        focal_px=torch.tensor([float(pose.focal[0]) * CROP_PX / scale], dtype=torch.float64),
        principal_px=torch.from_numpy(principal),
        camera_from_world=torch.from_numpy(picture_from_crop @ in_crop)[None],
        width=width,
        height=height,
    )
    numbers = pose_of_camera(camera)
    numbers[GAZE] = pose.gaze[0].double().numpy()[[0, 1, 0, 1]]
    return numbers


def _orthonormal(rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """Return the nearest rotation in float64; the network's is one in float32."""
    left, _, right = np.linalg.svd(rotation)
    return left @ right
