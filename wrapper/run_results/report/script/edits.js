// Edits: what reviewers changed, as a timeline with filters; and the values that options of cross-class fields have.

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
const subjectOf = ({ d, s }) => (d < 0 ? index.case[s][1] : s === null ? "class" : label(fieldsOf(documents[d])[s]));

const editFilters = { text: byId("edits-text"), user: byId("edits-user"), class: byId("edits-class") };
const tally = (values) => {
  const found = new Map();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return [...found].sort((a, b) => b[1] - a[1]).slice(0, OFFERED);
};
const nobody = "nobody named";
const users = tally(edits.map(({ user }) => user ?? nobody));
const editClasses = tally(edits.map(({ d }) => (d < 0 ? PACKET : classKeys[documents[d].c])));
editFilters.user.append(option("", "Everybody"), ...users.map(([user, count], at) => option(at, `${cut(user, 60)} (${count.toLocaleString("en")})`)));
editFilters.class.append(option("", "All classes"),
  ...editClasses.map(([key, count]) => option(key, `${key === PACKET ? "(cross-class fields)" : cut(index.classes[key], 60)} (${count.toLocaleString("en")})`)));

let foundEdits = edits;
const drawEdits = (number) => {
  const items = [];
  let day = null;
  for (const edit of foundEdits.slice(number * TIMED, (number + 1) * TIMED)) {
    const its = edit.moment?.slice(0, 10) ?? "Time not readable";
    if (its !== day) items.push(make("li", { class: "day" }, its));
    day = its;
    const what = subjectOf(edit) || "(no name)";
    const link = edit.d < 0
      ? make("a", { href: `#case-${edit.s}` }, isolated(what, 120))
      : make("button", { type: "button", class: "link", "data-d": edit.d, "data-field-number": edit.s }, isolated(what, 120));
    items.push(make("li", { class: "edit" },
      make("span", { class: "api" }, edit.moment ? edit.moment.slice(11) : isolated(edit.timestamp ?? "not given", 80)),
      make("div", {}, link, " ", edit.d < 0 ? null : make("span", { class: "api" }, isolated(documents[edit.d].n ?? "(no name)", 80)),
        ...edit.messages.map((message) => make("div", {}, isolated(message, 1000))),
        make("div", { class: "api" }, "by ", isolated(edit.user ?? nobody, 120)))));
  }
  byId("timeline").replaceChildren(...items);
  page(byId("edits-pager"), number, TIMED, foundEdits.length, "edits", drawEdits);
  byId("edits-printed").textContent = foundEdits.length > TIMED ? `Printed: ${partText(number, TIMED, foundEdits.length, "edits")}.` : "";
};
const findEdits = () => {
  const words = wordsOf(editFilters.text.value);
  const user = editFilters.user.value === "" ? null : users[editFilters.user.value][0];
  const ofClass = editFilters.class.value;
  foundEdits = edits.filter((edit) => (user === null || (edit.user ?? nobody) === user)
    && (ofClass === "" || (edit.d < 0 ? PACKET : classKeys[documents[edit.d].c]) === ofClass)
    && (!words.length || hasWords([subjectOf(edit), documents[edit.d]?.n, edit.user, ...edit.messages], words)));
  byId("edits-found").textContent = !edits.length ? "None." : foundEdits.length === edits.length ? plural(edits.length, "edit")
    : `${foundEdits.length.toLocaleString("en")} of ${plural(edits.length, "edit")}`;
  drawEdits(0);
};
findEdits();
editFilters.text.addEventListener("input", findEdits);
for (const name of ["user", "class"]) editFilters[name].addEventListener("change", findEdits);

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
