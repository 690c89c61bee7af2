"""Labels of one domain for another: translate the labelled images, train on what comes out, test on the other domain's own.

translated: a labelled set, through a translator
"""
