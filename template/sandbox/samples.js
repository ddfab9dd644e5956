"use strict";
// Values that are made up for a schema, when the specification has no example. Each value is bounded in size: where schemas
// refer to one another so often that it would be huge, only its upper levels have what is optional.

const { expression } = require("./schemas");

// How deep optional properties are filled in, tried one after the other until a value is small enough.
const DEPTHS = [6, 4, 3, 2, 1, 0];
// Steps for one value: a schema that is looked at is one, and so are CHARACTERS of text.
const MAX_STEPS = 5000;
const CHARACTERS = 200;
// Levels below which nothing that is required can end any more.
const MAX_DEPTH = 50;
const MAX_ITEMS = 1000;
// Longer texts are not made up.
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
// Letters that a class of a pattern may want.
const LETTERS = [
  ..."a1A-_ .:/@+,;#",
  ..."bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ023456789",
  ...Array.from({ length: 1000 }, (_, code) => String.fromCodePoint(code + 9)),
];

// No value fits here.
class Impossible extends Error {}
class TooLarge extends Error {}

const intersection = (one, other) =>
  one === undefined || other === undefined
    ? (one ?? other)
    : one.filter((item) => other.some((that) => JSON.stringify(that) === JSON.stringify(item)));
const both = (one, other) => (one === undefined || other === undefined ? (one ?? other) : { allOf: [one, other] });
const bounded = (choose) => (one, other) => (one === undefined || other === undefined ? (one ?? other) : choose(one, other));

function typesOf(one, other) {
  const wide = (types) => types?.flatMap((type) => (type === "number" ? ["number", "integer"] : [type]));
  return intersection(wide(one), wide(other));
}

// What two examples of parts say of the whole.
function examples(one, other, schema1, schema2) {
  const isWhole = (example, schema) =>
    example !== undefined && schema.properties === undefined && schema.example === undefined;
  if (isWhole(one, schema2) || isWhole(other, schema1)) {
    return one ?? other;
  }
  const areObjects = [one, other].every(
    (example) => typeof example === "object" && example !== null && !Array.isArray(example),
  );
  return areObjects ? { ...one, ...other } : undefined;
}

const JOINED = {
  type: typesOf,
  enum: intersection,
  items: both,
  additionalProperties: (one, other) => (one === false || other === false ? false : both(one, other)),
  required: (one, other) => [...new Set([...(one ?? []), ...(other ?? [])])],
  properties: (one, other) => {
    const joined = { ...one };
    for (const [name, schema] of Object.entries(other ?? {})) {
      joined[name] = both(joined[name], schema);
    }
    return joined;
  },
  example: examples,
};
for (const name of ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"]) {
  JOINED[name] = bounded(Math.max);
}
for (const name of ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"]) {
  JOINED[name] = bounded(Math.min);
}

// One schema for what both say.
function joined(one, other) {
  const found = { ...other, ...one };
  for (const [name, join] of Object.entries(JOINED)) {
    if (one[name] !== undefined || other[name] !== undefined) {
      found[name] = join(one[name], other[name], one, other);
    }
  }
  return found;
}

class Maker {
  #schemas;
  #depth;
  #given;
  #steps = 0;

  // `depth`: how deep optional properties are filled in. `given`: whether examples in the schemas are taken.
  constructor(schemas, depth, given) {
    this.#schemas = schemas;
    this.#depth = depth;
    this.#given = given;
  }

