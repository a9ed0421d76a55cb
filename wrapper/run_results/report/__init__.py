"""A run as one HTML file to look at: what is doubtful, and where it stands on the page. Needs `run-results[report]`.

    from run_results import Client, Include, NameMap
    from run_results.report import folder, write_report

    with Client() as client:
        pages = client.pages(run_id, include=Include.ALL)
        write_report(pages, "report.html", names=NameMap.read("fields.txt"), images=folder("pictures"))

The file needs nothing else and asks for nothing: its script and style stand in it, its Content-Security-Policy allows
these two by their hashes and no other, and all that came from a server is data in it. It holds no token and no context.

`build` makes the file, `compact` the data in it, `summary` what is counted, `boxes` and `images` what is drawn, `text`
makes it all harmless; `report.html.jinja`, `report.css` and `report.js` are the page.
"""

from run_results.report.build import Written, write_report
from run_results.report.images import Images, folder

__all__ = ["Images", "Written", "folder", "write_report"]
