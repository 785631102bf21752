import {el, fill} from "../dom.js";

export function render(root) {
  fill(root, el("p", {class: "empty"}, "This page is being built."));
}
