"""The one door to files and processes: everything that touches the machine goes through here."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path

from .errors import StorageError, UsageError

MAX_FILE = 2**31 - 1  # what a flatbuffer and a protocol buffer can hold
STAGING = ".edgekit-"
LOCK = ".edgekit.lock"


def read_file(path: Path, *, limit: int = MAX_FILE) -> bytes:
    """The bytes of a file of at most ``limit`` bytes.

    Raises UsageError where there is no such file, StorageError where it cannot be read.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise UsageError(f"{path} is a folder.", fix="Give the file inside it.")
        if size > limit:
            raise StorageError(f"{path} has {size} bytes.", cause=f"More than the {limit} that edgekit reads.")
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", fix="Check the path.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.") from None


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes, read in pieces."""
    with open_file(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_range(path: Path, start: int, length: int) -> bytes:
    """``length`` bytes of a file from ``start`` on, all of it where the length is 0; same errors as ``read_file``."""
    if not length:
        return read_file(path)
    with open_file(path) as stream:
        stream.seek(start)
        return stream.read(length)


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[BufferedReader]:
    """A file to be read in pieces, for those that are too large for ``read_file``; same errors."""
    try:
        with path.open("rb") as stream:
            yield stream
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", fix="Check the path.") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder.", fix="Give the file inside it.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.") from None


def write_file(path: Path, data: bytes | str) -> None:
    """Replace a file whole: a reader sees the old bytes or the new ones, also after a crash."""
    write_pieces(path, [data.encode() if isinstance(data, str) else data])


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """``write_file`` for what is too large to be held at once; where making a piece fails, the old file stays."""
    with _storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=STAGING, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                for piece in pieces:
                    stream.write(piece)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def staging(out: Path) -> Iterator[Path]:
    """A temporary folder inside ``out``, under its lock; gone afterwards, and ``out`` too if it stayed empty.

    What a killed run left behind is cleared first. Raises StorageError when another edgekit works there, or when
    nothing can be written there.
    """
    with _storage_errors(out):
        existed = out.exists()
        out.mkdir(parents=True, exist_ok=True)
    with _lock(out / LOCK):
        with _storage_errors(out):
            for stale in out.glob(f"{STAGING}*"):
                _remove(stale)
            folder = Path(tempfile.mkdtemp(prefix=STAGING, dir=out))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                if not existed and {entry.name for entry in out.iterdir()} <= {LOCK}:
                    shutil.rmtree(out, ignore_errors=True)


def clear(out: Path) -> None:
    """Remove what a killed run left in ``out``, unless one is at work there just now."""
    if any(out.glob(f"{STAGING}*")):
        with contextlib.suppress(StorageError), staging(out):
            pass


def publish_together(staged: Path, out: Path, names: Sequence[str], *, stale: Sequence[str] = ()) -> None:
    """Put finished folders of ``staged`` in the place of older ones in ``out``: all of them, or none.

    stale: names in ``out`` that are no longer true then, and go.

    ``staged`` lies in ``out``, so that every move is one rename. First the old ones go, the first named last; then the
    new ones come, the first named first. So a kill at any moment leaves the first few of the old or of the new ones,
    never some of both; anything less than a kill puts the old ones back.
    """
    old = staged / "old"
    going = [(out / name, old / name) for name in (*stale, *reversed(names)) if (out / name).exists()]
    moves = going + [(staged / name, out / name) for name in names]
    with _storage_errors(out):
        old.mkdir()
        try:
            for source, target in moves:
                os.rename(source, target)
        except BaseException:
            for source, target in reversed(moves):
                if target.exists() and not source.exists():
                    os.rename(target, source)
            raise


def run_module(name: str, data: bytes, *, timeout: float) -> tuple[int, bytes, str]:
    """Run a module in a Python of its own, ``data`` on its stdin: exit code (negative: a signal), stdout, stderr.

    It finds the modules that this process finds, and (-P) nothing that happens to lie in the current folder. Raises
    TimeoutError after ``timeout`` seconds; the process is gone then.
    """
    path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-P", "-m", name]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, env=os.environ | path, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


def _remove(path: Path) -> None:
    """Remove a folder or a file, as far as it can be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fix = "Free some space, or choose another folder." if error.errno == 28 else "Choose another folder."
        raise StorageError(f"{path} cannot be written: {error.strerror or error}.", fix=fix) from None


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # Windows has no advisory locks of this kind; there two runs are the user's own care
        yield
        return
    with contextlib.ExitStack() as stack:
        with _storage_errors(path.parent):
            stream = stack.enter_context(path.open("w"))
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StorageError(
                    f"{path.parent} is in use by another edgekit.", fix="Wait for it, or choose another folder."
                ) from None
        yield
