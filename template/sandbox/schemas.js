"use strict";
// The specification's schemas as plain JSON Schema (2020-12), and checks against them. Each schema that is referred to is
// copied once and compiled once, so that neither size nor circles cost anything.

const Ajv = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default;
const { DATA, isObject } = require("./specification");

const TYPES = new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);
const isCount = (value) => Number.isInteger(value) && value >= 0;
const isNumber = (value) => Number.isFinite(value);
const isNames = (value) => Array.isArray(value) && value.every((name) => typeof name === "string");
const isAny = (value) => value !== undefined;
// The keywords that are copied as they are, where their values are what JSON Schema allows.
const PLAIN = {
  const: isAny,
  contentMediaType: isAny,
  default: isAny,
  dependentRequired: (value) => isObject(value) && Object.values(value).every(isNames),
  enum: (value) => Array.isArray(value) && value.length > 0,
  example: isAny,
  examples: Array.isArray,
  format: (value) => typeof value === "string",
  maxContains: isCount,
  maximum: isNumber,
  maxItems: isCount,
  maxLength: isCount,
  maxProperties: isCount,
  minContains: isCount,
  minimum: isNumber,
  minItems: isCount,
  minLength: isCount,
  minProperties: isCount,
  multipleOf: (value) => isNumber(value) && value > 0,
  pattern: (value) => typeof value === "string" && expression(value) !== undefined,
  required: isNames,
  uniqueItems: (value) => typeof value === "boolean",
  xml: isObject,
};
const ONE = [
  "additionalProperties",
  "contains",
  "else",
  "if",
  "items",
  "not",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
];
const LISTS = ["allOf", "anyOf", "oneOf", "prefixItems"];
const BY_NAME = ["dependentSchemas", "patternProperties", "properties"];

// A pattern as JavaScript reads it, with Unicode where that is possible; undefined when it cannot be read.
function expression(pattern) {
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(pattern, flags);
    } catch {
      // Without Unicode more is allowed.
    }
  }
  return undefined;
}

function validator(options) {
  const regExp = Object.assign((pattern) => expression(pattern), { code: "expression" });
  // Compiling counts for more here than checking: most schemas check one value or two.
  const code = { regExp, optimize: false };
  const ajv = new Ajv({
    strict: false,
    validateSchema: false,
    inlineRefs: false,
    ownProperties: true,
    addUsedSchema: false,
    logger: false,
    code,
    ...options,
  });
  return addFormats(ajv);
}

class Schemas {
  #document;
  #isOld;
  // Names by node, for each use: a `request` may leave out what is `readOnly`; a `text` is the same where numbers and
  // booleans are texts, in a query or a form; an `answer` holds nothing that is `writeOnly`; a `loose` one may fit several
  // of what should be one.
  #names = { request: new Map(), text: new Map(), answer: new Map(), loose: new Map() };
  #copies = new Map();
  #titles = new Map();
  #checks = new Map();
  #pending = [];
  #ajv = { request: validator({}), text: validator({ coerceTypes: "array" }), answer: validator({}), loose: validator({}) };

  constructor(document) {
    this.#document = document;
    this.#isOld = document.root.swagger !== undefined || /^3\.0/.test(String(document.root.openapi));
  }

  // The name of the copy of a schema for one use.
  name({ node, file }, use) {
    const name = this.#reserve({ value: node, file }, use);
    while (this.#pending.length > 0) {
      const one = this.#pending.pop();
      const copy = this.#copy(one.value, one.file, one.use);
      this.#copies.set(one.name, copy);
      this.#ajv[one.use].addSchema(copy, one.name);
    }
    return name;
  }

  get(name) {
    return this.#copies.get(name);
  }

  // The name that the specification gives to a schema, which its XML element has too; empty when it has none.
  title(name) {
    return this.#titles.get(name) ?? "";
  }

