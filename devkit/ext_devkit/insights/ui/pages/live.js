/**
 * What arrives, as it arrives: rates of the last minute, and the stream of items with the newest at the top.
 * In the URL: table (several) and failed=true narrow the stream. Space, or the button, holds it.
 */

import {clip, el, fill, svg} from "../dom.js";
import {clock, count, duration, exactly, plural} from "../format.js";
import {icon} from "../icons.js";
import {KINDS, isFailed, keyOf, kindLabel, kindName, kindOf, resultBadge, targetOf, titleOf, transactionLink} from "../items.js";
import {details} from "../details.js";
import {bind} from "../keys.js";
import {openPanel} from "../panel.js";
import {nothingYet} from "../states.js";
import {dataTable} from "../table.js";

export const title = "Live";

const MOST_ROWS = 300;
const MOST_WAITING = 1000;
const SECONDS = 60;

const sum = (name) => (rates) => rates.reduce((total, rate) => total + (rate[name] ?? 0), 0);

/** What the tiles show: the minute's number, its text, the height of one second, and whether it is bad to have any. */
const TILES = [
  {name: "Requests", of: sum("requests"), text: count, second: (rate) => rate.requests},
  {name: "Failed requests", of: sum("failed"), text: count, second: (rate) => rate.failed, bad: true},
  {name: "Mean duration", of: meanDuration, text: (ms) => duration(ms) || "–", second: (rate) => rate.mean_ms ?? 0},
  {name: "Dependencies", of: sum("dependencies"), text: count, second: (rate) => rate.dependencies},
  {name: "Exceptions", of: sum("exceptions"), text: count, second: (rate) => rate.exceptions, bad: true},
  {name: "Logs", of: sum("traces"), text: count, second: (rate) => rate.traces},
];

export function render(root, state, api) {
  return new LivePage(root, state, api);
}

class LivePage {
  constructor(root, state, api) {
    this.api = api;
    this.rates = [];
    this.waiting = [];
    this.dropped = 0;
    this.paused = false;
    this.status = el("span", {class: "badge", role: "status"}, "Connecting …");
    this.controls = el("div", {class: "live-controls"});
    this.tiles = el("div", {class: "tiles"});
    this.stream = el("div", {class: "stream"});
    fill(root, this.tiles, this.controls, this.stream);
    this.unbind = bind({" ": () => (document.activeElement?.closest("button, a, select") ? false : this.#pause())});
    this.#drawTiles();
    this.update(state);
  }

  update(state) {
    this.state = state;
    const asked = JSON.stringify([state.params.getAll("table"), state.params.get("failed"), state.role]);
    if (asked === this.asked) return;
    this.asked = asked;
    this.end?.();
    this.waiting = [];
    this.table = null;
    this.#drawControls();
    this.#begin();
  }

  destroy() {
    this.unbind();
    this.end?.();
  }

  /** Show what came last, then follow. */
  async #begin() {
    const {asked} = this;
    const table = this.state.params.getAll("table");
    this.end = this.api.live({table}, {
      items: (batch) => this.#arrived(batch),
      rate: (rate) => this.#rated(rate),
      state: (name) => this.#connected(name),
    });
    fill(this.stream);
    const before = await this.api.get("search", {table, role: this.state.role, limit: 50}).catch(() => ({items: []}));
    if (asked !== this.asked) return;
    if (before.items.length || this.table) this.#show(before.items.filter((row) => this.#isWanted(row)), true);
    else if (!table.length && !this.state.role) fill(this.stream, await nothingYet(this.api));
    if (!this.table && !this.stream.hasChildNodes()) fill(this.stream, el("p", {class: "empty"}, "Nothing of this kind has arrived yet."));
  }

  #isWanted(row) {
    if (this.state.role && row.cloud_RoleName !== this.state.role) return false;
    return this.state.params.get("failed") !== "true" || isFailed(row) || row.severityLevel >= 3;
  }

  #arrived({items, dropped = 0}) {
    this.dropped += dropped;
    const wanted = items.filter((row) => this.#isWanted(row));
    if (this.paused) {
      this.waiting = [...this.waiting, ...wanted].slice(-MOST_WAITING);
      return this.#drawStatus();
    }
    if (dropped) this.#drawStatus();
    return wanted.length && this.#show(wanted);
  }

  /** Put rows at the top, or `older` ones below, the newest first. */
  #show(items, older = false) {
    if (!this.table) {
      this.shown = new Set();
      this.table = dataTable({
        label: "Items as they arrive",
        columns: COLUMNS,
        href: (row) => transactionLink(this.state, row),
        open: (row) => openPanel(details(row, this.state)),
        className: (row) => (isFailed(row) ? "fail" : ""),
      });
      this.table.show([]);
      fill(this.stream, this.table.element);
    }
    const rows = items.filter((row) => !this.shown.has(keyOf(row)));
    for (const row of rows) this.shown.add(keyOf(row));
    rows.sort((one, other) => (one.timestamp < other.timestamp ? 1 : -1));
    if (older) this.table.add(rows);
    else this.table.prepend(rows, MOST_ROWS);
    if (this.shown.size > MOST_ROWS * 4) this.shown = new Set(this.table.rows.map(keyOf));
  }

