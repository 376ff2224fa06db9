"""Words for callers whose request is refused before it reaches the codec."""

NOT_AN_UPLOAD = (
    "The file is not one that was uploaded here, or it has been deleted since, as all are after "
    "a while. Upload it again."
)
NO_ROOM = "Visitors' files take as much room as they may here. Try again in a few minutes."
NOT_SERVED = "There is nothing here. The page is at the root of this server."
NOT_LET_IN = "Only visitors with a password are let in here. Log in first."
NOT_JSON = "The message is no whole JSON text in UTF-8. Send it again as JSON."
NO_LENGTH = "The request does not say how long it is. Send it with a Content-Length header."
TOO_LONG = "The request has {found:.1f} MB; at most {most:.1f} MB are taken here. Send less."
TOO_MANY_FILES = "The request names more than {most} files. Send it in several."

ADDRESS_PRIVATE = (
    "The address is not a public one that this server may ask. Give an http or https address on "
    "the internet, or upload the file."
)
ADDRESS_SLOW = "The address did not send its file within {seconds:.0f} s. Upload the file instead."
ADDRESS_SILENT = "The address does not answer. Check it, or upload the file."
ADDRESS_STATUS = "The address answers with status {status}, not with a file. Check it."
ADDRESS_SENDS_ON = "The address sends on to others too often. Give the last one."
ADDRESS_LARGE = "The address holds more than the {most:.1f} MB that are taken here."
