// The viewer: one document, its pages beside a table of its fields; or one cross-class field.

let firstField = 0;

const near = (s, on) => {
  for (const element of viewer.querySelectorAll(`[data-s="${s}"]`)) element.classList.toggle("near", on);
};
// Where the rows of a document begin among all: first the document, then its fields.
const firstEntry = [];
entries.forEach((entry, at) => { if (entry.d >= 0 && entry.s < 0) firstEntry[entry.d] = at; });
const entryOf = (d, s) => entries[firstEntry[d] + 1 + s];

const details = (field, s) => {
  const lines = [];
  const add = (name, ...content) => lines.push(make("div", {}, make("dt", {}, name), make("dd", {}, ...content)));
  const text = field[VALUE];
  if (typeof text === "string" && text.length > LONG) {
    const button = make("button", { type: "button", class: "link" }, `Show all ${plural(text.length, "character")}`);
    button.addEventListener("click", () => button.replaceWith(make("span", { class: "value", dir: "auto" }, visible(text))));
    add("Value", button);
  }
  if (apiName(field) !== label(field)) add("API name", make("code", {}, isolated(apiName(field))));
  if (field[TYPE] !== null && field[TYPE] !== undefined) add("Type", isolated(index.types[field[TYPE]]));
  if (field[ERROR]) add("Error", isolated(field[ERROR], 2000));
  const score = (number) => (typeof number === "number" ? String(number) : "none");
  add("Scores", `model ${score(field[MODEL])}, OCR ${score(field[OCR])}`);
  for (const alert of field[ALERTS] ?? []) add("Alert", isolated(alertText(alert), 2000), alert[3] ? badge("blocks", "bad") : null);
  const boxes = field[BOXES] ?? [];
  for (const box of boxes.slice(0, 20)) add("Box", `${box[0] === null ? "no page" : `page ${fromOne(box[0])}`}: ${cornersOf(box)}`, stateText(box) ? make("span", {}, ` (${stateText(box)})`) : null);
  if (boxes.length > 20) add("", `and ${boxCount(boxes.length - 20)} more`);
  for (const edit of (field[EDITS] ?? []).slice(-20)) add("Edit", isolated(editText(edit), 1000));
  const doc = documents[opened.d];
  const pageNumbers = [...new Set(boxes.map((box) => box[0]).filter((number) => number !== null))].slice(0, 20);
  const check = checkedAt(entryOf(opened.d, s));
  if (check) add("Checked", check.replace("T", " ").replace("Z", " UTC"));
  add("In the API", make("span", { class: "api" }, [`file ${doc.f}`, `document ${doc.d}`, ...(pageNumbers.length ? [`page ${pageNumbers.join(", ")}`] : []), `field ${s}`, "counted from 0"].join(", ")));
  return make("dl", { class: "more" }, ...lines);
};
const drawRow = (field, s) => {
  const score = confidence(field);
  const boxes = field[BOXES] ?? [];
  const count = boxes.filter((box) => box[5] % TURNED !== ON).length;
  const entry = entryOf(opened.d, s);
  const check = checkedAt(entry);
  return make("tr", { "data-s": s, tabindex: -1, class: check ? "checked" : null },
    make("td", { class: "c-number api" }, String(s + 1), check ? make("span", { class: "tick", title: `checked ${check}` }, "✓") : null),
    make("td", { class: "c-field" }, make("span", { class: "title" }, ...named(apiName(field), label(field)).filter(Boolean)),
      shown(field[VALUE], field[ERROR], ""), " ", ...badgesOf(entry),
      !boxes.length ? badge("no box") : count ? badge(`${boxCount(count)} misplaced`, "warn") : null),
    make("td", {}, scored(score, field[MARKS], isUnsure(entry))));
};
const drawRows = (doc) => {
  const fields = fieldsOf(doc);
  const table = viewer.querySelector(".rows");
  table.tBodies[0].replaceChildren(...fields.slice(firstField, firstField + TABLED).map((field, offset) => drawRow(field, firstField + offset)));
  if (!fields.length) table.tBodies[0].append(make("tr", {}, make("td", { class: "empty", colspan: 3 }, "No fields.")));
  const first = table.querySelector("tr[data-s]");
  if (first) first.tabIndex = 0;
  page(viewer.querySelector(".pager.of-fields"), firstField / TABLED, TABLED, fields.length, "fields", (target) => {
    firstField = target * TABLED;
    drawRows(doc);
    mark();
  });
};

