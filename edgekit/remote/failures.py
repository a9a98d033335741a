"""What a store's libraries raise, as edgekit's errors.

They are told by the names of their classes: every store brings libraries of its own, and none need be installed.
"""

from __future__ import annotations

import errno
import re

from ..errors import EdgekitError, StorageError, UsageError
from .address import shown

SIGN_IN = {
    "s3": "Run 'aws configure', or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "gs": "Run 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS.",
}
AGAIN = "Check the connection, then type the same command again: what has arrived stays."

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CREDENTIALS = re.compile(r"Credential|Auth|Token|Profile")
_NETWORK = re.compile(r"Connect|Timeout|gaierror|HTTPClient|ClientPayload|IncompleteRead|Proxy|SSL")
_REFUSED = re.compile(r"\b(?:401|403)\b|Forbidden|Unauthorized|AccessDenied")
_FAILED = re.compile(r"\b50\d\b|Internal(?: Server )?Error|SlowDown|Service Unavailable|reduce your request rate")
_SECRETS = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{8,}|\bya29\.\S+"
    r"|(?i:\bbearer\s+\S+|\w*(?:secret|token|signature|password|key)\w*['\"]?\s*[=:]\s*\S+)"
)
MAX_TEXT = 200


def told(error: Exception, place: str, *, kind: str, writes: str) -> EdgekitError:
    """The error for what a library raised about ``place``.

    kind: 's3', 'gs' or another scheme. writes: what was being written, for a disk that is full.
    """
    names = " ".join(cls.__name__ for cls in type(error).__mro__)
    text = f"{getattr(error, 'status', None) or getattr(error, 'code', '')} {error}"
    sign_in = SIGN_IN.get(kind, "Sign in as fsspec's documentation of this store says.")
    if isinstance(error, OSError) and error.errno in _FULL:
        return StorageError(
            f"{writes} cannot be written: {error.strerror}.", fix="Free some space, or choose another folder."
        )
    if isinstance(error, NotImplementedError):
        return UsageError(f"{place} can only be read.", fix="Choose a folder on gs:// or s3://, or a local one.")
    if _CREDENTIALS.search(names):
        return StorageError(f"There are no credentials for {place}.", cause=f"{_plain(error)}.", fix=sign_in)
    if isinstance(error, PermissionError) or _REFUSED.search(text):
        cause = "The credentials are missing, wrong or expired, or may not do this there."
        return StorageError(f"The store refuses access to {place}.", cause=cause, fix=sign_in)
    if isinstance(error, TimeoutError):
        cause = "The connection hangs, or it is very slow."
        return StorageError(f"{place} does not answer.", cause=cause, fix=AGAIN)
    if _NETWORK.search(names):
        return StorageError(f"{place} cannot be reached.", cause=f"{_plain(error)}.", fix=AGAIN)
    if _FAILED.search(text):
        return StorageError(f"The store of {place} fails at present.", cause=f"{_plain(error)}.", fix=AGAIN)
    return StorageError(f"{place} cannot be used.", cause=f"{_plain(error)}.")


def _plain(error: Exception) -> str:
    """The first line of a foreign message after its class, without secrets."""
    line = next(iter(str(error).splitlines()), "")[:MAX_TEXT]
    return f"{type(error).__name__}: {_SECRETS.sub('…', shown(line))}".rstrip(" .:")
