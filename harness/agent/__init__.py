"""What runs on a node, or beside it as root, to break it: standard library only, one JSON object as the answer."""
