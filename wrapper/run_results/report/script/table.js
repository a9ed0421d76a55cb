// Tables: the list as CSV in a file, and as a table on the clipboard. Cells that could be formulas are made harmless.

const guard = guardWith(index.currencies);
const COLUMNS = [
  "reason", "file", "document", "page", "class", "field", "api_name", "value", "error", "score", "model_score", "ocr_score",
  "alerts", "edits", "checked", "file_index", "document_index", "field_index",
];
const reasonText = (entry) => ["failed", "invalid", "unsure", "edited"].filter((mark) => reasons[mark](entry))
  .concat(entry.marks & UNCLASSIFIED ? "not classified" : [], entry.marks & EMPTY ? "no documents" : []).join(", ");
// Of a file, a document and a page people's numbers, from 1; the indexes at the end are those of the API, from 0.
const cellsOf = (entry) => {
  const check = checkedAt(entry) ?? "";
  if (entry.d < 0) {
    const [api, called, , value, error, alerts, edits] = index.case[entry.s];
    return [reasonText(entry), "", "", "", "(cross-class)", called, api, value, error, "", "", "", alerts.map(alertText).join("; "), edits.length, check, "", "", entry.s];
  }
  const doc = documents[entry.d];
  const field = fieldOf(entry);
  const place = [doc.n, isDocument(doc) ? doc.d + 1 : ""];
  if (!field) return [reasonText(entry), ...place, "", isDocument(doc) ? index.classes[doc.c] : "", "", "", "", "", entry.score, "", "", "", (doc.e ?? []).length, check, doc.f, doc.d, ""];
  const pageNumber = field[BOXES]?.[0]?.[0] ?? null;
  return [reasonText(entry), ...place, pageNumber === null ? "" : pageNumber + 1, index.classes[doc.c], label(field), apiName(field), field[VALUE], field[ERROR],
    entry.score, field[MODEL], field[OCR], (field[ALERTS] ?? []).map(alertText).join("; "), (field[EDITS] ?? []).length, check, doc.f, doc.d, entry.s];
};
const tableText = (found, separator, end) => {
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const lines = [[...COLUMNS, "guarded"].map(quoted).join(separator)];
  for (const entry of found) {
    const guarded = [];
    const cells = cellsOf(entry).map((value, at) => {
      if (typeof value !== "string") return value === null || value === undefined ? "" : String(value);
      const safe = guard(value);
      if (safe !== value) guarded.push(COLUMNS[at]);
      return value === "" ? "" : quoted(safe);
    });
    lines.push([...cells, guarded.length ? quoted(JSON.stringify(guarded)) : ""].join(separator));
  }
  return lines.join(end) + end;
};
// All rows of the list, on every page of it; of groups and documents the fields and documents that they stand for.
const listedText = (separator, end) => {
  const { found } = find();
  return [tableText(found, separator, end), plural(found.length, "row")];
};

const answer = (text) => { byId("said").textContent = text; };
byId("download").addEventListener("click", () => {
  const [text, count] = listedText(",", "\r\n");
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  const name = `${index.run}-${filters.reason.value}`.replace(/[^\w.-]+/g, "_").slice(0, 120);
  make("a", { href: url, download: `${name}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  answer(`${count} written to ${name}.csv`);
});
byId("copy").addEventListener("click", async () => {
  const [text, count] = listedText("\t", "\n");
  try {
    await navigator.clipboard.writeText(text);
    answer(`${count} copied`);
  } catch {
    answer("This browser allows no copying here: download the list.");
  }
});
