"use strict";
// `make test` runs these: the mapping on values, and the service in front of a target of its own.

const assert = require("node:assert/strict");
const http = require("node:http");
const { after, before, test } = require("node:test");
const { fromTarget, toTarget } = require("./mapping");
const { createServer } = require("./server");

const servers = [];

function listen(server) {
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

// A target that is well, and that answers every call with what it was asked.
const target = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  const { method, url, headers } = request;
  response.writeHead(url === "/well" ? 200 : 201, { "content-type": headers["content-type"] ?? "application/json" });
  const text = Buffer.concat(chunks).toString("utf8");
  response.end(headers["content-type"] === "text/plain" ? text : JSON.stringify({ asked_as: { method, url }, sent_body: text }));
});

let api;
let lost;
let unset;

before(async () => {
  api = await listen(createServer({ url: await listen(target), healthcheck: "/well", tls: {} }));
  unset = await listen(createServer({ url: "", healthcheck: "/well", tls: {} }));
  const gone = http.createServer();
  const address = await listen(gone);
  await new Promise((resolve) => {
    gone.close(resolve);
  });
  lost = await listen(createServer({ url: address, healthcheck: "/well", tls: {} }));
});

after(() => servers.forEach((server) => server.close()));

test("a request gets the target's keys, at every depth", () => {
  const request = { method: "POST", path: "/people", headers: {}, body: { familyName: "Lee", pastNames: [{ usedUntil: null }] } };
  assert.deepEqual(toTarget(request).body, { family_name: "Lee", past_names: [{ used_until: null }] });
});

test("an answer gets the API's keys, at every depth", () => {
  const answer = { status: 200, headers: {}, body: [{ family_name: "Lee", "_private": 1, ID: 2 }] };
  assert.deepEqual(fromTarget(answer).body, [{ familyName: "Lee", "_private": 1, ID: 2 }]);
});

test("a body that is not JSON stays unchanged", () => {
  const body = Buffer.from("family_name");
  assert.equal(fromTarget({ status: 200, headers: {}, body }).body, body);
  assert.equal(toTarget({ method: "PUT", path: "/", headers: {}, body }).body, body);
});

test("a call goes to the target and comes back, mapped both ways", async () => {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${api}/people?page=2`, { method: "POST", headers, body: '{"familyName": "Lee"}' });
  assert.equal(answer.status, 201);
  assert.deepEqual(await answer.json(), {
    askedAs: { method: "POST", url: "/people?page=2" },
    sentBody: '{"family_name":"Lee"}',
  });
});

test("text goes through", async () => {
  const answer = await fetch(`${api}/notes`, { method: "PUT", headers: { "content-type": "text/plain" }, body: "a_b" });
  assert.equal(await answer.text(), "a_b");
});

test("the health paths answer", async () => {
  for (const path of ["/_ping", "/health", "/_status"]) {
    const answer = await fetch(api + path);
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).status, "pass");
  }
});

test("the status reports a target that is down, and a call gets 502", async () => {
  assert.equal((await (await fetch(`${lost}/_ping`)).json()).status, "pass");
  const status = await fetch(`${lost}/_status`);
  assert.equal(status.status, 503);
  assert.deepEqual((await status.json()).checks.target, { status: "fail", responseCode: "0" });
  assert.equal((await fetch(`${lost}/people`)).status, 502);
});

test("an answer that breaks off is a 502", async () => {
  const broken = http.createServer((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half");
    setTimeout(() => response.destroy(), 50);
  });
  const front = await listen(createServer({ url: await listen(broken), healthcheck: "/well", tls: {} }));
  assert.equal((await fetch(`${front}/people`)).status, 502);
});

test("without a target a call is a 501", async () => {
  assert.equal((await fetch(`${unset}/people`)).status, 501);
  assert.equal((await (await fetch(`${unset}/_status`)).json()).status, "pass");
});
