"use strict";
// The specification as it lies on disk, in one file or many, and what its references lead to. Nothing is ever fetched: a
// reference to another machine, out of the specification's folder or to something that is not there leads to nothing.

const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
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
// Keys of a schema whose values are data, and keys whose values are schemas by name.
const DATA = new Set(["example", "examples", "default", "enum", "const"]);
const NAMED = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "schemas"]);

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

// The URL that a reference or an `$id` means in a place with the URL `base`; undefined when it means none.
function absolute(reference, base) {
  try {
    return new URL(reference, base).href;
  } catch {
    return undefined;
  }
}

// Calls `see` once for each object and list of a document, but for those in examples and other data: with the URL that it is
// relative to, its JSON pointer, and the URLs that it gives itself by `$id`, `$anchor` and `$dynamicAnchor`.
function visit(root, url, see) {
  const seen = new Set();
  const walk = (node, around, pointer, isMap) => {
    if (typeof node !== "object" || node === null || seen.has(node)) {
      return;
    }
    seen.add(node);
    const base = typeof node.$id === "string" ? (absolute(node.$id, around)?.split("#")[0] ?? around) : around;
    const anchors = [node.$anchor, node.$dynamicAnchor].filter((name) => typeof name === "string");
    const names = [...(base === around ? [] : [base]), ...anchors.map((name) => `${base}#${name}`)];
    see({ node, base, pointer, names });
    for (const [key, value] of Object.entries(node)) {
      if (isMap || !DATA.has(key)) {
        walk(value, base, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, NAMED.has(key));
      }
    }
  };
  walk(root, url, "", false);
}

class Document {
  #folder;
  #files = new Map();
  // Schemas by the URL that `$id`, `$anchor` or `$dynamicAnchor` gives them, each with its file.
  #named = new Map();
  // The URL of the place where a reference stands, if its file has such names.
  #bases = new Map();

  // Reads the main file; throws when it is missing or not an object.
  constructor(file) {
    this.file = path.resolve(file);
    this.#folder = this.file.startsWith(FOLDER + path.sep) ? FOLDER : path.dirname(this.file);
    const text = fs.readFileSync(this.file, "utf8").replace(/^\uFEFF/, "");
    this.root = parse(text);
    if (!isObject(this.root)) {
      throw new Error(`${file} is not an OpenAPI document`);
    }
    this.#files.set(this.file, this.root);
    this.#index(text, this.file);
  }

  // Collects the names that schemas of a file give themselves (JSON Schema 2020-12).
  #index(text, file) {
    if (!/\$(id|anchor|dynamicAnchor)\b/.test(text)) {
      return;
    }
    visit(this.#files.get(file), pathToFileURL(file).href, ({ node, base, names }) => {
      for (const name of names) {
        this.#named.set(name, { value: node, file });
      }
      this.#bases.set(node, base);
    });
  }

  // What a reference leads to by a name that a schema gives itself; undefined when there is no such schema.
  #byName(node, file) {
    if (this.#named.size === 0) {
      return undefined;
    }
    const url = absolute(node.$ref ?? node.$dynamicRef, this.#bases.get(node) ?? pathToFileURL(file).href) ?? "";
    const exact = this.#named.get(url);
    if (exact !== undefined) {
      return { ...exact, key: url };
    }
    const [address, pointer = ""] = url.split("#");
    const whole = this.#named.get(address);
    return whole && { value: pointed(whole.value, decoded(pointer)), file: whole.file, key: url };
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
      this.#index(text ?? "", file);
    }
    return this.#files.get(file);
  }

  // One step: what a reference in `file` leads to: `{value, file, key}`; the value is undefined when there is nothing.
  follow(node, file) {
    const named = this.#byName(node, file);
    if (named !== undefined) {
      return named;
    }
    const ref = node.$ref ?? node.$dynamicRef;
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
      here = step < MAX_STEPS ? this.follow(here.value, here.file) : { value: undefined, file };
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
        const found = this.follow(node, from);
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
    if (found.length === 0 && media.example === undefined && !isObject(named.value)) {
      const schema = this.resolve(media.schema, file);
      if (isObject(schema.value) && schema.value.example !== undefined) {
        found.push([undefined, this.literal(schema.value.example, schema.file)]);
      }
    }
    return found.filter(([, value]) => !isBareReference(value));
  }
}

module.exports = {
  DATA,
  Document,
  NAMED,
  VALUE_KEYS,
  absolute,
  isBareReference,
  isJson,
  isObject,
  isReference,
  isRemote,
  pointed,
  visit,
};
