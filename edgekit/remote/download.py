"""Downloads that can be killed at any moment and cost nothing the second time."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import StorageError
from ..system import staging, write_file
from .store import INDEX, Listing, Remote, Store, missing, open_store

Progress = Callable[[int, int], None]
BATCH = 64  # files that are fetched at the same time, and
BATCH_BYTES = 64 * 2**20  # how many bytes of them


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A file that was fetched: the version there, and what it looked like here."""

    version: str
    size: int
    mtime_ns: int


def fetch(url: str, folder: Path, *, progress: Progress = lambda done, total: None) -> Path:
    """Bring a remote file, a folder with its sub-folders or the files of a pattern into a local folder.

    folder: for this URL alone; what is not there any more goes here as well. Returns the URL's path in ``folder``: the
    file, the folder, or the pattern. progress: called with the bytes done and to do. Files that have changed neither
    there nor here are not fetched again.

    Raises StorageError, MissingToolError without the store's package, UsageError where the URL is none.
    """
    store = open_store(url)
    listing = store.listing()
    if listing is None or not listing.files:
        raise missing(store.shown)
    download(store, listing, folder, progress)
    return folder / listing.place


def download(store: Store, listing: Listing, folder: Path, progress: Progress) -> None:
    """Make ``folder`` hold what ``listing`` says, one whole file after the other."""
    known = _read_index(folder)
    kept = {name: copy for name, copy in known.items() if _is_current(folder / name, copy, listing.files.get(name))}
    wanted = {name: remote for name, remote in listing.files.items() if name not in kept}
    total = sum(remote.size for remote in listing.files.values())
    done = total - sum(remote.size for remote in wanted.values())
    progress(done, total)
    if not wanted and kept == known:
        return
    with staging(folder) as staged:
        _remove_stale(folder, [name for name in known if name not in listing.files])
        write_file(folder / INDEX, "".join(_line(name, copy) for name, copy in kept.items()))
        for batch in _batches(wanted):
            _fetch_batch(store, batch, folder, staged)
            done += sum(remote.size for remote in batch.values())
            progress(done, total)


def _fetch_batch(store: Store, batch: Mapping[str, Remote], folder: Path, staged: Path) -> None:
    parts = [staged / f"part-{number}" for number in range(len(batch))]
    store.get(list(batch.values()), parts)
    try:
        with (folder / INDEX).open("a", encoding="utf-8") as index:
            for (name, remote), part in zip(batch.items(), parts, strict=True):
                state = part.stat()
                if remote.size and state.st_size != remote.size:
                    raise StorageError(
                        f"{store.shown}: {name} has {remote.size} bytes there, {state.st_size} came.",
                        cause="It was replaced at the same moment.",
                        fix="Type the same command again.",
                    )
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(part, folder / name)
                index.write(_line(name, Copy(version=remote.version, size=state.st_size, mtime_ns=state.st_mtime_ns)))
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror or error}.", fix="Free some space, or choose another folder."
        ) from None


def _batches(wanted: Mapping[str, Remote]) -> Iterator[dict[str, Remote]]:
    batch, size = dict[str, Remote](), 0
    for name, remote in wanted.items():
        if batch and (len(batch) == BATCH or size + remote.size > BATCH_BYTES):
            yield batch
            batch, size = {}, 0
        batch[name] = remote
        size += remote.size
    if batch:
        yield batch


def _is_current(path: Path, copy: Copy, remote: Remote | None) -> bool:
    if remote is None or not remote.version or remote.version != copy.version:
        return False
    try:
        state = path.stat()
    except OSError:
        return False
    return (state.st_size, state.st_mtime_ns) == (copy.size, copy.mtime_ns)


def _remove_stale(folder: Path, names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(OSError):
            (folder / name).unlink()
            for parent in (folder / name).relative_to(folder).parents:
                if parent.name:
                    (folder / parent).rmdir()  # as long as they are empty


def _line(name: str, copy: Copy) -> str:
    return json.dumps([name, copy.version, copy.size, copy.mtime_ns]) + "\n"


def _read_index(folder: Path) -> dict[str, Copy]:
    """Name → its copy; the last line of a name holds, and a line that a kill cut off holds nothing."""
    try:
        lines = (folder / INDEX).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    found = {}
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):
            name, version, size, mtime_ns = json.loads(line)
            found[str(name)] = Copy(version=str(version), size=int(size), mtime_ns=int(mtime_ns))
    return found
