/**
 * What went wrong: over time, and by operation, exception, result or dependency.
 * In the URL: by (which of these lists is shown). Each row leads to its items in the search.
 */

import {timeChart} from "../charts/timechart.js";
import {clip, el, fill} from "../dom.js";
import {ago, compact, count, exactly, percent} from "../format.js";
import {guarded, nothing, nothingYet} from "../states.js";
import {dataTable} from "../table.js";
import {segments, tiles} from "./parts.js";

export const title = "Failures";

const LISTS = {operation: "Operations", exception: "Exceptions", result: "Results", dependency: "Dependencies"};

export async function render(root, state, api) {
  const by = state.params.get("by") in LISTS ? state.params.get("by") : "operation";
  await guarded(root, async () => {
    const found = await api.get("failures", state.query());
    if (!found.series.length) {
      const narrowed = state.role || Object.keys(state.range).length > 0;
      fill(root, narrowed ? nothing("No telemetry here", el("p", {}, "Choose a longer time range, or another role.")) : await nothingYet(api));
      return;
    }
    fill(root, overview(found, state), el("section", {class: "card"}, segments("By", LISTS, by, (value) => state.set({by: value})), lists[by](found, state)));
  });
}

function overview(found, state) {
  const {series} = found;
  const values = (name) => series.map((step) => step[name]);
  const rate = (calls) => (calls.failed ? `${count(calls.failed)} (${percent(calls.failed, calls.count)})` : "0");
  const chart = timeChart({
    label: "Failures over time",
    step: found.step_s,
    times: values("t"),
    series: [
      {name: "Failed requests", values: values("failed_requests"), shape: "bar", colour: "fail"},
      {name: "Failed dependencies", values: values("failed_dependencies"), shape: "bar", colour: 2},
      {name: "Exceptions", values: values("exceptions"), shape: "bar", colour: 4},
    ],
    format: {bar: compact, line: compact},
    onRange: (from, to) => state.set({from, to, last: null}),
  });
  const numbers = tiles([
    ["Failed requests", rate(found.requests), found.requests.failed ? "fail" : ""],
    ["Failed dependencies", rate(found.dependencies), found.dependencies.failed ? "fail" : ""],
    ["Exceptions", count(found.exceptions.count), found.exceptions.count ? "fail" : ""],
  ]);
  return el("section", {class: "card"}, numbers, chart);
}

const number = (title, value) => ({title, cell: (row) => count(value(row)), sort: value, align: "right"});
const share = {title: "Share", cell: (row) => percent(row.failed, row.count), sort: (row) => row.failed / row.count, align: "right", className: "nowrap"};

function list(label, columns, rows, href, empty) {
  if (!rows.length) return el("p", {class: "empty"}, empty);
  const table = dataTable({label, columns, href});
  table.show(rows);
  return table.element;
}

const lists = {
  operation: (found, state) =>
    list(
      "Operations with failures",
      [
        {title: "Operation", cell: (row) => clip(row.name || "(no name)", 160), sort: (row) => row.name, main: true, className: "wide"},
        number("Failed", (row) => row.failed),
        number("Requests", (row) => row.count),
        share,
      ],
      found.by_operation,
      (row) => state.link("search", {table: "requests", success: "false", name: row.name}),
      "No request failed.",
    ),
  exception: (found, state) =>
    list(
      "Exceptions",
      [
        {title: "Problem", cell: (row) => [el("b", {}, clip(row.type ?? "", 100)), " ", el("span", {class: "aside"}, clip(row.message ?? "", 200))], sort: (row) => row.type ?? "", main: true, className: "wide"},
        number("Count", (row) => row.count),
        number("Operations", (row) => row.operations),
        {title: "Last", cell: (row) => el("time", {title: exactly(row.last)}, ago(row.last)), sort: (row) => row.last, className: "nowrap"},
      ],
      found.by_exception,
      (row) => state.link("search", {table: "exceptions", problemId: row.problemId, type: row.problemId ? null : row.type}),
      "There were no exceptions.",
    ),
  result: (found, state) =>
    list(
      "Results of failed requests",
      [{title: "Result", cell: (row) => clip(row.resultCode || "(empty)", 100), sort: (row) => row.resultCode, main: true, className: "wide"}, number("Failed requests", (row) => row.count)],
      found.by_result_code,
      (row) => state.link("search", {table: "requests", success: "false", resultCode: row.resultCode}),
      "No request failed.",
    ),
  dependency: (found, state) =>
    list(
      "Dependencies with failures",
      [
        {title: "Dependency", cell: (row) => [clip(row.name || "(no name)", 120), " ", el("span", {class: "aside"}, clip([row.type, row.target].filter(Boolean).join(" "), 120))], sort: (row) => row.name, main: true, className: "wide"},
        number("Failed", (row) => row.failed),
        number("Calls", (row) => row.count),
        share,
      ],
      found.by_dependency,
      (row) => state.link("search", {table: "dependencies", success: "false", name: row.name, target: row.target}),
      "No dependency failed.",
    ),
};
