// The script of the report: lists the fields that need a look, and draws a document when it is opened. The data stand in
// script elements of other types (compact.py describes their form). Everything from a server becomes text nodes and plain
// attributes; nothing is ever parsed as HTML, and the policy of the page would forbid it.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const [NAME, MARKS, VALUE, TYPE, ERROR, MODEL, OCR, BOXES, ALERTS, EDITS] = Array(10).keys();
  const FAILED = 1, INVALID = 2, EDITED = 4, UNCLASSIFIED = 8, DOCUMENT_INVALID = 16, EMPTY = 32, EXPLAINED = 64;
  const ON = 0, PARTLY = 1, OFF = 2, NO_LAYOUT = 3, INCOMPLETE = 4, TURNED = 8;
  const BANDS = [[0.5, "low"], [0.8, "medium"], [0.95, "good"], [Infinity, "high"]];
  const LISTED = 50, DRAWN = 8, TABLED = 200, TIMED = 100, OFFERED = 2000;  // rows, pages, fields, edits, choices at a time
  const LONG = 300;  // characters of a value before it is cut

  const byId = (id) => document.getElementById(id);
  const viewer = byId("viewer");

  // Data -----------------------------------------------------------------------------------------------------

  const read = (element) => {
    const data = JSON.parse(element.textContent);
    element.remove();  // parsed: the text is not needed any more
    return data;
  };
  const index = read(document.querySelector("script.index"));
  const documents = [...document.querySelectorAll("script.documents")].flatMap(read);

  const clamp = (number, low, high) => Math.min(Math.max(number, low), high);
  const confidence = (field) => {
    const known = [field[MODEL], field[OCR]].filter((score) => typeof score === "number");
    return known.length ? Math.min(...known) : null;
  };
  const fieldsOf = (doc) => doc.s ?? [];
  const apiName = (field) => index.names[field[NAME]][0];
  const label = (field) => index.names[field[NAME]][1];
  const isDocument = (doc) => doc.d !== undefined;

  // An entry is what a list can show: a field, a document as a whole (s = -1), or a cross-class field (d = -1).
  const entries = [];
  index.case.forEach(([, , marks], s) => entries.push({ d: -1, s, score: null, marks }));
  documents.forEach((doc, d) => {
    const inner = fieldsOf(doc).reduce((all, field) => all | field[MARKS], 0);
    let marks = isDocument(doc) ? 0 : EMPTY;
    if (doc.u) marks |= UNCLASSIFIED;
    if (doc.v === false) marks |= DOCUMENT_INVALID;
    if (inner & INVALID) marks |= EXPLAINED;  // invalid fields have entries of their own, which say why
    if (doc.e) marks |= EDITED;
    entries.push({ d, s: -1, score: doc.cc ?? null, marks });
    fieldsOf(doc).forEach((field, s) => entries.push({ d, s, score: confidence(field), marks: field[MARKS] }));
  });

  // Making elements ------------------------------------------------------------------------------------------

  // What a browser hides or obeys, spelled out: the rule of `visible` in the wrapper's text.py.
  const DANGEROUS = /(?![\t\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
  const visible = (text) =>
    text.replace(DANGEROUS, (sign) => `⟨U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
  const cut = (text, length) => visible(text.length > length ? `${text.slice(0, length)}…` : text);

  const fill = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  };
  const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  const draw = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
  const isolated = (text, length = LONG) => make("bdi", {}, cut(text, length));
  const badge = (text, kind = "") => make("span", { class: `badge ${kind}` }, cut(text, LONG));
  const plural = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  const bandOf = (score, marks) =>
    score === null ? (marks & FAILED ? "failed" : "unknown") : BANDS.find(([bound]) => score < bound)[1];
  const scored = (score, marks) => {
    const band = bandOf(score, marks);
    if (score === null) {
      return make("span", { class: `score ${band}` }, marks & FAILED ? "failed" : "–",
        marks & FAILED ? null : make("span", { class: "aside" }, "no score"));
    }
    return make("span", { class: `score ${band}`, title: band }, score.toFixed(score < 0.995 || score === 1 ? 2 : 3),
      draw("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
        draw("rect", { class: "track", width: 100, height: 8 }),
        draw("rect", { class: "part", width: 100 * clamp(score, 0, 1), height: 8 })));
  };
  const valued = (text, kind = "") => {
    if (typeof text !== "string") return make("span", { class: `value nothing ${kind}` }, "no value given");
    if (text === "") return make("span", { class: `value nothing ${kind}` }, "empty");
    return make("span", { class: `value ${kind}`, dir: "auto" }, cut(kind === "line" ? text.replaceAll("\n", " ↵ ") : text, LONG));
  };
  const alertText = ([level, message, type]) => [level, message || "no message", type && `(${type})`].filter(Boolean).join(" ");

  // Scrolls an element into view inside its pane. The window does not move.
  const reveal = (element) => {
    for (let pane = element?.parentElement; pane && pane.id !== "review"; pane = pane.parentElement) {
      if (pane.scrollHeight <= pane.clientHeight + 1 || getComputedStyle(pane).overflowY === "visible") continue;
      const [inner, outer] = [element.getBoundingClientRect(), pane.getBoundingClientRect()];
      const margin = Math.min(40, outer.height / 4);  // room for a head that stays
      if (inner.top < outer.top + margin) pane.scrollTop += inner.top - outer.top - margin;
      else if (inner.bottom > outer.bottom - margin) pane.scrollTop += Math.min(inner.bottom - outer.bottom + margin, inner.top - outer.top - margin);
      if (inner.left < outer.left) pane.scrollLeft += inner.left - outer.left - margin;
      else if (inner.right > outer.right) pane.scrollLeft += inner.right - outer.right + margin;
    }
  };

  const review = byId("review");
  const isWide = () => viewer.getBoundingClientRect().left > review.getBoundingClientRect().left + 40;
  // Side by side, list and document fill the window: the element in use should not be below its edge.
  const settle = (element) => {
    if (isWide() && element.getBoundingClientRect().bottom > innerHeight) review.scrollIntoView();
  };

  // A pager of `total` items, `size` at a time: two buttons and what is shown. It keeps the focus when it is drawn again.
  const page = (place, number, size, total, nouns, go) => {
    const step = (by, sign, name) => {
      const target = number + by;
      const button = make("button", { type: "button", "aria-label": name, "data-step": by }, sign);
      button.disabled = target < 0 || target * size >= total;
      button.addEventListener("click", () => {
        go(target);
        const again = [...place.querySelectorAll("button:not(:disabled)")];
        (again.find((other) => other.dataset.step === String(by)) ?? again[0])?.focus();
      });
      return button;
    };
    const shown = [number * size + 1, Math.min((number + 1) * size, total), total].map((each) => each.toLocaleString("en"));
    place.replaceChildren(...(total <= size ? [] : [
      step(-1, "‹", "Previous page"), make("span", {}, `${shown[0]}–${shown[1]} of ${shown[2]} ${nouns}`), step(1, "›", "Next page"),
    ]));
  };

  // The list -------------------------------------------------------------------------------------------------

  const filters = {
    text: byId("filter-text"), reason: byId("filter-reason"), class: byId("filter-class"), field: byId("filter-field"),
    sort: byId("sort"), threshold: byId("threshold"),
  };
  const REASONS = [
    ["look", "Needs a look"], ["failed", "Failed"], ["invalid", "Invalid"],
    ["unsure", "Unsure"], ["edited", "Edited"], ["all", "Everything"],
  ];
  const SORTS = [["score", "Lowest confidence first"], ["severity", "Failures first"], ["run", "In the run's order"]];
  const option = (value, text) => make("option", { value }, cut(text, 80));
  filters.reason.append(...REASONS.map(([value, text]) => option(value, text)));
  filters.sort.append(...SORTS.map(([value, text]) => option(value, text)));
  filters.class.append(option("", "All classes"), ...index.classes.map((name, number) => option(number, name)));

  const namesOfClass = index.classes.map(() => new Set());
  for (const doc of documents) for (const field of fieldsOf(doc)) namesOfClass[doc.c].add(field[NAME]);
  const offerFields = (wanted = filters.field.value) => {
    const chosen = filters.class.value;
    const numbers = chosen === "" ? index.names.map((_, number) => number) : [...namesOfClass[chosen]];
    numbers.sort((a, b) => index.names[a][1].localeCompare(index.names[b][1]));
    const offered = numbers.slice(0, OFFERED);
    if (numbers.length > OFFERED && wanted !== "" && !offered.includes(Number(wanted))) offered.push(Number(wanted));
    const text = ([api, called]) => (api === called ? called : `${called} · ${api}`);
    filters.field.replaceChildren(option("", "All fields"), ...offered.map((number) => option(number, text(index.names[number]))));
    filters.field.value = offered.includes(Number(wanted)) ? wanted : "";
  };
  offerFields();

  let mode = "fields";
  let rows = [];  // entries, or in the mode "documents" entries of whole documents with a count
  let current = -1;
  let shownPage = 0;

  const isUnsure = (entry) => entry.score !== null && entry.score < Number(filters.threshold.value);
  const TROUBLE = FAILED | INVALID | UNCLASSIFIED | DOCUMENT_INVALID | EMPTY;
  const isTrouble = ({ marks }) => (marks & (marks & EXPLAINED ? TROUBLE & ~DOCUMENT_INVALID : TROUBLE)) !== 0;
  const reasons = {
    look: (entry) => isTrouble(entry) || isUnsure(entry),
    failed: (entry) => (entry.marks & FAILED) !== 0,
    invalid: (entry) => (entry.marks & (INVALID | DOCUMENT_INVALID)) !== 0,
    unsure: isUnsure,
    edited: (entry) => (entry.marks & EDITED) !== 0,
    all: (entry) => mode === "documents" || entry.s >= 0 || isTrouble(entry),
  };
  const textsOf = (entry) => {
    if (entry.d < 0) return [index.case[entry.s][0], index.case[entry.s][1], index.case[entry.s][3]];
    const doc = documents[entry.d];
    const field = fieldsOf(doc)[entry.s];
    return [doc.n, index.classes[doc.c], ...(field ? [apiName(field), label(field), field[VALUE], field[ERROR]] : [])];
  };
  const rank = (entry) => entry.score ?? (entry.marks & FAILED ? -1 : 2);
  const severity = (entry) => (entry.marks & FAILED ? 0 : isTrouble(entry) ? 1 : 2);
  const orders = {
    score: (a, b) => rank(a) - rank(b),
    severity: (a, b) => severity(a) - severity(b) || rank(a) - rank(b),
    run: () => 0,
  };

  const find = () => {
    const { reason, class: classes, field, sort, text } = filters;
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const meets = reasons[reason.value];
    const ofClass = classes.value === "" ? null : Number(classes.value);
    const ofField = field.value === "" ? null : Number(field.value);
    const found = entries.filter((entry) => {
      if (!meets(entry)) return false;
      if (ofClass !== null && (entry.d < 0 || documents[entry.d].c !== ofClass)) return false;
      if (ofField !== null && (entry.d < 0 || fieldsOf(documents[entry.d])[entry.s]?.[NAME] !== ofField)) return false;
      if (!words.length) return true;
      const texts = textsOf(entry).filter((each) => typeof each === "string").join("\n").toLowerCase();
      return words.every((word) => texts.includes(word));
    }).sort(orders[sort.value]);
    if (mode === "fields") return found;
    const groups = new Map();
    for (const entry of found) {
      if (entry.d < 0) continue;
      const group = groups.get(entry.d) ?? groups.set(entry.d, { d: entry.d, s: -1, score: null, marks: 0, count: 0 }).get(entry.d);
      group.count += entry.s >= 0;
      group.marks |= entry.marks;
      if (entry.s >= 0 && entry.score !== null) group.score = Math.min(group.score ?? 1, entry.score);
    }
    return [...groups.values()];
  };

  const badgesOf = (entry) => [
    entry.marks & FAILED && entry.score !== null && badge("failed", "bad"),
    entry.marks & INVALID && badge("invalid", "bad"),
    entry.marks & UNCLASSIFIED && badge("not classified", "bad"),
    entry.marks & DOCUMENT_INVALID && badge("document invalid", "bad"),
    entry.marks & EMPTY && badge("no documents", "warn"),
    isUnsure(entry) && badge(entry.s < 0 && mode === "fields" ? "class unsure" : "unsure", "warn"),
    entry.marks & EDITED && badge("edited"),
  ].filter(Boolean);
  const named = (api, called) => make("span", { class: "line" },
    make("span", { class: "name" }, isolated(called || "(no name)", 120)),
    api === called ? null : make("code", {}, isolated(api, 120)));
  // Where a field failed, its error says more than its value, which is only ERROR.
  const shown = (value, error, kind) => (error ? make("span", { class: `value bad ${kind}`, dir: "auto" }, cut(error, LONG)) : valued(value, kind));
  const line = (first, badges) => make("span", { class: "content" }, first, ...badges);
  const placed = (doc) => [
    make("span", { class: "line" }, isDocument(doc) ? isolated(index.classes[doc.c], 80) : make("span", { class: "nothing" }, "no documents")),
    make("span", { class: "api line", title: doc.n ? cut(doc.n, LONG) : null }, isolated(doc.n ?? "(no name)", 120)),
  ];
  const cells = (entry) => {
    if (entry.d < 0) {
      const [api, called, , value, error] = index.case[entry.s];
      return [[scored(null, entry.marks)], [named(api, called), line(shown(value, error, "line"), badgesOf(entry))], [make("span", {}, "cross-class")]];
    }
    const doc = documents[entry.d];
    const field = fieldsOf(doc)[entry.s];
    const score = scored(entry.score, field || mode === "documents" ? entry.marks : 0);
    if (field) return [[score], [named(apiName(field), label(field)), line(shown(field[VALUE], field[ERROR], "line"), badgesOf(entry))], placed(doc)];
    const what = mode === "documents"
      ? [make("span", { class: "name line" }, isolated(doc.n ?? "(no name)", 120)), line(make("span", { class: "api line" }, plural(entry.count, "field")), badgesOf(entry))]
      : [make("span", { class: "name line" }, isDocument(doc) ? "(the document)" : "(the file)"), line("", badgesOf(entry))];
    return [[score], what, mode === "documents"
      ? [make("span", { class: "line" }, isDocument(doc) ? isolated(index.classes[doc.c], 80) : "–"),
        make("span", { class: "api line" }, isDocument(doc) ? `file ${doc.f}, document ${doc.d}` : `file ${doc.f}`)]
      : placed(doc)];
  };

  const body = byId("queue").tBodies[0];
  const rowAt = (number) => body.querySelector(`tr[data-row="${number}"]`);
  const list = () => {
    const start = shownPage * LISTED;
    const heads = mode === "fields" ? ["Score", "Field", "Document"] : ["Lowest", "File", "Class"];
    const head = make("tr", {}, ...heads.map((text, column) => make("th", { scope: "col", class: ["c-score", "", "c-where"][column] }, text)));
    byId("queue").tHead.replaceChildren(head);
    const reachable = current >= start && current < start + LISTED ? current : start;
    const hadFocus = body.contains(document.activeElement);
    body.replaceChildren(...rows.slice(start, start + LISTED).map((entry, offset) => {
      const number = start + offset;
      return make("tr", { "data-row": number, tabindex: number === reachable ? 0 : -1, "aria-current": number === current ? "true" : null },
        ...cells(entry).map((content) => make("td", {}, ...content)));
    }));
    if (!rows.length) body.append(make("tr", {}, make("td", { class: "empty", colspan: 3 }, "Nothing matches.")));
    else if (hadFocus) rowAt(reachable).focus({ preventScroll: true });
    page(byId("queue-pager"), shownPage, LISTED, rows.length, mode === "fields" ? "entries" : "rows", (target) => {
      shownPage = target;
      list();
      byId("queue").closest(".scroller").scrollTop = 0;
    });
  };
  // How many rows of each kind there are, so that they can be compared with the counts above.
  const foundText = () => {
    const documentRows = rows.filter((entry) => entry.d >= 0 && entry.s < 0);
    const empty = documentRows.filter((entry) => !isDocument(documents[entry.d])).length;
    const cases = rows.filter((entry) => entry.d < 0).length;
    const kinds = [
      [rows.length - documentRows.length - cases, "field", ""], [cases, "cross-class field", ""],
      [documentRows.length - empty, "document", ""], [empty, "file", " without documents"],
    ].filter(([number]) => number).map(([number, noun, more]) => plural(number, noun) + more).join(", ");
    if (mode === "documents") return kinds || plural(0, "document");
    const entriesText = plural(rows.length, "entry").replace("entrys", "entries");
    return kinds ? `${entriesText}: ${kinds}` : entriesText;
  };
  const refresh = () => {
    const threshold = Number(filters.threshold.value), short = threshold.toFixed(2);
    byId("threshold-shown").textContent = Number(short) === threshold ? short : threshold;
    rows = find();
    current = rows.findIndex((entry) => entry.d === opened.d && (mode === "documents" || entry.s === opened.s));
    shownPage = Math.max(0, Math.floor(current / LISTED));
    byId("found").textContent = foundText();
    list();
  };
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
    const { d, s } = rows[current];
    if (d < 0) {
      opened = { d, s };
      const place = byId(`case-${s}`)?.cloneNode(true);
      place?.removeAttribute("id");
      viewer.replaceChildren(make("ul", { class: "packet" }, place ?? make("li", {}, "There was no room to show this field.")));
    } else open(d, s < 0 ? null : s);
  };

  // A document -----------------------------------------------------------------------------------------------

  let opened = { d: null, s: null };
  let firstPage = 0, firstField = 0;

  const ZOOMS = [1, 1.5, 2, 3, 4.5];
  let zoom = 0;
  const magnify = (by) => {
    zoom = clamp(zoom + by, 0, ZOOMS.length - 1);
    const holder = viewer.querySelector(".pages");
    if (!holder) return;
    const share = holder.scrollHeight ? holder.scrollTop / holder.scrollHeight : 0;
    holder.style.setProperty("--zoom", ZOOMS[zoom]);
    holder.scrollTop = share * holder.scrollHeight;
    viewer.querySelector(".zoom output").textContent = `${100 * ZOOMS[zoom]} %`;
    viewer.querySelector(`.box[data-s="${opened.s}"]`)?.scrollIntoView({ block: "center", inline: "center" });
  };
  const zoomer = () => {
    const button = (by, sign, name) => {
      const made = make("button", { type: "button", "aria-label": name, title: name }, sign);
      made.addEventListener("click", () => magnify(by));
      return made;
    };
    return make("div", { class: "pager zoom" }, button(-1, "−", "Smaller pages"), make("output", {}, "100 %"), button(1, "+", "Larger pages"));
  };

  const near = (s, on) => {
    for (const element of viewer.querySelectorAll(`[data-s="${s}"]`)) element.classList.toggle("near", on);
  };
  const stateText = (box) => [
    { [PARTLY]: "partly off the page", [OFF]: "off the page", [NO_LAYOUT]: "on a page without layout", [INCOMPLETE]: "not given in full" }[box[5] % TURNED],
    box[5] >= TURNED ? "given the wrong way round" : null,
  ].filter(Boolean).join(", ");
  const cornersOf = ([, ...box]) => {
    const [x1, y1, x2, y2] = box.map((edge) => (edge === null ? "?" : Math.abs(edge) >= 1e7 ? edge.toExponential(2) : String(edge)));
    return `${x1}, ${y1} to ${x2}, ${y2}`;
  };

  const pagesOf = (doc) => {
    const boxed = fieldsOf(doc).flatMap((field) => (field[BOXES] ?? []).map((box) => box[0])).filter((number) => number !== null);
    return [...new Set([...(doc.p ?? []), ...(doc.l ?? []).map(([number]) => number), ...boxed.sort((a, b) => a - b)])];
  };
  const boxesOn = (doc, number) => fieldsOf(doc).flatMap((field, s) =>
    (field[BOXES] ?? []).filter((box) => (box[5] % TURNED === INCOMPLETE ? null : box[0]) === number).map((box) => ({ field, s, box })));
  const say = (field, s) => `${s + 1} ${label(field) || "(no name)"}`;

  const drawBox = ({ field, s, box }, isFirst, width, height, tall) => {
    const across = (x) => clamp(x / width * 1000, -6, 1006), down = (y) => clamp(y / height * tall, -6, tall + 6);
    const [x, y] = [across(box[1]), down(box[2])];
    const [wide, high] = [Math.max(across(box[3]) - x, 4), Math.max(down(box[4]) - y, 4)];
    const score = confidence(field);
    const band = bandOf(score, field[MARKS]);
    const text = `${say(field, s)}: ${field[VALUE] ?? "no value"} (${score === null ? band : `${band}, ${score.toFixed(2)}`})`;
    const [labelX, labelY] = [clamp(x, 2, 960), y > 24 ? y - 5 : Math.min(y + 22, tall - 4)];
    return draw("g", { class: `box ${band}`, "data-s": s, tabindex: -1, role: "button", "aria-pressed": "false", "aria-label": cut(text, 200) },
      draw("title", {}, cut(text, LONG) + (stateText(box) ? `\n${stateText(box)}` : "")),
      draw("rect", { class: "halo", x: x - 8, y: y - 8, width: wide + 16, height: high + 16, rx: 5 }),
      draw("rect", { class: "frame", x, y, width: wide, height: high }),
      isFirst ? draw("text", { x: labelX, y: labelY, "aria-hidden": "true" }, String(s + 1)) : null);
  };
  const misplaced = (title, found) => found.length ? make("div", { class: "misplaced" }, make("span", {}, title),
    ...found.map(({ field, s, box }) => make("button", { type: "button", "data-s": s, "aria-pressed": "false" },
      isolated(say(field, s), 80), ` at ${cornersOf(box)}${box[5] >= TURNED ? ", given the wrong way round" : ""}`))) : null;
  const drawPage = (doc, number) => {
    const layout = (doc.l ?? []).find(([page]) => page === number);
    const boxes = boxesOn(doc, number);
    const picture = (doc.i ?? []).find(([page]) => page === number);
    const notes = [plural(boxes.length, "box").replace("boxs", "boxes")];
    if (doc.p && !doc.p.includes(number)) notes.unshift("not among the document's pages");
    if (!layout) {
      return make("figure", {}, make("figcaption", {}, make("b", {}, `Page ${number}`), notes.join(" · ")),
        make("div", { class: "blank" }, "The size of this page is not given, so nothing can be drawn on it."),
        misplaced("Boxes:", boxes));
    }
    const [, width, height] = layout;
    const tall = clamp(1000 * height / width, 80, 6000);
    const svg = draw("svg", { class: picture ? "paper pictured" : "paper", viewBox: `0 0 1000 ${tall}`, role: "group", "aria-label": `Page ${number}` });
    const source = picture && byId(`image-${picture[1]}`);
    if (source) svg.append(draw("image", { href: source.textContent, width: 1000, height: tall, preserveAspectRatio: "none" }));
    const drawn = boxes.filter(({ box }) => box[5] % TURNED <= PARTLY);
    svg.append(...drawn.map((each, at) => drawBox(each, drawn[at - 1]?.s !== each.s, width, height, tall)));
    return make("figure", {}, make("figcaption", {}, make("b", {}, `Page ${number}`), make("span", {}, [`${width} × ${height}`, ...notes].join(" · "))),
      svg, misplaced("Off the page:", boxes.filter(({ box }) => box[5] % TURNED === OFF)));
  };
  const drawPages = (doc) => {
    const numbers = pagesOf(doc);
    const holder = viewer.querySelector(".pages");
    const legend = document.querySelector("#confidence .legend").cloneNode(true);
    holder.replaceChildren(legend, ...numbers.slice(firstPage, firstPage + DRAWN).map((number) => drawPage(doc, number)));
    const lost = misplaced("Boxes that are not given in full:", boxesOn(doc, null));
    if (lost) holder.append(lost);
    if (!numbers.length && !lost) holder.append(make("p", { class: "empty" }, isDocument(doc) ? "No pages are given." : "No documents were found in this file."));
    const first = holder.querySelector(".box");
    if (first) first.setAttribute("tabindex", 0);
    page(viewer.querySelector(".pager.of-pages"), firstPage / DRAWN, DRAWN, numbers.length, "pages", (target) => {
      firstPage = target * DRAWN;
      drawPages(doc);
      holder.scrollTop = 0;
      mark();
    });
  };

  const editText = ([timestamp, user, messages]) => `${timestamp ?? "time not given"}, ${user ?? "nobody named"}: ${messages.join("; ") || "no message"}`;
  const details = (field) => {
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
    for (const box of boxes.slice(0, 20)) add("Box", `${box[0] === null ? "no page" : `page ${box[0]}`}: ${cornersOf(box)}`, stateText(box) ? make("span", {}, ` (${stateText(box)})`) : null);
    if (boxes.length > 20) add("", `and ${plural(boxes.length - 20, "box").replace("boxs", "boxes")} more`);
    for (const edit of (field[EDITS] ?? []).slice(-20)) add("Edit", isolated(editText(edit), 1000));
    return make("dl", { class: "more" }, ...lines);
  };
  const drawRow = (field, s) => {
    const score = confidence(field);
    const boxes = field[BOXES] ?? [];
    const count = boxes.filter((box) => box[5] % TURNED !== ON).length;
    return make("tr", { "data-s": s, tabindex: -1 },
      make("td", { class: "c-number api" }, String(s + 1)),
      make("td", { class: "c-field" }, named(apiName(field), label(field)), shown(field[VALUE], field[ERROR], ""), " ",
        ...badgesOf({ s, score, marks: field[MARKS] }),
        !boxes.length ? badge("no box") : count ? badge(`${plural(count, "box").replace("boxs", "boxes")} misplaced`, "warn") : null),
      make("td", {}, scored(score, field[MARKS])));
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
      if (is) row.querySelector(".c-field").append(details(fieldsOf(documents[opened.d])[s]));
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
    const facts = [make("span", {}, "file ", make("b", {}, String(doc.f)))];
    if (isDocument(doc)) {
      facts.push(make("span", {}, "document ", make("b", {}, String(doc.d))), make("span", {}, "class ", make("b", {}, isolated(index.classes[doc.c], 120))));
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
          zoomer(),
          make("div", { class: "pager" }, turn(-1, "‹", "Previous document"), make("span", {}, turnText(d)), turn(1, "›", "Next document"))),
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

  // Edits ----------------------------------------------------------------------------------------------------

  const edits = [];
  const addEdits = (list, d, s) => {
    for (const [timestamp, user, messages, moment] of list ?? []) edits.push({ timestamp, user, messages, moment: moment ?? null, d, s });
  };
  index.case.forEach((field, s) => addEdits(field[6], -1, s));
  documents.forEach((doc, d) => {
    addEdits(doc.e, d, null);
    fieldsOf(doc).forEach((field, s) => addEdits(field[EDITS], d, s));
  });
  edits.sort((a, b) => (b.moment ?? "").localeCompare(a.moment ?? ""));  // without a moment: at the end
  const listEdits = (number) => {
    const items = [];
    let day = null;
    for (const edit of edits.slice(number * TIMED, (number + 1) * TIMED)) {
      const its = edit.moment?.slice(0, 10) ?? "Time not readable";
      if (its !== day) items.push(make("li", { class: "day" }, its));
      day = its;
      const what = edit.d < 0 ? index.case[edit.s][1] : edit.s === null ? "class" : label(fieldsOf(documents[edit.d])[edit.s]);
      const link = edit.d < 0
        ? make("a", { href: `#case-${edit.s}` }, isolated(what || "(no name)", 120))
        : make("button", { type: "button", class: "link", "data-d": edit.d, "data-field-number": edit.s }, isolated(what || "(no name)", 120));
      items.push(make("li", { class: "edit" },
        make("span", { class: "api" }, edit.moment ? edit.moment.slice(11) : isolated(edit.timestamp ?? "not given", 80)),
        make("span", {}, isolated(edit.user ?? "nobody named", 80)),
        make("span", {}, link, " ", edit.d < 0 ? null : make("span", { class: "api" }, isolated(documents[edit.d].n ?? "(no name)", 80)),
          ...edit.messages.map((message) => make("div", {}, isolated(message, 1000))))));
    }
    byId("timeline").replaceChildren(...items);
    page(byId("edits-pager"), number, TIMED, edits.length, "edits", listEdits);
  };
  byId("edits-found").textContent = edits.length ? plural(edits.length, "edit") : "None.";
  listEdits(0);

  // Cross-class fields: the value that each option has in its document ----------------------------------------

  const records = index.whole ? documents.map((doc, d) => d).filter((d) => isDocument(documents[d])) : [];
  for (const button of document.querySelectorAll("#packet [data-record]")) {
    const d = button.dataset.record === "" ? undefined : records[Number(button.dataset.record)];
    const s = d === undefined ? -1 : fieldsOf(documents[d]).findIndex((field) => apiName(field) === button.dataset.api);
    button.disabled = d === undefined;
    if (d === undefined) continue;
    button.dataset.d = d;
    if (s < 0) continue;
    button.dataset.fieldNumber = s;
    button.parentElement.querySelector(".found-value").replaceWith(valued(fieldsOf(documents[d])[s][VALUE], "found-value"));
  }

  // Input -------------------------------------------------------------------------------------------

  let waiting = 0;
  const search = () => {
    if (waiting) refresh();
    clearTimeout(waiting);
    waiting = 0;
  };
  filters.text.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 120);
  });
  filters.threshold.addEventListener("input", () => {
    filters.threshold.value = Number(filters.threshold.value).toFixed(2);  // a step would round the first value, too
    refresh();
    if (!viewer.querySelector(".rows")) return;
    drawRows(documents[opened.d]);  // which of them are unsure
    mark();
  });
  filters.class.addEventListener("change", () => { offerFields(); refresh(); });
  for (const name of ["reason", "field", "sort"]) filters[name].addEventListener("change", refresh);
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  const setMode = (wanted) => {
    mode = wanted;
    for (const each of ["fields", "documents"]) byId(`list-${each}`).setAttribute("aria-pressed", String(each === wanted));
    refresh();
  };
  byId("list-fields").addEventListener("click", () => setMode("fields"));
  byId("list-documents").addEventListener("click", () => setMode("documents"));
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-row]");
    if (!row) return;
    pick(Number(row.dataset.row), true);
    // On a narrow screen the document stands below the list, where it would not be seen.
    if (!isWide()) viewer.scrollIntoView();
  });

  const linked = (event) => event.target.closest?.("[data-s]");
  viewer.addEventListener("mouseover", (event) => linked(event) && near(linked(event).dataset.s, true));
  viewer.addEventListener("mouseout", (event) => linked(event) && near(linked(event).dataset.s, false));
  viewer.addEventListener("focusin", (event) => linked(event) && near(linked(event).dataset.s, true));
  viewer.addEventListener("focusout", (event) => linked(event) && near(linked(event).dataset.s, false));
  viewer.addEventListener("click", (event) => {
    const element = linked(event);
    if (!element || event.target.closest("button.link")) return;
    choose(Number(element.dataset.s), element.matches("tr") ? "row" : "box");
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-class], button[data-d]");
    if (!button) return;
    if (button.dataset.d !== undefined) {
      const s = button.dataset.fieldNumber;
      open(Number(button.dataset.d), s === undefined ? null : Number(s));
      refresh();
      review.scrollIntoView();
      viewer.focus({ preventScroll: true });
      return;
    }
    filters.class.value = button.dataset.class;
    offerFields(button.dataset.field ?? "");
    filters.reason.value = "all";
    filters.text.value = "";
    setMode("fields");
    review.scrollIntoView();
    byId("queue").querySelector("tr[tabindex='0']")?.focus({ preventScroll: true });
  });

  const STEPS = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1, PageDown: LISTED, PageUp: -LISTED, Home: -Infinity, End: Infinity };
  const stepFields = (by, focus) => {
    const count = fieldsOf(documents[opened.d] ?? {}).length;
    choose(clamp((opened.s ?? (by > 0 ? -1 : count)) + by, 0, count - 1), focus);
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key, target } = event;
    const done = () => event.preventDefault();
    if (target.matches("input, select, textarea")) {
      if (key === "Escape" || (target === filters.text && (key === "ArrowDown" || key === "Enter"))) {
        done();
        search();  // the list may not have caught up with what was typed
        if (rows.length) pick(Math.max(current, 0), true);
        else if (key === "Escape") {
          filters.text.value = "";  // nothing was found: there is no row to go to
          refresh();
        }
      }
      return;
    }
    const inQueue = target.closest("#queue"), row = target.closest(".rows tr"), box = target.closest(".box, .misplaced button");
    if (key === "/") {
      done();
      filters.text.focus();
      filters.text.select();
    } else if (key === "]" || key === "[") turnTo((opened.d ?? 0) + (key === "]" ? 1 : -1));
    else if (key === "+" || key === "-") magnify(key === "+" ? 1 : -1);
    else if (key === "Escape") pick(Math.max(current, 0), true);
    else if (key in STEPS && (row || box)) {
      done();
      stepFields(STEPS[key], row ? "row" : "box");
    } else if (key in STEPS && (inQueue || key === "j" || key === "k")) {
      done();
      pick(current < 0 ? 0 : current + STEPS[key], true);
    } else if ((key === "Enter" || key === " ") && !target.matches("button, a, summary")) {
      if (inQueue) {
        done();
        pick(Number(target.closest("tr").dataset.row), false);
        if (key === "Enter") (viewer.querySelector("tr[aria-current]") ?? viewer.querySelector("tr[tabindex='0']") ?? viewer).focus();
      } else if (row || box) {
        done();
        const s = Number((row ?? box).dataset.s);
        choose(s, key === " " ? (row ? "row" : "box") : row ? "box" : "row");
      }
    }
  });

  // Start --------------------------------------------------------------------------------------------

  for (const element of document.querySelectorAll(".scripted")) element.hidden = false;
  // The address names the open document and field, so that a link to them can be kept or sent.
  const follow = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    const [d, s] = [asked.get("d"), asked.get("s")];
    if (d === null || !documents[Number(d)]) return false;
    open(Number(d), s === null ? null : Number(s));
    refresh();
    return true;
  };
  // The event may be late: where the address has changed again since, the newer one has been followed already.
  addEventListener("hashchange", (event) => new URL(event.newURL, location.href).hash === location.hash && follow());
  if (!follow()) {
    refresh();
    if (rows.length) pick(Math.max(0, rows.findIndex((entry) => entry.d >= 0)), false);
    else if (documents.length) open(0, null);
    else viewer.append(make("p", { class: "empty" }, "There are no documents."));
    scrollTo(0, 0);
  }
})();
