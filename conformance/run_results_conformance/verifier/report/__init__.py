"""What a verification found (`model`), and the forms that it is written in."""

from .annotations import to_annotations
from .html_report import to_html
from .json_report import to_json
from .junit_report import to_junit
from .model import Failure, Outcome, Report, Verdict
from .sarif_report import to_sarif
from .summary_report import LARGEST_SUMMARY, to_summary
from .text_report import terminal_lines, to_text

__all__ = (
    "LARGEST_SUMMARY",
    "Failure",
    "Outcome",
    "Report",
    "Verdict",
    "terminal_lines",
    "to_annotations",
    "to_html",
    "to_json",
    "to_junit",
    "to_sarif",
    "to_summary",
    "to_text",
)