  #spend(steps) {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) {
      throw new TooLarge();
    }
  }

  // The schemas without references and choices that a schema may come to, each with the references on the way.
  *flat(schema, seen = []) {
    this.#spend(1);
    if (schema === false) {
      return;
    }
    if (seen.includes(schema.$ref)) {
      // In its own place a schema says nothing more.
      yield { schema: {}, passed: seen };
      return;
    }
    const { $ref, allOf = [], anyOf, oneOf, ...own } = schema;
    const passed = $ref === undefined ? seen : [...seen, $ref];
    const parts = [
      $ref === undefined ? [] : [[this.#schemas.get($ref)]],
      allOf.map((one) => [one]),
      anyOf ? [anyOf] : [],
      oneOf ? [oneOf] : [],
    ].flat();
    yield* this.#combined(own, parts, passed);
  }

  // `passed`: the references that are in `own` already, and say nothing new.
  *#combined(own, [choices, ...rest], passed) {
    if (choices === undefined) {
      yield { schema: own, passed };
      return;
    }
    const isCircle = (choice) => Number(passed.includes(choice.$ref));
    for (const choice of [...choices].sort((one, other) => isCircle(one) - isCircle(other))) {
      for (const one of this.flat(choice, passed)) {
        const whole = joined(own, one.schema);
        if (whole.type?.length !== 0 && whole.enum?.length !== 0) {
          yield* this.#combined(whole, rest, one.passed);
        }
      }
    }
  }

  // A value for a schema at a level; `trail` holds the references above it.
  value(schema, level = 0, trail = [], variant = 0) {
    if (level > MAX_DEPTH) {
      throw new Impossible();
    }
    // What is not one of the schemas above comes first, so that the value has an end.
    for (const isAbove of [false, true]) {
      for (const { schema: flat, passed } of this.flat(schema)) {
        const made =
          passed.some((one) => trail.includes(one)) === isAbove
            ? this.#tried(flat, level, [...trail, ...passed], variant)
            : [];
        if (made.length > 0) {
          return made[0];
        }
      }
    }
    throw new Impossible();
  }

  // A list of one value, or of none when no value fits.
  #tried(schema, level, trail, variant) {
    try {
      return [this.#one(schema, level, trail, variant)];
    } catch (error) {
      if (error instanceof Impossible) {
        return [];
      }
      throw error;
    }
  }

  #one(schema, level, trail, variant) {
    if (schema.const !== undefined) {
      return schema.const;
    }
    const given = this.#given
      ? [schema.example, ...(schema.examples ?? []), schema.default].filter((value) => value !== undefined)
      : [];
    const values = given.length > 0 && variant === 0 ? given : (schema.enum ?? []);
    if (values.length > 0) {
      return values[variant % values.length];
    }
    switch (typeFor(schema)) {
      case "object":
        return this.#object(schema, level, trail, variant);
      case "array":
        return this.#array(schema, level, trail);
      case "string": {
        const text = possible(textFor(schema, variant));
        this.#spend(text.length / CHARACTERS);
        return text;
      }
      case "boolean":
        return variant % 2 === 0;
      case "null":
        return null;
      case undefined:
        return {};
      default:
        return possible(numberFor(schema, variant));
    }
  }

  #array(schema, level, trail) {
    const { prefixItems = [], items = {}, minItems = 0, maxItems = Infinity } = schema;
    const isPlain = items !== false && !this.#leadsBack(items, trail) && level < Math.max(this.#depth, 1);
    const count = Math.min(Math.max(minItems, prefixItems.length, isPlain ? 1 : 0), maxItems);
    if (count > MAX_ITEMS) {
      throw new Impossible();
    }
    const list = [];
    for (let index = 0; index < count; index += 1) {
      try {
        list.push(this.value(prefixItems[index] ?? both(items, schema.contains), level + 1, trail, index));
      } catch (error) {
        if (error instanceof Impossible && index >= minItems) {
          break;
        }
        throw error;
      }
    }
    return list;
  }

  #object(schema, level, trail, variant) {
    const { properties = {}, required = [], minProperties = 0, maxProperties = Infinity } = schema;
    const made = new Map();
    const rest = schema.additionalProperties ?? {};
    for (const name of new Set([...Object.keys(properties), ...required])) {
      const isRequired = required.includes(name);
      const own = Object.hasOwn(properties, name) ? properties[name] : rest;
      if (isRequired || (level < this.#depth && made.size < maxProperties && !this.#leadsBack(own, trail))) {
        this.#property(made, name, own, isRequired, level, trail, variant);
      }
    }
    // A map of names that nobody knows: one of them.
    const isMap =
      made.size === 0 &&
      schema.additionalProperties !== undefined &&
      level < this.#depth &&
      maxProperties > 0 &&
      !this.#leadsBack(rest, trail);
    for (
      let number = 1;
      made.size < Math.min(Math.max(minProperties, isMap ? 1 : 0), MAX_ITEMS) && number <= MAX_ITEMS;
      number += 1
    ) {
      this.#property(made, `property${number}`, rest, made.size < minProperties, level, trail, variant);
    }
    const spare = [...made.keys()].filter((name) => !required.includes(name)).reverse();
    spare.slice(0, Math.max(made.size - maxProperties, 0)).forEach((name) => made.delete(name));
    return Object.fromEntries(made);
  }

  #property(made, name, schema, isRequired, level, trail, variant) {
    try {
      made.set(name, this.value(schema, level + 1, trail, variant));
    } catch (error) {
      if (isRequired || !(error instanceof Impossible)) {
        throw error;
      }
    }
  }

  // Whether a schema is one of those above it, or may be.
  #leadsBack({ $ref, allOf = [], anyOf = [], oneOf = [] }, trail) {
    const references = [$ref, ...[...allOf, ...anyOf, ...oneOf].map((one) => one.$ref)];
    return references.some((one) => one !== undefined && trail.includes(one));
  }
}

