"""Claims tested: what of a run is evidence, by which rules a sentence of a book is confirmed, in which runs."""
