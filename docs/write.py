"""Write what the pages of docs/ have from code: `python docs/write.py`. It is the last step of `make generate`.

Tests compare the pages with the code, so that a page that was not written anew is found.
"""

from pathlib import Path

from run_results.tables.schema import reference
from run_results_conformance.verifier.rules import markdown

HERE = Path(__file__).resolve().parent
SCHEMA = "<!-- schema -->\n\n"


def main() -> None:
    """Write the pages."""
    tables = HERE / "tables.md"
    above, mark, _ = tables.read_text("utf-8").partition(SCHEMA)
    tables.write_text(above + mark + reference(), "utf-8")
    (HERE / "rules.md").write_text(markdown(), "utf-8")
    print("wrote docs/tables.md and docs/rules.md")


if __name__ == "__main__":
    main()
