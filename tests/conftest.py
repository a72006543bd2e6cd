import os
import pathlib
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lake as lake_module  # noqa: E402

# The package of the build tree under test. Test files ask for it with importorskip, as a build without nanobind or
# Python's headers leaves it out; a module that is there and does not load is an error.
BUILD_TREE = pathlib.Path(os.environ.get("VIPER_BUILD_DIR", lake_module.REPOSITORY / "build" / "dev"))
sys.path.insert(0, str(BUILD_TREE / "python"))


@pytest.fixture
def lake(tmp_path):
    """An empty root directory."""
    root = tmp_path / "lake"
    root.mkdir()
    return lake_module.Lake(root)
