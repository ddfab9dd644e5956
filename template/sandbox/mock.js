"use strict";
// Prism, asked about one operation at a time. It gets a small document of its own for each, so that the size of the
// specification costs nothing at the start, and example bodies never pass through it: a token does, in their place.

const { createInstance, getHttpOperationsFromSpec } = require("@stoplight/prism-http");
const { isJson, isObject, isReference } = require("./specification");

const SILENT = Object.fromEntries(["trace", "debug", "info", "success", "warn", "error", "fatal"].map((k) => [k, () => {}]));
SILENT.child = () => SILENT;
const PRISM_METHODS = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"]);
// Parts of schemas that hold values, and parts that hold schemas by name.
const VALUES = new Set(["example", "examples", "default", "enum", "const"]);
const NAMED = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
// Schemas beyond this many nodes are cut off: what lies that deep may be anything.
const MAX_NODES = 20000;
// Prism writes out what a reference leads to wherever it stands, so that a few schemas that refer to one another come to
// more nodes than there is memory. Where they come to more than MAX_WRITTEN, it gets them written out already, as deep as
// MAX_CUT nodes or MAX_DEPTH references reach, and below that the types only.
const MAX_WRITTEN = 50_000;
const MAX_CUT = 2000;
const MAX_DEPTH = 32;
// What could refuse a value because a schema below it was cut.
const EXACT = new Set(["not", "if", "then", "else", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "discriminator"]);

const prism = createInstance(
  { mock: { dynamic: false }, checkSecurity: false, validateRequest: true, validateResponse: false, errors: false },
  { logger: SILENT, route: ({ resources }) => ({ _tag: "Right", right: resources[0] }) },
);

