// A tab of headless Chromium, spoken to in the browser's own protocol over a pipe: nothing from npm is needed.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const CHROMIUM = process.env.CHROMIUM ?? "chromium";

/** A folder for what a test writes, and the programs that it starts; both end with it. */
export class Bench {
  folder = mkdtempSync(join(tmpdir(), "poolwright-page-"));
  #children = [];

  /** Starts a program and returns it; it ends with this script at the latest. */
  start(program, args, options) {
    const child = spawn(program, args, options);
    this.#children.push(child);
    return child;
  }

  async end() {
    this.#children.forEach((child) => child.kill("SIGKILL"));
    await sleep(200);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A tab of a new browser, spoken to over a pipe: a message is JSON that ends with a zero byte. */
export class Tab {
  #sent = new Map();
  #number = 0;
  #session;
  /** What the page has complained about. */
  complaints = [];

  /** Where pictures go. */
  pictures;

  static async open(bench, pictures) {
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
      "--disable-background-networking", "--hide-scrollbars", "--remote-debugging-pipe",
      `--user-data-dir=${join(bench.folder, "browser")}`];
    const stdio = ["ignore", "ignore", "ignore", "pipe", "pipe"];
    const tab = new Tab();
    tab.pictures = pictures;
    tab.browser = bench.start(CHROMIUM, flags, { stdio });
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

  /** The value of an expression in the page; that of a promise is waited for. */
  async value(expression) {
    const asked = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", asked);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
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
    writeFileSync(join(this.pictures, `${name}.png`), Buffer.from(data, "base64"));
  }
}
