"""Titles of columns, all different, also for an engine that ignores case or Unicode form (`text.fold`)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from run_results.text import fold


def unique_titles(wishes: Sequence[Sequence[str]], taken: Iterable[str] = ()) -> list[str]:
    """A title for each column: its first wish that is not taken and that no other column has among the same ones.

    Where two columns have the same wish, neither gets it, so that nobody reads the one for the other. A column without
    a wish left gets its last one with `_` behind it, or `_2`, `_3` and so on. Such columns are numbered in the order of
    that wish, so that it does not matter which came first.

    >>> unique_titles([("due date", "due_date"), ("due date", "due_date_"), ("total", "total")], ["total"])
    ['due_date', 'due_date_', 'total_']
    >>> unique_titles([("Total",), ("TOTAL",), ("tax",)])
    ['Total_2', 'TOTAL_', 'tax']
    """
    titles = [""] * len(wishes)
    used = set(map(fold, taken))
    left = list(range(len(wishes)))
    for rank in range(max(map(len, wishes), default=0)):
        folded = {index: fold(wishes[index][rank]) for index in left if rank < len(wishes[index])}
        count = Counter(folded.values())
        for index, title in folded.items():
            if count[title] == 1 and title not in used:
                titles[index] = wishes[index][rank]
        used.update(folded.values())  # also those that nobody got
        left = [index for index in left if not titles[index]]
    tried = Counter[str]()
    for index in sorted(left, key=lambda index: (wishes[index][-1], index)):
        wish = wishes[index][-1]
        title = f"{wish}_"
        while fold(title) in used:
            tried[fold(wish)] += 1
            title = f"{wish}_{tried[fold(wish)] + 1}"
        used.add(fold(title))
        titles[index] = title
    return titles
