"""Images on their way to a game: sources, the decoded store, the split, batches, augmentation and `data check`."""
