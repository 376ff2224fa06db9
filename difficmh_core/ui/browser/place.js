// How many requests are before one's own, in words. Gradio knows the number, and writes it as
// "queue: 1/1 | 21.8/1.1s", with a time that others' work of another size took; the style sheet
// hides that.

const PLACE = /queue:\s*(\d+)\//;

function tellPlace() {
  for (const line of document.querySelectorAll(".progress .place")) {
    const told = line.closest(".block")?.querySelector("[data-testid='status-tracker']");
    const found = PLACE.exec(told?.textContent ?? "");
    const n = Number(found?.[1] ?? 0);
    const words = n === 0 ? "" : n === 1 ? WORDS.next : WORDS.place.replace("{n}", n);
    if (line.textContent !== words) line.textContent = words;
  }
}

// The head may be written before the body, or after it.
new MutationObserver(tellPlace).observe(document.documentElement,
  {childList: true, subtree: true, characterData: true});
