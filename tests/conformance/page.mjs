#!/usr/bin/env node
// The sandbox's page in headless Chromium, while the chapter's three commits are applied to it.
//
//     cargo build && node tests/conformance/page.mjs
//
// Needs Node and Chromium (`CHROMIUM` says where), and nothing from npm: it speaks the browser's own
// protocol over a pipe. Pictures are left in `target/page/`, for a person to look at.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAM = resolve(process.env.POOLWRIGHT ?? "target/debug/poolwright");
const CHROMIUM = process.env.CHROMIUM ?? "chromium";
const PICTURES = resolve("target/page");
const FOLDER = mkdtempSync(join(tmpdir(), "poolwright-page-"));
const children = [];

/** Starts a program and returns it; it ends with this script at the latest. */
function start(program, args, options) {
  const child = spawn(program, args, options);
  children.push(child);
  return child;
}

/** A sandbox of the chapter's company; its address and key. */
async function sandbox() {
  const args = ["sandbox", "--port", "0", "--db", ":memory:", "--seed", "chapter"];
  const child = start(PROGRAM, args, { cwd: FOLDER, stdio: ["ignore", "pipe", "ignore"] });
  const said = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [name, value] = line.split("=");
    said[name] = value;
    if (said.OCTOPUS_URL && said.OCTOPUS_API_KEY) return said;
  }
  throw new Error("the sandbox has not started");
}

/** Applies one of the chapter's commits; resolves when it has ended well. */
function apply(commit, server) {
  copyFileSync(`examples/chapter/${commit}/workers.toml`, join(FOLDER, "workers.toml"));
  const options = { cwd: FOLDER, stdio: "ignore", env: { ...process.env, ...server } };
  const child = start(PROGRAM, ["apply", "--auto-approve"], options);
  return new Promise((done, failed) => {
    child.on("exit", (code) => (code === 0 ? done() : failed(new Error(`${commit}: exit ${code}`))));
  });
}

