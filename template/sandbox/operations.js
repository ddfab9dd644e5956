"use strict";
// The operations that the specification describes, in one form whatever its version: parameters, request bodies and
// answers are those of OpenAPI 3. A schema is a place: `{node, file}`.

const { isObject } = require("./specification");

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];
// OpenAPI ignores header parameters of these names: security and media types describe those headers.
const IGNORED = new Set(["accept", "authorization", "content-type"]);
const STYLES = { query: "form", cookie: "form", path: "simple", header: "simple" };
// Swagger 2.0's formats of lists, as styles of OpenAPI 3.
const COLLECTIONS = { ssv: "spaceDelimited", tsv: "tabDelimited", pipes: "pipeDelimited" };
const FORM = "application/x-www-form-urlencoded";

class Operation {
  #document;
  #made = new Map();

  constructor(document, { path, route, method, item, operation }) {
    this.#document = document;
    this.path = path;
    this.route = route;
    this.method = method.toLowerCase();
    this.item = item;
    this.operation = operation;
    this.isVersion2 = document.root.swagger !== undefined;
  }

  // A value that is made when it is first wanted.
  #once(name, make) {
    if (!this.#made.has(name)) {
      this.#made.set(name, make());
    }
    return this.#made.get(name);
  }

  #entries(node, file) {
    const { value, file: from } = this.#document.resolve(node, file);
    return Object.entries(isObject(value) ? value : {}).map(([key, item]) => [key, this.#document.resolve(item, from)]);
  }

  // Parameters of the path and of the operation, which has the last word: `[{value, file}]`.
  get #declared() {
    return this.#once("declared", () => {
      const found = new Map();
      for (const part of [this.item, this.operation]) {
        const list = this.#document.resolve(part.value.parameters, part.file);
        for (const one of Array.isArray(list.value) ? list.value : []) {
          const { value, file } = this.#document.resolve(one, list.file);
          if (isObject(value) && typeof value.in === "string") {
            found.set(value.in === "body" ? "body" : `${value.in} ${value.name}`, { value, file });
          }
        }
      }
      return [...found.values()];
    });
  }

  // What the call must or may hold beside its body: `{name, in, required, style, explode, isJson, schema}`.
  get parameters() {
    return this.#once("parameters", () =>
      this.#declared
        .filter(({ value }) => Object.hasOwn(STYLES, value.in) && typeof value.name === "string")
        .filter(({ value }) => value.in !== "header" || !IGNORED.has(value.name.toLowerCase()))
        .map((one) => this.#parameter(one)),
    );
  }

  // Whether the description has its own word on the header `Accept`, which OpenAPI ignores.
  get namesAccept() {
    return this.#declared.some(({ value }) => value.in === "header" && String(value.name).toLowerCase() === "accept");
  }

  #parameter({ value, file }) {
    const { name, in: where, required, content, schema, collectionFormat, allowEmptyValue } = value;
    const style = COLLECTIONS[collectionFormat] ?? value.style ?? STYLES[where];
    const explode = this.isVersion2 ? collectionFormat === "multi" : (value.explode ?? style === "form");
    const [media] = this.#entries(content, file);
    const node = this.isVersion2 ? value : schema;
    const place = media === undefined ? node !== undefined && { node, file } : this.#schema(media[1]);
    const isJson = media !== undefined;
    return {
      name,
      in: where,
      required: required === true,
      style,
      explode,
      isJson,
      mayBeEmpty: allowEmptyValue === true,
      schema: place || undefined,
    };
  }

  #schema({ value, file }) {
    return isObject(value) && value.schema !== undefined ? { node: value.schema, file } : undefined;
  }

  // `{required, content: [{type, schema, encoding}]}`, or undefined when no body is described.
  get requestBody() {
    return this.#once("requestBody", () => (this.isVersion2 ? this.#body2() : this.#body3()));
  }

  #body3() {
    const { value, file } = this.#document.resolve(this.operation.value.requestBody, this.operation.file);
    if (!isObject(value)) {
      return undefined;
    }
    const content = this.#entries(value.content, file).map(([type, media]) => {
      return { type, schema: this.#schema(media), encoding: Object(media.value?.encoding) };
    });
    return { required: value.required === true, content };
  }

  #body2() {
    const types = (usual) => this.operation.value.consumes ?? this.#document.root.consumes ?? [usual];
    const body = this.#declared.find(({ value }) => value.in === "body");
    if (body !== undefined) {
      const schema = this.#schema(body);
      return {
        required: body.value.required === true,
        content: types("application/json").map((type) => ({ type, schema, encoding: {} })),
      };
    }
    const fields = this.#declared.filter(({ value }) => value.in === "formData");
    if (fields.length === 0) {
      return undefined;
    }
    const required = fields.filter(({ value }) => value.required === true).map(({ value }) => value.name);
    const properties = Object.fromEntries(fields.map(({ value }) => [value.name, { ...value, required: undefined }]));
    const encoding = Object.fromEntries(
      fields.map(({ value }) => [
        value.name,
        { style: COLLECTIONS[value.collectionFormat], explode: value.collectionFormat === "multi" },
      ]),
    );
    const schema = { node: { type: "object", required, properties }, file: fields[0].file };
    const forms = types(FORM).filter((type) => type === FORM || type === "multipart/form-data");
    return {
      required: required.length > 0,
      content: (forms.length > 0 ? forms : [FORM]).map((type) => ({ type, schema, encoding })),
    };
  }

  // The documented answers: a Map from code (`200`, `4XX`, `default`) to `{value, file}`. Other keys are ignored.
  get responses() {
    return this.#once("responses", () => {
      const found = new Map();
      for (const [code, response] of this.#entries(this.operation.value.responses, this.operation.file)) {
        const key = code.toUpperCase();
        if (/^([1-9][0-9]{2}|[1-5]XX|DEFAULT)$/.test(key)) {
          found.set(key === "DEFAULT" ? "default" : key, response);
        }
      }
      return found;
    });
  }

  // The key of the answer for a status: the status, its range, or the default; undefined when there is none.
  documented(status) {
    return [String(status), `${String(status)[0]}XX`, "default"].find((code) => this.responses.has(code));
  }

  // What is documented under a key: `{headers: [[name, {value, file}]], content: [{type, schema, examples}]}`, each example
  // with its name.
  response(key) {
    return this.#once(`response ${key}`, () => {
      const { value, file } = this.responses.get(key) ?? {};
      const content = this.isVersion2 ? this.#content2(value, file) : this.#content3(value, file);
      return { headers: this.#entries(value?.headers, file), content };
    });
  }

  #content3(response, file) {
    return this.#entries(response?.content, file).map(([type, media]) => {
      const examples = isObject(media.value) ? this.#document.examples(media.value, media.file) : [];
      return { type, schema: this.#schema(media), examples };
    });
  }

  #content2(response, file) {
    const examples = new Map(
      this.#entries(response?.examples, file).map(([type, { value, file: from }]) => [
        type,
        this.#document.literal(value, from),
      ]),
    );
    const schema = this.#schema({ value: response, file });
    const produces = this.operation.value.produces ?? this.#document.root.produces ?? ["application/json"];
    const types = schema === undefined ? [] : produces;
    return [...new Set([...types.filter((type) => examples.has(type)), ...examples.keys(), ...types])].map((type) => {
      return { type, schema, examples: examples.has(type) ? [[undefined, examples.get(type)]] : [] };
    });
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
    const { content } = this.response(this.documented(status));
    return new Set(content.flatMap(({ examples }) => examples.map(([name]) => name)));
  }
}

