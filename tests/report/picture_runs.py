"""The invented runs that the pictures of the documentation show.

The invoices are drawn as web pages. So the browser that takes their pictures also knows where their texts stand. The
intake is a synthetic run, which gets faults that come again and again, long addresses and long errors.
"""

import random
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from run_results import NameMap, sanitize
from run_results.report import write_report
from run_results_conformance.server.synthetic import SyntheticRun

from .kit import Json, page_of

SIZE = (850, 1100)
STYLE = """
body { margin: 0; width: 850px; height: 1100px; font: 17px/1.5 serif; color: #23262b; background: #fffefb }
.at { position: absolute } .big { font-size: 30px; letter-spacing: 1px } .soft { color: #777 }
hr { position: absolute; left: 70px; width: 710px; border: 0; border-top: 1px solid #999 }
"""
SELLERS = ("Northwind Foundry", "Müller & Söhne", "Exemple Sàrl", "Harbour Tools Ltd")
BUYERS = ("Okafor Consulting", "Ångström Façades", "Núñez e Hijos")
GOODS = ("Pipe 3/4 in", "Façade repair", "Bolts No. 7", "Translation", "Coffee, 20 l", "Copper sheet")


def invoice(browser: Browser, number: int, choose: random.Random) -> tuple[Json, bytes]:
    """A document as the API would have it, and the picture of its page."""
    lines = [(choose.choice(GOODS), choose.randint(1, 40), choose.randint(200, 9000) / 100) for _ in range(5)]
    total = sum(count * price for _, count, price in lines)
    texts = {
        "seller": (choose.choice(SELLERS), 70, 70, "big"),
        "bill to": (
            choose.choice(BUYERS) + "\n" + f"{choose.randint(1, 90)} Elm Street\n40{number:03d} Springfield",
            70,
            190,
            "",
        ),
        "invoice no.": (f"{choose.choice('ABC')}-{choose.randint(1000, 9999)}", 560, 190, ""),
        "invoice date": (f"2025-0{choose.randint(1, 9)}-1{number % 9}", 560, 220, ""),
        "due_date": (f"2025-1{number % 3}-0{choose.randint(1, 9)}", 560, 250, ""),
        "line items": ("\n".join(f"{count} × {what}" for what, count, _ in lines), 70, 420, ""),
        "subtotal": (f"{total:,.2f}", 690, 640, "end"),
        "tax (8 %)": (f"{total * 0.08:,.2f}", 690, 670, "end"),
        "total incl. tax": (f"{total * 1.08:,.2f}", 690, 710, "end"),
        "IBAN": (f"XX00 {choose.randint(1000, 9999)} {choose.randint(1000, 9999)} 3", 70, 980, ""),
    }
    labels = [("Invoice", 560, 75, "big soft"), ("Total", 580, 710, "")]
    labels += [(text, 470, y, "soft") for text, y in (("No.", 190), ("Date", 220), ("Due", 250))]
    labels += [(text, 580, y, "soft") for text, y in (("Subtotal", 640), ("Tax", 670))]

    def piece(text: str, x: int, y: int, kind: str, key: str = "") -> str:
        inner = "<br>".join(
            f'<span class="line" data-key="{escape(key)}">{escape(each)}</span>' for each in text.split("\n")
        )
        return f'<div class="at {kind}" style="left:{x}px;top:{y}px">{inner}</div>'

    html = "".join(
        [
            f"<style>{STYLE}</style>",
            *(piece(*label) for label in labels),
            *(piece(*text, key) for key, text in texts.items()),
        ]
    )
    page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
    page.set_content(html + "<hr style='top:385px'><hr style='top:610px'>")
    script = """all => all.filter(e => e.dataset.key).map(e => { const r = e.getBoundingClientRect();
      return [e.dataset.key, r.left - 3, r.top, r.right + 3, r.bottom] })"""
    where: dict[str, list[Json]] = {}
    for key, x1, y1, x2, y2 in page.locator(".line").evaluate_all(script):
        corners = {"top_x": x1, "top_y": y1, "bottom_x": x2, "bottom_y": y2, "page_number": 0}
        where.setdefault(key, []).append(corners)
    picture = page.screenshot()
    page.close()
    fields = [field(key, text[0], where[key], choose) for key, text in texts.items()]
    valid = all(each["validations"]["valid"] for each in fields)
    layout = {"page_number": 0, "width": SIZE[0], "height": SIZE[1]}
    return {
        "class_name": "Invoice",
        "page_numbers": [0],
        "page_layouts": [layout],
        "fields": fields,
        "validations": {"final_result_pass": valid},
        "classification_confidence": {"model": round(choose.uniform(0.86, 0.999), 3)},
        "review_completed": number % 3 == 0,
    }, picture


