"""Words for callers whose request or file is refused before it reaches the codec."""

NOT_AN_UPLOAD = (
    "This file was not uploaded here, or it has been deleted since. Files are deleted within ten "
    "minutes. Upload it again."
)
PHOTO_EXPIRED = "The photo has been deleted, as all are within ten minutes. Add it again."
FOREIGN_REQUEST = (
    "This page answers its own scripts and programs, not the pages of other sites. If you "
    "host this page, its reverse proxy must pass on the Host header."
)
NO_ROOM = "There is no room for more files at the moment. Try again in a few minutes."
NOT_SERVED = "There is nothing at this address."
NOT_LET_IN = "This page is for visitors with a password. Log in first."
NOT_JSON = "The message is not a complete JSON text in UTF-8. Send it again as JSON."
NO_LENGTH = "The request does not say how long it is. Send it with a Content-Length header."
TOO_LONG = "The request is {found:.1f} MB; the limit is {most:.1f} MB. Send less."
TOO_MANY_FILES = "The request names more than {most} files. Send it in several."

ADDRESS_PRIVATE = (
    "The address is not a public one, so this server will not contact it. Give an http or https "
    "address on the internet, or upload the file."
)
ADDRESS_SLOW = "The address did not send its file within {seconds:.0f} s. Upload the file instead."
ADDRESS_SILENT = "The address does not answer. Check it, or upload the file."
ADDRESS_STATUS = "The address answers with status {status}, not with a file. Check it."
ADDRESS_SENDS_ON = "The address redirects too often. Give the address where it ends."
ADDRESS_LARGE = "The file at the address is larger than the limit of {most:.1f} MB."
