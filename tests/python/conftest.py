import pytest


@pytest.fixture
def database(tmp_path):
    import viper

    with viper.connect(tmp_path / "lake") as opened:
        yield opened
