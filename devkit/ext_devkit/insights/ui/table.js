/**
 * A table of rows that can be sorted, walked through with the arrows and opened.
 *
 *   const table = dataTable({
 *     label: "Operations",
 *     columns: [
 *       {title: "Operation", cell: (row) => row.name, sort: (row) => row.name},
 *       {title: "p95", cell: (row) => duration(row.p95), sort: (row) => row.p95, align: "right"},
 *     ],
 *     href: (row) => state.link("performance", {name: row.name}),   // or open: (row) => ... ; or neither
 *     sorted: {column: 1, descending: true},                        // how `rows` are ordered at first; optional
 *     className: (row) => (row.failed ? "fail" : ""),               // a fixed word of ours; optional
 *     more: () => ...,                                              // called when the end comes into view; optional
 *   });
 *   table.show(rows); table.add(moreRows); table.prepend(newRows, most); root.append(table.element);
 *
 * A cell returns what `el` takes as children. The first column with `main: true`, or else the first, carries the link.
 * A click on a column's title sorts by it (numbers and durations highest first), if it has `sort`.
 */

import {append, el, fill} from "./dom.js";

export function dataTable({label, columns, href, open, sorted = null, className = () => "", more = null}) {
  const main = Math.max(columns.findIndex((column) => column.main), 0);
  const head = el("tr", {});
  const body = el("tbody", {});
  const end = el("div", {class: "table-end"});
  const element = el(
    "div",
    {class: "table", "data-list": "true"},
    el("table", {"aria-label": label}, el("thead", {}, head), body),
    end,
  );
  let rows = [];
  let order = sorted;

  const rowElement = (row) => {
    const cells = columns.map((column, at) => {
      const content = column.cell(row);
      const inner = at === main && (href || open) ? opener(row, content) : content;
      return el("td", {class: classes(column)}, inner);
    });
    return el("tr", {class: `${className(row) ?? ""}${href || open ? " opens" : ""}`, on: href || open ? {click: clicked} : {}}, cells);
  };
  const opener = (row, content) => {
    const target = href?.(row);
    const attributes = {class: "row-link", "data-row": "true", tabindex: "-1", on: {focus: focused}};
    if (target) return el("a", {...attributes, href: target}, content);
    return el("button", {...attributes, type: "button", on: {focus: focused, click: () => open?.(row)}}, content);
  };
  const focused = (event) => {
    for (const other of body.querySelectorAll("[data-row][tabindex='0']")) other.tabIndex = -1;
    event.target.tabIndex = 0;
  };
  const reachable = () => {
    if (!body.querySelector("[data-row][tabindex='0']")) body.querySelector("[data-row]")?.setAttribute("tabindex", "0");
  };
  const drawHead = () => fill(head, columns.map((column, at) => heading(column, at, order, sortBy)));
  const draw = () => {
    drawHead();
    fill(body, rows.map(rowElement));
    reachable();
  };
  const sortBy = (at) => {
    const descending = order?.column === at ? !order.descending : typeof columns[at].sort(rows[0] ?? {}) !== "string";
    order = {column: at, descending};
    rows = [...rows].sort(comparing(columns[at].sort, descending));
    draw();
  };
  if (more) new IntersectionObserver((seen) => seen[0].isIntersecting && more(), {rootMargin: "400px"}).observe(end);
  drawHead();
  return {
    element,
    end,
    get rows() {
      return rows;
    },
    show(newRows) {
      rows = [...newRows];
      draw();
    },
    add(newRows) {
      rows.push(...newRows);
      append(body, newRows.map(rowElement));
      reachable();
    },
    /** Put rows at the top; keep at most so many. */
    prepend(newRows, most = Infinity) {
      rows = [...newRows, ...rows].slice(0, most);
      body.prepend(...newRows.slice(0, most).map(rowElement));
      while (body.childElementCount > most) body.lastElementChild.remove();
      reachable();
    },
  };
}

/** A click anywhere in a row is one on its link; not when text was selected, nor on something of its own. */
function clicked(event) {
  if (event.target.closest("a, button, input") || String(getSelection())) return;
  const target = event.currentTarget.querySelector("[data-row]");
  target?.dispatchEvent(new MouseEvent("click", {bubbles: false, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey, shiftKey: event.shiftKey}));
}

function heading(column, at, order, sortBy) {
  if (!column.sort) return el("th", {scope: "col", class: classes(column)}, column.title);
  const here = order?.column === at;
  const direction = here ? (order.descending ? "descending" : "ascending") : "none";
  const arrow = el("span", {class: "arrow", "aria-hidden": "true"}, here ? (order.descending ? "↓" : "↑") : "");
  return el(
    "th",
    {scope: "col", class: classes(column), "aria-sort": direction},
    el("button", {type: "button", class: "sort", on: {click: () => sortBy(at)}}, column.title, arrow),
  );
}

function classes(column) {
  return [column.align === "right" ? "right" : "", column.className ?? ""].join(" ").trim();
}

function comparing(key, descending) {
  const sign = descending ? -1 : 1;
  return (one, other) => {
    const [a, b] = [key(one), key(other)];
    // What has no value comes last, whichever way.
    if (a === null || a === undefined) return b === null || b === undefined ? 0 : 1;
    if (b === null || b === undefined) return -1;
    return sign * (typeof a === "string" ? a.localeCompare(String(b)) : a - b);
  };
}
