"""Train on synthetic volumes only: `python train.py DATA OUT.pt --seed 0 --minutes 60`.

DATA is a folder of `make.py`; files that appear while training runs are used too. No real voxel or
label is read here.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from monai.losses import DiceCELoss
from network import PATCH, build_network, normalised
from scipy import ndimage

CENTRES = {"mandible": 0.65, "bone": 0.2, "anywhere": 0.15}
"""Where patches are centred."""

BATCH = 2
BONE_HU = 250
AVERAGE_DECAY = 0.985


def main() -> None:
    """Train until the time or the steps are spent; save the averaged weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)  # noqa: TID251 - MONAI initialises from the global generator
    network = build_network().to(memory_format=torch.channels_last_3d)
    fit(network, arguments)


def fit(network: torch.nn.Module, arguments: argparse.Namespace) -> None:
    """Run the training loop."""
    rng = np.random.default_rng(arguments.seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=1e-4)
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True, include_background=False)
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    begin, recent, cache = time.time(), [], {}
    for step in range(arguments.steps):
        progress = max(step / arguments.steps, (time.time() - begin) / (60 * arguments.minutes))
        if progress >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = (
                arguments.rate * min(1.0, (step + 1) / 30) * (0.02 + 0.98 * (1 - progress) ** 0.9)
            )
        patches = [patch(arguments.data, cache, rng) for _ in range(BATCH)]
        image, target = (torch.cat(parts) for parts in zip(*patches, strict=True))
        loss = loss_of(network(image), target)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 3.0)
        optimiser.step()
        decay = min(AVERAGE_DECAY, (step + 1) / (step + 10))
        for name, value in network.state_dict().items():
            average[name].lerp_(value, 1 - decay) if value.dtype.is_floating_point else average[
                name
            ].copy_(value)
        recent.append(float(loss.detach()))
        if step % 50 == 49:
            print(
                (
                    f"step {step + 1} loss {np.mean(recent[-50:]):.3f} files {len(cache)} "
                    f"minutes {(time.time() - begin) / 60:.1f}"
                ),
                flush=True,
            )
            torch.save(average, arguments.out)
    torch.save(average, arguments.out)


def patch(folder: Path, cache: dict, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return one augmented patch (1, 1, x, y, z) and its target."""
    paths = sorted(folder.glob("[0-9]*[0-9].npz"))
    path = paths[rng.integers(len(paths))]
    if path not in cache:
        with np.load(path) as sample:
            cache[path] = (sample["image_hu"], sample["mandible"])
    image, mandible = cache[path]
    low = _corner(image, mandible, rng)
    box = tuple(
        slice(max(0, start), max(0, start + size)) for start, size in zip(low, PATCH, strict=True)
    )
    before = [max(0, -start) for start in low]
    pad = [
        (b, size - b - (s.stop if s.stop < n else n) + s.start)
        for b, size, s, n in zip(before, PATCH, box, image.shape, strict=True)
    ]
    hu = np.pad(image[box], pad, constant_values=-1000).astype(np.float32)
    target = np.pad(mandible[box], pad) > 127
    hu, target = varied(hu, target, rng)
    return torch.tensor(normalised(hu))[None, None], torch.tensor(
        target[None, None].astype(np.float32)
    )


def varied(
    hu: np.ndarray, target: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a patch with other calibration, contrast, sharpness and noise, or mirrored."""
    hu = (hu + 1000) * rng.uniform(0.95, 1.05) - 1000 + rng.normal(0, 10)
    bone = np.maximum(hu - 150, 0)
    hu = hu + bone * rng.uniform(-0.2, 0.2)
    if rng.random() < 0.15:
        hu = ndimage.gaussian_filter(hu, rng.uniform(0.2, 0.6))
    if rng.random() < 0.5:
        hu, target = hu[::-1].copy(), target[::-1].copy()
    if rng.random() < 0.3:
        hu = hu + rng.standard_normal(hu.shape).astype(np.float32) * rng.uniform(5, 30)
    return hu, target


def _corner(image: np.ndarray, mandible: np.ndarray, rng: np.random.Generator) -> list[int]:
    kind = rng.choice(list(CENTRES), p=list(CENTRES.values()))
    mask = {"mandible": mandible > 100, "bone": (image > BONE_HU) & (mandible == 0)}.get(kind)
    where = np.flatnonzero(mask) if mask is not None else np.zeros(0, int)
    centre = (
        np.unravel_index(where[rng.integers(len(where))], image.shape)
        if len(where)
        else [rng.integers(n) for n in image.shape]
    )
    return [
        int(c - size // 2 + rng.integers(-size // 3, size // 3 + 1))
        for c, size in zip(centre, PATCH, strict=True)
    ]


if __name__ == "__main__":
    main()
