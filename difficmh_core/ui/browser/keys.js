// Keys release a slider as the pointer does: Gradio tells a release of the pointer only, so that a
// number that is confirmed by Enter, or a handle that is moved by an arrow, would change nothing.

const MOVING = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End",
  "PageUp", "PageDown"]);

function releaseBy(event, isMeant) {
  const field = event.target;
  if (!field.matches?.("[data-testid='number-input'], [data-testid='range-input']")) return;
  if (isMeant(field)) field.dispatchEvent(new PointerEvent("pointerup", {bubbles: true}));
}

document.addEventListener("keydown", event =>
  releaseBy(event, field => event.key === "Enter" && field.type === "number"));
document.addEventListener("keyup", event =>
  releaseBy(event, field => MOVING.has(event.key)
    && (field.type === "range" || event.key === "ArrowUp" || event.key === "ArrowDown")));
