/* The static page: takes what is dropped or chosen, tells what a .dicmh file says, and puts two
   images into the viewer. */

(() => {
"use strict";

const at = (id) => document.getElementById(id);
const SUFFIX = ".dicmh";
let images = []; // the last two, so that they can come one after the other

/** Say something: what is wrong, or only what comes next. */
function say(words, isWrong = false) {
  at("message").textContent = words;
  at("message").classList.toggle("wrong", isWrong);
}

/** Write what was checked, and what this page cannot check. */
function checksOf({ profile, fingerprint }) {
  const packaged = PACKAGED.fingerprints[profile.name];
  const model = packaged === undefined
    ? [false, `Model ${fingerprint} of the profile ${profile.name}: this page does not know its models.`]
    : fingerprint === packaged
      ? [true, `The model that wrote the file is the ${profile.name} of this version.`]
      : [false, `The file was written by another ${profile.name} (${fingerprint}, not ${packaged}), which this version cannot decode.`];
  return [
    [true, "Format and version are known."],
    [true, "The checksum matches: no bit has changed since the file was written."],
    [true, "The sections take exactly the bytes that the header announces."],
    [true, "The tags have a valid code."],
    model,
    [false, "The coded integers are not checked here: that needs the networks. Use difficmh verify."],
  ];
}

function showFile(name, bytes) {
  at("file").hidden = true;
  const stream = readDicmh(bytes);
  at("checks").replaceChildren(...checksOf(stream).map(([isGood, words]) => make("li", { class: isGood ? "good" : "open" },
    make("span", { class: "mark", role: "img", "aria-label": isGood ? "valid:" : "open:" }, isGood ? "\u2713" : "\u2013"),
    make("span", {}, words))));
  at("info").textContent = reportOf(name, stream).text;
  at("file").hidden = false;
}

/** Read an image as an address that may be drawn and read: a page of files may read no other. */
async function readImage(file) {
  const source = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  const image = new Image();
  image.src = source;
  try {
    await image.decode();
  } catch {
    throw new RefusedError(`${file.name} is neither a ${SUFFIX} file nor an image that this browser reads.`);
  }
  return { name: file.name, source, width: image.naturalWidth, height: image.naturalHeight };
}

function showImages() {
  const [first, second] = images;
  if (second && (first.width !== second.width || first.height !== second.height)) {
    images = [second];
    throw new RefusedError(
      `The images differ in size: ${first.name} has ${first.width} x ${first.height} px, ${second.name} `
      + `${second.width} x ${second.height} px. Choose two of the same size.`,
    );
  }
  const figures = images.map(({ name, source }, index) => make("figure", { "data-key": `image-${index}` },
    make("img", { class: "picture", src: source, alt: name }),
    make("figcaption", {}, make("strong", { class: "label" }, name))));
  const viewer = make("dicmh-viewer", { id: "images-viewer", "data-width": first.width, "data-height": first.height }, ...figures);
  at("viewer").replaceChildren(viewer);
  at("images").hidden = false;
  say(second ? "" : "Choose a second image to compare with.");
}

async function take(files) {
  say("");
  try {
    for (const file of files) {
      if (file.name.toLowerCase().endsWith(SUFFIX)) {
        if (file.size > LIMITS.fileBytes) {
          throw new RefusedError(
            `The file '${file.name}' has more than ${grouped(LIMITS.fileBytes)} bytes, more than any Diff-ICMH file. `
            + "Choose a .dicmh file.",
          );
        }
        showFile(file.name, new Uint8Array(await file.arrayBuffer()));
      } else {
        images = [...images, await readImage(file)].slice(-2);
        showImages();
      }
    }
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    say(error.message, true);
  }
}

at("files").addEventListener("change", (event) => {
  take([...event.target.files]);
  event.target.value = ""; // so that the same file can be chosen again
});
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  window.addEventListener(type, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", type === "dragenter" || type === "dragover");
    if (type === "drop") take([...event.dataTransfer.files]);
  });
}
})();
