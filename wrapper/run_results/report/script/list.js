// The list: rows of fields, groups or documents, what each shows, and the tiles that count them.

let rows = [];  // what `find` found; in the mode "groups" groups, in the mode "documents" documents with a count
let hidden = 0;
let current = -1;
let shownPage = 0;

const badgesOf = (entry) => [
  entry.marks & INVALID && badge("invalid", "bad"),
  entry.marks & UNCLASSIFIED && badge("not classified", "bad"),
  entry.marks & DOCUMENT_INVALID && badge("document invalid", "bad"),
  entry.marks & EMPTY && badge("no documents", "warn"),
  entry.s < 0 && mode === "fields" && isUnsure(entry) && badge("class unsure", "warn"),
  entry.marks & EDITED && badge("edited"),
  mode !== "documents" && isOutdated(entry) && badge("changed since checked", "warn"),
].filter(Boolean);
const titled = ([name, api]) => make("span", { class: "line", title: api ? api.textContent : null }, name, api);
const badged = (entry) => {
  const badges = badgesOf(entry);
  return badges.length ? make("span", { class: "badges" }, ...badges) : null;
};
const placed = (doc) => [
  make("span", { class: "line" }, isDocument(doc) ? isolated(index.classes[doc.c], 80) : make("span", { class: "nothing" }, "no documents")),
  make("span", { class: "api line", title: doc.n ? cut(doc.n, LONG) : null }, isolated(doc.n ?? "(no name)", 120)),
];
const numbered = (doc) => (isDocument(doc) ? `file ${fromOne(doc.f)}, document ${fromOne(doc.d)}` : `file ${fromOne(doc.f)}`);
const fieldCells = (entry) => {
  const score = scored(entry.score, entry.marks, isUnsure(entry));
  if (entry.d < 0) {
    const [api, called, , value, error] = index.case[entry.s];
    return [[score], [titled(named(api, called)), shown(value, error, "line")], [make("span", { class: "line" }, "cross-class"), badged(entry)]];
  }
  const field = fieldOf(entry);
  const doc = documents[entry.d];
  const where = [...placed(doc), badged(entry)];
  if (field) return [[score], [titled(named(apiName(field), label(field))), shown(field[VALUE], field[ERROR], "line")], where];
  const what = isDocument(doc) ? "(the document)" : "(the file)";
  return [[score], [titled([make("span", { class: "name" }, what)]), make("span", { class: "api line" }, numbered(doc))], where];
};
const documentCells = (entry) => {
  const doc = documents[entry.d];
  return [[scored(entry.score, entry.marks, isUnsure(entry))],
    [titled([make("span", { class: "name" }, isolated(doc.n ?? "(no name)", 120))]), make("span", { class: "api line" }, plural(entry.count, "field"))],
    [make("span", { class: "line" }, isDocument(doc) ? isolated(index.classes[doc.c], 80) : "–"), make("span", { class: "api line" }, numbered(doc)), badged(entry)]];
};
const groupCells = (group) => {
  const { first } = group;
  const field = fieldOf(first);
  const name = first.d < 0 ? named(...index.case[first.s]) : field ? named(apiName(field), label(field))
    : [make("span", { class: "name" }, isDocument(documents[first.d]) ? "(the document)" : "(the file)")];
  const marks = [["failed", "bad"], ["invalid", "bad"], ["unsure", "warn"], ["edited", ""]].filter(([mark]) => group[mark])
    .map(([mark, kind]) => make("span", { class: kind }, `${mark} ${plural(group[mark], "time")}`));
  const [error] = [...group.errors].sort((a, b) => b[1] - a[1]);
  const ofClass = first.d < 0 ? "cross-class" : isDocument(documents[first.d]) ? index.classes[documents[first.d].c] : "no documents";
  return [[make("span", { class: `score ${group.failed || group.invalid ? "low" : group.unsure ? "medium" : ""}` }, group.count.toLocaleString("en"), make("span", { class: "note" }, `of ${group.all.toLocaleString("en")}`))],
    [titled(name), make("span", { class: "marks" }, ...(marks.length ? marks : ["no mark"])),
      error ? make("span", { class: "api line", title: cut(error[0], LONG) }, `${error[1].toLocaleString("en")} × ${cut(error[0], 120)}`) : null],
    [make("span", { class: "line" }, isolated(ofClass, 80))]];
};
const CELLS = { fields: fieldCells, groups: groupCells, documents: documentCells };
const HEADS = { fields: ["Score", "Field", "Document"], groups: ["Rows", "Field", "Class"], documents: ["Lowest", "File", "Class"] };

