"""Words for callers whose request or file is refused before it reaches the codec."""

NOT_AN_UPLOAD = (
    "This file was not uploaded here, or it has been deleted since, as all files are after a "
    "while. Upload it again."
)
PHOTO_EXPIRED = "The photograph has been deleted, as all are after a while. Add it again."
FOREIGN_REQUEST = (
    "This page answers its own scripts and programs, not the pages of other sites. If it is the "
    "page itself that was refused, its proxy has to pass on the Host header."
)
NO_ROOM = "There is no room for more files at the moment. Try again in a few minutes."
NOT_SERVED = "There is nothing here. The page is at the root of this server."
NOT_LET_IN = "This page is for visitors with a password. Log in first."
NOT_JSON = "The message is not a complete JSON text in UTF-8. Send it again as JSON."
NO_LENGTH = "The request does not say how long it is. Send it with a Content-Length header."
TOO_LONG = "The request has {found:.1f} MB; this server takes at most {most:.1f} MB. Send less."
TOO_MANY_FILES = "The request names more than {most} files. Send it in several."

ADDRESS_PRIVATE = (
    "The address is not a public one that this server may ask. Give an http or https address on "
    "the internet, or upload the file."
)
ADDRESS_SLOW = "The address did not send its file within {seconds:.0f} s. Upload the file instead."
ADDRESS_SILENT = "The address does not answer. Check it, or upload the file."
ADDRESS_STATUS = "The address answers with status {status}, not with a file. Check it."
ADDRESS_SENDS_ON = "The address redirects too often. Give the last one."
ADDRESS_LARGE = "The address holds more than the {most:.1f} MB that this server takes."
