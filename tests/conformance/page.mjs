#!/usr/bin/env node
// The sandbox's page in headless Chromium, while the chapter's three commits are applied to it.
//
//     cargo build && node tests/conformance/page.mjs
//
// Needs Node and Chromium (`CHROMIUM` says where), and nothing from npm: it speaks the browser's own
// protocol over a pipe. Pictures are left in `target/page/`, for a person to look at.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Bench, Tab } from "./browser.mjs";

const PROGRAM = resolve(process.env.POOLWRIGHT ?? "target/debug/poolwright");
const PICTURES = resolve("target/page");
const BENCH = new Bench();
const FOLDER = BENCH.folder;

/** A sandbox of the chapter's company; its address and key. */
async function sandbox() {
  const args = ["sandbox", "--port", "0", "--db", ":memory:", "--seed", "chapter"];
  const child = BENCH.start(PROGRAM, args, { cwd: FOLDER, stdio: ["ignore", "pipe", "ignore"] });
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
  const child = BENCH.start(PROGRAM, ["apply", "--auto-approve"], options);
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

const steps = (place) => `document.querySelectorAll(".projects li.${place}").length`;
const text = `document.querySelector("main").innerText`;

async function main() {
  assert(existsSync(PROGRAM), `${PROGRAM} is not there; cargo build makes it`);
  mkdirSync(PICTURES, { recursive: true });
  const server = await sandbox();
  const tab = await Tab.open(BENCH, PICTURES);

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
  await BENCH.end();
}
