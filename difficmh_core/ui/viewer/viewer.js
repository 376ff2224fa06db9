/* The element <dicmh-viewer>: reads the figures inside it, draws tools and stage beside them. */

const STYLE_ID = "dicmh-viewer-style";
const MEMORY = new Map(); // id of a viewer -> what its visitor chose, for when it comes back
const NARROW_PX = 560;
const MOST_SHOWN = 4;
const KINDS = ["objects", "text"]; // of boxes that may lie on the pictures
const KIND_BUTTONS = { objects: "boxes", text: "text" };
let sharedStyle = null;

/** Return the page's one style of all viewers; it stands in the head, for their shadow trees. */
function viewerStyle() {
  if (!sharedStyle) {
    sharedStyle = new CSSStyleSheet();
    sharedStyle.replaceSync(document.getElementById(STYLE_ID)?.textContent ?? "");
  }
  return sharedStyle;
}

class DicmhViewer extends HTMLElement {
  #layers = new Map();
  #tools = null;
  #drawn = 0; // a drawing that is asked for, until it is done
  #width = 0;
  #observers = [];

  connectedCallback() {
    if (!this.shadowRoot) this.#build();
    const changes = new MutationObserver(() => this.#drawSoon());
    changes.observe(this, { attributes: true, childList: true, subtree: true, characterData: true });
    const sizes = new ResizeObserver(() => {
      if (this.stage.clientWidth !== this.#width) requestAnimationFrame(() => this.layOut());
    });
    sizes.observe(this.stage);
    this.#observers = [changes, sizes];
    this.refresh();
  }

  disconnectedCallback() {
    for (const observer of this.#observers) observer.disconnect();
    cancelAnimationFrame(this.#drawn);
    this.#drawn = 0;
  }

  #build() {
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [viewerStyle()];
    this.tools = make("div", { class: "tools" });
    this.chooser = make("div", { class: "chooser" });
    this.stage = make("div", { class: "stage", id: "stage", role: "group", tabindex: "0", "aria-label": WORDS.stage });
    this.notes = make("div", { class: "notes" });
    this.body = make("div", { class: "dicmh" }, this.tools, this.chooser, this.stage, this.notes);
    root.append(this.body);
    this.body.addEventListener("keydown", (event) => {
      if (!event.defaultPrevented && this.figures.length && pressKey(this, event)) event.preventDefault();
    });
    this.addEventListener("fullscreenchange", () => this.layOut());
    listenToPointers(this, this.stage);
  }

  #drawSoon() {
    this.#drawn ||= requestAnimationFrame(() => this.refresh());
  }

  /** Read the figures again, and draw everything; choices that still make sense stay. */
  refresh() {
    this.#drawn = 0;
    this.size = { width: Number(this.dataset.width), height: Number(this.dataset.height) };
    this.figures = [...this.querySelectorAll(":scope > figure")].map((figure) => ({
      key: figure.dataset.key,
      label: figure.querySelector(".label")?.textContent ?? "",
      source: figure.querySelector("img.picture")?.src ?? "",
      overlays: Object.fromEntries(KINDS.flatMap((kind) => {
        const overlay = figure.querySelector(`img.overlay.${kind}`);
        return overlay ? [[kind, overlay.src]] : [];
      })),
      caption: figure.querySelector("figcaption"),
    }));
    this.body.classList.toggle("empty", this.figures.length === 0);
    if (this.figures.length === 0) {
      this.stage.replaceChildren(make("p", {}, WORDS.none));
      return;
    }
    this.#recall();
    this.#drawTools();
    this.draw();
  }

  #recall() {
    const { width, height } = this.size;
    const picture = `${width}x${height} ${this.figures[0].source}`;
    const memory = MEMORY.get(this.id) ?? {
      state: { mode: "side", shown: null, gain: 4, split: 50, boxes: null, isMagnified: false },
    };
    if (memory.picture !== picture) Object.assign(memory, { picture, view: new View(width, height) });
    MEMORY.set(this.id, memory);
    this.state = memory.state;
    this.view = memory.view;
    const { state, figures } = this;
    const known = (key, fallback) => (figures.some((figure) => figure.key === key) ? key : figures[fallback % figures.length].key);
    state.left = known(state.left, 0);
    state.right = known(state.right, 1);
    if (state.left === state.right) state.right = known(null, figures[0].key === state.left ? 1 : 0);
    state.current = known(state.current, 0);
    state.before = known(state.before, 1);
    if (figures.length < 2) state.mode = "side";
  }

  // What is chosen

  figureOf(key) {
    return this.figures.find((figure) => figure.key === key);
  }

  get pair() {
    return { left: this.figureOf(this.state.left), right: this.figureOf(this.state.right) };
  }

  get shownFigures() {
    const { shown } = this.state;
    const chosen = this.figures.filter((figure) => shown?.includes(figure.key));
    if (chosen.length) return chosen;
    return this.figures.slice(0, this.clientWidth && this.clientWidth < NARROW_PX ? 2 : MOST_SHOWN);
  }

  get currentIndex() {
    return this.figures.findIndex((figure) => figure.key === this.state.current);
  }

  /** Show one figure in blink mode; return whether there was anything to do. */
  choose(index) {
    if (this.state.mode !== "blink" || index >= this.figures.length) return false;
    const { key } = this.figures[index];
    if (key !== this.state.current) this.state.before = this.state.current;
    this.state.current = key;
    this.turnTo(index);
    this.shadowRoot.getElementById(`current-${key}`).checked = true;
    this.show();
    return true;
  }

  flip() {
    return this.choose(this.figures.findIndex((figure) => figure.key === this.state.before));
  }

  turn(by) {
    return this.choose((this.currentIndex + by + this.figures.length) % this.figures.length);
  }

  /** The kinds of boxes that any figure has. */
  get kinds() {
    return KINDS.filter((kind) => this.figures.some((figure) => figure.overlays[kind]));
  }

  /** Show one kind of boxes instead of any other, or none. */
  toggleBoxes(kind) {
    if (!this.kinds.includes(kind)) return false;
    this.state.boxes = this.state.boxes === kind ? null : kind;
    this.show();
    return true;
  }

  toggleLoupe() {
    this.state.isMagnified = !this.state.isMagnified;
    this.show();
    return true;
  }

  #setPair(side, key) {
    const other = side === "left" ? "right" : "left";
    if (this.state[other] === key) this.state[other] = this.state[side];
    this.state[side] = key;
    this.draw();
  }