function possible(value) {
  if (value === undefined) {
    throw new Impossible();
  }
  return value;
}

const HINTS = {
  object: ["properties", "required", "additionalProperties", "minProperties", "patternProperties"],
  array: ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
  string: ["pattern", "format", "minLength", "maxLength"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
};

// The type of the value, from what the schema says where it names none; undefined for any.
function typeFor(schema) {
  const hinted = () => Object.keys(HINTS).find((type) => HINTS[type].some((key) => schema[key] !== undefined));
  return schema.type === undefined ? hinted() : (schema.type.find((type) => type !== "null") ?? "null");
}

function numberFor(schema, variant) {
  const {
    minimum = -Infinity,
    exclusiveMinimum = -Infinity,
    maximum = Infinity,
    exclusiveMaximum = Infinity,
    multipleOf,
  } = schema;
  const step = multipleOf ?? 1;
  const isInside = (value) => value >= minimum && value > exclusiveMinimum && value <= maximum && value < exclusiveMaximum;
  const low = Math.max(minimum, exclusiveMinimum);
  const high = Math.min(maximum, exclusiveMaximum);
  const first = isInside(0) ? 0 : low >= 0 ? Math.ceil(low / step) * step : Math.floor(high / step) * step;
  const direction = low >= 0 || high > 0 ? 1 : -1;
  const whole = [0, 1, 2].map((more) => first + (variant + more) * step * (isInside(first + step) ? 1 : direction));
  const parts = schema.type?.includes("number") && multipleOf === undefined ? [low + (high - low) / 2, low, high] : [];
  return [...whole, ...[1, 2].map((more) => first - more * step), ...parts].find(isInside);
}

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
      const characters = LETTERS.filter((one) => regex?.test(one)).slice(0, 20);
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

function fitsText(text, { minLength = 0, maxLength = Infinity, pattern }) {
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
  const found = candidates.find((text) => fitsText(text, schema));
  if (found !== undefined || pattern === undefined) {
    return found;
  }
  for (const more of [variant, 1, 2, 3, 5, 8, 12, 16, ...[3, 2, 1, 0].map((less) => minLength - less)].filter(
    (count) => count >= 0 && count <= MAX_LENGTH,
  )) {
    for (const choice of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const text = new Writer(pattern, { more, choice: choice >> 1, mixed: choice % 2 === 1 }).alternatives()();
      if (fitsText(text, schema)) {
        return text;
      }
    }
  }
  return undefined;
}


// A value that fits the schema at a place. Tried are values with what the schemas give as examples, without, and with what
// is required only; undefined when none of them fits. Many a `oneOf` in an answer has parts that no value can tell apart:
// there a value may fit several.
function sample(schemas, place) {
  const name = schemas.name(place, "answer");
  let first;
  for (const [given, depths] of [
    [true, DEPTHS],
    [false, DEPTHS],
    [false, [0]],
  ]) {
    const value = make(schemas, name, given, depths);
    if (value !== undefined && fits(schemas, name, value)) {
      return value;
    }
    first ??= value;
  }
  return first !== undefined && fits(schemas, schemas.name(place, "loose"), first) ? first : undefined;
}

function make(schemas, name, given, depths) {
  for (const depth of depths) {
    try {
      return new Maker(schemas, depth, given).value({ $ref: name });
    } catch (error) {
      if (error instanceof Impossible) {
        return undefined;
      }
      if (!(error instanceof TooLarge)) {
        throw error;
      }
    }
  }
  return undefined;
}

function fits(schemas, name, value) {
  try {
    return schemas.misfit(name, value) === undefined;
  } catch (error) {
    // A schema that refers to itself in its own place cannot be checked: it has no end.
    if (error instanceof RangeError) {
      return true;
    }
    throw error;
  }
}

// A schema without references and choices, for who writes its value.
function flatten(schemas, schema) {
  return new Maker(schemas, 0, false).flat(schema).next().value?.schema ?? {};
}

module.exports = { flatten, sample };
