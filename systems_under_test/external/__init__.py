"""Databases that we did not write, one file each: a keeper for the nodes, a client, and what is known of them.

On nodes these files are imported without anything installed: a client's library is imported where the client opens.
"""
