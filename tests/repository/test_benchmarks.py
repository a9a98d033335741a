"""The benchmarks can be run: their modules import, and their table says what was held."""

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks import bars, feeding, finishing, launches, official, pages, processes, subjects, suites, tfjs
from edgekit.formats.graphdef import proto
from edgekit.stats.paired import ratio

BENCHMARKS = Path(bars.__file__).parent
# Leaves a process behind that nobody waits for, as a browser does that is ended
LEAVES = """
import subprocess, sys
burn = "import time\\nwhile time.process_time() < {cpu}: pass"
subprocess.Popen([sys.executable, "-c", burn])
"""


def test_modules_hang_together() -> None:
    assert set(suites.SUITES) == {"start", "convert", "finish", "latency", "tfjs", "shelf", "train", "memory"}
    assert callable(subjects.subject)
    assert callable(finishing.finish_model)
    assert callable(feeding.spent)
    assert callable(pages.invoked)
    assert processes.python("pass")[-1] == "pass"


def test_every_suite_is_described() -> None:
    described = re.findall(r"^\| `(\w+)` \|", (BENCHMARKS / "README.md").read_text("utf-8"), re.MULTILINE)
    assert described == list(suites.SUITES)


def test_a_missed_bar_is_said() -> None:
    slow = bars.Bar("a", "b", 1.5, ratio([(2.0, 1.0)] * 5))
    held = bars.Bar("a", "b", 2.0, ratio([(2.0, 1.0)] * 5), aim=1)
    assert [bar.held for bar in (slow, held)] == [False, True]
    assert "**missed**" in bars.row(slow)
    assert "missed" not in bars.row(held)


def test_what_has_no_bar_is_reported() -> None:
    free = bars.Bar("a", "b", None, ratio([(2.0, 1.0)] * 5))
    assert free.held
    assert bars.row(free) == "| a | b | 2.00 | 2.00 (97%) |  |  | 5 | reported |"


def test_every_row_has_the_columns_of_the_header() -> None:
    rows = [
        bars.row(bars.Bar("a", "b", 1.5, ratio([(2.0, 1.0)] * 5))),
        bars.row(bars.Unmeasured("a", "b", "no page.\nType: make web")),
    ]
    assert {row.count("|") for row in rows} == {bars.HEADER.splitlines()[0].count("|")}
    assert rows[1].endswith("not measured: no page. Type: make web |")


def test_cpu_time_includes_what_a_command_leaves_running(tmp_path: Path) -> None:
    assert processes.cost(processes.python(LEAVES.format(cpu=0.4)), tmp_path).cpu >= 0.4


def test_a_command_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such luck"):
        processes.cost(processes.python("raise SystemExit('no such luck')"), tmp_path)


def test_a_folder_is_fresh_each_time(tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure = processes.fresh(processes.python("import os; os.mkdir('out')"), out, tmp_path)
    measure()
    measure()  # mkdir fails where the folder is
    assert out.is_dir()


def test_sides_are_swapped_in_pairs_and_launches() -> None:
    """A side that costs twice as much, and whoever is first costs more: the order falls out of the ratio."""
    order: list[int] = []

    def launch(first: Path, second: Path) -> launches.Pairs:
        order.clear()

        def run(side: int, pair: int) -> float:
            order.append(side)
            return (2.0 if (first, second)[side].name == "a" else 1.0) * (1.1 if side == 0 else 1.0)

        return launches.in_turn(run)

    found = launches.launched(launch, Path("a"), Path("b"), launches=6)
    assert order[:4] == [0, 1, 1, 0]
    assert found.launches == 6
    assert found.median == pytest.approx(2.0, rel=0.01)
    assert launch(Path("a"), Path("b")).shape == (launches.RUNS, 2)


def test_the_shelf_without_fake_quants_is_the_same_network(tmp_path: Path) -> None:
    from edgekit import shelf

    plain = proto.read(subjects.without_fake_quants(tmp_path).read_bytes())
    trained = proto.read(shelf.GRAPH.read_bytes())

    def kernels(graph: proto.GraphDef) -> list[tuple[int, ...]]:
        constants = [proto.constant(node) for node in graph.node if node.op == "Const"]
        return sorted(value.shape for value in constants if value.ndim == 4)

    assert not [node for node in plain.node if "FakeQuant" in node.op]
    assert kernels(plain) == kernels(trained)
    bare, side = subjects.without_postprocessing(shelf.GRAPH, tmp_path)
    assert (side, "TFLite_Detection_PostProcess" in bare.read_bytes().decode("latin-1")) == (192, False)


def test_the_official_converter_is_locked() -> None:
    """Every requirement by one version and its digests, and from nowhere in particular."""
    lock = (official.HERE / "converter.txt").read_text("utf-8")
    wanted = re.findall(r"^([\w-]+==[\w.]+)$", (official.HERE / "converter.in").read_text("utf-8"), re.MULTILINE)
    assert len(wanted) == 7
    assert all(f"{name} \\\n    --hash=sha256:" in lock for name in wanted)
    assert "://" not in lock


def test_without_python_the_official_converter_is_skipped_with_a_word(tmp_path: Path) -> None:
    script = tmp_path / "benchmarks" / "official" / "setup.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes((official.HERE / "setup.sh").read_bytes())
    (tmp_path / "bin").mkdir()
    for name in ("dirname", "cmp"):
        found = subprocess.run(["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True)
        (tmp_path / "bin" / name).symlink_to(found.stdout.strip())
    ended = subprocess.run(
        ["/bin/sh", str(script)], env={"PATH": str(tmp_path / "bin")}, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (6, "python3.11 with venv is not installed\n")


def test_both_converters_get_the_same_graph(tmp_path: Path) -> None:
    contest = tfjs.Contest(
        name="a", ours=tmp_path / "a.pb", theirs=tmp_path / "a.pb", outputs="x,y", options=("--raw",)
    )
    assert {str(tmp_path / "a.pb")} <= {*contest.by_us(tmp_path)} & {*contest.by_them(tmp_path)}
    assert "x,y" in contest.by_them(tmp_path)
