"""The engines that are compared, by name. A module is imported in the process that measures it and nowhere else."""

from __future__ import annotations

import importlib

from .rival import Contender, Rival, Shape

# Name -> (module, class).
RIVALS = {
    "viper": ("viper_rival", "Viper"),
    "numpy": ("numpy_rival", "NumPy"),
    "hnswlib": ("hnswlib_rival", "Hnswlib"),
    "faiss-ivfpq": ("faiss_rival", "FaissIvfPq"),
    "faiss-rabitq": ("faiss_rival", "FaissRaBitQ"),
    "faiss-hnsw": ("faiss_rival", "FaissHnsw"),
    "usearch": ("usearch_rival", "USearch"),
    "scann": ("scann_rival", "Scann"),
    "svs": ("svs_rival", "Svs"),
    "glass": ("glass_rival", "Glass"),
    "symphonyqg": ("symphonyqg_rival", "SymphonyQg"),
    "qdrant-edge": ("qdrant_rival", "QdrantEdge"),
    "lancedb": ("lance_rival", "LanceDb"),
    "zvec": ("zvec_rival", "Zvec"),
    "duckdb": ("duckdb_rival", "DuckDb"),
    "sqlite-vec": ("sqlite_vec_rival", "SqliteVec"),
    "milvus-lite": ("milvus_rival", "MilvusLite"),
    "chroma": ("chroma_rival", "Chroma"),
}


def rival_class(name: str) -> type[Rival]:
    module, class_name = RIVALS[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), class_name)


def contenders(name: str, shape: Shape) -> list[Contender]:
    return rival_class(name).contenders(shape)
