"use strict";
// What the specification describes: its operations, which of them a call means, and which answers each documents.

const { isObject } = require("./document");

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

// A path as a regular expression: `{x}` is within one segment, everything else (`$`, `:`, brackets) is itself.
function regex(path) {
  const parts = path.split(/(\{[^{}]*\})/);
  const source = parts.map((part) => (/^\{.*\}$/.test(part) ? "[^/]+" : part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")));
  return new RegExp(`^${source.join("")}$`);
}

// Fixed text goes before parameters: `/pets/mine` is asked before `/pets/{id}`.
function weight(path) {
  return path.replace(/\{[^{}]*\}/g, "\uFFFF");
}

class Operation {
  #document;

  constructor(document, { path, method, item, operation }) {
    this.#document = document;
    this.path = path;
    this.method = method.toLowerCase();
    this.item = item;
    this.operation = operation;
  }

  // The documented answers: a Map from code (`200`, `4XX`, `default`) to `{value, file}`.
  get responses() {
    const { value, file } = this.#document.resolve(this.operation.value.responses, this.operation.file);
    const found = new Map();
    for (const [code, response] of Object.entries(isObject(value) ? value : {})) {
      const resolved = this.#document.resolve(response, file);
      if (!code.startsWith("x-")) {
        found.set(code.toUpperCase() === "DEFAULT" ? "default" : code.toUpperCase(), resolved);
      }
    }
    return found;
  }

  // The key of the answer that stands for a status: itself, its range, or the default; undefined when there is none.
  documented(status) {
    const codes = this.responses;
    return [String(status), `${String(status)[0]}XX`, "default"].find((code) => codes.has(code));
  }

  // The status of an answer that nobody asked for by number: the first success, else the first that there is, else 204.
  usual() {
    const codes = [...this.responses.keys()].filter((one) => !one.startsWith("1")).sort();
    const code = codes.find((one) => one.startsWith("2")) ?? (codes.includes("default") ? "default" : codes[0]);
    const ranges = { default: "200", undefined: "204" };
    return Number(ranges[code] ?? code.replace("XX", "00"));
  }

  // The names of the examples of the answer with this status.
  exampleNames(status) {
    const { value } = this.responses.get(this.documented(status)) ?? {};
    const names = new Set();
    for (const media of Object.values(isObject(value?.content) ? value.content : {})) {
      Object.keys(isObject(media?.examples) ? media.examples : {}).forEach((name) => names.add(name));
    }
    return names;
  }
}

function operationsOf(document, path, item) {
  const methods = METHODS.map((method) => [method, item.value[method]]);
  const { value: more, file } = document.resolve(item.value.additionalOperations, item.file);
  const others = Object.entries(isObject(more) ? more : {}).map(([method, value]) => [method, value, file]);
  return [...methods, ...others]
    .filter(([method, value]) => isObject(value) && !method.startsWith("x-"))
    .map(([method, value, from]) => {
      const operation = document.resolve(value, from ?? item.file);
      return new Operation(document, { path, method, item, operation });
    })
    .filter(({ operation }) => isObject(operation.value));
}

class Operations {
  #all;

  constructor(document) {
    const paths = document.resolve(document.root.paths, document.file);
    const found = [];
    for (const [path, value] of Object.entries(isObject(paths.value) ? paths.value : {})) {
      const item = document.resolve(value, paths.file);
      if (path.startsWith("/") && isObject(item.value)) {
        found.push(...operationsOf(document, path, item));
      }
    }
    this.#all = found
      .map((operation) => {
        // Some documents tell operations on one path apart by `?x` or `#x`; a call does not carry the latter.
        const sent = operation.path.split(/[?#]/)[0];
        return { operation, regex: regex(sent), weight: weight(sent) };
      })
      .sort((one, other) => (one.weight < other.weight ? -1 : Number(one.weight > other.weight)));
  }

  // Every operation that a path (as it is sent, or percent-decoded) may mean, the nearest first, whatever the method.
  at(path) {
    let plain = path;
    try {
      plain = decodeURI(path);
    } catch {
      // It is matched as it came.
    }
    const fits = this.#all.filter((one) => one.regex.test(path) || one.regex.test(plain));
    return fits.map((one) => one.operation);
  }
}

module.exports = { Operations };
