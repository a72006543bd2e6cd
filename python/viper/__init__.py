"""VIPER: a vector database whose collections are open Delta Lake tables.

    import viper

    db = viper.connect("lake")
    films = db.create_collection("films", dim=3, metric="cosine", fields={"year": "int64"})
    films.upsert(ids=["alien", "heat"], vectors=[[0.9, 0.1, 0.4], [0.1, 0.8, 0.2]], metadata=[{"year": 1979}, {"year": 1995}])
    for hit in films.search([1, 0, 0.5], k=5, filter="year < 1990"):
        print(hit.id, hit.score, hit.metadata)

Vectors go in and come out as NumPy arrays of float32. Calls release the interpreter lock while the engine works, and
every object may be used from many threads.
"""

try:
    from . import _viper
except ImportError as error:
    from ._arrow import load_arrow

    load_arrow(error)

from ._viper import (
    Collection,
    Database,
    Filter,
    Hit,
    Hits,
    Record,
    Snapshot,
    SparseVector,
    WriteSummary,
    __version__,
    connect,
    determine_storage_format,
)
from .errors import (
    AlreadyExists,
    Busy,
    Cancelled,
    Conflict,
    Corruption,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    InvalidArgument,
    IoError,
    NotFound,
    ResourceExhausted,
    Unsupported,
    WrongType,
)

__all__ = [
    "AlreadyExists",
    "Busy",
    "Cancelled",
    "Collection",
    "Conflict",
    "Corruption",
    "Database",
    "DeadlineExceeded",
    "Error",
    "FailedPrecondition",
    "Filter",
    "Hit",
    "Hits",
    "InvalidArgument",
    "IoError",
    "NotFound",
    "Record",
    "ResourceExhausted",
    "Snapshot",
    "SparseVector",
    "Unsupported",
    "WriteSummary",
    "WrongType",
    "__version__",
    "connect",
    "determine_storage_format",
]
