/** The application map: roles and what they call, with rates, failures and durations. In the URL: node (the chosen one). */

import {NODE, layout} from "../charts/layout.js";
import {clip, el, fill, shown, svg} from "../dom.js";
import {compact, count, duration, percent, plural} from "../format.js";
import {closePanel, openPanel} from "../panel.js";
import {guarded, nothing, nothingYet} from "../states.js";

export const title = "Application map";

const KINDS = {app: "Application", http: "HTTP", sql: "SQL", queue: "Queue", cache: "Cache", database: "Database", storage: "Storage", external: "External"};
const MARGIN = 40;
const ZOOM = 1.25;
const MOST_ZOOM = 2.5;
const LETTERS = 24;

/** Shares of failures from which on something is shown as a warning, and as failing. */
const WARN = 0.01;
const FAIL = 0.05;

/** How far along an edge its label stands: nearer to what is called, where edges lie apart. */
const LABEL_AT = 0.66;

function severity(failed, all) {
  const share = all ? failed / all : 0;
  return share >= FAIL ? "fail" : share >= WARN ? "warn" : "";
}

/** Return where a cubic curve is at its label. */
function along(a, b, c, d, t = LABEL_AT) {
  const u = 1 - t;
  return u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d;
}

export function render(root, state, api) {
  return new MapPage(root, state, api);
}

class MapPage {
  constructor(root, state, api) {
    this.root = root;
    this.api = api;
    root.classList.add("fills");
    this.update(state);
  }

  update(state) {
    this.state = state;
    const asked = JSON.stringify(state.range);
    if (asked === this.asked) return this.#follow();
    this.asked = asked;
    return guarded(this.root, async () => {
      const found = await this.api.get("map", state.range);
      if (found.nodes.length) this.#show(found);
      else fill(this.root, Object.keys(state.range).length ? nothing("Nothing called anything here", el("p", {}, "Choose a longer time range.")) : await nothingYet(this.api));
    });
  }

  destroy() {
    this.observer?.disconnect();
  }

  #show({nodes, edges}) {
    this.nodes = nodes;
    this.edges = edges;
    const {places, width, height} = layout(nodes, edges);
    this.size = {width: width + 2 * MARGIN, height: height + 2 * MARGIN};
    this.content = svg("g", {});
    fill(this.content, edges.map((edge) => this.#edge(edge, places)), nodes.map((node) => this.#node(node, places.get(node.id))));
    this.drawing = svg("svg", {class: "map-drawing", tabindex: "0", role: "group", "aria-label": "Application map. Arrows move it, plus and minus change its size."}, this.content);
    this.#listen();
    const button = (text, label, act) => el("button", {type: "button", class: "square", title: label, "aria-label": label, on: {click: act}}, text);
    const buttons = el("div", {class: "map-buttons"}, button("+", "Larger (+)", () => this.#zoom(ZOOM)), button("−", "Smaller (-)", () => this.#zoom(1 / ZOOM)), button("⤢", "All of it (0)", () => this.#fit()));
    fill(this.root, el("div", {class: "map card"}, this.drawing, buttons, el("p", {class: "map-note muted"}, `${plural(nodes.length, "node")}, ${plural(edges.length, "edge")}`)));
    this.observer?.disconnect();
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(this.drawing);
    this.#fit();
    this.#follow();
  }

  #node(node, {x, y}) {
    const kind = severity(node.failed, node.count);
    const name = node.name || "(no name)";
    const line = [`${compact(node.count)} ${node.kind === "app" ? "request" : "call"}${node.count === 1 ? "" : "s"}`, duration(node.mean), node.failed ? `${percent(node.failed, node.count)} failed` : ""].filter(Boolean).join(" · ");
    const choose = () => this.state.set({node: this.state.params.get("node") === node.id ? null : node.id});
    const element = svg(
      "g",
      {class: `map-node of-${node.kind in KINDS ? node.kind : "external"}`, transform: `translate(${x + MARGIN} ${y + MARGIN})`, tabindex: "0", role: "button", "aria-label": `${shown(clip(name, 100))}, ${KINDS[node.kind] ?? node.kind}, ${line}`},
      svg("rect", {class: "box", width: NODE.width, height: NODE.height, rx: 8}),
      svg("rect", {class: "stripe", width: 5, height: NODE.height, rx: 2}),
      svg("text", {class: "map-name", x: 16, y: 20}, clip(name, LETTERS)),
      svg("text", {class: "map-kind", x: 16, y: 36}, KINDS[node.kind] ?? "External"),
      svg("text", {class: `map-line ${kind}`, x: 16, y: 52}, node.count ? line : "sends no requests of its own"),
      svg("title", {}, clip(name, 500)),
    );
    element.addEventListener("click", () => !this.moved && choose());
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose();
    });
    element.dataset.at = String(this.nodes.indexOf(node));
    return element;
  }

