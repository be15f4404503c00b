"""Nodes reached over SSH: what is the same for namespaces, containers and machines."""
