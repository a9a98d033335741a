"""Imports go down only: the floors of docs/architecture.md, read from the sources."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "edgekit"
FLOORS = {
    "values": 0,
    "errors": 0,
    "_version": 0,
    "formats": 1,
    "vision": 1,
    "stats": 1,
    "system": 1,
    "remote": 1,
    "browser": 1,
    "shelf": 1,
    "runtimes": 2,
    "sources": 3,
    "targets": 3,
    "proofs": 3,
    "datasets": 3,
    "training": 3,
    "stories": 4,
    "report": 4,
    "cli": 5,
}
VERBS = {room for room, floor in FLOORS.items() if floor == 3}
HEAVY = {"tensorflow", "ai_edge_litert", "cv2", "yaml", "fsspec", "s3fs", "gcsfs", "google_crc32c", "playwright"}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in FLOORS)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> list[tuple[str, bool]]:
    """Absolute names that a module imports, and whether at module level."""
    package = ["edgekit", *path.relative_to(PACKAGE).parts[:-1]]
    tree = ast.parse(path.read_text("utf-8"))
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [module] if node.module else [f"{module}.{alias.name}" for alias in node.names]
            found += [(name, id(node) in top) for name in names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    room = room_of(path)
    for name, _ in imported(path):
        if not name.startswith("edgekit."):
            continue
        other = name.split(".")[1]
        assert FLOORS[other] <= FLOORS[room], f"{room} imports {name}, which stands above it"
        assert room == other or not {room, other} <= VERBS, f"the verbs {room} and {other} must not know each other"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_where_used(path: Path) -> None:
    at_top = [name for name, top in imported(path) if top and name.split(".")[0] in HEAVY]
    assert not at_top, f"{', '.join(at_top)} must be imported inside the function that needs it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_tensorflow_lives_in_its_worker(path: Path) -> None:
    inside = {"runtimes/tensorflow", "targets"}
    where = path.relative_to(PACKAGE).as_posix()
    uses = any(name.split(".")[0] == "tensorflow" for name, _ in imported(path))
    assert not uses or any(where.startswith(folder) for folder in inside)
