/* The words of the viewer, and the small parts that its tools are made of. */

const WORDS = {
  modes: { side: "Side by side", slider: "Slider", blink: "Blink", difference: "Difference" },
  mode: "How to compare",
  pictures: "Images",
  left: "Left",
  right: "Right",
  first: "Image",
  second: "minus",
  gain: "Gain",
  zoom: "Zoom",
  boxes: { objects: "Boxes", text: "Text" },
  boxesHelp: {
    objects: "Show what a detector finds in the images (B)",
    text: "Show the text that is read in the images (T)",
  },
  loupe: "Magnifier",
  loupeHelp: "Show the pixels under the pointer, enlarged in all images (L)",
  full: "Full screen",
  none: "There are no images yet.",
  stage: "Images. Plus and minus zoom, arrow keys move, 0 shows one pixel as one, F fits.",
  divider: "Divider between the two images",
  unequal: "The difference needs two images of the same size; these differ in size.",
  unread: "The difference cannot be computed, because the browser is not allowed to read these images.",
  scale: "Largest difference of red, green and blue, of 255 levels",
  keys: "Keyboard, mouse and touch",
  keyRows: [
    ["+ \u2212", "zoom in and out"],
    ["0", "100%: one pixel of the image is one on the page"],
    ["F", "fit the whole image"],
    ["arrows", "move (with shift: farther)"],
    ["1 \u2026 9", "blink: show this image"],
    ["space", "blink: back to the image before; a tap does the same"],
    ["B, T, L", "boxes, text, magnifier"],
    ["mouse", "wheel zooms at the pointer, drag moves, double click goes closer and back"],
    ["touch", "pinch zooms, one finger moves; blink: a swipe shows the next image"],
  ],
};

/** Return an element; names that begin with "on" are events, `false` leaves an attribute out. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const percent = (share) => `${Math.round(100 * share)}%`;

/** Return a group of choices; `options` are `[value, text]`, `type` is radio or checkbox. */
function makeChoices({ type, name, legend, options, isChosen, onchange, style = "" }) {
  const group = make("fieldset", { class: `choices ${style}` }, make("legend", {}, legend));
  for (const [value, text] of options) {
    const input = make("input", {
      type, name, value, id: `${name}-${value}`, checked: isChosen(value),
      onchange: () => onchange(value, input.checked),
    });
    group.append(make("label", { for: input.id }, input, make("span", {}, text)));
  }
  return group;
}

/** Return a list to choose one from, with its label. */
function makeSelect({ id, label, options, value, onchange }) {
  const select = make("select", { id, onchange: () => onchange(select.value) });
  for (const [key, text] of options) select.append(make("option", { value: key }, text));
  select.value = value;
  return make("label", { class: "select", for: id }, make("span", {}, label), select);
}

function makeButton(id, text, title, onclick, attributes = {}) {
  return make("button", { type: "button", id, title, onclick, ...attributes }, text);
}

/* From black by violet and red to light yellow: lightness grows all the way, so that the scale
   reads the same with any color vision and in print. */
const SCALE = [[0, 0, 0], [66, 20, 110], [170, 40, 100], [236, 112, 48], [252, 196, 80], [255, 252, 210]];

/** Return the color of each of 256 levels. */
function scaleColors() {
  const colors = new Uint8Array(3 * 256);
  for (let level = 0; level < 256; level++) {
    const position = (level / 255) * (SCALE.length - 1);
    const index = Math.min(Math.floor(position), SCALE.length - 2);
    for (let channel = 0; channel < 3; channel++) {
      const [from, to] = [SCALE[index][channel], SCALE[index + 1][channel]];
      colors[3 * level + channel] = Math.round(from + (position - index) * (to - from));
    }
  }
  return colors;
}

const SCALE_COLORS = scaleColors();
const SCALE_GRADIENT = `linear-gradient(90deg, ${SCALE.map((color) => `rgb(${color})`).join(", ")})`;

/** Return the colors of a picture's pixels; refuse another size rather than stretch it. */
async function readPixels(image, width, height) {
  await image.decode();
  if (image.naturalWidth !== width || image.naturalHeight !== height) {
    throw new RangeError(WORDS.unequal);
  }
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

/** Return |a - b| of each pixel, the largest of its three colors, and what to say about all. */
function subtract(a, b) {
  const levels = new Uint8Array(a.length / 4);
  let [sum, largest, nEqual] = [0, 0, 0];
  for (let pixel = 0, at = 0; pixel < levels.length; pixel++, at += 4) {
    const level = Math.max(
      Math.abs(a[at] - b[at]), Math.abs(a[at + 1] - b[at + 1]), Math.abs(a[at + 2] - b[at + 2]),
    );
    levels[pixel] = level;
    sum += level;
    if (level > largest) largest = level;
    if (level === 0) nEqual++;
  }
  return { levels, largest, mean: sum / levels.length, equalShare: nEqual / levels.length };
}

/** Draw differences, times the gain, in the colors of the scale. */
function drawLevels(canvas, levels, gain) {
  const context = canvas.getContext("2d");
  const drawn = context.createImageData(canvas.width, canvas.height);
  for (let pixel = 0; pixel < levels.length; pixel++) {
    const color = 3 * Math.min(255, levels[pixel] * gain);
    drawn.data[4 * pixel] = SCALE_COLORS[color];
    drawn.data[4 * pixel + 1] = SCALE_COLORS[color + 1];
    drawn.data[4 * pixel + 2] = SCALE_COLORS[color + 2];
    drawn.data[4 * pixel + 3] = 255;
  }
  context.putImageData(drawn, 0, 0);
}
