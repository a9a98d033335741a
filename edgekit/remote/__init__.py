"""Places on stores, gs:// and s3:// and whatever fsspec knows: a remote folder is mirrored in a local one."""

from .address import home, is_remote, local_path, shown
from .download import fetch
from .local import Local
from .mirror import Mirror

__all__ = ["Local", "Mirror", "fetch", "home", "is_remote", "local_path", "shown"]
