"""The one door to browsers: a page of edgekit's own, and the server that gives it its files."""

from .page import INSTALL_BROWSER, Page, find_browser, open_page

__all__ = ["INSTALL_BROWSER", "Page", "find_browser", "open_page"]
