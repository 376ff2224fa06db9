/* A talk: one section at a time, moved by keys, buttons or a clicker; each begins as it says. */

(() => {
"use strict";

const slides = [...document.querySelectorAll("main > section")];
const help = document.getElementById("help");
const buttons = Object.fromEntries(["keys", "full", "previous", "next"].map((id) => [id, document.getElementById(id)]));
const title = document.title;
let at = 0;
let isPointed = false; // whether what has the focus got it from mouse or finger

const viewerOf = (slide) => slide.querySelector("dicmh-viewer");

/** Show a viewer as its section begins: mode, boxes, and the place that is enlarged. */
function begin(slide) {
  const viewer = viewerOf(slide);
  const { mode, boxes, place } = JSON.parse(slide.dataset.begins);
  Object.assign(viewer.state, { mode, boxes, split: 50, isMagnified: false });
  viewer.view.fit();
  viewer.draw();
  if (place) {
    const [x, y, zoom] = place;
    const { view, size } = viewer;
    view.zoomTo(zoom * view.fitted);
    Object.assign(view, { x: x * size.width, y: y * size.height });
    view.keepInside();
    viewer.show();
  }
}

/** Show a section; the address names it, so that a page that is loaded again goes on there. */
function go(index) {
  at = Math.max(0, Math.min(index, slides.length - 1));
  slides.forEach((slide, each) => { slide.hidden = each !== at; });
  buttons.previous.disabled = at === 0;
  buttons.next.disabled = at === slides.length - 1;
  const heading = slides[at].querySelector("h2");
  document.title = `${heading.textContent} \u2013 ${title}`;
  history.replaceState(null, "", `#${slides[at].id}`);
  begin(slides[at]);
  heading.focus({ preventScroll: true });
}

/** Show the original, then the decoded photo, in the same place, in turn. */
function blink() {
  const viewer = viewerOf(slides[at]);
  if (viewer.state.mode === "blink") {
    viewer.flip();
    return;
  }
  const decoded = viewer.figures.find((figure) => figure.key === "ours") ?? viewer.figures[1];
  Object.assign(viewer.state, { mode: "blink", current: viewer.figures[0].key, before: decoded.key });
  viewer.draw();
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
}

const ACTIONS = {
  ArrowRight: () => go(at + 1),
  PageDown: () => go(at + 1),
  " ": () => go(at + 1),
  ArrowLeft: () => go(at - 1),
  PageUp: () => go(at - 1),
  Home: () => go(0),
  End: () => go(slides.length - 1),
  b: blink,
  o: () => viewerOf(slides[at]).toggleBoxes("objects"),
  t: () => viewerOf(slides[at]).toggleBoxes("text"),
  Escape: () => begin(slides[at]),
  "?": () => help.showModal(),
};

const VIEWER_KEYS = new Set(["+", "=", "-", "0", "f", "l"]);

/** Whether a key belongs to what has the focus: a button's space, the arrows of a divider that was
    reached by keyboard, not dragged. A clicker's keys never do. */
function isTaken(event) {
  const [target] = event.composedPath();
  if (event.key === " ") return target.matches?.("button");
  return event.key.startsWith("Arrow") && !isPointed && target.matches?.("[role=slider]");
}

/** Let the viewer have a key that is its own, wherever the focus is. */
function pass(event) {
  const viewer = viewerOf(slides[at]);
  const isViewers = VIEWER_KEYS.has(event.key) || (event.shiftKey && event.key.startsWith("Arrow"));
  if (!isViewers || event.composedPath().includes(viewer)) return;
  const { key, shiftKey } = event;
  const passed = new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true });
  if (!viewer.stage.dispatchEvent(passed)) event.preventDefault();
}

// First of all listeners: the viewer knows some of these keys, too.
window.addEventListener("keydown", (event) => {
  if (help.open || event.ctrlKey || event.altKey || event.metaKey) return;
  const isNamed = event.key.length > 1;
  const act = isNamed && event.shiftKey ? null : ACTIONS[isNamed ? event.key : event.key.toLowerCase()];
  if (!act) {
    pass(event);
    return;
  }
  if (isTaken(event)) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}, { capture: true });

window.addEventListener("pointerdown", () => { isPointed = true; }, { capture: true });
window.addEventListener("keydown", (event) => { if (event.key === "Tab") isPointed = false; });
window.addEventListener("resize", () => viewerOf(slides[at]).layOut());
window.addEventListener("hashchange", () => go(slides.findIndex((slide) => `#${slide.id}` === location.hash)));
buttons.previous.addEventListener("click", () => go(at - 1));
buttons.next.addEventListener("click", () => go(at + 1));
buttons.keys.addEventListener("click", () => help.showModal());
buttons.full.addEventListener("click", toggleFullScreen);
buttons.full.hidden = !document.fullscreenEnabled;

// The viewers' own style, and what a talk adds to it.
const style = new CSSStyleSheet();
style.replaceSync(document.getElementById("present-style").textContent);
for (const slide of slides) {
  const viewer = viewerOf(slide);
  viewer.refresh(); // its figures came after it, and it may not have looked at them yet
  viewer.shadowRoot.adoptedStyleSheets.push(style);
}

document.querySelector("nav").hidden = false;
document.body.classList.add("ready");
go(Math.max(0, slides.findIndex((slide) => `#${slide.id}` === location.hash)));
})();
