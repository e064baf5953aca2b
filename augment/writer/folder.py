"""A data set folder from its first sample to its last file: open, resume, finish.

While samples are made, `.incoming/run.json` says which run they belong to. What is not yet whole
lies under `.incoming`; everything else is final. `SHA256SUMS` is written last.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from socket import gethostname
from typing import Any

from augment.errors import RecipeError
from augment.recipe.schema import SCHEMA_VERSION, WHERE_AND_BY_WHAT, RecipeSpec
from augment.record import Legend
from augment.writer.card import dataset_card
from augment.writer.contact_sheet import contact_sheet, sheet_samples
from augment.writer.encode import encode_json
from augment.writer.gather import Gathering
from augment.writer.kinds import ALL_KINDS
from augment.writer.sample_folder import (
    INCOMING,
    ROWS,
    SAMPLES,
    digest_of,
    is_whole,
    read_rows,
    sample_folder,
    sample_name,
)

DATASET = "dataset.json"
CARD = "README.md"
SHEET = "contact_sheet.png"
SUMS = "SHA256SUMS"
RUN = "run.json"

FRAMES = {
    "head": "RAS+: x patient's right, y anterior, z superior; mm; Frankfort horizontal;"
    " origin midway between the tragia",
    "camera": "OpenCV: x right, y down, z forward; mm; camera_from_world maps head to camera",
    "pixel": "x right, y down; the centre of pixel (0, 0) is (0.5, 0.5)",
    "volume": "NIfTI, sform = qform to RAS+ mm: the scanner's frame of a generated volume"
    " (recorded posture: parameters.json, volume.scan.posture; upright is the head frame), the"
    " file's own world of a real CT; meshes and radiographs of the volume share it",
}


@dataclass(frozen=True)
class Identity:
    """What decides the bytes of every sample: samples of one identity fit into one folder.

    Attributes:
        fingerprint: `RecipeSpec.fingerprint` of the recipe.
        inputs: Input file to the SHA-256 of its content.
        versions: Package to version.
    """

    fingerprint: str
    inputs: Mapping[str, str]
    versions: Mapping[str, str]

    def values(self) -> dict[str, Any]:
        """Return the identity as plain values."""
        return {
            "fingerprint": self.fingerprint,
            "inputs": dict(self.inputs),
            "versions": dict(self.versions),
        }


def open_folder(
    root: Path, identity: Identity, n_samples: int, own: range | None = None
) -> list[int]:
    """Prepare a folder for a run and find out what is left to make.

    Args:
        root: Folder of the data set; made if it does not exist.
        identity: Identity of the run.
        n_samples: Samples of the finished data set.
        own: Numbers that this run may look at and make, None for all.

    Returns:
        Those of them that are missing or damaged, in order.

    Raises:
        RecipeError: If the folder holds something else, or samples of another run.
        OSError: If the folder cannot be written.
    """
    stored = _stored_identity(root)
    if stored is None and root.exists() and not _is_unused(root):
        raise RecipeError(
            f"out expects a new or empty folder, or a data set of this recipe, got '{root}' with"
            " other content; choose another out"
        )
    require_same_run(root, identity)
    own = range(n_samples) if own is None else own
    missing = list(own) if stored is None else _check_samples(root, n_samples, own)
    incoming = root / INCOMING
    incoming.mkdir(parents=True, exist_ok=True)
    _write(root, f"{INCOMING}/{RUN}", encode_json(identity.values(), indent=1))
    if missing:
        (root / SUMS).unlink(missing_ok=True)
    return missing


def require_same_run(root: Path, identity: Identity) -> None:
    """Refuse a folder whose samples belong to another run.

    Raises:
        RecipeError: If recipe, input or version differ.
    """
    require_identity(str(root), _stored_identity(root), identity)


def require_identity(out: str, stored: Mapping[str, Any] | None, identity: Identity) -> None:
    """Refuse a place whose samples belong to another run.

    Args:
        out: Where it is, for the message.
        stored: `Identity.values` of its samples, None where it has none.
        identity: Identity of the run.

    Raises:
        RecipeError: If recipe, input or version differ.
    """
    if stored is not None and stored != identity.values():
        raise RecipeError(
            f"'{out}' holds samples of another recipe, input or version; choose another out, or"
            " delete it"
        )


def require_room(out: str, present: Sequence[int], n_samples: int) -> None:
    """Refuse a data set that already holds more samples than are asked for.

    Args:
        out: Where it is, for the message.
        present: Numbers of its samples, in order.
        n_samples: Samples of the finished data set.

    Raises:
        RecipeError: If it does.
    """
    if present and present[-1] >= n_samples:
        raise RecipeError(
            f"'{out}' already holds {present[-1] + 1} samples, got samples={n_samples}; ask for"
            " at least as many, or choose another out"
        )


def abandon_folder(root: Path) -> None:
    """Remove a folder in which no sample was finished; keep it otherwise."""
    samples = root / SAMPLES
    if samples.is_dir() and any(samples.iterdir()):
        return
    rmtree(root / INCOMING, ignore_errors=True)
    if root.is_dir() and all(path == samples for path in root.iterdir()):
        rmtree(root, ignore_errors=True)


def finish_folder(
    root: Path,
    spec: RecipeSpec,
    identity: Identity,
    legend: Legend,
    extra: Mapping[str, bytes] | None = None,
    fetch: Callable[[Sequence[int]], None] = lambda indexes: None,
) -> None:
    """Write tables, contact sheet, card, `dataset.json` and checksums of a whole set of samples.

    Args:
        root: Folder of the data set, with every sample in place.
        spec: The recipe.
        identity: Identity of the run.
        legend: What the numbers stand for.
        extra: Further files of the whole data set, name to content.
        fetch: Called with the numbers of the samples whose files the contact sheet reads, for a
            folder that holds no more than the rows of its samples.
    """
    incoming = root / INCOMING
    with closing(Gathering(incoming)) as gathering:
        for index in range(spec.samples):
            path = sample_folder(root, index) / ROWS
            gathering.add(index, read_rows(root, index), digest_of(path))
        tables = gathering.end_tables()
        shown = sheet_samples(spec.samples, has_volumes="volume" in gathering.facts.kinds)
        fetch(shown)
        contents = dict(extra or {})
        contents[SHEET] = _sheet(root, shown)
        contents[CARD] = dataset_card(spec.name, gathering.facts, legend)
        contents[DATASET] = encode_json(describe_dataset(spec, identity, legend), indent=1)
        sums = {name: sha256(content).hexdigest() for name, content in contents.items()}
        sums |= {name: digest_of(path) for name, path in tables.items()}
        for name, content in contents.items():
            _write(root, name, content)
        for name, path in tables.items():
            path.replace(root / name)
        gathering.write_sums(incoming / SUMS, sums)
    (incoming / SUMS).replace(root / SUMS)
    rmtree(incoming)


def _sheet(root: Path, shown: Sequence[int]) -> bytes:
    rows = [read_rows(root, index) for index in shown]
    files = [row for tables in rows for row in tables["files"]]
    severities = [row for tables in rows for row in tables["severities"]]
    return contact_sheet(root, files, severities)


def describe_dataset(spec: RecipeSpec, identity: Identity, legend: Legend) -> dict[str, Any]:
    """Return what `dataset.json` holds; where and by how many processes it was made stays out."""
    recipe = {key: value for key, value in spec.values().items() if key not in WHERE_AND_BY_WHAT}
    return {
        "schema_version": SCHEMA_VERSION,
        "name": spec.name,
        "recipe": recipe,
        **identity.values(),
        "frames": FRAMES,
        "kinds": {kind.name: kind.meaning for kind in ALL_KINDS.values()},
        "landmarks": list(legend.landmarks),
        "regions": {str(value): name for value, name in legend.regions.items()},
        "parts": {str(value): name for value, name in legend.parts.items()},
        "volume_labels": {str(value): name for value, name in legend.volume_labels.items()},
        "label_tables": list(legend.files),
        "pathologies": {name: dict(facts) for name, facts in legend.pathologies.items()},
        "assets": dict(legend.assets),
    }


def _is_unused(root: Path) -> bool:
    # A run killed in its first moment leaves .incoming alone.
    return root.is_dir() and all(path.name == INCOMING for path in root.iterdir())


def _check_samples(root: Path, n_samples: int, own: range) -> list[int]:
    names = [path.name for path in (root / SAMPLES).glob("[0-9]*")]
    present = sorted(int(name) for name in names if name.isdecimal() and len(name) < 18)
    require_room(str(root), present, n_samples)
    missing = set(own) - set(present)
    for index in present:
        if index in own and not is_whole(root, index):
            rmtree(root / SAMPLES / sample_name(index))
            missing.add(index)
    return sorted(missing)


def _stored_identity(root: Path) -> dict[str, Any] | None:
    for path in (root / INCOMING / RUN, root / DATASET):
        if path.is_file() and (found := read_identity(path.read_bytes())) is not None:
            return found
    return None


def read_identity(content: bytes) -> dict[str, Any] | None:
    """Return `Identity.values` from the content of `run.json` or `dataset.json`, None without."""
    try:
        values = json.loads(content)
        return {key: values[key] for key in ("fingerprint", "inputs", "versions")}
    except (ValueError, KeyError, TypeError):
        return None


def _write(root: Path, name: str, content: bytes) -> None:
    # Several machines may open one folder at once.
    partial = root / INCOMING / f"partial.{gethostname()}.{os.getpid()}"
    partial.write_bytes(content)
    partial.replace(root / name)
