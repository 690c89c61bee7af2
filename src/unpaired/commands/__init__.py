"""The commands, in modules as the pages of the docs. What each one needs is imported when it runs."""
