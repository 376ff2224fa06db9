"""Start the page: ``python app.py``."""

from difficmh_core.ui.main import leave

if __name__ == "__main__":
    leave()
