"use strict";
// Texts that are made up: for a format, for a pattern, and of a length.

const { expression } = require("./schemas");

const MAX_LENGTH = 100_000;
const FORMATS = {
  date: "2024-01-31",
  "date-time": "2024-01-31T12:00:00Z",
  time: "12:00:00Z",
  duration: "P1D",
  email: "user@example.com",
  "idn-email": "user@example.com",
  hostname: "www.example.com",
  "idn-hostname": "www.example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  url: "https://example.com/",
  iri: "https://example.com/",
  "uri-reference": "/example",
  "iri-reference": "/example",
  "uri-template": "https://example.com/{id}",
  uuid: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
  "json-pointer": "/example",
  "relative-json-pointer": "0",
  regex: "^.*$",
  byte: "ZXhhbXBsZQ==",
};
// Characters that a class of a pattern may want.
const CHARACTERS = [
  ..."a1A-_ .:/@+,;#",
  ..."bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ023456789",
  ...Array.from({ length: 1000 }, (_, code) => String.fromCodePoint(code + 9)),
];

// Reads a pattern and writes a text that it should match: groups and classes with each part as often as it must be, and
// `more` times beyond where that is allowed; of alternatives the one with the number `choice`. `mixed`: of a class one
// character after the other, and not the same each time.
class Writer {
  #rest;
  #groups = [];
  #more;
  #choice;
  #mixed;
  #turn = 0;

  constructor(pattern, { more, choice, mixed }) {
    this.#rest = pattern;
    this.#more = more;
    this.#choice = choice;
    this.#mixed = mixed;
  }

  #take(regex) {
    const found = regex.exec(this.#rest);
    if (found !== null) {
      this.#rest = this.#rest.slice(found[0].length);
    }
    return found;
  }

  // Alternatives, up to the end or to a closing bracket: each is a function that writes.
  alternatives() {
    const all = [this.#sequence()];
    while (this.#take(/^\|/)) {
      all.push(this.#sequence());
    }
    return () => all[this.#choice % all.length]();
  }

  #sequence() {
    const parts = [];
    while (this.#rest !== "" && !/^[|)]/.test(this.#rest)) {
      const atom = this.#atom();
      const [, star, from, comma, to] = this.#take(/^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/) ?? [];
      const least = { "*": 0, "+": 1, "?": 0 }[star] ?? Number(from ?? 1);
      const most =
        star === "?" ? 1 : star ? Infinity : from === undefined ? 1 : comma === "" ? least : Number(to || Infinity);
      parts.push(() => this.#repeated(atom, Math.min(most, least + this.#more)));
    }
    return () => parts.map((part) => part()).join("");
  }

  #repeated(atom, count) {
    let text = "";
    for (let number = 0; number < count && text.length <= MAX_LENGTH; number += 1) {
      const one = atom();
      if (one === "") {
        break;
      }
      text += one;
    }
    return text;
  }

  #atom() {
    const group = this.#take(/^\((\?(?:[:=!]|<[=!]|<[^>]*>))?/);
    if (group !== null) {
      return this.#group(group[1] ?? "");
    }
    if (this.#take(/^(?:[\^$]|\\[bB])/)) {
      return () => "";
    }
    const back = this.#take(/^\\([1-9])/);
    if (back !== null) {
      return () => this.#groups[back[1] - 1]?.() ?? "";
    }
    const set = this.#take(/^(?:\[(?:\\[^]|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\[dDwWsS]|\.)/);
    if (set !== null) {
      const regex = expression(`^${set[0]}$`);
      const characters = CHARACTERS.filter((one) => regex?.test(one)).slice(0, 20);
      return () => characters[this.#mixed ? this.#turn++ % characters.length : 0] ?? "";
    }
    const [, code, escaped, plain] = this.#take(/^(?:\\[ux]\{?([0-9a-fA-F]{2,6})\}?|\\([^])|([^]))/u);
    const control = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", 0: "\0" };
    const text = code !== undefined ? String.fromCodePoint(parseInt(code, 16)) : (plain ?? control[escaped] ?? escaped);
    return () => text;
  }

  #group(kind) {
    const inner = this.alternatives();
    this.#take(/^\)/);
    if (/^\?(?:[=!]|<[=!])/.test(kind)) {
      return () => "";
    }
    if (kind !== "?:") {
      this.#groups.push(inner);
    }
    return inner;
  }
}

function fits(text, { minLength = 0, maxLength = Infinity, pattern }) {
  const length = [...text].length;
  return length >= minLength && length <= maxLength && (pattern === undefined || expression(pattern).test(text));
}

// A text for a schema of type `string`, and another one for each `variant`; undefined when none is found.
function textFor(schema, variant) {
  const { minLength = 0, maxLength = Infinity, pattern, format } = schema;
  const plain = `string${variant === 0 ? "" : variant}`;
  const long = plain
    .repeat(Math.ceil(Math.min(minLength, MAX_LENGTH) / plain.length) || 1)
    .slice(0, Math.max(minLength, plain.length));
  const candidates = [
    ...(variant === 0 && FORMATS[format] !== undefined ? [FORMATS[format]] : [plain, long, plain.slice(0, maxLength)]),
  ];
  const found = candidates.find((text) => fits(text, schema));
  if (found !== undefined || pattern === undefined) {
    return found;
  }
  for (const more of [variant, 1, 2, 3, 5, 8, 12, 16, ...[3, 2, 1, 0].map((less) => minLength - less)].filter(
    (count) => count >= 0 && count <= MAX_LENGTH,
  )) {
    for (const choice of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const text = new Writer(pattern, { more, choice: choice >> 1, mixed: choice % 2 === 1 }).alternatives()();
      if (fits(text, schema)) {
        return text;
      }
    }
  }
  return undefined;
}

module.exports = { textFor };