const queue = byId("queue");
const body = queue.tBodies[0];
const rowAt = (number) => body.querySelector(`tr[data-row="${number}"]`);
const tick = (entry) => {
  const box = make("input", { type: "checkbox", tabindex: -1, "aria-label": "Checked", title: checkedAt(entry) ? `checked ${checkedAt(entry)}` : "Mark as checked ( c )" });
  box.checked = checkedAt(entry) !== null;
  return make("td", { class: "c-check" }, box);
};
const list = () => {
  const start = shownPage * LISTED;
  const heads = HEADS[mode].map((text, column) => make("th", { scope: "col", class: ["c-score", "c-what", "c-where"][column] }, text));
  if (mode === "fields") heads.unshift(make("th", { scope: "col", class: "c-check" }, make("span", { class: "aside" }, "Checked")));
  queue.tHead.replaceChildren(make("tr", {}, ...heads));
  queue.className = mode;
  const reachable = current >= start && current < start + LISTED ? current : start;
  const hadFocus = body.contains(document.activeElement);
  body.replaceChildren(...rows.slice(start, start + LISTED).map((entry, offset) => {
    const number = start + offset;
    const cells = CELLS[mode](entry).map((content, column) => make("td", { class: ["c-score", "c-what", "c-where"][column] }, ...content.filter(Boolean)));
    return make("tr", { "data-row": number, tabindex: number === reachable ? 0 : -1, "aria-current": number === current ? "true" : null,
      class: mode === "fields" && checkedAt(entry) !== null ? "checked" : null }, mode === "fields" ? tick(entry) : null, ...cells);
  }));
  if (!rows.length) body.append(make("tr", {}, make("td", { class: "empty", colspan: 4 }, hidden ? "All that match are checked." : "Nothing matches.")));
  else if (hadFocus) rowAt(reachable).focus({ preventScroll: true });
  const nouns = { fields: "entries", groups: "groups", documents: "rows" }[mode];
  page(byId("queue-pager"), shownPage, LISTED, rows.length, nouns, (target) => {
    shownPage = target;
    list();
    queue.closest(".scroller").scrollTop = 0;
  });
  byId("queue-printed").textContent = rows.length > LISTED ? `Printed: ${partText(shownPage, LISTED, rows.length, nouns)}. Download the list to have all of them.` : "";
};

// How many rows of each kind there are, so that they can be compared with the tiles.
const partsText = (found) => {
  let [fields, cases, whole, empty] = [0, 0, 0, 0];
  for (const { d, s } of found) {
    if (d < 0) cases += 1;
    else if (s >= 0) fields += 1;
    else if (isDocument(documents[d])) whole += 1;
    else empty += 1;
  }
  return [
    [fields, "field", ""], [cases, "cross-class field", ""], [whole, "document", ""], [empty, "file", " without documents"],
  ].filter(([number]) => number).map(([number, noun, more]) => plural(number, noun) + more).join(", ");
};
const foundText = (found) => {
  const parts = partsText(mode === "documents" ? rows : found);
  if (mode === "documents") return parts || plural(0, "document");
  const text = plural(found.length, "entry", "entries") + (parts && `: ${parts}`);
  return mode === "groups" ? `${plural(rows.length, "group")} of ${text}` : text;
};

