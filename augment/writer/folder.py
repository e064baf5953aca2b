"""A data set folder from its first sample to its last file: open, resume, finish.

While samples are made, `.incoming/run.json` says which run they belong to. What is not yet whole
lies under `.incoming`; everything else is final. `SHA256SUMS` is written last.
"""

import json
import os
from collections.abc import Mapping
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
from augment.writer.contact_sheet import contact_sheet
from augment.writer.encode import encode_json
from augment.writer.kinds import ALL_KINDS
from augment.writer.sample_folder import (
    INCOMING,
    ROWS,
    SAMPLES,
    is_whole,
    read_rows,
    sample_name,
)
from augment.writer.tables import SCHEMAS, table_files

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
    stored = _stored_identity(root)
    if stored is not None and stored != identity.values():
        raise RecipeError(
            f"'{root}' holds samples of another recipe, input or version; choose another out, or"
            " delete the folder"
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
) -> None:
    """Write tables, contact sheet, card, `dataset.json` and checksums of a whole set of samples.

    Args:
        root: Folder of the data set, with every sample in place.
        spec: The recipe.
        identity: Identity of the run.
        legend: What the numbers stand for.
        extra: Further files of the whole data set, name to content.
    """
    tables = collect_tables(root, spec.samples)
    contents = {**table_files(tables), **(extra or {})}
    contents[SHEET] = contact_sheet(root, tables["files"], tables["severities"])
    contents[CARD] = dataset_card(spec.name, tables, legend)
    contents[DATASET] = encode_json(describe_dataset(spec, identity, legend), indent=1)
    sums = {name: sha256(content).hexdigest() for name, content in contents.items()}
    for row in tables["files"]:
        sums[row["path"]] = row["sha256"]
    for index in range(spec.samples):
        path = f"{SAMPLES}/{sample_name(index)}/{ROWS}"
        sums[path] = sha256((root / path).read_bytes()).hexdigest()
    for name, content in contents.items():
        _write(root, name, content)
    _write(root, SUMS, checksum_lines(sums))
    rmtree(root / INCOMING)


def collect_tables(root: Path, n_samples: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the three tables, gathered from the samples in order."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    for index in range(n_samples):
        for name, rows in read_rows(root, index).items():
            tables[name].extend(rows)
    return tables


def checksum_lines(sums: Mapping[str, str]) -> bytes:
    """Return the content of `SHA256SUMS`, which `sha256sum -c` reads.

    Args:
        sums: Path to SHA-256.

    Returns:
        One line a file, sorted by path.
    """
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items())).encode()


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
    if present and present[-1] >= n_samples:
        raise RecipeError(
            f"'{root}' already holds {present[-1] + 1} samples, got samples={n_samples}; ask for"
            " at least as many, or choose another out"
        )
    missing = set(own) - set(present)
    for index in present:
        if index in own and not is_whole(root, index):
            rmtree(root / SAMPLES / sample_name(index))
            missing.add(index)
    return sorted(missing)


def _stored_identity(root: Path) -> dict[str, Any] | None:
    for path in (root / INCOMING / RUN, root / DATASET):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return {key: values[key] for key in ("fingerprint", "inputs", "versions")}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _write(root: Path, name: str, content: bytes) -> None:
    # Several machines may open one folder at once.
    partial = root / INCOMING / f"partial.{gethostname()}.{os.getpid()}"
    partial.write_bytes(content)
    partial.replace(root / name)
