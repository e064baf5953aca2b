"""Evaluate on real OpenKBP cases without any clean-up: `python evaluate.py WEIGHTS.pt --data
shared/data/openkbp`.

The scan is taken on its own grid; Dice is measured there, at a probability of 0.5.
"""

import argparse
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.inferers import sliding_window_inference
from network import AIR, LENGTH_MM, WINDOW, build_network, normalised
from scipy import ndimage

OVERLAP = 0.5


def main() -> None:
    """Print and write Dice per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--masks", type=Path, default=None)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = build_network()
    network.load_state_dict(torch.load(arguments.weights))
    network.eval()
    rows = []
    for case in json.loads((arguments.data / "splits.json").read_text())[arguments.split][
        : arguments.cases
    ]:
        image = nib.load(arguments.data / f"{case}_ct.nii.gz")
        truth = np.asarray(nib.load(arguments.data / f"{case}_seg.nii.gz").dataobj) == 1
        spacing = np.array(image.header.get_zooms()[:3], float)
        predicted = predict(network, np.asarray(image.dataobj), spacing)
        rows.append({"case": case, **scores(predicted, truth, spacing)})
        print(rows[-1], flush=True)
        if arguments.masks:
            arguments.masks.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(arguments.masks / f"{case}.npz", mask=predicted)
    dice = np.array([row["dice"] for row in rows])
    summary = {
        "mean": round(float(dice.mean()), 4),
        "median": round(float(np.median(dice)), 4),
        "worst": round(float(dice.min()), 4),
    }
    summary["mean_largest_component"] = round(
        float(np.mean([row["dice_largest_component"] for row in rows])), 4
    )
    print(summary)
    if arguments.out:
        arguments.out.write_text(
            json.dumps(
                {"weights": arguments.weights.name, "summary": summary, "cases": rows}, indent=1
            )
            + "\n",
            encoding="utf-8",
        )


def predict(network: torch.nn.Module, image_hu: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """Return the mandible mask on the scan's own grid: the mean of the image's and its mirror
    image's probabilities, at 0.5."""
    box = _body_box(image_hu, spacing_mm)
    tensor = torch.tensor(normalised(image_hu[box]))[None, None]
    chance = np.zeros(image_hu.shape, np.float32)
    with torch.inference_mode():
        both = [_windows(network, tensor), _windows(network, tensor.flip(2)).flip(2)]
    chance[box] = (0.5 * (both[0] + both[1]))[0, 1].numpy()
    return chance > 0.5


def _windows(network: torch.nn.Module, tensor: torch.Tensor) -> torch.Tensor:
    scores = sliding_window_inference(
        tensor, WINDOW, 1, network, OVERLAP, mode="gaussian", padding_mode="constant", cval=AIR
    )
    return torch.softmax(scores, dim=1)


def _body_box(image_hu: np.ndarray, spacing_mm: np.ndarray) -> tuple[slice, slice, slice]:
    """Return the box of the body, without couch and rails, in the upper part of the scan."""
    parts, _ = ndimage.label(ndimage.binary_opening(image_hu > -300))
    body = np.argwhere(parts == np.bincount(parts.ravel())[1:].argmax() + 1)
    low, high = body.min(0), body.max(0) + 1
    low[2] = max(low[2], high[2] - round(LENGTH_MM / spacing_mm[2]))
    x, y, z = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return x, y, z


def scores(predicted: np.ndarray, truth: np.ndarray, spacing_mm: np.ndarray) -> dict[str, float]:
    """Return Dice, Dice of the largest component (for information), volumes in ml and where false
    positives lie."""
    parts, n_parts = ndimage.label(predicted)
    largest = parts == np.bincount(parts.ravel())[1:].argmax() + 1 if n_parts else predicted
    ml = float(np.prod(spacing_mm)) / 1000
    near = ndimage.distance_transform_edt(~truth, sampling=spacing_mm) < 10
    return {
        "dice": round(dice(predicted, truth), 4),
        "dice_largest_component": round(dice(largest, truth), 4),
        "predicted_ml": round(float(predicted.sum()) * ml, 1),
        "true_ml": round(float(truth.sum()) * ml, 1),
        "far_false_positive_ml": round(float((predicted & ~near).sum()) * ml, 1),
    }


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Return the overlap of two masks, 1 where both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2.0 * int((a & b).sum()) / total if total else 1.0


if __name__ == "__main__":
    main()
