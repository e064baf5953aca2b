"""Weights of the face network: safetensors in half precision beside a JSON file with their hash."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from augment.errors import AssetError
from augment.portrait.network import FaceNetwork, NetworkShape
from augment.subject_folder import write_files
from augment.untrusted import read_bounded, read_json

WEIGHTS_FILE, FACTS_FILE = "face_network.safetensors", "face_network.json"
SHIPPED = Path(__file__).parent / "weights"
MAX_WEIGHT_BYTES = 500_000_000


def save_weights(
    weights: Mapping[str, Tensor],
    shape: NetworkShape,
    folder: Path,
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Write weights in half precision with what is needed to load and to check them.

    Args:
        weights: State of a `FaceNetwork`.
        shape: Its shape.
        folder: Where the two files go; made where it is missing.
        facts: Further values for the JSON file: recipe, seed, command.

    Returns:
        The file of weights.

    Raises:
        AssetError: If the folder cannot be written to.
    """
    halved = {
        key: (value.half() if value.dtype.is_floating_point else value).cpu().contiguous()
        for key, value in weights.items()
    }
    content = save(halved)
    record = {"sha256": sha256(content).hexdigest(), "network": asdict(shape), **(facts or {})}
    contents = {
        WEIGHTS_FILE: content,
        FACTS_FILE: (json.dumps(record, indent=1) + "\n").encode(),
    }
    write_files(contents, folder)
    return folder / WEIGHTS_FILE


def load_network(folder: str | Path | None = None, device: str = "cpu") -> FaceNetwork:
    """Return a trained network, ready to look at crops.

    Args:
        folder: Folder that `facies train` wrote, or None for the shipped weights.
        device: Where it calculates.

    Raises:
        AssetError: If a file is missing, damaged, or not the one whose hash is recorded.
    """
    return _load(str(SHIPPED if folder is None else folder), device)


@lru_cache(maxsize=4)
def _load(folder: str, device: str) -> FaceNetwork:
    path = Path(folder)
    for name in (FACTS_FILE, WEIGHTS_FILE):
        if not (path / name).is_file():
            raise AssetError(
                f"expected weights of the face network in '{path}', got no {name};"
                " train them with `facies train face_network` or leave weights out"
            )
    facts = read_json(path / FACTS_FILE, "facts about weights", "copy both files anew")
    content = read_bounded(path / WEIGHTS_FILE, "weights", MAX_WEIGHT_BYTES)
    try:
        shape, expected = NetworkShape(**facts["network"]), str(facts["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise AssetError(
            f"expected facts about weights in '{path / FACTS_FILE}', got something else; copy both"
            " files anew"
        ) from error
    found = sha256(content).hexdigest()
    if found != expected:
        raise AssetError(
            f"expected weights with SHA-256 {expected[:12]}… in '{path / WEIGHTS_FILE}', got"
            f" {found[:12]}…; the file is damaged or another one, copy both files anew"
        )
    try:
        weights = load(content)  # numbers and nothing else; no pickle is ever opened
        with torch.device("meta"):  # a shape of terabytes takes no memory
            wanted = {key: value.shape for key, value in FaceNetwork(shape).state_dict().items()}
        fits = wanted == {key: value.shape for key, value in weights.items()}
    except (SafetensorError, ValueError, TypeError, ArithmeticError, RuntimeError) as error:
        raise AssetError(
            f"expected weights as safetensors in '{path / WEIGHTS_FILE}', got something else"
            f" ({type(error).__name__}); copy both files anew"
        ) from error
    if not fits:
        raise AssetError(
            f"expected weights of the network that '{path / FACTS_FILE}' describes, got others;"
            " copy both files anew"
        )
    network = FaceNetwork(shape)
    network.load_state_dict(
        {k: v.float() if v.dtype.is_floating_point else v for k, v in weights.items()}
    )
    network.requires_grad_(False)
    return network.eval().to(torch.device(device))
