"use strict";
// A thread of the sandbox: it reads the specification, and then answers one call after the other.

const { parentPort, workerData } = require("node:worker_threads");
const { Refusal, answer } = require("./answers");
const { Operations } = require("./operations");
const { Schemas } = require("./schemas");
const { Document } = require("./specification");

const document = new Document(workerData);
const sandbox = { operations: new Operations(document), schemas: new Schemas(document) };

parentPort.on("message", async (call) => {
  try {
    const made = await answer(sandbox, { ...call, body: Buffer.from(call.body) }, (about) =>
      parentPort.postMessage({ about }),
    );
    parentPort.postMessage({ made });
  } catch (error) {
    const { status, message, extra } = error instanceof Refusal ? error : new Refusal(500, "the sandbox has a fault");
    if (!(error instanceof Refusal)) {
      process.stderr.write(`${error.stack}\n`);
    }
    parentPort.postMessage({ refused: { status, message, extra } });
  }
});
// The platform's own `/health` gives way to one of the specification.
const describesHealth = sandbox.operations
  .at("/health")
  .some(({ method, route }) => method === "get" && route.key === "/health");
parentPort.postMessage({ ready: { describesHealth } });
