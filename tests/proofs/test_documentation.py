"""docs/verify.md shows the limits that the code uses."""

from pathlib import Path

from edgekit.values.codec import to_data
from edgekit.values.recipe import recipes

PAGE = Path(__file__).parents[2] / "docs" / "verify.md"


def test_the_table_of_limits_is_that_of_the_recipes() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text("utf-8").splitlines()]
    names = next(row for row in rows if row[0] == "recipe" and "trained_recall" in row)[1:]
    table = rows[rows.index(["recipe", *names]) + 2 :][: len(recipes())]
    shown = {row[0]: dict(zip(names, map(float, row[1:]), strict=True)) for row in table}
    assert shown == {name: to_data(recipe.limits) for name, recipe in recipes().items()}
