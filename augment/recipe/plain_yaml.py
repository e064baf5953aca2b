"""YAML of strangers: plain values and nothing else, looked at before any other reader sees it.

Refused are tags (which could name code), anchors and aliases (of which a few lines can stand for
gigabytes), `${…}` (which could read the environment) and files far larger than a recipe.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from augment.errors import AssetError, RecipeError
from augment.untrusted import read_bounded, short, shown

MAX_YAML_BYTES = 64_000
MAX_DEPTH = 32
MAX_FILES = 500
# A file system takes 255.
MAX_NAME_BYTES = 200


def read_plain_yaml(path: Path) -> str:
    """Return the text of a YAML file that holds plain values.

    Args:
        path: The file.

    Raises:
        RecipeError: If it is missing, no plain file, no YAML, or holds more than plain values.
    """
    try:
        text = read_bounded(path, "a YAML file", MAX_YAML_BYTES).decode("utf-8")
    except AssetError as error:
        raise RecipeError(str(error)) from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"expected text in UTF-8 in '{path}', got {shown(error)}") from error
    _check_plain(text, path)
    return text


def plain_yaml_files(folder: Path) -> dict[str, str]:
    """Return the YAML files right in a user's folder: name without suffix to text.

    Raises:
        RecipeError: If it is no folder, or a file holds more than plain values.
    """
    if not folder.is_dir():
        raise RecipeError(f"--config-dir expects a folder of YAML files, got '{folder}'")
    paths = sorted(folder.glob("*.yaml"))
    if len(paths) > MAX_FILES:
        raise RecipeError(
            f"--config-dir expects a folder of at most {MAX_FILES} YAML files, got {len(paths)} in"
            f" '{folder}'; name a folder of recipes"
        )
    return {path.stem: read_plain_yaml(path) for path in paths}


def check_composed(folder: Path, names: Sequence[str]) -> None:
    """Look at every YAML file of a user's folder from which Hydra would compose.

    Args:
        folder: The user's folder.
        names: Files without their suffix, relative to it: the recipe and chosen groups.

    Raises:
        RecipeError: If one holds more than plain values, settings of Hydra, or leads elsewhere.
    """
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        path = folder / f"{name}.yaml"
        if name in seen or not path.exists():
            continue
        seen.add(name)
        values = yaml.safe_load(read_plain_yaml(path))
        if values is None:
            continue
        if not isinstance(values, dict):
            raise RecipeError(
                f"'{path}' expects keys and values, got {shown(values)}; `facies show face_demo`"
                " prints a recipe"
            )
        if "hydra" in values:
            raise RecipeError(
                f"'{path}' expects keys of a recipe, got the key 'hydra', settings of the program"
                " that reads it; remove it"
            )
        for entry in _defaults(values.get("defaults"), path):
            # Relative to this file, or to the folder.
            waiting += [str(PurePosixPath(name).parent / entry), entry]


def _defaults(values: Any, path: Path) -> list[str]:
    """Return the files that a list of defaults names, without their suffix."""
    found = []
    for entry in values if isinstance(values, list) else []:
        groups = entry.items() if isinstance(entry, dict) else [("", entry)]
        for group, chosen in groups:
            if not isinstance(group, str):
                raise RecipeError(
                    f"defaults of '{path}' expect names of groups, got {shown(group)}; write a name"
                )
            for option in chosen if isinstance(chosen, list) else [chosen]:
                words = f"{group}/{option}".replace("optional ", "").replace("override ", "")
                name = words.split("@")[0].strip("/").removesuffix(".yaml")
                if len(name.encode()) > MAX_NAME_BYTES:
                    raise RecipeError(
                        f"defaults of '{path}' expect names of at most {MAX_NAME_BYTES}"
                        f" bytes, got {shown(option)}; shorten it"
                    )
                if ".." in PurePosixPath(name).parts:
                    raise RecipeError(
                        f"defaults of '{path}' expect names of recipes beside it, got"
                        f" {shown(option)}; copy that file there"
                    )
                found.append(name)
                found.append(f"{group.split('@')[0].split()[-1]}/{option}" if group else name)
    return found


def _check_plain(text: str, path: Path) -> None:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise RecipeError(
                    f"expected at most {MAX_DEPTH} levels in '{path}', got more; write it flatter"
                )
            _check_event(event, path)
        # What the events do not show: a date that is none, a key that cannot be one.
        for key in _keys([yaml.safe_load(text)]):
            if not isinstance(key, str | int | float):
                raise RecipeError(f"expected names as keys in '{path}', got {key}; write a name")
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        problem = getattr(error, "problem", None) or error
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise RecipeError(
            f"expected YAML in '{path}', got {short(str(problem))}{where}; correct it"
        ) from error


def _keys(value: Any) -> Iterator[Any]:
    """Yield the keys of all mappings."""
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            yield from _keys(part)
    yield from value if isinstance(value, dict) else ()


def _check_event(event: Any, path: Path) -> None:
    line = event.start_mark.line + 1
    if getattr(event, "tag", None) not in (None, "!"):
        raise RecipeError(
            f"expected plain values in '{path}', got the tag {shown(event.tag)} in line"
            f" {line}; a recipe names no code, write the value alone"
        )
    if getattr(event, "anchor", None) is not None:
        raise RecipeError(
            f"expected plain values in '{path}', got the anchor or alias"
            f" {shown(event.anchor)} in line {line}; write the values out"
        )
    if "${" in str(getattr(event, "value", "")):
        raise RecipeError(
            f"expected plain values in '{path}', got {shown(event.value)} in line {line};"
            " write the value itself, without ${…}"
        )
