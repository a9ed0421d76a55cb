"""The place of a box on its page: corners in order, and a state that says whether it can be drawn.

| state | when |
|---|---|
| `ON` | it lies on its page |
| `PARTLY` | a part of it lies off its page |
| `OFF` | all of it lies off its page |
| `NO_LAYOUT` | its page has no layout, or one without extent, so that its place is unknown |
| `INCOMPLETE` | an edge or the page is not given |

`TURNED` is added where the server gave the left edge to the right of the right one, or the top below the bottom.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final

from run_results_api.models import Document, PageLayout, SourceCoordinates

ON: Final = 0
PARTLY: Final = 1
OFF: Final = 2
NO_LAYOUT: Final = 3
INCOMPLETE: Final = 4
TURNED: Final = 8

Number = int | float
Sizes = Mapping[int, tuple[Number, Number]]
"""Width and height of the pages whose layout can be used, by page number."""
Placed = list[Number | None]
"""Page, left, top, right, bottom, state; None for what is not given."""


def short(value: object) -> Number | None:
    """A number of a drawing, to seven digits; None for anything else.

    >>> short(1012.0), short(0.1234567891), short("1")
    (1012, 0.1234568, None)
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        return None
    rounded = float(f"{value:.7g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def sizes(document: Document) -> dict[int, tuple[Number, Number]]:
    """The pages of a document that can be drawn. Where a page has two layouts, the first counts."""
    found: dict[int, tuple[Number, Number]] = {}
    layouts: Iterable[PageLayout] = document.page_layouts or ()
    for layout in layouts:
        width, height = short(layout.width), short(layout.height)
        if isinstance(layout.page_number, int) and width and height and width > 0 and height > 0:
            found.setdefault(layout.page_number, (width, height))
    return found


def place(box: SourceCoordinates, pages: Sizes) -> Placed:
    """The box with its corners in order, and its state.

    >>> place(SourceCoordinates(top_x=90, top_y=20, bottom_x=10, bottom_y=30, page_number=0), {0: (100, 100)})
    [0, 10, 20, 90, 30, 8]
    """
    page = box.page_number if isinstance(box.page_number, int) else None
    x1, y1, x2, y2 = (short(edge) for edge in (box.top_x, box.top_y, box.bottom_x, box.bottom_y))
    if page is None or x1 is None or y1 is None or x2 is None or y2 is None:
        return [page, x1, y1, x2, y2, INCOMPLETE]
    turned = TURNED if x1 > x2 or y1 > y2 else 0
    left, right = sorted((x1, x2))
    top, bottom = sorted((y1, y2))
    if page not in pages:
        return [page, left, top, right, bottom, NO_LAYOUT + turned]
    width, height = pages[page]
    if right < 0 or bottom < 0 or left > width or top > height:
        state = OFF
    elif left < 0 or top < 0 or right > width or bottom > height:
        state = PARTLY
    else:
        state = ON
    return [page, left, top, right, bottom, state + turned]
