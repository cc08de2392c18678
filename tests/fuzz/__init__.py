"""Files that nobody would write: made of real ones by chance, and given to lint."""
