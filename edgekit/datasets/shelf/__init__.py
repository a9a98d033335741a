"""Pictures of shop shelves with the true box of every pack, drawn from seeds: our brand, its rivals, and others."""

from ..picture import Picture
from .bank import LABELS
from .clip import write_clip
from .pictures import GROUPS, Shelf, stream, write
from .sheet import write_sheet

__all__ = ["GROUPS", "LABELS", "Picture", "Shelf", "stream", "write", "write_clip", "write_sheet"]