  #edge({source, target, count: calls, failed, mean}, places) {
    const [from, to] = [places.get(source), places.get(target)];
    const y = (place) => place.y + MARGIN + NODE.height / 2;
    const [x1, y1, x2, y2] = [from.x + MARGIN + NODE.width, y(from), to.x + MARGIN - 7, y(to)];
    const back = x2 <= x1;
    const bend = back ? 90 : Math.max((x2 - x1) / 2, 30);
    const path = source === target
      ? `M${x1} ${y1 - 8}c46 -40 46 56 4 18`
      : `M${x1} ${y1}C${x1 + bend} ${y1 + (back ? NODE.height : 0)} ${x2 - bend} ${y2 + (back ? NODE.height : 0)} ${x2} ${y2}`;
    const wide = 1 + Math.min(Math.log10(calls + 1), 5) * 0.6;
    const text = `${compact(calls)}${mean === null ? "" : ` · ${duration(mean)}`}`;
    const kind = severity(failed, calls);
    const down = back ? NODE.height : 0;
    const [x, yOfLabel] = [along(x1, x1 + bend, x2 - bend, x2), along(y1, y1 + down, y2 + down, y2)];
    const label = svg("text", {class: `map-label ${kind}`, x, y: yOfLabel - 5, "text-anchor": "middle"}, text);
    const arrow = source === target ? null : svg("path", {class: "arrow-head", d: `M${x2 + 7} ${y2}l-9 -4.5v9z`});
    return svg("g", {class: `map-edge ${kind}`}, svg("path", {class: "way", d: path, "stroke-width": wide}), arrow, label, svg("title", {}, `${plural(calls, "call")}, ${count(failed)} failed`));
  }

  /** Show the numbers of the chosen node beside the map. */
  #follow() {
    const id = this.state.params.get("node");
    for (const element of this.content?.querySelectorAll(".map-node") ?? []) {
      element.classList.toggle("chosen", this.nodes[Number(element.dataset.at)].id === id);
    }
    const node = this.nodes?.find((one) => one.id === id);
    if (!node) return closePanel();
    return openPanel({title: clip(node.name || "(no name)", 300), content: this.#details(node), onClose: () => this.#closed(id)});
  }

  #closed(id) {
    if (this.state.params.get("node") === id) this.state.set({node: null});
  }

  #details(node) {
    const rows = [["Kind", KINDS[node.kind] ?? node.kind], [node.kind === "app" ? "Requests" : "Calls", count(node.count)], ["Rate", `${compact(node.per_minute)} / min`], ["Failed", node.failed ? `${count(node.failed)} (${percent(node.failed, node.count)})` : "0"], ["Mean", duration(node.mean)], ["p95", duration(node.p95)]];
    const facts = el("dl", {class: "facts"}, rows.filter(([, value]) => value).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    const nameOf = (id) => clip(this.nodes.find((one) => one.id === id)?.name || "(no name)", 100);
    const calls = (title, edges, end) => edges.length > 0 && el("section", {class: "section"}, el("h3", {}, title), el("dl", {class: "facts"}, edges.map((edge) => [el("dt", {}, el("button", {type: "button", class: "link", on: {click: () => this.state.set({node: edge[end]})}}, nameOf(edge[end]))), el("dd", {}, [count(edge.count), `${compact(edge.per_minute)} / min`, duration(edge.mean), edge.failed ? `${percent(edge.failed, edge.count)} failed` : ""].filter(Boolean).join(" · "))])));
    const links = node.kind === "app" && el("div", {class: "chips"}, el("a", {class: "action", href: this.state.link("performance", {role: node.name})}, "Performance"), el("a", {class: "action", href: this.state.link("failures", {role: node.name})}, "Failures"), el("a", {class: "action", href: this.state.link("search", {role: node.name})}, "Items"));
    return [facts, links, calls("Calls", this.edges.filter((edge) => edge.source === node.id), "target"), calls("Called by", this.edges.filter((edge) => edge.target === node.id), "source")];
  }

  #listen() {
    const {drawing} = this;
    drawing.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = drawing.getBoundingClientRect();
      this.#zoom(Math.exp(-event.deltaY / 500), event.clientX - box.left, event.clientY - box.top);
    });
    drawing.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.moved = false;
      this.held = {x: event.clientX - this.view.x, y: event.clientY - this.view.y, startX: event.clientX, startY: event.clientY};
    });
    drawing.addEventListener("pointermove", (event) => {
      if (!this.held || !event.buttons) return;
      if (!this.moved && Math.hypot(event.clientX - this.held.startX, event.clientY - this.held.startY) < 4) return;
      if (!this.moved) drawing.setPointerCapture(event.pointerId);
      this.moved = true;
      this.#move(event.clientX - this.held.x, event.clientY - this.held.y);
    });
    for (const end of ["pointerup", "pointercancel"]) drawing.addEventListener(end, () => (this.held = null));
    drawing.addEventListener("keydown", (event) => {
      const by = {ArrowLeft: [50, 0], ArrowRight: [-50, 0], ArrowUp: [0, 50], ArrowDown: [0, -50]}[event.key];
      if (by) this.#move(this.view.x + by[0], this.view.y + by[1]);
      else if (event.key === "+" || event.key === "=") this.#zoom(ZOOM);
      else if (event.key === "-") this.#zoom(1 / ZOOM);
      else if (event.key === "0") this.#fit();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  #fit() {
    const {clientWidth: width, clientHeight: height} = this.drawing;
    if (!width || !height) return;
    const scale = Math.min(width / this.size.width, height / this.size.height, 1.2);
    this.view = {scale, x: (width - this.size.width * scale) / 2, y: (height - this.size.height * scale) / 2};
    this.#apply();
  }

  #zoom(by, x = this.drawing.clientWidth / 2, y = this.drawing.clientHeight / 2) {
    const scale = Math.min(Math.max(this.view.scale * by, 0.05), MOST_ZOOM);
    const real = scale / this.view.scale;
    this.view = {scale, x: x - (x - this.view.x) * real, y: y - (y - this.view.y) * real};
    this.#apply();
  }

  #move(x, y) {
    this.view = {...this.view, x, y};
    this.#apply();
  }

  #apply() {
    const {x, y, scale} = this.view;
    this.content.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
  }
}
