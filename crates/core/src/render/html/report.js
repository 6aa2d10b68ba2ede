"use strict";
(() => {
  const form = document.getElementById("filters");
  const list = document.getElementById("list");
  if (!form || !list) return;
  const found = document.getElementById("found");
  const query = document.getElementById("query");
  const choice = (id) => document.getElementById(id);
  const choices = { project: choice("project"), pool: choice("pool"), rule: choice("rule") };
  const most = 200;
  const fold = (text) => text.toLowerCase().replace(/\s+/g, " ");
  const groups = Array.from(list.querySelectorAll("details.group"), (box) => {
    const rows = Array.from(box.querySelectorAll("table.steps>tbody>tr"));
    return { box, rows, open: box.open, pools: (box.dataset.pools || "").split(" ") };
  });
  const kinds = Array.from(list.querySelectorAll(".kind"));
  const total = groups.reduce((sum, group) => sum + (group.rows.length || 1), 0);
  const number = (count) => count.toLocaleString("en");

  // The text of everything, read once, when it is first searched.
  const index = () => {
    for (const group of groups) {
      if (group.text !== undefined) return;
      // What is said of many steps at once counts for each, but not how many they are.
      const own = group.rows.length ? "summary q,summary code,.cause,.fields" : "summary,.cause,.fields";
      group.text = fold(Array.from(group.box.querySelectorAll(own), (it) => it.textContent).join(" "));
      group.texts = group.rows.map((row) => fold(Array.from(row.cells, (it) => it.textContent).join(" ")));
    }
  };

  const filter = () => {
    const words = fold(query.value).trim().split(" ").filter(Boolean);
    const wanted = {};
    for (const [name, select] of Object.entries(choices)) wanted[name] = select ? select.value : "";
    const all = !words.length && !Object.values(wanted).some(Boolean);
    if (words.length) index();
    let count = 0;
    for (const group of groups) {
      const { box, rows } = group;
      const fits = (!wanted.pool || group.pools.includes(wanted.pool))
        && (!wanted.rule || box.dataset.rule === wanted.rule);
      // Each word is in the row, or in what is said of the whole group.
      const left = words.filter((word) => !group.text.includes(word));
      let matches = 0;
      if (!rows.length) {
        matches = fits && !left.length && (!wanted.project || box.dataset.project === wanted.project) ? 1 : 0;
      }
      rows.forEach((row, at) => {
        const shown = fits && (!wanted.project || row.dataset.project === wanted.project)
          && left.every((word) => group.texts[at].includes(word));
        if (row.hidden === shown) row.hidden = !shown;
        if (shown) matches += 1;
      });
      box.hidden = !matches;
      box.open = all ? group.open : matches > 0 && matches <= most;
      count += matches;
    }
    for (const kind of kinds) kind.hidden = !kind.querySelector("details.group:not([hidden])");
    found.hidden = all;
    found.textContent = all ? "" : `${number(count)} of ${number(total)} changes match`;
  };

  let waiting;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  };
  query.addEventListener("input", soon);
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;

  // Paper has no folds.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = Array.from(document.querySelectorAll("details:not([open])"));
    for (const box of folded) box.open = true;
  });
  addEventListener("afterprint", () => {
    for (const box of folded) box.open = false;
  });
})();
