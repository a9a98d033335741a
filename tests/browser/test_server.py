"""The server of a page: what it gives, to whom, and what it takes."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.browser.server import Server, local_server
from edgekit.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files to serve, and one beside them that is nobody's business."""
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "served"
    (folder / "deep").mkdir(parents=True)
    (folder / "out").symlink_to(tmp_path)
    for name in ("index.html", "main.js", "model.json", "core.wasm", "deep/group1-shard1of1.bin", "a b+%.txt"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def server() -> Iterator[Server]:
    with local_server() as running:
        yield running


def ask(server: Server, address: str, method: str = "GET", body: bytes | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(server.origin.removeprefix("http://"), timeout=10)
    connection.putrequest(method, address, skip_host=True)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    return connection.getresponse()


@pytest.mark.parametrize(
    ("name", "file", "kind"),
    [
        ("index.html", "index.html", "text/html; charset=utf-8"),
        ("index.html?threads=2", "index.html", "text/html; charset=utf-8"),
        ("main.js", "main.js", "text/javascript"),
        ("model.json", "model.json", "application/json"),
        ("core.wasm", "core.wasm", "application/wasm"),
        ("deep/group1-shard1of1.bin", "deep/group1-shard1of1.bin", "application/octet-stream"),
        ("deep/../main.js", "main.js", "text/javascript"),
        ("a%20b+%25.txt", "a b+%.txt", "application/octet-stream"),
    ],
)
def test_files_come_with_their_type_and_for_this_page_alone(
    server: Server, folder: Path, name: str, file: str, kind: str
) -> None:
    answer = ask(server, f"{server.serve(folder)}/{name}")
    assert answer.status == 200
    assert answer.read() == file.encode()
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "deep",
        "absent.json",
        "../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "deep/../../secret.txt",
        "out/secret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "main.js%00.json",
    ],
)
def test_nothing_else_comes(server: Server, folder: Path, name: str) -> None:
    answer = ask(server, f"{server.serve(folder)}/{name}")
    assert (answer.status, answer.read()) == (404, b"")


@pytest.mark.parametrize("address", ["/", "/main.js", "/0/main.js", "/{guess}/0/main.js", "{served}x/main.js"])
def test_addresses_must_be_known(server: Server, folder: Path, address: str) -> None:
    served = server.serve(folder)
    with pytest.raises(UsageError, match="Nothing is served"):
        server.find(address.format(served=served, guess="A" * 22))


def test_no_two_servers_have_the_same_addresses(server: Server, folder: Path) -> None:
    with local_server() as other:
        assert other.serve(folder) != server.serve(folder)


def test_bytes_go_there_and_others_come_back(server: Server) -> None:
    address = server.lend(b"there")
    assert ask(server, address).read() == b"there"
    assert ask(server, address).status == 404
    assert ask(server, address, "POST", b"back").status == 200
    assert (server.take(address), server.take(address)) == (b"back", b"")


def test_bytes_from_others_are_not_kept(server: Server) -> None:
    ask(server, "/guessed", "POST", b"theirs")
    assert server.take("/guessed") == b""


def test_messages_name_folders(server: Server, folder: Path) -> None:
    addresses = [server.serve(folder / name) for name in ("", *(f"deep{number}" for number in range(12)))]
    text = f"Cannot fetch {server.origin}{addresses[0]}/model.json or {addresses[10]}/x."
    assert server.in_words(text) == f"Cannot fetch {folder}/model.json or {folder}/deep9/x."
