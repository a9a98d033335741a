"""A page in a browser without a window, whose functions can be called: Playwright drives the system's Chromium.

Playwright lives in a thread of its own, and a browser takes a second or two to start: the caller goes on with its own
work until it needs the first answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import shutil
import sys
import threading
from collections import deque
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConversionError, EdgekitError, MissingToolError
from .server import Server, local_server

if TYPE_CHECKING:
    from playwright.async_api import Page as PlaywrightPage

TIMEOUT = 300.0  # seconds for one call; the largest models take some, a loaded machine ten times that
CLOSING = 10.0  # seconds that a browser may take to end
LOG_LINES = 8
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# WebGL by software: a proof must not depend on the graphics card, and a server has none.
ARGUMENTS = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
INSTALL = "Type: pip install 'edgekit[browser]'"
INSTALL_BROWSER = "Type: sudo apt-get install chromium; or: playwright install chromium"
PLAYWRIGHTS_OWN = ""
# Bytes go by the server, not through Playwright: there a megabyte takes a tenth of a second or more.
CALL = """async ([name, argument, address, size]) => {
    try {
        const data = size ? await (await fetch(address)).arrayBuffer() : new ArrayBuffer(0);
        const [value, bytes] = await globalThis.edgekit[name](argument, data);
        if (bytes !== undefined) await fetch(address, {method: "POST", body: bytes});
        return {value};
    } catch (error) {
        return {error: error?.message || String(error)};
    }
}"""

logger = logging.getLogger(__name__)


def find_browser() -> str | None:
    """The browser to start: its path, PLAYWRIGHTS_OWN for one that Playwright installed, None where there is none.

    EDGEKIT_CHROMIUM names another one. Raises MissingToolError where that is no program.
    """
    if wanted := os.environ.get("EDGEKIT_CHROMIUM"):
        if not shutil.which(wanted):
            raise MissingToolError(
                f"There is no browser {wanted}.",
                cause="EDGEKIT_CHROMIUM names it.",
                fix="Let it name a Chromium or a Chrome, or unset it.",
            )
        return wanted
    if found := next(filter(None, map(shutil.which, PROGRAMS)), None):
        return found
    return PLAYWRIGHTS_OWN if any(_playwright_folder().glob("chromium*")) else None


def _playwright_folder() -> Path:
    """Where `playwright install` puts browsers, as its documentation has it."""
    if folder := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(folder)
    caches = {"darwin": "Library/Caches", "win32": "AppData/Local"}
    return Path.home() / caches.get(sys.platform, ".cache") / "ms-playwright"


class Page:
    """A page that is opening, seen from the caller. Made by ``open_page``."""

    def __init__(self, server: Server, entry: str, browser: str) -> None:
        self._server = server
        self._said: deque[str] = deque(maxlen=LOG_LINES)
        self._opened: Future[PlaywrightPage] = Future()
        self._closed = False
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        # What nobody waits for any more, such as Playwright's own futures after Ctrl-C, would be printed.
        self._loop.set_exception_handler(lambda _, context: logger.debug("%s", context))
        self._life = self._loop.create_task(self._live(entry, browser))
        self._thread = threading.Thread(target=self._run, name="browser", daemon=True)
        self._thread.start()

    def serve(self, folder: Path) -> str:
        """The address under which the page finds the files of a folder, as long as it lives."""
        return self._server.serve(folder)

    def call(
        self, function: str, argument: object = None, data: bytes = b"", *, purpose: str, timeout: float = TIMEOUT
    ) -> tuple[Any, bytes]:
        """What a function of the page answers: a value, and bytes or none.

        function: a name in the page's `globalThis.edgekit`; it takes the argument and the data as an ArrayBuffer, and
        answers [value, bytes]. argument, value: what JSON can hold. purpose: what it does, for messages ("load x").

        Raises ConversionError with the page's own words where it fails, and where the browser dies or takes longer
        than ``timeout`` seconds; MissingToolError where it cannot be started. The first call waits for its start.
        """
        if self._closed:
            raise ConversionError(f"The browser cannot {purpose}: it has ended.")
        page = self._result(self._opened, "start", timeout)
        address = self._server.lend(data)
        asked = [function, argument, address, len(data)]
        answer = self._result(self._send(page.evaluate(CALL, asked)), purpose, timeout)
        back = self._server.take(address)
        if "error" in answer:
            raise ConversionError(f"The browser cannot {purpose}.", cause=self._server.in_words(answer["error"]))
        return answer["value"], back

    def close(self) -> None:
        """End the browser, whatever it is doing."""
        self._closed = True
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._life.cancel)
        self._thread.join(CLOSING)

    def _send(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _result(self, future: Future[Any], purpose: str, timeout: float) -> Any:
        from playwright.async_api import Error

        try:
            return future.result(timeout)
        except TimeoutError:
            self.close()
            raise ConversionError(
                f"The browser did not {purpose} within {timeout:g} s and was stopped.",
                cause=self._last_words() or "It hangs, or the machine is very busy.",
                fix="Try again when the machine is free.",
            ) from None
        except Error as error:
            self.close()
            words = self._last_words() or "Too little memory is the usual cause."
            raise ConversionError(
                f"The browser died before it could {purpose}.",
                cause=f"{error.message.removeprefix('Page.evaluate: ').strip()}\n{words}",
            ) from None

    def _last_words(self) -> str:
        return self._server.in_words("\n".join(self._said))

    def _run(self) -> None:
        with self._runner:
            self._runner.run(asyncio.wait({self._life}))

    async def _live(self, entry: str, browser: str) -> None:
        """Open the page, and keep it until this is cancelled."""
        try:
            from playwright.async_api import Error, async_playwright

            async with async_playwright() as playwright:
                # No time limits of Playwright's: the caller has one.
                process = await playwright.chromium.launch(
                    executable_path=browser or None, args=list(ARGUMENTS), timeout=0
                )
                try:
                    self._opened.set_result(await self._open(await process.new_page(), entry))
                    await self._loop.create_future()
                finally:
                    with contextlib.suppress(Error):  # it has died, or Ctrl-C reached Playwright first
                        await process.close()
        except Exception as error:  # Playwright's own, or a broken installation's: both mean that there is no browser
            if not self._opened.done():
                self._opened.set_exception(_no_start(browser, error))

    async def _open(self, page: PlaywrightPage, entry: str) -> PlaywrightPage:
        page.on("console", lambda message: self._said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._said.append(error.message))
        await page.goto(entry, timeout=0)
        return page


@contextlib.contextmanager
def open_page(folder: Path, query: str = "") -> Iterator[Page]:
    """A folder's index.html, opening in the background; its browser is gone afterwards, however the block ends.

    Raises MissingToolError where Playwright or a browser is not installed, without starting anything.
    """
    if importlib.util.find_spec("playwright") is None:
        raise MissingToolError("Playwright is not installed.", cause="A browser is driven by it.", fix=INSTALL)
    browser = find_browser()
    if browser is None:
        raise MissingToolError(
            "No browser is installed.", cause=f"Looked for {', '.join(PROGRAMS)}.", fix=INSTALL_BROWSER
        )
    with local_server() as server:
        page = Page(server, f"{server.origin}{server.serve(folder)}/index.html{query}", browser)
        try:
            yield page
        finally:
            page.close()
            logger.debug("The page's errors:\n%s", page._last_words())


def _no_start(browser: str, error: Exception) -> EdgekitError:
    lines = str(error).splitlines() or [type(error).__name__]
    said = [line.partition("[err] ")[2] for line in lines if "[err] " in line]
    return MissingToolError(
        f"The browser {browser or 'of Playwright'} cannot be started.",
        cause="\n".join([lines[0], *said[-LOG_LINES:]]),
        fix=f"{INSTALL_BROWSER}; or let EDGEKIT_CHROMIUM name another one.",
    )
