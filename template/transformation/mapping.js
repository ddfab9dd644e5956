"use strict";
// The example mapping: the API's JSON has `camelCase` keys, the target's has `snake_case` ones. This file is the place for
// what lies between your API and its target; transformation.test.js says what it does.

function renamed(value, rename) {
  if (Array.isArray(value)) {
    return value.map((item) => renamed(item, rename));
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [rename(key), renamed(item, rename)]));
  }
  return value;
}

function toSnake(key) {
  return key.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function toCamel(key) {
  return key.replace(/(?<=[a-z0-9])_([a-z])/g, (_, letter) => letter.toUpperCase());
}

// The target's request for a request to the API. Both are `{method, path, headers, body}`: the path with its query, names
// of headers in lower case, the body a JSON value, or a Buffer when it is not JSON.
function toTarget(request) {
  return Buffer.isBuffer(request.body) ? request : { ...request, body: renamed(request.body, toSnake) };
}

// The API's answer for the target's. Both are `{status, headers, body}`.
function fromTarget(answer) {
  return Buffer.isBuffer(answer.body) ? answer : { ...answer, body: renamed(answer.body, toCamel) };
}

module.exports = { toTarget, fromTarget };
