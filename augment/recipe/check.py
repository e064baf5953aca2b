"""Reading plain values into the recipe's dataclasses, with every mistake found in one pass."""

from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from augment.recipe.severity import Severity, read_severity
from augment.untrusted import shown

Spec = TypeVar("Spec")

# What a value becomes after its mistake was noted; its key then keeps the default.
INVALID: Any = object()
MAX_MISTAKES = 20
LARGEST_NUMBER = 2**63 - 1
"""What the tables of a data set can hold."""
LONGEST_TEXT = 4096
MAX_KEY = 100


def read_spec(kind: type[Spec], values: Any, where: str, mistakes: list[str]) -> Spec:
    """Read a mapping into a dataclass and note every mistake instead of stopping at the first.

    Args:
        kind: Dataclass whose fields are the known keys.
        values: Mapping from key to plain value.
        where: Dotted key of this mapping, empty at the top.
        mistakes: Sentences are appended here, one for each mistake.

    Returns:
        An instance; of no use if a mistake was noted.
    """
    if not isinstance(values, dict):
        mistakes.append(f"{where or 'the recipe'} expects keys and values, got {values!r}")
        return kind()
    prefix = f"{where}." if where else ""
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    read = {}
    for key, value in values.items():
        if key not in known:
            mistakes.append(unknown_key(f"{prefix}{key}", [prefix + name for name in known]))
            continue
        entry = _read_value(hints[key], known[key], value, prefix + key, mistakes)
        if entry is not INVALID:
            read[key] = entry
    return kind(**read)


def joined(mistakes: list[str]) -> str:
    """Return mistakes as one message, of which no list in a file makes pages."""
    more = len(mistakes) - MAX_MISTAKES
    rest = [f"and {more} more mistakes"] if more > 0 else []
    return "; ".join([*mistakes[:MAX_MISTAKES], *rest])


def unknown_key(key: str, known: list[str]) -> str:
    """Return the sentence for a key that no recipe has, with the nearest known one."""
    if key.rpartition(".")[2].startswith("_"):
        return f"unknown key {shown(key)}: a recipe holds values and names no code; remove it"
    if len(key) > MAX_KEY:
        return f"unknown key {shown(key)}; `facies show RECIPE` lists the known ones"
    near = get_close_matches(key, known, n=1, cutoff=0.0)
    return f"unknown key {key!r}, the nearest known key is {near[0]!r}"


def known_keys(kind: type[Any], prefix: str = "") -> list[str]:
    """Return the dotted names of all keys of a recipe, those of nested mappings included."""
    keys = []
    hints = get_type_hints(kind)
    for item in fields(kind):
        keys.append(prefix + item.name)
        if is_dataclass(hints[item.name]) and hints[item.name] is not Severity:
            keys.extend(known_keys(hints[item.name], f"{prefix}{item.name}."))
    return keys


def default_of(item: Field[Any]) -> Any:
    """Return the default value of a dataclass field."""
    if item.default is not MISSING:
        return item.default
    if item.default_factory is not MISSING:
        return item.default_factory()
    raise TypeError(f"key {item.name!r} has no default; every key of a recipe needs one")


def _read_value(hint: Any, item: Field[Any], value: Any, key: str, mistakes: list[str]) -> Any:
    if get_origin(hint) is UnionType:
        if value is None:
            return None
        (hint,) = [kind for kind in get_args(hint) if kind is not NoneType]
    if hint is Severity:
        try:
            return read_severity(value)
        except ValueError as error:
            mistakes.append(f"{key}: {error}")
            return INVALID
    if is_dataclass(hint):
        return read_spec(hint, value, key, mistakes)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        return _read_tuple(get_args(hint), item, value, key, mistakes)
    return _read_scalar(hint, item, value, key, mistakes)


def _read_tuple(
    kinds: tuple[Any, ...], item: Field[Any], value: Any, key: str, mistakes: list[str]
) -> Any:
    if kinds == (float,) * 3:
        return _read_triple(item, value, key, mistakes)
    if not isinstance(value, list | tuple):
        mistakes.append(f"{key} expects a list, got {shown(value)}")
        return INVALID
    if kinds[1] is Ellipsis:
        entries = [
            _read_value(kinds[0], item, entry, f"{key}[{number}]", mistakes)
            for number, entry in enumerate(value)
        ]
        return INVALID if any(entry is INVALID for entry in entries) else tuple(entries)
    if len(value) != 2:
        mistakes.append(f"{key} expects [low, high], got {shown(value)}")
        return INVALID
    low, high = (_read_scalar(kinds[0], item, entry, key, mistakes) for entry in value)
    if low is INVALID or high is INVALID:
        return INVALID
    if low > high:
        mistakes.append(f"{key} expects [low, high] with low <= high, got {shown(value)}")
    return (low, high)


def _read_triple(item: Field[Any], value: Any, key: str, mistakes: list[str]) -> Any:
    """Read three numbers, or one that stands for all three."""
    values = value if isinstance(value, list | tuple) else [value] * 3
    if len(values) != 3:
        mistakes.append(f"{key} expects three numbers or one, got {shown(value)}")
        return INVALID
    # One number is one mistake, however often it stands.
    wrong: list[str] = []
    entries = tuple(_read_scalar(float, item, entry, key, wrong) for entry in values)
    mistakes.extend(dict.fromkeys(wrong))
    return INVALID if any(entry is INVALID for entry in entries) else entries


def _read_scalar(hint: Any, item: Field[Any], value: Any, key: str, mistakes: list[str]) -> Any:
    if hint is float and type(value) is int and abs(value) <= LARGEST_NUMBER:
        value = float(value)
    low, high = item.metadata["low"], item.metadata["high"]
    choices = item.metadata["choices"]
    fits = type(value) is hint
    if fits and choices:
        fits = value in choices
    if fits and hint in (int, float):
        # Not a number compares as False with every bound.
        fits = -LARGEST_NUMBER <= value <= LARGEST_NUMBER
        fits = fits and (low is None or value >= low) and (high is None or value <= high)
    if fits and hint is str:
        fits = len(value) <= LONGEST_TEXT and value.isprintable()
    if fits:
        return value
    mistakes.append(f"{key} expects {_expectation(hint, low, high, choices)}, got {shown(value)}")
    return INVALID


def _expectation(
    hint: Any, low: int | float | None, high: int | float | None, choices: tuple[str, ...]
) -> str:
    if choices:
        return f"one of {', '.join(choices)}"
    noun = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[hint]
    if low is not None and high is not None:
        return f"{noun} from {low:g} to {high:g}"
    return noun if low is None else f"{noun} of {low:g} or more"
