"""A small pipeline: lists the fields of a run that failed, for the people who enter them by hand.

    python failed_fields.py RUN_ID FIELDS > failed.csv

The server and the token are read from RUN_RESULTS_BASE_URL and RUN_RESULTS_TOKEN. FIELDS is a text file with the
project's field names, one on each line.
"""

import csv
import sys
from collections.abc import Iterator
from typing import TextIO

from run_results import Client, NameMap, failed


def failed_fields(client: Client, run_id: str, names: NameMap) -> Iterator[tuple[str, str, str]]:
    """The file, the project's own field name and the reason, for every field that failed."""
    for file in client.files(run_id):
        for document in file.documents or ():
            for field in document.fields or ():
                if failed(field):
                    name = names.project_name(str(field.field_name), document.class_name or None)
                    yield file.original_file_name or "?", name, field.error_msg or "no reason given"


def main(arguments: list[str], out: TextIO) -> None:
    """Write the failed fields as CSV."""
    run_id, names = arguments
    with Client() as client:
        rows = list(failed_fields(client, run_id, NameMap.read(names)))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("file", "field", "reason"))
    writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:], sys.stdout)