  // What is drawn

  /** Return the layer of a figure, the same one until its picture changes. */
  layerOf(figure) {
    const key = [figure.key, figure.source, ...Object.entries(figure.overlays)].join("\n");
    const layer = this.#layers.get(figure.key);
    if (layer?.key === key) return layer.element;
    const element = makeLayer(figure, this.size);
    this.#layers.set(figure.key, { key, element });
    return element;
  }

  captionOf(figure) {
    const caption = make("figcaption");
    for (const child of figure.caption?.children ?? []) caption.append(child.cloneNode(true));
    return caption;
  }

  #drawTools() {
    const key = `${this.figures.length > 1} ${this.kinds}`;
    if (this.#tools !== key) {
      this.#tools = key;
      const modes = Object.entries(WORDS.modes).slice(0, this.figures.length > 1 ? undefined : 1);
      const act = (change) => () => { change(this.view); this.show(); };
      this.zoom = make("output", { "aria-label": WORDS.zoom });
      this.boxes = this.kinds.map((kind) => {
        const button = makeButton(KIND_BUTTONS[kind], WORDS.boxes[kind], WORDS.boxesHelp[kind], () => this.toggleBoxes(kind));
        return [kind, button];
      });
      this.loupe = makeButton("loupe", WORDS.loupe, WORDS.loupeHelp, () => this.toggleLoupe());
      const full = makeButton("full", WORDS.full, WORDS.full, () => this.#toggleFullScreen());
      this.tools.replaceChildren(
        makeChoices({
          type: "radio", name: "mode", legend: WORDS.mode, options: modes, style: "joined",
          isChosen: (mode) => mode === this.state.mode,
          onchange: (mode) => { this.state.mode = mode; this.draw(); },
        }),
        make("div", { class: "zoom", role: "group", "aria-label": WORDS.zoom },
          makeButton("zoom-out", "\u2212", "Zoom out (\u2212)", act((view) => view.zoomBy(-1)), { "aria-label": "Zoom out" }),
          this.zoom,
          makeButton("zoom-in", "+", "Zoom in (+)", act((view) => view.zoomBy(1)), { "aria-label": "Zoom in" }),
          makeButton("fit", "Fit", "Fit the whole image (F)", act((view) => view.fit())),
          makeButton("actual", "100%", "Show one pixel of the image as one pixel of the page (0)", act((view) => view.zoomTo(1)))),
        make("div", { class: "switches" },
          ...this.boxes.map(([, button]) => button), this.loupe,
          ...(document.fullscreenEnabled ? [full] : [])),
      );
    }
    const keys = make("details", { class: "help" }, make("summary", {}, WORDS.keys), make("dl", {},
      ...WORDS.keyRows.map(([name, what]) => make("div", {}, make("dt", {}, name), make("dd", {}, what)))));
    const wasOpen = [...this.notes.querySelectorAll("details")].map((details) => details.open);
    const own = [...this.querySelectorAll(":scope > .boxes, :scope > .help")].map((note) => note.cloneNode(true));
    this.notes.replaceChildren(...own, keys);
    this.notes.querySelectorAll("details").forEach((details, index) => { details.open = wasOpen[index] ?? false; });
  }

