"""Recipes beside those of data sets, one family a kind: studies, trainings.

A family's YAML files lie in a folder of their own and hold values only. A family that has the key
`profile` may have `profiles` in a file: values that `profile=NAME` lays over the rest, for example
a larger network for a GPU.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any, Generic, TypeVar

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from augment.errors import RecipeError
from augment.recipe.check import joined, known_keys, read_spec, unknown_key
from augment.recipe.plain_yaml import plain_yaml_files
from augment.untrusted import shown

RECIPES_PACKAGE = "augment.recipes"
PROFILE, PROFILES = "profile", "profiles"

Spec = TypeVar("Spec")


def yaml_texts(folder: str, config_dir: Path | None) -> dict[str, str]:
    """List shipped YAML files and the user's own: name to text, sorted by name.

    Args:
        folder: Of the shipped files, below the recipes; empty for the recipes themselves.
        config_dir: The user's own folder of YAML files; they hide shipped ones of the same name.

    Raises:
        RecipeError: If config_dir is not a folder of YAML files with plain values.
    """
    found = {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in files(RECIPES_PACKAGE).joinpath(folder).iterdir()
        if entry.name.endswith(".yaml")
    }
    if config_dir is not None:
        found |= plain_yaml_files(config_dir)
    return dict(sorted(found.items()))


def known_text(name: str, texts: dict[str, str], noun: str) -> str:
    """Return the text of a name.

    Raises:
        RecipeError: If nothing has this name; the message names the nearest one.
    """
    if name not in texts:
        near = get_close_matches(name, list(texts), n=1, cutoff=0.0)
        hint = f", the nearest known {noun} is {near[0]!r}" if near else ""
        raise RecipeError(f"unknown {noun} {name!r}{hint}; `facies list` shows all of them")
    return texts[name]


def parse_override(text: str) -> Override:
    """Read `key=value` in Hydra's override grammar.

    Raises:
        RecipeError: If it does not parse.
    """
    try:
        return OverridesParser.create().parse_override(text)
    except HydraException as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(f"expected key=value, got {text!r}: {reason}") from error


def reaching_out(values: dict[str, Any], given: set[str]) -> list[str]:
    """Return one sentence for each key by which a file would reach out of where it is run.

    Recipes travel; what they write lies below the current folder, and whom they connect to is said
    on the command line.

    Args:
        values: Key to value of a file and of the command line.
        given: Keys of the command line.
    """
    found = []
    out = values.get("out")
    if isinstance(out, str) and "out" not in given:
        parts = PurePosixPath(out).parts
        if out.startswith(("/", "~")) or ".." in parts or "://" in out:
            found.append(
                f"out expects a folder below the current one in a recipe's file, got {shown(out)};"
                " give another one on the command line, out=DIR"
            )
    address = values.get("ray_address")
    if address is not None and "ray_address" not in given:
        found.append(
            f"ray_address expects to be given on the command line, got {shown(address)} in a"
            " recipe's file; remove it there"
        )
    return found


@dataclass(frozen=True)
class Family(Generic[Spec]):
    """Recipes of one kind.

    Attributes:
        kind: Dataclass whose fields are the known keys, `name` and `out` among them.
        folder: Of the shipped YAML files, below the recipes.
        noun: What a message calls one recipe of the family.
        plural: What a message calls several runs.
        contradictions: Sentences about values that do not go together.
    """

    kind: type[Spec]
    folder: str
    noun: str
    plural: str
    contradictions: Callable[[Spec], list[str]]

    def names(self, config_dir: Path | None = None) -> dict[str, str]:
        """List the recipes at hand; see `yaml_texts`."""
        return yaml_texts(self.folder, config_dir)

    def compose(
        self, name: str, overrides: Sequence[str] = (), config_dir: Path | None = None
    ) -> Spec:
        """Read a recipe, apply its profile and overrides, and check everything.

        Args:
            name: Name of the recipe.
            overrides: `key=value` in Hydra's override grammar.
            config_dir: The user's own folder of YAML files.

        Returns:
            The checked recipe; `out` is filled in.

        Raises:
            RecipeError: If anything is wrong; one message names every mistake.
        """
        text = known_text(name, self.names(config_dir), self.noun)
        mistakes: list[str] = []
        changes = self._changes(overrides, mistakes)
        values = self._values(name, text, changes)
        if config_dir is not None:
            mistakes.extend(reaching_out(values, set(changes)))
        spec = read_spec(self.kind, {"out": f"out/{name}", **values, "name": name}, "", mistakes)
        if not mistakes:
            mistakes.extend(self.contradictions(spec))
        if mistakes:
            raise RecipeError(f"{self.noun} {name}: {joined(mistakes)}")
        return spec

    def _changes(self, overrides: Sequence[str], mistakes: list[str]) -> dict[str, Any]:
        """Return dotted key to value of the overrides."""
        known, changes = known_keys(self.kind), {}
        for text in overrides:
            override = parse_override(text)
            key = str(override.key_or_group)
            if override.is_sweep_override():
                raise RecipeError(
                    f"{text!r} asks for several {self.plural}; write a list as {key}=[a,b], or run"
                    " them one after the other"
                )
            if key in known:
                changes[key] = override.value()
            else:
                mistakes.append(unknown_key(key, known))
        return changes

    def _values(self, name: str, text: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Return the file's values with its profile, then the changes, laid over them."""
        try:
            config: Any = OmegaConf.create(text)
            if not isinstance(config, DictConfig):
                raise RecipeError(f"{self.noun} {name} expects keys and values, got {shown(text)}")
            if PROFILE in known_keys(self.kind):
                profile = changes.get(PROFILE, config.get(PROFILE, "cpu"))
                config = OmegaConf.merge(config, config.pop(PROFILES, {}).get(profile, {}))
            for key, value in changes.items():
                # Forced, because a file holds only what differs from the defaults.
                OmegaConf.update(config, key, value, merge=False, force_add=True)
            values = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
        except (OmegaConfBaseException, YAMLError, AttributeError) as error:
            raise RecipeError(f"{self.noun} {name}: {' '.join(str(error).split())}") from error
        return {str(key): value for key, value in values.items()}  # type: ignore[union-attr]
