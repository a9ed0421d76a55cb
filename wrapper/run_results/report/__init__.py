"""A run as one HTML file for people: which fields need a look, and where they stand on the page.

    from run_results import Client, Include, NameMap
    from run_results.report import folder, write_report

    with Client() as client:
        pages = client.pages(run_id, include=Include.ALL)
        write_report(pages, "report.html", names=NameMap.read("fields.txt"), images=folder("pictures"))

It needs the extra `run-results[report]`. The file needs no other file and loads nothing: its script and style stand in
it, its Content-Security-Policy allows these two by their hashes and no other, and everything from a server is data in
it. It contains no token and no context.

`build` writes the file, `compact` makes the data in it, `summary` counts, `tiles` says what needs a look, `boxes` and
`images` prepare what is drawn, `facts` describes the run, and `template` makes the HTML around the data from
`report.html.jinja`, `report.css` and the parts of the script in `script/`.
"""

from run_results.report.build import Written, write_report
from run_results.report.images import Images, folder

__all__ = ["Images", "Written", "folder", "write_report"]
