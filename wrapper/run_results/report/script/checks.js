// Checks: the rows that a reviewer has marked as checked. The browser keeps them by run and by place in the run, with the
// time. No value is kept. A check holds as long as the row has the same marks and as many edits.

const STORE = `run-results/checked/${index.run}`;
const storage = (() => {
  try {
    const kept = globalThis.localStorage;
    kept.getItem(STORE);
    return kept;
  } catch {
    return null;  // a browser that keeps nothing for files, or a frame without an address
  }
})();

const placeOf = ({ d, s }) => {
  if (d < 0) return `case/${s}`;
  const doc = documents[d];
  return isDocument(doc) ? `${doc.f}/${doc.d}${s < 0 ? "" : `/${s}`}` : `${doc.f}`;
};
const stateOf = ({ d, s, marks }) => [marks, (d < 0 ? index.case[s][6] : s < 0 ? documents[d].e : fieldOf({ d, s })[EDITS])?.length ?? 0];

let checks = new Map();  // place: [time, marks, edits]
let isKept = storage !== null;
const loadChecks = () => {
  let kept = null;
  try {
    kept = JSON.parse(storage?.getItem(STORE) ?? "{}");
  } catch { /* not ours, or damaged */ }
  const isCheck = (value) => Array.isArray(value) && typeof value[0] === "string";
  checks = new Map(Object.entries(kept && typeof kept === "object" ? kept : {}).filter(([, value]) => isCheck(value)));
};
const saveChecks = () => {
  try {
    if (checks.size) storage?.setItem(STORE, JSON.stringify(Object.fromEntries(checks)));
    else storage?.removeItem(STORE);
    isKept = storage !== null;
  } catch {
    isKept = false;  // no room
  }
};

// Each row has its check: the time; true where there is one that does not hold any more; null where there is none.
const checkOf = (entry) => {
  const check = checks.size ? checks.get(placeOf(entry)) : undefined;
  if (!check) return null;
  const [marks, edits] = stateOf(entry);
  return check[1] === marks && check[2] === edits ? check[0] : true;
};
const readChecks = () => {
  loadChecks();
  for (const entry of entries) entry.check = checkOf(entry);
};
readChecks();

const checkedAt = ({ check }) => (typeof check === "string" ? check : null);
const isOutdated = ({ check }) => check === true;
const setChecked = (entry, is) => {
  if (isKept) loadChecks();  // another window may have the same run
  if (is) checks.set(placeOf(entry), [`${new Date().toISOString().slice(0, 19)}Z`, ...stateOf(entry)]);
  else checks.delete(placeOf(entry));
  entry.check = checkOf(entry);
  saveChecks();
};
