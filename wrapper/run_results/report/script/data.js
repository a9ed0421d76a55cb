// The script of the report: lists the fields that need a look, and draws a document when it is opened. The data stand in
// script elements of other types (compact.py describes their form). Everything from a server becomes text nodes and plain
// attributes; nothing is ever parsed as HTML, and the policy of the page would forbid it. The parts stand in the order of
// SCRIPTS in template.py, in one scope.

// Data: what stands in the report, and the rows that a list can show.

const [NAME, MARKS, VALUE, TYPE, ERROR, MODEL, OCR, BOXES, ALERTS, EDITS] = Array(10).keys();
const FAILED = 1, INVALID = 2, EDITED = 4, UNCLASSIFIED = 8, DOCUMENT_INVALID = 16, EMPTY = 32, EXPLAINED = 64;
const ON = 0, PARTLY = 1, OFF = 2, NO_LAYOUT = 3, INCOMPLETE = 4, TURNED = 8;
const BANDS = [[0.5, "low"], [0.8, "medium"], [0.95, "good"], [Infinity, "high"]];
const LISTED = 50, DRAWN = 8, TABLED = 200, TIMED = 100, OFFERED = 2000;  // rows, pages, fields, edits, choices at a time
const LONG = 300;  // characters of a value before it is cut

const byId = (id) => document.getElementById(id);
const viewer = byId("viewer");

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
// People count from 1, the API from 0.
const fromOne = (number) => (number + 1).toLocaleString("en");

// A row is a field, a document as a whole (s = -1), a file without documents (the same), or a cross-class field (d = -1).
// `ofClass` and `ofField` are what the filters of class and field compare: numbers, or one of these words.
const PACKET = "packet", NO_DOCUMENTS = "none", WHOLE = "whole";
const entries = [];
index.case.forEach(([, , marks], s) => entries.push({ d: -1, s, score: null, marks, ofClass: PACKET, ofField: `case ${s}` }));
const classKeys = index.classes.map((_, number) => String(number));
const nameKeys = index.names.map((_, number) => String(number));
documents.forEach((doc, d) => {
  const inner = fieldsOf(doc).reduce((all, field) => all | field[MARKS], 0);
  const ofClass = isDocument(doc) ? classKeys[doc.c] : NO_DOCUMENTS;
  let marks = isDocument(doc) ? 0 : EMPTY;
  if (doc.u) marks |= UNCLASSIFIED;
  if (doc.v === false) marks |= DOCUMENT_INVALID;
  if (inner & INVALID) marks |= EXPLAINED;  // invalid fields have rows of their own, which say why
  if (doc.e) marks |= EDITED;
  entries.push({ d, s: -1, score: doc.cc ?? null, marks, ofClass, ofField: WHOLE });
  fieldsOf(doc).forEach((field, s) =>
    entries.push({ d, s, score: confidence(field), marks: field[MARKS], ofClass, ofField: nameKeys[field[NAME]] }));
});
const fieldOf = (entry) => (entry.d < 0 || entry.s < 0 ? undefined : documents[entry.d].s[entry.s]);

// What is open in the viewer: the document `d`, and its field `s` or null.
let opened = { d: null, s: null };
