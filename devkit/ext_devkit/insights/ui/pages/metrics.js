/**
 * Metrics over time. In the URL: name, namespace, aggregation, split (a dimension), own ("all" to list what SDKs count
 * by themselves as well).
 */

import {timeChart} from "../charts/timechart.js";
import {clip, el, fill} from "../dom.js";
import {ago, compact, count, exactly, value} from "../format.js";
import {guarded, loading, nothing, nothingYet} from "../states.js";
import {dataTable} from "../table.js";
import {segments} from "./parts.js";

export const title = "Metrics";

const AGGREGATIONS = {avg: "Average", sum: "Sum", min: "Minimum", max: "Maximum", count: "Count"};
const COLOURS = 8;

export async function render(root, state, api) {
  await guarded(root, async () => {
    const {metrics} = await api.get("metrics", {...state.range});
    if (!metrics.length) {
      fill(root, Object.keys(state.range).length ? nothing("No metrics here", el("p", {}, "Choose a longer time range.")) : await nothingYet(api));
      return;
    }
    const all = state.params.get("own") === "all";
    const listed = metrics.filter((metric) => all || metric.origin === "application");
    const [name, namespace] = [state.params.get("name"), state.params.get("namespace")];
    const chosen = metrics.find((metric) => metric.name === name && (metric.namespace ?? "") === (namespace ?? "")) ?? metrics.find((metric) => metric.name === name) ?? listed[0] ?? null;
    const chart = el("section", {class: "card"});
    fill(root, chart, list(listed, metrics, chosen, all, state));
    if (chosen) await guarded(chart, () => showSeries(chart, chosen, state, api));
    else fill(chart, el("p", {class: "empty"}, "The application itself has sent no metric."));
  });
}

async function showSeries(place, metric, state, api) {
  const aggregation = state.params.get("aggregation") in AGGREGATIONS ? state.params.get("aggregation") : "avg";
  const split = metric.dimensions.includes(state.params.get("split")) ? state.params.get("split") : null;
  const dimension = el(
    "select",
    {"aria-label": "Split by", on: {change: () => state.set({split: dimension.value})}},
    el("option", {value: ""}, "All together"),
    metric.dimensions.map((name) => el("option", {value: name, selected: name === split}, `Split by ${clip(name, 60)}`)),
  );
  const controls = el(
    "div",
    {class: "filters"},
    segments("Aggregation", AGGREGATIONS, aggregation, (chosen) => state.set({aggregation: chosen})),
    metric.dimensions.length > 0 && dimension,
  );
  const drawing = loading(el("div", {})) ?? el("div", {});
  fill(place, el("h2", {}, clip(metric.name, 200)), controls, drawing);
  const asked = {...state.range, name: metric.name, namespace: metric.namespace, aggregation, split};
  const found = await api.get("metrics/series", asked);
  const chart = timeChart({
    label: `${AGGREGATIONS[aggregation]} over time`,
    step: found.step_s,
    times: found.series[0]?.points.map(([t]) => t) ?? [],
    series: found.series.map((line, at) => ({name: clip(line.label, 80), values: line.points.map(([, number]) => number), shape: "line", colour: (at % COLOURS) + 1})),
    format: {bar: compact, line: (number) => (Math.abs(number) >= 1e5 ? compact(number) : value(number))},
    onRange: (from, to) => state.set({from, to, last: null}),
  });
  fill(drawing, chart);
}

function list(listed, metrics, chosen, all, state) {
  const table = dataTable({
    label: "Metrics",
    columns: [
      {title: "Metric", cell: (row) => [clip(row.name, 160), row.namespace && el("span", {class: "aside"}, ` ${clip(row.namespace, 80)}`)], sort: (row) => row.name, main: true, className: "wide"},
      {title: "Origin", cell: (row) => row.origin, sort: (row) => row.origin, className: "nowrap muted"},
      {title: "Dimensions", cell: (row) => clip(row.dimensions.join(", "), 100), className: "wide muted optional"},
      {title: "Items", cell: (row) => count(row.count), sort: (row) => row.count, align: "right"},
      {title: "Last", cell: (row) => el("time", {title: exactly(row.last)}, ago(row.last)), sort: (row) => row.last, className: "nowrap"},
    ],
    href: (row) => state.link("metrics", {name: row.name, namespace: row.namespace, aggregation: state.params.get("aggregation"), own: state.params.get("own")}),
    className: (row) => (row === chosen ? "chosen" : ""),
  });
  table.show(listed);
  const hidden = metrics.length - metrics.filter((metric) => metric.origin === "application").length;
  const more = hidden > 0 && el("button", {type: "button", class: "link", on: {click: () => state.set({own: all ? null : "all"})}}, all ? "List only those of the application" : `List ${hidden} more that SDKs count by themselves`);
  return el("section", {class: "card"}, table.element, more);
}
