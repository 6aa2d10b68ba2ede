#!/usr/bin/env node
// The HTML report of a plan in headless Chromium: with and without its script, light and dark, on a phone, on paper,
// with hostile names, and with ten thousand steps.
//
//     cargo build && node tests/conformance/report.mjs
//
// Needs Node and Chromium (`CHROMIUM` says where). With axe-core in `AXE` (the path of its `axe.min.js`), it also checks
// what a screen reader meets; with Mermaid in `MERMAID` (the path of its `mermaid.min.js`) and Graphviz' `dot` on the path,
// that both draw what `poolwright graph` prints. Pictures are left in `target/report/`, for a person to look at.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Bench, Tab } from "./browser.mjs";

const PROGRAM = resolve(process.env.POOLWRIGHT ?? "target/debug/poolwright");
const PICTURES = resolve("target/report");
const AXE = process.env.AXE && readFileSync(process.env.AXE, "utf8");
const MERMAID = process.env.MERMAID && readFileSync(process.env.MERMAID, "utf8");
const BENCH = new Bench();

/** Runs the program in the test's folder; its standard output. */
function run(args, env = {}) {
  const options = { cwd: BENCH.folder, stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, ...env } };
  const child = BENCH.start(PROGRAM, args, options);
  const parts = [];
  child.stdout.on("data", (part) => parts.push(part));
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", () => done(Buffer.concat(parts).toString()));
  });
}

/** Plans a file against a sandbox and saves the report; its path. */
async function report(name, config, seed, flags = []) {
  const folder = BENCH.folder;
  writeFileSync(join(folder, `${name}.toml`), config);
  const server = await sandbox(seed, flags);
  const html = await run(["plan", "-f", `${name}.toml`, "--format", "html"], server);
  assert(html.startsWith("<!DOCTYPE html>"), `${name}: no page`);
  const path = join(folder, `${name}.html`);
  writeFileSync(path, html);
  return { path, bytes: html.length, server };
}

