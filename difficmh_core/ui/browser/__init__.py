"""What the page does in the browser without the server."""
