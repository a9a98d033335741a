"""How single outcomes make one."""

import pytest

from edgekit.values.checks import overall


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], "pass"),
        (["pass", "pass"], "pass"),
        (["pass", "unsure"], "unsure"),
        (["unsure", "fail", "pass"], "fail"),
    ],
)
def test_the_worst_decides(outcomes: list[str], expected: str) -> None:
    assert overall(outcomes) == expected
