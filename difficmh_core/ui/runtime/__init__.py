"""What stands behind the tabs: the codec, files, sessions, work that can be stopped."""
