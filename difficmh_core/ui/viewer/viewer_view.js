/* Where all figures look: one scale and one center; and what fingers, mouse and keys do to them. */

const ZOOM_STEPS = [1 / 16, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const MOST_ZOOM = 32;
const TAP_PX = 6;
const TAP_MS = 350;
const SWIPE_PX = 40;

/** Return the largest scale at which a picture fits; above 1 a whole one, for even pixels. */
function fittingScale(width, height, frameWidth, frameHeight) {
  const scale = Math.min(frameWidth / width, frameHeight / height);
  return scale > 1 ? Math.floor(scale) : scale;
}

/** The part of the picture that all frames show. */
class View {
  constructor(width, height) {
    Object.assign(this, { width, height, frameWidth: width, frameHeight: height });
    Object.assign(this, { scale: 1, x: width / 2, y: height / 2, isFitted: true });
  }

  get fitted() {
    return fittingScale(this.width, this.height, this.frameWidth, this.frameHeight);
  }

  /** Whether a part of the picture is outside its frame. */
  get isMovable() {
    return this.width * this.scale > this.frameWidth + 1 || this.height * this.scale > this.frameHeight + 1;
  }

  setFrame(width, height) {
    Object.assign(this, { frameWidth: width, frameHeight: height });
    if (this.isFitted) this.fit();
    else this.keepInside();
  }

  fit() {
    this.scale = this.fitted;
    this.keepInside();
    this.isFitted = true;
  }

  /** Zoom so that the picture's point at a point of the frame stays there. */
  zoomTo(scale, x = this.frameWidth / 2, y = this.frameHeight / 2) {
    const [right, down] = [x - this.frameWidth / 2, y - this.frameHeight / 2];
    const [pictureX, pictureY] = [this.x + right / this.scale, this.y + down / this.scale];
    this.scale = clamp(scale, Math.min(this.fitted, 1), MOST_ZOOM);
    this.x = pictureX - right / this.scale;
    this.y = pictureY - down / this.scale;
    this.isFitted = false;
    this.keepInside();
  }

  /** Zoom to the next of the usual scales. */
  zoomBy(direction, x, y) {
    const next = direction > 0
      ? ZOOM_STEPS.find((step) => step > this.scale * 1.001)
      : ZOOM_STEPS.findLast((step) => step < this.scale * 0.999);
    this.zoomTo(next ?? this.scale, x, y);
  }

  /** Move the picture by pixels of the page. */
  move(right, down) {
    this.x -= right / this.scale;
    this.y -= down / this.scale;
    this.keepInside();
  }

  keepInside() {
    const inside = (center, size, frame) => {
      const half = frame / 2 / this.scale;
      return size <= 2 * half ? size / 2 : clamp(center, half, size - half);
    };
    this.x = inside(this.x, this.width, this.frameWidth);
    this.y = inside(this.y, this.height, this.frameHeight);
  }

  /** Return the picture's point at a point of the frame. */
  pointAt(x, y) {
    return [this.x + (x - this.frameWidth / 2) / this.scale, this.y + (y - this.frameHeight / 2) / this.scale];
  }

  /** The same for all frames; whole pixels, or nothing would be sharp at 100%. */
  get transform() {
    const left = Math.round(this.frameWidth / 2 - this.x * this.scale);
    const top = Math.round(this.frameHeight / 2 - this.y * this.scale);
    return `translate(${left}px, ${top}px) scale(${this.scale})`;
  }
}

/** Return a pointer's place in the frame that it is over. */
function placeIn(frame, event) {
  const box = frame.getBoundingClientRect();
  return [event.clientX - box.left - frame.clientLeft, event.clientY - box.top - frame.clientTop];
}

/** Let wheel, mouse and fingers move the view of a viewer. */
function listenToPointers(viewer, stage) {
  const pointers = new Map();
  let start = null;
  const frameOf = (event) => event.target.closest?.(".frame");
  const middle = () => {
    const all = [...pointers.values()];
    const x = all.reduce((sum, at) => sum + at.clientX, 0) / all.length;
    const y = all.reduce((sum, at) => sum + at.clientY, 0) / all.length;
    const spread = all.length > 1 ? Math.hypot(all[0].clientX - all[1].clientX, all[0].clientY - all[1].clientY) : 0;
    return { clientX: x, clientY: y, spread };
  };

  stage.addEventListener("wheel", (event) => {
    const frame = frameOf(event);
    if (!frame || event.deltaY === 0) return;
    const { view } = viewer;
    // A picture that cannot get smaller lets the page scroll on.
    if (event.deltaY > 0 && view.scale <= Math.min(view.fitted, 1) && !event.ctrlKey) return;
    event.preventDefault();
    const pixels = event.deltaY * [1, 16, 100][event.deltaMode];
    view.zoomTo(view.scale * Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), ...placeIn(frame, event));
    viewer.show();
  }, { passive: false });

  stage.addEventListener("pointerdown", (event) => {
    const frame = frameOf(event);
    if (!frame || event.button !== 0) return;
    stage.focus({ preventScroll: true });
    frame.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    start = pointers.size === 1 ? event : null;
  });

  stage.addEventListener("pointermove", (event) => {
    const frame = frameOf(event);
    if (frame) viewer.moveLoupe(...placeIn(frame, event));
    if (!frame || !pointers.has(event.pointerId)) return;
    const before = middle();
    pointers.set(event.pointerId, event);
    const after = middle();
    viewer.view.move(after.clientX - before.clientX, after.clientY - before.clientY);
    if (before.spread > 0) {
      viewer.view.zoomTo((viewer.view.scale * after.spread) / before.spread, ...placeIn(frame, after));
    }
    viewer.show();
  });

  const lift = (event) => {
    if (!pointers.delete(event.pointerId) || event.type === "pointercancel" || !start) return;
    const [right, down] = [event.clientX - start.clientX, event.clientY - start.clientY];
    const isTap = Math.hypot(right, down) < TAP_PX && event.timeStamp - start.timeStamp < TAP_MS;
    const isSwipe = Math.abs(right) > SWIPE_PX && Math.abs(right) > 2 * Math.abs(down);
    if (isTap) viewer.flip();
    else if (isSwipe && event.pointerType === "touch" && !viewer.view.isMovable) viewer.turn(right < 0 ? 1 : -1);
  };
  stage.addEventListener("pointerup", lift);
  stage.addEventListener("pointercancel", lift);
  stage.addEventListener("dblclick", (event) => {
    const frame = frameOf(event);
    if (!frame) return;
    if (viewer.view.isFitted) viewer.view.zoomTo(viewer.view.scale === 1 ? 2 : 1, ...placeIn(frame, event));
    else viewer.view.fit();
    viewer.show();
  });
}

/** Do what a key says; return whether it says anything. */
function pressKey(viewer, event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  const { view } = viewer;
  const isControl = event.target.matches?.("button, select, input, summary, [role=slider]");
  const far = event.shiftKey ? 0.5 : 0.1;
  const [right, down] = [far * view.frameWidth, far * view.frameHeight];
  const moves = { ArrowLeft: [right, 0], ArrowRight: [-right, 0], ArrowUp: [0, down], ArrowDown: [0, -down] };
  if (event.target.matches?.("select")) return false;
  if (/^[1-9]$/.test(event.key)) return viewer.choose(Number(event.key) - 1);
  if (event.key === "+" || event.key === "=") view.zoomBy(1);
  else if (event.key === "-") view.zoomBy(-1);
  else if (event.key === "0") view.zoomTo(1);
  else if (event.key === "f") view.fit();
  else if (event.key === "b") return viewer.toggleBoxes("objects");
  else if (event.key === "t") return viewer.toggleBoxes("text");
  else if (event.key === "l") return viewer.toggleLoupe();
  else if (isControl) return false;
  else if (event.key === " ") return viewer.flip();
  else if (event.key in moves && view.isMovable) view.move(...moves[event.key]);
  else return false;
  viewer.show();
  return true;
}
