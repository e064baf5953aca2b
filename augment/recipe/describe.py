"""Showing a recipe: all of its values with what each key means."""

from dataclasses import fields, is_dataclass
from typing import Any

from omegaconf import OmegaConf

from augment.recipe.schema import RecipeSpec


def describe_recipe(spec: RecipeSpec) -> str:
    """Return the resolved recipe as YAML, each key with its meaning and range beside it.

    Args:
        spec: A checked recipe.

    Returns:
        YAML text that reads back as the same recipe.
    """
    return "\n".join(_lines(spec, spec.values(), 0)) + "\n"


def _lines(spec: Any, values: dict[str, Any], indent: int) -> list[str]:
    lines = []
    pad = " " * indent
    for item in fields(spec):
        child = getattr(spec, item.name)
        if item.name == "name" and indent == 0:
            continue
        lines.append(f"{pad}# {_meaning(item.metadata)}")
        if is_dataclass(child) and isinstance(values[item.name], dict) and item.name != "severity":
            lines.append(f"{pad}{item.name}:")
            lines.extend(_lines(child, values[item.name], indent + 2))
        else:
            text = OmegaConf.to_yaml(OmegaConf.create({item.name: _plain(values[item.name])}))
            lines.extend(pad + line for line in text.rstrip().splitlines())
    return lines


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _meaning(metadata: Any) -> str:
    text = str(metadata["doc"])
    if metadata["choices"]:
        return f"{text} ({' | '.join(metadata['choices'])})"
    if metadata["low"] is not None and metadata["high"] is not None:
        return f"{text} ({metadata['low']:g} to {metadata['high']:g})"
    return text
