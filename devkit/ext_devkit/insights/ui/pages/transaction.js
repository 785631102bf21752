/**
 * One operation as a waterfall (#/transaction/<operation_Id>?item=requests:12), or the list of the latest operations.
 * `item` is the chosen one, whose details are in the side panel; `hide` has item types that are not shown.
 */

import {details} from "../details.js";
import {clip, el, fill} from "../dom.js";
import {clock, count, duration, exactly, plural} from "../format.js";
import {icon} from "../icons.js";
import {KINDS, keyOf, kindName, titleOf} from "../items.js";
import {bind} from "../keys.js";
import {closePanel, isPanelOpen, openPanel} from "../panel.js";
import {copyButton, loading} from "../states.js";
import {Waterfall} from "../waterfall.js";
import {waterfallView} from "../waterfallview.js";
import {renderTransactions} from "./transactions.js";

export const title = "Transaction";

export async function render(root, state, api) {
  const [id] = state.path;
  if (id === undefined) return renderTransactions(root, state, api);
  root.classList.add("fills");
  loading(root);
  const answer = await api.get(["transactions", id]);
  return new TransactionPage(root, state, answer);
}

class TransactionPage {
  constructor(root, state, answer) {
    this.state = state;
    this.waterfall = new Waterfall(answer.tree);
    this.waterfall.hidden = hiddenOf(state);
    this.waterfall.update();
    this.view = waterfallView(this.waterfall, {
      onSelect: (at) => this.#chosen(at),
      onOpen: (at) => this.#open(at),
    });
    this.refocus = () => this.view.element.focus();
    this.chips = el("div", {class: "chips"});
    fill(root, head(answer, this), leftOut(answer, state), this.view.element);
    this.#drawChips();
    this.unbind = bind({
      ...this.view.keys,
      e: () => this.nextFailure(),
      z: () => this.zoom(this.waterfall.zoomed < 0 ? this.view.selected() : -1),
    });
    this.#follow(state);
  }

  /** The URL has changed, by us or by the browser's buttons. */
  update(state) {
    this.state = state;
    const hidden = hiddenOf(state);
    if (String([...hidden]) !== String([...this.waterfall.hidden])) {
      this.waterfall.hidden = hidden;
      this.waterfall.update();
      this.view.redraw();
      this.#drawChips();
    }
    this.#follow(state);
  }

  destroy() {
    clearTimeout(this.timer);
    this.unbind();
  }

  nextFailure() {
    const at = this.waterfall.nextFailure(this.view.selected());
    if (at >= 0) this.view.choose(at, true);
  }

  /** Show the time of one call only, or of all again (-1). */
  zoom(at) {
    if (at >= 0 && !this.waterfall.entries[at].duration) return;
    this.waterfall.zoom(at);
    this.view.redraw();
    this.#drawChips();
  }

  /** Choose and open what the URL names, if that is not so already. */
  #follow(state) {
    const key = state.params.get("item");
    const at = key ? this.waterfall.find(key) : -1;
    if (at === this.view.selected()) return;
    this.view.select(at);
    if (at >= 0) this.#open(at);
    else closePanel();
  }

  /** Holding an arrow key goes through many: the URL and the panel follow when it rests. */
  #chosen(at) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.state.set({item: keyOf(this.waterfall.entries[at].row)}, {replace: true});
      if (isPanelOpen()) this.#open(at);
    }, 60);
  }

  #open(at) {
    const {row, start} = this.waterfall.entries[at];
    openPanel({...details(row, this.state, start), onClose: this.refocus});
  }

  #drawChips() {
    const toggle = (type) => {
      const hidden = new Set(this.waterfall.hidden);
      if (!hidden.delete(type)) hidden.add(type);
      this.state.set({hide: [...hidden]}, {replace: true});
    };
    const chips = [...this.waterfall.counts()].map(([type, number]) => {
      const words = [Object.hasOwn(KINDS, type) ? kindName(type) : clip(type, 40), el("span", {class: "number"}, count(number))];
      if (KINDS[type]?.call) return el("span", {class: "kind-count"}, words);
      const pressed = String(!this.waterfall.hidden.has(type));
      return el("button", {type: "button", class: "chip", "aria-pressed": pressed, on: {click: () => toggle(type)}}, words);
    });
    const {zoomed} = this.waterfall;
    const back =
      zoomed >= 0 &&
      el("button", {type: "button", class: "chip chosen", title: "Show the whole time (z)", on: {click: () => this.zoom(-1)}}, `Zoomed to ${clip(titleOf(this.waterfall.entries[zoomed].row), 40)}`, icon("close", 11));
    fill(this.chips, chips, back);
  }
}

function hiddenOf(state) {
  return new Set(state.params.getAll("hide").filter((type) => Object.hasOwn(KINDS, type) && !KINDS[type].call));
}

function head(answer, page) {
  const roles = [...new Set(page.waterfall.entries.map((one) => one.row.cloud_RoleName).filter(Boolean))];
  const facts = [
    el("time", {title: exactly(answer.timestamp)}, clock(answer.timestamp)),
    answer.duration !== null && answer.duration !== undefined && el("span", {title: "Duration of the request"}, icon("clock", 13), duration(answer.duration)),
    roles.length > 0 && el("span", {title: "Roles"}, clip(roles.slice(0, 4).join(", "), 200), roles.length > 4 && ` and ${roles.length - 4} more`),
    el("span", {}, plural(answer.items, "item")),
    el("span", {class: "id"}, el("code", {}, clip(answer.operation_Id, 64)), copyButton(answer.operation_Id, "Copy id")),
  ];
  const failures = answer.failures
    ? el("button", {type: "button", class: "badge fail", title: "Go to the next failure (e)", on: {click: () => page.nextFailure()}}, plural(answer.failures, "failure"), icon("next", 11))
    : null;
  return el(
    "header",
    {class: "transaction-head"},
    el("div", {class: "line"}, outcome(answer), el("h2", {}, answer.name || "(no name)"), failures, copyButton(() => location.href, "Copy link")),
    el("div", {class: "line facts-line"}, facts),
    page.chips,
  );
}

function outcome(answer) {
  const code = answer.resultCode && answer.resultCode !== "0" ? ` ${clip(answer.resultCode, 24)}` : "";
  return answer.success ? el("span", {class: "badge ok"}, `OK${code}`) : el("span", {class: "badge fail"}, `FAILED${code}`);
}

function leftOut(answer, state) {
  if (!answer.left_out) return null;
  const where = `operation_Id = '${answer.operation_Id.replaceAll("'", "''")}'`;
  return el(
    "p",
    {class: "notice", role: "status"},
    icon("failures"),
    el(
      "span",
      {},
      `${plural(answer.left_out, "item")} of this transaction ${answer.left_out === 1 ? "is" : "are"} not shown: a transaction is shown with the first 5,000 items of each type. `,
      "What lies under them may stand at the top. All of them: ",
      el("a", {href: state.link("search", {operation_Id: answer.operation_Id})}, "search"),
      " or ",
      el("a", {href: state.link("query", {sql: `select * from traces where ${where}`})}, "query"),
      ".",
    ),
  );
}
