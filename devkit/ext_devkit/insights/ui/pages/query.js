/**
 * SQL on the tables: the statement, what it selects as a table, and a chart where that makes sense.
 * In the URL: sql. A statement that comes with a link is shown and not run until one asks for it: it can only read and
 * ends in time, but what costs the machine some seconds should be somebody's wish.
 */

import {timeChart} from "../charts/timechart.js";
import {clip, el, fill} from "../dom.js";
import {compact, duration, instant, plural, value} from "../format.js";
import {guarded, loading} from "../states.js";
import {dataTable} from "../table.js";

export const title = "Query";

const EXAMPLES = {
  "Failed requests": "select timestamp, name, resultCode, duration, operation_Id\nfrom requests\nwhere success = 0\norder by timestamp desc\nlimit 100",
  "Requests by operation": "select name, count(*) as requests, sum(success = 0) as failed, round(avg(duration), 1) as mean_ms\nfrom requests\ngroup by name\norder by requests desc",
  "Requests by hour": "select substr(timestamp, 1, 13) || ':00:00Z' as hour, count(*) as requests, round(avg(duration), 1) as mean_ms\nfrom requests\ngroup by hour\norder by hour",
  "A custom dimension": "select timestamp, message, customDimensions ->> '$.tenant' as tenant\nfrom traces\nwhere tenant is not null\norder by timestamp desc\nlimit 100",
  "Slow dependencies": "select type, target, name, count(*) as calls, round(max(duration)) as longest_ms\nfrom dependencies\ngroup by type, target, name\norder by longest_ms desc\nlimit 50",
};
const HISTORY = "azfunc-ext.queries";
const MOST_HISTORY = 30;
const MOST_SHOWN = 1000;
const COLOURS = 8;

export function render(root, state, api) {
  return new QueryPage(root, state, api);
}

