// Elements: the pieces that the parts of the page are made of.

const SVG = "http://www.w3.org/2000/svg";
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
// A text whose e-mail addresses are broken before the @ only.
const ADDRESS = /([^\s@<>()"',;:]{1,200})(@[^\s@<>()"',;:]{1,200})/;
const worded = (text) => text.split(ADDRESS).map((part, at) => (at % 3 ? make("span", { class: "unit" }, part) : part));
const isolated = (text, length = LONG) => make("bdi", {}, ...worded(cut(text, length)));
const badge = (text, kind = "") => make("span", { class: `badge ${kind}` }, cut(text, LONG));
const plural = (number, noun, several = `${noun}s`) => `${number.toLocaleString("en")} ${number === 1 ? noun : several}`;
const boxCount = (number) => plural(number, "box", "boxes");

const bandOf = (score, marks) =>
  marks & FAILED ? "failed" : score === null ? "unknown" : BANDS.find(([bound]) => score < bound)[1];
const digits = (score) => score.toFixed(score < 0.995 || score === 1 ? 2 : 3);
// The score of a row. A failed field says so first: its score is of a value that is not there.
const scored = (score, marks, isLow = false) => {
  const band = bandOf(score, marks);
  if (marks & FAILED) return make("span", { class: "score failed" }, "failed", score === null ? null : make("span", { class: "note" }, digits(score)));
  if (score === null) return make("span", { class: "score unknown" }, "–", make("span", { class: "aside" }, "no score"));
  return make("span", { class: `score ${band}`, title: band }, digits(score), isLow ? make("span", { class: "note" }, "unsure") :
    draw("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("rect", { class: "track", width: 100, height: 8 }),
      draw("rect", { class: "part", width: 100 * clamp(score, 0, 1), height: 8 })));
};
const valued = (text, kind = "") => {
  if (typeof text !== "string") return make("span", { class: `value nothing ${kind}` }, "no value given");
  if (text === "") return make("span", { class: `value nothing ${kind}` }, "empty");
  if (kind === "line") return make("span", { class: "value line", dir: "auto" }, cut(text.replaceAll("\n", " ↵ "), LONG));
  return make("span", { class: `value ${kind}`, dir: "auto" }, ...worded(cut(text, LONG)));
};
// Where a field failed, its error says more than its value, which is only ERROR.
const shown = (value, error, kind) =>
  (error ? make("span", { class: `value bad ${kind}`, dir: "auto", title: kind ? cut(error, LONG) : null }, cut(error, LONG)) : valued(value, kind));
const named = (api, called) => [
  make("span", { class: "name" }, isolated(called || "(no name)", 120)),
  api === called ? null : make("code", {}, isolated(api, 120)),
];
const alertText = ([level, message, type]) => [level, message || "no message", type && `(${type})`].filter(Boolean).join(" ");
const editText = ([timestamp, user, messages]) =>
  `${timestamp ?? "time not given"}, ${user ?? "nobody named"}: ${messages.join("; ") || "no message"}`;
const option = (value, text) => make("option", { value }, cut(text, 80));

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
  place.replaceChildren(...(total <= size ? [] : [
    step(-1, "‹", "Previous page"), make("span", {}, partText(number, size, total, nouns)), step(1, "›", "Next page"),
  ]));
};
const partText = (number, size, total, nouns) => {
  const [first, last, all] = [number * size + 1, Math.min((number + 1) * size, total), total].map((each) => each.toLocaleString("en"));
  return `${first}–${last} of ${all} ${nouns}`;
};
