/** Stack traces, so that one's own code is found at a glance: frames of libraries are dimmed. */

import {clip, el} from "./dom.js";

const FRAMES_MOST = 200;
const LINES_MOST = 2000;
const LIBRARY = /site-packages|dist-packages|node_modules|[\\/]lib[\\/]python\d|^<frozen |^node:|azure_functions_(?:worker|runtime)|[\\/]ext_sdk[\\/]/;
const PYTHON_FRAME = /^\s*File "(.*)", line (\d+)(?:, in (.*))?$/;

/** Return the stack of one exception of a chain ({parsedStack, rawStack}), or null if it has none. */
export function stack(exception) {
  if (Array.isArray(exception.parsedStack) && exception.parsedStack.length) return frames(exception.parsedStack);
  if (typeof exception.rawStack === "string" && exception.rawStack.trim()) return raw(exception.rawStack);
  return el("p", {class: "muted"}, "No stack was sent.");
}

function frames(list) {
  const items = list.slice(0, FRAMES_MOST).map((frame) => {
    const file = String(frame.fileName ?? "");
    const place = [file, frame.line ?? null].filter((part) => part !== null && part !== "").join(":");
    const library = LIBRARY.test(file) || LIBRARY.test(String(frame.assembly ?? ""));
    return el(
      "li",
      {class: library ? "frame library" : "frame"},
      el("code", {class: "method"}, clip(frame.method ?? "", 300)),
      el("code", {class: "place"}, breakable(clip(place || (frame.assembly ?? ""), 400))),
    );
  });
  const left = list.length - items.length;
  return el("ol", {class: "stack"}, items, left > 0 && el("li", {class: "muted"}, `… and ${left} more frames`));
}

/** A path may be broken behind its slashes. */
function breakable(path) {
  return path.split(/(?<=[\\/])/).flatMap((part) => [part, el("wbr")]);
}

/** A traceback as it was sent; in Python's each frame is two lines, the place and the code. */
function raw(text) {
  const all = text.replace(/\s+$/, "").split(/\r?\n/);
  let library = false;
  const lines = all.slice(0, LINES_MOST).map((line) => {
    const frame = PYTHON_FRAME.exec(line);
    if (frame) library = LIBRARY.test(frame[1]);
    else if (!/^\s/.test(line)) library = false;
    return el("span", {class: `line${library ? " library" : ""}${frame ? " at" : ""}`}, clip(line, 1000), "\n");
  });
  const left = all.length - lines.length;
  return el("pre", {class: "block stack-text", tabindex: "0"}, lines, left > 0 && `… and ${left} more lines`);
}
