"""The same on real servers, S3 and Google Cloud Storage, and what they do when something is wrong."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from edgekit.errors import StorageError
from edgekit.remote import Mirror, download, fetch, store

from .conftest import KEYS, Place, connect, contents, environment, inodes, run, start
from .servers import PATIENCE, Gate, answering, free_port
from .test_download import FULL_DISK

pytestmark = pytest.mark.slow

PUSH = """
import sys
from pathlib import Path
from edgekit.remote import Mirror
Mirror(url=sys.argv[1], folder=Path(sys.argv[2])).push(sys.argv[3:])
"""


def test_a_folder_there_and_back(bucket: Place, tmp_path: Path) -> None:
    files = {"state.npz": secrets.token_bytes(300_000), "board/train/events": b"e", "board/empty": b""}
    first, second = Mirror(url=bucket.url, folder=tmp_path / "1"), Mirror(url=bucket.url, folder=tmp_path / "2")
    first.pull()
    for name, data in files.items():
        (first.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (first.folder / name).write_bytes(data)
    first.push(["board", "state.npz"])
    assert bucket.files() == files
    second.pull()
    assert contents(second.folder) == files
    first.drop(["state.npz", "absent"])
    assert bucket.files().keys() == files.keys() - {"state.npz"}


def test_another_process_finds_the_server_through_its_environment(bucket: Place, tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"1")
    run(PUSH, bucket.url, tmp_path, "state", env=os.environ | environment(bucket.kind, bucket.server))
    assert bucket.files() == {"state": b"1"}


def test_only_what_has_changed_is_fetched_anew(bucket: Place, tmp_path: Path) -> None:
    bucket.write(a_xml=b"<a/>", deep__b_jpg=b"b", gone=b"g", deep__t_rec=b"r")
    fetch(bucket.url, tmp_path)
    before = inodes(tmp_path)
    fetch(bucket.url, tmp_path)
    assert inodes(tmp_path) == before
    bucket.write(a_xml=b"<c/>")
    bucket.remove("gone")
    fetch(bucket.url, tmp_path)
    assert contents(tmp_path) == {"a.xml": b"<c/>", "deep/b.jpg": b"b", "deep/t.rec": b"r"}
    assert {name for name, inode in inodes(tmp_path).items() if inode != before[name]} == {"a.xml"}
    assert fetch(f"{bucket.url}/*/*.rec", tmp_path / "rec") == tmp_path / "rec" / "*" / "*.rec"
    assert contents(tmp_path / "rec") == {"deep/t.rec": b"r"}
    assert fetch(f"{bucket.url}/a.xml", tmp_path / "one").read_bytes() == b"<c/>"


def test_more_files_than_fit_in_a_batch(bucket: Place, tmp_path: Path) -> None:
    files = {f"{number % 7}/{number}": str(number).encode() for number in range(download.BATCH * 2 + 5)}
    for name, data in files.items():
        bucket.put(name, data)
    fetch(bucket.url, tmp_path)
    assert contents(tmp_path) == files


def test_objects_that_show_folders_are_no_files(bucket: Place, tmp_path: Path) -> None:
    bucket.put("deep/", b"")
    bucket.put("deep/a", b"a")
    fetch(bucket.url, tmp_path)
    assert contents(tmp_path) == {"deep/a": b"a"}


@pytest.mark.parametrize("name", ["../../evil", "deep//a"])
def test_names_that_would_leave_the_folder(bucket: Place, tmp_path: Path, name: str) -> None:
    bucket.put("a", b"a")
    bucket.put(name, b"evil")
    with pytest.raises(StorageError, match="has no place in a local folder"):
        fetch(bucket.url, tmp_path / "deep" / "here")
    assert not list(tmp_path.rglob("*"))


def test_a_name_that_is_a_file_and_a_folder(bucket: Place, tmp_path: Path) -> None:
    bucket.put("deep/a", b"a")
    bucket.put("deep", b"d")
    with pytest.raises(StorageError, match="has a file 'deep' and a folder of that name, with 'deep/a' in it"):
        fetch(bucket.url, tmp_path)


def test_a_killed_push_leaves_the_old_checkpoint(bucket: Place, tmp_path: Path) -> None:
    mirror = Mirror(url=bucket.url, folder=tmp_path / "run")
    mirror.folder.mkdir()
    old = {"state": secrets.token_bytes(4_000_000), "manifest": b"old"}
    for name, data in old.items():
        (mirror.folder / name).write_bytes(data)
    mirror.push(list(old))
    (mirror.folder / "state").write_bytes(secrets.token_bytes(4_000_000))
    (mirror.folder / "manifest").write_bytes(b"new")
    with Gate(bucket.server, limit=1_000_000, upload=True, cut=False) as gate:
        env = os.environ | environment(bucket.kind, gate.address)
        with subprocess.Popen(start(PUSH, bucket.url, mirror.folder, *old), env=env) as run:
            assert gate.full.wait(PATIENCE)
            run.kill()
        assert run.returncode == -signal.SIGKILL
    again = Mirror(url=bucket.url, folder=tmp_path / "again")
    again.pull()
    assert contents(again.folder) == old


def test_a_server_that_goes_in_the_middle(bucket: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {str(number): secrets.token_bytes(500_000) for number in range(6)}
    for name, data in files.items():
        bucket.put(name, data)
    monkeypatch.setattr(download, "BATCH", 2)
    monkeypatch.setattr(store, "LIMIT", 15)
    with Gate(bucket.server, limit=1_700_000, upload=False, cut=True) as gate:
        connect(monkeypatch, bucket.kind, gate.address)
        with pytest.raises(StorageError, match=r"cannot be reached|does not answer") as caught:
            fetch(bucket.url, tmp_path)
        assert gate.full.is_set()
    assert bucket.url in caught.value.what
    here = contents(tmp_path)
    assert len(here) == 2
    assert here.items() <= files.items()
    before = inodes(tmp_path)
    connect(monkeypatch, bucket.kind, bucket.server)
    fetch(bucket.url, tmp_path)
    assert contents(tmp_path) == files
    assert before.items() <= inodes(tmp_path).items()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit to files that Linux has")
def test_a_full_disk(bucket: Place, tmp_path: Path) -> None:
    bucket.write(a=b"a" * 50_000, b=b"b" * 200_000)
    said = run(FULL_DISK, bucket.url, tmp_path / "here", env=os.environ | environment(bucket.kind, bucket.server))
    assert said.startswith(f"{tmp_path / 'here'} cannot be written: File too large.\nFree some space")
    assert contents(tmp_path / "here") == {"a": b"a" * 50_000}


ATTEMPTS: dict[str, Callable[[str, Path], object]] = {
    "fetch": lambda url, folder: fetch(url, folder),
    "fetch a pattern": lambda url, folder: fetch(f"{url}/*.rec", folder),
    "pull": lambda url, folder: Mirror(url=url, folder=folder).pull(),
    "push": lambda url, folder: Mirror(url=url, folder=folder).push(["state"]),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_bucket_that_is_not_there(bucket: Place, tmp_path: Path, attempt: str) -> None:
    (tmp_path / "state").write_bytes(b"1")
    with pytest.raises(StorageError, match=r"^There is no bucket 'edgekit-none' for ") as caught:
        ATTEMPTS[attempt](f"{bucket.kind}://edgekit-none/data", tmp_path)
    assert "make the bucket" in caught.value.fix
    assert not fsspec.filesystem(bucket.kind).exists("edgekit-none")


def test_nothing_in_the_bucket(bucket: Place, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"^There is nothing at {bucket.url}"):
        fetch(bucket.url, tmp_path)
    Mirror(url=bucket.url, folder=tmp_path / "here").pull()
    assert not contents(tmp_path)


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_keys_that_the_store_does_not_know(
    strict_moto: str, tmp_path: Path, attempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, "s3", strict_moto)
    (tmp_path / "state").write_bytes(b"1")
    with pytest.raises(StorageError, match=r"^The store refuses access to s3://edgekit/data") as caught:
        ATTEMPTS[attempt]("s3://edgekit/data", tmp_path)
    assert "aws configure" in caught.value.fix
    assert not any(word in str(caught.value) for word in KEYS.values())


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize(("status", "words"), [(401, "refuses access to "), (403, "refuses access to ")])
@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_store_that_refuses(
    tmp_path: Path, kind: str, status: int, words: str, attempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_bytes(b"1")
    with answering(status) as server:
        connect(monkeypatch, kind, server)
        with pytest.raises(StorageError, match=words):
            ATTEMPTS[attempt](f"{kind}://edgekit/data", tmp_path)


def test_a_store_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(500) as server:
        connect(monkeypatch, "s3", server)
        with pytest.raises(StorageError, match=r"^The store of s3://edgekit/data fails at present"):
            fetch("s3://edgekit/data", tmp_path)


NO_KEYS = """
import sys
from pathlib import Path
from edgekit.errors import StorageError
from edgekit.remote import fetch
try:
    fetch("s3://edgekit/data", Path(sys.argv[1]))
except StorageError as error:
    print(error)
"""


def test_no_keys_at_all(moto: str, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FSSPEC_"))}
    env |= {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", "FSSPEC_S3_ENDPOINT_URL": moto}
    said = run(NO_KEYS, tmp_path / "here", env=env).splitlines()
    assert said[0] == "There are no credentials for s3://edgekit/data."
    assert said[2].startswith("Run 'aws configure'")


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_no_server(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, kind, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StorageError, match=f"^{kind}://edgekit/data cannot be reached") as caught:
        fetch(f"{kind}://edgekit/data", tmp_path)
    assert "Check the connection" in caught.value.fix


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_server_that_never_answers(tmp_path: Path, kind: str, attempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIMIT", 2)
    (tmp_path / "state").write_bytes(b"1")
    with answering(0) as server:
        connect(monkeypatch, kind, server)
        with pytest.raises(StorageError, match=f"^{kind}://edgekit/data.* does not answer"):
            ATTEMPTS[attempt](f"{kind}://edgekit/data", tmp_path)
