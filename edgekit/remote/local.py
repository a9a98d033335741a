"""What a command that is given places works with: paths of this machine, whatever the places are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .address import home, is_remote, local_path, shown
from .download import Progress, fetch
from .mirror import Mirror


@dataclass(frozen=True, kw_only=True)
class Local:
    """Brings places here. say: told, in sentences, what is on its way."""

    say: Callable[[str], None] = lambda sentence: None

    def input(self, place: str) -> Path:
        """A file, a folder or a pattern here: what was given, or its copy. Raises as ``fetch`` does."""
        return fetch(place, home(place), progress=self._progress(place)) if is_remote(place) else local_path(place)

    def output(self, place: str) -> Mirror:
        """A folder to work in, with what an earlier run has left in it. Raises as ``Mirror.pull`` does."""
        if not is_remote(place):
            return Mirror(url="", folder=local_path(place))
        mirror = Mirror(url=place, folder=home(place))
        mirror.pull(progress=self._progress(place))
        return mirror

    def _progress(self, place: str) -> Progress:
        said = -1

        def progress(done: int, total: int) -> None:
            nonlocal said
            tenth = 10 * done // max(total, 1)
            if said < tenth < 10:
                said = tenth
                self.say(f"{shown(place)}: {done / 1e6:.0f} of {total / 1e6:.0f} MB are here.")

        return progress