// The values of an `enum` as Prism takes them: each once, and without the null that it adds itself to a nullable type.
function choices(values, { type, nullable, "x-nullable": nullable2 }) {
  const once = [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
  const added = typeof type === "string" && (nullable === true || nullable2 === true);
  return added ? once.filter((value) => value !== null) : once;
}

class TooLarge extends Error {}

class Sketch {
  #document;
  #names = new Map();
  #nodes = 0;
  #pending = [];
  schemas = {};
  examples = new Map();
  #asked;
  #written;

  // `asked`: the name of the only example that is wanted, or undefined. `written`: schemas are written out instead of
  // referred to, through as many references as its `depth`; more nodes than its `limit` are TooLarge.
  constructor(document, asked, written) {
    this.#document = document;
    this.#asked = asked;
    this.#written = written;
    this.version2 = document.root.swagger !== undefined;
    this.version30 = this.version2 || /^3\.0/.test(String(document.root.openapi));
  }

  get #isCut() {
    return this.#written !== undefined && this.#written.depth < Infinity;
  }

  #reference(node, file, trail) {
    const target = this.#document.follow(node.$ref, file);
    if (target.value === undefined || typeof target.value !== "object") {
      return {};
    }
    if (this.#written !== undefined) {
      return this.#writtenOut(node, file, target, trail);
    }
    if (this.#nodes > MAX_NODES) {
      return {};
    }
    if (!this.#names.has(target.key)) {
      this.#names.set(target.key, `s${this.#names.size}`);
      this.#pending.push(target);
    }
    const $ref = `#/${this.version2 ? "definitions" : "components/schemas"}/${this.#names.get(target.key)}`;
    const beside = this.version30 ? {} : this.#fields({ ...node, $ref: undefined }, file, trail);
    return { ...beside, $ref };
  }

  #writtenOut(node, file, { value, file: from, key }, trail) {
    if (trail.includes(key) || trail.length >= this.#written.depth) {
      const { type, nullable } = value ?? {};
      return type === undefined ? {} : { type, ...(nullable === undefined ? {} : { nullable }) };
    }
    const copy = this.copy(value, from, [...trail, key]);
    return this.version30 || !isObject(copy) ? copy : { ...copy, ...this.#fields({ ...node, $ref: undefined }, file, trail) };
  }

  #fields(node, file, trail) {
    const copy = {};
    for (const [key, value] of Object.entries(node)) {
      // `nullable` needs a type; Prism cannot check a schema that has it without one.
      if (value === undefined || (key === "nullable" && node.type === undefined)) {
        continue;
      }
      if (key.startsWith("x-") && key !== "x-nullable") {
        continue;
      }
      if (this.#isCut && EXACT.has(key)) {
        continue;
      }
      if (VALUES.has(key)) {
        const literal = this.#document.literal(value, file);
        copy[key] = key === "enum" && Array.isArray(literal) ? choices(literal, node) : literal;
      } else if (NAMED.has(key) && isObject(value) && !isReference(value)) {
        copy[key] = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.copy(item, file, trail)]));
      } else {
        copy[key] = this.copy(value, file, trail);
      }
    }
    if (this.#isCut && copy.oneOf !== undefined) {
      // Of two that were cut both may fit.
      const { oneOf, ...rest } = copy;
      return { anyOf: oneOf, ...rest };
    }
    return copy;
  }

  // A schema, header or parameter in terms of this sketch alone. `trail`: the references that led here.
  copy(node, file, trail = []) {
    this.#nodes += 1;
    if (this.#nodes > (this.#written?.limit ?? Infinity)) {
      throw new TooLarge();
    }
    if (Array.isArray(node)) {
      return node.map((item) => this.copy(item, file, trail));
    }
    if (isReference(node)) {
      return this.#reference(node, file, trail);
    }
    return isObject(node) ? this.#fields(node, file, trail) : node;
  }

  // Copies the schemas that were referred to, until none remains.
  finish() {
    while (this.#pending.length > 0) {
      const { key, value, file } = this.#pending.shift();
      this.schemas[this.#names.get(key)] = this.copy(value, file);
    }
  }

  #token(value) {
    const token = `example-${this.examples.size}`;
    this.examples.set(token, value);
    return token;
  }

  // A body's schema or examples as Prism takes them; undefined when the requested example is not among them.
  #media(node, file) {
    const { value: media, file: from } = this.#document.resolve(node, file);
    if (!isObject(media)) {
      return this.#asked === undefined ? {} : undefined;
    }
    const found = this.#document.examples(media, from);
    const example = this.#asked === undefined ? found[0] : found.find(([name]) => name === this.#asked);
    if (example !== undefined) {
      return { example: this.#token(example[1]) };
    }
    if (this.#asked !== undefined) {
      return undefined;
    }
    return media.schema === undefined ? {} : { schema: this.copy(media.schema, from) };
  }

  #content(content, file) {
    const { value, file: from } = this.#document.resolve(content, file);
    const every = Object.entries(isObject(value) ? value : {}).map(([type, media]) => [type, this.#media(media, from)]);
    const all = every.filter(([, media]) => media !== undefined);
    // A body that is made up is JSON where that is one of the choices: only an example can say what the others look like.
    const made = all.filter(([type, media]) => "schema" in media && isJson(type));
    return Object.fromEntries(made.length > 0 ? all.filter(([type, media]) => isJson(type) || !("schema" in media)) : all);
  }

  #response2(response, file) {
    const { schema, examples } = response;
    const { value } = this.#document.resolve(examples, file);
    const made = isObject(value) ? Object.entries(this.#document.literal(value, file)) : [];
    const tokens = Object.fromEntries(made.map(([type, example]) => [type, this.#token(example)]));
    return { ...(schema && made.length === 0 ? { schema: this.copy(schema, file) } : {}), examples: tokens };
  }

  response({ value, file }) {
    if (!isObject(value)) {
      return { description: "" };
    }
    const { value: headers, file: from } = this.#document.resolve(value.headers, file);
    const body = this.version2 ? this.#response2(value, file) : { content: this.#content(value.content, file) };
    return { description: "", headers: isObject(headers) ? this.copy(headers, from) : {}, ...body };
  }

  // Parameters of the path and of the operation, which has the last word.
  parameters(operation) {
    const found = new Map();
    for (const part of [operation.item, operation.operation]) {
      const list = this.#document.resolve(part.value.parameters, part.file);
      for (const one of Array.isArray(list.value) ? list.value : []) {
        const { value, file } = this.#document.resolve(one, list.file);
        // OpenAPI 3.2's query string as a whole is nothing that Prism knows.
        if (isObject(value) && typeof value.name === "string" && value.in !== "querystring") {
          found.set(`${value.in} ${value.name}`, this.copy(value, file));
        }
      }
    }
    return [...found.values()];
  }

  requestBody(operation) {
    const { value, file } = this.#document.resolve(operation.operation.value.requestBody, operation.operation.file);
    if (!isObject(value)) {
      return undefined;
    }
    const { value: content, file: from } = this.#document.resolve(value.content, file);
    const copies = Object.entries(isObject(content) ? content : {}).map(([type, node]) => {
      const { value: media, file: at } = this.#document.resolve(node, from);
      return [type, isObject(media) && media.schema !== undefined ? { schema: this.copy(media.schema, at) } : {}];
    });
    return { required: value.required === true, content: Object.fromEntries(copies) };
  }
}

// The document that Prism gets: one operation with the answer `status`, and, when requests are checked, with what a
// request must hold and the answers to one that does not.
function describe(document, operation, { status, example, checked }, written) {
  const sketch = new Sketch(document, example, written);
  const codes = operation.responses;
  const responses = {};
  for (const code of checked ? [422, 415, 400] : []) {
    const key = operation.documented(code);
    if (key !== undefined && key !== "default") {
      responses[code] = sketch.response(codes.get(key));
    }
  }
  const key = operation.documented(status);
  responses[status] = key === undefined ? { description: "" } : sketch.response(codes.get(key));
  const asked = checked ? { parameters: sketch.parameters(operation), requestBody: sketch.requestBody(operation) } : {};
  sketch.finish();
  const method = PRISM_METHODS.has(operation.method) ? operation.method : "post";
  const paths = { [operation.path.split(/[?#]/)[0]]: { [method]: { ...asked, responses } } };
  const info = { title: "", version: "" };
  if (!sketch.version2) {
    const openapi = sketch.version30 ? "3.0.3" : "3.1.0";
    return { examples: sketch.examples, openapi: { openapi, info, paths, components: { schemas: sketch.schemas } } };
  }
  const named = Object.values(responses).flatMap((response) => Object.keys(response.examples ?? {}));
  const declared = operation.operation.value.produces ?? document.root.produces ?? ["application/json"];
  const produces = named.length > 0 ? [...new Set(named)] : declared;
  const consumes = operation.operation.value.consumes ?? document.root.consumes;
  paths[operation.path.split(/[?#]/)[0]][method].produces = produces;
  return { examples: sketch.examples, openapi: { swagger: "2.0", info, consumes, paths, definitions: sketch.schemas } };
}

// The same, in a size that Prism can work with.
function describeInBounds(document, operation, wanted) {
  try {
    describe(document, operation, wanted, { depth: Infinity, limit: MAX_WRITTEN });
    return describe(document, operation, wanted);
  } catch (error) {
    if (!(error instanceof TooLarge)) {
      throw error;
    }
  }
  let deepest = describe(document, operation, wanted, { depth: 0, limit: Infinity });
  try {
    for (let depth = 1; depth <= MAX_DEPTH; depth += 1) {
      deepest = describe(document, operation, wanted, { depth, limit: MAX_CUT });
    }
  } catch (error) {
    if (!(error instanceof TooLarge)) {
      throw error;
    }
  }
  return deepest;
}

class Mock {
  #document;
  #ready = new Map();

  constructor(document) {
    this.#document = document;
  }

  async #prepared(operation, wanted) {
    const kept = this.#ready.get(operation) ?? new Map();
    this.#ready.set(operation, kept);
    const key = JSON.stringify([wanted.status, wanted.example, wanted.checked]);
    if (!kept.has(key)) {
      const { examples, openapi } = describeInBounds(this.#document, operation, wanted);
      const [resource] = await getHttpOperationsFromSpec(openapi);
      kept.set(key, { examples, resource });
    }
    return kept.get(key);
  }

  // Prism's answer to `request` (url, headers, body): `{status, headers, body, isExample}`. `wanted` is the status, the name
  // of an example or undefined, and whether the request is checked. Throws what Prism has against the request (then it
  // has a `status`), or an error without one when Prism cannot do it.
  async answer(operation, request, wanted) {
    const { examples, resource } = await this.#prepared(operation, wanted);
    const config = { mock: { dynamic: false, code: wanted.status }, validateRequest: wanted.checked };
    const done = await prism.request({ ...request, method: resource.method }, [resource], config)();
    if (done._tag === "Left") {
      throw done.left;
    }
    const { statusCode, headers, body } = done.right.output;
    const isExample = typeof body === "string" && examples.has(body);
    return { status: statusCode, headers: headers ?? {}, body: isExample ? examples.get(body) : body, isExample };
  }
}

module.exports = { Mock };
