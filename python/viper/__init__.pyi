import datetime
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from .errors import (
    AlreadyExists as AlreadyExists,
    Busy as Busy,
    Cancelled as Cancelled,
    Conflict as Conflict,
    Corruption as Corruption,
    DeadlineExceeded as DeadlineExceeded,
    Error as Error,
    FailedPrecondition as FailedPrecondition,
    InvalidArgument as InvalidArgument,
    IoError as IoError,
    NotFound as NotFound,
    ResourceExhausted as ResourceExhausted,
    Unsupported as Unsupported,
    WrongType as WrongType,
)

__version__: str

Ids = Iterable[str | int]
Time = datetime.datetime | np.datetime64
Times = Iterable[Time | None]
# A text is "never".
Expiries = Iterable[Time | str | None]
# None: no record. One number goes with one id.
Versions = Sequence[int | None] | int
Duration = datetime.timedelta | float

class Filter:
    def __init__(self, text: str) -> None: ...

class SparseVector:
    indices: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float32]
    def __init__(self, indices: npt.ArrayLike, values: npt.ArrayLike) -> None: ...
    @staticmethod
    def from_dense(vector: npt.ArrayLike) -> SparseVector: ...
    def to_dense(self, dim: int) -> npt.NDArray[np.float32]: ...

def determine_storage_format(vector: npt.ArrayLike, threshold: float = 0.5) -> str: ...

class SparseMatrix(Protocol):
    """What scipy.sparse has: matrices and arrays of one or more rows."""

    def tocsr(self) -> Any: ...

SparseLike = SparseVector | Mapping[str, npt.ArrayLike] | SparseMatrix
# One vector; several, each of them dense or sparse.
Vector = npt.ArrayLike | SparseLike
Vectors = npt.ArrayLike | SparseMatrix | Sequence[Vector]

class WriteSummary:
    rows: int
    duplicates: int
    sequence: int

class Hit:
    id: str
    score: float
    distance: float
    metadata: dict[str, Any] | None
    vector: npt.NDArray[np.float32] | None
    sparse_vector: SparseVector | None

class Hits(Sequence[Hit]):
    ids: list[str]
    scores: list[float]
    distances: list[float]
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: SupportsIndex) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> list[Hit]: ...

class Record:
    id: str
    vector: npt.NDArray[np.float32]
    sparse_vector: SparseVector
    metadata: dict[str, Any]
    timestamp: datetime.datetime | None
    expires_at: datetime.datetime | None
    version: int

class _Readable:
    def get(self, id: str | int) -> Record: ...
    def count(self, filter: str | Filter | None = None) -> int: ...
    def search(
        self,
        query: Vector,
        k: int = 10,
        *,
        recall: float = 0.95,
        filter: str | Filter | None = None,
        exact: bool = False,
        with_metadata: bool = True,
        with_vectors: bool = False,
        select: Sequence[str] | None = None,
        nprobe: int | None = None,
        rerank: int | None = None,
        timeout: float | None = None,
    ) -> Hits: ...
    def search_batch(
        self,
        queries: Vectors,
        k: int = 10,
        *,
        recall: float = 0.95,
        filter: str | Filter | None = None,
        exact: bool = False,
        nprobe: int | None = None,
        rerank: int | None = None,
        timeout: float | None = None,
    ) -> tuple[list[list[str]], npt.NDArray[np.float32]]: ...
    def explain(
        self,
        query: Vector,
        k: int = 10,
        *,
        recall: float = 0.95,
        filter: str | Filter | None = None,
        exact: bool = False,
        nprobe: int | None = None,
        rerank: int | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]: ...
    def scroll(
        self,
        *,
        after: str = "",
        limit: int = 100,
        filter: str | Filter | None = None,
        with_vectors: bool = True,
    ) -> tuple[list[Record], str | None]: ...

class Snapshot(_Readable):
    version: int
    sequence: int

