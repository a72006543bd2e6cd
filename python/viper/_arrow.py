"""Loads the Arrow libraries of pyarrow where the loader of the system does not find them by itself.

The module looks for them in the folder `pyarrow` beside ours. In a user's site, in an environment that sees that of the
system, or with several folders on the path, pyarrow lies elsewhere: wherever an import would take it from.
"""

import ctypes
import importlib.util
import os
import re


def load_arrow(error):
    """Load what an import missed; raises the error if that is not Arrow, or one that says which pyarrow it takes."""
    missing = re.match(r"lib(?:arrow|parquet)\.so\.(\d+)(\d\d):", str(error))
    if not missing:
        raise error
    spec = importlib.util.find_spec("pyarrow")
    folder = os.path.dirname(spec.origin) if spec and spec.origin else ""
    # In this order, as Parquet needs Arrow. What is loaded is not looked for again by its name.
    libraries = [os.path.join(folder, f"{name}.so.{missing[1]}{missing[2]}") for name in ("libarrow", "libparquet")]
    if not folder or not all(map(os.path.exists, libraries)):
        version = f"{int(missing[1])}.{int(missing[2])}"
        raise ImportError(f"viper was built with pyarrow {version} and needs it; "
                          f"`pip install pyarrow=={version}.*` installs it: found={folder or 'none'}") from error
    for library in libraries:
        ctypes.CDLL(library)
