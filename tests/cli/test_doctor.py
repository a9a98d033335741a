import json
import re
import tomllib
from pathlib import Path

import pytest

from edgekit.cli import main
from edgekit.runtimes import packages, tfjs
from edgekit.stories import doctor

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["doctor", *words])
    return int(end.value.code or 0)


def test_it_knows_every_dependency_and_extra() -> None:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    core = {re.split(r"[><=]", entry)[0] for entry in project["dependencies"]}
    assert core == {distribution(name) for name in doctor.CORE}
    own = {extra: needs for extra, needs in project["optional-dependencies"].items() if extra != "all"}
    assert doctor.EXTRAS.keys() == own.keys()
    for extra, (names, _) in doctor.EXTRAS.items():
        needs = {re.split(r"[><=]", entry)[0] for entry in own[extra] if not entry.startswith("edgekit")}
        assert needs == {distribution(name) for name in names}


def distribution(package: str) -> str:
    return packages.DISTRIBUTIONS.get(package, (package,))[0].replace("_", "-")


def test_everything_that_runs_these_tests_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert "ok       numpy" in capsys.readouterr().out


def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {package["name"] for package in found["packages"]} >= set(doctor.CORE)
    assert [tool["name"] for tool in found["tools"]] == ["browser", "TensorFlow.js page"]


def test_what_is_missing_comes_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(doctor.EXTRAS, "video", (("a_package_that_is_not_there",), "detect in video files"))
    monkeypatch.setattr(doctor, "CORE", ("not.there",))
    assert run() == 6
    output = capsys.readouterr()
    assert "missing  a_package_that_is_not_there: would detect in video files" in output.out
    assert "type: pip install 'edgekit[video]'" in output.out
    assert "not.there missing" in output.err


def test_a_browser_and_the_page_for_it_are_looked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    program = tmp_path / "browser"
    program.touch(0o755)
    monkeypatch.setattr(tfjs, "APP", tmp_path)
    for name, expected in (
        (program, f"ok       browser, {program}: "),
        ("not-there", "There is no browser not-there."),
    ):
        monkeypatch.setenv("EDGEKIT_CHROMIUM", str(name))
        assert run() == 0
        output = capsys.readouterr().out
        assert expected in output
        assert "missing  TensorFlow.js page: would run TensorFlow.js models\n           type: make web" in output