class QueryPage {
  constructor(root, state, api) {
    this.api = api;
    this.editor = el("textarea", {class: "editor mono", "aria-label": "SQL", spellcheck: "false", rows: 8, maxlength: "100000", on: {keydown: (event) => this.#pressed(event)}});
    this.result = el("div", {class: "query-result"});
    this.history = el("div", {});
    const run = el("button", {type: "button", class: "primary", title: "Run (Ctrl+Enter)", on: {click: () => this.run()}}, "Run");
    const examples = el("select", {"aria-label": "Examples", on: {change: () => this.#example(examples)}}, el("option", {value: ""}, "Examples"), Object.keys(EXAMPLES).map((name) => el("option", {value: name}, name)));
    const schema = el("aside", {class: "schema", "aria-label": "Tables"}, loading(el("div", {})));
    fill(root, el("div", {class: "query"}, schema, el("div", {class: "query-main"}, this.editor, el("div", {class: "filters"}, run, examples, this.history, el("span", {class: "muted"}, "Ctrl+Enter runs it")), this.result)));
    this.#drawHistory();
    guarded(schema, async () => this.#showSchema(schema, (await api.get("schema")).tables));
    this.update(state);
    this.editor.focus();
  }

  update(state) {
    this.state = state;
    const sql = state.params.get("sql");
    if (sql !== null && sql !== this.editor.value) this.editor.value = sql;
    if (sql === null && !this.editor.value) this.editor.value = EXAMPLES["Failed requests"];
  }

  async run() {
    const sql = this.editor.value;
    this.state.set({sql}, {replace: true});
    const number = (this.number = (this.number ?? 0) + 1);
    loading(this.result, "Running");
    await guarded(this.result, async () => {
      const found = await this.api.post("query", {sql, limit: MOST_SHOWN, timeout: 10});
      if (number !== this.number) return;
      this.#remember(sql);
      fill(this.result, ...shownResult(found));
    });
  }

  #pressed(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.run();
    } else if (event.key === "Escape") {
      this.editor.blur();
    }
  }

  #example(select) {
    if (EXAMPLES[select.value]) this.editor.value = EXAMPLES[select.value];
    select.value = "";
    this.editor.focus();
  }

  #insert(text) {
    const {selectionStart, selectionEnd} = this.editor;
    this.editor.setRangeText(text, selectionStart, selectionEnd, "end");
    this.editor.focus();
  }

  #showSchema(place, tables) {
    const button = (text, className) => el("button", {type: "button", class: `link ${className}`, title: "Put it into the statement", on: {click: () => this.#insert(text)}}, text);
    fill(place, Object.entries(tables).map(([table, columns]) => el("details", {}, el("summary", {}, el("span", {class: "mono"}, table)), button(table, "mono"), el("ul", {}, columns.map((column) => el("li", {}, button(column.name, "mono"), el("span", {class: "muted"}, ` ${column.type.toLowerCase()}`)))))));
  }

  #remember(sql) {
    const kept = [sql, ...past().filter((one) => one !== sql)].slice(0, MOST_HISTORY);
    try {
      localStorage.setItem(HISTORY, JSON.stringify(kept));
    } catch {
      // Without storage, or with a full one, there is no history.
    }
    this.#drawHistory();
  }

  #drawHistory() {
    const queries = past();
    const select = el("select", {"aria-label": "History", on: {change: () => {
      const chosen = queries[Number(select.value)];
      if (chosen !== undefined) this.editor.value = chosen;
      select.value = "";
      this.editor.focus();
    }}}, el("option", {value: ""}, "History"), queries.map((sql, at) => el("option", {value: String(at)}, clip(sql.replace(/\s+/g, " "), 80))));
    fill(this.history, queries.length > 0 && select);
  }
}

function past() {
  try {
    const kept = JSON.parse(localStorage.getItem(HISTORY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

function shownResult(found) {
  const {columns, rows, truncated, ms} = found;
  const more = truncated ? ` There is more: the first ${compact(rows.length)} are shown.` : "";
  const saves = el("span", {class: "chips"}, saveButton("CSV", "csv", "text/csv", () => csv(columns, rows)), saveButton("JSON", "json", "application/json", () => json(columns, rows)));
  const said = el("div", {class: "filters"}, el("span", {class: "muted", role: "status"}, `${plural(rows.length, "row")} in ${duration(ms)}.${more}`), rows.length > 0 && saves);
  if (!rows.length) return [said, el("p", {class: "empty"}, "No row is like that.")];
  const numeric = columns.map((_, at) => rows.every((row) => row[at] === null || typeof row[at] === "number"));
  const table = dataTable({
    label: "What was selected",
    columns: columns.map((name, at) => ({
      title: clip(name, 60), cell: (row) => cell(name, row[at]), sort: (row) => row[at], align: numeric[at] ? "right" : undefined, className: "nowrap",
    })),
  });
  table.show(rows);
  return [said, chartOf(columns, rows, numeric), table.element];
}

function cell(name, content) {
  if (content === null) return el("span", {class: "muted"}, "null");
  if (name === "operation_Id" && typeof content === "string" && content) return el("a", {href: `#/transaction/${encodeURIComponent(content)}`, class: "mono"}, clip(content, 40));
  return typeof content === "number" ? (Number.isInteger(content) ? String(content) : value(content)) : clip(content, 200);
}

/** Return a chart if the first column is a time and others are numbers, one step a row. */
function chartOf(columns, rows, numeric) {
  const times = rows.map((row) => row[0]);
  const lines = columns.map((_, at) => at).filter((at) => at > 0 && numeric[at]);
  const isTime = times.every((time) => typeof time === "string" && /^\d{4}-\d\d-\d\dT?/.test(time) && !Number.isNaN(instant(time)));
  if (!isTime || !lines.length || rows.length < 3 || new Set(times).size !== rows.length) return null;
  const order = rows.map((row) => row).sort((a, b) => instant(a[0]) - instant(b[0]));
  const gaps = order.slice(1).map((row, at) => instant(row[0]) - instant(order[at][0]));
  const step = Math.min(...gaps) / 1000;
  // Steps of one length only: with others the picture would lie about time.
  if (!(step >= 1) || gaps.some((gap) => gap % (step * 1000)) || (instant(order.at(-1)[0]) - instant(order[0][0])) / 1000 / step > 1000) return null;
  const count = Math.round((instant(order.at(-1)[0]) - instant(order[0][0])) / 1000 / step) + 1;
  const byStep = new Map(order.map((row) => [Math.round((instant(row[0]) - instant(order[0][0])) / 1000 / step), row]));
  const all = Array.from({length: count}, (_, at) => new Date(instant(order[0][0]) + at * step * 1000).toISOString());
  return el("section", {class: "card"}, timeChart({
    label: "What was selected over time",
    step,
    times: all,
    series: lines.slice(0, COLOURS).map((column, at) => ({name: clip(columns[column], 60), values: all.map((_, number) => byStep.get(number)?.[column] ?? null), shape: "line", colour: at + 1})),
    format: {bar: compact, line: (number) => (Math.abs(number) >= 1e5 ? compact(number) : value(number))},
  }));
}

function saveButton(text, ending, type, content) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([content()], {type}));
    const link = document.createElement("a");
    link.href = url;
    link.download = `query.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  return el("button", {type: "button", class: "chip", title: `Save as ${text}`, on: {click: save}}, text);
}

function csv(columns, rows) {
  // A spreadsheet takes what begins so for a formula and would run it; telemetry is written by others.
  const safe = (content) => (typeof content === "string" && /^[=+\-@\t\r]/.test(content) ? `'${content}` : String(content ?? ""));
  const quoted = (content) => `"${safe(content).replaceAll('"', '""')}"`;
  return [columns, ...rows].map((row) => row.map(quoted).join(",")).join("\r\n");
}

function json(columns, rows) {
  return JSON.stringify(rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]]))), null, 2);
}
