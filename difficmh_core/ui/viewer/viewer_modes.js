/* What is on the stage in each mode: frames with layers of pictures, all moved by one view. */

const GAP_PX = 12;
const LEAST_FRAME_PX = 260;
const MOST_LOUPE_PX = 176;
const GAINS = [1, 2, 4, 8, 16, 32];

/** Return the layer of a figure: its picture, and its boxes and its text on top. */
function makeLayer(figure, { width, height }) {
  const image = (source, style, alt) => make("img", { src: source, class: style, alt, width, height, draggable: "false" });
  const layer = make("div", { class: "layer", style: `width: ${width}px; height: ${height}px` });
  layer.append(image(figure.source, "picture", figure.label));
  for (const [kind, source] of Object.entries(figure.overlays)) layer.append(image(source, `overlay ${kind}`, ""));
  return layer;
}

/** Return a window onto the picture. `sourceAt` says what is to be seen at a place of it. */
function makeFrame(sourceAt, ...children) {
  const frame = make("div", { class: "frame" }, ...children);
  frame.sourceAt = sourceAt;
  return frame;
}

const makeTag = (text, side = "left") => make("span", { class: `tag ${side}`, "aria-hidden": "true" }, text);
const makeFigure = (style, ...children) => make("figure", { class: style }, ...children);
const pictureOf = (layer) => layer.querySelector(".picture");

const MODES = {
  /** All chosen figures, each in its frame with its numbers. */
  side(viewer) {
    return viewer.shownFigures.map((figure) => {
      const layer = viewer.layerOf(figure);
      return makeFigure("", makeFrame(() => pictureOf(layer), layer), viewer.captionOf(figure));
    });
  },

  /** Two figures in one frame; the divider says where one ends. */
  slider(viewer) {
    const { left, right } = viewer.pair;
    const [under, over] = [viewer.layerOf(right), viewer.layerOf(left)];
    const clip = make("div", { class: "clip" }, over);
    const divider = make("div", {
      class: "divider", id: "divider", role: "slider", tabindex: "0", "aria-label": WORDS.divider,
      "aria-valuemin": "0", "aria-valuemax": "100", "aria-orientation": "horizontal",
    }, make("span", { class: "grip", "aria-hidden": "true" }, "\u2039\u203a"));
    const isLeft = (x) => x < (viewer.state.split / 100) * viewer.view.frameWidth;
    const frame = makeFrame((x) => pictureOf(isLeft(x) ? over : under), under, clip);
    frame.append(makeTag(left.label), makeTag(right.label, "right"), divider);
    const split = (share) => {
      const value = clamp(share, 0, 100);
      viewer.state.split = value;
      clip.style.clipPath = `inset(0 ${100 - value}% 0 0)`;
      divider.style.left = `${value}%`;
      divider.setAttribute("aria-valuenow", Math.round(value));
      divider.setAttribute("aria-valuetext", `${percent(value / 100)} ${left.label}`);
    };
    split(viewer.state.split);
    listenToDivider(divider, frame, split, () => viewer.state.split);
    return [makeFigure("wide", frame, makePair(viewer, left, right))];
  },

  /** All figures in one frame, one of them on top. */
  blink(viewer) {
    const layers = viewer.figures.map((figure) => viewer.layerOf(figure));
    const frame = makeFrame(() => pictureOf(layers[viewer.currentIndex]), ...layers);
    const tag = makeTag("");
    const caption = make("div", { class: "captions" });
    frame.append(tag);
    viewer.turnTo = (index) => {
      const figure = viewer.figures[index];
      layers.forEach((layer, at) => {
        layer.classList.toggle("top", at === index);
        layer.setAttribute("aria-hidden", String(at !== index));
      });
      tag.textContent = `${index + 1} \u00b7 ${figure.label}`;
      caption.replaceChildren(viewer.captionOf(figure));
    };
    viewer.turnTo(viewer.currentIndex);
    return [makeFigure("wide", frame, caption)];
  },

  /** |a - b| of two figures in the colors of a scale. */
  difference(viewer) {
    const { left, right } = viewer.pair;
    const { width, height } = viewer.size;
    const text = `|${left.label} \u2212 ${right.label}|`;
    const canvas = make("canvas", { width, height, class: "picture", role: "img", "aria-label": text });
    const layer = make("div", { class: "layer", style: `width: ${width}px; height: ${height}px` }, canvas);
    const legend = make("div", { class: "scale" });
    const frame = makeFrame(() => canvas, layer, makeTag(text));
    drawDifference(viewer, canvas, legend, left, right);
    return [makeFigure("wide", frame, legend, makePair(viewer, left, right))];
  },
};

