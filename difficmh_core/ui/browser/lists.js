/* Tab closes the list of a field. Gradio would close it, too, but answers to the key afterwards by
   opening it again, with no focus in it: then neither Escape nor a click closes it. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Tab" && event.target.matches?.("[role=combobox]")) event.stopPropagation();
}, true);
