"""A folder for a run's results, here and on a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import StorageError, UsageError
from .download import Progress, download
from .store import open_store


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """A local folder that a run works in, and the remote one that it is mirrored to; one run at a time.

    url: '' where the results are local alone; then nothing is done.
    """

    url: str
    folder: Path

    def pull(self, *, progress: Progress = lambda done, total: None) -> None:
        """Make the local folder hold what the remote one does, for a run that goes on; nothing may be there yet.

        Raises StorageError where the remote folder cannot be written, before any work is done.
        """
        if not self.url:
            return
        store = open_store(self.url)
        listing = store.listing()
        if listing is not None and listing.place:
            raise UsageError(f"{store.shown} is a file or a pattern.", fix="Name a folder.")
        store.check_writable()
        for path in listing.leftovers if listing else ():
            store.remove(path)
        if listing and listing.files:
            download(store, listing, self.folder, progress)

    def push(self, names: Sequence[str]) -> None:
        """Upload files, and whole folders, of the local folder in this order.

        Each replaces the old one whole, so the name that makes the others valid comes last.
        """
        if not self.url:
            return
        store = open_store(self.url)
        try:
            for name in names:
                for file in self._files(name):
                    store.put(self.folder / file, file)
        except StorageError as error:
            fix = f"{error.fix} The files are in {self.folder}.".strip()
            raise StorageError(error.what, cause=error.cause, fix=fix) from None

    def drop(self, names: Sequence[str]) -> None:
        """Remove files of the remote folder that are no longer needed, as far as they are there."""
        if self.url:
            store = open_store(self.url)
            for name in names:
                store.remove(f"{store.path}/{name}")

    def _files(self, name: str) -> Iterator[str]:
        path = self.folder / name
        if not path.is_dir():
            yield name
            return
        for file in sorted(path.rglob("*")):
            if file.is_file():
                yield file.relative_to(self.folder).as_posix()
