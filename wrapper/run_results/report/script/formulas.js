// Formulas: cells of a table that a spreadsheet could take for formulas get apostrophes. The rule, its reasons and its
// names are those of `guard` in the wrapper's tables/formulas.py; a test compares the two.

const guardWith = ([codes, signs]) => {
  const SPACE = "\\t\\n\\x0b\\f\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";  // of Python
  const SEPARATORS = ",;|\\t\\r\\n";
  const SKIPPED = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x20\"\\x7f\\x80-\\xa0\\xad\\u061c\\u1680\\u180e\\u2000-\\u200f"
    + "\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufeff]*";
  const SIGN = "[=+\\-@＝＋－＠]";
  const LONGEST = 100;  // characters; a longer cell is no amount
  const literal = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const bySize = [...signs].sort((a, b) => b.length - a.length);
  const before = signs.filter((sign) => !/[\p{L}\p{N}]/u.test(sign)).map(literal).join("|");
  const behind = bySize.map(literal).join("|");
  const code = codes.join("|");
  const some = new RegExp(`${SIGN}|^[\\t\\r\\n]`, "u");  // without one of these there is nothing to look at
  const front = new RegExp(`^(?:${SKIPPED}(${SIGN})|[\\t\\r\\n])`, "u");
  const inside = new RegExp(`([${SEPARATORS}]${SKIPPED})('*${SIGN})`, "gu");
  const amount = new RegExp(
    `^[+\\-]?[ \\xa0]?(?:(?:${before})[ \\xa0]?|(?:${code})[ \\xa0])?(?:[0-9][0-9.,'’ \\xa0\\u202f]*|[.,][0-9]+)`
    + `[ \\xa0]?(?:%|${behind}|${code})?$`, "u");
  const listed = /[;|\t\r\n]|,(?=[ \xa0]*[+-])/u;
  const space = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "gu");
  const areAmounts = (cell) => {
    const parts = cell.length <= 2 * LONGEST && [...cell].length <= LONGEST ? cell.split(listed).map((part) => part.replace(space, "")) : ["too long"];
    return parts.every((part) => part === "" || amount.test(part));
  };
  // Whether a sign behind a separator is that of an amount: to the end of the line, or to the same separator.
  const isAmount = (text, [all, lead]) => (at) => {
    const rest = [...text.slice(at + lead.length, at + lead.length + 2 * LONGEST + 2)].slice(0, LONGEST + 1).join("");
    const end = [...rest].findIndex((sign) => sign === "\r" || sign === "\n" || sign === all[0]);
    return areAmounts(end < 0 ? rest : [...rest].slice(0, end).join(""));
  };
  return (text) => {
    if (!some.test(text)) return text;
    const found = front.exec(text);
    const isUnsafe = found !== null && !(found[1] && areAmounts(text.slice(found[0].length - found[1].length)));
    const hits = [...text.matchAll(inside)];
    if (!isUnsafe && hits.every((hit) => hit[2][0] === "'" || isAmount(text, hit)(hit.index))) return text;
    return `'${text.replace(inside, (all, lead, sign, at) => (isAmount(text, [all, lead])(at) ? all : `${lead}'${sign}`))}`;
  };
};
