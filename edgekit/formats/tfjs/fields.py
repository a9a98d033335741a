"""Parts of JSON data by their kind; ValueError says what was expected, and what was there in a few characters."""

from typing import Any

from ..labels import shown


def an_object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong(where, "an object", value)
    return value


def a_list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise wrong(where, "a list", value)
    return value


def a_text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise wrong(where, "a text", value)
    return value


def an_integer(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise wrong(where, "an integer", value)
    return value


def a_number(value: Any, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) >= 2**1023:
        raise wrong(where, "a finite number", value)
    return float(value)


def wrong(where: str, expected: str, got: Any) -> ValueError:
    return ValueError(f"{where}: expected {expected}, got {shown(got)}")
