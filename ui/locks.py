"""What is locked, hidden and offered while the model works.

Every function's outputs begin with the decode button, the stop button and the progress.
"""

import gradio as gr

from ui import texts, views
from ui.session import Decoding, Session, Update

__all__ = [
    "clear",
    "clear_file",
    "lock_for_decoding",
    "lock_for_encoding",
    "lock_for_first",
    "lock_if_there",
    "lock_if_wanted",
    "lock_long",
    "lock_step",
    "show_if_there",
    "stop",
    "stop_file",
    "unlock",
    "unlock_file",
    "unlock_long",
]


def lock() -> tuple[Update, Update, Update]:
    """Lock both buttons and hide the progress."""
    locked = gr.update(interactive=False)
    return locked, locked, gr.update(visible=False)


def lock_for_encoding(passes: object) -> tuple[Update, Update, Update, Update]:
    """Lock the buttons while a file is being made, and hide an unfinished picture.

    Args:
        passes: Of refinement, as the slider has it; with any, offer to stop and show the progress.
    """
    return *(_lock_and_offer_to_stop() if passes else lock()), gr.update(visible=False)


def lock_for_first(passes: object) -> tuple[Update, Update, Update, Update]:
    """Offer to stop the refinement of a photograph's first file, if it is refined.

    Beside the buttons and the progress it shows the column that they are in.
    """
    if not passes:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip()
    return *_lock_and_offer_to_stop(), gr.update(visible=True)


def _lock_and_offer_to_stop() -> tuple[Update, Update, Update]:
    progress = gr.update(value=views.draw_waiting(texts.WAITING), visible=True)
    return gr.update(interactive=False), gr.update(interactive=True), progress


def show_if_there(session: Session) -> Update:
    """Show the column around a file, if there is one."""
    return gr.update(visible=session.encoded is not None)


def lock_for_decoding() -> tuple[Update, Update, Update, Update | str]:
    """Lock the decode button, offer to stop, and show the progress."""
    return *_lock_and_offer_to_stop(), ""


def lock_step(state: Decoding) -> tuple[Update, Update, Update | str]:
    """Show how far decoding is; before its first step lock, as the last one may have unlocked."""
    progress = views.draw_progress(state.index, state.total, state.seconds)
    if state.index:
        return gr.skip(), gr.skip(), progress
    decode, stop, _ = _lock_and_offer_to_stop()
    return decode, stop, gr.update(value=progress, visible=True)


def lock_if_wanted(
    is_wanted: bool, session: Session
) -> tuple[Update, Update, Update, Update | str]:
    """Lock as for a decoding, if one starts by itself."""
    if is_wanted and session.encoded is not None:
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
    locked = gr.update(interactive=False)
    return locked, gr.update(interactive=True), views.draw_waiting(texts.WAITING)


def unlock_long() -> tuple[Update, Update]:
    """Offer to start long work again."""
    return gr.update(interactive=True), gr.update(interactive=False)


def stop(session: Session) -> tuple[Update, Update, Update, str]:
    """Say that work was stopped; Gradio closes the generator at its next step.

    Steps that are still on their way to the browser write into the progress, hidden by now.
    """
    return *unlock(session), views.draw_message(texts.STOPPED)


def stop_file() -> tuple[Update, Update, Update, str]:
    """Say the same in the decode tab, which has a file whenever something can be stopped."""
    return gr.update(interactive=True), *lock()[1:], views.draw_message(texts.STOPPED)


def clear() -> tuple[Update, Update, Update, str, Update, Update, Update]:
    """Lock the buttons and empty the stage, because another photograph is coming."""
    hidden = gr.update(visible=False)
    message = views.draw_message(texts.COMPRESSING)
    return *lock(), message, hidden, hidden, hidden


def clear_file() -> tuple[Update, Update, Update, str, str, Update, Update]:
    """Lock the buttons and forget what the decode tab shows."""
    hidden = gr.update(visible=False)
    return *lock(), "", "", hidden, hidden
