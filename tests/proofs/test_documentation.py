"""docs/verify.md shows the limits that the code uses."""

from pathlib import Path

from edgekit.values.codec import to_data
from edgekit.values.recipe import recipes

PAGE = Path(__file__).parents[2] / "docs" / "verify.md"


def test_the_table_of_limits_is_that_of_the_recipes() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text("utf-8").splitlines()]
    names = next(row for row in rows if row[0] == "recipe" and "trained_recall" in row)[1:]
    wanted = {name: recipe.limits for name, recipe in recipes().items()}
    wanted |= {f"{name}, rounded": recipe.rounded for name, recipe in recipes().items() if recipe.rounded}
    emulated = [recipe.emulated for recipe in recipes().values() if recipe.emulated]
    assert emulated == [emulated[0]] * len([name for name in recipes() if name.startswith("tfjs-")])
    wanted["tfjs, emulated"] = emulated[0]
    table = rows[rows.index(["recipe", *names]) + 2 :][: len(wanted)]
    shown = {row[0]: dict(zip(names, map(float, row[1:]), strict=True)) for row in table}
    assert shown == {name: to_data(limits) for name, limits in wanted.items()}
