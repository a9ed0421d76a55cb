// Start: what is seen first, and what an address asks for.

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
markTab();

// On a narrow screen the facts of the run would fill it. On paper they are shown again.
const about = document.querySelector(".about");
const isNarrow = matchMedia("(max-width: 760px)").matches;
about.open = !isNarrow;
addEventListener("beforeprint", () => { about.open = true; });
addEventListener("afterprint", () => { about.open = !isNarrow; });