  #rated(rate) {
    this.rates = [...this.rates, rate].slice(-SECONDS);
    if (!this.paused) this.#drawTiles();
  }

  #connected(name) {
    this.lost = name === "lost";
    this.open = name === "open";
    this.#drawStatus();
  }

  #pause() {
    this.paused = !this.paused;
    if (!this.paused) {
      this.#show(this.waiting);
      this.waiting = [];
      this.#drawTiles();
    }
    this.#drawControls();
  }

  #drawStatus() {
    const [words, name] = this.lost
      ? ["Connection lost, trying again …", "fail"]
      : this.paused
        ? [`Held, ${this.waiting.length >= MOST_WAITING ? "more than " : ""}${plural(this.waiting.length, "item")} waiting`, "warn"]
        : this.open ? ["Connected", "ok"] : ["Connecting …", ""];
    this.status.className = `badge ${name}`;
    fill(this.status, words);
    if (this.note) fill(this.note, this.dropped ? `${plural(this.dropped, "item")} left out: more than 200 a second arrived. All are stored.` : "");
  }

  #drawControls() {
    const {state} = this;
    const tables = state.params.getAll("table");
    const toggle = (table) => state.set({table: tables.includes(table) ? tables.filter((one) => one !== table) : [...tables, table]}, {replace: true});
    const failed = state.params.get("failed") === "true";
    const hold = el("button", {type: "button", title: "Space", on: {click: () => this.#pause()}}, icon(this.paused ? "play" : "pause", 14), this.paused ? "Go on" : "Hold");
    const hadFocus = this.controls.querySelector("button:first-child") === document.activeElement;
    this.note = el("span", {class: "muted", role: "status"});
    fill(
      this.controls,
      hold,
      this.status,
      el("button", {type: "button", class: "chip", "aria-pressed": String(failed), on: {click: () => state.set({failed: failed ? null : "true"}, {replace: true})}}, "Only failures"),
      el("span", {class: "divider"}),
      Object.entries(KINDS).slice(0, 6).map(([type, {table}]) =>
        el("button", {type: "button", class: "chip", "aria-pressed": String(tables.includes(table)), on: {click: () => toggle(table)}}, kindName(type)),
      ),
      this.note,
    );
    if (hadFocus) hold.focus();
    this.#drawStatus();
  }

  #drawTiles() {
    fill(this.tiles, TILES.map((tile) => drawTile(tile, this.rates)));
  }
}

function meanDuration(rates) {
  const timed = rates.filter((rate) => rate.mean_ms !== null && rate.mean_ms !== undefined && rate.requests);
  const requests = timed.reduce((total, rate) => total + rate.requests, 0);
  return requests ? timed.reduce((total, rate) => total + rate.mean_ms * rate.requests, 0) / requests : null;
}

function drawTile({name, of, text, second, bad = false}, rates) {
  const number = of(rates);
  return el(
    "div",
    {class: `tile${bad && number ? " bad" : ""}`},
    el("div", {class: "tile-name"}, name),
    el("div", {class: "tile-number"}, text(number), el("small", {}, number === null ? "" : "in 60 s")),
    sparkline([...Array(SECONDS - rates.length).fill(0), ...rates.map((rate) => second(rate) ?? 0)]),
  );
}

/** Bars of the last minute, one a second, the latest at the right. */
function sparkline(values) {
  const highest = Math.max(...values, 1);
  const bars = values.map((value, at) => {
    const height = value ? Math.max((value / highest) * 24, 1.5) : 0.5;
    return svg("rect", {x: at * 2, y: 24 - height, width: 1.5, height, class: value ? "some" : "none"});
  });
  return svg("svg", {class: "sparkline", viewBox: `0 0 ${SECONDS * 2} 24`, preserveAspectRatio: "none", "aria-hidden": "true"}, bars);
}

const COLUMNS = [
  {title: "Time", cell: (row) => el("time", {title: exactly(row.timestamp)}, clock(row.timestamp)), className: "nowrap"},
  {title: "Type", cell: kindLabel, className: "nowrap"},
  {title: "What", cell: what, main: true, className: "wide"},
  {title: "Result", cell: (row) => (row.itemType === "exception" ? null : resultBadge(row)), className: "nowrap"},
  {title: "Role", cell: (row) => clip(row.cloud_RoleName ?? "", 30), className: "nowrap muted optional"},
  {title: "Duration", cell: (row) => (kindOf(row).call ? duration(row.duration) : ""), align: "right", className: "nowrap"},
];

function what(row) {
  const aside = row.itemType === "dependency" ? targetOf(row) : "";
  return [titleOf(row), aside && el("span", {class: "aside"}, aside)];
}