class Collection(_Readable):
    name: str
    dim: int
    metric: str
    fields: dict[str, str]
    default_ttl: datetime.timedelta | None
    def set_default_ttl(self, ttl: Duration | None) -> None: ...
    undeclared: str
    def set_undeclared(self, undeclared: str) -> None: ...
    retention_ms: int | None
    def set_retention_ms(self, retention_ms: int | None) -> None: ...
    def upsert(
        self,
        ids: Ids,
        vectors: Vectors,
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
        *,
        timestamps: Times | None = None,
        expires_at: Expiries | None = None,
        if_version: Versions | None = None,
    ) -> WriteSummary: ...
    def insert(
        self,
        ids: Ids,
        vectors: Vectors,
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
        *,
        timestamps: Times | None = None,
        expires_at: Expiries | None = None,
    ) -> WriteSummary: ...
    def replace(
        self,
        ids: Ids,
        vectors: Vectors,
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
        *,
        timestamps: Times | None = None,
        expires_at: Expiries | None = None,
    ) -> WriteSummary: ...
    def update(
        self,
        ids: Ids | str | None = None,
        *,
        filter: str | Filter | None = None,
        set: Mapping[str, Any] | Sequence[Mapping[str, Any] | None] | None = None,
        unset: Sequence[str] | None = None,
        replace_all: bool = False,
    ) -> WriteSummary: ...
    def delete(
        self,
        ids: Ids | str | None = None,
        *,
        filter: str | Filter | None = None,
        if_version: Versions | None = None,
    ) -> WriteSummary: ...
    def snapshot(self, *, version: int | None = None, time: Time | None = None) -> Snapshot: ...
    def versions(self) -> list[dict[str, Any]]: ...
    def add_fields(self, fields: Mapping[str, str]) -> dict[str, Any]: ...
    def widen_field(self, name: str, type: str = "float64") -> dict[str, Any]: ...
    def report_schema(self, *, sample_rows: int = 0) -> dict[str, Any]: ...
    def flush(self) -> None: ...
    def build_index(self, *, progress: Callable[[float], object] | None = None) -> None: ...
    def compact(
        self,
        *,
        dry_run: bool = False,
        everything: bool = False,
        fold_deletion_vectors: bool = False,
        part_bytes: int = 0,
        bytes_per_second: int = 0,
    ) -> dict[str, Any]: ...
    def vacuum(self, *, retention_ms: int = -1, dry_run: bool = False) -> dict[str, Any]: ...
    def predict_optimal_cluster(self, vector: Vector) -> dict[str, Any]: ...
    def predict_relevant_clusters(
        self, query: Vector, recall: float = 0.95, k: int = 10
    ) -> list[dict[str, Any]]: ...
    def index_report(self) -> dict[str, Any]: ...
    def refresh(self) -> None: ...
    def statistics(self) -> dict[str, Any]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Collection: ...
    def __exit__(self, *exception: object) -> None: ...

class Database:
    root: str
    def create_collection(
        self,
        name: str,
        dim: int,
        metric: str = "cosine",
        fields: Mapping[str, str] | None = None,
        *,
        default_ttl: Duration | None = None,
        undeclared: str = "keep",
        retention_ms: int | None = None,
        exist_ok: bool = False,
    ) -> Collection: ...
    def open_collection(self, name: str) -> Collection: ...
    def list_collections(self) -> list[str]: ...
    def drop_collection(self, name: str) -> None: ...
    def verify(self, name: str, *, memory_bytes: int = ...) -> dict[str, Any]: ...
    def repair(self, name: str, dry_run: bool = False, *, memory_bytes: int = ...) -> dict[str, Any]: ...
    def inspect(self, name: str) -> dict[str, Any]: ...
    def memory(self) -> dict[str, int]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Database: ...
    def __exit__(self, *exception: object) -> None: ...

def connect(
    path: str | bytes | os.PathLike[str],
    read_only: bool = False,
    *,
    durability: str = "sync",
    sync_interval_ms: int = 100,
    flush_bytes: int = ...,
    flush_age_ms: int = 60_000,
    background_flush: bool = True,
    background_index: bool = True,
    search_threads: int = 0,
    cache_bytes: int = ...,
    accept_loss_from: int = 0,
    index_min_rows: int = 1_000,
    index_byte_rows: bool = True,
    index_memory_bytes: int = ...,
    index_threads: int = 0,
    audit_share: float = 0.001,
    deletes: str = "auto",
    background_compaction: bool = True,
    part_bytes: int = ...,
    compaction_bytes_per_second: int = 0,
    retention_ms: int = 3_600_000,
    memory_limit: int = 0,
    write_timeout_ms: int = 60_000,
    compaction_interval_ms: int = 60_000,
    retained_versions: int = 1000,
    policy: str = "speed",
    compression: str = "adaptive",
    vector_cache_bytes: int = ...,
    vector_format: str = "adaptive",
    sparsity_threshold: float = 0.5,
    compaction_threads: int = 0,
) -> Database: ...
