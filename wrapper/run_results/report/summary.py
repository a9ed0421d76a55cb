"""The counts of a report, by class and by field name. Their size grows with the number of these, not with the files.

`run_results.counts` counts; here the fields are grouped, and their confidences become histograms.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from attrs import Factory, define, frozen
from msgspec import field as attribute

from run_results import CaseField, Document, Drift, Field, NameMap, Page, Unset
from run_results.counts import Counts, FieldCounts
from run_results.fields import failed, is_edited, is_invalid, lowest_score
from run_results.text import encodable

FAILED, INVALID, EDITED = 1, 2, 4
"""The marks of a field; see `run_results.fields`."""

BINS = 20
BANDS = ((0.5, "low"), (0.8, "medium"), (0.95, "good"), (1.0, "high"))
"""Confidences by their upper bounds, each with its name. A bound belongs to the band above it, 1 to the last."""
MOST_CLASSES = 300
MOST_FIELDS = 300
MOST_DRIFT = 200
_KEPT_DRIFT = 2000
_INDEX = re.compile(r"\[\d+\]")


def confidence(field: Field | CaseField) -> float | None:
    """The confidence of a field in a report: its lowest score, from 0 to 1; None where it has none."""
    score = lowest_score(field)
    return None if score is None else min(1.0, max(0.0, score))


def marks(field: Field | CaseField) -> int:
    """The marks of a field, as a sum of the constants."""
    return FAILED * failed(field) + INVALID * is_invalid(field) + EDITED * is_edited(field)


class Histogram(FieldCounts):
    """Counts of fields, and their confidences in `BINS` bins of the same width."""

    bins: list[int] = attribute(default_factory=lambda: [0] * BINS)
    lowest: float | None = None

    def add(self, fields: Sequence[Field | CaseField], threshold: float | None) -> None:
        """Count these fields."""
        super().add(fields, threshold)
        for score in (score for each in fields if (score := confidence(each)) is not None):
            self.bins[min(int(score * BINS + 1e-9), BINS - 1)] += 1
            self.lowest = score if self.lowest is None else min(self.lowest, score)

    @property
    def scored(self) -> int:
        """How many fields had a score."""
        return sum(self.bins)

    @property
    def bars(self) -> Iterator[tuple[str, str]]:
        """The histogram as a path for each band, with the band's name; 100 wide and 30 high."""
        most, width = max(self.bins) or 1, 100 / BINS
        start = 0
        for bound, name in BANDS:
            stop = round(bound * BINS)
            bars = [
                f"M{index * width + 0.4:g} 30v-{height:g}h{width - 0.8:g}v{height:g}z"
                for index in range(start, stop)
                if (height := round(max(30 * self.bins[index] / most, 1.2), 2)) and self.bins[index]
            ]
            start = stop
            if bars:
                yield name, "".join(bars)


@frozen
class Named:
    """A class, or a field of a class, with its histogram."""

    class_name: str | Unset | None
    histogram: Histogram
    api_name: str = ""
    label: str = ""
    documents: int = 0
    """Of a class, how many documents it has."""

    @property
    def class_label(self) -> str:
        """The class as people read it."""
        return class_label(self.class_name)


@define
class DriftKind:
    """Places that left the contract in the same way: their paths differ in nothing but indexes."""

    path: str
    expected: str
    is_breach: bool
    first: str
    """The first of them as text."""
    count: int = 0


def class_label(class_name: str | Unset | None) -> str:
    """A class as people read it."""
    return class_name if isinstance(class_name, str) else "not classified" if class_name is None else "class not given"


@define
class Summary:
    """All counts of a report."""

    threshold: float
    counts: Counts = Factory(lambda self: Counts(self.threshold), takes_self=True)
    fields: Histogram = Factory(Histogram)
    by_class: dict[str | Unset | None, Histogram] = Factory(dict)
    by_field: dict[tuple[str | Unset | None, str], Histogram] = Factory(dict)
    class_documents: Counter[str | Unset | None] = Factory(Counter)
    drift: dict[tuple[str, str], DriftKind] = Factory(dict)
    drift_count: int = 0
    drift_kinds_dropped: int = 0

    def add_page(self, page: Page) -> None:
        """Count a page."""
        self.counts.add(page)
        for document in (document for file in page.files for document in file.documents or ()):
            self._add_document(document)
        self._add_drift(page.drift)

    def _add_document(self, document: Document) -> None:
        class_name, fields = document.class_name, document.fields or []
        self.class_documents[class_name] += 1
        for histogram in (self.fields, self.by_class.setdefault(class_name, Histogram())):
            histogram.add(fields, self.threshold)
        for each in fields:
            name = each.field_name if isinstance(each.field_name, str) else ""
            self.by_field.setdefault((class_name, name), Histogram()).add([each], self.threshold)

    def _add_drift(self, places: Iterable[Drift]) -> None:
        for place in places:
            self.drift_count += 1
            key = (_INDEX.sub("[*]", place.path), place.expected)
            kind = self.drift.get(key)
            if kind is None:
                if len(self.drift) >= _KEPT_DRIFT:  # a server that invents a new key for every place
                    self.drift_kinds_dropped += 1
                    continue
                kind = self.drift[key] = DriftKind(*key, place.is_breach, str(place))
            kind.count += 1

    @property
    def classes(self) -> list[Named]:
        """The classes found, the most frequent first, at most `MOST_CLASSES`."""
        return [
            Named(name, self.by_class.get(name, Histogram()), documents=number)
            for name, number in self.class_documents.most_common(MOST_CLASSES)
        ]

    def named_fields(self, names: NameMap | None) -> list[Named]:
        """The field names found, those with most fields that need a look first, at most `MOST_FIELDS`."""
        worst = sorted(self.by_field.items(), key=lambda item: _trouble(item[1]), reverse=True)
        return [
            Named(class_name, histogram, name, encodable(label(names, name, class_name)))
            for (class_name, name), histogram in worst[:MOST_FIELDS]
        ]

    @property
    def drift_kinds(self) -> list[DriftKind]:
        """The kinds of drift: breaches first, then by number."""
        return sorted(self.drift.values(), key=lambda kind: (not kind.is_breach, -kind.count))[:MOST_DRIFT]


def _trouble(histogram: Histogram) -> tuple[float, float]:
    """How much needs a look: the share of fields that do, then how low the mean confidence is."""
    middles = sum((index + 0.5) / BINS * number for index, number in enumerate(histogram.bins))
    mean = middles / histogram.scored if histogram.scored else 1.0
    return (histogram.failed + histogram.invalid + histogram.unsure) / histogram.total, -mean


def label(names: NameMap | None, api_name: str, class_name: str | Unset | None) -> str:
    """The project's name of a field where names were given, else the API name."""
    return api_name if names is None else names.label(api_name, class_name if isinstance(class_name, str) else None)
