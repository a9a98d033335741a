"""Places to fetch from and to push to, in fsspec's own file systems and on real servers."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import fsspec
import pytest

from .servers import HOST, PATIENCE, free_port, running

ROOT = Path(__file__).parents[2]
KEYS = {"key": "user", "secret": "a-well-kept-secret"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder of a store, empty at first. server: its address, '' without one."""

    url: str
    server: str = ""

    @property
    def kind(self) -> str:
        return self.url.partition(":")[0]

    def write(self, **files: bytes) -> None:
        """Write files; two underscores in a name stand for a slash, and one for a dot."""
        for name, data in files.items():
            self.put(name.replace("__", "/").replace("_", "."), data)

    def put(self, name: str, data: bytes) -> None:
        system, path = fsspec.core.url_to_fs(self.url)
        if self.kind == "file":
            system.makedirs(f"{path}/{name}".rpartition("/")[0], exist_ok=True)
        system.pipe_file(f"{path}/{name}", data)

    def remove(self, name: str) -> None:
        system, path = fsspec.core.url_to_fs(self.url)
        system.rm_file(f"{path}/{name}")

    def files(self) -> dict[str, bytes]:
        system, path = fsspec.core.url_to_fs(self.url)
        system.invalidate_cache()
        return {name.removeprefix(f"{path}/"): system.cat_file(name) for name in system.find(path)}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(params=["memory", "file"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = f"/{secrets.token_hex(4)}/data" if request.param == "memory" else tmp_path_factory.mktemp("store") / "data"
    return Place(url=f"{request.param}://{folder}")


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _moto(tmp_path_factory, {})


@pytest.fixture(scope="session")
def strict_moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that looks at keys, and knows none."""
    yield from _moto(tmp_path_factory, {"INITIAL_NO_AUTH_ACTION_COUNT": "0"})


def _moto(factory: pytest.TempPathFactory, environment: Mapping[str, str]) -> Iterator[str]:
    program = _judge(".venv-moto/bin/moto_server")
    port = free_port()
    command = [program, "-H", HOST, "-p", str(port)]
    with running(command, port, factory.mktemp("moto") / "log", environment) as address:
        yield address


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = _judge(".venv-judges-bin/fake-gcs-server")
    port = free_port()
    here = f"{HOST}:{port}"
    command = [program, "-scheme", "http", "-host", HOST, "-port", str(port), "-backend", "memory"]
    command += ["-public-host", here, "-external-url", f"http://{here}"]
    with running(command, port, tmp_path_factory.mktemp("gcs") / "log") as address:
        yield address


def _judge(name: str) -> str:
    program = ROOT / name
    if not program.exists():
        pytest.skip(f"no {name}: type tests/judges/setup.sh, which says why if it cannot be made")
    return str(program)


@pytest.fixture(params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder in a new bucket of a real server."""
    server = request.getfixturevalue({"s3": "moto", "gs": "fake_gcs"}[request.param])
    connect(monkeypatch, request.param, server)
    name = f"edgekit-{secrets.token_hex(6)}"
    fsspec.filesystem(request.param).mkdir(name)
    return Place(url=f"{request.param}://{name}/data", server=server)


def options(kind: str, server: str) -> dict[str, str]:
    return {"endpoint_url": server} | (KEYS if kind == "s3" else {"token": "anon"})


def connect(monkeypatch: pytest.MonkeyPatch, kind: str, server: str) -> None:
    """Lead a scheme to a server, as fsspec's configuration does."""
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    monkeypatch.setitem(fsspec.config.conf, kind, options(kind, server))


def environment(kind: str, server: str) -> dict[str, str]:
    """The same for another process."""
    return {f"FSSPEC_{kind}_{name}".upper(): value for name, value in options(kind, server).items()}


def start(code: str, *arguments: object) -> list[str]:
    """A command line that runs Python code."""
    return [sys.executable, "-c", code, *map(str, arguments)]


def run(code: str, *arguments: object, env: Mapping[str, str]) -> str:
    """What Python code prints in a process of its own."""
    done = subprocess.run(
        start(code, *arguments), env=dict(env), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder by path, without edgekit's own."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".edgekit.")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def inodes(folder: Path) -> dict[str, int]:
    """What changes for a file that is written anew."""
    return {name: (folder / name).stat().st_ino for name in contents(folder)}
