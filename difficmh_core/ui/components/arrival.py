"""A page begins: what the visitor had on it before comes back, unless a link asks for more."""

import json
from collections.abc import Callable, Mapping

import gradio as gr

from difficmh_core.ui.runtime.events import QUICK, Event, Updates, Values
from difficmh_core.ui.runtime.visits import Visits, kept_of

STORAGE_KEY = "difficmh-visit"
"""Names the visit's key in the browser's storage, which other sites cannot read. Gradio's own
component for it may not have read it yet when the page begins."""
RETURNS = ("reload", "back_forward")
"""How a browser came to a page that was there before."""
_HOW = f"""() => {{
  const tab = sessionStorage.getItem({json.dumps(STORAGE_KEY)})
    ?? crypto.getRandomValues(new Uint32Array(2)).join("-");
  sessionStorage.setItem({json.dumps(STORAGE_KEY)}, tab);
  const key = localStorage.getItem({json.dumps(STORAGE_KEY)}) ?? "";
  return [key, performance.getEntriesByType("navigation")[0]?.type ?? "", tab];
}}"""
_KEEP = f"(key) => {{ localStorage.setItem({json.dumps(STORAGE_KEY)}, key); }}"


class Arrival:
    """What is known of how a page begins.

    Attributes:
        how: Says whether the browser came back to the page, as ``NavigationTiming`` names it.
        event: Restores what was there.
    """

    def __init__(
        self, demo: gr.Blocks, visits: Visits, is_link: Callable[[Mapping[str, str]], bool]
    ) -> None:
        """Connect the event; to be called when all components are drawn.

        Args:
            demo: The page.
            visits: Remembers what visitors had on it.
            is_link: Tells from an address's query whether it asks for something by itself.
        """
        key = gr.Textbox("", visible="hidden", elem_id="arrival-key")
        self.how = gr.Textbox("", visible="hidden", elem_id="arrival")
        tab = gr.Textbox("", visible="hidden", elem_id="arrival-tab")

        def arrive(request: gr.Request, values: Values) -> Updates:
            is_new = is_link(dict(request.query_params)) and not self.is_return(values)
            drawn, shown = visits.arrive(
                str(request.session_hash),
                values[key],
                tab=values[tab],
                owner=request.username,
                is_new=is_new,
            )
            return {key: drawn, self.how: values[self.how]} | shown

        self.event: Event = demo.load(
            arrive, {key, self.how, tab}, [key, self.how, *kept_of(demo)], js=_HOW, **QUICK
        )
        visits.leave_alone(max(demo.fns))
        self.event.then(None, key, None, js=_KEEP, **QUICK)

    def is_return(self, values: Values) -> bool:
        """Tell whether a browser comes back to the page, given :attr:`how`."""
        return values[self.how] in RETURNS
