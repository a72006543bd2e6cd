"""Qdrant Edge: a shard of Qdrant in this process, HNSW over 8-bit codes with rescoring by the floats."""

import numpy as np

from .rival import K, Contender, Rival, Shape, field_types, geometric, pairs

POINTS_PER_UPDATE = 5_000
SEARCH_THREADS = 1


class QdrantEdge(Rival):
    distribution = "qdrant-edge-py"
    environment = "databases"
    is_database = True
    can_add = is_concurrent = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        parameters = {"m": 16, "ef_construct": 128, "codes": "int8"}
        return [Contender("qdrant-edge", "Qdrant Edge int8 M16 efc128", parameters)]

    def prepared(self, vectors):
        return vectors  # its cosine normalises

    def load_libraries(self):
        import qdrant_edge

        self.qdrant = qdrant_edge

    def build(self, metadata):
        self.folder.joinpath("shard").mkdir()
        self.shard = self.qdrant.EdgeShard.create(str(self.folder / "shard"), self._config())
        for name, kind in field_types(metadata).items():
            schema = getattr(self.qdrant.PayloadSchemaType, SCHEMAS[kind])
            self.shard.update(self.qdrant.UpdateOperation.create_field_index(name, schema))
        self.add(0, self.rows(), metadata)
        self.index_added()
        self.shard.close()

    def _config(self):
        qdrant, parameters = self.qdrant, self.parameters
        distance = {"cosine": qdrant.Distance.Cosine, "l2": qdrant.Distance.Euclid}[self.shape.metric]
        return qdrant.EdgeConfig(
            vectors=qdrant.EdgeVectorParams(size=self.shape.dim, distance=distance),
            hnsw_config=qdrant.HnswIndexConfig(
                m=parameters["m"], ef_construct=parameters["ef_construct"], full_scan_threshold=10, max_indexing_threads=1
            ),
            quantization_config=qdrant.ScalarQuantizationConfig(qdrant.ScalarType.Int8, quantile=0.99, memory=qdrant.Memory.Pinned),
            optimizers=qdrant.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
            max_search_threads=SEARCH_THREADS,
        )

    def add(self, first_id, vectors, metadata):
        point, names = self.qdrant.Point, list(metadata)
        for first in range(0, len(vectors), POINTS_PER_UPDATE):
            last = min(first + POINTS_PER_UPDATE, len(vectors))
            payloads = [{name: metadata[name][row] for name in names} for row in range(first, last)]
            points = [point(first_id + first + position, vectors[first + position].tolist(), payload) for position, payload in enumerate(payloads)]
            self.shard.update(self.qdrant.UpdateOperation.upsert_points(points))
        self.shard.flush()

    def index_added(self):
        while self.shard.optimize():
            pass

    def open(self):
        self.shard = self.qdrant.EdgeShard.load(str(self.folder / "shard"))

    def unindexed_rows(self):
        info = self.shard.info()
        return info.points_count - info.indexed_vectors_count

    def settings(self):
        # Without oversampling the codes stall below recall 0.96 on words-50k-100.
        return pairs("hnsw_ef", geometric(10, 640, 1.5), "oversampling", [1.0, 2.0, 4.0])

    def apply(self, setting):
        quantization = self.qdrant.QuantizationSearchParams(rescore=True, oversampling=setting["oversampling"])
        self.search_parameters = self.qdrant.SearchParams(hnsw_ef=setting["hnsw_ef"], quantization=quantization)

    def single(self):
        return self._search(None)

    def filtered(self, filter):
        return self._search(self.qdrant.Filter(must=[self._condition(condition) for condition in filter.comparisons()]))

    def _search(self, condition):
        search, request, nearest, parameters = self.shard.search, self.qdrant.SearchRequest, self.qdrant.Query.Nearest, self.search_parameters
        return lambda query: search(request(nearest(query.tolist()), K, filter=condition, params=parameters, with_payload=False))

    def _condition(self, condition):
        match, between = self.qdrant.MatchValue, self.qdrant.RangeFloat
        if condition.operator in ("=", "contains"):
            return self.qdrant.FieldCondition(condition.field, match=match(condition.value))
        if isinstance(condition.value, str):
            raise ValueError(f"no ranges of text: {condition}")
        return self.qdrant.FieldCondition(condition.field, range=between(**{RANGES[condition.operator]: condition.value}))

    def ids(self, answer):
        return np.array([point.id for point in answer])


SCHEMAS = {"int64": "Integer", "float64": "Float", "string": "Keyword", "list<string>": "Keyword"}
RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
