/* Tab closes the list of a field. Gradio would close it, too, but answers to the key, and to Shift
   held before it, afterwards by opening it again, with no focus in it: then neither Escape nor a
   click closes it. */
const LEAVING = new Set(["Tab", "Shift", "Control", "Alt", "Meta"]);

document.addEventListener("keydown", (event) => {
  if (LEAVING.has(event.key) && event.target.matches?.("[role=combobox]")) event.stopPropagation();
}, true);
