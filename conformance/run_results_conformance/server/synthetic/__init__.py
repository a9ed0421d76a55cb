"""Synthetic runs of any size. They are computed, not stored: each file depends only on the seed and its index.

They look like the documents that a lender gets: tax forms, driving licences, invoices and bank statements, in several
scripts. They have what makes real results difficult: failed fields, null and low confidences, corrected values,
values with several lines and boxes, files without documents, documents without a class, and names with underscores,
apostrophes, leading digits and letters beyond ASCII. Everything is made up: names are random combinations from two
short lists, tax numbers are from ranges that are never issued, and account numbers have wrong check digits.
"""

from .run import SyntheticRun
from .store import example_store

__all__ = ["SyntheticRun", "example_store"]
