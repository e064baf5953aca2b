"""Composing a recipe with Hydra: shipped YAML, the user's own folder, overrides and sweeps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from augment.errors import RecipeError
from augment.recipe.check import joined, known_keys, read_spec, unknown_key
from augment.recipe.contradictions import contradictions
from augment.recipe.family import (
    RECIPES_PACKAGE,
    known_text,
    parse_override,
    reaching_out,
    yaml_texts,
)
from augment.recipe.plain_yaml import check_composed
from augment.recipe.schema import RecipeSpec
from augment.untrusted import short, shown

MAX_NAME = 200
MAX_REASON = 400
NOT_COMPOSED = (
    HydraException,
    OmegaConfBaseException,
    yaml.YAMLError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    AssertionError,
    RecursionError,
)
"""What Hydra raises about lists of defaults and keys that it does not expect."""


def recipe_names(config_dir: Path | None = None) -> dict[str, str]:
    """List the recipes at hand.

    Args:
        config_dir: The user's own folder of YAML files; its recipes hide shipped ones of the
            same name.

    Returns:
        Recipe name to the text of its YAML file, sorted by name.

    Raises:
        RecipeError: If config_dir is not a folder of YAML files with plain values.
    """
    return yaml_texts("", config_dir)


def recipe_text(name: str, config_dir: Path | None = None) -> str:
    """Return the YAML text of a recipe.

    Raises:
        RecipeError: If no recipe has this name; the message names the nearest one.
    """
    return known_text(name, recipe_names(config_dir), "recipe")


def compose_recipe(
    name: str,
    overrides: Sequence[str] = (),
    config_dir: Path | None = None,
    *,
    partial: bool = False,
) -> RecipeSpec:
    """Read a recipe, apply overrides and check everything.

    Args:
        name: Name of the recipe.
        overrides: `key=value` in Hydra's override grammar.
        config_dir: The user's own folder of YAML files.
        partial: Whether values that the recipe leaves to the user may be missing.

    Returns:
        The checked recipe; `out` is filled in.

    Raises:
        RecipeError: If anything is wrong; one message names every mistake.
    """
    recipe_text(name, config_dir)
    mistakes: list[str] = []
    changes = _parse(overrides)
    if config_dir is not None:
        chosen = [(change.key_or_group, change.value()) for change in changes]
        groups = [f"{key}/{value}"[:MAX_NAME] for key, value in chosen if isinstance(value, str)]
        check_composed(config_dir, [name, *groups])
    values = _compose_values(name, changes, config_dir, mistakes)
    if config_dir is not None:
        mistakes.extend(reaching_out(values, {change.key_or_group for change in changes}))
    spec = read_spec(RecipeSpec, {**values, "name": name}, "", mistakes)
    if not mistakes and not partial:
        mistakes.extend(contradictions(spec))
    if mistakes:
        raise RecipeError(f"recipe {name}: {joined(mistakes)}")
    return (
        spec if spec.out else read_spec(RecipeSpec, {**spec.values(), "out": f"out/{name}"}, "", [])
    )


def expand_sweeps(overrides: Sequence[str]) -> list[list[str]]:
    """Expand `key=a,b` into one list of overrides for each combination, as `--multirun` asks.

    Args:
        overrides: Overrides in Hydra's grammar, sweeps included.

    Returns:
        One list of plain overrides for each job, the last sweep varying fastest.

    Raises:
        RecipeError: If an override does not parse.
    """
    choices: list[list[str]] = []
    for text, override in zip(overrides, _parse(overrides, sweeps=True), strict=True):
        if override.is_sweep_override():
            key = override.get_key_element()
            choices.append([f"{key}={value}" for value in override.sweep_string_iterator()])
        else:
            choices.append([text])
    return [list(job) for job in product(*choices)]


def _parse(overrides: Sequence[str], sweeps: bool = False) -> list[Override]:
    parsed = []
    for text in overrides:
        override = parse_override(text)
        if not override.key_or_group:
            raise RecipeError(f"expected key=value, got {text!r} without a key")
        if override.is_sweep_override() and not sweeps:
            raise RecipeError(f"{text!r} asks for several runs; add --multirun to make them all")
        parsed.append(override)
    return parsed


def _compose_values(
    name: str, overrides: Sequence[Override], config_dir: Path | None, mistakes: list[str]
) -> dict[str, Any]:
    known = known_keys(RecipeSpec)
    try:
        with _search_path(name, config_dir) as accepted:
            for override in overrides:
                key = str(override.key_or_group)
                loader = GlobalHydra.instance().config_loader()
                if loader.get_group_options(key) or key.startswith("hydra."):
                    accepted.append(str(override.input_line))
                elif key in known:
                    # A known key may be absent from the YAML, which holds only what differs.
                    change = override.input_line if override.is_delete() else _force(override)
                    accepted.append(str(change))
                else:
                    mistakes.append(unknown_key(key, known))
            config = compose(name, accepted)
            values = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
    except NOT_COMPOSED as error:
        reason = str(getattr(error, "problem", None) or error)
        raise RecipeError(f"recipe {name}: {short(reason, MAX_REASON)}") from error
    if not isinstance(values, dict):
        raise RecipeError(f"recipe {name} expects keys and values, got {shown(values)}")
    return {str(key): value for key, value in values.items()}


@contextmanager
def _search_path(name: str, config_dir: Path | None) -> Iterator[list[str]]:
    # Hydra finds a primary file only in its first folder; the other one follows as an override.
    if config_dir is None:
        with initialize_config_module(config_module=RECIPES_PACKAGE, version_base="1.3"):
            yield []
    elif (config_dir / f"{name}.yaml").is_file():
        with initialize_config_dir(config_dir=str(config_dir.resolve()), version_base="1.3"):
            yield [f"hydra.searchpath=[pkg://{RECIPES_PACKAGE}]"]
    else:
        with initialize_config_module(config_module=RECIPES_PACKAGE, version_base="1.3"):
            yield [f"hydra.searchpath=['file://{config_dir.resolve()}']"]


def _force(override: Override) -> str:
    line = str(override.input_line).lstrip("+")
    return f"++{line}"
