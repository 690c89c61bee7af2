"""Other projects' checkpoints.

`pickles` reads their files, `cyclegan` and `discogan` know their networks, `found` is what was found in one of them;
`importing` makes a bundle of files, `exporting` files of a bundle.
"""
