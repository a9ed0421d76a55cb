// Input: the mouse, the keys, and the tabs.

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
for (const each of ["fields", "groups", "documents"]) byId(`list-${each}`).addEventListener("click", () => setMode(each));
filters.hideChecked.addEventListener("change", refresh);
byId("clear").addEventListener("click", () => {
  clearFilters();
  refresh();
});
// A tile lists what it counts: the other filters go. Pressed once more, it gives way to what needs a look.
for (const tile of tiles) tile.addEventListener("click", () => {
  const { reason } = tile.dataset;
  clearFilters();
  filters.reason.value = filters.reason.value === reason ? "look" : reason;
  setMode("fields");
  if (rows.length) pick(0, false);
  if (!isWide()) review.scrollIntoView();
});
body.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-row]");
  if (!row) return;
  const number = Number(row.dataset.row);
  if (event.target.matches("input")) {
    toggle(rows[number]);
    return;
  }
  if (mode === "groups") {
    enterGroup(number);
    return;
  }
  pick(number, true);
  // On a narrow screen the document stands below the list, where it would not be seen.
  if (!isWide()) viewer.scrollIntoView();
});
// Another window marked a row of the same run.
addEventListener("storage", (event) => {
  if (event.key !== null && event.key !== STORE) return;
  readChecks();
  refresh();
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
  clearFilters();
  filters.class.value = button.dataset.class;
  offerFields(button.dataset.field ?? "");
  filters.reason.value = "all";
  setMode("fields");
  review.scrollIntoView();
  byId("queue").querySelector("tr[tabindex='0']")?.focus({ preventScroll: true });
});

const keys = byId("keys");
byId("show-keys").addEventListener("click", () => keys.showModal());
keys.addEventListener("click", (event) => {
  if (event.target === keys || event.target.id === "hide-keys") keys.close();
});

const STEPS = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1, PageDown: LISTED, PageUp: -LISTED, Home: -Infinity, End: Infinity };
const stepFields = (by, focus) => {
  const count = fieldsOf(documents[opened.d] ?? {}).length;
  choose(clamp((opened.s ?? (by > 0 ? -1 : count)) + by, 0, count - 1), focus);
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
  const { key, target } = event;
  const done = () => event.preventDefault();
  if (target.matches("input:not([type=checkbox]), select")) {
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
  } else if (key === "?") {
    done();
    keys.showModal();
  } else if (key === "c") {
    const entry = row || box ? entryOf(opened.d, Number((row ?? box).dataset.s)) : mode === "fields" ? rows[current] : undefined;
    if (!entry) return;
    done();
    toggle(entry);
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
    if (inQueue && mode === "groups") {
      done();
      enterGroup(current);
    } else if (inQueue) {
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

// The tab of the part that is on the screen. One that was clicked stays until the reader scrolls.
const tabs = [...document.querySelectorAll("nav a")];
let clicked = null;
const markTab = () => {
  const parts = tabs.map((tab) => byId(tab.hash.slice(1)).getBoundingClientRect());
  const isAtEnd = scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
  const at = isAtEnd ? tabs.length - 1 : Math.max(0, parts.findLastIndex(({ top }) => top < innerHeight * 0.4));
  const active = clicked ?? tabs[at];
  for (const tab of tabs) {
    if (tab === active) tab.setAttribute("aria-current", "location");
    else tab.removeAttribute("aria-current");
  }
};
for (const tab of tabs) tab.addEventListener("click", () => { clicked = tab; markTab(); });
for (const kind of ["wheel", "touchmove", "keydown"]) addEventListener(kind, () => { clicked = null; }, { passive: true });
addEventListener("scroll", markTab, { passive: true });
addEventListener("resize", markTab);
