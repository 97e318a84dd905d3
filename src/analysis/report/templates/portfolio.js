
"use strict";
(() => {
  const table = document.getElementById("companies");
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows], tools = document.getElementById("tools");
  const find = document.getElementById("find"), count = document.getElementById("count");
  const boxes = [...tools.querySelectorAll("[type=checkbox]")];
  const order = new Intl.Collator(document.documentElement.lang, { numeric: true, sensitivity: "base" });
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const names = new Map(rows.map((row) => [row, plain(row.cells[0].dataset.v)]));

  function filter() {
    const words = plain(find.value).split(/\s+/).filter(Boolean);
    const wanted = boxes.filter((box) => box.checked).map((box) => box.value);
    let shown = 0;
    for (const row of rows) {
      const states = row.dataset.s.split(" "), name = names.get(row);
      row.hidden = !(words.every((word) => name.includes(word)) &&
        (!wanted.length || wanted.some((state) => states.includes(state))));
      shown += !row.hidden;
    }
    count.textContent = count.dataset.text.replace("{n}", shown).replace("{all}", rows.length);
  }

  function sort(head) {
    const column = head.cellIndex, kind = head.dataset.kind || "number";
    const down = head.getAttribute("aria-sort") === "ascending" ||
      (kind !== "text" && !head.hasAttribute("aria-sort")) ? -1 : 1;
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down < 0 ? "descending" : "ascending");
    const keyed = rows.map((row, place) => ({ row, place, key: row.cells[column].dataset.v }));
    keyed.sort((a, b) =>
      !a.key - !b.key ||
      (kind === "money" && order.compare(a.row.dataset.c, b.row.dataset.c)) ||
      down * (kind === "text" ? order.compare(a.key, b.key) : a.key - b.key) ||
      a.place - b.place);
    body.append(...keyed.map((item) => item.row));
  }

  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }
  find.addEventListener("input", filter);
  for (const box of boxes) box.addEventListener("change", filter);
  tools.hidden = false;
  filter();
})();
