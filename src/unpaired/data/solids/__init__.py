"""3-D models, read and drawn: what named sets of turned objects are made of. numpy and Pillow, nothing else."""
