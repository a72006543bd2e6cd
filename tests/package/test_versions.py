"""What pip is told about versions is what the rest of the project says."""

import tomllib

from lake import REPOSITORY


def test_versions_are_written_the_same_in_all_places():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    pins = set((REPOSITORY / "requirements.txt").read_text().split())
    assert set(project["build-system"]["requires"]) <= pins
    (pyarrow,) = (pin.split("==")[1] for pin in pins if pin.startswith("pyarrow=="))
    series = ".".join(pyarrow.split(".")[:2])
    assert f"pyarrow=={series}.*" in project["project"]["dependencies"]
    assert project["tool"]["scikit-build"]["cmake"]["define"]["VIPER_WHEEL_PYARROW"] == series
    assert "version" not in project["project"] and project["project"]["dynamic"] == ["version"]
