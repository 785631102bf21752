/**
 * Where the nodes of a graph stand: in columns from callers to called, each column ordered so that few edges cross.
 * The same graph always gets the same picture. `layout(nodes, edges)` returns {places: Map(id -> {x, y}), width, height}.
 */

export const NODE = {width: 196, height: 62, across: 110, down: 26};
const ROUNDS = 8;

export function layout(nodes, edges) {
  const ids = nodes.map((node) => node.id);
  const known = edges.filter(({source, target}) => source !== target && ids.includes(source) && ids.includes(target));
  const columns = arranged(columnsOf(ids, known), known);
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const places = new Map();
  columns.forEach((column, x) => {
    const free = ((tallest - column.length) * (NODE.height + NODE.down)) / 2;
    column.forEach((id, y) => places.set(id, {x: x * (NODE.width + NODE.across), y: free + y * (NODE.height + NODE.down)}));
  });
  return {
    places,
    width: Math.max(columns.length * (NODE.width + NODE.across) - NODE.across, NODE.width),
    height: tallest * (NODE.height + NODE.down) - NODE.down,
  };
}

/** Return ids by column: one behind all that call it, leaving out the edges that close a circle. */
function columnsOf(ids, edges) {
  const called = new Map(ids.map((id) => [id, []]));
  for (const {source, target} of edges) called.get(source).push(target);
  const forward = withoutCircles(ids, called);
  const depth = new Map(ids.map((id) => [id, 0]));
  // The order in which nobody comes before one who calls it: each depth is final when it is used.
  for (const id of forward.order) {
    for (const target of forward.called.get(id)) depth.set(target, Math.max(depth.get(target), depth.get(id) + 1));
  }
  const columns = [];
  for (const id of ids) (columns[depth.get(id)] ??= []).push(id);
  return columns.filter(Boolean);
}

/** Return who is called by whom without the edges that lead back, and the ids in an order that the rest has. */
function withoutCircles(ids, called) {
  const incoming = new Set([...called.values()].flat());
  const starts = [...ids.filter((id) => !incoming.has(id)), ...ids];
  const forward = new Map(ids.map((id) => [id, []]));
  const state = new Map();
  const order = [];
  for (const start of starts) {
    if (state.has(start)) continue;
    const stack = [{id: start, next: 0}];
    state.set(start, "open");
    while (stack.length) {
      const top = stack.at(-1);
      const target = called.get(top.id)[top.next++];
      if (target === undefined) {
        state.set(top.id, "done");
        order.unshift(top.id);
        stack.pop();
      } else if (state.get(target) !== "open") {
        forward.get(top.id).push(target);
        if (!state.has(target)) {
          state.set(target, "open");
          stack.push({id: target, next: 0});
        }
      }
    }
  }
  return {called: forward, order};
}

/** Return the columns, each sorted by the mean place of its neighbours, a few times from left to right and back. */
function arranged(columns, edges) {
  const neighbours = new Map();
  for (const {source, target} of edges) {
    for (const [one, other] of [[source, target], [target, source]]) {
      if (!neighbours.has(one)) neighbours.set(one, []);
      neighbours.get(one).push(other);
    }
  }
  let sorted = columns.map((column) => [...column]);
  for (let round = 0; round < ROUNDS; round += 1) {
    const place = new Map(sorted.flatMap((column) => column.map((id, at) => [id, (at + 0.5) / column.length])));
    const mean = (id) => {
      const places = (neighbours.get(id) ?? []).map((other) => place.get(other));
      return places.length ? places.reduce((sum, one) => sum + one, 0) / places.length : place.get(id);
    };
    sorted = sorted.map((column) => column.map((id, at) => [mean(id), at, id]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , id]) => id));
  }
  return sorted;
}
