"""The page seen from the caller: answers, failures, a browser that hangs or dies, and that none is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.browser import Page, find_browser, open_page
from edgekit.browser.page import PLAYWRIGHTS_OWN
from edgekit.errors import ConversionError, MissingToolError

REPOSITORY = Path(__file__).parents[2]
SCRIPT = """
globalThis.edgekit = {
  echo: async (argument, data) => [argument, data],
  length: async (argument, data) => [data.byteLength],
  isolated: async () => [globalThis.crossOriginIsolated],
  fail: async (argument) => { throw new Error(argument); },
  complain: async (argument) => { console.error(argument); return [null]; },
  missing: async (address) => { const {status, url} = await fetch(address); throw new Error(`${status} ${url}`); },
  wait: () => new Promise(() => {}),
  spin: () => { for (;;) {} },
};
"""
PARENT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits 'ignore'
from edgekit.browser import open_page
from tests.browser.test_page import browsers
with open_page(Path({folder!r})) as page:
    page.call("length", purpose="begin")
    print(*browsers(), flush=True)
    page.call("wait", purpose="wait")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app")
    (folder / "index.html").write_text('<link rel="icon" href="data:,"><script src="./main.js"></script>')
    (folder / "main.js").write_text(SCRIPT)
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Page]:
    with open_page(folder) as opened:
        yield opened


def browsers(*, part: str = "") -> list[int]:
    """Process ids of the browsers that this process has started, or of their parts: renderer, gpu-process, ….

    A browser is a child of Playwright's driver, and its parts are told by an argument.
    """
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status, command = (entry / "stat").read_text(), (entry / "cmdline").read_text()
        except OSError:
            continue
        found[int(entry.name)] = int(status.rpartition(")")[2].split()[1]), command
    mine = {os.getpid()}
    while more := {pid for pid, (parent, _) in found.items() if parent in mine} - mine:
        mine |= more
    wanted = f"--type={part}" if part else "--remote-debugging-pipe"
    return [pid for pid in sorted(mine) if wanted in found[pid][1] and (part or "--type=" not in found[pid][1])]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int) -> bool:
    return any(not alive(pid) or time.sleep(0.05) for _ in range(200))


@pytest.mark.slow
def test_values_and_bytes_come_back(page: Page) -> None:
    value = {"text": "ü", "numbers": [1, -2.5, None], "deep": {"yes": True}}
    data = bytes(range(256)) * 8192
    assert page.call("echo", value, data, purpose="answer") == (value, data)
    assert page.call("echo", purpose="answer") == (None, b"")
    assert page.call("length", None, data, purpose="count") == (len(data), b"")


@pytest.mark.slow
def test_the_page_may_have_threads(page: Page) -> None:
    assert page.call("isolated", purpose="tell") == (True, b"")


@pytest.mark.slow
def test_what_the_page_says_is_the_cause_and_it_goes_on(page: Page, folder: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        page.call("fail", "256 values but has 156", purpose="load model.json")
    assert caught.value.what == "The browser cannot load model.json."
    assert caught.value.cause == "256 values but has 156"
    with pytest.raises(ConversionError, match="not a function"):
        page.call("absent", purpose="do it")
    address = page.serve(folder)
    with pytest.raises(ConversionError, match=f"404 {folder}/model.json"):
        page.call("missing", f"{address}/model.json", purpose="load it")
    assert page.call("echo", 1, purpose="answer") == (1, b"")


@pytest.mark.slow
@pytest.mark.parametrize("function", ["wait", "spin"])
def test_a_page_that_hangs_is_stopped(folder: Path, function: str) -> None:
    others = set(browsers())
    with open_page(folder) as page:
        page.call("complain", "its last words", purpose="complain")
        (browser,) = set(browsers()) - others
        with pytest.raises(ConversionError, match=r"did not load x within 1 s and was stopped\.\nits last words"):
            page.call(function, purpose="load x", timeout=1)
        assert wait_until_gone(browser)
        with pytest.raises(ConversionError, match="cannot load y: it has ended"):
            page.call("echo", purpose="load y")


@pytest.mark.slow
@pytest.mark.parametrize("part", ["", "renderer"])
def test_a_browser_that_dies_is_an_error(folder: Path, part: str) -> None:
    others = set(browsers(part=part))
    with open_page(folder) as page:
        page.call("echo", purpose="begin")
        for pid in set(browsers(part=part)) - others:
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(ConversionError, match=r"died before it could load x\.(?s:.*)memory"):
            page.call("wait", purpose="load x", timeout=60)


@pytest.mark.slow
def test_it_opens_in_the_background_and_need_not_be_used(folder: Path) -> None:
    others = browsers()
    begin = time.monotonic()
    with open_page(folder):
        opened = time.monotonic() - begin
    unused = time.monotonic() - begin
    with open_page(folder) as page:
        page.call("echo", purpose="begin")
    used = time.monotonic() - begin - unused
    assert opened < used / 4
    assert browsers() == others


@pytest.mark.slow
def test_a_browser_that_does_not_start_is_a_missing_tool(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CHROMIUM", "false")
    with open_page(folder) as page, pytest.raises(MissingToolError, match="browser false cannot be started"):
        page.call("echo", purpose="begin")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "group"), [("SIGINT", False), ("SIGINT", True), ("SIGKILL", False)])
def test_the_browser_ends_with_its_parent(folder: Path, name: str, group: bool) -> None:
    """group: as Ctrl-C in a terminal has it, which Playwright's own process hears too."""
    code = getattr(signal, name)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(folder=str(folder))],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout
        assert parent.stderr
        (browser,) = map(int, parent.stdout.readline().split())
        assert alive(browser)
        try:
            (os.killpg if group else os.kill)(parent.pid, code)
            assert parent.wait(20) == -code
        finally:
            parent.kill()
        if name == "SIGINT":
            said = parent.stderr.read()
            assert said.splitlines()[-1] == "KeyboardInterrupt", said
    assert wait_until_gone(browser)