  #reserve({ value, file, key }, use) {
    const names = this.#names[use];
    if (!names.has(value)) {
      const name = `/${use}/${names.size}`;
      names.set(value, name);
      this.#titles.set(name, /[^/#]*$/.exec(key ?? "")[0]);
      this.#pending.push({ value, file, use, name });
    }
    return names.get(value);
  }

  #copy(node, file, use) {
    if (!isObject(node)) {
      return node !== false;
    }
    const reference = typeof node.$ref === "string" || typeof node.$dynamicRef === "string";
    if (reference && this.#isOld) {
      return this.#refer(node, file, use);
    }
    const copy = this.#plain(node, file);
    for (const key of ONE.filter((one) => isObject(node[one]) || typeof node[one] === "boolean")) {
      copy[key] = this.#copy(node[key], file, use);
    }
    for (const key of LISTS.filter((one) => Array.isArray(node[one]) && node[one].length > 0)) {
      copy[key] = node[key].map((item) => this.#copy(item, file, use));
    }
    if (Array.isArray(node.items)) {
      copy.prefixItems = node.items.map((item) => this.#copy(item, file, use));
    }
    for (const key of BY_NAME.filter((one) => isObject(node[one]))) {
      const entries = Object.entries(node[key]).filter(
        ([name]) => key !== "patternProperties" || expression(name) !== undefined,
      );
      copy[key] = Object.fromEntries(entries.map(([name, item]) => [name, this.#copy(item, file, use)]));
    }
    this.#direct(copy, node, file, use);
    if (["text", "loose"].includes(use) && copy.oneOf !== undefined) {
      // The text `1` may be a number and a string.
      copy.allOf = [...(copy.allOf ?? []), { anyOf: copy.oneOf }];
      delete copy.oneOf;
    }
    return nullable(reference ? { ...this.#refer(node, file, use), ...copy } : copy, node);
  }

  // A reference that leads nowhere allows everything.
  #refer(node, file, use) {
    const target = this.#document.follow(node, file);
    const isSchema = isObject(target.value) || typeof target.value === "boolean";
    return isSchema ? { $ref: this.#reserve(target, use) } : {};
  }

  #plain(node, file) {
    const copy = {};
    for (const [key, isRight] of Object.entries(PLAIN)) {
      if (isRight(node[key])) {
        copy[key] = DATA.has(key) ? this.#document.literal(node[key], file) : node[key];
      }
    }
    const types = [node.type].flat().filter((type) => TYPES.has(type));
    if (types.length > 0) {
      copy.type = types;
    } else if (copy.enum !== undefined || copy.const !== undefined) {
      // So that texts of a query are read as what they are compared with.
      copy.type = [...new Set((copy.enum ?? [copy.const]).map(typeOf))];
    }
    for (const [exclusive, limit] of [
      ["exclusiveMinimum", "minimum"],
      ["exclusiveMaximum", "maximum"],
    ]) {
      if (isNumber(node[exclusive])) {
        copy[exclusive] = node[exclusive];
      } else if (node[exclusive] === true && copy[limit] !== undefined) {
        copy[exclusive] = copy[limit];
        delete copy[limit];
      }
    }
    return copy;
  }

  #direct(copy, node, file, use) {
    const flag = ["answer", "loose"].includes(use) ? "writeOnly" : "readOnly";
    const flagged = Object.entries(copy.properties ?? {}).filter(([name]) => {
      const own = node.properties[name];
      return own?.[flag] === true || this.#document.resolve(own, file).value?.[flag] === true;
    });
    for (const [name] of flagged) {
      copy.required = copy.required?.filter((one) => one !== name);
      if (flag === "writeOnly") {
        delete copy.properties[name];
      }
    }
  }

  // The check of a schema; one that cannot be compiled takes everything, and the log says so.
  #compiled(schema) {
    if (!this.#checks.has(schema)) {
      let check = () => true;
      try {
        check = this.#ajv[schema.split("/")[1]].getSchema(schema);
      } catch (error) {
        process.stderr.write(`A schema of the specification cannot be used and is not checked: ${error.message}\n`);
      }
      this.#checks.set(schema, check);
    }
    return this.#checks.get(schema);
  }

  // What is wrong with a value, in words that follow its name; undefined when it fits.
  misfit(schema, value) {
    const validate = this.#compiled(schema);
    if (validate(value)) {
      return undefined;
    }
    const [{ instancePath, message, params }] = validate.errors;
    const { additionalProperty: name, allowedValues: values } = params;
    const more = name === undefined ? (values === undefined ? "" : `: ${values.join(", ").slice(0, 200)}`) : `: ${name}`;
    return `${instancePath} ${message}${more}`.trim();
  }

  // The types that a schema allows, and the schemas of its properties and of its items, wherever in it they stand.
  shape(schema, seen = new Set(), found = { types: new Set(), properties: new Map() }) {
    if (!isObject(schema) || seen.has(schema)) {
      return found;
    }
    seen.add(schema);
    schema.type?.forEach((type) => found.types.add(type));
    found.items ??= schema.items;
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      found.types.add("object");
      found.properties.set(name, property);
    }
    const parts = ["allOf", "anyOf", "oneOf"].flatMap((key) => schema[key] ?? []);
    [this.get(schema.$ref), ...parts].forEach((part) => this.shape(part, seen, found));
    return found;
  }
}

function typeOf(value) {
  return value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;
}

// OpenAPI 3.0's `nullable`, and the `x-nullable` of Swagger 2.0: the schema or null.
function nullable(copy, node) {
  if (node.nullable !== true && node["x-nullable"] !== true) {
    return copy;
  }
  if (copy.type === undefined) {
    return Object.keys(copy).length === 0 ? copy : { anyOf: [copy, { type: ["null"] }] };
  }
  const values = copy.enum === undefined || copy.enum.includes(null) ? {} : { enum: [...copy.enum, null] };
  return { ...copy, ...values, type: [...new Set([...copy.type, "null"])] };
}

module.exports = { Schemas, expression };