const tiles = [...document.querySelectorAll(".tile")];
const numbersOf = (tile) => [tile.querySelector("b"), tile.querySelector(".of")];
const ofRun = new Map(tiles.map((tile) => [tile, numbersOf(tile).map((part) => part.textContent)]));
const firstThreshold = Number(filters.threshold.value);
// What needs a look at the threshold, which is looked for once.
let looked = { threshold: null, found: [] };
const needLook = () => {
  const threshold = filters.threshold.value;
  if (looked.threshold !== threshold) looked = { threshold, found: entries.filter(reasons.look) };
  return looked.found;
};
// The tiles have the counts of the run. What the reader can change is counted again: by the threshold, and the checks.
const drawTiles = () => {
  const isMoved = Number(filters.threshold.value) !== firstThreshold;
  for (const tile of tiles) {
    const { reason } = tile.dataset;
    tile.setAttribute("aria-pressed", String(reason === filters.reason.value));
    const below = tile.querySelector(".below");
    if (below) below.textContent = `(below ${byId("threshold-shown").textContent})`;
    let texts = ofRun.get(tile);
    if (reason === "checked" || (isMoved && ["look", "unsure"].includes(reason))) {
      const found = reason === "look" ? needLook() : reason === "checked" && !checks.size ? [] : entries.filter(reasons[reason]);
      const open = reason === "checked" ? needLook() : [];
      texts = [found.length.toLocaleString("en"), reason === "checked"
        ? `${open.filter(reasons.checked).length.toLocaleString("en")} of ${open.length.toLocaleString("en")} that need a look`
        : (partsText(found) || "none") + (index.full ? ", of those that are shown" : "")];
    }
    numbersOf(tile).forEach((part, at) => { part.textContent = texts[at]; });
  }
};

const refresh = () => {
  const threshold = Number(filters.threshold.value), short = threshold.toFixed(2);
  byId("threshold-shown").textContent = Number(short) === threshold ? short : threshold;
  const result = find();
  hidden = result.hidden;
  rows = mode === "groups" ? byField(result.found) : mode === "documents" ? byDocument(result.found) : result.found;
  current = mode === "groups" ? -1 : rows.findIndex((entry) => entry.d === opened.d && (mode === "documents" || entry.s === (opened.s ?? -1)));
  shownPage = Math.max(0, Math.floor(current / LISTED));
  byId("found").textContent = foundText(result.found) + (hidden ? `; ${hidden.toLocaleString("en")} checked hidden` : "");
  byId("clear").hidden = !(filters.class.value || filters.field.value || filters.text.value || filters.hideChecked.checked);
  drawTiles();
  list();
};

// Opens what a row stands for. `focus` says whether the row gets the focus.
const pick = (number, focus) => {
  if (!rows.length) return;
  current = clamp(number, 0, rows.length - 1);
  const wanted = Math.floor(current / LISTED);
  if (wanted !== shownPage || !rowAt(current)) {
    shownPage = wanted;
    list();
  }
  for (const row of body.rows) {
    const is = Number(row.dataset.row) === current;
    row.tabIndex = is ? 0 : -1;
    if (is) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  const row = rowAt(current);
  if (focus) row.focus({ preventScroll: true });
  reveal(row);
  if (focus) settle(row);
  const entry = rows[current];
  if (mode !== "groups") show(entry);
};

// A group becomes the rows that it stands for, until the reader goes back to the groups.
let entered = null;
const enterGroup = (number) => {
  const { first } = rows[number];
  entered = first;
  filters.class.value = first.ofClass;
  offerFields(first.ofField);
  setMode("fields");
  pick(0, true);
};
const leaveGroup = () => {
  if (entered && filters.class.value === entered.ofClass && filters.field.value === entered.ofField) {
    filters.class.value = "";
    offerFields("");
  }
  entered = null;
};
const setMode = (wanted) => {
  if (wanted === "groups") leaveGroup();
  mode = wanted;
  for (const each of ["fields", "groups", "documents"]) byId(`list-${each}`).setAttribute("aria-pressed", String(each === wanted));
  filters.sort.disabled = mode === "groups";
  refresh();
};
const clearFilters = () => {
  filters.class.value = filters.text.value = "";
  filters.hideChecked.checked = false;
  offerFields("");
};

// Marks the row as checked, or takes the mark away.
const toggle = (entry) => {
  setChecked(entry, checkedAt(entry) === null);
  byId("said").textContent = isKept ? "" : "This browser keeps no checks: download the list before you close it.";
  const hides = filters.hideChecked.checked || filters.reason.value === "checked";
  if (!hides) {
    drawTiles();
    list();
  } else {
    const [at, hadFocus] = [current, body.contains(document.activeElement)];
    refresh();
    if (hadFocus) pick(Math.max(at, 0), true);
  }
  if (viewer.querySelector(".rows") && entry.d === opened.d) {
    drawRows(documents[opened.d]);
    mark();
  }
};
