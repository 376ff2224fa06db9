// A server that is gone: what the page shows then goes on no more, and the page says so.
//
// The server is asked while work is under way, and when the visitor does something; a page that
// lies idle asks nothing.

const ASK_EVERY_MS = 3000, PATIENCE_MS = 10000, MISSES = 2;
let nMissed = 0, firstApp = null, lastAsked = 0, notice = null;

async function ask() {
  const address = new URL("gradio_api/app_id", document.baseURI);
  const answer = await fetch(address, {signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store"});
  return answer.ok ? (await answer.json()).app_id : null;
}

async function checkConnection() {
  lastAsked = Date.now();
  try {
    const app = await ask();
    firstApp ??= app;
    nMissed = 0;
    // Another process has none of this visit's work; a link that was cut for a moment is no loss.
    if (app === firstApp) showConnection(true);
    else if (app !== null) showConnection(false);
  } catch {
    nMissed += 1;
    if (nMissed >= MISSES) showConnection(false);
    else setTimeout(checkConnection, 1000);
  }
}

function showConnection(isThere) {
  document.body.classList.toggle("lost", !isThere);
  document.querySelectorAll(".actions").forEach(row => { row.inert = !isThere; });
  if (isThere) {
    notice?.remove();
    notice = null;
  } else if (!notice) {
    notice = Object.assign(document.createElement("div"), {id: "connection-lost"});
    notice.setAttribute("role", "alert");
    const reload = Object.assign(document.createElement("button"), {textContent: WORDS.reload});
    reload.addEventListener("click", () => window.location.reload());
    notice.append(Object.assign(document.createElement("p"), {textContent: WORDS.lost}), reload);
    document.body.append(notice);
  }
}

function checkSometimes() {
  if (Date.now() - lastAsked >= ASK_EVERY_MS) checkConnection();
}

const isBusy = () => [...document.querySelectorAll(".progress")].some(bar => bar.checkVisibility());
setInterval(() => { if (notice || isBusy()) checkSometimes(); }, 1000);
for (const act of ["pointerdown", "keydown"]) document.addEventListener(act, checkSometimes);
window.addEventListener("offline", checkConnection);
