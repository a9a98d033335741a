"""The border to fsspec: one place on a store, the few things done there, and every failure translated."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ..errors import MissingToolError, StorageError, UsageError
from ..system import LOCK, STAGING
from .address import is_web, shown
from .failures import told

INSTALL = "Run: pip install 'edgekit[cloud]'"
INDEX = ".edgekit.index"
PROBE = ".edgekit.probe"
LIMIT = 120.0  # seconds that one request may take, and
SLOWEST = 100_000  # bytes a second that a transfer must have beyond that

# Their names for two schemes; and those that take an upload whole or not at all.
_KINDS = {"s3a": "s3", "gcs": "gs"}
_BUCKETS = ("s3", "gs")
_OWN = (LOCK, INDEX, PROBE)
_PATTERN = re.compile(r"[*?\[]")
_LAST_SLASHES = re.compile(r"(?<=[^:/])/+$")
# What says that a file has changed, the surest first. GCS's etag changes with a file's labels, its hashes do not.
_VERSIONS = ("md5Hash", "crc32c", "ETag", "etag", "checksum", "mtime", "LastModified", "last_modified", "created")


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file on a store. path: in the store's own words. version: changes with its bytes; empty if nothing tells."""

    path: str
    size: int
    version: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a URL stands for. files: by path in the folder. place: the URL's own path there; '' for the folder.

    leftovers: what killed uploads left, in the store's own words.
    """

    files: Mapping[str, Remote]
    place: str = ""
    leftovers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Store:
    """A place on a store. path: in its own words. shown: its URL for messages."""

    system: Any
    path: str
    kind: str
    shown: str

    def listing(self) -> Listing | None:
        """The file, the files of the folder and its sub-folders, or those of the pattern; None where nothing is."""
        with self._translated():
            self.system.invalidate_cache()
            is_pattern = not is_web(self.path) and _PATTERN.search(self.path)
            found = self._pattern() if is_pattern else self._whole()
            if found is None and self._bucket_is_missing():
                raise FileNotFoundError
            return found

    def get(self, remote: Sequence[Remote], local: Sequence[Path]) -> None:
        """Download files, several at the same time, to paths whose folders exist."""
        limit = LIMIT + sum(one.size for one in remote) / SLOWEST
        with self._translated(writes=str(local[0].parents[1])):
            self._call("get", [one.path for one in remote], [str(path) for path in local], limit=limit)

    def put(self, local: Path, name: str) -> None:
        """Upload a file to a name in this folder: a reader finds the old file there or the new one, whole."""
        target = f"{self.path}/{name}"
        try:
            limit = LIMIT + local.stat().st_size / SLOWEST
        except OSError as error:
            raise StorageError(f"{local} cannot be read: {error.strerror or error}.") from None
        with self._translated(writes=f"{self.shown}/{name}"):
            if self.kind in _BUCKETS:  # an object appears when the last byte has come
                self._call("put_file", str(local), target, limit=limit)
                return
            folder, _, base = target.rpartition("/")
            upload = f"{folder}/{STAGING}{secrets.token_hex(8)}-{base}"
            self._call("makedirs", folder, exist_ok=True)
            try:
                self._call("put_file", str(local), upload, limit=limit)
                self.system.mv(upload, target)
            except BaseException:
                with contextlib.suppress(Exception):
                    self._call("rm_file", upload)
                raise

    def check_writable(self) -> None:
        """Raise before hours of work what would otherwise be raised after them."""
        with self._translated(writes=self.shown):
            if self.kind not in _BUCKETS:
                self._call("makedirs", self.path, exist_ok=True)
            self._call("pipe_file", f"{self.path}/{PROBE}", b"edgekit")
            self._call("rm_file", f"{self.path}/{PROBE}")

    def remove(self, path: str) -> None:
        """Remove a file, named in the store's own words, if it is there."""
        with self._translated(), contextlib.suppress(FileNotFoundError):
            self._call("rm_file", path)

    @property
    def _bucket(self) -> str:
        return self.path.partition("/")[0]

    def _whole(self) -> Listing | None:
        try:
            info = self._call("info", self.path)
        except FileNotFoundError:
            if is_web(self.path):
                raise
            return None
        if info["type"] == "file":
            name = self.path.partition("?")[0].rpartition("/")[2]
            return Listing(files={name: _remote(self.path, info)}, place=name)
        return self._under(self.path, self._call("find", self.path, detail=True))

    def _pattern(self) -> Listing | None:
        parts = self.path.split("/")
        first = next(index for index, part in enumerate(parts) if _PATTERN.search(part))
        found = self._under("/".join(parts[:first]), self._call("glob", self.path, detail=True))
        return Listing(files=found.files, place="/".join(parts[first:])) if found.files else None

    def _under(self, folder: str, found: Mapping[str, Mapping[str, Any]]) -> Listing:
        """Files by their path in a folder. Raises StorageError where one has no place in a local folder."""
        base = f"{folder.rstrip('/')}/" if folder else ""
        files, leftovers = dict[str, Remote](), list[str]()
        for path, info in found.items():
            # Some tools make folders visible as empty objects.
            if info["type"] != "file" or path.endswith("/"):
                continue
            name = path.removeprefix(base)
            own = name.rpartition("/")[2]
            if own.startswith(STAGING):
                leftovers.append(path)
            elif own not in _OWN:
                files[self._safe(name, inside=path.startswith(base))] = _remote(path, info)
        for name in files:
            if clash := next((str(parent) for parent in PurePath(name).parents if parent.as_posix() in files), ""):
                raise StorageError(
                    f"{self.shown} has a file {clash!r} and a folder of that name, with {name!r} in it.",
                    cause="On a store that can be, in a local folder it cannot.",
                    fix="Rename one of them.",
                )
        return Listing(files=files, leftovers=tuple(leftovers))

    def _safe(self, name: str, *, inside: bool) -> str:
        path = PurePath(name)
        if (
            not inside
            or path.is_absolute()
            or path.drive
            or ".." in path.parts
            or path.as_posix() != name
            or "\0" in name
        ):
            raise StorageError(
                f"{self.shown} holds {name!r}, which has no place in a local folder.",
                cause="It would lie outside, or under another name.",
                fix="Rename it, or choose the files by a pattern.",
            )
        return name

    def _call(self, verb: str, *arguments: Any, limit: float | None = None, **options: Any) -> Any:
        """Have fsspec do something in ``limit`` seconds; stores without asynchronous calls have limits of their own."""
        if not self.system.async_impl:
            return getattr(self.system, verb)(*arguments, **options)
        from fsspec.asyn import sync

        coroutine = getattr(self.system, f"_{verb}")
        return sync(self.system.loop, coroutine, *arguments, timeout=limit or LIMIT, **options)

    @contextlib.contextmanager
    def _translated(self, *, writes: str = "") -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except FileNotFoundError as error:
            cause = error.__cause__
            if is_web(self.path) and isinstance(cause, Exception) and getattr(cause, "status", 0) != 404:
                # fsspec says so of every web address that fails
                raise told(cause, self.shown, kind=self.kind, writes=writes) from None
            if self._bucket_is_missing():
                raise StorageError(
                    f"There is no bucket {self._bucket!r} for {self.shown}.",
                    cause="Its name is another, or it has not been made.",
                    fix="Check the name, or make the bucket with the store's own tools.",
                ) from None
            raise missing(self.shown) from None
        except Exception as error:  # whatever the store's libraries raise
            raise told(error, self.shown, kind=self.kind, writes=writes) from None

    def _bucket_is_missing(self) -> bool:
        if self.kind not in _BUCKETS:
            return False
        try:
            self._call("info", self._bucket)
        except FileNotFoundError:
            return True
        except Exception:  # who may not look at the bucket cannot know
            return False
        return False


