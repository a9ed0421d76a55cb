// Pages: a document's pages, drawn to their layout, with the boxes of the fields on them.

let firstPage = 0;

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
// The text of a box on a page without a picture: the value, or its line where each line has a box.
const INK = { low: 16, high: 26, wide: 0.56, tall: 0.8 };  // sizes of letters, and their measures as shares of the size
const inkOf = ({ field, box }, wide, high) => {
  if (typeof field[VALUE] !== "string" || field[MARKS] & FAILED) return [];
  const lines = field[VALUE].slice(0, 2000).split("\n");
  const [at, boxes] = [field[BOXES].indexOf(box), field[BOXES].length];
  const texts = lines.length === boxes ? [lines[at]] : at === 0 ? lines.slice(0, 40) : [];
  const longest = Math.max(1, ...texts.map((text) => text.length));
  const size = clamp(Math.min(high / texts.length * INK.tall, wide / longest / INK.wide), INK.low, INK.high);
  const room = Math.max(Math.floor(wide / size / INK.wide), 6);
  return texts.slice(0, Math.max(Math.floor(high / size), 1)).map((text, row) => ({ text: cut(text, room), size, down: (row + 0.5) * high / Math.max(texts.length, 1) }));
};
const say = (field, s) => `${s + 1} ${label(field) || "(no name)"}`;

const drawBox = ({ field, s, box }, isFirst, width, height, tall, isPictured) => {
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
    ...(isPictured ? [] : inkOf({ field, box }, wide, high)).map(({ text: ink, size, down }) =>
      draw("text", { class: "ink", x: x + 3, y: y + down + size * 0.36, "font-size": size.toFixed(1), "aria-hidden": "true" }, ink)),
    isFirst ? draw("text", { class: "label", x: labelX, y: labelY, "aria-hidden": "true" }, String(s + 1)) : null);
};
const misplaced = (title, found) => found.length ? make("div", { class: "misplaced" }, make("span", {}, title),
  ...found.map(({ field, s, box }) => make("button", { type: "button", "data-s": s, "aria-pressed": "false" },
    isolated(say(field, s), 80), ` at ${cornersOf(box)}${box[5] >= TURNED ? ", given the wrong way round" : ""}`))) : null;
const drawPage = (doc, number) => {
  const layout = (doc.l ?? []).find(([page]) => page === number);
  const boxes = boxesOn(doc, number);
  const picture = (doc.i ?? []).find(([page]) => page === number);
  const notes = [boxCount(boxes.length)];
  if (doc.p && !doc.p.includes(number)) notes.unshift("not among the document's pages");
  if (!layout) {
    return make("figure", {}, make("figcaption", {}, make("b", {}, `Page ${fromOne(number)}`), notes.join(" · ")),
      make("div", { class: "blank" }, "The size of this page is not given, so nothing can be drawn on it."),
      misplaced("Boxes:", boxes));
  }
  const [, width, height] = layout;
  const tall = clamp(1000 * height / width, 80, 6000);
  const svg = draw("svg", { class: picture ? "paper pictured" : "paper", viewBox: `0 0 1000 ${tall}`, role: "group", "aria-label": `Page ${fromOne(number)}` });
  const source = picture && byId(`image-${picture[1]}`);
  if (source) svg.append(draw("image", { href: source.textContent, width: 1000, height: tall, preserveAspectRatio: "none" }));
  const drawn = boxes.filter(({ box }) => box[5] % TURNED <= PARTLY);
  svg.append(...drawn.map((each, at) => drawBox(each, drawn[at - 1]?.s !== each.s, width, height, tall, Boolean(source))));
  return make("figure", {}, make("figcaption", {}, make("b", {}, `Page ${fromOne(number)}`), make("span", {}, [`${width} × ${height}`, ...notes].join(" · "))),
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