function makePair(viewer, left, right) {
  return make("div", { class: "captions" }, viewer.captionOf(left), viewer.captionOf(right));
}

/** Let a divider follow the pointer and the keys of a slider. */
function listenToDivider(divider, frame, split, now) {
  const follow = (event) => split((100 * placeIn(frame, event)[0]) / frame.clientWidth);
  divider.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    divider.setPointerCapture(event.pointerId);
  });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    event.stopPropagation();
    follow(event);
  });
  divider.addEventListener("dblclick", (event) => event.stopPropagation());
  divider.addEventListener("keydown", (event) => {
    const far = event.shiftKey ? 10 : 1;
    const steps = {
      ArrowLeft: -far, ArrowDown: -far, ArrowRight: far, ArrowUp: far,
      PageDown: -10, PageUp: 10, Home: -100, End: 100,
    };
    if (!(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    split(Math.round(now()) + steps[event.key]);
  });
}

/** Compute a difference once, and draw it with the gain. */
async function drawDifference(viewer, canvas, legend, left, right) {
  const { width, height } = viewer.size;
  const { gain } = viewer.state;
  const key = `${left.source}\n${right.source}`;
  try {
    if (viewer.difference?.key !== key) {
      viewer.difference = null;
      const [a, b] = await Promise.all(
        [left, right].map((figure) => readPixels(pictureOf(viewer.layerOf(figure)), width, height)),
      );
      if (!canvas.isConnected) return; // another pair was chosen meanwhile
      viewer.difference = { key, ...subtract(a, b) };
    }
    const { levels, largest, mean, equalShare } = viewer.difference;
    drawLevels(canvas, levels, gain);
    const words = `largest ${largest}, mean ${mean.toFixed(2)}, ${percent(Math.floor(100 * equalShare) / 100)} of the pixels equal`;
    legend.replaceChildren(makeScale(gain), make("p", { role: "status" }, words));
  } catch (error) {
    const message = error instanceof RangeError ? error.message : WORDS.unread;
    legend.replaceChildren(make("p", { class: "note", role: "alert" }, message));
  }
}

function makeScale(gain) {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const level = (255 * share) / gain;
    const text = Number.isInteger(level) || level >= 10 ? Math.round(level) : level.toFixed(1);
    return make("span", {}, share === 1 && gain > 1 ? `\u2265\u2009${text}` : `${text}`);
  });
  return make("div", { class: "scale-bar" },
    make("span", { class: "scale-name" }, WORDS.scale),
    make("span", { class: "gradient", style: `background: ${SCALE_GRADIENT}` }),
    make("span", { class: "ticks" }, ...ticks));
}

/** Draw the pixels around a place into the loupe of a frame, and say what is in the middle. */
function drawLoupe(viewer, frame, x, y) {
  const loupe = frame.loupe ??= frame.appendChild(make("div", { class: "loupe", "aria-hidden": "true" },
    make("canvas"), make("span")));
  const [canvas, readout] = loupe.children;
  const across = Math.min(MOST_LOUPE_PX, Math.floor(0.6 * Math.min(viewer.view.frameWidth, viewer.view.frameHeight)));
  if (canvas.width !== across) canvas.width = canvas.height = across;
  const [pictureX, pictureY] = viewer.view.pointAt(x, y);
  const side = across / Math.max(8, 4 * viewer.view.scale);
  const source = frame.sourceAt(x);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.fillStyle = "#444";
  context.fillRect(0, 0, across, across);
  context.drawImage(source, pictureX - side / 2, pictureY - side / 2, side, side, 0, 0, across, across);
  loupe.style.left = `${x}px`;
  loupe.style.top = `${y}px`;
  const [column, row] = [Math.floor(pictureX), Math.floor(pictureY)];
  const { width, height } = viewer.size;
  const isInside = column >= 0 && row >= 0 && column < width && row < height;
  readout.textContent = isInside ? `${column}, ${row}: ${readPlace(viewer, source, column, row)}` : "";
}

function readPlace(viewer, source, column, row) {
  if (source instanceof HTMLCanvasElement) return `${viewer.difference?.levels[row * source.width + column] ?? ""}`;
  try {
    const context = make("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    context.drawImage(source, column, row, 1, 1, 0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data.slice(0, 3).join(" ");
  } catch {
    return ""; // pictures of another server may be shown, not read
  }
}
