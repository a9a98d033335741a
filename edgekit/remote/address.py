"""Addresses of places: which are remote, how messages write them, and where they are mirrored."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

# Two letters at least: one and a colon is a drive of Windows.
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]+::)*([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_LOCAL = ("file", "local")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_USER = re.compile(r"://[^/\s@]*@")
_QUERY = re.compile(r"(https?://[^\s?'\"]*)\?[^\s'\"]*", re.IGNORECASE)


def is_remote(place: str) -> bool:
    """Whether a place is a URL of a store; file:// is local, and so are the drives of Windows."""
    url = _URL.match(place)
    return url is not None and url[1].lower() not in _LOCAL


def local_path(place: str) -> Path:
    """The path of a place that is not remote, file:// taken off."""
    url = _URL.match(place)
    return Path(place[url.end() :] if url else place)


def is_web(path: str) -> bool:
    """Whether a path is a web address, which may have a query behind it."""
    return _WEB.match(path) is not None


def shown(text: str) -> str:
    """A URL, or a text with URLs, for messages: without what may be a password, a token or a signature."""
    return _QUERY.sub(r"\1", _USER.sub("://", text))


def home(url: str) -> Path:
    """The folder of this machine that mirrors a URL: always the same one, in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "edgekit" / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:20]
