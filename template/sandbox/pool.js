"use strict";
// Threads that answer calls. Each works on one call at a time, and is ended when that takes too long or too much memory.
// There are at least two, so that one call leaves the others alone, and one more for each that is at work, up to THREADS.
// Each thread runs this file, too.

const { Worker, isMainThread, parentPort, workerData } = require("node:worker_threads");

const THREADS = 4;
// Seconds for one call, from when a thread begins with it.
const PATIENCE = 10;
const MEGABYTES = 1024;

// A thread, and the call that it works on.
class Thread {
  #worker;
  #task;

  constructor(specification) {
    this.#worker = new Worker(__filename, { workerData: specification, resourceLimits: { maxOldGenerationSizeMb: MEGABYTES } });
    this.#worker.on("message", (message) => {
      if (message.about === undefined) {
        this.#finish(message);
      } else {
        this.#task.about = message.about;
      }
    });
    this.#worker.on("error", (error) => this.#finish({ error }));
  }

  // What the thread says when it has read the specification.
  ready() {
    return new Promise((done) => {
      this.#task = { done };
    });
  }

  // What the thread says to the call: `made` or `refused`. `lost` is about what it worked when it was ended, and why.
  async run(call) {
    const message = await new Promise((done) => {
      const timer = setTimeout(() => this.#finish({ why: `takes more than ${PATIENCE} seconds` }), PATIENCE * 1000);
      this.#task = { done, timer };
      this.#worker.postMessage(call);
    });
    const why = message.error === undefined ? message.why : `fails (${message.error.message})`;
    return why === undefined ? message : { lost: { about: message.about, why } };
  }

  #finish(message) {
    const task = this.#task;
    this.#task = undefined;
    clearTimeout(task?.timer);
    if (message.why !== undefined) {
      this.#worker.terminate();
    }
    task?.done({ ...message, about: task.about });
  }
}

class Pool {
  #specification;
  #idle = [];
  #count = 0;
  #starting = false;
  #waiting = [];

  constructor(specification) {
    this.#specification = specification;
  }

  // Starts a thread, and gives what it says of the specification; fails as the thread does.
  async start() {
    this.#count += 1;
    this.#starting = true;
    const thread = new Thread(this.#specification);
    const { ready, error } = await thread.ready();
    this.#starting = false;
    if (error !== undefined) {
      this.#count -= 1;
      throw error;
    }
    this.#idle.push(thread);
    this.#next();
    return ready;
  }

  // What a thread says to the call.
  run(call) {
    return new Promise((done, failed) => {
      this.#waiting.push({ call, done, failed });
      this.#next();
    });
  }

  // Gives the waiting calls to the idle threads, and starts another thread where one is wanted.
  #next() {
    while (this.#waiting.length > 0 && this.#idle.length > 0) {
      this.#work(this.#idle.pop(), this.#waiting.shift());
    }
    if ((this.#count < 2 || this.#idle.length === 0) && this.#count < THREADS && !this.#starting) {
      this.start().catch((error) => this.#waiting.shift()?.failed(error));
    }
  }

  async #work(thread, { call, done }) {
    const result = await thread.run(call);
    if (result.lost === undefined) {
      this.#idle.push(thread);
    } else {
      this.#count -= 1;
    }
    done(result);
    this.#next();
  }
}

// What a thread does: it reads the specification, and then answers one call after the other. Only here the packages are
// loaded, so that the main thread can say that they are missing.
function work() {
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
}

if (!isMainThread) {
  work();
}

module.exports = { Pool };
