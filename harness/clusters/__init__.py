"""Providers of clusters, and what they share: SSH, the work done on a node, the cluster verbs over SSH."""