// Shows which field is chosen, in both places.
const mark = () => {
  const { s } = opened;
  for (const element of viewer.querySelectorAll("[aria-pressed]")) element.setAttribute("aria-pressed", String(Number(element.dataset.s) === s));
  for (const row of viewer.querySelectorAll("tr[data-s]")) {
    const is = Number(row.dataset.s) === s;
    if (s !== null) row.tabIndex = is ? 0 : -1;
    if (is === row.hasAttribute("aria-current")) continue;
    if (is) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    row.querySelector(".more")?.remove();
    if (is) row.querySelector(".c-field").append(details(fieldsOf(documents[opened.d])[s], s));
  }
  const boxes = [...viewer.querySelectorAll(".box")];
  const reachable = boxes.find((box) => Number(box.dataset.s) === s) ?? boxes[0];
  for (const box of boxes) box.setAttribute("tabindex", box === reachable ? 0 : -1);
};
const choose = (s, focus = null) => {
  const doc = documents[opened.d];
  const field = fieldsOf(doc)[s];
  if (!field) return;
  opened.s = s;
  if (s < firstField || s >= firstField + TABLED) {
    firstField = Math.floor(s / TABLED) * TABLED;
    drawRows(doc);
  }
  const at = pagesOf(doc).indexOf(field[BOXES]?.[0]?.[0] ?? null);
  if (at >= 0 && (at < firstPage || at >= firstPage + DRAWN)) {
    firstPage = Math.floor(at / DRAWN) * DRAWN;
    drawPages(doc);
  }
  mark();
  const row = viewer.querySelector(`tr[data-s="${s}"]`);
  const box = viewer.querySelector(`.box[data-s="${s}"], .misplaced [data-s="${s}"]`);
  const [wanted, other] = (focus !== "row" && box) ? [box, row] : [row, box];
  for (const element of [other, wanted]) reveal(element);
  remember();
  if (!focus) return;
  wanted.focus({ preventScroll: true });
  settle(wanted);
  const { top, bottom } = wanted.getBoundingClientRect();
  if (bottom < 60 || top > innerHeight - 20) wanted.scrollIntoView({ block: "center" });
};
const remember = () => {
  const { d, s } = opened;
  try {
    history.replaceState(null, "", `#d=${d}${s === null ? "" : `&s=${s}`}`);
  } catch { /* a frame that has no address */ }
};
// Which document of those in the report it is; files without documents stand between them.
const documentNumbers = documents.map(((count) => (doc) => (isDocument(doc) ? ++count : null))(0));
const documentCount = documents.filter(isDocument).length;
const turnText = (d) => {
  const number = documentNumbers[d];
  return number === null ? "a file without documents" : `${number.toLocaleString("en")} of ${plural(documentCount, "document")}`;
};
const open = (d, s) => {
  if (opened.d === d && viewer.querySelector(".split")) {
    if (s === null) { opened.s = null; mark(); remember(); } else choose(s);
    return;
  }
  const doc = documents[d];
  opened = { d, s: null };
  [firstPage, firstField] = [0, 0];
  const facts = [make("span", { title: `file ${doc.f} in the API, counted from 0` }, "file ", make("b", {}, fromOne(doc.f)))];
  if (isDocument(doc)) {
    facts.push(make("span", { title: `document ${doc.d} in the API, counted from 0` }, "document ", make("b", {}, fromOne(doc.d))), make("span", {}, "class ", make("b", {}, isolated(index.classes[doc.c], 120))));
    if (typeof doc.cc === "number") facts.push(make("span", {}, `class confidence ${doc.cc.toFixed(2)}`));
    facts.push(make("span", {}, plural(fieldsOf(doc).length, "field")));
    facts.push(make("span", {}, doc.v === false ? badge("invalid", "bad") : doc.v ? badge("valid", "good") : null,
      doc.r === true ? badge("reviewed", "good") : doc.r === false ? badge("not reviewed") : null,
      doc.u ? badge("not classified", "bad") : null, ...(doc.e ? [badge(`class edited: ${editText(doc.e.at(-1))}`)] : [])));
  }
  const turn = (by, sign, name) => {
    const button = make("button", { type: "button", "aria-label": name, title: name }, sign);
    button.disabled = !documents[d + by];
    button.addEventListener("click", () => turnTo(d + by));
    return button;
  };
  viewer.replaceChildren(
    make("div", { class: "top" },
      make("div", { class: "row" }, make("h3", {}, isolated(doc.n ?? "(no name)")),
        make("div", { class: "tools" }, zoomer(),
        make("div", { class: "pager" }, turn(-1, "‹", "Previous document"), make("span", {}, turnText(d)), turn(1, "›", "Next document")))),
      make("div", { class: "meta" }, ...facts, make("div", { class: "pager of-pages" }), make("div", { class: "pager of-fields" }))),
    make("div", { class: "split" },
      make("div", { class: "pages", role: "group", "aria-label": "Pages" }),
      make("div", { class: "side" }, make("table", { class: "rows", "aria-label": "Fields of the document" },
        make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "c-number" }, "No."), make("th", { scope: "col" }, "Field"), make("th", { scope: "col", class: "c-score" }, "Score"))),
        make("tbody")))));
  drawPages(doc);
  drawRows(doc);
  magnify(0);
  if (s === null) { mark(); remember(); } else choose(s);
};
const turnTo = (d) => {
  if (!documents[d]) return;
  open(d, null);
  viewer.focus({ preventScroll: true });
  refresh();
};
const show = ({ d, s }) => {
  if (d >= 0) {
    open(d, s < 0 ? null : s);
    return;
  }
  opened = { d, s };
  const place = byId(`case-${s}`)?.cloneNode(true);
  place?.removeAttribute("id");
  viewer.replaceChildren(make("ul", { class: "packet" }, place ?? make("li", {}, "There was no room to show this field.")));
};
