"""Text to vectors without a download: TF-IDF over stemmed words, reduced to 256 dimensions by a truncated SVD.

The model is two plain files (vocabulary and arrays), so that a question can be embedded later with NumPy alone, in a
few milliseconds and without scikit-learn.
"""

import functools
import itertools
import json
import re
from collections import Counter

import numpy as np

DIM = 256
# Words of the name and the summary count again: they say more about a definition than the rest of its text.
NAME_WEIGHT = 2
SUMMARY_WEIGHT = 1
# Rarity to this power: with less, words such as "compute" outweigh what is computed.
IDF_POWER = 2
MIN_DOCUMENTS = 3
MAX_DOCUMENT_SHARE = 0.25

STOP_WORDS = frozenset(
    """a an and any are as at be been but by can could do does for from had has have how i if in into is it its may me
    more must my no not of on one only or other our out same see should so some such than that the their them then
    there these they this those to under up use used uses using was we were what when where which who why will with
    would you your""".split()
)

WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*|[0-9]+[A-Za-z]+")
CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
# Longest first; what is left must keep at least three letters.
SUFFIXES = (
    ("ization", "ize"), ("isation", "ize"), ("ational", "ate"), ("fulness", "ful"), ("iveness", "ive"),
    ("ements", ""), ("ations", "ate"), ("ation", "ate"), ("ators", "ate"), ("ement", ""), ("ments", ""), ("ator", "ate"),
    ("ingly", ""), ("ness", ""), ("ment", ""), ("ings", ""), ("ical", "ic"), ("ions", ""), ("edly", ""), ("ible", ""),
    ("able", ""), ("ally", "al"), ("ies", "y"), ("ied", "y"), ("ing", ""), ("ion", ""), ("ers", ""), ("ors", ""),
    ("ed", ""), ("es", ""), ("er", ""), ("or", ""), ("ly", ""), ("s", ""),
)


def stem(word):
    """Cut English endings, so that `computing`, `computes` and `computed` meet. Light: no dictionary."""
    if len(word) <= 3 or word.endswith("ss"):
        return word
    for suffix, replacement in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: len(word) - len(suffix)] + replacement
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]  # running -> runn -> run
    return word[:-1] if len(word) > 3 and word[-1] == "e" else word


@functools.cache
def stems_of(token):
    """Stems of a token, a short word or identifier. Few are different: a corpus of a million has some ten thousand."""
    pieces = CAMEL.findall(token)
    lowered = token.lower()
    stems = [lowered] if len(pieces) > 1 else []
    for piece in pieces if len(pieces) > 1 else [lowered]:
        piece = piece.lower()
        if len(piece) > 1 and piece not in STOP_WORDS:
            stems.append(stem(piece))
    return tuple(stems)


def words_of(text):
    """Stems of a text's words; identifiers in snake_case and CamelCase count as their parts and as a whole."""
    return itertools.chain.from_iterable(map(stems_of, WORD.findall(text.replace("_", " "))))


def weighted_counts(entry):
    counts = Counter(words_of(entry.text))
    for word in words_of(entry.summary):
        counts[word] += SUMMARY_WEIGHT
    for word in words_of(entry.name):
        counts[word] += NAME_WEIGHT
    for word in words_of(entry.module):
        counts[word] += 1
    return counts


def normalised(rows):
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return (rows / np.where(norms == 0, 1, norms)).astype(np.float32)


class Model:
    """Embeds texts as unit vectors of DIM floats."""

    def __init__(self, vocabulary, idf, components):
        self.vocabulary = vocabulary
        self.idf = idf
        self.components = components

    def embed(self, text):
        """The vector of a question; zero if no word of it is known."""
        counts = Counter(word for word in words_of(text) if word in self.vocabulary)
        columns = np.array([self.vocabulary[word] for word in counts], dtype=np.int64)
        weights = (1 + np.log(np.array(list(counts.values()), dtype=np.float64))) * self.idf[columns]
        return normalised(weights @ self.components[columns])

    def save(self, folder):
        np.savez(folder / "model.npz", idf=self.idf, components=self.components)
        (folder / "vocabulary.json").write_text(json.dumps(sorted(self.vocabulary, key=self.vocabulary.get)))

    @classmethod
    def load(cls, folder):
        words = json.loads((folder / "vocabulary.json").read_text())
        with np.load(folder / "model.npz", allow_pickle=False) as arrays:
            return cls({word: i for i, word in enumerate(words)}, arrays["idf"], arrays["components"])


def train(entries):
    """Return (model, vectors): one unit row of DIM floats per entry."""
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD

    documents = [weighted_counts(entry) for entry in entries]
    frequency = Counter(word for document in documents for word in document)
    limit = MAX_DOCUMENT_SHARE * len(entries)
    vocabulary = {word: i for i, word in enumerate(sorted(w for w, n in frequency.items() if MIN_DOCUMENTS <= n <= limit))}
    idf = np.empty(len(vocabulary))
    for word, column in vocabulary.items():
        idf[column] = np.log((1 + len(entries)) / (1 + frequency[word])) ** IDF_POWER

    values, columns, offsets = [], [], [0]
    for document in documents:
        known = [(vocabulary[word], count) for word, count in document.items() if word in vocabulary]
        columns.extend(column for column, _ in known)
        values.extend(count for _, count in known)
        offsets.append(len(columns))
    columns = np.array(columns, dtype=np.int64)
    matrix = csr_matrix(((1 + np.log(values)) * idf[columns], columns, offsets), shape=(len(entries), len(vocabulary)))
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1)).A1
    # Single precision is what the vectors have in the end, and the decomposition takes most of the time.
    matrix = matrix.multiply((1 / np.where(lengths == 0, 1, lengths))[:, None]).tocsr().astype(np.float32)

    reduction = TruncatedSVD(n_components=DIM, random_state=20261122, n_iter=4)
    vectors = normalised(reduction.fit_transform(matrix))
    components = np.ascontiguousarray(reduction.components_.T.astype(np.float32))
    return Model(vocabulary, idf, components), vectors
