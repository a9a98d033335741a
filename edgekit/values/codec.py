"""Values to JSON-ready data and back, from their type hints alone.

A dataclass becomes an object, a tuple an array, a mapping an object, a path a string with forward slashes. Where a
field may be one of several dataclasses, each carries a class variable ``kind`` that is written first and chosen by.
Unknown keys are ignored when reading, so that an older edgekit reads what a newer one wrote.
"""

import dataclasses
import types
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_data(value: object) -> Any:
    """Return the JSON-ready form of a value: dict, list, str, int, float, bool or None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        data = {"kind": value.kind} if hasattr(value, "kind") else {}
        return data | {f.name: to_data(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_data(item) for item in value]
    if isinstance(value, PurePath):
        return value.as_posix()
    return value


def from_data(kind: type[T], data: Any) -> T:
    """Return the value of type ``kind`` that ``to_data`` wrote.

    Raises ValueError with the path of the first field that is missing or of the wrong type.
    """
    result: T = _read(kind, data, kind.__name__)
    return result


def _read(hint: Any, data: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _read_union(arguments, data, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _read_dataclass(hint, data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise ValueError(f"{where}: expected a list, got {data!r}")
        hints = [arguments[0]] * len(data) if len(arguments) == 2 and arguments[1] is Ellipsis else list(arguments)
        if len(hints) != len(data):
            raise ValueError(f"{where}: expected {len(hints)} items, got {len(data)}")
        return tuple(_read(h, item, f"{where}[{i}]") for i, (h, item) in enumerate(zip(hints, data, strict=True)))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(data, dict):
            raise ValueError(f"{where}: expected an object, got {data!r}")
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in data.items()}
    if isinstance(hint, type) and issubclass(hint, Path):
        return hint(data if isinstance(data, PurePath) else _read(str, data, where))
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        try:
            return float(data)
        except OverflowError:
            raise ValueError(f"{where}: the number is too large") from None
    if isinstance(hint, type) and (not isinstance(data, hint) or (hint is int and isinstance(data, bool))):
        raise ValueError(f"{where}: expected {hint.__name__}, got {data!r}")
    return data


def _read_union(hints: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in hints:
        return None
    choices = [hint for hint in hints if hint is not type(None)]
    if len(choices) == 1:
        return _read(choices[0], data, where)
    name = data.get("kind") if isinstance(data, dict) else None
    for choice in choices:
        if getattr(choice, "kind", None) == name:
            return _read(choice, data, where)
    names = ", ".join(str(getattr(choice, "kind", choice)) for choice in choices)
    raise ValueError(f"{where}.kind: expected one of {names}, got {name!r}")


def _read_dataclass(hint: type, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{where}: expected an object, got {data!r}")
    hints = get_type_hints(hint)
    fields = {}
    for field in dataclasses.fields(hint):
        if field.name in data:
            fields[field.name] = _read(hints[field.name], data[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}.{field.name}: missing")
    return hint(**fields)
