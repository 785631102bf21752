/**
 * How long requests or dependencies take: over time, by operation, and the slowest of them.
 * In the URL: kind (requests, dependencies), name (the operation that is looked at).
 */

import {histogram} from "../charts/histogram.js";
import {timeChart} from "../charts/timechart.js";
import {clip, el, fill} from "../dom.js";
import {clock, compact, count, duration, exactly, percent, plural} from "../format.js";
import {resultBadge, transactionLink} from "../items.js";
import {guarded, nothing, nothingYet} from "../states.js";
import {dataTable} from "../table.js";
import {chip, segments, tiles} from "./parts.js";

export const title = "Performance";

const KINDS = {requests: "Requests", dependencies: "Dependencies"};
const NOUNS = {requests: "request", dependencies: "call"};

export async function render(root, state, api) {
  const kind = state.params.get("kind") in KINDS ? state.params.get("kind") : "requests";
  const name = state.params.get("name");
  const asked = state.query({kind, name});
  const overview = el("section", {class: "card"});
  const operations = el("section", {class: "card"});
  const spread = el("section", {class: "card"});
  const samples = el("section", {class: "card"});
  const filters = el(
    "div",
    {class: "filters"},
    segments("Whose times", KINDS, kind, (value) => state.set({kind: value, name: null})),
    name !== null && chip("Operation", name, () => state.set({name: null})),
  );
  fill(root, filters, overview, el("div", {class: "two"}, operations, el("div", {class: "stacked"}, spread, samples)));
  await guarded(root, async () => {
    const found = await api.get("performance", asked);
    if (!found.overall) {
      const narrowed = name !== null || state.role || Object.keys(state.range).length > 0;
      const empty = narrowed ? nothing(`No ${kind} here`, el("p", {}, "Choose a longer time range, or another role.")) : await nothingYet(api);
      fill(root, filters, empty);
      return;
    }
    showOverview(overview, found, kind, state);
    showOperations(operations, found.operations, name, state);
    await Promise.all([
      guarded(spread, async () => showSpread(spread, (await api.get("performance/histogram", asked)).buckets, kind)),
      guarded(samples, async () => showSamples(samples, (await api.get("performance/samples", {...asked, limit: 12})).items, state)),
    ]);
  });
}

function showOverview(place, found, kind, state) {
  const {overall, series} = found;
  const chart = timeChart({
    label: `${KINDS[kind]} and their durations over time`,
    step: found.step_s,
    times: series.map((step) => step.t),
    series: [
      {name: "Failed", values: series.map((step) => step.failed), shape: "bar", colour: "fail"},
      {name: "Succeeded", values: series.map((step) => step.count - step.failed), shape: "bar", colour: "muted"},
      {name: "p50", values: series.map((step) => step.p50), shape: "line", colour: 1},
      {name: "p95", values: series.map((step) => step.p95), shape: "line", colour: 2},
    ],
    format: {bar: compact, line: duration},
    onRange: (from, to) => state.set({from, to, last: null}),
  });
  const numbers = tiles([
    [KINDS[kind], count(overall.count)],
    ["Failed", percent(overall.failed, overall.count) || "0 %", overall.failed > 0 ? "fail" : ""],
    ["Mean", duration(overall.mean)],
    ["p50", duration(overall.p50)],
    ["p95", duration(overall.p95)],
    ["p99", duration(overall.p99)],
    ["Longest", duration(overall.max)],
  ]);
  fill(place, numbers, chart);
}

function showOperations(place, operations, name, state) {
  const most = Math.max(...operations.map((one) => one.sum));
  const table = dataTable({
    label: "Operations",
    columns: [
      {title: "Operation", cell: (row) => clip(row.name || "(no name)", 120), sort: (row) => row.name, main: true, className: "wide"},
      {title: "Count", cell: (row) => count(row.count), sort: (row) => row.count, align: "right"},
      {title: "Failed", cell: (row) => (row.failed ? percent(row.failed, row.count) : ""), sort: (row) => row.failed / row.count, align: "right", className: "fail-text"},
      {title: "p50", cell: (row) => duration(row.p50), sort: (row) => row.p50, align: "right", className: "nowrap"},
      {title: "p95", cell: (row) => duration(row.p95), sort: (row) => row.p95, align: "right", className: "nowrap"},
      {title: "p99", cell: (row) => duration(row.p99), sort: (row) => row.p99, align: "right", className: "nowrap"},
      {title: "Share of time", cell: (row) => el("meter", {class: "share", min: 0, max: most || 1, value: row.sum, title: duration(row.sum)}), sort: (row) => row.sum, className: "nowrap optional"},
    ],
    href: (row) => state.link("performance", {kind: state.params.get("kind"), name: row.name === name ? null : row.name}),
    sorted: {column: 6, descending: true},
    className: (row) => (row.name === name ? "chosen" : ""),
  });
  table.show(operations);
  fill(place, el("h2", {}, "Operations"), table.element);
}

function showSpread(place, buckets, kind) {
  fill(place, el("h2", {}, "Durations"), histogram({label: `How many ${kind} took how long`, buckets, format: duration, noun: NOUNS[kind]}));
}

function showSamples(place, items, state) {
  const table = dataTable({
    label: "The slowest",
    columns: [
      {title: "Duration", cell: (row) => duration(row.duration), className: "nowrap", align: "right"},
      {title: "Operation", cell: (row) => clip(row.name ?? "", 80), main: true, className: "wide"},
      {title: "Result", cell: resultBadge, className: "nowrap"},
      {title: "Time", cell: (row) => el("time", {title: exactly(row.timestamp)}, clock(row.timestamp)), className: "nowrap"},
    ],
    href: (row) => transactionLink(state, row) ?? state.link("search", {item: `${row.itemType === "request" ? "requests" : "dependencies"}:${row.itemId}`}),
    className: (row) => (row.success === false ? "fail" : ""),
  });
  table.show(items);
  fill(place, el("h2", {}, "The slowest"), table.element, items.length === 0 && el("p", {class: "muted"}, plural(0, "call")));
}
