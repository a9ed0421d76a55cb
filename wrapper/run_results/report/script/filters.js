// Filters: which rows are listed, in which order, and in which groups.

const filters = {
  text: byId("filter-text"), reason: byId("filter-reason"), class: byId("filter-class"), field: byId("filter-field"),
  sort: byId("sort"), threshold: byId("threshold"), hideChecked: byId("hide-checked"),
};
const REASONS = [
  ["look", "Needs a look"], ["failed", "Failed"], ["invalid", "Invalid"],
  ["unsure", "Unsure"], ["edited", "Edited"], ["checked", "Checked"], ["all", "Everything"],
];
const SORTS = [
  ["score", "Failed first, then lowest score"], ["severity", "Failed, then invalid, then lowest score"], ["run", "In the run's order"],
];
filters.reason.append(...REASONS.map(([value, text]) => option(value, text)));
filters.sort.append(...SORTS.map(([value, text]) => option(value, text)));
filters.class.append(option("", "All classes"), ...index.classes.map((name, number) => option(number, name)));
if (index.case.length) filters.class.append(option(PACKET, "(cross-class fields)"));
if (documents.some((doc) => !isDocument(doc))) filters.class.append(option(NO_DOCUMENTS, "(files without documents)"));

const namesOfClass = index.classes.map(() => new Set());
for (const doc of documents) for (const field of fieldsOf(doc)) namesOfClass[doc.c].add(field[NAME]);
const offerFields = (wanted = filters.field.value) => {
  const chosen = filters.class.value;
  const text = ([api, called]) => (api === called ? called : `${called} · ${api}`);
  if (chosen === PACKET) {
    filters.field.replaceChildren(option("", "All fields"), ...index.case.slice(0, OFFERED).map((field, s) => option(`case ${s}`, text(field))));
  } else {
    const numbers = chosen === "" ? index.names.map((_, number) => number) : [...(namesOfClass[chosen] ?? [])];
    numbers.sort((a, b) => index.names[a][1].localeCompare(index.names[b][1]));
    const offered = numbers.slice(0, OFFERED);
    if (/^\d/.test(wanted) && numbers.includes(Number(wanted)) && !offered.includes(Number(wanted))) offered.push(Number(wanted));
    filters.field.replaceChildren(option("", "All fields"), option(WHOLE, "(the document)"),
      ...offered.map((number) => option(number, text(index.names[number]))));
  }
  filters.field.value = wanted;
  if (filters.field.selectedIndex < 0) filters.field.value = "";
};
offerFields();

let mode = "fields";  // or "groups" or "documents"
const isUnsure = (entry) => entry.score !== null && entry.score < Number(filters.threshold.value);
const TROUBLE = FAILED | INVALID | UNCLASSIFIED | DOCUMENT_INVALID | EMPTY;
const isTrouble = ({ marks }) => (marks & (marks & EXPLAINED ? TROUBLE & ~DOCUMENT_INVALID : TROUBLE)) !== 0;
const reasons = {
  look: (entry) => isTrouble(entry) || isUnsure(entry),
  failed: (entry) => (entry.marks & FAILED) !== 0,
  invalid: (entry) => (entry.marks & (INVALID | DOCUMENT_INVALID)) !== 0,
  unsure: isUnsure,
  edited: (entry) => (entry.marks & EDITED) !== 0,
  checked: (entry) => checkedAt(entry) !== null,
  all: (entry) => mode === "documents" || entry.s >= 0 || isTrouble(entry) || isUnsure(entry),
};
const textsOf = (entry) => {
  if (entry.d < 0) return [index.case[entry.s][0], index.case[entry.s][1], index.case[entry.s][3], index.case[entry.s][4]];
  const doc = documents[entry.d];
  const field = fieldOf(entry);
  return [doc.n, index.classes[doc.c], ...(field ? [apiName(field), label(field), field[VALUE], field[ERROR]] : [])];
};
const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
const hasWords = (texts, words) => {
  const text = texts.filter((each) => typeof each === "string").join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
};

// A failed field comes first, whatever score it has.
const severity = ({ marks }) => (marks & FAILED ? 0 : marks & TROUBLE ? 1 : 2);
for (const entry of entries) entry.rank = (entry.marks & FAILED ? 0 : 10) + (entry.score ?? 2);
const byScore = (a, b) => a.rank - b.rank;
const orders = { score: byScore, severity: (a, b) => severity(a) - severity(b) || byScore(a, b), run: () => 0 };

// The rows that meet the filters, in order, and how many of them were left out because they are checked.
const find = () => {
  const words = wordsOf(filters.text.value);
  const meets = reasons[filters.reason.value];
  const [ofClass, ofField] = [filters.class.value, filters.field.value];
  const found = entries.filter((entry) => meets(entry) && (ofClass === "" || entry.ofClass === ofClass)
    && (ofField === "" || entry.ofField === ofField) && (!words.length || hasWords(textsOf(entry), words)));
  const hides = filters.hideChecked.checked && filters.reason.value !== "checked" && checks.size;
  const left = hides ? found.filter((entry) => checkedAt(entry) === null) : found;
  return { found: left.sort(orders[filters.sort.value]), hidden: found.length - left.length };
};

const byDocument = (found) => {
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

// Groups of the rows of one field of one class: what is wrong in the same way again and again stands on top.
const groupKey = (entry) => `${entry.ofClass} ${entry.ofField}`;
const groupSizes = new Map();
for (const entry of entries) groupSizes.set(groupKey(entry), (groupSizes.get(groupKey(entry)) ?? 0) + 1);
const byField = (found) => {
  const groups = new Map();
  for (const entry of found) {
    const key = groupKey(entry);
    let group = groups.get(key);
    if (!group) groups.set(key, group = { first: entry, count: 0, all: groupSizes.get(key), failed: 0, invalid: 0, unsure: 0, edited: 0, errors: new Map() });
    group.count += 1;
    for (const mark of ["failed", "invalid", "unsure", "edited"]) group[mark] += reasons[mark](entry);
    const error = entry.d < 0 ? index.case[entry.s][4] : fieldOf(entry)?.[ERROR];
    if (error) group.errors.set(error, (group.errors.get(error) ?? 0) + 1);
  }
  return [...groups.values()].sort((a, b) => b.failed - a.failed || b.invalid - a.invalid || b.unsure - a.unsure || b.count - a.count);
};