def missing(place: str) -> StorageError:
    """The error for a place where nothing is."""
    return StorageError(f"There is nothing at {place}.", fix="Check the address.")


def open_store(url: str) -> Store:
    """A place on a store. Raises MissingToolError without its package, UsageError where the URL is none."""
    place = _LAST_SLASHES.sub("", shown(url))
    scheme, _, rest = url.partition("://")
    kind = _KINDS.get(scheme, scheme)
    if kind in _BUCKETS and not rest.strip("/"):
        raise UsageError(f"{place} names no bucket.", fix=f"Write {kind}://BUCKET/FOLDER.")
    # gcsfs asks about every bucket by gRPC first, which endpoints other than Google's do not have; edgekit's few
    # requests are the same for all kinds of buckets.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    # It logs the failures that it raises as well, with their tracebacks.
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url)
    except ImportError as error:
        ours = kind in _BUCKETS or (error.name or "").startswith("fsspec")
        raise MissingToolError(
            f"{place} needs a package that is not installed.", cause=f"{error}.", fix=INSTALL if ours else ""
        ) from None
    except ValueError as error:
        raise UsageError(
            f"{place} is no address that edgekit can open.",
            cause=f"{shown(str(error))}.",
            fix="Begin it with gs://, s3:// or another scheme of fsspec's, in small letters.",
        ) from None
    except Exception as error:  # options of the store in the environment or in fsspec's configuration
        raise told(error, place, kind=kind, writes="") from None
    return Store(system=system, path=path.rstrip("/"), kind=kind, shown=place)


def _remote(path: str, info: Mapping[str, Any]) -> Remote:
    version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    return Remote(path=path, size=info.get("size") or 0, version=version)
