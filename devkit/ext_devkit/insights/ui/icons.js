/** Line icons of 16 x 16, drawn in the colour of the text: `icon("search")`. Decoration: what they mean is said in words. */

import {svg} from "./dom.js";

const PATHS = {
  live: "M1.5 8h3l2-5 3 10 2-5h3",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.5 10.5l3.5 3.5",
  transaction: "M2 3.5h8M4.5 6.5h8M6.5 9.5h4M8.5 12.5h5",
  performance: "M2.5 13a6 6 0 1 1 11 0M8 10l3-4",
  failures: "M8 2.2 14.6 13.5H1.4zM8 6.2v3.6M8 11.6v.2",
  metrics: "M2 13.5h12M3.5 11V8M7 11V4M10.5 11V6.5M13.5 11V3",
  map: "M2.5 5.5h4v-3h-4zM9.5 9.5h4v-3h-4zM2.5 13.5h4v-3h-4zM6.5 4h1.5v8H6.5M8 8h1.5",
  query: "M2 3.5h12v9H2zM4.5 6.5 6.5 8l-2 1.5M8 10h3.5",
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1",
  moon: "M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1z",
  auto: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 2v12M8 5h4.6M8 8h6M8 11h4.6",
  refresh: "M13.5 8A5.5 5.5 0 1 1 11.9 4.1L13.5 5.7M13.5 2.2v3.5H10",
  help: "M6 6a2 2 0 1 1 2.7 1.9c-.5.2-.7.6-.7 1.1v.5M8 11.6v.2M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8z",
  close: "M4 4l8 8M12 4l-8 8",
  right: "M6 3.5 10.5 8 6 12.5",
  down: "M3.5 6 8 10.5 12.5 6",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2 12.5 8 5 12.8z",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  link: "M6.5 9.5l3-3M7 4.5l1.8-1.8a3 3 0 0 1 4.3 4.3L11.3 8.8M9 11.5l-1.8 1.8a3 3 0 0 1-4.3-4.3l1.8-1.8",
  clock: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 4.8V8l2.4 1.6",
  external: "M6.5 3.5h-3v9h9v-3M9 2.5h4.5V7M13.5 2.5 7.5 8.5",
  check: "M3 8.5 6.5 12 13 4.5",
  collapse: "M4 6.5 8 3l4 3.5M4 9.5 8 13l4-3.5",
  next: "M8 2.5v10M4 8.5l4 4 4-4",
};

/** Return one icon. */
export function icon(name, size = 16) {
  return svg(
    "svg",
    {class: "icon", viewBox: "0 0 16 16", width: size, height: size, "aria-hidden": "true", focusable: "false"},
    svg("path", {d: PATHS[name]}),
  );
}
