"""Labels of one domain for another: translate the labelled images, train on what comes out, test on the other domain's own.

options: what may be told, without torch
adapt: all of it, in a folder that can be gone on with; asked: what that folder was asked for
task: how images are read, and what a task is
classes: classes of images; reading, class_scores, flips: read, tested, audited; translated: written
maps: a class for each pixel; map_scores, map_flips: likewise
sheets: pictures of what flipped; result: what came of it; keys: how its file calls that
"""
