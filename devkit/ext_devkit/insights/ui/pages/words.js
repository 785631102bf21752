/** Shows in a text which words of a search it has. */

import {el} from "../dom.js";

/** Return the words of a question in small letters, phrases as one, without the signs of the search language. */
export function wordsOf(question) {
  const parts = (question ?? "").toLowerCase().match(/"[^"]*"?|\S+/g) ?? [];
  return parts.map((part) => part.replace(/^"|"$|\*$/g, "").trim()).filter((word) => /[\p{L}\p{N}]/u.test(word));
}

/** Return text as children for `el`, the words in it marked. */
export function emphasised(text, words) {
  if (!words.length) return [text];
  const pattern = new RegExp(words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "gi");
  const children = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    children.push(text.slice(end, match.index), el("mark", {}, match[0]));
    end = match.index + match[0].length;
  }
  return [...children, text.slice(end)];
}
