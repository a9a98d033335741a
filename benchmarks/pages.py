"""TensorFlow.js models in pages of a browser: how fast they answer, and what."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.browser import Page, find_browser
from edgekit.errors import ConversionError
from edgekit.runtimes.tfjs import BUILD, TfjsSession, built, tfjs_page
from edgekit.vision.resize import resize

from .launches import Pairs, in_turn

ALIKE = 1e-3  # of an output's range: float sums in another order are off by a hundredth of that
WASM = "wasm"
Pixels = NDArray[np.uint8]


def obstacle() -> str:
    """Why no model runs in a page here; nothing where it does."""
    if not built():
        return f"the page for TensorFlow.js models is missing. {BUILD}"
    return "" if find_browser() is not None else "no browser is installed"


def objection(ours: Path, other: Path, picture: Pixels) -> str:
    """Why a model's speed is worth nothing: it does not run, or answers otherwise than ours, which has been proven."""
    with tfjs_page() as page:
        expected = _answer(TfjsSession(ours, page, backend=WASM), picture)
        try:
            found = _answer(TfjsSession(other, page, backend=WASM), picture)
        except ConversionError as error:
            return f"the other does not run: {error.cause}"
    if found.keys() != expected.keys():
        return f"the other answers in shapes of its own: {', '.join(map(str, found))}"
    off = np.max([np.abs(found[shape] - wanted).max() / np.ptp(wanted) for shape, wanted in expected.items()])
    return "" if off <= ALIKE else f"the other answers wrongly, by {off:.2g} of the range"  # NaN is wrong too


def invoked(first: Path, second: Path, pictures: Sequence[Pixels]) -> Pairs:
    """Runs of two models in turn in one new page, on wasm with one thread, timed inside the page."""
    with tfjs_page() as page:
        sessions = [TfjsSession(folder, page, backend=WASM) for folder in (first, second)]

        def run(side: int, pair: int) -> float:
            _feed(sessions[side], pictures[pair // 2 % len(pictures)])
            sessions[side].invoke()
            return sessions[side].run_seconds

        return in_turn(run)


def first_answer(folder: Path, backend: str, picture: Pixels) -> float:
    """Seconds until a page that has done nothing yet gives a model's answer: backend, model and first run."""
    with tfjs_page() as page:
        _expect_open(page)
        begin = time.perf_counter()
        _answer(TfjsSession(folder, page, backend=backend), picture)
        return time.perf_counter() - begin


def _expect_open(page: Page) -> None:
    """The first call waits for the browser's start; this one wakes nothing in the page, which has no such model."""
    with contextlib.suppress(ConversionError):
        page.call("unload", {"id": -1}, purpose="open")


def _answer(session: TfjsSession, picture: Pixels) -> dict[tuple[int, ...], NDArray[Any]]:
    """Outputs by shape, because every converter names them otherwise."""
    _feed(session, picture)
    session.invoke()
    return {value.shape: value for value in session.read().values()}


def _feed(session: TfjsSession, picture: Pixels) -> None:
    ((name, (_, height, width, _)),) = session.shapes.items()
    session.feed({name: (resize(picture, height, width)[None] / 127.5 - 1).astype(np.float32)})