  #drawChooser() {
    const { mode, left, right, gain, current } = this.state;
    const options = this.figures.map((figure, index) => [figure.key, mode === "blink" ? `${index + 1} ${figure.label}` : figure.label]);
    const choices = { legend: WORDS.pictures, options };
    const pair = (first, second) => [
      makeSelect({ id: "left", label: first, options, value: left, onchange: (key) => this.#setPair("left", key) }),
      makeSelect({ id: "right", label: second, options, value: right, onchange: (key) => this.#setPair("right", key) }),
    ];
    const parts = {
      side: () => [makeChoices({
        ...choices, type: "checkbox", name: "shown",
        isChosen: (key) => this.shownFigures.some((figure) => figure.key === key),
        onchange: (key, isOn) => {
          const shown = this.shownFigures.map((figure) => figure.key).filter((other) => other !== key);
          // The last one stays: an empty stage shows nothing to anyone.
          this.state.shown = isOn || shown.length === 0 ? [...shown, key] : shown;
          this.draw();
        },
      })],
      slider: () => pair(WORDS.left, WORDS.right),
      blink: () => [makeChoices({
        ...choices, type: "radio", name: "current", isChosen: (key) => key === current,
        onchange: (key) => this.choose(this.figures.findIndex((figure) => figure.key === key)),
      })],
      difference: () => [...pair(WORDS.first, WORDS.second), makeSelect({
        id: "gain", label: WORDS.gain, options: GAINS.map((each) => [`${each}`, `${each}\u00d7`]), value: `${gain}`,
        onchange: (value) => { this.state.gain = Number(value); this.draw(); },
      })],
    };
    this.chooser.replaceChildren(...parts[mode]());
  }

  /** Draw tools and stage for the mode; the focus stays where it was. */
  draw() {
    const focused = this.shadowRoot.activeElement?.id;
    this.#drawChooser();
    const radio = this.shadowRoot.getElementById(`mode-${this.state.mode}`);
    if (radio) radio.checked = true;
    this.stage.className = `stage ${this.state.mode}`;
    for (const { element } of this.#layers.values()) {
      element.classList.remove("top");
      element.removeAttribute("aria-hidden");
    }
    this.stage.replaceChildren(...MODES[this.state.mode](this));
    this.frames = [...this.stage.querySelectorAll(".frame")];
    if (focused && this.shadowRoot.activeElement?.id !== focused) {
      this.shadowRoot.getElementById(focused)?.focus({ preventScroll: true });
    }
    this.layOut();
  }

  /** Give the frames their size: as large as the width and most of the window allow. */
  layOut() {
    const available = this.stage.clientWidth;
    this.#width = available;
    if (!available || !this.frames?.length) return;
    const { width, height } = this.size;
    const perRow = Math.max(1, Math.floor((available + GAP_PX) / (LEAST_FRAME_PX + GAP_PX)));
    const rows = Math.ceil(this.frames.length / perRow);
    const columns = Math.ceil(this.frames.length / rows);
    const frameWidth = Math.floor((available - GAP_PX * (columns - 1)) / columns);
    const most = Math.max(240, (document.fullscreenElement === this ? 0.8 : 0.72) * window.innerHeight);
    const frameHeight = Math.max(120, Math.ceil(height * fittingScale(width, height, frameWidth, most)));
    this.stage.style.gridTemplateColumns = `repeat(${columns}, ${frameWidth}px)`;
    for (const frame of this.frames) frame.style.height = `${frameHeight}px`;
    this.view.setFrame(frameWidth, frameHeight);
    this.show();
  }

  /** Put the view, the zoom and the switches onto the page. */
  show() {
    const { view, state, frames } = this;
    for (const layer of this.stage.querySelectorAll(".layer")) layer.style.transform = view.transform;
    this.stage.classList.toggle("movable", view.isMovable);
    this.stage.classList.toggle("enlarged", view.scale > 1);
    for (const part of [this.stage, this.notes]) {
      for (const kind of KINDS) part.classList.toggle(`boxed-${kind}`, state.boxes === kind);
    }
    this.stage.classList.toggle("magnified", state.isMagnified);
    this.zoom.textContent = percent(view.scale);
    for (const [kind, button] of this.boxes) button.setAttribute("aria-pressed", String(state.boxes === kind));
    this.loupe.setAttribute("aria-pressed", String(state.isMagnified));
    if (!state.isMagnified) return;
    const [x, y] = this.loupeAt ?? [view.frameWidth / 2, view.frameHeight / 2];
    for (const frame of frames) drawLoupe(this, frame, x, y);
  }

  moveLoupe(x, y) {
    this.loupeAt = [x, y];
    if (this.state.isMagnified) for (const frame of this.frames) drawLoupe(this, frame, x, y);
  }

  #toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.requestFullscreen();
  }
}

if (!customElements.get("dicmh-viewer")) customElements.define("dicmh-viewer", DicmhViewer);
