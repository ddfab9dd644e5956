"use strict";
// Threads that answer calls. Each works on one call at a time, and is ended when that takes too long or too much memory.

const { Worker } = require("node:worker_threads");

const THREADS = 2;
// Seconds for one call, from when a thread begins with it.
const PATIENCE = 10;
const MEGABYTES = 1024;

// A thread, and the call that it works on.
class Thread {
  #worker;
  #task;

  constructor(file, argv) {
    this.#worker = new Worker(file, { argv, resourceLimits: { maxOldGenerationSizeMb: MEGABYTES } });
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
  #file;
  #argv;
  #idle = [];
  #count = 0;
  #waiting = [];

  constructor(file, argv) {
    this.#file = file;
    this.#argv = argv;
  }

  // Starts a thread; fails as that does.
  async start() {
    this.#count += 1;
    const thread = new Thread(this.#file, this.#argv);
    const { error } = await thread.ready();
    if (error !== undefined) {
      this.#count -= 1;
      throw error;
    }
    this.#idle.push(thread);
    this.#next();
  }

  // What a thread says to the call.
  run(call) {
    return new Promise((done, failed) => {
      this.#waiting.push({ call, done, failed });
      this.#next();
    });
  }

  #next() {
    if (this.#waiting.length === 0) {
      return;
    }
    const thread = this.#idle.pop();
    if (thread !== undefined) {
      this.#work(thread, this.#waiting.shift());
    } else if (this.#count < THREADS) {
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

module.exports = { Pool };