def field(key: str, value: str, boxes: list[Json], choose: random.Random) -> Json:
    """A field of an invoice; now and then one that is unsure, invalid, failed or edited."""
    fate = choose.random()
    score = choose.uniform(0.2, 0.8) if fate < 0.14 else 1 - choose.random() ** 2 * 0.16
    made: dict[str, Any] = {
        "field_name": sanitize(key),
        "value": value,
        "type": "TEXT",
        "source_coordinates": boxes,
        "confidence": {"model": round(score, 3), "ocr": round(choose.uniform(0.8, 1), 3)},
        "validations": {"valid": True, "alerts": []},
        "edit_history": [],
    }
    if 0.14 < fate < 0.19:
        alert = {
            "alert_level": "ERROR",
            "msg": "does not add up with the lines above",
            "type": "cross-field",
            "blocked": True,
        }
        made["validations"] = {"valid": False, "alerts": [alert]}
    elif 0.19 < fate < 0.22:
        made |= {"value": "ERROR", "error_msg": "two candidates with the same score", "source_coordinates": []}
    elif 0.22 < fate < 0.27:
        edit = {
            "timestamp": f"0{choose.randint(1, 9)}/12/2025 1{choose.randint(0, 9)}:20:0{choose.randint(0, 9)}",
            "user_id": "reviewer-4",
        }
        made["edit_history"] = [edit | {"modifications": [{"message": "Value corrected"}]}]
    return made


NAMES = (
    "seller", "bill to", "invoice no.", "invoice date", "due_date", "line items", "subtotal", "tax (8 %)",
    "total incl. tax", "IBAN",
)  # fmt: skip
HEADER = {
    "start_timestamp": 1_756_256_319_482_113_024,
    "finish_timestamp": 1_756_256_519_482_113_024,
    "review_completed": False,
}


def invoices(browser: Browser, path: Path) -> None:
    """A report with pictures of its pages."""
    choose = random.Random(11)
    made = [invoice(browser, number, choose) for number in range(24)]
    files = [
        {"original_file_name": f"scan {at:04d}.pdf", "documents": [document]} for at, (document, _) in enumerate(made)
    ]
    pictures = {file["original_file_name"]: picture for file, (_, picture) in zip(files, made, strict=True)}
    write_report(
        [page_of({"files": files, **HEADER})],
        path,
        names=NameMap(NAMES),
        images=lambda file, _, __: pictures[str(file.original_file_name)],
        title="Invoices of September",
    )


SCANS = ("licence", "bank statement Müller & Söhne", "w2 Ångström", "facture № 12")
PEOPLE = ("maria.oberhuber-steinacher@lending.branch-office.example.com", "j.doe@example.com", "reviewer-4")
UNDECIDED = "Two candidates with the same score were found on pages 2 and 3"


def intake(path: Path) -> None:
    """A report without pictures of pages, of a run with a check box that is never found."""
    run = SyntheticRun(seed=7, files=60, documents_per_file=3, fields_per_document=24)
    choose = random.Random(1)
    files = run.files(0, run.file_count)
    for number, file in enumerate(files):  # the fonts at hand may lack what synthetic names are written in
        file["original_file_name"] = f"{choose.choice(SCANS)} {number:04d}.pdf"
    for document in (document for file in files for document in file["documents"]):
        for each in document["fields"]:
            each["field_name"] = sanitize(each["field_name"])
            for edit in each["edit_history"]:
                edit["user_id"] = choose.choice(PEOPLE)
            if each["value"] == "ERROR":
                each["confidence"] = {"model": round(choose.uniform(0.6, 0.97), 2), "ocr": 0.98}
            if choose.random() < 0.01:
                alert = {"alert_level": "ERROR", "msg": "does not add up", "type": "sum", "blocked": True}
                each |= {"value": "ERROR", "error_msg": UNDECIDED, "confidence": {"model": 0.41, "ocr": 0.7}}
                each["validations"] = {"valid": False, "alerts": [alert]}
        if choose.random() < 0.2:
            missing = {"field_name": "_13_retirement_plan_", "value": "ERROR", "type": "BOOLEAN"}
            scores = {"error_msg": "The check box was not found", "confidence": {"model": 0.89, "ocr": 0.97}}
            document["fields"].append(
                missing | scores | {"validations": {"valid": True}, "edit_history": [], "source_coordinates": []}
            )
    more = {key: run.header[key] for key in ("case_info", "keys", "batch_id")}
    names = NameMap(run.case_names(), by_class=run.project_names())
    write_report(
        [page_of({**HEADER, **more, "files": files})], path, names=names, title="March intake, branch office 12"
    )
