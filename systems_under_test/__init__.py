"""The bundled systems, each one idea of the book, deployable on every kind of cluster."""
