import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lake as lake_module  # noqa: E402


@pytest.fixture
def lake(tmp_path):
    """An empty root directory."""
    root = tmp_path / "lake"
    root.mkdir()
    return lake_module.Lake(root)
