"""What is locked, hidden and offered while the model works.

Every function's outputs begin with the decode button, the stop button and the progress.
"""

import gradio as gr

from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.runtime.session import Session, Update

__all__ = [
    "clear",
    "clear_file",
    "lock_at_step",
    "lock_at_work",
    "lock_for_decoding",
    "lock_for_encoding",
    "lock_for_first",
    "lock_if_there",
    "lock_if_wanted",
    "lock_long",
    "show_if_there",
    "stop",
    "stop_file",
    "stop_long",
    "unlock",
    "unlock_file",
    "unlock_long",
]


def lock() -> tuple[Update, Update, Update]:
    """Lock both buttons and hide the progress."""
    locked = gr.update(interactive=False)
    return locked, locked, gr.update(visible=False)


def lock_for_encoding(session: Session, passes: object) -> tuple[Update, Update, Update, Update]:
    """Lock the buttons while a file is being made, and hide an unfinished picture.

    Args:
        session: Without a photograph nothing is made.
        passes: Of refinement, as the slider has it; with any, offer to stop and show the progress.
    """
    if session.photo is None:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip()
    return *(_lock_and_offer_to_stop() if passes else lock()), gr.update(visible=False)


def lock_for_first(passes: object) -> tuple[Update, Update, Update, Update]:
    """Offer to stop the refinement of a photograph's first file, if it is refined.

    Beside the buttons and the progress it shows the column that they are in.
    """
    if not passes:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip()
    return *_lock_and_offer_to_stop(), gr.update(visible=True)


def _lock_and_offer_to_stop() -> tuple[Update, Update, Update]:
    progress = gr.update(value=html.draw_waiting(texts.WAITING), visible=True)
    return gr.update(interactive=False), gr.update(interactive=True), progress


def show_if_there(session: Session) -> Update:
    """Show the column around a file, if there is one."""
    return gr.update(visible=session.encoded is not None)


def lock_for_decoding() -> tuple[Update, Update, Update, Update | str]:
    """Lock the decode button, offer to stop, and show the progress."""
    return *_lock_and_offer_to_stop(), ""


def lock_at_step(progress: str) -> tuple[Update, Update, Update]:
    """Show how far work is. Lock at each step: what ran before may have unlocked meanwhile."""
    decode, stop, _ = _lock_and_offer_to_stop()
    return decode, stop, gr.update(value=progress, visible=True)


def lock_if_wanted(
    is_wanted: bool, session: Session, *controls: float | str
) -> tuple[Update, Update, Update, Update | str]:
    """Lock as for a decoding, if one starts by itself."""
    if is_wanted and session.lacks_picture(controls):
        return lock_for_decoding()
    return gr.skip(), gr.skip(), gr.skip(), gr.skip()


def lock_if_there(
    is_wanted: bool, file: str | None
) -> tuple[Update, Update, Update, Update | str]:
    """Lock as for a decoding, if there is a file and its decoding starts by itself."""
    if is_wanted and file is not None:
        return lock_for_decoding()
    return gr.update(interactive=file is not None), gr.skip(), gr.skip(), gr.skip()


def unlock(session: Session) -> tuple[Update, Update, Update]:
    """Offer to decode the session's file, if there is one."""
    return gr.update(interactive=session.encoded is not None), *lock()[1:]


def unlock_file(file: str | None) -> tuple[Update, Update, Update]:
    """Offer to decode the file of the decode tab, if there is one."""
    return gr.update(interactive=file is not None), *lock()[1:]


def lock_long() -> tuple[Update, Update, str]:
    """Lock what starts long work, offer to stop it, and say that it waits."""
    return *lock_at_work(), html.draw_waiting(texts.WAITING)


def lock_at_work() -> tuple[Update, Update]:
    """Lock what starts long work, and offer to stop it."""
    return gr.update(interactive=False), gr.update(interactive=True)


def unlock_long() -> tuple[Update, Update]:
    """Offer to start long work again."""
    return gr.update(interactive=True), gr.update(interactive=False)


def stop_long() -> tuple[Update, Update, str]:
    """Say that long work was stopped, and offer to start it again."""
    return *unlock_long(), html.draw_message(texts.STOPPED_MEASURING)


def stop(session: Session) -> tuple[Update, Update, Update, str]:
    """Say that work was stopped; it ends with the step that is under way."""
    is_first = session.photo is not None and session.encoded is None
    message = texts.STOPPED_FIRST if is_first else texts.STOPPED
    return *unlock(session), html.draw_message(message)


def stop_file(file: str | None) -> tuple[Update, Update, Update, str]:
    """Say the same in the decode tab."""
    return *unlock_file(file), html.draw_message(texts.STOPPED)


def clear() -> tuple[Update, Update, Update, str, Update, Update, Update]:
    """Lock the buttons and empty the stage, because another photograph is coming."""
    hidden = gr.update(visible=False)
    message = html.draw_message(texts.COMPRESSING)
    return *lock(), message, hidden, hidden, hidden


def clear_file() -> tuple[Update, Update, Update, str, str, Update, Update]:
    """Lock the buttons and forget what the decode tab shows."""
    hidden = gr.update(visible=False)
    return *lock(), "", "", hidden, hidden