// Text of a path with its percent-encodings read; text that holds a wrong one stays as it is.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// One segment of a path: its fixed text is itself (`$`, `:`, brackets), and each `{parameter}` is one character or more.
function segment(text) {
  const parts = text.split(/(\{[^{}]*\})/);
  const source = parts.map((part) =>
    /^\{.*\}$/.test(part) ? "(.+)" : decoded(part).replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"),
  );
  const names = parts.filter((part) => /^\{.*\}$/.test(part)).map((part) => part.slice(1, -1));
  return { names, fixed: text.replace(/\{[^{}]*\}/g, "").length, regex: new RegExp(`^${source.join("")}$`, "su") };
}

// A path of the specification. Some documents separate operations on one path by `?x` or `#x`; a call does not carry the
// latter.
class Route {
  #segments;

  constructor(path) {
    const sent = path.split(/[?#]/)[0];
    this.key = sent.replace(/\{[^{}]*\}/g, "{}");
    this.#segments = sent.split("/").map(segment);
  }

  // The values of the path's parameters in a call of `path`; undefined when the call is not of this path.
  match(path) {
    const parts = path.split("/");
    if (parts.length !== this.#segments.length) {
      return undefined;
    }
    const found = new Map();
    for (const [index, { names, regex }] of this.#segments.entries()) {
      const values = regex.exec(decoded(parts[index]));
      if (values === null) {
        return undefined;
      }
      names.forEach((name, number) => found.set(name, values[number + 1]));
    }
    return found;
  }

  // Negative when this path is more specific: at the first segment that differs, fixed text goes before a parameter, and
  // more fixed text beside a parameter (`{id}:cancel`) before less.
  compare(other) {
    for (const [index, { names, fixed }] of this.#segments.entries()) {
      const { names: names2, fixed: fixed2 } = other.#segments[index] ?? { names: [], fixed: 0 };
      const order = Math.sign(names.length) - Math.sign(names2.length) || (names.length > 0 ? fixed2 - fixed : 0);
      if (order !== 0) {
        return order;
      }
    }
    return 0;
  }
}

function operationsOf(document, path, item) {
  const route = new Route(path);
  const methods = METHODS.map((method) => [method, item.value[method]]);
  const { value: more, file } = document.resolve(item.value.additionalOperations, item.file);
  const others = Object.entries(isObject(more) ? more : {}).map(([method, value]) => [method, value, file]);
  return [...methods, ...others]
    .filter(([method, value]) => isObject(value) && !method.startsWith("x-"))
    .map(([method, value, from]) => {
      const operation = document.resolve(value, from ?? item.file);
      return new Operation(document, { path, route, method, item, operation });
    })
    .filter(({ operation }) => isObject(operation.value));
}

class Operations {
  #all = [];

  constructor(document) {
    const paths = document.resolve(document.root.paths, document.file);
    for (const [path, value] of Object.entries(isObject(paths.value) ? paths.value : {})) {
      const item = document.resolve(value, paths.file);
      if (path.startsWith("/") && isObject(item.value)) {
        this.#all.push(...operationsOf(document, path, item));
      }
    }
    this.#all.sort((one, other) => one.route.compare(other.route));
  }

  // The operations of the most specific path that a call of `path` fits, whatever the method.
  at(path) {
    const nearest = this.#all.find(({ route }) => route.match(path) !== undefined);
    return this.#all.filter(({ route }) => route.key === nearest?.route.key);
  }
}

module.exports = { FORM, Operations };
