"""Answers made into pages, and what stands in a report, read by another parser than a browser's."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from run_results import Include, Page
from run_results.answer import read

Json = dict[str, Any]


def page_of(answer: Json, offset: int = 0) -> Page:
    """The page that a client makes of an answer."""
    body = json.dumps({"id": "run-1", "status": "COMPLETE", "has_more": False, **answer}).encode()
    return Page.of(read(body, Include.ALL), "run-1", offset, body, Include.ALL)


def document(*fields: Json, pages: int = 1, size: tuple[float, float] = (200, 100), **more: Any) -> Json:
    """A document with these fields and pages of this size."""
    layouts = [{"page_number": page, "width": size[0], "height": size[1]} for page in range(pages)]
    return {
        "class_name": "Invoice",
        "page_numbers": list(range(pages)),
        "page_layouts": layouts,
        "fields": list(fields),
    } | more


def one(*documents: Json, **more: Any) -> Page:
    """A page with one file that has these documents."""
    return page_of({"files": [{"original_file_name": "a.pdf", "documents": list(documents)}], **more})


def box(x1: float, y1: float, x2: float, y2: float, page: int = 0) -> Json:
    """A box."""
    return {"top_x": x1, "top_y": y1, "bottom_x": x2, "bottom_y": y2, "page_number": page}


class Reader(HTMLParser):
    """Reads a report: its scripts by kind, its text, and the tags and attributes that were met."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._inside: str | None = None
        self.feed(path.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = tag
            if tag == "script":
                self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = None if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif self._inside is None:
            self.text.append(data)

    @property
    def index(self) -> Json:
        """What stands once in the report."""
        ((_, text),) = (each for each in self.scripts if each[0].get("class") == "index")
        index: Json = json.loads(text)
        return index

    @property
    def documents(self) -> list[Json]:
        """The documents in it."""
        lists = [json.loads(text) for attributes, text in self.scripts if attributes.get("class") == "documents"]
        return [each for chunk in lists for each in chunk]
