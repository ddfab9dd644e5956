"use strict";
// The specification: how it lies on disk, in one file or many, and which operations and answers it describes. Nothing is
// ever fetched: a reference to another machine, out of the specification's folder or to something that is not there leads
// to nothing.

const fs = require("node:fs");
const path = require("node:path");
const yaml = require("js-yaml");

// YAML's core: a date stays the text that it is. `<<` merges.
const SCHEMA = yaml.CORE_SCHEMA.extend({ implicit: [yaml.types.merge] });
// References that lead to references: more than these are a circle.
const MAX_STEPS = 32;
// Values that one example may have after its references are followed.
const MAX_VALUES = 200_000;

// What the document refers to is in this folder, where the document may be further down.
const FOLDER = path.join(__dirname, "..", "specification");

// Where an example may keep its value.
const VALUE_KEYS = ["value", "dataValue", "serializedValue"];
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isReference(value) {
  return isObject(value) && typeof value.$ref === "string";
}

function isJson(mediaType) {
  return /[/+]json\b/i.test(mediaType);
}

// A reference and nothing else.
function isBareReference(value) {
  return isReference(value) && Object.keys(value).length === 1;
}

// Something with a scheme or a host: never fetched.
function isRemote(address) {
  return /^[a-z][a-z0-9+.-]*:|^\/\//i.test(address);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return yaml.load(text, { schema: SCHEMA, json: true });
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function pointed(value, pointer) {
  let here = value;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) {
      return undefined;
    }
    here = here[key];
  }
  return here;
}

class Document {
  #folder;
  #files = new Map();

  // Reads the main file; throws when it is missing or not an object.
  constructor(file) {
    this.file = path.resolve(file);
    this.#folder = this.file.startsWith(FOLDER + path.sep) ? FOLDER : path.dirname(this.file);
    this.root = parse(fs.readFileSync(this.file, "utf8").replace(/^\uFEFF/, ""));
    if (!isObject(this.root)) {
      throw new Error(`${file} is not an OpenAPI document`);
    }
    this.#files.set(this.file, this.root);
  }

  // The absolute path that a relative one in `file` means, or undefined when it leads out of the specification's folder.
  #locate(relative, file) {
    if (isRemote(relative)) {
      return undefined;
    }
    const found = path.resolve(path.dirname(file), decoded(relative));
    return found.startsWith(this.#folder + path.sep) ? found : undefined;
  }

  // The text of a file; undefined when it is not there or holds something else than UTF-8.
  #text(file) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(fs.readFileSync(file));
    } catch {
      return undefined;
    }
  }

  #load(file) {
    if (!this.#files.has(file)) {
      const text = this.#text(file);
      let value = text;
      if (text !== undefined && /\.(json|ya?ml)$/i.test(file)) {
        try {
          value = parse(text);
        } catch {
          value = undefined;
        }
      }
      this.#files.set(file, value);
    }
    return this.#files.get(file);
  }

  // One step: what `ref`, standing in `file`, leads to: `{value, file, key}`; the value is undefined when there is nothing.
  follow(ref, file) {
    const hash = ref.indexOf("#");
    const relative = hash < 0 ? ref : ref.slice(0, hash);
    const pointer = hash < 0 ? "" : decoded(ref.slice(hash + 1));
    const target = relative === "" ? file : this.#locate(relative, file);
    const value = target === undefined || !/^(\/|$)/.test(pointer) ? undefined : pointed(this.#load(target), pointer);
    return { value, file: target, key: `${target}#${pointer}` };
  }

  // Follows references until something else stands there: `{value, file}`.
  resolve(value, file) {
    let here = { value, file };
    for (let step = 0; isReference(here.value); step += 1) {
      here = step < MAX_STEPS ? this.follow(here.value.$ref, here.file) : { value: undefined, file };
    }
    return here;
  }

  // A plain value with the references inside it replaced by what they lead to. Those that lead nowhere or back to where
  // they stand are left, and all that are met after so many values.
  literal(value, file) {
    let left = MAX_VALUES;
    const copy = (node, from, trail) => {
      left -= 1;
      if (isReference(node)) {
        const found = this.follow(node.$ref, from);
        const stop = found.value === undefined || trail.includes(found.key) || left < 0;
        return stop ? node : copy(found.value, found.file, [...trail, found.key]);
      }
      if (Array.isArray(node)) {
        return node.map((item) => copy(item, from, trail));
      }
      if (isObject(node)) {
        return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, copy(item, from, trail)]));
      }
      return node;
    };
    return copy(value, file, []);
  }

  // Name and value of each example of a body whose value is within reach; the one of `example:` has the name undefined.
  examples(media, file) {
    const found = media.example === undefined ? [] : [[undefined, this.literal(media.example, file)]];
    const named = this.resolve(media.examples, file);
    for (const [name, example] of Object.entries(isObject(named.value) ? named.value : {})) {
      const { value: one, file: from } = this.resolve(example, named.file);
      if (!isObject(one)) {
        continue;
      }
      const key = VALUE_KEYS.find((place) => Object.hasOwn(one, place));
      if (key !== undefined) {
        found.push([name, this.literal(one[key], from)]);
      } else if (typeof one.externalValue === "string") {
        found.push([name, this.literal({ $ref: one.externalValue }, from)]);
      }
    }
    return found.filter(([, value]) => !isBareReference(value));
  }
}

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

  // The documented answers: a Map from code (`200`, `4XX`, `default`) to `{value, file}`. Other keys are ignored.
  get responses() {
    const { value, file } = this.#document.resolve(this.operation.value.responses, this.operation.file);
    const found = new Map();
    for (const [code, response] of Object.entries(isObject(value) ? value : {})) {
      const resolved = this.#document.resolve(response, file);
      const key = code.toUpperCase();
      if (/^([1-9][0-9]{2}|[1-5]XX|DEFAULT)$/.test(key)) {
        found.set(key === "DEFAULT" ? "default" : key, resolved);
      }
    }
    return found;
  }

  // The key of the answer for a status: the status, its range, or the default; undefined when there is none.
  documented(status) {
    const codes = this.responses;
    return [String(status), `${String(status)[0]}XX`, "default"].find((code) => codes.has(code));
  }

  // The status of an answer without a requested status: the first success, else the first of all, else 204.
  usual() {
    const codes = [...this.responses.keys()].filter((one) => !one.startsWith("1")).sort();
    const code = codes.find((one) => one.startsWith("2")) ?? (codes.includes("default") ? "default" : codes[0]);
    const ranges = { default: "200", undefined: "204" };
    return Number(ranges[code] ?? code.replace("XX", "00"));
  }

  // The names of the examples with a value that the answer with this status has.
  exampleNames(status) {
    const response = this.responses.get(this.documented(status)) ?? {};
    const { value, file } = this.#document.resolve(response.value?.content, response.file);
    const bodies = Object.values(isObject(value) ? value : {}).map((body) => this.#document.resolve(body, file));
    const examples = bodies.flatMap((body) => (isObject(body.value) ? this.#document.examples(body.value, body.file) : []));
    return new Set(examples.map(([name]) => name));
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
        // Some documents separate operations on one path by `?x` or `#x`; a call does not carry the latter.
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

module.exports = { Document, Operations, VALUE_KEYS, isBareReference, isJson, isRemote, isObject, isReference };
