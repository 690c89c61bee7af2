"""The keys of `result.json`, for those who write and those who read it."""

SOURCE, TARGET, TEST, TRANSLATOR = "source", "target", "test", "translator"
LABELS, CLASSES = "labels", "classes"
OWN = "on the source's own held-out images"
MINUTES, VERSION, COMMIT = "minutes", "version", "commit"

TESTED = "tested"
IMAGES, BY_CLASS = "images", "by_class"
COMMONEST_CLASS = "of the commonest class"
LEFT_OUT = "left out, of classes that the source has not"
UNSEEN = "unseen by any run"
"""Within `TESTED`."""

ACCURACY = "accuracy"
OVERALL = "overall"
PER_PIXEL, PER_CLASS, MEAN_IOU = "per-pixel accuracy", "per-class accuracy", "mean class IoU"
RIGHT, IOU = "accuracy", "IoU"
"""Within `ACCURACY`, of each who is taught, beside `BY_CLASS`: of classes of images; of label maps; of one of their classes."""

FLIPPED, FLIPS = "flipped", "flips"
READ, MISREAD, REAL_MISREAD, COMMONEST = "read", "read as another class", "real ones misread", "commonest"
"""Within `FLIPS`, of each judge."""
