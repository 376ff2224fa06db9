// Gradio takes only files that the browser knows as images. The server reads more kinds, tells
// them by their bytes, and refuses others in its own words: each file goes to it as an image.

const PHOTO_FIELD = "#photo input[type=file]";

function asImages(files) {
  const transfer = new DataTransfer();
  for (const file of files) {
    const isKnown = file.type.startsWith("image/");
    transfer.items.add(isKnown ? file : new File([file], file.name, {type: "image/unknown"}));
  }
  return transfer;
}

const haveUnknown = files => [...files].some(file => !file.type.startsWith("image/"));

document.addEventListener("click", event => {
  if (event.target.matches?.(PHOTO_FIELD)) event.target.accept = WORDS.accepted;
}, true);

document.addEventListener("change", event => {
  const field = event.target;
  if (field.matches?.(PHOTO_FIELD) && haveUnknown(field.files)) {
    field.files = asImages(field.files).files;
  }
}, true);

document.addEventListener("drop", event => {
  const files = event.dataTransfer?.files ?? [];
  const photo = event.target.closest?.("#photo");
  if (!photo || !files.length) return;
  const field = document.querySelector(PHOTO_FIELD);
  if (photo.querySelector(".image-frame") && field) {
    // Gradio would take the old photograph away before it knows whether the new one is good.
    event.preventDefault();
    event.stopImmediatePropagation();
    event.target.dispatchEvent(new DragEvent("dragleave", {bubbles: true}));
    field.files = asImages([files[0]]).files;
    field.dispatchEvent(new Event("change", {bubbles: true}));
    return;
  }
  if (!haveUnknown(files)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  event.target.dispatchEvent(
    new DragEvent("drop", {dataTransfer: asImages(files), bubbles: true, cancelable: true}));
}, true);
