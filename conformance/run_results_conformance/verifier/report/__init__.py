"""What a verification found (`model`), and the four forms that it is written in."""

from .html_report import to_html
from .json_report import to_json
from .junit_report import to_junit
from .model import Failure, Outcome, Report, Verdict
from .text_report import terminal_lines, to_text

__all__ = (
    "Failure",
    "Outcome",
    "Report",
    "Verdict",
    "terminal_lines",
    "to_html",
    "to_json",
    "to_junit",
    "to_text",
)
