"""The filters of the sets, read from their text into conditions that every engine's adapter can say in its own language.

    kind = 'camel'        rank < 1000        year BETWEEN 1990 AND 1999        'Comedy' IN genres        ... AND ...
"""

from __future__ import annotations

import dataclasses
import operator
import re


@dataclasses.dataclass(frozen=True)
class Condition:
    field: str
    operator: str  # "=", "<", "<=", ">", ">=", "between" (both ends included), "contains" (an element of a list)
    value: object
    upper: object = None  # of between


@dataclasses.dataclass(frozen=True)
class Filter:
    """All conditions hold."""

    text: str
    conditions: tuple[Condition, ...]

    def fields(self) -> list[str]:
        return sorted({condition.field for condition in self.conditions})

    def comparisons(self) -> tuple[Condition, ...]:
        """The conditions with `between` as the two comparisons that it stands for."""
        plain = []
        for condition in self.conditions:
            if condition.operator == "between":
                plain += [Condition(condition.field, ">=", condition.value), Condition(condition.field, "<=", condition.upper)]
            else:
                plain.append(condition)
        return tuple(plain)

    def without_between(self) -> Filter:
        return Filter(self.text, self.comparisons())


_COMPARE = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def matches(filter: Filter, metadata: dict) -> bool:
    """Whether the metadata of a row meet all conditions; a missing value meets none."""
    return all(_meets(condition, metadata.get(condition.field)) for condition in filter.comparisons())


def _meets(condition: Condition, value: object) -> bool:
    if value is None:
        return False
    return condition.value in value if condition.operator == "contains" else _COMPARE[condition.operator](value, condition.value)


_LITERAL = r"'(?:[^']|'')*'|-?\d+(?:\.\d+)?"
_BETWEEN = re.compile(rf"\s*(\w+)\s+BETWEEN\s+({_LITERAL})\s+AND\s+({_LITERAL})\s*(?:AND\b|$)")
_IN_LIST = re.compile(rf"\s*({_LITERAL})\s+IN\s+(\w+)\s*(?:AND\b|$)")
_COMPARISON = re.compile(rf"\s*(\w+)\s*(<=|>=|=|<|>)\s*({_LITERAL})\s*(?:AND\b|$)")


def parse(text: str) -> Filter:
    conditions, position = [], 0
    while position < len(text):
        if match := _BETWEEN.match(text, position):
            conditions.append(Condition(match[1], "between", literal(match[2]), literal(match[3])))
        elif match := _IN_LIST.match(text, position):
            conditions.append(Condition(match[2], "contains", literal(match[1])))
        elif match := _COMPARISON.match(text, position):
            conditions.append(Condition(match[1], match[2], literal(match[3])))
        else:
            raise ValueError(f"cannot read the filter {text!r} from position {position}")
        position = match.end()
    return Filter(text, tuple(conditions))


def literal(text: str) -> object:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return float(text) if "." in text else int(text)


def sql(filter: Filter, contains: str, quote: str = "", equals: str = "=") -> str:
    """SQL text. `contains` is a format for an element in a list, such as `array_has({field}, {value})`, where {field} is
    quoted and {name} is not; `quote` stands around the names of columns."""
    return " AND ".join(_sql_condition(condition, contains, quote, equals) for condition in filter.conditions)


def _sql_condition(condition: Condition, contains: str, quote: str, equals: str) -> str:
    field, value = f"{quote}{condition.field}{quote}", _sql_literal(condition.value)
    if condition.operator == "between":
        return f"{field} BETWEEN {value} AND {_sql_literal(condition.upper)}"
    if condition.operator == "contains":
        return contains.format(field=field, name=condition.field, value=value)
    return f"{field} {equals if condition.operator == '=' else condition.operator} {value}"


def _sql_literal(value: object) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def field_kind(values: list) -> str:
    """The type of a metadata column from its values: int64, float64, string or list<string>."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int}:
        return "int64"
    if kinds <= {int, float}:
        return "float64"
    return "list<string>" if kinds == {list} else "string"