/** Starts a sandbox; its address and key. */
async function sandbox(seed, flags) {
  const args = ["sandbox", "--port", "0", "--db", ":memory:", "--seed", seed, ...flags];
  const child = BENCH.start(PROGRAM, args, { cwd: BENCH.folder, stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  for await (const part of child.stdout) {
    text += part;
    const said = Object.fromEntries(text.split("\n").map((line) => line.split("=")));
    if (text.includes("OCTOPUS_API_KEY=") && text.endsWith("\n")) {
      child.stdout.resume();
      return { OCTOPUS_URL: said.OCTOPUS_URL, OCTOPUS_API_KEY: said.OCTOPUS_API_KEY };
    }
  }
  throw new Error("the sandbox has not started");
}

/** Opens a page and waits until it is there; how long that took, in milliseconds. */
async function open(tab, path) {
  const begin = performance.now();
  await tab.send("Page.navigate", { url: `file://${path}` });
  await tab.until(`location.href.endsWith(${JSON.stringify(path)}) && document.readyState === "complete"`);
  return Math.round(performance.now() - begin);
}

/** What axe finds on a page with every fold open. */
async function violations(tab) {
  if (!AXE) return [];
  await tab.value(`document.querySelectorAll("details").forEach((it) => { it.open = true; })`);
  await tab.value(`${AXE};0`);
  return tab.value(`axe.run().then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes[0].html.slice(0, 200)))`);
}

const shown = `[...document.querySelectorAll("#list details.group:not([hidden])")].reduce((sum, box) =>
  sum + (box.querySelector("table.steps") ? box.querySelectorAll("table.steps > tbody > tr:not([hidden])").length : 1), 0)`;
const overflows = "document.documentElement.scrollWidth > innerWidth";

/** Types into the search field; resolves when it has been answered. */
async function search(tab, text) {
  await tab.value(`(() => { const field = document.querySelector("#query");
    field.value = ${JSON.stringify(text)}; field.dispatchEvent(new Event("input")); })()`);
  await sleep(200);
}

/** The page of the chapter's third commit, in every light. */
async function checkChapter(tab) {
  const config = readFileSync("examples/chapter/3-steps/workers.toml", "utf8");
  const { path, server } = await report("chapter", config, "chapter");
  for (const scheme of ["light", "dark"]) {
    await tab.look(1440, 900, scheme);
    await open(tab, path);
    await tab.picture(`1-chapter-${scheme}`);
    assert.deepEqual(await violations(tab), [], `axe, ${scheme}`);
  }
  await tab.look(320, 800, "light");
  await open(tab, path);
  assert(!await tab.value(overflows), "the page is no wider than a phone");
  assert.deepEqual(await violations(tab), [], "axe, on a phone");
  await tab.picture("2-chapter-phone");
  await tab.look(1440, 900, "light");
  await open(tab, path);
  await checkSearch(tab);
  await checkKeyboard(tab);
  await checkPaper(tab, path);
  return server;
}

async function checkSearch(tab) {
  const all = await tab.value(shown);
  const found = `document.querySelector("#found").textContent`;
  await search(tab, "helm");
  const some = await tab.value(shown);
  assert(some > 0 && some < all, `${some} of ${all}`);
  assert.equal(await tab.value(found), `${some} of ${all} changes match`);
  await search(tab, "there is nothing like this");
  assert.equal(await tab.value(found), `0 of ${all} changes match`);
  await search(tab, "");
  assert.equal(await tab.value(shown), all);
  for (const [id, text] of [["project", "Web Store"], ["pool", "pools.kubernetes"]]) {
    await tab.value(`(() => { const choice = document.querySelector("#${id}");
      choice.value = [...choice.options].find((it) => it.text === "${text}").value;
      choice.dispatchEvent(new Event("change", { bubbles: true })); })()`);
    const left = await tab.value(shown);
    assert(left > 0 && left < all, `${id}: ${left} of ${all}`);
  }
  const rows = `[...document.querySelectorAll("#list tr[data-project]:not([hidden])")]
    .filter((row) => row.checkVisibility()).map((row) => row.cells[0].textContent)`;
  assert((await tab.value(rows)).every((name) => name === "Web Store"));
  await tab.value(`document.querySelector("#filters").reset()`);
  await sleep(100);
  assert.equal(await tab.value(shown), all);
}

/** Every control can be reached with the Tab key, in the order of the page, and shows that it is there. */
async function checkKeyboard(tab) {
  const reached = [];
  await tab.value("document.activeElement.blur()");
  for (let presses = 0; presses < 40; presses++) {
    for (const type of ["rawKeyDown", "keyUp"]) {
      await tab.send("Input.dispatchKeyEvent", { type, key: "Tab", code: "Tab", windowsVirtualKeyCode: 9 });
    }
    reached.push(await tab.value(`(() => { const it = document.activeElement;
      return it.id || it.className || it.tagName.toLowerCase(); })()`));
  }
  assert.equal(reached[0], "skip");
  for (const control of ["query", "project", "pool", "rule", "summary"]) {
    assert(reached.includes(control), `${control} is not among ${reached}`);
  }
}

/** On paper, and without its script, everything is there. */
async function checkPaper(tab, path) {
  await tab.send("Emulation.setScriptExecutionDisabled", { value: true });
  await open(tab, path);
  await tab.picture("3-without-script");
  const { data } = await tab.send("Page.printToPDF", { printBackground: true });
  writeFileSync(join(PICTURES, "3-without-script.pdf"), Buffer.from(data, "base64"));
  assert(!await tab.value(`document.querySelector("#filters").checkVisibility()`), "no dead controls");
  await tab.send("Emulation.setEmulatedMedia", { media: "print" });
  const hidden = `[...document.querySelectorAll("details")].filter((it) => ![...it.children].at(-1).checkVisibility()).length`;
  assert.equal(await tab.value(hidden), 0, "paper has no folds");
  await tab.send("Emulation.setEmulatedMedia", { media: "" });
  await tab.send("Emulation.setScriptExecutionDisabled", { value: false });
}

/** Names that would like to be more than names. */
async function checkHostile(tab, server) {
  const names = [
    `<script>document.title = "taken"</script>`,
    `"><img src=x onerror="document.title='taken'">`,
    `\u202egnp.exe \u2066 \u200b\u200d\u00ad`,
    "A".repeat(180),
    "🚀 部署 ÄÖÜ",
    "</style></textarea></title><svg onload=document.title='taken'>",
  ];
  const quote = (text) => JSON.stringify(text).replaceAll("\u007f", "\\u007f");
  const pools = names.map((name, at) => `[pools.p${at}]\nname = ${quote(name)}\ndescription = ${quote(name)}\n`);
  const rules = names.map((name, at) => `[[placements]]\nlabel = ${quote(name)}\nproject = "${["Web Store", "Billing", "Identity", "Catalogue", "Mobile API", "Infrastructure"][at]}"\npool = "p${at}"\n`);
  const config = `version = 1\n${pools.join("")}${rules.join("")}`;
  writeFileSync(join(BENCH.folder, "hostile.toml"), config);
  const html = await run(["plan", "-f", "hostile.toml", "--format", "html"], server);
  const path = join(BENCH.folder, "hostile.html");
  writeFileSync(path, html);
  for (const width of [1440, 320]) {
    await tab.look(width, 900, width < 600 ? "dark" : "light");
    await open(tab, path);
    assert.equal(await tab.value("document.title"), "Plan for space Default · poolwright");
    assert.equal(await tab.value(`document.querySelectorAll("img, script, style, svg svg").length`), 2);
    assert(!await tab.value(overflows), `hostile names do not widen the page at ${width}`);
    assert(!/[\u202e\u2066\u200b]/.test(await tab.value("document.documentElement.innerHTML")));
    assert.deepEqual(await violations(tab), [], "axe, hostile names");
    await tab.picture(`4-hostile-${width}`);
  }
}

/** The graphs of hostile names, each drawn by what it is for. */
async function checkGraphs(tab, server) {
  const draw = (format, args) => run(["graph", "-f", "hostile.toml", "--format", format, ...args], server);
  await tab.look(1440, 900, "light");
  await tab.send("Page.navigate", { url: "about:blank" });
  if (MERMAID) {
    await tab.value(`${MERMAID};0`);
    await tab.value(`mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });0`);
  } else {
    console.log("no Mermaid: what it draws is NOT CHECKED");
  }
  for (const [name, args] of [["now", []], ["after", ["--after"]], ["project", ["--project", "Web Store"]]]) {
    const svg = await draw("svg", args);
    const parsed = `(() => { const it = new DOMParser().parseFromString(${JSON.stringify(svg)}, "image/svg+xml");
      return it.querySelector("parsererror, script, img, foreignObject")?.textContent ?? it.documentElement.localName; })()`;
    assert.equal(await tab.value(parsed), "svg", `${name}: SVG`);
    writeFileSync(join(PICTURES, `6-graph-${name}.svg`), svg);
    const dot = await draw("dot", args);
    const drawn = spawnSync("dot", ["-Tsvg"], { input: dot });
    if (drawn.error) console.log("no Graphviz: what it draws is NOT CHECKED");
    else assert.equal(drawn.status, 0, `${name}: ${drawn.stderr}\n${dot}`);
    if (!MERMAID) continue;
    const chart = await draw("mermaid", args);
    const boxes = chart.match(/^ {4}[lr]\d+\[/gm).length;
    const nodes = await tab.value(`mermaid.render("drawn", ${JSON.stringify(chart)}).then(({ svg }) => {
      document.body.innerHTML = svg;
      return document.querySelectorAll("g.node").length; })`);
    assert.equal(nodes, boxes, `${name}: Mermaid`);
    assert.equal(await tab.value(`document.querySelectorAll("img, script, svg svg").length`), 0);
    await tab.picture(`6-graph-${name}-mermaid`);
  }
}

/** Ten thousand steps that move. */
async function checkLarge(tab) {
  const config = `version = 1\n[pools.new]\nname = "New Pool"\n[gates]\nempty-pool = "warn"\n
[[placements]]\nlabel = "all of it"\nprocess = "any"\npool = "new"\n`;
  const { path, bytes } = await report("large", config, "large", ["--projects", "1430", "--steps", "10"]);
  await tab.look(1440, 900, "light");
  const loaded = await open(tab, path);
  const rows = await tab.value(`document.querySelectorAll("#list tr[data-project]").length`);
  const begin = performance.now();
  const searched = await tab.value(`new Promise((done) => {
    const found = document.querySelector("#found"), begin = performance.now();
    new MutationObserver(() => done(Math.round(performance.now() - begin))).observe(found, { childList: true });
    const field = document.querySelector("#query");
    field.value = "project 7"; field.dispatchEvent(new Event("input"));
  })`);
  const took = Math.round(performance.now() - begin);
  await tab.picture("5-large");
  assert(rows >= 10_000, `${rows} rows`);
  assert(bytes < 4_000_000, `${bytes} bytes`);
  console.log(`${rows} steps: ${Math.round(bytes / 1000)} kB, loaded in ${loaded} ms, searched in ${searched} ms (${took})`);
}

async function main() {
  assert(existsSync(PROGRAM), `${PROGRAM} is not there; cargo build makes it`);
  mkdirSync(PICTURES, { recursive: true });
  const tab = await Tab.open(BENCH, PICTURES);
  const server = await checkChapter(tab);
  await checkHostile(tab, server);
  await checkGraphs(tab, server);
  await checkLarge(tab);
  assert.deepEqual(tab.complaints, []);
  if (!AXE) console.log("no axe-core: what a screen reader meets is NOT CHECKED");
  console.log(`the report is as it should be; pictures are in ${PICTURES}`);
}

try {
  await main();
} finally {
  await BENCH.end();
}
