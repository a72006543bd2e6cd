"""After each operation of a life every reader gives exactly the rows that the life left, and so does `viper export`."""

import deltalake
import pytest

from life import DELETE_MODES, live
from readers import READERS
from test_deletion_vectors import KNOW_NONE, KNOW_VECTORS


def has_vectors(life):
    """Whether readers must know deletion vectors."""
    return "deletionVectors" in (deltalake.DeltaTable(str(life.table())).protocol().reader_features or ())


@pytest.mark.parametrize("deletes", DELETE_MODES)
def test_all_readers_agree_after_each_operation(tmp_path, deletes):
    with_vectors = set()
    for operation, life in live(tmp_path, deletes):
        if has_vectors(life):
            with_vectors.add(operation)
        for reader in KNOW_VECTORS if has_vectors(life) else READERS:
            assert life.content_of(READERS[reader](life.table())) == life.expected(), (operation, reader)
        for reader in KNOW_NONE if has_vectors(life) else ():
            with pytest.raises(Exception, match="(?i)deletion ?vectors|not supported|unsupported"):
                READERS[reader](life.table())
        assert life.content_of_export() == life.expected_of_export(), operation
        assert life.collection.count() == len(life.visible()), operation
    assert ("delete_by_ids" in with_vectors) == ("delete_beside_vectors" in with_vectors) == (deletes != "rewrite")
    assert "fold_deletion_vectors" not in with_vectors
