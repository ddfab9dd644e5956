// Cuts GitHub's description down to the calls in calls.txt and makes it strict: a property of a request body that the
// description does not know is refused.
// Usage: node trim.mjs DESCRIPTION CALLS > TRIMMED
import { readFileSync } from "node:fs";

const [description, calls] = process.argv.slice(2);
const whole = JSON.parse(readFileSync(description, "utf8"));

const lookUp = (reference) =>
  reference
    .slice(2)
    .split("/")
    .reduce((at, key) => at[key.replaceAll("~1", "/").replaceAll("~0", "~")], whole);

const follow = (node) => {
  while (node?.$ref) node = lookUp(node.$ref);
  return node;
};

// A schema without references, in which objects that list their properties take no others. The parts of an `allOf` know
// only some of the properties each, so they stay open.
const strict = (schema, open = false, seen = []) => {
  if (seen.includes(schema?.$ref)) throw new Error(`${schema.$ref} holds itself`);
  const above = schema?.$ref ? [...seen, schema.$ref] : seen;
  const made = structuredClone(follow(schema));
  const inner = (part) => strict(part, open, above);
  if (made.properties) {
    for (const key of Object.keys(made.properties)) made.properties[key] = strict(made.properties[key], false, above);
    if (!open && made.additionalProperties === undefined) made.additionalProperties = false;
  }
  if (made.items) made.items = strict(made.items, false, above);
  for (const kind of ["oneOf", "anyOf"]) if (made[kind]) made[kind] = made[kind].map(inner);
  if (made.allOf) made.allOf = made.allOf.map((part) => strict(part, true, above));
  return made;
};

// GitHub answers to its own media type, of which its description says nothing.
const vendor = (content) => {
  if (content?.["application/json"]) content["application/vnd.github+json"] = content["application/json"];
};

const kept = { openapi: whole.openapi, info: whole.info, paths: {}, components: {} };
for (const line of readFileSync(calls, "utf8").trim().split("\n")) {
  const [method, path] = line.split(" ");
  const operation = structuredClone(whole.paths[path]?.[method.toLowerCase()]);
  if (!operation) throw new Error(`${line} is not in the description`);
  if (operation.requestBody) {
    operation.requestBody = structuredClone(follow(operation.requestBody));
    const json = operation.requestBody.content["application/json"];
    delete json.examples;
    json.schema = strict(json.schema);
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    operation.responses[status] = structuredClone(follow(response));
    vendor(operation.responses[status].content);
  }
  // What the path may hold instead of what is asked for is documented for some calls only.
  const missing = structuredClone(lookUp("#/components/responses/not_found"));
  vendor(missing.content);
  operation.responses["404"] ??= missing;
  kept.paths[path] ??= {};
  kept.paths[path][method.toLowerCase()] = operation;
}

// Every component that is reached from what was kept.
const reach = (node) => {
  if (Array.isArray(node)) return node.forEach(reach);
  if (node === null || typeof node !== "object") return;
  if (typeof node.$ref === "string" && node.$ref.startsWith("#/components/")) {
    const [, , kind, name] = node.$ref.split("/");
    kept.components[kind] ??= {};
    if (!(name in kept.components[kind])) {
      kept.components[kind][name] = lookUp(node.$ref);
      reach(kept.components[kind][name]);
    }
  }
  Object.values(node).forEach(reach);
};
reach(kept.paths);
process.stdout.write(JSON.stringify(kept));