/** Asks the sandbox's API about the default space. */
async function ask(server, method, path, body) {
  const headers = { "X-Octopus-ApiKey": server.OCTOPUS_API_KEY };
  const url = `${server.OCTOPUS_URL}/api/Spaces-1/${path}`;
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  assert(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

/** A tab of a new browser, spoken to over a pipe: a message is JSON that ends with a zero byte. */
class Tab {
  #sent = new Map();
  #number = 0;
  #session;
  /** What the page has complained about. */
  complaints = [];

  static async open() {
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
      "--disable-background-networking", "--hide-scrollbars", "--remote-debugging-pipe",
      `--user-data-dir=${join(FOLDER, "browser")}`];
    const stdio = ["ignore", "ignore", "ignore", "pipe", "pipe"];
    const tab = new Tab();
    tab.browser = start(CHROMIUM, flags, { stdio });
    let text = "";
    tab.browser.stdio[4].setEncoding("utf8").on("data", (part) => {
      const messages = (text + part).split("\0");
      text = messages.pop();
      messages.forEach((it) => tab.#receive(JSON.parse(it)));
    });
    const { targetId } = await tab.send("Target.createTarget", { url: "about:blank" });
    tab.#session = (await tab.send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Page", "Runtime", "Log"]) await tab.send(`${domain}.enable`);
    return tab;
  }

  #receive({ id, result, error, method, params }) {
    if (method === "Log.entryAdded") this.complaints.push(params.entry.text);
    if (method === "Runtime.exceptionThrown") this.complaints.push(params.exceptionDetails.text);
    const { done, failed } = this.#sent.get(id) ?? {};
    if (error) failed?.(new Error(error.message));
    else done?.(result);
    this.#sent.delete(id);
  }

  send(method, params = {}) {
    const id = ++this.#number;
    const message = JSON.stringify({ id, method, params, sessionId: this.#session });
    this.browser.stdio[3].write(`${message}\0`);
    return new Promise((done, failed) => this.#sent.set(id, { done, failed }));
  }

  /** The value of an expression in the page. */
  async value(expression) {
    const { result } = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    return result.value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression) {
    for (let tries = 0; tries < 600; tries++) {
      if (await this.value(expression)) return;
      await sleep(50);
    }
    throw new Error(`never true: ${expression}\n${await this.value("document.body.innerText")}`);
  }

  async look(width, height, scheme) {
    await this.send("Emulation.setDeviceMetricsOverride",
      { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.send("Emulation.setEmulatedMedia", { features });
  }

  async picture(name) {
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
    writeFileSync(join(PICTURES, `${name}.png`), Buffer.from(data, "base64"));
  }
}

const steps = (place) => `document.querySelectorAll(".projects li.${place}").length`;
const text = `document.querySelector("main").innerText`;

async function main() {
  assert(existsSync(PROGRAM), `${PROGRAM} is not there; cargo build makes it`);
  mkdirSync(PICTURES, { recursive: true });
  const server = await sandbox();
  const tab = await Tab.open();

  await tab.look(1280, 900, "light");
  await tab.send("Page.navigate", { url: server.OCTOPUS_URL });
  await tab.until(`document.querySelector("#live")?.className === "on"`);
  await tab.value("window.isTheSamePage = true");
  assert.equal(await tab.value(steps("built-in")), 35);
  await tab.picture("1-before");

  await apply("1-pools", server);
  await tab.until(`${text}.includes("Kubernetes Worker Pool")`);
  await apply("2-workers", server);
  await tab.until(`${text}.includes("database-worker-03")`);

  const faults = `${server.OCTOPUS_URL}/sandbox/faults`;
  await fetch(faults, { method: "PUT", body: "delay 300ms on PUT\n503 at 7 on PUT" });
  const applied = apply("3-steps", server);
  await tab.until(`${steps("built-in")} < 20`);
  await tab.picture("2-during");
  await tab.look(390, 844, "dark");
  await tab.picture("2-during-phone-dark");
  await applied;
  await fetch(faults, { method: "DELETE" });
  await tab.until(`${steps("built-in")} === 0`);
  assert(await tab.value("window.isTheSamePage"), "the page has updated itself, without a reload");

  await tab.look(1280, 900, "light");
  await sleep(3000); // What has changed fades.
  await tab.picture("3-after");
  await tab.look(1280, 900, "dark");
  await tab.picture("3-after-dark");
  await tab.look(390, 844, "light");
  await tab.picture("3-after-phone");
  assert(await tab.value("document.documentElement.scrollWidth <= innerWidth"), "fits a phone");

  await tab.look(1280, 900, "light");
  const pools = await ask(server, "GET", "workerpools/all");
  const pool = pools.find((it) => it.Name === "Database Worker Pool").Id;
  await ask(server, "POST", "tasks", { Name: "AdHocScript", Description: "Look", Arguments: {
    TargetType: "WorkerPools", WorkerPoolIds: [pool], ScriptBody: "ls", Syntax: "Bash" } });
  await tab.until(`document.querySelectorAll(".lease").length === 3`);
  await tab.picture("4-leases");
  await tab.until(`document.querySelectorAll(".lease").length === 0`);

  const name = `<img src=x onerror="document.title='taken'"><b>bold</b> \u202egnp.exe`;
  await ask(server, "POST", "workerpools",
    { Name: name, WorkerPoolType: "StaticWorkerPool", IsDefault: false });
  await tab.until(`${text}.includes("<img src=x")`);
  assert.equal(await tab.value(`document.querySelectorAll("img, main b b, h3 b").length`), 0);
  assert.equal(await tab.value("document.title"), "poolwright sandbox");
  await tab.picture("5-hostile-name");
  assert.deepEqual(tab.complaints, []);

  await tab.send("Emulation.setScriptExecutionDisabled", { value: true });
  await tab.send("Page.navigate", { url: server.OCTOPUS_URL });
  await sleep(1000);
  await tab.picture("6-without-script");
  console.log(`the page is as it should be; pictures are in ${PICTURES}`);
}

try {
  await main();
} finally {
  children.forEach((child) => child.kill("SIGKILL"));
  await sleep(200);
  rmSync(FOLDER, { recursive: true, force: true, maxRetries: 5 });
}
