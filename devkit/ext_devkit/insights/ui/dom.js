/**
 * Builds elements, safe by construction: telemetry was written by others and nothing in it may do anything.
 *
 *   el("div", {class: "card", on: {click: open}}, "text of anybody's", el("b", {}, 3))
 *   svg("rect", {x: 0, y: 0, width: 10, height: 4, class: "bar"})
 *
 * - Children: strings and numbers (become text nodes, never markup), nodes, arrays of these; null and false are left out.
 * - Characters that steer, hide or reorder text (control, bidirectional, zero width, lone surrogates) are shown as
 *   escapes in a box, in every string that goes through here. Line breaks and tabs stay.
 * - Attributes: only known names; others, such as style, srcdoc or on..., throw. A link leads into this page (#/...), or
 *   to http and https; others throw, so ask `isWebUrl` first about a URL that is not our own.
 * - `on` has event listeners, `css` has custom properties with numbers as values ({"--left": 0.25}): the stylesheet
 *   says what they mean. Never make names, ids or classes out of telemetry.
 */

const SVG = "http://www.w3.org/2000/svg";

const ATTRIBUTES = new Set(`class id role title type name value placeholder for href tabindex disabled checked selected
  hidden autocomplete spellcheck colspan rowspan scope rows cols min max step target rel open readonly maxlength
  multiple label draggable`.split(/\s+/));

const SVG_ATTRIBUTES = new Set(`class id role viewBox preserveAspectRatio x y x1 x2 y1 y2 cx cy r rx ry dx dy width height
  d points transform fill stroke stroke-width stroke-dasharray stroke-linecap stroke-linejoin opacity text-anchor
  dominant-baseline marker-start marker-mid marker-end markerWidth markerHeight markerUnits refX refY orient clip-path
  vector-effect offset focusable tabindex paint-order textLength lengthAdjust pathLength patternUnits
  gradientUnits stop-color stop-opacity`.split(/\s+/));

const OPEN_NAMES = /^(?:aria|data)-[a-z-]+$/;

/** Attributes that are properties of the element, as they change while it is used. */
const PROPERTIES = new Set(["value", "checked", "selected", "disabled", "hidden", "open", "readonly", "multiple"]);

/** Attributes whose text people read: unsafe characters are escaped there as well. */
const READ = new Set(["title", "placeholder", "aria-label", "aria-description", "label"]);

const UNSAFE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** Return an HTML element; see the head of this module. */
export function el(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), ATTRIBUTES, attributes, children);
}

/** Return an SVG element; the same rules as for `el`. */
export function svg(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), SVG_ATTRIBUTES, attributes, children);
}

/** Put children, as `el` takes them, in place of what an element has; return the element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** Add children, as `el` takes them, to an element; return the element. */
export function append(element, ...children) {
  element.append(...nodes(children));
  return element;
}

/** Return text with each unsafe character as its escape, for places that have no room for elements. */
export function shown(text) {
  return String(text).replaceAll("\r\n", "\n").replace(UNSAFE, escape);
}

/** Return text cut after so many characters (never between the halves of one), with "…" if it was longer. */
export function clip(text, most = 300) {
  const string = String(text);
  if (string.length <= most) return string;
  const end = string.codePointAt(most - 1) > 0xffff ? most - 1 : most;
  return `${string.slice(0, end)}…`;
}

/** Tell whether a text is a URL that a browser may be sent to. */
export function isWebUrl(text) {
  if (typeof text !== "string" || !/^https?:\/\//i.test(text)) return false;
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

function build(element, allowed, attributes, children) {
  element.append(...nodes(children));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "css") {
      for (const [property, number] of Object.entries(value)) setNumber(element, property, number);
    } else {
      setAttribute(element, allowed, name, value);
    }
  }
  return element;
}

function setAttribute(element, allowed, name, value) {
  if (!allowed.has(name) && !OPEN_NAMES.test(name)) throw new TypeError(`The attribute ${name} is not allowed here.`);
  if (name === "href" && !isSafeLink(value)) throw new TypeError("A link leads to #/... or to http and https only.");
  if (PROPERTIES.has(name)) {
    element[name === "readonly" ? "readOnly" : name] = value;
  } else if (value !== false || name.startsWith("aria-")) {
    element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : READ.has(name) ? shown(value) : value);
  }
}

/** Set a custom property of an element to a number. */
export function setNumber(element, property, number) {
  if (!property.startsWith("--") || !Number.isFinite(number)) throw new TypeError(`${property} has to be a number.`);
  element.style.setProperty(property, String(number));
}

function isSafeLink(target) {
  return String(target).startsWith("#") || isWebUrl(target);
}

function* nodes(children) {
  for (const child of children) {
    if (Array.isArray(child)) yield* nodes(child);
    else if (child instanceof Node) yield child;
    else if (child !== null && child !== undefined && child !== false && child !== "") yield* textNodes(String(child));
  }
}

function* textNodes(string) {
  const text = string.includes("\r") ? string.replaceAll("\r\n", "\n") : string;
  let end = 0;
  for (const match of text.matchAll(UNSAFE)) {
    if (match.index > end) yield document.createTextNode(text.slice(end, match.index));
    const mark = document.createElement("span");
    mark.className = "unsafe";
    mark.title = "A character that would not be seen, or would change how others are read";
    mark.textContent = escape(match[0]);
    yield mark;
    end = match.index + match[0].length;
  }
  if (end < text.length) yield document.createTextNode(end ? text.slice(end) : text);
}

function escape(character) {
  const code = character.codePointAt(0);
  const hex = code.toString(16);
  if (code > 0xffff) return `\\u{${hex}}`;
  return code > 0xff ? `\\u${hex.padStart(4, "0")}` : `\\x${hex.padStart(2, "0")}`;
}
