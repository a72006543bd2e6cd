"""What an engine reaches at a recall, from the settings that were measured.

A client that takes one of two settings at random, query by query, reaches every point between them: its recall and its
time per query are both the weighted means. So the best that is reachable is the lower convex hull of the points (recall,
time per query), and interpolation on it is no guess.
"""

from __future__ import annotations


def hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The lower convex hull of (recall, seconds per query), from the fastest point to the one of highest recall."""
    lower: list[tuple[float, float]] = []
    for recall, seconds in sorted(set(points)):
        if lower and lower[-1][0] == recall:
            continue  # sorted: the first of equal recall is the fastest
        while len(lower) >= 2 and _is_above(lower[-2], lower[-1], (recall, seconds)):
            lower.pop()
        lower.append((recall, seconds))
    fastest = min(range(len(lower)), key=lambda index: (lower[index][1], -lower[index][0]), default=0)
    return lower[fastest:]


def _is_above(left, middle, right) -> bool:
    """Whether `middle` lies on or above the line from left to right."""
    return (middle[1] - left[1]) * (right[0] - left[0]) >= (right[1] - left[1]) * (middle[0] - left[0])


def seconds_at(points: list[tuple[float, float]], recall: float) -> float | None:
    """Seconds per query at this recall or better; None if no setting reaches it."""
    frontier = hull(points)
    if not frontier or frontier[-1][0] < recall:
        return None
    if frontier[0][0] >= recall:
        return frontier[0][1]
    for left, right in zip(frontier, frontier[1:]):
        if left[0] <= recall <= right[0]:
            share = (recall - left[0]) / (right[0] - left[0])
            return left[1] + share * (right[1] - left[1])
    return None


def neighbours(points: list[tuple[float, float]], recalls: tuple[float, ...]) -> list[int]:
    """Positions of the points that `seconds_at` goes by at these recalls: the ends of the hull's edges there."""
    frontier, chosen = hull(points), set()
    for recall in recalls:
        above = next((corner for corner in range(len(frontier)) if frontier[corner][0] >= recall), len(frontier) - 1)
        chosen.update(frontier[max(0, above - 1) : above + 1])
    return [position for position, point in enumerate(points) if point in chosen]


def worth_measuring(points: list[tuple[float, float]], lowest: float, enough: float, slack: float, count_max: int) -> list[int]:
    """Positions of the points that may lie on the hull between two recalls: those at most `slack` slower than it.

    Of the points above `enough` the fastest stays, of those below `lowest` the one of highest recall. At most `count_max`,
    the nearest to the hull.
    """
    useful = [position for position, (recall, _) in enumerate(points) if lowest <= recall <= enough]
    above = [position for position, (recall, _) in enumerate(points) if recall > enough]
    below = [position for position, (recall, _) in enumerate(points) if recall < lowest]
    if above:
        useful.append(min(above, key=lambda position: points[position][1]))
    if below:
        useful.append(max(below, key=lambda position: points[position]))
    chosen = [points[position] for position in useful]
    excess = {}
    for position in useful:
        best = seconds_at(chosen, points[position][0])
        excess[position] = points[position][1] / best - 1 if best else 0.0
    near = sorted((position for position in useful if excess[position] <= slack), key=excess.get)
    return sorted(near[:count_max])
