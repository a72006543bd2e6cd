import os
import pathlib
import sys

import pytest

from lake import REPOSITORY

# The package of the build tree under test. Test files ask for it with importorskip, as a build without nanobind or
# Python's headers leaves it out; a module that is there and does not load is an error.
BUILD_TREE = pathlib.Path(os.environ.get("VIPER_BUILD_DIR", REPOSITORY / "build" / "dev"))
sys.path.insert(0, str(BUILD_TREE / "python"))


@pytest.fixture
def database(tmp_path):
    import viper

    with viper.connect(tmp_path / "lake") as opened:
        yield opened
