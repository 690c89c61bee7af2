"""Named sets: real data that packages carry, made into ordinary folders. One file each."""
