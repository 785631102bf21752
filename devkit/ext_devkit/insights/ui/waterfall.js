/**
 * A transaction as a waterfall has it: from the API's `tree` (rows from the top, each with its depth) to entries with
 * their place in time, their subtree, and what is seen when some are folded and some kinds are hidden. No elements here.
 */

import {instant} from "./format.js";
import {isFailed, keyOf, kindOf} from "./items.js";

export class Waterfall {
  /** `tree` is what /api/transactions/<operation_Id> has under that name. */
  constructor(tree) {
    this.entries = tree.map((row, at) => entry(row, at));
    this.folded = new Set();
    this.hidden = new Set();
    this.#span();
    this.#nest();
    this.update();
  }

  /** Positions (in `entries`) of what is seen, from the top; kept by `update`, which is called after each change. */
  visible = [];

  update() {
    this.visible = [];
    this.places = new Map();
    for (let at = 0; at < this.entries.length; at++) {
      const one = this.entries[at];
      if (this.hidden.has(one.row.itemType)) continue;
      this.places.set(at, this.visible.length);
      this.visible.push(at);
      if (this.folded.has(at)) at = one.last;
    }
  }

  /** Return the number of items of each type. */
  counts() {
    const counts = new Map();
    for (const {row} of this.entries) counts.set(row.itemType, (counts.get(row.itemType) ?? 0) + 1);
    return counts;
  }

  /** Return the position of the item with a key such as requests:12, or -1. */
  find(key) {
    return this.entries.findIndex((one) => keyOf(one.row) === key);
  }

  /** Unfold what is above an entry and show its kind, so that it can be seen; tell whether that changed anything. */
  uncover(at) {
    let changed = this.hidden.delete(this.entries[at].row.itemType);
    for (let above = this.entries[at].parent; above >= 0; above = this.entries[above].parent) {
      changed = this.folded.delete(above) || changed;
    }
    if (changed) this.update();
    return changed;
  }

  /** Return the position of the next failure after one, from the beginning again after the last; -1 if there is none. */
  nextFailure(after) {
    const count = this.entries.length;
    for (let step = 1; step <= count; step++) {
      const at = (Math.max(after, -1) + step) % count;
      if (this.entries[at].failed) return at;
    }
    return -1;
  }

  /** Return entries directly under one that are not seen as rows of their own, as marks on its bar. */
  marks(at, most) {
    const {last} = this.entries[at];
    const folded = this.folded.has(at);
    const found = [];
    for (let below = at + 1; below <= last && found.length < most; below++) {
      const one = this.entries[below];
      if (kindOf(one.row).call) {
        if (!folded) below = one.last;
      } else if (folded || this.hidden.has(one.row.itemType)) {
        found.push(one);
      }
    }
    return found;
  }

  /** Show only the time of one entry, with a little around it; -1: all of the transaction. */
  zoom(at) {
    const {start, end} = at < 0 ? {start: 0, end: this.length} : this.entries[at];
    const around = at < 0 ? 0 : Math.max((end - start) * 0.05, this.length / 1e6);
    this.from = Math.max(start - around, 0);
    this.to = Math.min(end + around, this.length);
    this.zoomed = at;
  }

  /** Return where a moment (ms since the beginning) lies: 0 at the left of what is shown, 1 at the right. */
  share(ms) {
    return Math.min(Math.max((ms - this.from) / (this.to - this.from), 0), 1);
  }

  /** Tell whether an entry lies in the time that is shown. */
  isInView(one) {
    return one.end >= this.from && one.start <= this.to;
  }

  /** Return moments in ms since the beginning for the axis: about `wanted` of them, in steps of 1, 2, 2.5 or 5. */
  ticks(wanted) {
    const rough = (this.to - this.from) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
    const first = Math.ceil(this.from / step - 1e-9);
    const all = Array.from({length: wanted + 1}, (_, at) => (first + at) * step);
    return all.filter((ms) => this.share(ms) < 0.94 && ms < this.to);
  }

  /** Give each entry its times in ms since the beginning of the transaction. */
  #span() {
    const begin = this.entries.reduce((least, one) => Math.min(least, one.start), Infinity);
    this.begin = Number.isFinite(begin) ? begin : 0;
    let end = 0;
    for (const one of this.entries) {
      one.start = Number.isFinite(one.start) ? one.start - this.begin : 0;
      one.end = one.start + one.duration;
      end = Math.max(end, one.end);
    }
    this.length = end || 1;
    this.zoom(-1);
  }

  /** Find each entry's parent, the last entry of its subtree, and whether something in it failed. */
  #nest() {
    const above = [];
    this.entries.forEach((one, at) => {
      while (above.length && this.entries[above.at(-1)].depth >= one.depth) above.pop();
      one.parent = above.at(-1) ?? -1;
      const role = one.row.cloud_RoleName;
      if (role && one.call && role !== this.entries[one.parent]?.row.cloud_RoleName) one.newRole = role;
      above.push(at);
    });
    for (let at = this.entries.length - 1; at >= 0; at--) {
      const one = this.entries[at];
      const parent = this.entries[one.parent];
      if (!parent) continue;
      parent.last = Math.max(parent.last, one.last);
      parent.failedBelow ||= one.failed || one.failedBelow;
      parent.children += 1;
    }
  }
}

function entry(row, at) {
  const call = kindOf(row).call;
  return {
    row,
    depth: row.depth ?? 0,
    call,
    start: instant(row.timestamp),
    duration: call && row.duration > 0 ? row.duration : 0,
    failed: isFailed(row),
    failedBelow: false,
    parent: -1,
    last: at,
    children: 0,
    newRole: null,
  };
}