def test_without_playwright_nothing_starts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright", None)
    with pytest.raises(MissingToolError, match=r"pip install 'edgekit\[browser\]'"), open_page(folder):
        pytest.fail("it started")


def test_without_a_browser_nothing_starts(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGEKIT_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"(?s)chromium, chromium-browser.*apt-get install"), open_page(folder):
        pytest.fail("it started")


@pytest.mark.parametrize(
    ("there", "wanted", "found"),
    [
        ((), None, None),
        (("chromium",), None, "chromium"),
        (("google-chrome", "chromium-browser"), None, "chromium-browser"),
        (("google-chrome-stable",), None, "google-chrome-stable"),
        (("firefox",), None, None),
        (("chromium", "mine"), "mine", "mine"),
        (("ms/chromium_headless_shell-1255/",), None, PLAYWRIGHTS_OWN),
        (("ms/chromium-1255/", "chromium"), None, "chromium"),
        (("ms/firefox-1400/",), None, None),
    ],
)
def test_the_browser_is_the_first_that_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: tuple[str, ...], wanted: str | None, found: str | None
) -> None:
    for name in there:
        if name.endswith("/"):
            (tmp_path / name).mkdir(parents=True)
        else:
            (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "ms"))
    monkeypatch.delenv("EDGEKIT_CHROMIUM", raising=False)
    if wanted:
        monkeypatch.setenv("EDGEKIT_CHROMIUM", str(tmp_path / wanted))
    expected = str(tmp_path / found) if found else found
    assert find_browser() == expected


def test_a_wanted_browser_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CHROMIUM", "not-there")
    with pytest.raises(MissingToolError, match=r"no browser not-there\.\nEDGEKIT_CHROMIUM names it"):
        find_browser()
