"use strict";
// The specification as it lies on disk, in one file or many. Nothing is ever fetched: a reference to another machine, out
// of the specification's folder or to something that is not there leads to nothing.

const fs = require("node:fs");
const path = require("node:path");
const yaml = require("js-yaml");

// YAML's core: a date stays the text that it is. `<<` merges.
const SCHEMA = yaml.CORE_SCHEMA.extend({ implicit: [yaml.types.merge] });
// References that lead to references: more than these are a circle.
const MAX_STEPS = 32;
// Values that one example may have after its references are followed.
const MAX_VALUES = 200_000;

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isReference(value) {
  return isObject(value) && typeof value.$ref === "string";
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

  // Reads the main file; throws when it is missing or is no object.
  constructor(file) {
    this.file = path.resolve(file);
    this.#folder = path.dirname(this.file);
    this.root = parse(fs.readFileSync(this.file, "utf8").replace(/^\uFEFF/, ""));
    if (!isObject(this.root)) {
      throw new Error(`${file} is no OpenAPI document`);
    }
    this.#files.set(this.file, this.root);
  }

  // The absolute path that a relative one in `file` means, or undefined when it leads out of the specification's folder.
  #locate(relative, file) {
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(relative)) {
      return undefined;
    }
    const found = path.resolve(path.dirname(file), decoded(relative));
    return found.startsWith(this.#folder + path.sep) ? found : undefined;
  }

  #text(file) {
    try {
      return fs.readFileSync(file, "utf8").replace(/^\uFEFF/, "");
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

  // The text or JSON value of an example that is kept in a file of its own, or undefined.
  external(relative, file) {
    const target = this.#locate(relative, file);
    return target === undefined ? undefined : this.#load(target);
  }
}

module.exports = { Document, isObject, isReference };
